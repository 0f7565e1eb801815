/*
 * tasks.pml: the tasks of a pool: pool.h's protocol, in async.c, pool_worker.c
 * and pool_keeper.c.
 *
 * An owner that sends BATCHES batches of two tasks and gets what comes of them,
 * its keeper, its watcher, PLACES places for workers. A worker may die between
 * any two steps. One step is one atomic access, or one call: the hints are a
 * queue, which queue.pml shows to be one. To sleep is to wait until a word is
 * another, or until the recovery of somebody who died wakes all.
 *
 * Nobody hangs: the owner comes to its end. A task is run by one living worker
 * at a time, once for each attempt; it ends DONE, or LOST after as many deaths
 * that ran it as there are tries. A batch is called back once, when it is
 * settled, and before the owner goes on.
 */
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef RETRIES
#define RETRIES 1
#endif
#ifndef PLACES
#define PLACES 2
#endif
#ifndef BATCHES
#define BATCHES 1
#endif
#ifndef MOST
#define MOST 0 /* tasks until a worker is FULL; 0: any */
#endif
#define EACH 2
#define TASKS (BATCHES * EACH)
#if MOST > 0
#define WORKERS (PLACES + DEATHS + TASKS)
#else
#define WORKERS (PLACES + DEATHS)
#endif
#define NOBODY 15
#define NO_BATCH 3
#define NO_TASK 7

mtype = { FREE, CLAIMED, DONE, LOST };
mtype state[TASKS] = FREE;
byte claimer[TASKS] = NOBODY;
byte tries[TASKS];
chan hints = [16] of { byte };

/* A place. */
byte peer[PLACES] = NOBODY;
byte at[PLACES] = NO_BATCH;
byte running[PLACES] = NO_TASK;
bool taking[PLACES];

/* Eventcounts. Each has one waiter: it was moved when nobody waits any more. */
bool done_waiters[BATCHES], care_waiters;

/* The owner's heap. */
bool listed[BATCHES], calls[BATCHES];
bool suspect;
byte before; /* hints that are to be got first */

/* The process layer: exact, and told late. */
byte place[WORKERS] = NOBODY;
bool dead[WORKERS], told[WORKERS], seen_to[WORKERS];
byte deaths, count;
bool woken; /* the getter, by a recovery */

/* What must be true. */
byte runner[TASKS] = NOBODY;
byte begun[TASKS], called[BATCHES];
bool over;

#define IS_SETTLED(t) (state[t] == DONE || state[t] == LOST)
#define SETTLED(b) (IS_SETTLED((b) * EACH) && IS_SETTLED((b) * EACH + 1))
#define HAS_FREE(b) (state[(b) * EACH] == FREE || state[(b) * EACH + 1] == FREE)

inline hint(b)
{
    hints!b
}

/* mproc__pool_told(): a look, and then the move. */
inline tell_done(b)
{
    if
    :: atomic { done_waiters[b] -> skip }
        atomic { done_waiters[b] = false }
    :: atomic { !done_waiters[b] -> skip }
    fi
}

inline tell_care()
{
    if
    :: atomic { care_waiters -> skip }
        atomic { care_waiters = false }
    :: atomic { !care_waiters -> skip }
    fi
}

/* mproc__pool_worker(), batch_run(), task_run(). */
proctype worker(byte me; byte p)
{
    byte b, t, ran;
    bool mine, leaves;
    {
        atomic { peer[p] = me }
again:
#ifndef BROKEN_NO_TAKING
        atomic { taking[p] = true }
#endif
        atomic { at[p] = NO_BATCH }
        atomic { nempty(hints) || over };
        if
        :: atomic { over -> goto out }
        :: atomic { !over && nempty(hints) -> hints?b;
            before = (before > 0 -> before - 1 : 0) }
        :: atomic { !over && empty(hints) -> goto again }
        fi;
#ifdef BROKEN_TAKEN_FIRST
        atomic { taking[p] = false }
        atomic { at[p] = b }
#else
        atomic { at[p] = b }
        atomic { taking[p] = false }
#endif
look:
        atomic {
            mine = false;
            t = b * EACH;
            do
            :: t < (b + 1) * EACH ->
                if
                :: state[t] == FREE && !leaves -> state[t] = CLAIMED;
                    claimer[t] = me; mine = true; break
                :: else -> t++
                fi
            :: else -> break
            od
        }
        if
        :: mine ->
#ifndef BROKEN_BEGUN_FIRST
            atomic { running[p] = t }
#endif
            atomic {
                assert(runner[t] == NOBODY || dead[runner[t]]);
                runner[t] = me;
                begun[t]++;
                assert(begun[t] <= tries[t] + 1)
            }
#ifdef BROKEN_BEGUN_FIRST
            atomic { running[p] = t }
#endif
            atomic {
                assert(state[t] == CLAIMED && claimer[t] == me);
                runner[t] = NOBODY; state[t] = DONE
            }
            atomic { running[p] = NO_TASK }
            tell_done(b);
            ran++;
            leaves = (MOST > 0 && ran >= MOST);
            goto look
        :: else
        fi;
        if
        :: leaves ->
#ifndef BROKEN_FULL_SILENT
            atomic { hint(b) }
#endif
        :: else
        fi;
#ifndef BROKEN_NOT_TOLD
        if
        :: atomic { SETTLED(b) -> skip }
            tell_care()
        :: atomic { !SETTLED(b) -> skip }
        fi;
#endif
        if
        :: leaves -> atomic { at[p] = NO_BATCH }
        :: else -> goto again
        fi;
out:
        atomic { dead[me] = true }
    } unless { dead[me] }
}

/* worker_ended(), in the watcher's thread; and what the recovery wakes. */
#define TELL(w)                                                                \
    atomic {                                                                   \
        place[w] != NOBODY && dead[w] && !told[w] -> told[w] = true;           \
        care_waiters = false; woken = true                                     \
    }

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
#if WORKERS > 4
    :: TELL(4)
#endif
    od
}

inline start(p)
{
    atomic {
        if
        :: count < WORKERS -> place[count] = p; run worker(count, p); count++
        :: else
        fi
    }
}

/* task_back(), of one task that the dead had claimed. */
inline task_back(t, w, p)
{
    if
    :: state[t] == CLAIMED && claimer[t] == w ->
        claimer[t] = NOBODY;
        if
        :: running[p] != t -> state[t] = FREE
        :: running[p] == t && tries[t] == RETRIES -> state[t] = LOST
        :: running[p] == t && tries[t] < RETRIES ->
            tries[t]++;
            state[t] = FREE
        fi
    :: else
    fi
}

/* death_see(), work_back(). */
inline death_see(w, p)
{
    b = at[p];
    if
    :: b != NO_BATCH && listed[b] ->
        atomic {
            task_back(b * EACH, w, p);
            task_back(b * EACH + 1, w, p);
#ifndef BROKEN_NO_HINT
            if
            :: HAS_FREE(b) -> hint(b)
            :: else
            fi
#endif
        }
        tell_done(b)
    :: else
    fi;
    atomic {
        if
        :: taking[p] -> suspect = true; before = len(hints)
        :: else
        fi;
        seen_to[w] = true;
        peer[p] = NOBODY; at[p] = NO_BATCH; running[p] = NO_TASK;
        taking[p] = false
    }
    start(p)
}

/* suspect_look() */
inline suspect_look()
{
    if
    :: suspect && before == 0 ->
        suspect = false;
        b = 0;
        do
        :: b < BATCHES ->
            atomic {
                if
                :: listed[b] && HAS_FREE(b) -> hint(b)
                :: else
                fi;
                b++
            }
        :: else -> break
        od
    :: else
    fi
}

/* callbacks_run(): a batch that is settled is called back once. */
inline callbacks_run()
{
    b = 0;
    do
    :: b < BATCHES ->
        if
        :: atomic { listed[b] && SETTLED(b) -> listed[b] = false; called[b]++ }
            atomic { calls[b] = false }
            tell_done(b)
        :: atomic { !(listed[b] && SETTLED(b)) -> skip }
        fi;
        b++
    :: else -> break
    od
}

active proctype keeper()
{
    byte b, w;

again:
#ifndef BROKEN_CARE_LATE
    atomic { care_waiters = true }
#endif
    w = 0;
    do
    :: w < WORKERS ->
        if
        :: atomic { told[w] && !seen_to[w] -> skip }
            death_see(w, place[w]);
            atomic { w++ }
        :: atomic { !(told[w] && !seen_to[w]) -> w++ }
        fi
    :: else -> break
    od;
    suspect_look();
    callbacks_run();
#ifdef BROKEN_CARE_LATE
    atomic { care_waiters = true }
#endif
    atomic { b = 0; w = 0 }
end:
    atomic {
        !care_waiters || (suspect && before == 0) -> skip
    }
    goto again
}

/* Send all, and get them one after another. */
active proctype owner()
{
    byte b;

    start(0);
#if PLACES > 1
    start(1);
#endif
    b = 0;
    do
    :: b < BATCHES ->
        atomic {
            calls[b] = true;
            listed[b] = true;
            hint(b);
#if PLACES > 1
            hint(b);
#endif
            b++
        }
    :: else -> break
    od;
    b = 0;
    do
    :: b < BATCHES ->
again:
        atomic { woken = false }
#ifndef BROKEN_LOOK_FIRST
        atomic { done_waiters[b] = true }
#endif
        if
        :: atomic { SETTLED(b) && !calls[b] -> skip }
        :: atomic { !(SETTLED(b) && !calls[b]) -> skip }
#ifdef BROKEN_LOOK_FIRST
            atomic { done_waiters[b] = true }
#endif
            atomic { !done_waiters[b] || woken };
            goto again
        fi;
        atomic {
            assert(called[b] == 1 && SETTLED(b));
            assert(state[b * EACH] == DONE || tries[b * EACH] == RETRIES);
            assert(state[b * EACH + 1] == DONE ||
                   tries[b * EACH + 1] == RETRIES);
            b++
        }
    :: else -> break
    od;
    atomic { over = true }
}

/* Death. */
#define KILL(w)                                                                \
    atomic {                                                                   \
        !over && deaths < DEATHS && place[w] != NOBODY && !dead[w] -> dead[w] = true;   \
        deaths++                                                               \
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
