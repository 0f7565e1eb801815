/*
 * dict.pml: store.c, store_box.c and dict_table.c: changes by a journal, under
 * a mutex whose holder may die at any step, and is taken over.
 *
 * One key, which is in bucket 0 as long as there is one bucket, in bucket 1
 * once there are two. Its cell is one of three, of two words each; those that
 * it is not in are free, linked by their first word. Its value is a number,
 * twice, or a box: then the cell says which of two numbers has it, and a hold
 * is filled. A hold is filled and emptied in an operation of block.c, which a
 * recoverer finishes when its thread has died, at any time: store_repair()
 * waits for that.
 *
 * What each set sets is a number of its own; `latest` is what was committed
 * last. Whoever has the mutex, repaired, sees that and nothing else.
 */

#ifndef USERS
#define USERS 2
#endif
#ifndef OPS
#define OPS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif

#define NOBODY 7
#define CELLS 4 /* 0 is none */
#define BOXED 64

/* Where the journal may write: the words of the store. */
#define HEAD0 0
#define HEAD1 1
#define FREE 2
#define BUCKETS 3
#define SPLITTING 4
#define BOX_FREE 5
#define NEXT(c) (5 + (c))      /* first word of cell 1 .. 3 */
#define BOX_LINK(b) (8 + (b))  /* of box 1 .. 2 */
#define WORDS 11

byte mutex = NOBODY;
byte word[WORDS];
byte cell[CELLS];  /* the other words of a cell: its value, */
byte copy[CELLS];  /* twice */
byte where[8]; /* the journal */
byte value[8];
byte committed;
byte hold[3];      /* of box 1 and 2: the number that is in it */

/* Not shared memory. */
bool dead[USERS];
byte deaths;
byte next_number = 1;
byte latest;       /* 0: no such key */
byte will[USERS];  /* what becomes latest by the commit */
byte intent[USERS];        /* box that is being filled (+ 4: emptied) */
byte intent_number[USERS]; /* with that */
bool settled[USERS];

#define SETTLED(d) (!dead[d] || settled[d])
#if USERS > 2
#define ALL_SETTLED (SETTLED(0) && SETTLED(1) && SETTLED(2))
#else
#define ALL_SETTLED (SETTLED(0) && SETTLED(1))
#endif

#define HEAD_OF (word[BUCKETS] == 2 -> HEAD1 : HEAD0)

inline put(at, what)
{
    where[n] = at; value[n] = what; n++
}

inline apply()
{
    k = 0;
    do
    :: k < committed -> atomic { word[where[k]] = value[k]; k++ }
    :: else -> break
    od;
    atomic { committed = 0; k = 0 }
}

/* mproc__journal_commit() */
inline commit()
{
#ifdef BROKEN_APPLY_FIRST
    k = 0;
    do
    :: k < n -> atomic { word[where[k]] = value[k]; k++ }
    :: else -> break
    od;
    atomic { latest = will[me]; committed = n; n = 0 }
    atomic { committed = 0; k = 0 }
#else
    atomic { committed = n; n = 0; latest = will[me] }
    apply();
#endif
}

/* mproc__arena_hold(), mproc__arena_release() */
inline fill(b, number)
{
    atomic { intent[me] = b; intent_number[me] = number }
    atomic { assert(hold[b] == 0); hold[b] = number; }
    atomic { intent[me] = 0; intent_number[me] = 0 }
}

inline drain(b)
{
    atomic { intent[me] = b + 4 }
    atomic { hold[b] = 0 }
    atomic { intent[me] = 0 }
}

/* split_finish(), when the only entry belongs into the new bucket. */
inline split_finish()
{
    if
    :: word[HEAD0] != 0 ->
       atomic {
           put(HEAD0, 0); put(HEAD1, word[HEAD0]);
           will[me] = latest
       }
       commit()
    :: else
    fi;
    atomic { put(SPLITTING, 0); will[me] = latest }
    commit()
}

/* store_repair() */
inline repair()
{
#ifndef BROKEN_NO_SETTLE
    /* mproc__peers_settle() */
    ALL_SETTLED;
#endif
#ifdef BROKEN_NO_REDO
    committed = 0;
#else
    apply();
#endif
#ifndef BROKEN_NO_BOX_REPAIR
    b = word[BOX_FREE];
    do
    :: b != 0 -> if :: hold[b] != 0 -> drain(b) :: else fi;
                 b = word[BOX_LINK(b)]
    :: else -> break
    od;
#endif
#ifndef BROKEN_NO_SPLIT_FINISH
    if
    :: word[SPLITTING] != 0 -> split_finish()
    :: else
    fi
#endif
}

inline lock()
{
    atomic {
        if
        :: mutex == NOBODY -> mutex = me; taken = 0
        :: mutex != NOBODY && mutex != me && dead[mutex] ->
           mutex = me; taken = 1
        fi
    }
    if
    :: taken -> repair()
    :: else
    fi;
    /* What is seen now is the latest, whole; what is free is. */
    atomic {
        assert(committed == 0 && word[SPLITTING] == 0);
        c = word[HEAD_OF];
        assert((c == 0) == (latest == 0));
        assert(word[BUCKETS] == 1 || word[HEAD0] == 0);
        assert(c == 0 || cell[c] == copy[c]);
        assert(c == 0 || cell[c] < BOXED || hold[cell[c] - BOXED] == latest);
        assert(c == 0 || cell[c] >= BOXED || cell[c] == latest);
        /* Each cell and each box is used or free, once. */
        n = 0;
        b = word[FREE];
        do
        :: b != 0 -> assert(b != c); n++; assert(n < CELLS); b = word[NEXT(b)]
        :: else -> break
        od;
        assert(n == (c == 0 -> 3 : 2));
        n = 0;
        b = word[BOX_FREE];
        do
        :: b != 0 ->
           assert(hold[b] == 0);
           assert(c == 0 || cell[c] != BOXED + b);
           n++; assert(n < 3); b = word[BOX_LINK(b)]
        :: else -> break
        od;
        assert(n == (c != 0 && cell[c] >= BOXED -> 1 : 2));
        n = 0; b = 0; c = 0; taken = 0
    }
}

inline unlock()
{
    mutex = NOBODY
}

/* Another cell, entry_replace() or entry_insert(); with a box or without. */
inline set(boxed)
{
    atomic {
        number = next_number; next_number++;
        old = word[HEAD_OF];
        old_box = (old != 0 && cell[old] >= BOXED -> cell[old] - BOXED : 0);
        new = word[FREE];
        put(FREE, word[NEXT(new)]);
        b = 0;
        if
        :: boxed ->
           b = word[BOX_FREE];
           put(BOX_FREE, word[BOX_LINK(b)])
        :: else
        fi
    }
    if
    :: boxed -> fill(b, number)
    :: else
    fi;
#ifdef BROKEN_LINK_WRITTEN
    word[NEXT(new)] = 0;
#endif
    cell[new] = (boxed -> BOXED + b : number);
    copy[new] = cell[new];
    atomic {
        link = HEAD_OF;
        put(link, new);
        if
        :: old != 0 ->
           /* mproc__store_give(): behind what is free after the taking */
           put(NEXT(old), value[0]); put(FREE, old)
        :: else
        fi;
        if
        :: old_box != 0 ->
           link = (boxed -> word[BOX_LINK(b)] : word[BOX_FREE]);
           put(BOX_LINK(old_box), link);
           put(BOX_FREE, old_box)
        :: else
        fi;
        will[me] = number
    }
#ifdef BROKEN_RELEASE_FIRST
    if :: old_box != 0 -> drain(old_box) :: else fi;
    commit();
#else
    commit();
    if :: old_box != 0 -> drain(old_box) :: else fi;
#endif
    atomic { number = 0; old = 0; old_box = 0; new = 0; b = 0; link = 0 }
}

/* mproc__dict_drop() */
inline drop()
{
    atomic {
        old = word[HEAD_OF];
        if
        :: old != 0 ->
           old_box = (cell[old] >= BOXED -> cell[old] - BOXED : 0);
           link = HEAD_OF;
           put(link, 0);
           put(NEXT(old), word[FREE]); put(FREE, old);
           if
           :: old_box != 0 ->
              put(BOX_LINK(old_box), word[BOX_FREE]); put(BOX_FREE, old_box)
           :: else
           fi;
           will[me] = 0
        :: else
        fi
    }
    if
    :: old != 0 -> commit();
       if :: old_box != 0 -> drain(old_box) :: else fi
    :: else
    fi;
    atomic { old = 0; old_box = 0; link = 0 }
}

/* buckets_grow() */
inline grow()
{
    if
    :: word[BUCKETS] == 1 ->
       atomic {
           put(BUCKETS, 2); put(SPLITTING, 1); will[me] = latest
       }
       commit();
       split_finish()
    :: else
    fi
}

proctype user(byte me)
{
    byte i, k, n, b, c, new, old, old_box, number, link;
    bool taken;

    {
        do
        :: i < OPS ->
           lock();
           if
           :: set(0)
           :: set(1)
           :: drop()
           :: grow()
           fi;
           unlock();
           i++
        :: else -> break
        od
    } unless {
        atomic {
            dead[me] -> i = 0; k = 0; n = 0; b = 0; c = 0; new = 0; old = 0;
            old_box = 0; number = 0; taken = 0;
            link = 0
        }
    }
}

/* Finishes what the dead were at in block.c. */
#define RECOVER(d)                                                             \
    atomic {                                                                   \
        dead[d] && !settled[d] ->                                              \
        if                                                                     \
        :: intent[d] >= 4 -> hold[intent[d] - 4] = 0                           \
        :: intent[d] != 0 && intent[d] < 4 ->                                  \
           hold[intent[d]] = intent_number[d]                                  \
        :: intent[d] == 0                                                      \
        fi;                                                                    \
        intent[d] = 0;                                                         \
        settled[d] = 1                                                         \
    }

proctype recoverer()
{
    end:
    do
    :: RECOVER(0)
    :: RECOVER(1)
#if USERS > 2
    :: RECOVER(2)
#endif
    od
}

#define KILL(d) atomic { deaths < DEATHS && !dead[d] -> dead[d] = 1; deaths++ }

init
{
    byte i;

    atomic {
        word[FREE] = 1; word[NEXT(1)] = 2; word[NEXT(2)] = 3;
        word[BOX_FREE] = 1; word[BOX_LINK(1)] = 2;
        word[BUCKETS] = 1;
        i = 0;
        do
        :: i < USERS -> run user(i); i++
        :: else -> break
        od;
        run recoverer()
    }
    do
    :: KILL(0)
    :: KILL(1)
#if USERS > 2
    :: KILL(2)
#endif
    :: break
    od
}
