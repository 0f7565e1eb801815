/*
 * manager_pool.pml: manager_serve_pool.c, manager_serve_task.c: the records of
 * a served pool and of what was sent to it, between the server's thread, the
 * pool's and its keeper's, while clients come, let go and die.
 *
 * Each client waits for the pool, asks one thing of it, which is a task or a
 * figure, may ask to have the task cancelled and for its result, lets go of
 * both and leaves; or dies at any time. One step is what is done under the
 * mutex, or by one thread with what is its own; the server does one request at
 * a time. The pool may fail to be made, and refuse a task.
 *
 * No thread comes to a record that was freed; each is freed in the end, and the
 * pool's after all that name it; every call of a client that lives is answered,
 * and the result of a task it has is there when it is asked for.
 */
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef CLIENTS
#define CLIENTS 2
#endif
#define JOBS (2 * CLIENTS)

mtype = {BEGINS, UP, ENDED};          /* the pool */
mtype = {NONE, RUNS, IS_DONE, ANSWERED}; /* a call */

#define TOLD 1
#define DESTROYED 2
#define OVER 3

/* Guarded by the mutex. */
mtype state = BEGINS;
bool workers; /* there are some: for the pool's thread */
bool unwanted;
bool news;
byte dropped; /* bits of asyncs */
byte marks[CLIENTS];
bool listed[CLIENTS];
chan todo = [JOBS] of {byte};
chan done = [JOBS] of {byte};
bool bell; /* the server is rung */

/* Records: 0 none, 1 there, 2 freed. Those of asyncs, by their client. */
byte rec[CLIENTS];
byte pool_rec = 1;
bool live[CLIENTS]; /* what mproc_pool_map_async() made */
bool accepted[CLIENTS];
bool keeper_told[CLIENTS];
bool joined; /* the pool's thread has ended */

/* A job: 2 * client asks the pool, 2 * client + 1 cancels. */
bool ok[JOBS];
bool called[JOBS]; /* its call has not left */
mtype call[JOBS] = NONE;
bool sends[CLIENTS];

/* For the server's thread. */
bool hashed[CLIENTS], sent[CLIENTS], settled[CLIENTS];
byte asyncs;
bool gone;
bool news_seen;

/* Who refers to an async's block. */
bool ref[CLIENTS];
byte held[CLIENTS];   /* by jobs */
bool forked[CLIENTS]; /* by a child that is just being forked */
#ifndef BROKEN_UNHELD
#define HOLDS(j) (j % 2 == 1 || sends[j / 2])
#else
#define HOLDS(j) (j % 2 == 0 && sends[j / 2])
#endif
#define SERVED(i) (ref[i] || held[i] > 0 || forked[i])

/* Clients. */
bool alive[CLIENTS] = 1, pool_ref[CLIENTS] = 1;
mtype ready[CLIENTS] = NONE, get[CLIENTS] = NONE;
byte deaths;

#define WAITS(call) (call == RUNS || call == IS_DONE)

inline mark(i, what)
{
    assert(rec[i] == 1);
    marks[i] = marks[i] | what;
    listed[i] = 1;
    bell = 1
}

/* ------------------------------------------------------- the pool's thread */

inline job_do(j)
{
    if
    :: !workers -> ok[j] = 0
    :: workers && j % 2 == 0 && sends[j / 2] ->
       if
       :: accepted[j / 2] = 1; live[j / 2] = 1; ok[j] = 1
       :: ok[j] = 0
       fi
    :: workers && j % 2 == 0 && !sends[j / 2] -> ok[j] = 1
    :: workers && j % 2 == 1 ->
       assert(rec[j / 2] == 1 && live[j / 2]); ok[j] = 1
    fi
}

active proctype pool_main()
{
    byte i, j;

    atomic {
        if
        :: state = UP; workers = 1
        :: skip
        fi;
        news = 1;
        bell = 1
    };
    do
    :: atomic {
           dropped > 0 ->
           i = 0;
           do
           :: (dropped & (1 << i)) == 0 -> i++
           :: (dropped & (1 << i)) != 0 -> break
           od;
           dropped = dropped & ~(1 << i)
       };
       atomic { assert(rec[i] == 1 && live[i]); live[i] = 0 };
       atomic { mark(i, DESTROYED) }
    :: atomic { dropped == 0 && nempty(todo) -> todo?j };
       atomic { job_do(j) };
#ifdef BROKEN_RING_FIRST
       bell = 1;
       done!j
#else
       atomic { done!j; bell = 1 }
#endif
    :: atomic {
           dropped == 0 && empty(todo) && !workers ->
#ifndef BROKEN_END_LATE
           assert(pool_rec == 1);
           state = ENDED; news = 1; bell = 1;
#endif
           break
       }
    :: atomic { dropped == 0 && empty(todo) && workers && unwanted -> skip };
       /* mproc_pool_destroy(): the keeper tells of all there is. */
#ifndef BROKEN_UNTOLD
       atomic {
           (!accepted[0] || keeper_told[0]) &&
           (!accepted[CLIENTS - 1] || keeper_told[CLIENTS - 1]) -> workers = 0
       }
#else
       workers = 0
#endif
    od;
#ifdef BROKEN_END_LATE
    atomic { state = ENDED; news = 1; bell = 1 };
#endif
    joined = 1
}

/* In its callbacks: async_done(), async_failed(). */
active proctype keeper()
{
    byte i;

end:
    do
    :: atomic { accepted[0] && !keeper_told[0] -> keeper_told[0] = 1;
                mark(0, TOLD) }
    :: atomic { CLIENTS > 1 && accepted[CLIENTS - 1] &&
                !keeper_told[CLIENTS - 1] -> keeper_told[CLIENTS - 1] = 1;
                mark(CLIENTS - 1, TOLD) }
    od
}

#ifdef FORKS
/* A child has what its parent has, until it is its own. */
active proctype forks()
{
    bool once = 0;

end:
    do
    :: atomic { !once && SERVED(0) -> once = 1; forked[0] = 1 };
       forked[0] = 0
    od
}
#endif

/* ----------------------------------------------------- the server's thread */

inline async_free(i)
{
    assert(rec[i] == 1 && pool_rec == 1);
    asyncs--;
    rec[i] = 2
}

inline async_drop(i)
{
    hashed[i] = 0;
    if
#ifndef BROKEN_DROP_BLIND
    :: state == ENDED -> assert(live[i]); live[i] = 0; mark(i, DESTROYED)
    :: state != ENDED -> dropped = dropped | (1 << i)
#else
    :: dropped = dropped | (1 << i)
#endif
    fi
}

/* mproc__served_pools_dropped() */
inline is_dropped(i)
{
    if
    :: hashed[i] && !SERVED(i) -> async_drop(i)
    :: !hashed[i] || SERVED(i)
    fi
}

inline job_free(j)
{
    if
    :: HOLDS(j) -> held[j / 2]--
    :: !HOLDS(j)
    fi
}

inline pool_drop()
{
    if
    :: !gone && !pool_ref[0] && !pool_ref[CLIENTS - 1] ->
       gone = 1; unwanted = 1
    :: gone || pool_ref[0] || pool_ref[CLIENTS - 1]
    fi
}

inline reap()
{
    if
#ifndef BROKEN_REAP_NAMED
    :: state == ENDED && gone && pool_rec == 1 && asyncs == 0 -> pool_rec = 2
#else
    :: state == ENDED && gone && pool_rec == 1 -> pool_rec = 2
#endif
    :: else
    fi
}

inline job_begin(j)
{
    call[j] = RUNS;
    called[j] = 1;
    if
    :: j % 2 == 0 && sends[j / 2] ->
       rec[j / 2] = 1; hashed[j / 2] = 1; asyncs++
    :: else
    fi;
    if
    :: HOLDS(j) -> held[j / 2]++
    :: !HOLDS(j)
    fi;
    if
#ifndef BROKEN_LOOK_ONCE
    :: state == ENDED -> ok[j] = 0; done!j; bell = 1
    :: state != ENDED -> todo!j
#else
    :: todo!j
#endif
    fi
}

/* It looks at the pool, makes the job, and looks again. */
inline job_ask()
{
    if
    :: state == ENDED -> call[j] = ANSWERED
    :: atomic { state != ENDED -> seen = 1 };
       atomic { job_begin(j) }
    fi
}

inline job_settle(j)
{
    if
    :: j % 2 == 0 && sends[j / 2] && !ok[j] ->
       hashed[j / 2] = 0; async_free(j / 2)
    :: j % 2 == 0 && sends[j / 2] && ok[j] -> sent[j / 2] = 1
    :: else
    fi;
    if
    :: called[j] -> call[j] = IS_DONE
    :: !called[j] -> job_free(j); is_dropped(j / 2)
    fi
}

inline job_answer(j)
{
    call[j] = ANSWERED;
    if
    :: j % 2 == 0 && sends[j / 2] && ok[j] ->
       ref[j / 2] = 1; job_free(j)
    :: else -> job_free(j); is_dropped(j / 2)
    fi
}

/* mproc__serve_pool_leave() */
inline job_leave(j)
{
    if
    :: call[j] == RUNS -> called[j] = 0
    :: call[j] == IS_DONE -> job_free(j); is_dropped(j / 2)
    :: else
    fi;
    call[j] = ANSWERED
}

inline rung()
{
    do
    :: atomic { nempty(done) -> done?j; job_settle(j) }
    :: atomic { empty(done) -> break }
    od;
    i = 0;
    do
    :: atomic {
           i < CLIENTS && listed[i] ->
           listed[i] = 0;
           seen = marks[i]
       };
       atomic {
           assert(rec[i] == 1);
           if
           :: !settled[i] && (seen & TOLD) ->
              settled[i] = 1;
              if
              :: get[i] == RUNS -> async_get(i)
              :: get[i] != RUNS
              fi
           :: settled[i] || !(seen & TOLD)
           fi;
           if
#ifndef BROKEN_FREE_DESTROYED
           :: seen == OVER -> async_free(i)
           :: seen != OVER
#else
           :: seen & DESTROYED -> async_free(i)
           :: !(seen & DESTROYED)
#endif
           fi
       }
    :: atomic { i < CLIENTS && !listed[i] -> i++ }
    :: atomic { i == CLIENTS -> i = 0; break }
    od;
    atomic {
        if
        :: news -> news = 0; news_seen = 1;
           if
           :: ready[0] == RUNS -> ready[0] = ANSWERED
           :: ready[0] != RUNS
           fi;
           if
           :: ready[CLIENTS - 1] == RUNS -> ready[CLIENTS - 1] = ANSWERED
           :: ready[CLIENTS - 1] != RUNS
           fi
        :: !news
        fi;
        reap()
    }
}

inline async_get(i)
{
    if
    :: !(hashed[i] && sent[i]) -> assert(0) /* what the client has is gone */
    :: hashed[i] && sent[i] && settled[i] ->
       assert(rec[i] == 1 && live[i]);
       get[i] = ANSWERED
    :: hashed[i] && sent[i] && !settled[i] -> get[i] = RUNS
    fi
}

#define HAS(c) (alive[c] && ref[c])
#define IDLE(c) (ready[c] != RUNS && get[c] != RUNS && !WAITS(call[2 * c]) && \
                 !WAITS(call[2 * c + 1]))

/* What a client may do next, or what becomes of what it did. */
inline for_client(c)
{
    if
    :: atomic {
           alive[c] && ready[c] == NONE ->
           if
           :: state == BEGINS -> ready[c] = RUNS
           :: state != BEGINS -> ready[c] = ANSWERED
           fi
       }
    :: atomic {
           alive[c] && pool_ref[c] && ready[c] == ANSWERED &&
           call[2 * c] == NONE ->
           j = 2 * c;
           if
           :: sends[c] = 1
           :: sends[c] = 0
           fi
       };
       job_ask()
    :: atomic { HAS(c) && call[2 * c + 1] == NONE -> j = 2 * c + 1 };
       job_ask()
    :: atomic { alive[c] && call[2 * c] == IS_DONE -> job_answer((2 * c)) }
    :: atomic { alive[c] && call[2 * c + 1] == IS_DONE ->
                job_answer((2 * c + 1)) }
    :: atomic { HAS(c) && get[c] == NONE -> async_get(c) }
#ifndef BROKEN_DROP_UNDER
    :: atomic { HAS(c) && get[c] != RUNS && !WAITS(call[2 * c + 1]) ->
#else
    :: atomic { HAS(c) && !WAITS(call[2 * c + 1]) ->
#endif
                ref[c] = 0; is_dropped(c) }
    :: atomic { alive[c] && pool_ref[c] && ready[c] != RUNS &&
                !WAITS(call[2 * c]) -> pool_ref[c] = 0; pool_drop() }
    :: atomic { alive[c] && !pool_ref[c] && !ref[c] && IDLE(c) ->
                alive[c] = 0 }
    :: atomic { alive[c] && deaths < DEATHS ->
                deaths++; alive[c] = 0;
                job_leave((2 * c)); job_leave((2 * c + 1));
                ready[c] = ANSWERED; get[c] = ANSWERED;
                if
                :: ref[c] -> ref[c] = 0; is_dropped(c)
                :: !ref[c]
                fi;
                pool_ref[c] = 0; pool_drop() }
#ifdef FORKS
    /* mproc__served_pools_tidy() */
    :: atomic { hashed[c] && !SERVED(c) -> async_drop(c) }
#endif
    fi
}

active proctype server()
{
    byte i, j, seen;

    do
    :: atomic { bell -> bell = 0 };
       rung()
    :: for_client(0)
#if CLIENTS > 1
    :: for_client(1)
#endif
    :: atomic { !alive[0] && !alive[CLIENTS - 1] -> break }
    od;
    /* mproc__served_pools_end() */
    atomic { unwanted = 1; gone = 1 };
    joined;
    rung();
    atomic {
        i = 0;
        do
        :: i < CLIENTS && hashed[i] -> async_drop(i)
        :: i < CLIENTS && !hashed[i] -> i++
        :: i == CLIENTS -> break
        od
    };
    rung();
    assert(pool_rec == 2);
    assert(rec[0] != 1 && rec[CLIENTS - 1] != 1);
    assert(empty(todo) && empty(done) && dropped == 0)
}
