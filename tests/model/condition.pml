/*
 * condition.pml: the condition of condition.c, on the parking of parking.c
 * with waiters that can be moved, and a mutex as in mutex.c.
 *
 * WAITERS threads wait, each once, the last TIMED of them with a deadline; a
 * notifier tells N of them. Any of them may die between any two steps; a guard
 * process recovers the dead, as do those who sleep while a death has not been
 * worked off, and may die as well. One step is one atomic access. No slice of
 * 100 ms ends by itself but for a death.
 *
 * When nothing moves any more, whoever still waits has not been notified,
 * waits for nobody dead, and no notification was lost: as many have used one
 * up as were given, less those that found nobody. Without two deaths, no more
 * than were given. The asserts are mutual exclusion, that who is taken over
 * is dead, and that who looks for a waiter finds one that was there.
 */
#ifndef WAITERS
#define WAITERS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef TIMED
#define TIMED 0
#endif
#ifndef ENTERED
#define ENTERED 1 /* the second has been entered before the first let go */
#endif
#ifndef N
#define N 1
#endif
#define NOTIFIER WAITERS
#define ENTRIES (WAITERS + 1)
#define GUARD ENTRIES
#define ALL (ENTRIES + 1)
#define NOBODY 15

/* The lock's word: 0 free, else owner + 1; and the flag. */
#define FLAG 8
#define OWNER(word) ((word) & 7)
byte word;

/* The threads' entries. */
#define IDLE 0
#define WAITING 1
#define WOKEN 2
#define MOVED 3
byte waiting[ENTRIES];
bool at_place[ENTRIES]; /* its word is the condition's, and it can be moved */
bool grant[ENTRIES];
byte parked;        /* a bit an entry */
bool wake[ENTRIES]; /* the park spot */

/* A peer's state. */
#define LIVE 0
#define DEAD 1
#define FREE 2
byte state[ALL];
byte office[ALL] = NOBODY;

/* Not shared memory. */
bool dead[ALL];
bool inside[ENTRIES];
bool finished[ENTRIES];
byte deaths;
byte given; /* notifications, less those that found nobody to go on to */
byte used;

#define OPEN(d)                                                                \
    (dead[d] && state[d] != FREE && (office[d] == NOBODY || dead[office[d]]))
#define UNRECOVERED (OPEN(0) || OPEN(1) || OPEN(2) || OPEN(3) || OPEN(ALL - 1))

/* Whom nobody has told, though somebody could. */
#define UNTOLD(t)                                                              \
    ((t) < WAITERS && !dead[t] && waiting[t] == WAITING && at_place[t] &&      \
     (parked & (1 << (t))))
#define UNTOLD_ALL (UNTOLD(0) + 2 * UNTOLD(1) + 4 * UNTOLD(2 % ENTRIES))

/* waiter_waits_for() */
#define PLACE 1
#define LOCK 0
#define WAITS(t, target)                                                       \
    ((waiting[t] == WAITING && at_place[t] == target) ||                       \
     (target == LOCK && waiting[t] == MOVED))

/* To the next bit that is set. */
#define NEXT                                                                   \
    do                                                                         \
    :: i < ENTRIES && !(bits & (1 << i)) -> i++                                \
    :: else -> break                                                           \
    od
#define AGAIN 8
#define WAKE 9

/* waiters_turn_first(), until it has turned one or there is none: first. */
inline turn_one(target, to)
{
    i = AGAIN;
    do
    :: atomic {
           i == AGAIN ->
           bits = parked;
           i = 0;
           first = NOBODY;
           must = (target == PLACE -> UNTOLD_ALL : 0);
           NEXT
       }
    :: atomic {
           i < ENTRIES ->
           if
           :: WAITS(i, target) -> first = i; which = waiting[i]
           :: WAITS(i, target) && first != NOBODY
           :: else
           fi;
           i++;
           NEXT
       }
    :: atomic {
           i == ENTRIES && first == NOBODY ->
           assert(!(must & UNTOLD_ALL));
           bits = 0; i = 0; which = 0; must = 0;
           break
       }
    :: atomic {
           i == ENTRIES && first != NOBODY ->
           if
           :: waiting[first] == which && to == MOVED && at_place[first] ->
              waiting[first] = MOVED;
              given++;
              bits = 0; i = 0; which = 0; must = 0;
              break
           :: waiting[first] == which && to == WOKEN &&
                  (which == MOVED || at_place[first] == target) ->
              waiting[first] = WOKEN;
              i = WAKE
           :: else -> i = AGAIN
           fi
       }
    :: atomic {
           i == WAKE ->
           wake[first] = 1;
           bits = 0; i = 0; which = 0; must = 0;
           break
       }
    od
}

/* peers.c: recover(), with mproc__parking_recover(). */
inline recover(d)
{
    state[d] = DEAD;
    if
    :: atomic { d < ENTRIES -> skip }
#ifdef BROKEN_LATE_END
       /* What it was told is looked at, and its wait ended later. */
       atomic {
           which = (grant[d] || (at_place[d] && waiting[d] >= WOKEN))
       }
       if
       :: atomic { which -> skip }
          turn_one(PLACE, WOKEN);
          atomic { given = given - (first == NOBODY); first = 0 }
       :: atomic { !which -> skip }
       fi;
       grant[d] = 0;
       waiting[d] = IDLE;
#else
       /* waiter_end() */
       atomic {
           if
           :: waiting[d] == WAITING -> waiting[d] = IDLE
           :: else
           fi
       }
#ifndef BROKEN_NO_PASS
       if
       :: atomic {
              waiting[d] != IDLE && at_place[d] -> grant[d] = 1
          }
       :: atomic { waiting[d] == IDLE || !at_place[d] -> skip }
       fi;
#endif
       waiting[d] = IDLE;
       if
       :: atomic { grant[d] -> skip }
          turn_one(PLACE, WOKEN);
          atomic {
              given = given - (first == NOBODY);
              first = 0;
              grant[d] = 0
          }
       :: atomic { !grant[d] -> skip }
       fi;
#endif
       parked = parked & ~(1 << d)
    :: atomic { d >= ENTRIES -> skip }
    fi;
    /* mproc__unpark_all() */
    atomic { bits = parked; i = 0; NEXT }
    do
    :: atomic { i < ENTRIES -> wake[i] = 1; i++; NEXT }
    :: atomic {
           i == ENTRIES ->
           state[d] = FREE;
           office[d] = NOBODY;
           bits = 0; i = 0; d = 0;
           break
       }
    od
}

/* Whether there is something to recover for who is no guard. */
#ifdef HELPERS
#define HELP(what) (what)
#else
#define HELP(what) 0
#endif

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
           :: OPEN(3) -> k = 3
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
           :: OWNER(old) == 0 -> res = 0; old = 0; break
           :: else
           fi
       }
       atomic {
           if
           :: state[OWNER(old) - 1] != LIVE -> res = 0; old = 0; break
           :: state[OWNER(old) - 1] == LIVE && (old & FLAG) ->
              res = 1;
              old = 0;
              break
           :: else
           fi
       }
       atomic {
           if
           :: word == old -> word = old | FLAG; res = 1; old = 0; break
           :: else
           fi
       }
    od
}

/* What comes next in acquire(). */
#define READ 0
#define TRY 1
#define LOOK 2
#define TAKE 3
#define HEAL 4
#define PARK 5

/* mproc__park() on the lock's word, without a deadline, from WAITING on. */
inline park()
{
    parked = parked | (1 << me);
    must_sleep();
    do
    :: atomic { !res || waiting[me] != WAITING -> break }
    :: atomic { res && waiting[me] == WAITING -> skip }
       if
       :: atomic { wake[me] -> wake[me] = 0; break }
#ifdef HELPERS
       :: atomic { !wake[me] && UNRECOVERED -> skip }
          look_around();
          must_sleep()
#endif
       fi
    od;
    parked = parked & ~(1 << me);
    atomic { waiting[me] = IDLE; res = READ }
}

#define NOBODY_INSIDE                                                          \
    (!inside[0] && !inside[1] && !inside[2] && !inside[WAITERS])

/* mproc__mutex_acquire(), without a deadline. */
inline acquire()
{
    do
    :: atomic {
           res == READ ->
           old = word;
           res = (OWNER(old) == 0 -> TRY : LOOK)
       }
    :: atomic {
           res == TRY ->
           res = READ;
           if
           :: word == old ->
              assert(NOBODY_INSIDE);
              word = (me + 1) | flag | (old & FLAG);
              inside[me] = 1;
              old = 0; flag = 0;
              break
           :: else
           fi
       }
    :: atomic {
           res == LOOK ->
           if
           :: state[OWNER(old) - 1] != LIVE -> res = TAKE
           :: state[OWNER(old) - 1] == LIVE && HELP(OPEN(OWNER(old) - 1)) ->
              k = OWNER(old) - 1;
              office[k] = me;
              res = HEAL
           :: state[OWNER(old) - 1] == LIVE && !HELP(OPEN(OWNER(old) - 1)) &&
                  HELP(dead[OWNER(old) - 1]) ->
              res = TAKE
           :: else -> res = PARK; old = 0
           fi
       }
    :: atomic {
           res == TAKE ->
           res = READ;
           if
           :: word == old ->
              assert(dead[OWNER(old) - 1]);
              word = (me + 1) | FLAG;
              inside[me] = 1; /* MPROC_EOWNERDEAD */
              old = 0; flag = 0;
              break
           :: else
           fi
       }
#ifdef HELPERS
    :: atomic { res == HEAL -> res = TAKE }
       recover(k)
#endif
    :: atomic {
           res == PARK ->
           waiting[me] = WAITING;
           at_place[me] = 0;
           flag = FLAG
       }
       park()
    od
}

/* mproc__mutex_release() */
inline release()
{
    atomic {
        assert(OWNER(word) == me + 1);
        old = word;
        word = 0;
        inside[me] = 0
    }
    if
    :: atomic { old & FLAG -> old = 0 }
       turn_one(LOCK, WOKEN);
       first = 0
    :: atomic { !(old & FLAG) -> old = 0 }
    fi
}

/* wait_sleep(): asleep only while not told; then for the lock, if moved. */
inline sleep()
{
    do
    :: atomic { taken || late || waiting[me] != WAITING -> break }
    :: atomic { !taken && !late && waiting[me] == WAITING -> old = word }
#ifndef BROKEN_NO_TAKE_OVER
       if
       :: atomic { OWNER(old) == 0 || state[OWNER(old) - 1] == LIVE -> old = 0 }
       :: atomic { OWNER(old) != 0 && state[OWNER(old) - 1] != LIVE -> skip }
          atomic {
              if
              :: word == old ->
                 assert(dead[OWNER(old) - 1]);
                 word = (me + 1) | FLAG;
                 inside[me] = 1;
                 taken = 1
              :: else
              fi;
              old = 0
          }
       fi;
#else
       old = 0;
#endif
       if
       :: atomic { taken || waiting[me] != WAITING -> break }
       :: atomic { !taken && waiting[me] == WAITING -> skip }
          end:
          if
          :: atomic { timed -> late = 1 }
          :: atomic { wake[me] -> wake[me] = 0 }
#ifdef HELPERS
          :: atomic { !wake[me] && UNRECOVERED -> skip }
             look_around()
#endif
          fi
       fi
    od;
    do
    :: atomic { taken || waiting[me] != MOVED -> break }
    :: atomic { !taken && waiting[me] == MOVED -> skip }
       must_sleep();
       if
       :: atomic { !res || waiting[me] != MOVED -> res = 0; break }
       :: atomic { res && waiting[me] == MOVED -> res = 0 }
          if
          :: atomic { wake[me] -> wake[me] = 0 }
#ifdef HELPERS
          :: atomic { !wake[me] && UNRECOVERED -> skip }
             look_around()
#endif
          fi
       fi
    od
}

/* mproc__waiter_leave(): told says whether it was. */
inline leave()
{
    atomic {
        if
        :: waiting[me] == WAITING -> waiting[me] = IDLE
#ifdef BROKEN_LEAVE_BLIND
        :: waiting[me] != WAITING && late -> waiting[me] = IDLE
        :: waiting[me] != WAITING && !late -> told = 1
#else
        :: else -> told = 1
#endif
        fi
    }
#ifdef BROKEN_NO_NOTE
    waiting[me] = IDLE;
#else
    if
    :: atomic { told -> grant[me] = 1 }
       waiting[me] = IDLE
    :: atomic { !told -> skip }
    fi;
#endif
    parked = parked & ~(1 << me)
}

/* mproc__waiter_done() */
#define DONE                                                                   \
    atomic {                                                                   \
        if                                                                     \
        :: told ->                                                             \
           grant[me] = 0;                                                      \
           used++;                                                             \
           assert(used <= given || deaths > 1)                                 \
        :: else                                                                \
        fi                                                                     \
    }

#define FORGET                                                                 \
    old = 0; bits = 0; i = 0; k = 0; first = 0; flag = 0; res = 0; which = 0;  \
    must = 0; late = 0; told = 0; taken = 0

/* mproc_condition_acquire(), _wait(), _release() */
proctype waiter(byte me)
{
    byte old, bits, i, k, first, flag, res, which, must;
    bool timed = (me >= WAITERS - TIMED), late, told, taken;

    {
        if
        :: atomic { me == 0 -> skip } /* has the lock, and is entered */
           release()
        :: atomic { me > 0 && ENTERED -> skip } /* sleeps */
        :: atomic { me > 0 && !ENTERED -> skip }
           acquire();
           atomic { waiting[me] = WAITING; at_place[me] = 1 }
           parked = parked | (1 << me);
           release()
        fi;
        sleep();
        leave();
#ifdef BROKEN_EARLY_DONE
        grant[me] = 0;
#endif
        if
        :: atomic { taken -> skip }
        :: atomic { !taken -> flag = FLAG }
           acquire()
        fi;
        DONE;
        release();
        atomic { finished[me] = 1; FORGET }
    } unless { atomic { dead[me] -> FORGET } }
}

/* mproc_condition_notify() */
proctype notifier(byte me)
{
    byte old, bits, i, k, first, flag, res, which, must, n;
    bool late, told, taken;

    {
        acquire();
        do
        :: atomic { n < N -> skip }
           turn_one(PLACE, MOVED);
           if
           :: atomic { first == NOBODY -> first = 0; break }
           :: atomic { first != NOBODY -> first = 0; n++ }
           fi
        :: atomic { n == N -> break }
        od;
#ifndef BROKEN_NO_FLAG
        if
        :: atomic { n > 0 -> word = word | FLAG }
        :: atomic { n == 0 -> skip }
        fi;
#endif
        release();
        atomic { finished[me] = 1; n = 0; FORGET }
    } unless { atomic { dead[me] -> n = 0; FORGET } }
}

/* A parent or another bystander: told of deaths by the system. */
proctype guard(byte me)
{
    byte bits, i, k, first, which, must;
    {
        end:
        do
        :: UNRECOVERED -> look_around()
        od
    } unless { atomic { dead[me] -> bits = 0; i = 0; k = 0; first = 0;
                        which = 0; must = 0 } }
}

/* A waiter that nobody has told may sleep on, unless a notification or the
 * dead holder's lock is waiting for it. */
#define FINE(w)                                                                \
    (dead[w] || finished[w] ||                                                 \
     (UNTOLD(w) && (OWNER(word) == 0 || !dead[OWNER(word) - 1]) &&             \
      used >= given))
#define KILL(d)                                                                \
    atomic {                                                                   \
        deaths < DEATHS && !dead[d] -> dead[d] = 1; deaths++;                  \
        if                                                                     \
        :: d < ENTRIES -> inside[d % ENTRIES] = 0                              \
        :: else                                                                \
        fi                                                                     \
    }

init
{
    atomic {
        word = 1;
        inside[0] = 1;
        waiting[0] = WAITING;
        at_place[0] = 1;
        parked = 1;
        if
        :: ENTERED ->
           parked = 3;
           waiting[1] = WAITING;
           at_place[1] = 1
        :: else
        fi;
        run waiter(0);
        run waiter(1);
#if WAITERS > 2
        run waiter(2);
#endif
        run notifier(NOTIFIER);
        run guard(GUARD)
    }
    do
    :: KILL(0)
#if TIMED || DEATHS > 1
    :: KILL(1)
#endif
    :: KILL(NOTIFIER)
#ifdef HELPERS
    :: KILL(GUARD)
#endif
    :: timeout -> assert(FINE(0) && FINE(1) && FINE(WAITERS - 1)); break
    od
}
