/*
 * rlock.pml: the recursive lock of rlock.c: the mutex of mutex.c, whose word
 * names a thread of a process, on the parking of parking.c.
 *
 * Each of WORKERS processes has one thread at a time, in one entry. A thread
 * acquires the lock twice, and releases it as often. The first ENDS of them
 * may end instead, at any point where they have the lock; another thread of
 * the same process may then take the entry, and do the same. Any process may
 * die between any two steps; a guard, which lives, recovers it. One step is
 * one atomic access. No slice of 100 ms ends by itself.
 *
 * The asserts are mutual exclusion, that who is taken over is dead or has
 * ended, and that the lock is free when, and only when, it was released as
 * often as it was acquired. When nothing moves any more, nobody waits.
 */
#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef ENDS
#define ENDS 1
#endif

/* The word: 0 free, else owner + 1 and the incarnation of its entry; and the
 * flag. */
#define WAITERS 16
#define HOLDER(word) ((word) & 15)
#define OWNER(word) (((word) & 7) - 1)
#define INCARNATION(word) (((word) >> 3) & 1)
#define ACTOR(i) ((i) + 1 + 8 * incarnation[i])
byte word;
byte depth;

/* The entries. */
#define IDLE 0
#define WAITING 1
#define WOKEN 2
byte incarnation[WORKERS];
byte waiting[WORKERS];
byte parked;
bool wake[WORKERS];

/* Peers. */
bool gone[WORKERS];

/* Not shared memory. */
bool dead[WORKERS], recovered[WORKERS], finished[WORKERS], over;
byte times[WORKERS]; /* how often it has the lock */
byte deaths;

#define NOBODY_HAS (!times[0] && !times[1] && !times[WORKERS - 1])
#define LOST(word)                                                             \
    (dead[OWNER(word)] || INCARNATION(word) != incarnation[OWNER(word)])

#ifdef BROKEN_ANY_INCARNATION
#define MINE(word) (HOLDER(word) != 0 && OWNER(word) == me)
#define ENDED(word) 0
#else
#define MINE(word) (HOLDER(word) == ACTOR(me))
#define ENDED(word) (INCARNATION(word) != incarnation[OWNER(word)])
#endif

/* To the next bit that is set. */
#define NEXT                                                                   \
    do                                                                         \
    :: i < WORKERS && !(bits & (1 << i)) -> i++                                \
    :: else -> break                                                           \
    od

/* mproc__unpark_all() */
inline unpark_all()
{
    atomic { bits = parked; i = 0; NEXT }
    do
    :: atomic { i < WORKERS -> wake[i] = 1; i++; NEXT }
    :: atomic { i == WORKERS -> i = 0; bits = 0; break }
    od
}

/* What comes next in acquire(). */
#define READ 0
#define TRY 1
#define LOOK 2
#define LOOK_AGAIN 3
#define TAKE 4
#define PARK 5

/* mproc__mutex_must_sleep(): res is whether. */
inline must_sleep()
{
    do
    :: atomic {
           old = word;
           if
           :: HOLDER(old) == 0 -> res = 0; old = 0; break
           :: else
           fi
       }
       atomic {
           if
           :: gone[OWNER(old)] -> res = 0; old = 0; break
           :: else
           fi
       }
       atomic {
           if
           :: ENDED(old) -> res = 0; old = 0; break
           :: !ENDED(old) && (old & WAITERS) -> res = 1; old = 0; break
           :: else
           fi
       }
       atomic {
           if
           :: word == old -> word = old | WAITERS; res = 1; old = 0; break
           :: else
           fi
       }
    od
}

/* mproc__park() */
inline park()
{
    waiting[me] = WAITING;
    parked = parked | (1 << me);
    must_sleep();
    if
    :: atomic { res && waiting[me] == WAITING -> skip }
       atomic { wake[me] -> wake[me] = 0 }
    :: atomic { !res || waiting[me] != WAITING -> skip }
    fi;
    parked = parked & ~(1 << me);
    atomic { waiting[me] = IDLE; res = READ; flag = WAITERS }
}

#define TAKEN                                                                  \
    times[me] = 1;                                                             \
    old = 0; res = 0; flag = 0

/* mproc_rlock_acquire() */
inline acquire()
{
    do
    :: atomic {
           res == READ ->
           old = word;
           if
           :: HOLDER(old) == 0 -> res = TRY
           :: MINE(old) ->
              assert(times[me] > 0);
              old = 0;
              break
           :: HOLDER(old) != 0 && !MINE(old) -> res = LOOK
           fi
       }
    :: atomic {
           res == TRY ->
           res = READ;
           if
           :: word == old ->
              assert(NOBODY_HAS);
              word = ACTOR(me) | flag | (old & WAITERS);
              TAKEN;
              break
           :: else
           fi
       }
    :: atomic { res == LOOK -> res = (gone[OWNER(old)] -> TAKE : LOOK_AGAIN) }
    :: atomic {
           res == LOOK_AGAIN ->
           if
           :: ENDED(old) -> res = TAKE
           :: else -> res = PARK; old = 0
           fi
       }
    :: atomic {
           res == TAKE ->
           res = READ;
           if
           :: word == old ->
              assert(LOST(old) && NOBODY_HAS);
              word = ACTOR(me) | WAITERS;
              TAKEN;
              break
           :: else
           fi
       }
    :: atomic { res == PARK -> skip }
       park()
    od;
    if
    :: atomic { depth_is_ours -> skip }
       atomic { depth++; times[me]++ }
    :: atomic { !depth_is_ours -> depth_is_ours = 1 }
#ifdef BROKEN_STALE_DEPTH
       depth++
#else
       depth = 1
#endif
    fi
}

/* mproc_rlock_release() */
inline release()
{
    assert(MINE(word));
    if
    :: atomic { depth > 1 -> depth--; times[me]-- }
    :: atomic { depth <= 1 -> depth_is_ours = 0 }
       atomic {
           assert(times[me] == 1);
           old = word;
           word = 0;
           times[me] = 0
       }
       if
       :: atomic { old & WAITERS -> old = 0; i = WORKERS + 1 }
          /* mproc__unpark(word, 1) */
          do
          :: atomic {
                 i == WORKERS + 1 ->
                 bits = parked;
                 first = WORKERS;
                 i = 0;
                 NEXT
             }
          :: atomic {
                 i < WORKERS && !turned ->
                 if
                 :: waiting[i] == WAITING -> first = i
                 :: waiting[i] == WAITING && first != WORKERS
                 :: else
                 fi;
                 i++;
                 NEXT
             }
          :: atomic {
                 i == WORKERS && first != WORKERS && !turned ->
                 if
                 :: waiting[first] == WAITING ->
                    waiting[first] = WOKEN;
                    turned = 1
                 :: else -> i = WORKERS + 1
                 fi
             }
          :: atomic { turned -> wake[first] = 1; turned = 0; break }
          :: atomic { i == WORKERS && first == WORKERS && !turned -> break }
          od;
          atomic { bits = 0; i = 0; first = 0 }
       :: atomic { !(old & WAITERS) -> old = 0 }
       fi
    fi
}

/* thread_ended(), with an rlock: then another thread has the entry. */
inline end_thread()
{
#ifdef BROKEN_WAKE_FIRST
    unpark_all();
#endif
    atomic {
        incarnation[me]++;
        times[me] = 0;
        depth_is_ours = 0;
        ends--
    }
#ifndef BROKEN_WAKE_FIRST
#ifndef BROKEN_NO_WAKE
    unpark_all();
#endif
#endif
    /* thread_take(), and mproc_plat_park_init() */
    wake[me] = 0
}

#define FORGET                                                                 \
    old = 0; bits = 0; i = 0; first = 0; res = 0; flag = 0; turned = 0; n = 0; \
    depth_is_ours = 0; ends = 0

proctype worker(byte me)
{
    byte old, bits, i, first, res, flag, n;
    byte ends = (me < ENDS -> 1 : 0);
    bool turned, depth_is_ours;

    {
        do
        :: atomic { n < 2 -> n++ }
           acquire()
        :: atomic { n >= 2 && n < 4 -> n++ }
           release()
        :: atomic { n == 4 -> break }
        :: atomic { ends && depth_is_ours -> n = 0 }
           end_thread();
           if
           :: n = 0 /* the next thread */
           :: n = 4 /* there is none */
           fi
        od;
        atomic { finished[me] = 1; FORGET }
    } unless { atomic { dead[me] || over -> FORGET } }
}

/* peers.c: recover(). */
#define UNRECOVERED(d) (dead[d] && !recovered[d])
proctype guard()
{
    byte i, k, bits;
    end:
    do
    :: atomic {
           if
           :: UNRECOVERED(0) -> k = 0
           :: UNRECOVERED(1) -> k = 1
           :: UNRECOVERED(WORKERS - 1) -> k = WORKERS - 1
           fi;
           gone[k] = 1
       }
       waiting[k] = IDLE;
       parked = parked & ~(1 << k);
       unpark_all();
       atomic { recovered[k] = 1; k = 0 }
    od
}

#define FINE(w) (dead[w] || finished[w])
#define KILL(d)                                                                \
    atomic {                                                                   \
        deaths < DEATHS && !dead[d] -> dead[d] = 1; deaths++; times[d] = 0     \
    }

init
{
    atomic {
        run worker(0);
        run worker(1);
#if WORKERS > 2
        run worker(2);
#endif
        run guard()
    }
    do
    :: KILL(0)
#if DEATHS > 1
    :: KILL(1)
#endif
    :: timeout ->
       assert(FINE(0) && FINE(1) && FINE(WORKERS - 1));
       over = 1;
       break
    od
}
