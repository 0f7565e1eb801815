/*
 * pipe.pml: connection_pipe.c, with what queue.c, gate.c and block.c do for it:
 * the two ends, who has them, and the end that comes when nobody has.
 *
 * One direction: end B sends, end A receives. SENDERS have B, RECEIVERS have A;
 * any of them may die between any two steps. With PASS of 1 the first sender
 * alone has B: it puts it into a message for the second, on a road of which both
 * let go, and lets go of its own; with 2 the first receiver does so with A. With
 * POLL the last receiver only polls, and then lets go. A guard recovers. What other models have shown is one step here: a
 * put and a get (queue.pml), a hold counted or counted off (block.pml), a
 * waiter claimed and woken (parking.pml); and that recoverers die is in
 * peers.pml. Nobody looks every 100 ms, so who was not woken sleeps for good.
 * When nothing moves any more, `init` looks at how things stand.
 */
#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef RECEIVERS
#define RECEIVERS 1
#endif
#ifndef MESSAGES
#define MESSAGES 1 /* of each sender */
#endif
#ifndef MAX
#define MAX 1 /* under way */
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef PASS
#define PASS 0 /* 1: of B, 2: of A */
#endif
#ifndef POLL
#define POLL 0
#endif
#define N (SENDERS + RECEIVERS)

#define A 0
#define B 1
#define PARCEL (PASS == 1) /* the end that is passed on, */
#if PASS == 2
#define GIVER SENDERS /* by this one to the next */
#else
#define GIVER 0
#endif

/* The blocks of the ends, and the holds on them: of a process; on the parcel,
 * of a message that a process has, or that is on the road. */
bool hold[2 * N];
bool box[N], road_box;
byte refs[2];
bool gone[2]; /* its word is FREE */
byte frees[N]; /* an intent: the process has counted this end, + 1, to 0 */
bool road[2]; /* who has the road */

/* The ring from B to A: how many. */
byte put, got;
#define EMPTY (put == got)
#define FULL (put >= got + MAX)

/* The gates: a bit; whether a waker's look at the word is still good, as it
 * counts those who come. */
bool items_bit, space_bit;
bool fresh[N];

#define IDLE 0
#define WAITING 1
#define WOKEN 2
byte waiting[N];

#define LIVE 0
#define DEAD 1
#define FREE 2
byte state[N];

/* Not shared memory: the truth. */
bool dead[N], finished[N];
byte deaths;

/* Somebody alive has it. */
#define HAS(p, e) (!dead[p] && hold[(e) * N + (p)])
#if N > 3
#define ANY_HAS(e) (HAS(0, e) || HAS(1, e) || HAS(2, e) || HAS(3, e))
#else
#define ANY_HAS(e) (HAS(0, e) || HAS(1, e) || HAS(2, e))
#endif
#define BOXED(p) (!dead[p] && box[p])
#define UNDER_WAY(e) (PASS && PARCEL == e &&                                   \
                      (BOXED(GIVER) || BOXED(GIVER + 1) || road_box))

/* What who waits looks at: also whether the other side is gone. */
#ifdef BROKEN_END_UNSEEN
#define NO_ITEMS EMPTY
#define NO_SPACE FULL
#else
#define NO_ITEMS (EMPTY && !gone[B])
#define NO_SPACE (FULL && !gone[A])
#endif

/* ------------------------------------------------------------------ waking */

/* mproc__unpark() of all who wait in the rings of an end */
inline unpark()
{
    d_step {
        k = 0;
        do
        :: k < N ->
           if
           :: waiting[k] == WAITING -> waiting[k] = WOKEN
           :: else
           fi;
           k++
        :: else -> break
        od;
        k = 0
    }
}

/* mproc__gate_wake() of one of those from `first` to `end` */
inline wake_one(flag, first, end)
{
    if
    :: atomic { flag -> fresh[me] = 1 }
       if
       :: atomic { waiting[first] == WAITING -> waiting[first] = WOKEN }
       :: atomic { first + 1 < end && waiting[(first + 1) % N] == WAITING ->
                   waiting[(first + 1) % N] = WOKEN }
       :: atomic {
              waiting[first] != WAITING &&
              !(first + 1 < end && waiting[(first + 1) % N] == WAITING) ->
              if
              :: !fresh[me]
              :: fresh[me] -> flag = 0
              fi
          }
       fi;
       fresh[me] = 0
    :: !flag
    fi
}

/* mproc__gate_wait(): once; the caller looks again */
inline gate_wait(flag, shut)
{
    waiting[me] = WAITING;
    if
    :: !(shut)
    :: d_step {
           shut ->
           flag = 1;
           k = 0;
           do
           :: k < N -> fresh[k] = 0; k++
           :: else -> break
           od;
           k = 0
       }
       if
       :: !(shut)
       :: (shut) ->
endwait:  waiting[me] != WAITING
       fi
    fi;
    waiting[me] = IDLE
}

/* -------------------------------------------------------------------- ends */

/* drop_run(), drop_free(): `empties` is the hold. */
inline drop(e, empties)
{
    atomic {
        assert(refs[e] > 0 && empties);
        refs[e]--;
        empties = 0;
        frees[me] = (refs[e] == 0) * (e + 1)
    }
    if
    :: frees[me] != 0 ->
#ifdef BROKEN_WAKE_FIRST
       unpark();
       gone[e] = 1;
#else
       gone[e] = 1;
#ifndef BROKEN_NO_WAKE
       unpark();
#endif
#endif
       frees[me] = 0
    :: else
    fi
}

/* block_hold() of the parcel: `fills` is the hold. */
inline take_hold(fills)
{
    atomic {
        assert(!gone[PARCEL] && refs[PARCEL] > 0);
        refs[PARCEL]++;
        fills = 1
    }
}

/* Let go of the road. What nobody has received goes with it. */
inline leave_road()
{
    atomic {
        road[me - GIVER] = 0;
        if
        :: !road[GIVER + 1 - me] && road_box -> road_box = 0; box[me] = 1
        :: else
        fi
    }
    if
    :: box[me] -> drop(PARCEL, box[me])
    :: else
    fi
}

inline parcel_give()
{
#ifdef BROKEN_UNHELD
    box[me] = 1;
#else
    take_hold(box[me]);
#endif
    atomic { road_box = 1; box[me] = 0 }
    leave_road()
}

inline parcel_take()
{
    if
    :: atomic { road_box -> road_box = 0; box[me] = 1 }
#ifdef BROKEN_DROP_FIRST
       drop(PARCEL, box[me]);
       take_hold(hold[PARCEL * N + me])
#else
       take_hold(hold[PARCEL * N + me]);
       drop(PARCEL, box[me])
#endif
    :: atomic { !road_box && !road[0] -> skip } /* It never comes. */
    fi;
    leave_road()
}

/* ----------------------------------------------------------------- senders */

proctype sender(byte me)
{
    byte k, n;

    {
        if
        :: PASS == 1 && me == 1 -> parcel_take()
        :: else
        fi;
        do
        :: n < MESSAGES && hold[B * N + me] ->
           if
           :: atomic {
                  gone[A] ->
                  assert(!ANY_HAS(A) && !UNDER_WAY(A));
                  n = MESSAGES
              }
           :: atomic { !gone[A] && !FULL -> put++ }
              wake_one(items_bit, SENDERS, N);
              n++
           :: atomic { !gone[A] && FULL -> skip }
              gate_wait(space_bit, NO_SPACE)
           fi
        :: else -> break
        od;
        if
        :: PASS == 1 && me == 0 -> parcel_give()
        :: else
        fi;
        if
        :: hold[B * N + me] -> drop(B, hold[B * N + me])
        :: else
        fi;
        finished[me] = 1
    } unless { dead[me] }
}

/* --------------------------------------------------------------- receivers */

proctype receiver(byte me)
{
    byte k;
    bool shut;

    {
        skip;
#if PASS == 2
        if
        :: me == SENDERS -> parcel_give(); goto close
        :: me == SENDERS + 1 -> parcel_take()
        :: else
        fi;
        if
        :: !hold[A * N + me] -> goto over
        :: else
        fi;
#endif
#if POLL
        if
        :: me == N - 1 ->
           /* mproc__queue_await() */
           do
           :: NO_ITEMS -> gate_wait(items_bit, NO_ITEMS)
           :: else -> break
           od;
#ifndef BROKEN_POLL_KEEPS
           wake_one(items_bit, SENDERS, N);
#endif
           goto close
        :: else
        fi;
#endif
again:  skip;
#ifndef BROKEN_RING_FIRST
        shut = gone[B];
#endif
        if
        :: atomic { !EMPTY -> got++; shut = 0 }
           wake_one(space_bit, 0, SENDERS);
           goto again
        :: EMPTY
        fi;
#ifdef BROKEN_RING_FIRST
        shut = gone[B];
#endif
        if
        :: !shut -> gate_wait(items_bit, NO_ITEMS);
           goto again
        :: else
        fi;
        /* The end: all that was sent was received, and nobody can send. */
        atomic {
            assert(EMPTY && !ANY_HAS(B) && !UNDER_WAY(B));
            shut = 0
        }
close:  drop(A, hold[A * N + me]);
over:   finished[me] = 1
    } unless { dead[me] }
}

/* ---------------------------------------------------------------- recovery */

inline guard_drop(e, empties)
{
    if
    :: empties ->
       refs[e]--;
       empties = 0;
       if
       :: refs[e] == 0 -> gone[e] = 1
       :: else
       fi
    :: else
    fi
}

/* recover() of peers.c. What it frees it need not tell of at once: it wakes
 * all in the end. */
proctype guard()
{
    byte d, k;

endguard:
    do
    :: atomic { d < N && dead[d] && state[d] == LIVE -> state[d] = DEAD }
       atomic {
           if
           :: frees[d] != 0 -> gone[frees[d] - 1] = 1; frees[d] = 0
           :: else
           fi;
           fresh[d] = 0;
           waiting[d] = IDLE
       }
       d_step { guard_drop(A, hold[A * N + d]) }
       d_step { guard_drop(B, hold[B * N + d]) }
       d_step {
           guard_drop(PARCEL, box[d]);
           if
           :: PASS && (d == GIVER || d == GIVER + 1) ->
              road[d - GIVER] = 0;
              if
              :: !road[GIVER + 1 - d] -> guard_drop(PARCEL, road_box)
              :: else
              fi
           :: else
           fi
       }
#ifndef BROKEN_NO_RECOVERY_WAKE
       unpark();
#endif
       state[d] = FREE
    :: atomic { d < N && !(dead[d] && state[d] == LIVE) &&
                ((dead[0] && state[0] == LIVE) || (dead[1] && state[1] == LIVE)
                 || (dead[2] && state[2] == LIVE)
#if N > 3
                 || (dead[3] && state[3] == LIVE)
#endif
                ) -> d = (d + 1) % N }
    od
}

inline look()
{
    byte i;

    i = 0;
    do
    :: i < N ->
       /* Nobody sleeps for good, nobody keeps anything. */
       assert(!dead[i] || state[i] == FREE);
       assert(dead[i] || finished[i]);
       assert(!hold[A * N + i] && !hold[B * N + i] && !box[i]);
       i++
    :: else -> break
    od;
    assert(refs[A] == 0 && gone[A]);
    assert(refs[B] == 0 && gone[B] && !road_box)
}

init
{
    byte p;

    atomic {
        do
        :: p < SENDERS ->
           if
           :: PASS != 1 || p == GIVER -> hold[B * N + p] = 1; refs[B]++
           :: else
           fi;
           run sender(p);
           p++
        :: p >= SENDERS && p < N ->
           if
           :: PASS != 2 || p == GIVER -> hold[A * N + p] = 1; refs[A]++
           :: else
           fi;
           run receiver(p);
           p++
        :: p == N -> break
        od;
        road[0] = PASS > 0;
        road[1] = PASS > 0;
        run guard();
        p = 0
    }
    do
    :: atomic { deaths < DEATHS && !dead[0] -> dead[0] = 1; deaths++ }
    :: atomic { deaths < DEATHS && !dead[1] -> dead[1] = 1; deaths++ }
    :: atomic { deaths < DEATHS && !dead[2] -> dead[2] = 1; deaths++ }
    :: atomic { deaths < DEATHS && N > 3 && !dead[3 % N] -> dead[3 % N] = 1;
                deaths++ }
    :: atomic { timeout -> look(); break }
    od
}
