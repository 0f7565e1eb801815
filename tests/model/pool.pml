/*
 * pool.pml: the job of a pool: pool.h's protocol, in pool_map.c and
 * pool_worker.c.
 *
 * An owner, its watcher, PLACES places for workers and PIECES pieces. A worker
 * may die between any two steps; the owner starts another in its place. One
 * step is one atomic access, or one call that the process layer answers. To
 * sleep is to wait until a word is another: parking.pml shows that this holds.
 *
 * Nobody hangs: the owner comes to its end, and then the workers to theirs. A
 * piece is run by one living worker at a time, and when the owner ends, each
 * is done, or lost after as many deaths as there are tries.
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
byte wake, done; /* the pool's words: their sequences */
bool closed;

/* The process layer: exact, and told late. */
bool started[WORKERS], dead[WORKERS], watched[WORKERS], told[WORKERS];
byte place[PLACES];
byte count; /* workers started */

/* Not shared memory. */
byte deaths;
byte runner[PIECES] = NOBODY;

#define SETTLED(p) (state[p] == DONE || state[p] == LOST)

/* mproc__pool_worker(), job_run(), piece_claim(), piece_run(). */
proctype worker(byte me)
{
    byte seen, p;
    bool settled;
    {
        skip;
again:
        atomic { seen = wake }
look:
        p = 0;
        do
        :: p < PIECES ->
            atomic {
                if
                :: state[p] == FREE -> state[p] = CLAIMED; claimer[p] = me;
                    break
                :: else -> p++
                fi
            }
        :: else -> break
        od;
        if
        :: p < PIECES ->
            atomic {
                assert(runner[p] == NOBODY || dead[runner[p]]);
                runner[p] = me
            }
            atomic { runner[p] = NOBODY; state[p] = DONE }
            goto look
        :: else
        fi;
#ifdef BROKEN_NOT_TOLD
        goto sleep;
#endif
        p = 0;
        settled = true;
        do
        :: p < PIECES -> atomic { settled = settled && SETTLED(p); p++ }
        :: else -> break
        od;
        if
        :: settled -> atomic { done++ }
        :: else
        fi;
sleep:
        atomic { closed || wake != seen };
        if
        :: closed
        :: else -> goto again
        fi
    } unless { dead[me] }
}

/* worker_ended(), in the watcher's thread. Unwatched is not told. */
#define TELL(w)                                                                \
    atomic { watched[w] && dead[w] && !told[w] -> told[w] = true; done++ }

active proctype watcher()
{
end:
    do
    :: TELL(0)
    :: TELL(1)
#if PLACES + DEATHS > 2
    :: TELL(2)
#endif
#if PLACES + DEATHS > 3
    :: TELL(3)
#endif
    od
}

inline start(at)
{
    atomic {
        place[at] = count;
        started[count] = true;
        run worker(count);
        count++
    }
    atomic { watched[place[at]] = true }
}

/* map_give_back() */
inline give_back()
{
    changed = false;
    freed = false;
    p = 0;
    do
    :: p < PIECES ->
        atomic {
            if
            :: state[p] == CLAIMED && dead[claimer[p]] ->
                tries[p]++;
                changed = true;
                if
                :: tries[p] > RETRIES -> state[p] = LOST
                :: else -> state[p] = FREE; freed = true
                fi;
                claimer[p] = NOBODY
            :: else
            fi;
            p++
        }
    :: else -> break
    od;
    if
    :: freed -> atomic { wake++ }
    :: else
    fi
}

/* mproc__pool_heal() */
inline heal()
{
    at = 0;
    do
    :: at < PLACES ->
        if
        :: dead[place[at]] ->
            atomic { watched[place[at]] = false }
            start(at)
        :: else
        fi;
        at++
    :: else -> break
    od
}

/* map_wait() */
active proctype owner()
{
    byte p, at, seen;
    bool changed, freed, settled;

    start(0);
#if PLACES > 1
    start(1);
#endif
again:
    atomic { seen = done }
    p = 0;
    settled = true;
    do
    :: p < PIECES -> atomic { settled = settled && SETTLED(p); p++ }
    :: else -> break
    od;
    if
    :: settled -> goto over
    :: else
    fi;
#ifdef BROKEN_LOST_UNSEEN
/* What was lost may have been the last: nobody tells. */
#define LOOK_AGAIN freed
#else
#define LOOK_AGAIN changed
#endif
    give_back();
    if
    :: LOOK_AGAIN -> goto again
    :: else
    fi;
    heal();
#ifndef BROKEN_HEAL_LAST
    give_back();
    if
    :: LOOK_AGAIN -> goto again
    :: else
    fi;
#endif
    done != seen;
    goto again;
over:
    atomic {
        p = 0;
        do
        :: p < PIECES ->
            assert(state[p] == DONE ||
                   (state[p] == LOST && tries[p] > RETRIES));
            p++
        :: else -> break
        od;
        closed = true;
        wake++
    }
}

/* Death. */
#define KILL(w)                                                                \
    atomic {                                                                   \
        deaths < DEATHS && started[w] && !dead[w] -> dead[w] = true; deaths++  \
    }

active proctype killer()
{
end:
    do
    :: KILL(0)
    :: KILL(1)
#if PLACES + DEATHS > 2
    :: KILL(2)
#endif
#if PLACES + DEATHS > 3
    :: KILL(3)
#endif
    od
}
