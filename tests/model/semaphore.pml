/*
 * semaphore.pml: the semaphore of semaphore.c, and the gate of gate.c that it
 * waits at, on the parking of parking.c.
 *
 * WORKERS processes acquire a permit, and release it, ROUNDS times; there are
 * PERMITS. Without OWNED they are a count, with it a row of words. The last
 * TIMED of the workers run out of time at any moment. Any process may die
 * between any two steps; a guard, which lives, recovers it. One step is one
 * atomic access. No slice of 100 ms ends by itself.
 *
 * Nobody has a permit that another living process has, and when nothing moves
 * any more, whoever still waits does so because the dead have all permits of a
 * count; those of a row come back. The count is then what nobody has.
 */
#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef PERMITS
#define PERMITS 1
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef TIMED
#define TIMED 0
#endif

byte count = PERMITS;  /* plain permits */
byte owner[PERMITS];   /* owned ones: 0, or who, + 1 */

/* The gate: its bit; and of those who have looked at its word, to whom it is
 * still the same, so that a compare-and-swap will do. */
bool gate;
byte same;

/* The entries. */
#define IDLE 0
#define WAITING 1
#define WOKEN 2
byte waiting[WORKERS];
byte parked;
bool wake[WORKERS];

/* Peers. */
bool gone[WORKERS];

/* Not shared memory. */
bool dead[WORKERS], recovered[WORKERS], finished[WORKERS], over;
bool asleep[WORKERS];
byte deaths;
byte taken;     /* plain permits that somebody has, or had when it died */
bool has[WORKERS];

/* To the next bit that is set. */
#define NEXT                                                                   \
    do                                                                         \
    :: i < WORKERS && !(bits & (1 << i)) -> i++                                \
    :: else -> break                                                           \
    od

/* mproc__gate_wake(), of one. */
inline gate_wake()
{
    if
    :: atomic { gate -> same = same | (1 << me); i = WORKERS + 1 }
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
       :: atomic {
              i == WORKERS && first == WORKERS ->
              /* Nobody: the bit goes, if nobody has come since. */
              if
#ifdef BROKEN_CLEAR_ANY
              :: true -> gate = 0; same = 0
#else
              :: same & (1 << me) -> gate = 0; same = 0
              :: else
#endif
              fi;
              break
          }
       od;
       atomic { bits = 0; i = 0; first = 0; same = same & ~(1 << me) }
    :: atomic { !gate -> skip }
    fi
}

#ifdef OWNED
/* owner_take(): res */
inline take()
{
    i = 0;
    do
    :: atomic {
           i < PERMITS ->
           old = owner[i];
#ifdef BROKEN_DEATH_UNSEEN
           if
           :: old == 0 -> res = 1
           :: else -> i++; old = 0
           fi
#else
           if
           :: old == 0 || (old != me + 1 && gone[old - 1]) -> res = 1
           :: else -> i++; old = 0
           fi
#endif
       }
       if
       :: atomic {
              res ->
              if
#ifdef BROKEN_TAKE_BLIND
              :: true ->
#else
              :: owner[i] == old ->
#endif
                 assert(owner[i] == 0 || dead[owner[i] - 1]);
                 owner[i] = me + 1;
                 has[me] = 1;
                 old = 0; i = 0;
                 break
              :: else -> res = 0; old = 0; i++
              fi
          }
       :: atomic { !res -> skip }
       fi
    :: atomic { i == PERMITS -> i = 0; break }
    od
}

/* owner_give(); each has one at most */
inline give()
{
    i = 0;
    do
    :: atomic {
           i < PERMITS ->
           if
           :: owner[i] == me + 1 -> owner[i] = 0; has[me] = 0; i = 0; break
           :: else -> i++
           fi
       }
    od
}

/* semaphore_is_shut(): res */
inline is_shut()
{
    atomic { i = 0; res = 1 }
    do
    :: atomic {
           i < PERMITS ->
           if
#ifdef BROKEN_DEATH_UNSEEN
           :: owner[i] == 0 -> res = 0
#else
           :: owner[i] == 0 || (owner[i] != me + 1 && gone[owner[i] - 1]) ->
              res = 0
#endif
           :: else
           fi;
           i++
       }
    :: atomic { i == PERMITS -> i = 0; break }
    od
}
#else
/* count_take(): res */
inline take()
{
    do
    :: atomic {
           old = count;
           if
           :: old == 0 -> res = 0; break
           :: else
           fi
       }
       atomic {
           if
#ifdef BROKEN_TAKE_BLIND
           :: true ->
#else
           :: count == old ->
#endif
              count = old - 1;
              taken++;
              has[me] = 1;
              res = 1;
              old = 0;
              break
           :: else
           fi
       }
    od
}

/* count_give() */
inline give()
{
    do
    :: old = count;
       atomic {
           if
           :: count == old ->
              assert(old < PERMITS);
              count = old + 1;
              taken--;
              has[me] = 0;
              old = 0;
              break
           :: else
           fi
       }
    od
}

/* semaphore_is_shut(): res */
inline is_shut()
{
    res = (count == 0)
}
#endif

/* mproc__gate_wait(): late says that the time ran out. A step of it: entered,
 * counted, looked, asleep, left, looked. */
inline gate_wait()
{
    do
    :: waiting[me] = WAITING;
       parked = parked | (1 << me);
#ifdef BROKEN_LATE_COUNT
       is_shut();
       atomic { gate = 1; same = 0 }
#else
       atomic { gate = 1; same = 0 }
       is_shut();
#endif
       if
       :: atomic { res && waiting[me] == WAITING -> asleep[me] = 1 }
          if
          :: atomic { wake[me] -> wake[me] = 0; asleep[me] = 0 }
          :: atomic { timed -> late = 1; asleep[me] = 0 }
          fi
       :: atomic { !res || waiting[me] != WAITING -> skip }
       fi;
       parked = parked & ~(1 << me);
       atomic {
#ifndef BROKEN_LATE_UNSEEN
           /* Who has been told looks again, however late. */
           late = late && waiting[me] == WAITING;
#endif
           waiting[me] = IDLE
       }
#ifdef BROKEN_LATE_UNSEEN
       if
       :: atomic { late -> res = 1; break }
       :: atomic { !late -> skip }
       fi;
#endif
       is_shut();
       if
       :: atomic { !res -> late = 0; break }
       :: atomic { res && late -> break }
       :: atomic { res && !late -> skip }
       fi
    od;
    res = 0
}

/* mproc_semaphore_acquire(): res 0 when it was too late. */
inline acquire()
{
    do
    :: take();
       if
       :: atomic { res || late -> break }
       :: atomic { !res && !late -> skip }
          gate_wait();
#ifdef BROKEN_LATE_UNSEEN
          if
          :: atomic { late -> break }
          :: atomic { !late -> skip }
          fi
#endif
       fi
    od
}

#define FORGET                                                                 \
    i = 0; old = 0; bits = 0; first = 0; n = 0; res = 0; late = 0; turned = 0

proctype worker(byte me)
{
    byte i, old, bits, first, n;
    bool res, late, turned, timed = (me >= WORKERS - TIMED);

    {
        do
        :: atomic { n < ROUNDS -> n++ }
           acquire();
           if
           :: atomic { res -> res = 0; late = 0 }
              give();
              gate_wake()
           :: atomic { !res -> late = 0 }
           fi
        :: atomic { n == ROUNDS -> break }
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
#ifndef BROKEN_NO_WAKE
       atomic { bits = parked; i = 0; NEXT }
       do
       :: atomic { i < WORKERS -> wake[i] = 1; i++; NEXT }
       :: atomic { i == WORKERS -> i = 0; bits = 0; break }
       od;
#endif
       atomic { recovered[k] = 1; k = 0 }
    od
}

#define HAVE (has[0] + has[1] + has[WORKERS - 1])
#ifdef OWNED
#define FREE(p) (owner[p] == 0 || dead[owner[p] - 1])
#define SHUT (!FREE(0) && !FREE(PERMITS - 1))
#define RIGHT (1)
#else
#define SHUT (count == 0)
#define RIGHT (count + taken == PERMITS)
#endif
#define FINE(w) (dead[w] || finished[w] || (asleep[w] && SHUT))
#define KILL(d)                                                                \
    atomic {                                                                   \
        deaths < DEATHS && !dead[d] ->                                         \
        dead[d] = 1;                                                           \
        deaths++;                                                              \
        asleep[d] = 0;                                                         \
        has[d] = 0                                                             \
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
#if DEATHS > 1 || TIMED
    :: KILL(WORKERS - 1)
#endif
    :: timeout ->
       assert(FINE(0) && FINE(1) && FINE(WORKERS - 1) && RIGHT);
       over = 1;
       break
    od
}
