/*
 * event.pml: the event of event.c, on the parking of parking.c.
 *
 * One or two threads wait; one sets and clears at once, another sets. Any of
 * them may die between any two steps; a guard process recovers the dead, as do
 * the waiters while a death has not been worked off, and may die as well. One
 * step is one atomic access. A slice of 100 ms ends by itself at most SLICES
 * times: nobody is rescued.
 *
 * When nothing moves any more, whoever still waits must have come after the
 * last set: who waits when the event is set is released, even when it is
 * cleared at once.
 */
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef SLICES
#define SLICES 1
#endif
#ifndef WAITERS_COUNT
#define WAITERS_COUNT 2
#endif
#ifndef SETTERS
#define SETTERS 2
#endif
#define SETTER 2 /* sets and clears */
#define OTHER 3  /* sets */
#define GUARD 4
#define ALL 5
#define NOBODY 15

#define SET 1
#define WAITERS 2
#define SEQUENCE(word) ((word) >> 2)
byte word;

/* The waiters' entries, as in parking.pml. */
#define IDLE 0
#define WAITING 1
#define WOKEN 2
byte waiting[2];
byte parked;
bool wake[2];

/* Peers. */
bool recovered[ALL];
byte office[ALL] = NOBODY;

/* Not shared memory. */
bool dead[ALL];
byte deaths, slices;
byte sets;                    /* that took effect */
byte came[2];     /* how many had when the waiter came */
bool released[2]; /* it is through */

#define OPEN(d)                                                                \
    (dead[d] && !recovered[d] && (office[d] == NOBODY || dead[office[d]]))
#define UNRECOVERED (OPEN(0) || OPEN(1) || OPEN(2) || OPEN(3) || OPEN(4))

/* peers.c: recover() and mproc__unpark_all(). */
inline recover(d)
{
    if
    :: atomic { d < WAITERS_COUNT -> waiting[d] = IDLE }
       parked = parked & ~(1 << d)
    :: atomic { d >= WAITERS_COUNT -> skip }
    fi;
#ifndef BROKEN_NO_WAKE
    atomic { bits = parked; i = 0 }
    do
    :: atomic {
           i < WAITERS_COUNT ->
           if
           :: bits & (1 << i) -> wake[i] = 1
           :: else
           fi;
           i++
       }
    :: atomic { i == WAITERS_COUNT -> break }
    od;
#endif
    atomic { recovered[d] = 1; bits = 0; i = 0; d = 0 }
}

inline look_around()
{
    do
    :: atomic {
           UNRECOVERED ->
           if
           :: OPEN(0) -> k = 0
           :: OPEN(1) -> k = 1
           :: OPEN(2) -> k = 2
           :: OPEN(3) -> k = 3
           :: OPEN(4) -> k = 4
           fi;
           office[k] = me
       }
       recover(k)
    :: atomic { !UNRECOVERED -> break }
    od
}

/* event_is_shut() */
#ifdef BROKEN_NO_SEQUENCE
#define SHUT(old) (!((old) & SET))
#else
#define SHUT(old) (!((old) & SET) && SEQUENCE(old) == sequence)
#endif

/* event_must_sleep() */
inline must_sleep()
{
    do
    :: atomic {
           old = word;
           if
           :: !SHUT(old) -> res = 0; break
           :: SHUT(old) && (old & WAITERS) -> res = 1; break
           :: else
           fi
       }
       atomic {
           if
           :: word == old -> word = old | WAITERS; res = 1; break
           :: else
           fi
       }
    od
}

/* mproc__park(), as in parking.pml. */
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
    :: atomic { res && waiting[me] != WAITING -> break }
    :: atomic { res && waiting[me] == WAITING -> pause = 1 }
       end:
       if
       :: atomic { wake[me] -> wake[me] = 0; pause = 0; break }
       :: atomic {
              !wake[me] && (slices < SLICES || UNRECOVERED) ->
              if
              :: UNRECOVERED
              :: !UNRECOVERED -> slices++
              fi;
              pause = 0
          }
          look_around();
          must_sleep();
          if
          :: atomic { !res && waiting[me] == WAITING -> pause = 1 }
             if
             :: atomic { wake[me] -> wake[me] = 0; pause = 0 }
             :: pause = 0
             fi
          :: atomic { res || waiting[me] != WAITING -> skip }
          fi;
          must_sleep()
       fi
    od;
    parked = parked & ~(1 << me);
    atomic { waiting[me] = IDLE; res = 0 }
}

/* mproc__unpark(word, MPROC__ALL) */
inline unpark()
{
    atomic { bits = parked; i = 0 }
    do
    :: atomic {
           i < WAITERS_COUNT && (bits & (1 << i)) ->
           got = (waiting[i] == WAITING)
       }
       if
       :: atomic {
              got ->
              if
              :: waiting[i] == WAITING -> waiting[i] = WOKEN
              :: else -> got = 0
              fi
          }
          if
          :: atomic { got -> wake[i] = 1; got = 0 }
          :: atomic { !got -> skip }
          fi
       :: atomic { !got -> skip }
       fi;
       i++
    :: atomic { i < WAITERS_COUNT && !(bits & (1 << i)) -> i++ }
    :: atomic { i == WAITERS_COUNT -> break }
    od;
    atomic { bits = 0; i = 0 }
}

/* mproc_event_set(), mproc_event_clear() */
inline set()
{
#ifdef BROKEN_WAKE_FIRST
    if
    :: atomic { word & WAITERS -> skip }
       unpark()
    :: atomic { !(word & WAITERS) -> skip }
    fi;
#endif
    do
    :: atomic {
           old = word;
           if
           :: old & SET -> break
           :: else
           fi
       }
       atomic {
           if
           :: word == old ->
              word = ((old & ~WAITERS) + 4) | SET;
              sets++;
              break
           :: else
           fi
       }
    od;
#ifndef BROKEN_WAKE_FIRST
    if
    :: atomic { !(old & SET) && (old & WAITERS) -> skip }
       unpark()
    :: atomic { (old & SET) || !(old & WAITERS) -> skip }
    fi;
#endif
    old = 0
}

#define FORGET                                                                 \
    old = 0; bits = 0; i = 0; k = 0; got = 0; res = 0; pause = 0; sequence = 0

/* mproc_event_wait() */
proctype waiter(byte me)
{
    byte old, bits, i, k, sequence;
    bool res, pause, got;

    {
        atomic { sequence = SEQUENCE(word); came[me] = sets }
        do
        :: atomic { SHUT(word) -> skip }
           park()
        :: atomic { !SHUT(word) -> break }
        od;
        atomic { released[me] = 1; FORGET }
    } unless { atomic { dead[me] -> FORGET } }
}

proctype setter(byte me)
{
    byte old, bits, i;
    bool got;

    {
        set();
        if
        :: atomic { me == SETTER -> word = word & ~SET }
        :: atomic { me != SETTER -> skip }
        fi
    } unless { atomic { dead[me] -> old = 0; bits = 0; i = 0; got = 0 } }
}

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

#define THROUGH(w)                                                             \
    ((w) >= WAITERS_COUNT || dead[w] || released[w] || came[w] == sets)
#define KILL(d) atomic { deaths < DEATHS && !dead[d] -> dead[d] = 1; deaths++ }

init
{
    atomic {
        run waiter(0);
#if WAITERS_COUNT > 1
        run waiter(1);
#endif
        run setter(SETTER);
#if SETTERS > 1
        run setter(OTHER);
#endif
        run guard(GUARD)
    }
    do
    :: KILL(0)
    :: KILL(SETTER)
#if SETTERS > 1
    :: KILL(OTHER)
#endif
#if DEATHS > 1
#if WAITERS_COUNT > 1
    :: KILL(1)
#endif
    :: KILL(GUARD)
#endif
    :: break
    od;
    end:
    timeout -> assert(THROUGH(0) && THROUGH(1))
}
