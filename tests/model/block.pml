/*
 * block.pml: block.c: alloc, hold and drop with intents and a recoverable
 * compare-and-swap on the count.
 *
 * WORKERS threads do OPS operations each on two blocks. Any may die between
 * any two steps; the others recover it, and may die at that too. One step is
 * one atomic access to shared memory; stores that nobody looks at until a
 * later one (the intent's fields before its op) are one step with it.
 *
 * Block 0 is plain. Block 1, with NESTED, has a hold of its own on block 0
 * (a job), so that its drop runs a drop one level deeper.
 */
#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef OPS
#define OPS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#define BLOCKS 2
#define INNER WORKERS /* the hold that lies in block 1 */
#define HOLDS (WORKERS + 1)
#define INTENTS (2 * WORKERS) /* two levels a thread */
#define NOBODY 7

/* A block's word: state, owner, generation. */
#define FREE 0
#define TAKEN 1
#define LIVE 2
#define STATE(word) ((word) & 3)
#define TAKER(word) ((word) >> 2 & 7)
#define GEN(word) ((word) >> 5)
#define WORD(state, owner, gen) ((state) | (owner) << 2 | (gen) << 5)
byte word[BLOCKS];

/* Its count: the count and the tag: intent (thread and level), sequence. */
#define SEQ(refs) ((refs) & 15)
#define INTENT(refs) ((refs) >> 4 & 7)
#define TAG(refs) ((refs) & 127)
#define COUNT(refs) ((refs) >> 7)
#define MY_TAG(i) ((i) << 4 | in[i].seq)
short refs[BLOCKS];

/* A hold: 0, or block and generation. */
#define HANDLE(b, gen) (((gen) << 1) | (b))
#define BLOCK(handle) ((handle) & 1)
#define GENERATION(handle) ((handle) >> 1)
byte hold[HOLDS];

/* What a thread has begun. */
#define NONE 0
#define ALLOC 1
#define HOLD 2
#define DROP 3
typedef intent {
    byte op;
    byte seq;
    byte done;
    byte hold;
    byte handle
};
intent in[INTENTS];
byte next_seq[WORKERS];

/* Who recovers; peers.pml has it whole. */
byte office = NOBODY;
bool recovered[WORKERS];

/* Not shared memory. */
bool dead[WORKERS];
byte deaths;
byte latest; /* the handle that was published last */

#define UNRECOVERED(d) (dead[d] && !recovered[d])

#if WORKERS > 2
#define HOLDS_OF(h) ((hold[0] == (h)) + (hold[1] == (h)) + (hold[2] == (h)) +  \
                     (hold[INNER] == (h)))
#define QUIET                                                                  \
    (in[0].op + in[1].op + in[2].op + in[3].op + in[4].op + in[5].op == NONE)
#define ANY_UNRECOVERED (UNRECOVERED(0) || UNRECOVERED(1) || UNRECOVERED(2))
#else
#define HOLDS_OF(h) ((hold[0] == (h)) + (hold[1] == (h)) + (hold[INNER] == (h)))
#define QUIET (in[0].op + in[1].op + in[2].op + in[3].op == NONE)
#define ANY_UNRECOVERED (UNRECOVERED(0) || UNRECOVERED(1))
#endif

/* The invariant, whenever no operation is open: a LIVE block counts the holds
 * with its handle, and there are some; what is not LIVE nobody holds; and no
 * hold has an old handle. */
#define COUNTED(b)                                                             \
    assert(!QUIET || STATE(word[b]) != LIVE ||                                 \
           (COUNT(refs[b]) > 0 &&                                              \
            HOLDS_OF(HANDLE(b, GEN(word[b]))) == COUNT(refs[b])));             \
    assert(!QUIET || STATE(word[b]) == LIVE ||                                 \
           HOLDS_OF(HANDLE(b, GEN(word[b]))) == 0)

#define ALL_OF_NOW(h)                                                          \
    assert(!QUIET || hold[h] == 0 ||                                           \
           GENERATION(hold[h]) == GEN(word[BLOCK(hold[h])]))

#if WORKERS > 2
#define ALL_HOLDS_OF_NOW ALL_OF_NOW(2)
#else
#define ALL_HOLDS_OF_NOW skip
#endif

inline check()
{
    COUNTED(0);
    COUNTED(1);
    ALL_OF_NOW(0);
    ALL_OF_NOW(1);
    ALL_HOLDS_OF_NOW;
    ALL_OF_NOW(INNER)
}

/* mproc__intent_begin(), intent_open() */
inline begin(i, what, h, handle_wanted)
{
    atomic { next_seq[(i) / 2]++; in[i].seq = next_seq[(i) / 2] }
    atomic { in[i].hold = h; in[i].handle = handle_wanted; in[i].op = what }
}

inline finish(i)
{
    atomic { in[i].op = NONE; check() }
}

/* refs_change(), with refs_performed() and refs_help(). res: 1 changed. */
inline change(i, b, up)
{
    do
#ifdef BROKEN_DONE_FIRST
    :: atomic { performed = (in[i].done == in[i].seq) }
       atomic {
           old = refs[b];
           if
           :: TAG(old) == MY_TAG(i) || performed -> res = 1; break
           :: else
           fi
       }
       atomic {
#else
    :: atomic {
           old = refs[b];
           if
           :: TAG(old) == MY_TAG(i) -> res = 1; break
           :: else
           fi
       }
       atomic {
           if
           :: in[i].done == in[i].seq -> res = 1; break
           :: else
           fi;
#endif
           if
           :: COUNT(old) == 0 || COUNT(old) > 5 -> res = 0; break
           :: else
           fi
       }
#ifndef BROKEN_STALE
       /* The word between the count and its change: while the count is the
        * same, nobody has freed the block. */
       atomic {
           if
           :: STATE(word[b]) != LIVE ||
                  GEN(word[b]) != GENERATION(in[i].handle) ->
              res = 0;
              break
           :: else
           fi
       }
#endif
#ifndef BROKEN_NO_HELP
       /* refs_help() */
       atomic { helped = in[INTENT(old)].seq; performed = 0 }
       atomic { seen = in[INTENT(old)].done }
       atomic {
           if
           :: (helped & 15) == SEQ(old) && in[INTENT(old)].op != NONE &&
                  seen < helped ->
              performed = 1
           :: else
           fi
       }
       do
       :: atomic { !performed -> break }
       :: atomic {
              performed ->
              if
              :: in[INTENT(old)].done == seen ->
                 in[INTENT(old)].done = helped;
                 performed = 0
              :: else ->
                 seen = in[INTENT(old)].done;
                 performed = (seen < helped)
              fi
          }
       od;
#endif
       atomic {
           if
           :: refs[b] == old ->
              if
              :: up -> refs[b] = (COUNT(old) + 1) << 7 | MY_TAG(i)
              :: else -> refs[b] = (COUNT(old) - 1) << 7 | MY_TAG(i)
              fi;
              res = 1;
              break
           :: else
           fi
       }
    od;
    atomic { old = 0; helped = 0; seen = 0; performed = 0 }
}

/* Freed once, by one who may: nobody else has a hold on it that is not being
 * dropped just now. */
#define NOT_HELD(b, j)                                                         \
    assert(hold[j] != HANDLE(b, GEN(word[b])) || DROPPED(j))
#define DROPPED_BY(j, i) (in[i].op == DROP && in[i].hold == (j))
#if WORKERS > 2
#define DROPPED(j)                                                             \
    (DROPPED_BY(j, 0) || DROPPED_BY(j, 1) || DROPPED_BY(j, 2) ||               \
     DROPPED_BY(j, 3) || DROPPED_BY(j, 4) || DROPPED_BY(j, 5))
#define NOT_HELD_2(b) NOT_HELD(b, 2)
#else
#define DROPPED(j)                                                             \
    (DROPPED_BY(j, 0) || DROPPED_BY(j, 1) || DROPPED_BY(j, 2) ||               \
     DROPPED_BY(j, 3))
#define NOT_HELD_2(b) skip
#endif

inline store_free(b, gen)
{
    atomic {
        assert(STATE(word[b]) == LIVE && GEN(word[b]) == gen);
        NOT_HELD(b, 0);
        NOT_HELD(b, 1);
        NOT_HELD_2(b);
        NOT_HELD(b, INNER);
        word[b] = WORD(FREE, 0, gen + 1)
    }
}

/* drop_run() of the plain block, at any level. */
inline drop_plain(i, b)
{
    if
    :: atomic {
           STATE(word[b]) == LIVE &&
               GEN(word[b]) == GENERATION(in[i].handle) -> skip
       }
       change(i, b, 0);
       if
#ifdef BROKEN_FREE_UNTAGGED
       :: atomic { COUNT(refs[b]) == 0 -> gen = GEN(word[b]) }
#else
       :: atomic {
              COUNT(refs[b]) == 0 && TAG(refs[b]) == MY_TAG(i) -> skip
          }
          gen = GEN(word[b]);
#endif
          store_free(b, gen)
#ifdef BROKEN_FREE_UNTAGGED
       :: atomic { COUNT(refs[b]) != 0 -> skip }
#else
       :: atomic {
              !(COUNT(refs[b]) == 0 && TAG(refs[b]) == MY_TAG(i)) -> skip
          }
#endif
       fi
    :: atomic {
           !(STATE(word[b]) == LIVE &&
             GEN(word[b]) == GENERATION(in[i].handle)) -> skip
       }
    fi;
    atomic { hold[in[i].hold] = 0; gen = 0; res = 0 }
}

/* mproc__block_release() of a hold on the plain block. */
inline release_plain(i, h)
{
    if
    :: atomic { hold[h] != 0 -> found = hold[h] }
       begin(i, DROP, h, found);
       found = 0;
       drop_plain(i, 0);
       finish(i)
    :: atomic { hold[h] == 0 -> skip }
    fi
}

/* drop_run() of the block with a hold in it; i is at the upper level. */
inline drop_job(i)
{
    if
    :: atomic {
           STATE(word[1]) == LIVE &&
               GEN(word[1]) == GENERATION(in[i].handle) -> skip
       }
       change(i, 1, 0);
       if
       :: atomic {
              COUNT(refs[1]) == 0 && TAG(refs[1]) == MY_TAG(i) -> skip
          }
          /* drop_free() */
          release_plain(i + 1, INNER);
          gen = GEN(word[1]);
          store_free(1, gen)
       :: atomic {
              !(COUNT(refs[1]) == 0 && TAG(refs[1]) == MY_TAG(i)) -> skip
          }
       fi
    :: atomic {
           !(STATE(word[1]) == LIVE &&
             GEN(word[1]) == GENERATION(in[i].handle)) -> skip
       }
    fi;
    atomic { hold[in[i].hold] = 0; gen = 0; res = 0 }
}

/* mproc__block_release() */
inline release(i, h)
{
#ifdef NESTED
    if
    :: atomic { hold[h] != 0 && BLOCK(hold[h]) == 1 -> found = hold[h] }
       begin(i, DROP, h, found);
       found = 0;
       drop_job(i);
       finish(i)
    :: atomic { hold[h] == 0 || BLOCK(hold[h]) == 0 -> skip }
       release_plain(i, h)
    fi
#else
    release_plain(i, h)
#endif
}

/* block_alloc(), alloc_take(): what the hints name is block 0. */
inline alloc(i, h)
{
    begin(i, ALLOC, h, HANDLE(0, 0));
    old = word[0];
    if
    :: atomic { STATE(old) == FREE && word[0] == old ->
           word[0] = WORD(TAKEN, (i) / 2, GEN(old));
           gen = GEN(old)
       }
       in[i].handle = HANDLE(0, gen);
       refs[0] = 1 << 7 | MY_TAG(i);
       hold[h] = HANDLE(0, gen);
       atomic { word[0] = WORD(LIVE, 0, gen); latest = HANDLE(0, gen) }
    :: atomic { STATE(old) != FREE || word[0] != old -> skip }
    fi;
    atomic { in[i].op = NONE; check(); old = 0; gen = 0 }
}

/* block_hold() */
inline take_hold(i, h)
{
    begin(i, HOLD, h, latest);
    if
    :: atomic {
           STATE(word[0]) == LIVE &&
               GEN(word[0]) == GENERATION(in[i].handle) -> skip
       }
       change(i, 0, 1);
       if
       :: res -> hold[h] = in[i].handle
       :: atomic { !res -> skip }
       fi
    :: atomic {
           !(STATE(word[0]) == LIVE &&
             GEN(word[0]) == GENERATION(in[i].handle)) -> skip
       }
    fi;
    atomic { in[i].op = NONE; check(); res = 0 }
}

/* alloc_recover() */
inline alloc_recover(i)
{
    old = word[0];
    if
#ifdef BROKEN_UNDO_ANY
    :: atomic { STATE(old) == TAKEN -> skip }
#else
    :: atomic { STATE(old) == TAKEN && TAKER(old) == (i) / 2 -> skip }
#endif
       hold[in[i].hold] = 0;
       word[0] = WORD(FREE, 0, GEN(old) + 1)
#ifdef BROKEN_UNDO_ANY
    :: atomic { STATE(old) != TAKEN -> skip }
#else
    :: atomic { !(STATE(old) == TAKEN && TAKER(old) == (i) / 2) -> skip }
#endif
    fi;
    old = 0
}

/* hold_recover() */
inline hold_recover(i)
{
    if
    :: atomic {
           STATE(word[0]) == LIVE &&
               GEN(word[0]) == GENERATION(in[i].handle) -> skip
       }
       atomic { old = refs[0]; res = (TAG(old) == MY_TAG(i)) }
       if
       :: atomic { res || in[i].done == in[i].seq -> skip }
          hold[in[i].hold] = in[i].handle
       :: atomic { !res && in[i].done != in[i].seq -> skip }
       fi
    :: atomic {
           !(STATE(word[0]) == LIVE &&
             GEN(word[0]) == GENERATION(in[i].handle)) -> skip
       }
    fi;
    atomic { old = 0; res = 0 }
}

/* mproc__block_recover() of thread d, then the release of what it held. */
inline recover()
{
#ifdef NESTED
    if
    :: atomic { in[2 * d + 1].op == DROP -> skip }
       drop_plain(2 * d + 1, 0);
       finish(2 * d + 1)
    :: atomic { in[2 * d + 1].op == NONE -> skip }
    fi;
    if
    :: atomic { in[2 * d].op == DROP && BLOCK(in[2 * d].handle) -> skip }
       drop_job(2 * d)
    :: atomic { in[2 * d].op == DROP && !BLOCK(in[2 * d].handle) -> skip }
       drop_plain(2 * d, 0)
#else
    if
    :: atomic { in[2 * d].op == DROP -> skip }
       drop_plain(2 * d, 0)
    :: atomic { in[2 * d].op == ALLOC -> skip }
       alloc_recover(2 * d)
    :: atomic { in[2 * d].op == HOLD -> skip }
       hold_recover(2 * d)
#endif
    :: atomic { in[2 * d].op == NONE -> skip }
    fi;
    finish(2 * d);
    release(2 * me, d);
    atomic { recovered[d] = 1; office = NOBODY; d = 0 }
}

#define FORGET                                                                 \
    old = 0; d = 0; gen = 0; helped = 0; seen = 0; res = 0; performed = 0;     \
    found = 0; ops = 0

proctype worker(byte me)
{
    short old;
    byte d, gen, helped, seen, found, ops;
    bool res, performed;

    {
        do
        :: atomic { ops < OPS && hold[me] == 0 -> ops++ }
#ifndef NESTED
           if
           :: alloc(2 * me, me)
           :: atomic { latest != 0 -> skip }
              take_hold(2 * me, me)
           fi
#endif
        :: atomic { ops < OPS && hold[me] != 0 -> ops++ }
           release(2 * me, me)
        :: atomic {
               ANY_UNRECOVERED && (office == NOBODY || UNRECOVERED(office)) ->
               if
               :: office != NOBODY -> d = office /* its own work first */
               :: office == NOBODY && UNRECOVERED(0) -> d = 0
               :: office == NOBODY && UNRECOVERED(1) -> d = 1
#if WORKERS > 2
               :: office == NOBODY && UNRECOVERED(2) -> d = 2
#endif
               fi;
               office = me
           }
           recover()
        :: atomic { ops == OPS && !ANY_UNRECOVERED -> break }
        od;
        atomic { FORGET }
    } unless { atomic { dead[me] -> FORGET } }
}

#define KILL(w)                                                                \
    atomic { deaths < DEATHS && !dead[w] -> dead[w] = 1; deaths++ }

init
{
    atomic {
#ifdef NESTED
        /* 0 and 1 hold the job, the others and the job the plain block. */
        word[0] = WORD(LIVE, 0, 1);
        word[1] = WORD(LIVE, 0, 1);
        hold[0] = HANDLE(1, 1);
        hold[1] = HANDLE(1, 1);
        hold[INNER] = HANDLE(0, 1);
        refs[1] = 2 << 7;
        refs[0] = 1 << 7;
#if WORKERS > 2
        hold[2] = HANDLE(0, 1);
        refs[0] = 2 << 7;
#endif
#else
        /* 0 and 1 hold the plain block, or nobody does. */
        if
        :: word[0] = WORD(LIVE, 0, 1);
           hold[0] = HANDLE(0, 1);
           hold[1] = HANDLE(0, 1);
           refs[0] = 2 << 7;
           latest = HANDLE(0, 1)
        :: word[0] = WORD(FREE, 0, 1)
        fi;
        word[1] = WORD(FREE, 0, 1);
#endif
        run worker(0);
        run worker(1);
#if WORKERS > 2
        run worker(2)
#endif
    }
    end:
    do
    :: KILL(0)
    :: KILL(1)
#if WORKERS > 2
    :: KILL(2)
#endif
    od
}
