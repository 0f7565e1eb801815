/*
 * parking.pml: parking.c with the mutex of mutex.c on top of it, as lock.c
 * uses it, and the part of peers.c that wakes after a death.
 *
 * WORKERS threads of as many peers acquire and release one lock. Any of them
 * may die between any two steps; a guard process stands for the parent that
 * may find the dead too, and may die as well. One step is one atomic access
 * to shared memory, or one call of the platform.
 *
 * The look every 100 ms is no help here: a slice ends by itself at most
 * SLICES times in all, or while a death has not been worked off. So whoever
 * sleeps for good stops the model in a state that is no proper end, which is
 * how a lost wake-up shows. The asserts are mutual exclusion and that the
 * death of a holder is told.
 */
#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef SLICES
#define SLICES 1
#endif
#ifndef TIMED
#define TIMED 1 /* how many of the workers have a deadline */
#endif
#define GUARD WORKERS
#define ALL (WORKERS + 1)
#define NOBODY 15

/* The lock's word: 0 free, else owner + 1; and the flag. */
#define WAITERS 8
#define OWNER(word) ((word) & 7)
byte word;

#ifdef BROKEN_SLEEP_WOKEN
#define AWAKE 1
#else
#define AWAKE (waiting[me] == WAITING)
#endif

/* A thread's entry. */
#define IDLE 0
#define WAITING 1
#define WOKEN 2
byte waiting[WORKERS];
byte parked; /* a bit a worker */
bool wake[WORKERS]; /* the park spot: a binary semaphore */

/* A peer's state. */
#define LIVE 0
#define DEAD 1
#define FREE 2
byte state[ALL];
byte office[ALL] = NOBODY; /* who recovers the peer; peers.pml has it whole */

/* Not shared memory: the truth, for the asserts. */
bool dead[ALL];
bool inside[ALL]; /* has the lock, as far as it knows */
byte deaths, slices;

#define OPEN(d)                                                                \
    (dead[d] && state[d] != FREE && (office[d] == NOBODY || dead[office[d]]))
#define UNRECOVERED (OPEN(0) || OPEN(1) || OPEN(2) || OPEN(ALL - 1))

/* peers.c: recover(), as far as it matters to who sleeps: DEAD, the entries
 * of its threads, wake all, FREE. `me` may die in the middle. Its office is
 * taken when we come here. */
inline recover(d)
{
    state[d] = DEAD;
    if
    :: atomic { d < WORKERS -> waiting[d] = IDLE }
       parked = parked & ~(1 << d)
    :: atomic { d >= WORKERS -> skip }
    fi;
#ifndef BROKEN_NO_WAKE
    /* mproc__unpark_all() */
    atomic { bits = parked; i = 0 }
    do
    :: atomic {
           i < WORKERS ->
           if
           :: bits & (1 << i) -> wake[i] = 1
           :: else
           fi;
           i++
       }
    :: atomic { i == WORKERS -> break }
    od;
#endif
    atomic { state[d] = FREE; office[d] = NOBODY; bits = 0; i = 0; d = 0 }
}

/* mproc__peers_look_around() */
inline look_around()
{
    do
    :: atomic {
           UNRECOVERED ->
           if
           :: OPEN(0) -> k = 0
           :: OPEN(1) -> k = 1
           :: OPEN(2) -> k = 2
           :: OPEN(ALL - 1) -> k = ALL - 1
           fi;
           office[k] = me
       }
       recover(k)
    :: atomic { !UNRECOVERED -> break }
    od
}

/* mproc__mutex_must_sleep(): res is whether. */
inline must_sleep()
{
    do
    :: atomic {
           old = word;
           if
           :: OWNER(old) == 0 -> res = 0; break
           :: else
           fi
       }
#ifndef BROKEN_DEAD_UNSEEN
       /* A recovery that is past its wake-up leaves its mark first. */
       atomic {
           if
           :: state[OWNER(old) - 1] != LIVE -> res = 0; break
           :: else
           fi
       }
#endif
       atomic {
           if
           :: (old & WAITERS) -> res = 1; break
           :: !(old & WAITERS) && word == old ->
              word = old | WAITERS;
              res = 1;
              break
           :: !(old & WAITERS) && word != old
           fi
       }
    od
}

/* mproc__park(): late says that the deadline passed. A wait ends when the
 * wake-up comes, or, seldom, with its slice. */
inline park()
{
    waiting[me] = WAITING;
#ifdef BROKEN_LATE_BIT
    must_sleep();
    parked = parked | (1 << me);
#else
    parked = parked | (1 << me);
    must_sleep();
#endif
    do
    :: atomic { !res -> break }
#ifndef BROKEN_SLEEP_WOKEN
    /* Who has been told does not sleep: the waker may have died since. */
    :: atomic { res && waiting[me] != WAITING -> break }
#endif
    :: atomic { res && AWAKE -> pause = 1 }
       if
       :: atomic { timed && !late -> late = 1; pause = 0; break }
       :: atomic { late -> pause = 0; break }
       :: atomic { wake[me] -> wake[me] = 0; pause = 0; break }
       :: atomic {
              !wake[me] && (slices < SLICES || UNRECOVERED) ->
              if
              :: UNRECOVERED
              :: !UNRECOVERED -> slices++
              fi;
              pause = 0
          }
          /* waiter_look() */
          look_around();
          must_sleep();
          if
          :: atomic { !res && waiting[me] == WAITING -> pause = 1 }
             if
             :: atomic { wake[me] -> wake[me] = 0; pause = 0 }
             :: pause = 0 /* it does not come: counted as a rescue */
             fi
          :: atomic { res || waiting[me] != WAITING -> skip }
          fi;
          must_sleep()
       fi
    od;
    /* waiter_leave() */
    parked = parked & ~(1 << me);
    atomic { waiting[me] = IDLE; res = 0 }
}

/* mutex_try(): res 1 when taken. A holder that is found dead is recovered
 * first (mproc__peer_is_dead()) and then has its lock taken over. */
inline try(flag)
{
    do
    :: atomic {
           old = word;
           res = 0;
           if
           :: OWNER(old) == 0
           :: OWNER(old) == me + 1 -> break
           :: else -> res = 2
           fi
       }
       if
       :: atomic {
              res == 0 ->
              if
              :: word == old ->
                 assert(!inside[0] && !inside[1] && !inside[2]);
                 word = (me + 1) | flag | (old & WAITERS);
                 inside[me] = 1;
                 res = 1;
                 break
              :: else
              fi
          }
       :: atomic {
              res == 2 ->
              if
              :: state[OWNER(old) - 1] != LIVE -> res = 3
              :: state[OWNER(old) - 1] == LIVE && OPEN(OWNER(old) - 1) ->
                 k = OWNER(old) - 1;
                 office[k] = me
              :: state[OWNER(old) - 1] == LIVE && dead[OWNER(old) - 1] &&
                     !OPEN(OWNER(old) - 1) ->
                 res = 3
              :: else -> res = 0; break
              fi
          }
          if
          :: atomic { res == 2 -> skip }
             recover(k)
          :: atomic { res == 3 -> skip }
          fi;
          atomic {
              if
              :: word == old ->
                 assert(dead[OWNER(old) - 1]);
                 word = (me + 1) | WAITERS;
                 inside[me] = 1;
                 res = 1; /* MPROC_EOWNERDEAD */
                 break
              :: else
              fi
          }
       fi
    od
}

/* mproc__mutex_acquire(): res 1 when taken, 0 when it was too late. */
inline acquire()
{
    atomic {
        if
        :: word == 0 ->
           assert(!inside[0] && !inside[1] && !inside[2]);
           word = me + 1;
           inside[me] = 1;
           res = 1
        :: else -> res = 0
        fi
    }
    do
    :: atomic { res -> break }
    :: atomic { !res && !late -> skip }
       try(flag);
       if
       :: atomic { !res -> flag = WAITERS }
          park()
       :: atomic { res -> break }
       fi
#ifdef BROKEN_NO_FLAG
    :: atomic { !res && late -> break } /* the wake-up is lost */
#else
    :: atomic { !res && late -> skip }
       /* A wake-up may have been ours: a last look. */
       try(flag);
       if
       :: atomic { res -> break }
       :: atomic { !res -> skip }
          must_sleep();
          if
          :: atomic { res -> res = 0; break }
          :: atomic { !res -> skip }
          fi
       fi
#endif
    od;
    atomic { flag = 0; old = 0 }
}

/* mproc__unpark(word, 1): of those that wait, any; the C takes the one that
 * says it waits longest, which may be out of date. */
inline unpark_one()
{
    do
    :: atomic { bits = parked; i = 0; first = NOBODY }
       do
       :: atomic {
              i < WORKERS ->
              if
              :: !(bits & (1 << i))
              :: (bits & (1 << i)) && waiting[i] == WAITING -> first = i
              :: (bits & (1 << i)) && waiting[i] == WAITING &&
                     first != NOBODY
              :: (bits & (1 << i)) && waiting[i] != WAITING
              fi;
              i++
          }
       :: atomic { i == WORKERS -> break }
       od;
       if
       :: atomic { first == NOBODY -> break }
       :: atomic {
              first != NOBODY ->
              if
              :: waiting[first] == WAITING -> waiting[first] = WOKEN
              :: else -> first = NOBODY
              fi
          }
          if
          :: atomic { first != NOBODY -> wake[first] = 1; break }
          :: atomic { first == NOBODY -> skip }
          fi
       fi
    od
}

/* mproc__mutex_release() */
inline release()
{
#ifdef BROKEN_WAKE_FIRST
    if
    :: atomic { word & WAITERS -> skip }
       unpark_one()
    :: atomic { !(word & WAITERS) -> skip }
    fi;
    atomic { inside[me] = 0; word = 0 }
#else
    atomic {
        assert(OWNER(word) == me + 1);
        old = word;
        word = 0;
        inside[me] = 0
    }
    if
    :: atomic { old & WAITERS -> skip }
       unpark_one()
    :: atomic { !(old & WAITERS) -> skip }
    fi
#endif
}

#define FORGET                                                                 \
    old = 0; bits = 0; i = 0; k = 0; first = 0; flag = 0; res = 0; late = 0;   \
    pause = 0

proctype worker(byte me)
{
    byte old, bits, i, k, first, flag, res;
    bool timed = (me >= WORKERS - TIMED), late, pause;

    {
        acquire();
        if
        :: atomic { res -> res = 0 }
           release()
        :: atomic { !res -> skip }
        fi;
        atomic { FORGET }
    } unless { atomic { dead[me] -> FORGET } }
}

/* A parent or another bystander: told of deaths by the system. */
proctype guard(byte me)
{
    byte bits, i, k;
    {
        end:
        do
        :: UNRECOVERED -> look_around()
        od
    } unless { atomic { dead[me] -> bits = 0; i = 0; k = 0 } }
}

#define KILL(d)                                                                \
    atomic {                                                                   \
        deaths < DEATHS && !dead[d] -> dead[d] = 1; inside[d] = 0; deaths++    \
    }

/* Whoever, whenever, even who has come to its end: a peer dies when its
 * process does. The workers are alike but for the deadline, so where one of
 * three dies it is the first. A death wakes everybody, so a state counts as
 * stuck only when all deaths are used up: run with each number of them. */
init
{
    atomic {
        run worker(0);
        run worker(1);
#if WORKERS > 2
        run worker(2);
#endif
        run guard(GUARD)
    }
    end:
    do
    :: KILL(0)
#if DEATHS > 1
    :: KILL(1)
#if WORKERS > 2
    :: KILL(2)
#endif
    :: KILL(GUARD)
#endif
    od
}
