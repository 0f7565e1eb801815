/*
 * peers.pml: peers.c: attach, death, the office, recovery.
 *
 * PROCESSES processes and SLOTS slots; the first ATTACHED are attached when
 * the model begins, the others attach when a slot is free. Any of them may
 * die between any two steps. Whoever lives looks around and recovers; the
 * recovery is three pieces of work on what the dead one left, each with an
 * intent of the recoverer. One step is one atomic access.
 *
 * Who fails to get an office waits until something about it has changed, so
 * a dead one that nobody can recover stops the model in a state that is no
 * proper end.
 */
#ifndef PROCESSES
#define PROCESSES 4
#endif
#ifndef ATTACHED
#define ATTACHED 3
#endif
#ifndef SLOTS
#define SLOTS 3
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
#ifndef WORK
#define WORK 3
#endif
#define DEPTH 3 /* of recoveries of recoverers, at most */

/* A peer's state: state, incarnation, pid + 1. */
#define FREE 0
#define LIVE 1
#define DEAD 2
#define STATE(s) ((s) & 3)
#define INCARNATION(s) ((s) >> 2 & 3)
#define PID(s) ((s) >> 4)
#define PEER(state, incarnation, pid)                                          \
    ((state) | (incarnation) << 2 | (pid) << 4)
byte state[SLOTS];

/* Who repairs: 0, or an id (slot and incarnation), and which incarnation of
 * the dead it is for: an office that somebody died in too late to leave it
 * says nothing about the next holder of the slot. */
#define ID(slot, incarnation) ((slot) | (incarnation) << 2)
#define ID_SLOT(id) ((id) & 3)
#define ID_INCARNATION(id) ((id) >> 2 & 3)
#define OFFICE_PEER(office) ((office) & 15)
#ifdef BROKEN_STALE_OFFICE
#define OFFICE(found, id) (id)
#define OFFICE_FOR(office, found) ((office) != 0)
#define LATE 0
#else
#define LATE (INCARNATION(state[slot]) != INCARNATION(found))
#define OFFICE(found, id) ((id) | INCARNATION(found) << 4)
#define OFFICE_FOR(office, found)                                              \
    ((office) != 0 && (office) >> 4 == INCARNATION(found))
#endif
byte recoverer[SLOTS];

/* The proof of life in each slot: pid + 1; gone with the process. */
byte proof[SLOTS];

/* What a process has begun as somebody's recoverer: slot + 1. */
byte begun[PROCESSES];

/* Not shared memory. */
bool dead[PROCESSES];
byte at[PROCESSES];   /* slot + 1 that it works on */
byte deaths;

#define NOBODY_AT(p, s) ((p) == me || at[p] != (s) + 1 || dead[p])
#define NONE_BEGUN(p, s) ((p) == me || begun[p] != (s) + 1)
#if PROCESSES > 3
#define NOBODY_AT_3(s) NOBODY_AT(3, s)
#define NONE_BEGUN_3(s) NONE_BEGUN(3, s)
#else
#define NOBODY_AT_3(s) 1
#define NONE_BEGUN_3(s) 1
#endif

/* Every step of the work: the peer is the one that was found dead, and has
 * died; nobody else works on it; and what an earlier recoverer was in the
 * middle of has been completed. */
#define CHECK_WORK(s, found)                                                   \
    assert(STATE(state[s]) == DEAD &&                                          \
           INCARNATION(state[s]) == INCARNATION(found));                       \
    assert(dead[PID(found) - 1]);                                              \
    assert(NOBODY_AT(0, s) && NOBODY_AT(1, s) && NOBODY_AT(2, s) &&            \
           NOBODY_AT_3(s));                                                    \
    assert(NONE_BEGUN(0, s) && NONE_BEGUN(1, s) && NONE_BEGUN(2, s) &&         \
           NONE_BEGUN_3(s))

/* The work on what the dead one left; its own intents come first. */
inline work()
{
    atomic {
        at[me] = slot + 1;
        begun[PID(found) - 1] = 0;
        CHECK_WORK(slot, found);
        done = 0
    }
    do
    :: atomic {
           done < WORK -> begun[me] = slot + 1;
           CHECK_WORK(slot, found)
       }
       atomic { CHECK_WORK(slot, found); begun[me] = 0; done++ }
    :: atomic { done == WORK -> break }
    od
}

#define PUSH(s, f)                                                             \
    stack_slot[depth] = slot; stack_found[depth] = found;                      \
    stack_other[depth] = other; depth++; slot = s; found = f; step = TAKE
#define POP                                                                    \
    depth--; slot = stack_slot[depth]; found = stack_found[depth];             \
    other = stack_other[depth]; step = TAKE_AGAIN; stack_slot[depth] = 0;      \
    stack_found[depth] = 0; stack_other[depth] = 0

#define TAKE 1
#define TAKE_LOOK 2
#define TAKE_AGAIN 3
#define TAKE_SWAP 4
#define HAVE 5
#define LEAVE 6
#define RETURN 7

#define TAKE_CHECK 8

#define STILL(id)                                                              \
    (INCARNATION(state[ID_SLOT(id)]) == ID_INCARNATION(id) &&                  \
     STATE(state[ID_SLOT(id)]) != FREE)
#define ENDED(s) (proof[s] == 0)
#define GONE(id)                                                               \
    (STILL(id) && (STATE(state[ID_SLOT(id)]) != LIVE || ENDED(ID_SLOT(id))))

/* recover() with office_take(); it calls itself, hence the stack. */
inline recover()
{
    atomic { step = TAKE; depth = 0 }
    do
    :: atomic {
           step == TAKE ->
           other = recoverer[slot];
           step = TAKE_CHECK
       }
    :: atomic {
           step == TAKE_LOOK ->
#ifdef BROKEN_NO_TAKE_OVER
           step = RETURN
#else
           if
           :: !STILL(other) -> step = TAKE_SWAP
#ifdef BROKEN_NOT_FIRST
           :: GONE(other) -> step = TAKE_SWAP
#else
           :: GONE(other) -> /* first complete what that one was at */
              assert(depth < DEPTH);
              PUSH(ID_SLOT(other), state[ID_SLOT(stack_other[depth - 1])])
#endif
           :: else -> step = RETURN
           fi
#endif
       }
    :: atomic { /* is it we who are late? */
           step == TAKE_CHECK ->
           if
           :: LATE -> step = RETURN
           :: !LATE && OFFICE_FOR(other, found) && OFFICE_PEER(other) != self ->
              step = TAKE_LOOK
           :: else -> step = TAKE_SWAP
           fi
       }
    :: atomic { /* back from the recovery of the recoverer */
           step == TAKE_AGAIN ->
           if
           :: STILL(other) -> step = RETURN
           :: else -> step = TAKE_SWAP
           fi
       }
    :: atomic {
           step == TAKE_SWAP ->
           if
           :: recoverer[slot] == other ->
              recoverer[slot] = OFFICE(found, self);
              step = HAVE
           :: else -> step = RETURN
           fi
       }
    :: atomic {
           step == HAVE ->
#ifdef BROKEN_ANY_INCARNATION
           if
           :: STATE(state[slot]) == FREE -> step = LEAVE
           :: else
           fi
#else
           if
           :: STATE(state[slot]) == FREE ||
                  INCARNATION(state[slot]) != INCARNATION(found) ->
              step = LEAVE
           :: else
           fi
#endif
       }
       if
       :: atomic {
              step == HAVE -> state[slot] = (state[slot] & ~3) | DEAD
          }
#ifdef BROKEN_FREE_FIRST
          state[slot] = PEER(FREE, INCARNATION(found), 0);
          work();
          step = LEAVE
#else
          work();
          atomic {
              assert(done == WORK);
              CHECK_WORK(slot, found);
              state[slot] = PEER(FREE, INCARNATION(found), 0);
              at[me] = 0;
              done = 0;
              step = LEAVE
          }
#endif
       :: atomic { step == LEAVE -> skip }
       fi
    :: atomic {
           step == LEAVE ->
           if
           :: recoverer[slot] == OFFICE(found, self) -> recoverer[slot] = 0
           :: else
           fi;
           step = RETURN
       }
    :: atomic { step == RETURN && depth > 0 -> POP }
    :: atomic { step == RETURN && depth == 0 -> break }
    od
}

/* slot_take(): the first that seems free. */
inline attach()
{
    slot = 0;
    do
    :: atomic {
           slot < SLOTS ->
           found = state[slot];
           if
           :: STATE(found) == FREE -> step = 1
           :: else -> slot++
           fi
       }
       if
       :: atomic {
              step == 1 && proof[slot] == 0 -> proof[slot] = me + 1; step = 2
          }
          if
          :: atomic {
                 state[slot] == found ->
                 state[slot] = PEER(LIVE, INCARNATION(found) + 1, me + 1);
                 self = ID(slot, INCARNATION(found) + 1);
                 step = 0;
                 break
             }
          :: atomic {
                 state[slot] != found -> proof[slot] = 0; slot++; step = 0
             }
          fi
       :: atomic { step == 1 && proof[slot] != 0 -> step = 0; slot++ }
       :: atomic { step == 0 -> skip }
       fi
    :: atomic { slot == SLOTS -> break }
    od;
    atomic { found = 0; slot = 0 }
}

#define LOOKS_DEAD(s)                                                          \
    (STATE(state[s]) == DEAD || STATE(state[s]) == LIVE && ENDED(s))

/* Since we failed: has anything changed? */
#define CHANGED(s)                                                             \
    (failed != (s) + 1 || failed_state != state[s] ||                          \
     failed_office != recoverer[s] || failed_deaths != deaths)

#if SLOTS > 2
#define ANY_DEAD (LOOKS_DEAD(0) || LOOKS_DEAD(1) || LOOKS_DEAD(2))
#define ANY_TO_TRY                                                             \
    (LOOKS_DEAD(0) && CHANGED(0) || LOOKS_DEAD(1) && CHANGED(1) ||             \
     LOOKS_DEAD(2) && CHANGED(2))
#else
#define ANY_DEAD (LOOKS_DEAD(0) || LOOKS_DEAD(1))
#define ANY_TO_TRY                                                             \
    (LOOKS_DEAD(0) && CHANGED(0) || LOOKS_DEAD(1) && CHANGED(1))
#endif

#define FIND(s)                                                                \
    LOOKS_DEAD(s) && CHANGED(s) -> slot = s; found = state[s];                 \
    failed = s + 1; failed_state = state[s]; failed_office = recoverer[s];     \
    failed_deaths = deaths

#define FORGET                                                                 \
    slot = 0; found = 0; other = 0; depth = 0; step = 0; done = 0;             \
    failed = 0; failed_state = 0; failed_office = 0; failed_deaths = 0;        \
    stack_slot[0] = 0; stack_slot[1] = 0; stack_slot[2] = 0;                   \
    stack_found[0] = 0; stack_found[1] = 0; stack_found[2] = 0;                \
    stack_other[0] = 0; stack_other[1] = 0; stack_other[2] = 0

proctype process(byte me, self)
{
    byte slot, found, other, depth, step, done;
    byte failed, failed_state, failed_office, failed_deaths;
    byte stack_slot[DEPTH], stack_found[DEPTH], stack_other[DEPTH];

    {
        if
        :: self == 0 ->
           attach()
        :: else
        fi;
        do
        :: atomic {
               self != 0 && ANY_TO_TRY ->
               if
               :: FIND(0)
               :: FIND(1)
#if SLOTS > 2
               :: FIND(2)
#endif
               fi
           }
           recover();
           atomic {
               slot = 0; found = 0; other = 0; step = 0; done = 0;
               if
               :: !LOOKS_DEAD(failed - 1) -> failed = 0; failed_state = 0;
                  failed_office = 0; failed_deaths = 0
               :: else
               fi
           }
        :: atomic { self == 0 || !ANY_DEAD -> break }
        od;
        atomic { FORGET }
    } unless { atomic { dead[me] -> FORGET } }
}

#define LOSE(s, p)                                                             \
    if                                                                         \
    :: proof[s] == (p) + 1 -> proof[s] = 0                                     \
    :: else                                                                    \
    fi
#if SLOTS > 2
#define LOSE_2(p) LOSE(2, p)
#else
#define LOSE_2(p) skip
#endif
#define KILL(p)                                                                \
    atomic {                                                                   \
        deaths < DEATHS && !dead[p] ->                                         \
        dead[p] = 1;                                                           \
        deaths++;                                                              \
        LOSE(0, p);                                                            \
        LOSE(1, p);                                                            \
        LOSE_2(p)                                                              \
    }

init
{
    byte p;
    atomic {
        do
        :: p < PROCESSES ->
           if
           :: p < ATTACHED ->
              state[p] = PEER(LIVE, 1, p + 1);
              proof[p] = p + 1;
              run process(p, ID(p, 1))
           :: else -> run process(p, 0)
           fi;
           p++
        :: else -> p = 0; break
        od
    }
    end:
    do
#ifndef ONE_STAYS
    :: KILL(0)
#endif
    :: KILL(1)
#if PROCESSES > 2
    :: KILL(2)
#endif
#if PROCESSES > 3
    :: KILL(3)
#endif
    :: break
    od
}
