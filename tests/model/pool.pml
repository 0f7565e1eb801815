/*
 * pool.pml: the array job of a pool: pool.h's protocol, in pool_map.c,
 * pool_worker.c and pool_keeper.c.
 *
 * An owner that maps PIECES pieces, its keeper, its watcher, PLACES places for
 * workers. A worker may die between any two steps; the keeper starts another in
 * its place. One step is one atomic access, or one call: the hints are a queue,
 * which queue.pml shows to be one. To sleep is to wait until a word is another,
 * or until the recovery of somebody who died wakes all.
 *
 * Nobody hangs: the owner comes to its end. A piece is run by one living worker
 * at a time, and when the owner ends each is done, or lost after as many deaths
 * as there are tries.
 */
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef RETRIES
#define RETRIES 1
#endif
#ifndef PIECES
#define PIECES 2
#endif
#ifndef PLACES
#define PLACES 2
#endif
#define WORKERS (PLACES + DEATHS) /* ever started */
#define NOBODY 15

mtype = { FREE, CLAIMED, DONE, LOST };
mtype state[PIECES] = FREE;
byte claimer[PIECES] = NOBODY;
byte tries[PIECES];
chan hints = [16] of { bit };
bool done_waiters; /* the owner waits, at the pool's eventcount */
byte deaths;       /* that the keeper has counted */

/* The process layer: exact, and told late. */
bool dead[WORKERS], told[WORKERS], seen_to[WORKERS];
byte count; /* workers started */
bool woken; /* the owner, by a recovery */

/* Not shared memory. */
byte killed;
byte runner[PIECES] = NOBODY;
bool over;

#define SETTLED(p) (state[p] == DONE || state[p] == LOST)

inline hint_all()
{
    p = 0;
    do
    :: p < PLACES && p < PIECES -> hints!1; p++
    :: else -> p = 0; break
    od
}

/* mproc__pool_worker(), job_run(), piece_claim(), piece_run(). */
proctype worker(byte me)
{
    byte p;
    {
        skip;
again:
        atomic { hints?1 }
look:
        atomic {
            p = 0;
            do
            :: p < PIECES && state[p] == FREE -> state[p] = CLAIMED;
                claimer[p] = me; break
            :: p < PIECES && state[p] != FREE -> p++
            :: p == PIECES -> p = 0; goto left
            od
        }
        atomic {
            assert(runner[p] == NOBODY || dead[runner[p]]);
            runner[p] = me
        }
        atomic { runner[p] = NOBODY; state[p] = DONE; p = 0 }
        goto look;
left:
        /* mproc__job_is_settled() */
        atomic {
            if
            :: p < PIECES && SETTLED(p) -> p++; goto left
            :: p < PIECES && !SETTLED(p) -> p = 0; goto again
            :: p == PIECES -> p = 0
            fi
        }
#ifndef BROKEN_NOT_TOLD
        if
        :: atomic { done_waiters -> skip }
            atomic { done_waiters = false }
        :: atomic { !done_waiters -> skip }
        fi;
#endif
        goto again
    } unless { atomic { dead[me] || over -> p = 0 } }
}

/* worker_ended(), in the watcher's thread; and what the recovery wakes. */
#define TELL(w) atomic { dead[w] && !told[w] -> told[w] = true; woken = true }

active proctype watcher()
{
end:
    do
    :: TELL(0)
    :: TELL(1)
#if WORKERS > 2
    :: TELL(2)
#endif
#if WORKERS > 3
    :: TELL(3)
#endif
    od
}

/* death_see(), workers_heal(). */
#define SEE(w)                                                                 \
    atomic { told[w] && !seen_to[w] -> seen_to[w] = true }                     \
    FIRST;                                                                     \
    SECOND;                                                                    \
    atomic {                                                                   \
        if                                                                     \
        :: count < WORKERS -> run worker(count); count++                       \
        :: else                                                                \
        fi                                                                     \
    }
#ifdef BROKEN_MOVED_FIRST
#define FIRST atomic { done_waiters = false }
#define SECOND atomic { deaths++ }
#else
#define FIRST atomic { deaths++ }
#define SECOND atomic { done_waiters = false }
#endif

active proctype keeper()
{
end:
    do
    :: SEE(0)
    :: SEE(1)
#if WORKERS > 2
    :: SEE(2)
#endif
#if WORKERS > 3
    :: SEE(3)
#endif
    od
}

/* map_run(), map_wait(). */
active proctype owner()
{
    byte p, known;
    bool unhinted;

    atomic {
        do
        :: count < PLACES -> run worker(count); count++
        :: else -> break
        od;
        hint_all()
    }
again:
    atomic { woken = false }
#ifndef BROKEN_LOOK_FIRST
    atomic { done_waiters = true }
#endif
settled:
    atomic {
        if
        :: p < PIECES && SETTLED(p) -> p++; goto settled
        :: p < PIECES && !SETTLED(p) -> p = 0
        :: p == PIECES -> p = 0; goto got
        fi
    }
back:
    /* map_give_back() */
    atomic {
        if
        :: p < PIECES && state[p] == CLAIMED && dead[claimer[p]] ->
            tries[p]++;
            unhinted = true;
            state[p] = (tries[p] > RETRIES -> LOST : FREE);
            claimer[p] = NOBODY;
            p++;
            goto back
        :: p < PIECES && !(state[p] == CLAIMED && dead[claimer[p]]) -> p++;
            goto back
        :: p == PIECES -> p = 0
        fi
    }
#ifndef BROKEN_DEATHS_UNSEEN
    atomic {
        if
        :: known != deaths -> known = deaths; unhinted = true
        :: else
        fi
    }
#endif
    atomic {
        if
        :: unhinted -> unhinted = false; hint_all()
        :: else
        fi
    }
#ifdef BROKEN_LOOK_FIRST
    atomic { done_waiters = true }
#endif
    atomic { !done_waiters || woken -> goto again }
got:
    atomic {
        do
        :: p < PIECES ->
            assert(state[p] == DONE ||
                   (state[p] == LOST && tries[p] > RETRIES));
            p++
        :: else -> p = 0; break
        od;
        over = true
    }
}

/* Death. */
#define KILL(w)                                                                \
    atomic {                                                                   \
        !over && killed < DEATHS && w < count && !dead[w] -> dead[w] = true;   \
        killed++                                                               \
    }

active proctype killer()
{
end:
    do
    :: KILL(0)
    :: KILL(1)
#if WORKERS > 2
    :: KILL(2)
#endif
#if WORKERS > 3
    :: KILL(3)
#endif
    od
}
