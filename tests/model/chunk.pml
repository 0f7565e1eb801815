/*
 * chunk.pml: chunk.c: a chunk is claimed, carved, emptied and given back,
 * while others alloc, hold and drop blocks in it.
 *
 * One chunk of two places. Class 1 carves it into a block at each place,
 * class 2 into one block at place 0, and place 1 is somebody's data: who
 * reads a block's word there reads whatever would please it most. The hints
 * are taken to be always wrong: anybody may come to any place at any time
 * (hints.pml has them). Any thread may die between any two steps; the others
 * recover it, and may die at that too. One step is one atomic access.
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
/* With ROLES each worker does some kinds of operation only, which leaves room
 * for more deaths. */
#ifdef ROLES
#define MAY(who) (who)
#else
#define MAY(who) 1
#endif
#define PLACES 2
#define NOBODY 7

/* The chunk's word: state, class, owner, generation. */
#define C_FREE 0
#define C_TAKEN 1
#define C_READY 2
#define C_RETIRING 3
#define C_STATE(c) ((c) & 3)
#define C_CLASS(c) ((c) >> 2 & 3)
#define C_OWNER(c) ((c) >> 4 & 7)
#define C_GEN(c) ((c) >> 7)
#define C_WORD(state, class, owner, gen)                                       \
    ((state) | (class) << 2 | (owner) << 4 | (gen) << 7)
#define C_BY(c, t, state) (C_STATE(c) == (state) && C_OWNER(c) == (t))
#define BLOCKS(class) (3 - (class))
short chunk;

/* A block's word: state, owner, generation. */
#define FREE 0
#define TAKEN 1
#define LIVE 2
#define RETIRED 3
#define STATE(word) ((word) & 3)
#define TAKER(word) ((word) >> 2 & 7)
#define GEN(word) ((word) >> 5)
#define WORD(state, owner, gen) ((state) | (owner) << 2 | (gen) << 5)
#define DATA 255 /* no block's word at all */
byte block[PLACES];

/* A hold: 0, or place and generation. */
#define HANDLE(place, gen) (1 | (place) << 1 | (gen) << 2)
#define PLACE(handle) ((handle) >> 1 & 1)
#define GENERATION(handle) ((handle) >> 2)
byte hold[WORKERS];

/* What a thread has begun. */
#define NONE 0
#define ALLOC 1
#define HOLD 2
#define DROP 3
#define CLAIM 4
#define PUBLISH 5
#define RETIRE 6
#define SCATTER 7
typedef intent {
    byte op;
    byte handle;
    byte hold;
    byte class;
    byte top /* the C keeps it in `hold` */
};
intent in[WORKERS];

/* Who recovers; peers.pml has it whole. */
byte office = NOBODY;
bool recovered[WORKERS];

/* Not shared memory. */
bool dead[WORKERS];
byte deaths;
byte latest[PLACES]; /* the handle that was published last */

#define UNRECOVERED(d) (dead[d] && !recovered[d])
#define ANY_UNRECOVERED (UNRECOVERED(0) || UNRECOVERED(1) || UNRECOVERED(2))
#define QUIET (in[0].op + in[1].op + in[2].op == NONE)

/* Nothing is lost: when no operation is open the chunk is whole, and so is
 * each of its blocks. */
#define WHOLE(b)                                                               \
    assert(!QUIET || C_STATE(chunk) != C_READY ||                              \
           (b) >= BLOCKS(C_CLASS(chunk)) || STATE(block[b]) == FREE ||         \
           STATE(block[b]) == LIVE)

inline finish(t)
{
    atomic {
        in[t].op = NONE;
        assert(!QUIET || C_STATE(chunk) == C_FREE ||
               C_STATE(chunk) == C_READY);
        WHOLE(0);
        WHOLE(1);
        ok = 0;
        c = 0;
        w = 0;
        i = 0
    }
}

/* What is done to a block's word is done to a block: its chunk is still what
 * it was when we looked, and nobody has been given it for something else. */
#define IS_BLOCK(b, seen)                                                      \
    ((C_STATE(chunk) == C_READY || C_STATE(chunk) == C_RETIRING) &&            \
     C_CLASS(chunk) == C_CLASS(seen) && C_GEN(chunk) == C_GEN(seen) &&         \
     block[b] != DATA)

/* mproc__chunk_block() */
#define VALID(c, b)                                                            \
    ((C_STATE(c) == C_READY || C_STATE(c) == C_RETIRING) &&                    \
     (b) < BLOCKS(C_CLASS(c)))

/* Read the word at a place; data looks like what the reader wants. */
#define READ(b, t, gen)                                                        \
    if                                                                         \
    :: block[b] != DATA -> w = block[b]                                        \
    :: block[b] == DATA -> w = WORD(LIVE, 0, gen)                              \
    :: block[b] == DATA -> w = WORD(TAKEN, t, gen)                             \
    :: block[b] == DATA -> w = WORD(FREE, 0, gen)                              \
    fi

/* mproc__chunk_identity() before and behind the look at the block's word: ok
 * says that w was a block's word indeed. */
#define IDENTITY (C_GEN(chunk) << 2 | C_CLASS(chunk))
inline look(t, b)
{
    seen = IDENTITY;
    atomic { c = chunk; ok = VALID(c, b) }
    if
    :: atomic { ok -> READ(b, t, GENERATION(in[t].handle)) }
#ifndef BROKEN_LOOK_ONCE
       atomic { ok = (seen == IDENTITY); seen = 0 }
#endif
    :: atomic { !ok -> seen = 0 }
    fi
}

/* run_release() */
inline run_release(t)
{
    c = chunk;
    if
    :: atomic { C_BY(c, t, C_TAKEN) -> skip }
       chunk = C_WORD(C_FREE, 0, 0, C_GEN(c))
    :: atomic { !C_BY(c, t, C_TAKEN) -> skip }
    fi
}

/* run_publish() */
inline run_publish(t)
{
    c = chunk;
    if
    :: atomic { C_BY(c, t, C_TAKEN) -> skip }
       block[0] = WORD(FREE, 0, C_GEN(c));
       if
       :: in[t].class == 1 -> block[1] = WORD(FREE, 0, C_GEN(c))
       :: in[t].class == 2 -> block[1] = DATA
       fi;
       chunk = C_WORD(C_READY, in[t].class, 0, C_GEN(c))
    :: atomic { !C_BY(c, t, C_TAKEN) -> skip }
    fi
}

/* chunk_make(), run_claim() */
inline make(t)
{
    atomic { in[t].class = want; in[t].op = CLAIM }
    c = chunk;
    if
    :: atomic {
           C_STATE(c) == C_FREE && c == chunk ->
           chunk = C_WORD(C_TAKEN, 0, t, C_GEN(c))
       }
       in[t].op = PUBLISH;
       run_publish(t)
    :: atomic { !(C_STATE(c) == C_FREE && c == chunk) -> skip }
    fi;
    finish(t)
}

/* retire_undo() */
inline retire_undo(t)
{
    c = chunk;
    if
    :: atomic { C_BY(c, t, C_RETIRING) -> i = 0 }
       do
       :: atomic {
              i < BLOCKS(C_CLASS(c)) && STATE(block[i]) == RETIRED -> skip
          }
          atomic { block[i] = WORD(FREE, 0, GEN(block[i])); i++ }
       :: atomic {
              i < BLOCKS(C_CLASS(c)) && STATE(block[i]) != RETIRED -> i++
          }
       :: atomic { i == BLOCKS(C_CLASS(c)) -> break }
       od;
       chunk = C_WORD(C_READY, C_CLASS(c), 0, C_GEN(c))
    :: atomic { !C_BY(c, t, C_RETIRING) -> skip }
    fi
}

/* retire_scatter(); the blocks are RETIRED, so nobody else writes them. */
inline retire_scatter(t)
{
    c = chunk;
    if
    :: atomic { C_BY(c, t, C_RETIRING) -> skip }
       if
       :: atomic {
              in[t].top == 0 ->
              in[t].top = GEN(block[0]) + 1;
              if
              :: C_CLASS(c) == 1 && GEN(block[1]) >= in[t].top ->
                 in[t].top = GEN(block[1]) + 1
              :: else
              fi
          }
       :: in[t].top != 0
       fi;
       if
       :: atomic { block[0] = 0; block[1] = 0 } /* decommitted */
       :: skip /* or not */
       fi;
       chunk = C_WORD(C_TAKEN, C_CLASS(c), t, in[t].top)
    :: atomic { !C_BY(c, t, C_RETIRING) -> skip }
    fi;
    run_release(t)
}

#define WANTED(j)                                                              \
    ((j) != me && (in[j].op == ALLOC || in[j].op == HOLD || in[j].op == DROP))

/* retire(): ok says whether the chunk can go. */
inline retire(t)
{
    c = chunk;
    atomic { in[t].top = 0; in[t].op = RETIRE; ok = 1 }
#ifdef BROKEN_INTENTS_FIRST
    ok = !WANTED(0);
    ok = ok && !WANTED(1);
    ok = ok && !WANTED(2);
#endif
    if
    :: atomic {
           C_STATE(c) == C_READY && c == chunk ->
           chunk = C_WORD(C_RETIRING, C_CLASS(c), t, C_GEN(c));
           i = 0
       }
       /* retire_mark() */
       do
       :: atomic {
              i < BLOCKS(C_CLASS(c)) ->
              w = block[i];
              if
              :: STATE(w) != FREE -> ok = 0; break
              :: else
              fi
          }
          atomic {
              if
              :: block[i] == w -> block[i] = WORD(RETIRED, 0, GEN(w)); i++
              :: else -> ok = 0; break
              fi
          }
       :: atomic { i == BLOCKS(C_CLASS(c)) -> break }
       od;
#ifndef BROKEN_INTENTS_FIRST
       /* chunk_is_wanted() */
       atomic { ok = ok && !WANTED(0); i = 0; w = 0 }
       atomic { ok = ok && !WANTED(1) }
       atomic { ok = ok && !WANTED(2) }
#endif
       if
       :: atomic { ok -> in[t].op = SCATTER }
          retire_scatter(t)
       :: atomic { !ok -> skip }
          retire_undo(t)
       fi
    :: atomic { !(C_STATE(c) == C_READY && c == chunk) -> skip }
    fi;
    finish(t)
}

/* block_alloc(), alloc_take(); the handle's generation says who of the dead
 * took it no more than the owner in the word does, so it is left out. */
inline alloc(t, h)
{
    atomic { in[t].handle = HANDLE(b, 0); in[t].hold = h; in[t].op = NONE }
#ifndef BROKEN_LATE_INTENT
    in[t].op = ALLOC;
#endif
    c = chunk; /* mproc__chunk_ready() */
#ifdef BROKEN_LATE_INTENT
    in[t].op = ALLOC;
#endif
    if
    :: atomic { C_STATE(c) == C_READY && C_CLASS(c) >= want -> ok = 0 }
       atomic { ok = VALID(chunk, b) }
       if
       :: atomic { ok -> READ(b, t, 0) }
          if
          :: atomic {
                 STATE(w) == FREE && (w == block[b] || block[b] == DATA) ->
                 assert(IS_BLOCK(b, c));
                 block[b] = WORD(TAKEN, t, GEN(w))
             }
             hold[h] = HANDLE(b, GEN(w));
             atomic {
                 assert(IS_BLOCK(b, c) && block[b] == WORD(TAKEN, t, GEN(w)));
                 block[b] = WORD(LIVE, 0, GEN(w));
                 latest[b] = HANDLE(b, GEN(w))
             }
          :: atomic {
                 !(STATE(w) == FREE && (w == block[b] || block[b] == DATA)) ->
                 skip
             }
          fi
       :: atomic { !ok -> skip }
       fi
    :: atomic { !(C_STATE(c) == C_READY && C_CLASS(c) >= want) -> skip }
    fi;
    finish(t)
}

/* alloc_recover(). A free block gets its hint. A chunk that was RETIRING may
 * have lost its memory, and then a word of 0 says nothing; that hint is wrong,
 * which does no harm, unless the chunk has no class by now. */
inline alloc_recover(t)
{
    look(t, PLACE(in[t].handle));
    b = PLACE(in[t].handle);
    if
    :: atomic { ok && STATE(w) == TAKEN && TAKER(w) == t -> skip }
       hold[in[t].hold] = 0;
       atomic {
           assert(IS_BLOCK(b, c) && block[b] == w);
           block[b] = WORD(FREE, 0, GEN(w) + 1)
       }
       assert(IS_BLOCK(b, c))
    :: atomic { ok && STATE(w) == FREE -> skip }
#ifdef BROKEN_NO_CLASS
       assert(C_CLASS(chunk) != 0)
#else
       assert(C_STATE(c) == C_RETIRING || IS_BLOCK(b, c))
#endif
    :: atomic {
           !(ok && (STATE(w) == FREE || STATE(w) == TAKEN && TAKER(w) == t)) ->
           skip
       }
    fi;
    atomic { ok = 0; c = 0; w = 0; b = 0 }
}

/* block_hold() up to the count, which it reads and changes; block.pml has the
 * rest. The handle may be old. */
inline take_hold(t)
{
    atomic { in[t].handle = latest[b]; in[t].op = HOLD }
    look(t, b);
    if
    :: atomic {
           ok && STATE(w) == LIVE && GEN(w) == GENERATION(in[t].handle) ->
           assert(IS_BLOCK(b, c))
       }
       assert(IS_BLOCK(b, c))
    :: atomic {
           !(ok && STATE(w) == LIVE && GEN(w) == GENERATION(in[t].handle)) ->
           skip
       }
    fi;
    finish(t);
    atomic { ok = 0; c = 0; w = 0; b = 0 }
}

/* drop_run(), where one hold is all there is. */
inline drop_run(t)
{
    look(t, PLACE(in[t].handle));
    b = PLACE(in[t].handle);
    if
    :: atomic {
           ok && STATE(w) == LIVE && GEN(w) == GENERATION(in[t].handle) ->
           skip
       }
       atomic {
           assert(IS_BLOCK(b, c));
           block[b] = WORD(FREE, 0, GEN(w) + 1)
       }
    :: atomic {
           !(ok && STATE(w) == LIVE && GEN(w) == GENERATION(in[t].handle)) ->
           skip
       }
    fi;
    /* mproc__chunk_hint_free() */
    atomic { c = chunk; ok = VALID(c, b) }
    if
    :: atomic { ok && STATE(block[b]) == FREE -> assert(IS_BLOCK(b, c)) }
    :: atomic { !(ok && STATE(block[b]) == FREE) -> skip }
    fi;
    atomic { hold[in[t].hold] = 0; ok = 0; c = 0; w = 0; b = 0 }
}

inline release(t, h)
{
    if
    :: atomic { hold[h] != 0 -> skip }
       atomic {
           in[t].handle = hold[h];
           in[t].hold = h;
           in[t].op = DROP
       }
       drop_run(t);
       finish(t)
    :: atomic { hold[h] == 0 -> skip }
    fi
}

/* mproc__block_recover(), mproc__chunk_recover() of thread d; then the
 * release of what it held. */
inline recover()
{
    if
    :: atomic { in[d].op == ALLOC -> skip }
       alloc_recover(d)
    :: atomic { in[d].op == DROP -> skip }
       drop_run(d)
    :: atomic { in[d].op == CLAIM -> skip }
       run_release(d)
    :: atomic { in[d].op == PUBLISH -> skip }
       run_publish(d)
    :: atomic { in[d].op == RETIRE -> skip }
       retire_undo(d)
    :: atomic { in[d].op == SCATTER -> skip }
       retire_scatter(d)
    :: atomic { in[d].op == HOLD || in[d].op == NONE -> skip }
    fi;
    finish(d);
    release(me, d);
    atomic { recovered[d] = 1; office = NOBODY; d = 0; c = 0 }
}

#define FORGET                                                                 \
    c = 0; w = 0; b = 0; d = 0; i = 0; want = 0; ops = 0; ok = 0;            \
    seen = 0

proctype worker(byte me)
{
    short c;
    byte w, b, d, i, want, ops, seen;
    bool ok;

    {
        end:
        do
        :: atomic {
               ops < OPS && hold[me] == 0 && MAY(me != 0) ->
               ops++;
               if
               :: want = 1; b = 0
               :: want = 1; b = 1
               :: want = 2; b = 0
               fi
           }
           alloc(me, me);
           atomic { want = 0; b = 0 }
        :: atomic {
               ops < OPS && MAY(me == 1) ->
               ops++;
               if
               :: latest[0] != 0 -> b = 0
               :: latest[1] != 0 -> b = 1
               fi
           }
           take_hold(me)
        :: atomic { ops < OPS && hold[me] != 0 -> ops++ }
           release(me, me);
           if
           :: retire(me)
           :: skip
           fi
        :: atomic {
               ops < OPS && MAY(me == 0) && C_STATE(chunk) == C_READY -> ops++
           }
           retire(me)
        :: atomic {
               ops < OPS && MAY(me == 2) && C_STATE(chunk) == C_FREE ->
               ops++;
               if
               :: want = 1
               :: want = 2
               fi
           }
           make(me);
           want = 0
        :: atomic {
               ANY_UNRECOVERED && (office == NOBODY || UNRECOVERED(office)) ->
               if
               :: office != NOBODY -> d = office /* its own work first */
               :: office == NOBODY && UNRECOVERED(0) -> d = 0
               :: office == NOBODY && UNRECOVERED(1) -> d = 1
               :: office == NOBODY && UNRECOVERED(2) -> d = 2
               fi;
               office = me
           }
           recover()
        :: atomic { ops == OPS && !ANY_UNRECOVERED -> break }
        od;
        atomic { FORGET }
    } unless { atomic { dead[me] -> FORGET } }
}

#define KILL(t)                                                                \
    atomic { deaths < DEATHS && !dead[t] -> dead[t] = 1; deaths++ }

init
{
    atomic {
        /* Carved; one block is held, the other was. */
        chunk = C_WORD(C_READY, 1, 0, 1);
        block[0] = WORD(LIVE, 0, 1);
        block[1] = WORD(FREE, 0, 2);
        hold[0] = HANDLE(0, 1);
        latest[0] = HANDLE(0, 1);
        latest[1] = HANDLE(1, 1); /* an old one */
        run worker(0);
        run worker(1);
        run worker(2)
    }
    end:
    do
    :: KILL(0)
    :: KILL(1)
    :: KILL(2)
    od
}
