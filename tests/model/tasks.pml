/*
 * tasks.pml: the tasks of a pool: pool.h's protocol, in async.c, pool_worker.c
 * and pool_keeper.c.
 *
 * An owner that sends BATCHES batches of two tasks and gets what comes of them,
 * its keeper, its watcher, PLACES places for workers. A worker may die between
 * any two steps. One step is one atomic access, or one call: the hints are a
 * queue, which queue.pml shows to be one. To sleep is to wait until a word is
 * another, or until the recovery of somebody who died wakes all. What the
 * keeper does under its locks is one step, as is its look who has ended: who
 * ends after that has moved the word that it sleeps on.
 *
 * Nobody hangs: the owner comes to its end. A task is run by one living worker
 * at a time, once for each attempt; it ends DONE, or LOST after as many deaths
 * that ran it as there are tries. A batch with a callback is called back once,
 * when it is settled, and before the owner goes on; of one without nobody tells
 * but the workers. Once the owner has all, nothing more is looked at.
 *
 * So that two workers with a death can be looked at completely, of the workers
 * at the beginning, who are alike, it is the first that dies.
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
#ifndef CALLS
#define CALLS 1 /* batches have callbacks */
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
bool begun[TASKS]; /* in this attempt */
byte called[BATCHES];
bool over;

#ifdef BROKEN_NO_TAKING
#define TAKING false
#else
#define TAKING true
#endif
#if MOST > 0
#define FULL (ran >= MOST)
#else
#define FULL false
#endif
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
    byte b, t;
#if MOST > 0
    byte ran;
#endif
    {
        skip;
again:
        atomic {
            b = 0;
            taking[p] = TAKING
        }
        atomic { at[p] = NO_BATCH }
        atomic { hints?b; before = (before > 0 -> before - 1 : 0) }
#ifdef BROKEN_TAKEN_FIRST
        atomic { taking[p] = false }
        atomic { at[p] = b }
#else
        atomic { at[p] = b }
        atomic { taking[p] = false }
#endif
look:
        atomic {
            t = b * EACH;
            do
            :: t < (b + 1) * EACH && state[t] == FREE && !FULL ->
                state[t] = CLAIMED; claimer[t] = me; break
            :: t < (b + 1) * EACH && !(state[t] == FREE && !FULL) -> t++
            :: t == (b + 1) * EACH -> t = NO_TASK; goto left
            od
        }
#ifndef BROKEN_BEGUN_FIRST
        atomic { running[p] = t }
#endif
        atomic {
            assert(runner[t] == NOBODY || dead[runner[t]]);
            runner[t] = me;
            assert(!begun[t]);
            begun[t] = true
        }
#ifdef BROKEN_BEGUN_FIRST
        atomic { running[p] = t }
#endif
#ifdef BROKEN_TOLD_FIRST
        tell_done(b);
#endif
        atomic {
            assert(state[t] == CLAIMED && claimer[t] == me);
            runner[t] = NOBODY; claimer[t] = NOBODY; state[t] = DONE
        }
        atomic {
            running[p] = NO_TASK;
            t = NO_TASK;
#if MOST > 0
            ran++
#endif
        }
#ifndef BROKEN_TOLD_FIRST
        tell_done(b);
#endif
        goto look;
left:
#ifndef BROKEN_FULL_SILENT
        atomic {
            if
            :: FULL -> hint(b)
            :: else
            fi
        }
#endif
#if CALLS && !defined(BROKEN_NOT_TOLD)
        if
        :: atomic { SETTLED(b) -> skip }
            tell_care()
        :: atomic { !SETTLED(b) -> skip }
        fi;
#endif
        atomic {
            if
            :: FULL -> at[p] = NO_BATCH
            :: else -> goto again
            fi
        }
        atomic { dead[me] = true }
    } unless { atomic { dead[me] || over -> b = 0; t = NO_TASK } }
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
#ifndef BROKEN_NOT_COUNTED
            tries[t]++;
            begun[t] = false;
#endif
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
    :: atomic { b != NO_BATCH && listed[b] ->
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
    :: atomic { !(b != NO_BATCH && listed[b]) -> skip }
    fi;
    atomic {
        if
        :: taking[p] -> suspect = true; before = len(hints)
        :: else
        fi;
        seen_to[w] = true;
        at[p] = NO_BATCH; running[p] = NO_TASK;
        taking[p] = false; b = 0;
        if
        :: count < WORKERS -> run worker(count, p); place[count] = p; count++
        :: else
        fi
    }
}

/* suspect_look(), with both locks. */
inline suspect_look()
{
    atomic {
        if
        :: suspect && before == 0 ->
            suspect = false;
            b = 0;
            do
            :: b < BATCHES && listed[b] && HAS_FREE(b) -> hint(b); b++
            :: b < BATCHES && !(listed[b] && HAS_FREE(b)) -> b++
            :: b == BATCHES -> b = 0; break
            od
        :: else
        fi
    }
}

/* callbacks_run(): a batch that is settled is called back once. */
inline callbacks_run()
{
    do
    :: atomic { b < BATCHES && listed[b] && SETTLED(b) -> listed[b] = false }
#if CALLS
        atomic { called[b]++ }
        atomic { calls[b] = false }
        tell_done(b);
#endif
        atomic { b++ }
    :: atomic { b < BATCHES && !(listed[b] && SETTLED(b)) -> b++ }
    :: atomic { b == BATCHES -> b = 0; break }
    od
}

active proctype keeper()
{
    byte b, w;

again:
#ifndef BROKEN_CARE_LATE
    atomic { care_waiters = true }
#endif
look:
    atomic {
        w = 0;
        do
        :: w < WORKERS && !(told[w] && !seen_to[w]) -> w++
        :: w < WORKERS && told[w] && !seen_to[w] -> break
        :: w == WORKERS -> w = 0; goto seen
        od
    }
    death_see(w, place[w]);
    goto look;
seen:
    suspect_look();
    callbacks_run();
#ifdef BROKEN_CARE_LATE
    atomic { care_waiters = true }
#endif
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

    atomic {
        do
        :: count < PLACES -> run worker(count, count); place[count] = count;
            count++
        :: else -> break
        od;
        do
        :: b < BATCHES ->
            calls[b] = CALLS;
            listed[b] = true;
            hint(b);
#if PLACES > 1
            hint(b);
#endif
            b++
        :: else -> b = 0; break
        od
    }
again:
    atomic { woken = false }
#ifndef BROKEN_LOOK_FIRST
    atomic { done_waiters[b] = true }
#endif
    atomic {
        if
        :: SETTLED(b) && !calls[b] -> goto got
        :: else
        fi
    }
#ifdef BROKEN_LOOK_FIRST
    atomic { done_waiters[b] = true }
#endif
    atomic { !done_waiters[b] || woken -> goto again }
got:
    atomic {
        assert(called[b] == CALLS && SETTLED(b));
        assert(state[b * EACH] == DONE || tries[b * EACH] == RETRIES);
        assert(state[b * EACH + 1] == DONE || tries[b * EACH + 1] == RETRIES);
        b++;
        if
        :: b < BATCHES -> goto again
        :: else -> over = true
        fi
    }
}

/* Death. */
#define KILL(w)                                                                \
    atomic {                                                                   \
        !over && deaths < DEATHS && place[w] != NOBODY && !dead[w] -> dead[w] = true;   \
        deaths++                                                               \
    }

/* Those at the beginning are alike: it is the first. */
active proctype killer()
{
end:
    do
    :: KILL(0)
#if DEATHS > 1
    :: KILL(1)
#endif
#if DEATHS > 1 && WORKERS > 2
    :: KILL(2)
#endif
#if DEATHS > 1 && WORKERS > 3
    :: KILL(3)
#endif
    od
}
