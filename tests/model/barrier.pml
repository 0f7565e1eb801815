/*
 * barrier.pml: the barrier of barrier.c, and the gate of gate.c that it waits
 * at, on the parking of parking.c.
 *
 * PROCESSES processes come to a barrier of PARTIES, each ROUNDS times; the
 * last TIMED of them run out of time at any moment; with RESET somebody resets
 * it once, with ABORT breaks it once. Any process may die between any two
 * steps; a guard, which lives, recovers it. One step is one atomic access. No
 * slice of 100 ms ends by itself.
 *
 * Who passes a round was a party of it, all of which had arrived, nobody dead
 * among them when the last one came; all of its parties that live to see it
 * are told the same; its action ran once. When nothing moves any more, whoever
 * still waits does so in a round that is on, that somebody has yet to come to,
 * and where nobody is dead.
 */
#ifndef PROCESSES
#define PROCESSES 2
#endif
#ifndef PARTIES
#define PARTIES 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef TIMED
#define TIMED 0
#endif
#define NOBODY 15
#define GENERATIONS 9

/* The word. */
byte generation = 1, completed;
bool broken;

/* The slots: who, and in which generation; 0: empty. */
byte slot_peer[PARTIES];
byte slot_generation[PARTIES];

/* The gate: its bit; and of those who have looked at its word, to whom it is
 * still the same, so that a compare-and-swap will do. */
bool gate;
byte same;

/* The entries. */
#define IDLE 0
#define WAITING 1
#define WOKEN 2
byte waiting[PROCESSES];
byte parked;
bool wake[PROCESSES];

/* Peers. */
bool gone[PROCESSES];
byte told; /* deaths */

/* Not shared memory. */
bool dead[PROCESSES], recovered[PROCESSES], finished[PROCESSES];
bool in_round[PROCESSES]; /* asleep in the round */
byte its[PROCESSES];      /* generation */
bool over;
byte deaths;
byte party[GENERATIONS];  /* of a completed generation, a bit a process */
bool failed[GENERATIONS]; /* somebody was told so */
bool ran[GENERATIONS];
bool late_dead; /* somebody was dead when the last one came */

/* To the next bit that is set. */
#define NEXT                                                                   \
    do                                                                         \
    :: i < PROCESSES && !(bits & (1 << i)) -> i++                              \
    :: else -> break                                                           \
    od

/* mproc__gate_wake(), of all. */
inline gate_wake()
{
    if
    :: atomic { gate -> same = same | (1 << me) }
       atomic { bits = parked; i = 0; NEXT }
       do
       :: atomic {
              i < PROCESSES && !turned ->
              if
              :: waiting[i] == WAITING -> waiting[i] = WOKEN; turned = 1
              :: else -> i++; NEXT
              fi
          }
       :: atomic { turned -> wake[i] = 1; turned = 0; i++; NEXT }
       :: atomic { i >= PROCESSES -> break }
       od;
       atomic {
           if
#ifdef BROKEN_CLEAR_ANY
           :: true -> gate = 0; same = 0
#else
           :: same & (1 << me) -> gate = 0; same = 0
           :: else
#endif
           fi;
           bits = 0; i = 0
       }
    :: atomic { !gate -> skip }
    fi
}

/* barrier_lost_one(): then res is 0. */
inline lost_one()
{
    atomic { now = told; i = 0 }
    do
    :: atomic {
           i < PARTIES && slot_generation[i] == g -> p = slot_peer[i]
       }
       atomic {
           if
           :: gone[p] -> res = 0; p = 0; i = 0; now = 0; break
           :: else -> p = 0; i++
           fi
       }
    :: atomic { i < PARTIES && slot_generation[i] != g -> i++ }
    :: atomic { i == PARTIES -> seen = now; i = 0; now = 0; break }
    od
}

/* round_is_on(): res */
inline round_is_on()
{
    atomic { res = (generation == g && !broken) }
#ifndef BROKEN_DEATH_UNSEEN
    if
    :: atomic { res && told != seen -> skip }
       lost_one()
    :: atomic { !res || told == seen -> skip }
    fi
#endif
}

/* The rest of entry_is_shut(): res */
inline entry_is_shut()
{
    i = 0;
    do
    :: atomic {
           i < PARTIES ->
           p = slot_generation[i];
           if
           :: p == 0 || gone[slot_peer[i]] -> res = 0; i = PARTIES
           :: p != 0 && !gone[slot_peer[i]] && p != g -> i = PARTIES
           :: else -> i++
           fi;
           p = 0
       }
    :: atomic { i == PARTIES -> i = 0; break }
    od
}

#ifdef BROKEN_LATE_COUNT
#define COUNT_EARLY
#define COUNT_LATE atomic { gate = 1; same = 0 };
#else
#define COUNT_EARLY atomic { gate = 1; same = 0 };
#define COUNT_LATE
#endif

#define ENTRY 0
#define ROUND 1
inline is_shut(what)
{
    round_is_on();
    if
    :: atomic { what == ENTRY && res -> skip }
       entry_is_shut()
    :: atomic { what == ROUND || !res -> skip }
    fi
}

/* mproc__gate_wait(): late says that the time ran out. */
inline gate_wait(what, may_be_late)
{
    do
    :: waiting[me] = WAITING;
       parked = parked | (1 << me);
       /* gate_must_sleep() */
       COUNT_EARLY
       is_shut(what);
       COUNT_LATE
       if
       :: atomic { res && waiting[me] == WAITING -> in_round[me] = what }
          if
          :: atomic { wake[me] -> wake[me] = 0; in_round[me] = 0 }
          :: atomic { may_be_late -> late = 1; in_round[me] = 0 }
          fi
       :: atomic { !res || waiting[me] != WAITING -> skip }
       fi;
       parked = parked & ~(1 << me);
       atomic {
           late = late && waiting[me] == WAITING;
           waiting[me] = IDLE
       }
       if
       :: atomic { late -> break }
       :: atomic { !late -> skip }
          is_shut(what);
          if
          :: atomic { !res -> break }
          :: atomic { res -> skip }
          fi
       fi
    od;
    res = 0
}

/* barrier_break() */
inline break_it()
{
    atomic {
        if
        :: generation == g && !broken -> broken = 1; res = 1
        :: else -> res = 0
        fi
    }
    if
    :: atomic { res -> res = 0 }
       gate_wake()
    :: atomic { !res -> skip }
    fi
}

inline slot_leave()
{
    atomic { slot_peer[mine] = 0; slot_generation[mine] = 0; mine = NOBODY }
    gate_wake()
}

/* slot_take(): mine */
inline slot_take()
{
    i = 0;
    do
    :: atomic {
           i < PARTIES ->
           p = slot_peer[i];
           old = slot_generation[i];
           if
           :: old == g -> i++
#ifdef BROKEN_ANY_SLOT
           :: old != g && (old == 0 || true) -> res = 1
#else
           :: old != g && (old == 0 || gone[p]) -> res = 1
           :: old != 0 && old != g && !gone[p] -> i = PARTIES
#endif
           fi
       }
       if
       :: atomic {
              res ->
              res = 0;
              if
              :: slot_peer[i] == p && slot_generation[i] == old ->
                 slot_peer[i] = me;
                 slot_generation[i] = g;
                 mine = i;
                 p = 0; old = 0; i = 0;
                 break
              :: else -> p = 0; old = 0
              fi
          }
       :: atomic { !res -> p = 0; old = 0 }
       fi
    :: atomic { i == PARTIES -> i = 0; break }
    od
}

#define IN(i) (slot_generation[i] == g)
#define SLOT_DEAD(i) (slot_generation[i] == g && dead[slot_peer[i]])

/* barrier_enter(): mine, or NOBODY when it is broken. */
inline enter()
{
    do
    :: atomic { g = generation; its[me] = g; res = !broken }
       if
       :: atomic { !res -> break }
       :: atomic { res -> skip }
          lost_one();
          if
          :: atomic { !res -> skip }
             break_it()
          :: atomic { res -> res = 0 }
             slot_take();
             if
             :: atomic { mine != NOBODY -> skip }
#ifndef BROKEN_ONE_LOOK
                atomic {
                    if
                    :: generation == g && !broken ->
                       late_dead = (mine == PARTIES - 1 &&
                                    (SLOT_DEAD(0) || SLOT_DEAD(PARTIES - 1)));
                       break
                    :: else
                    fi
                }
                slot_leave()
#else
                break
#endif
             :: atomic { mine == NOBODY -> skip }
                gate_wait(ENTRY, 0)
             fi
          fi
       fi
    od
}

/* barrier_complete() */
inline complete()
{
    i = 0;
#ifndef BROKEN_COUNT_DEAD
    do
    :: atomic {
           i < PARTIES ->
           if
           :: dead[slot_peer[i]] && slot_generation[i] != 0 -> res = 1; break
           :: else -> i++
           fi
       }
    :: atomic { i == PARTIES -> break }
    od;
#endif
    if
    :: atomic { res -> res = 0; i = 0 }
       break_it()
    :: atomic { !res -> i = 0; assert(!ran[g]); ran[g] = 1 }
       atomic {
           if
           :: generation == g && !broken ->
              assert(IN(0) && IN(1) && IN(PARTIES - 1));
              assert(!failed[g]);
              assert(!late_dead);
              party[g] = (1 << slot_peer[0]) | (1 << slot_peer[1]) |
                         (1 << slot_peer[PARTIES - 1]);
              completed = g;
              generation = g + 1;
              res = 1
           :: else
           fi
       }
       if
       :: atomic { res -> res = 0 }
          gate_wake()
       :: atomic { !res -> skip }
       fi
    fi
}

/* How the round ended. */
#define OUTCOME                                                                \
    atomic {                                                                   \
        if                                                                     \
        :: completed == g -> assert(party[g] & (1 << me))                      \
        :: else -> assert(!(party[g] & (1 << me))); failed[g] = 1              \
        fi                                                                     \
    }

#define FORGET                                                                 \
    g = 0; i = 0; p = 0; old = 0; bits = 0; now = 0; seen = 0; mine = NOBODY;  \
    res = 0; late = 0; n = 0; turned = 0

/* mproc_barrier_wait() */
proctype process(byte me)
{
    byte g, i, p, old, bits, now, seen, mine = NOBODY, n;
    bool res, late, turned, timed = (me >= PROCESSES - TIMED);

    {
        do
        :: atomic { n < ROUNDS -> n++ }
           enter();
           if
           :: atomic { mine == NOBODY -> break } /* broken */
           :: atomic { mine == PARTIES - 1 -> skip }
              complete();
              OUTCOME;
              slot_leave()
           :: atomic { mine < PARTIES - 1 -> skip }
              gate_wait(ROUND, timed);
              if
              :: atomic { late || (generation == g && !broken) -> late = 0 }
                 break_it()
              :: atomic { !late && (generation != g || broken) -> skip }
              fi;
#ifdef BROKEN_LEAVE_EARLY
              slot_leave();
              OUTCOME
#else
              OUTCOME;
              slot_leave()
#endif
           fi;
           atomic { seen = 0; g = 0 }
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
           :: UNRECOVERED(PROCESSES - 1) -> k = PROCESSES - 1
           fi;
           gone[k] = 1
       }
       told++;
       waiting[k] = IDLE;
       parked = parked & ~(1 << k);
       atomic { bits = parked; i = 0; NEXT }
       do
       :: atomic { i < PROCESSES -> wake[i] = 1; i++; NEXT }
       :: atomic { i == PROCESSES -> i = 0; bits = 0; recovered[k] = 1; break }
       od;
       k = 0
    od
}

#if defined(RESET) || defined(ABORT)
/* mproc_barrier_reset(), or _abort() */
proctype other(byte me)
{
    byte g, i, bits;
    bool res, turned;
#ifdef ABORT
    do
    :: g = generation;
       atomic {
           if
           :: generation == g && !broken -> broken = 1; res = 1
           :: generation == g && broken -> break
           :: else
           fi
       }
       if
       :: atomic { res -> skip }
          gate_wake();
          break
       :: atomic { !res -> skip }
       fi
    od;
#endif
#ifdef RESET
    atomic {
        g = generation;
        res = broken || IN(0) || IN(1) || IN(PARTIES - 1)
    }
    if
    :: atomic { res && generation == g -> generation++; broken = 0 }
       gate_wake()
    :: atomic { !res || generation != g -> skip }
    fi;
#endif
    atomic { g = 0; i = 0; bits = 0; res = 0 }
}
#endif

/* A waiter may sleep on in a round that somebody has yet to come to. */
#define MISSING(i) (slot_generation[i] != generation)
#define LOST(i) (slot_generation[i] == generation && dead[slot_peer[i]])
#if PROCESSES > 2
#define ASLEEP (in_round[0] + in_round[1] + in_round[2])
#else
#define ASLEEP (in_round[0] + in_round[1])
#endif
#define FINE(w)                                                                \
    (dead[w] || finished[w] ||                                                 \
     (in_round[w] && its[w] == generation && !broken && ASLEEP < PARTIES &&    \
      (MISSING(0) || MISSING(1) || MISSING(PARTIES - 1)) &&                    \
      !LOST(0) && !LOST(1) && !LOST(PARTIES - 1)))

#define KILL(d)                                                                \
    atomic {                                                                   \
        deaths < DEATHS && !dead[d] ->                                         \
        dead[d] = 1;                                                           \
        deaths++;                                                              \
        in_round[d] = 0                                                        \
    }

init
{
    atomic {
        run process(0);
        run process(1);
#if PROCESSES > 2
        run process(2);
#endif
#if defined(RESET) || defined(ABORT)
        run other(PROCESSES);
#endif
        run guard()
    }
    do
    :: KILL(0)
#if DEATHS > 1 || TIMED
    :: KILL(PROCESSES - 1)
#endif
    :: timeout ->
       assert(FINE(0) && FINE(1) && FINE(PROCESSES - 1));
       over = 1;
       break
    od
}
