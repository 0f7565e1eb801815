/*
 * far_wait.pml: manager_far_wait.c on netwatch.c: waiting for a manager's queue
 * beside other things, by a question on a connection of its own.
 *
 * The server answers the question when the queue has an item. One thread waits
 * as mproc_wait() does, another gets, both of one process; others put, and get.
 * The server may die at any time: then the socket is readable for good. One
 * step is one call on the server, which does one at a time, or one look at or
 * change of what the threads of the process share.
 *
 * Who waits does not sleep for good while there is an item, or the server is
 * dead; when it is told that the queue is ready, there has been an item since
 * it began, or the server is dead.
 */
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef PUTS
#define PUTS 2
#endif

/* The server, and what it sent. */
byte items;
bool parked;   /* the question waits */
bool answered; /* an answer lies in the socket */
bool dead;
#define READABLE (answered || dead)

/* The process. */
bool busy;     /* mproc__far_watch_t */
bool entered;  /* the waiter, in the parking lot */
bool woken;
bool armed;    /* netwatch's list has the handle */
bool lost;     /* the watch is DEAD */

bool sleeps, got;
bool waits, seen; /* an item since the wait began */

inline question()
{
    if
    :: dead -> lost = 1
    :: !dead && items > 0 -> answered = 1
    :: !dead && items == 0 -> parked = 1
    fi
}

inline changed()
{
    if
    :: items > 0 && waits -> seen = 1
    :: else
    fi;
    if
    :: items > 0 && parked -> parked = 0; answered = 1
    :: else
    fi
}

/* watch_renew() */
inline renew()
{
#ifndef BROKEN_NO_GUARD
    atomic { !busy -> busy = 1 };
#endif
    if
    :: READABLE && !lost ->
       /* mproc__line_reply(): waits for what was seen. */
       if
       :: atomic { answered -> answered = 0 };
#ifndef BROKEN_NO_QUESTION
          atomic { question() }
#endif
       :: atomic { !answered && dead -> lost = 1 }
       fi
    :: !READABLE || lost
    fi;
#ifndef BROKEN_NO_GUARD
    busy = 0
#endif
}

#define IS_READY (READABLE || lost)

inline sleep_on()
{
    sleeps = 1;
end_sleep:
    woken -> sleeps = 0
}

active proctype waiter()
{
    bool known = 0;

    atomic { question() }; /* Of an earlier wait. */
    atomic { waits = 1; seen = (items > 0) };
    /* far_refresh() */
    atomic { known = (items > 0 || dead) };
    if
    :: known -> goto done
#ifndef BROKEN_STALE
    :: !known -> renew()
#else
    :: !known
#endif
    fi;
    do
    :: IS_READY -> break
    :: !IS_READY ->
#ifndef BROKEN_ARM_FIRST
       atomic { entered = 1; woken = 0 };
       /* far_must_sleep() */
       armed = 1;
       if
       :: IS_READY
       :: !IS_READY -> sleep_on()
       fi;
#else
       armed = 1;
       if
       :: IS_READY
       :: !IS_READY -> atomic { entered = 1; woken = 0 }; sleep_on()
       fi;
#endif
       entered = 0
    od;
    assert(seen || dead);
done:
    skip
}

/* Another thread of the process gets what there is. */
active proctype getter()
{
    atomic {
        if
        :: items > 0 -> items--
        :: else
        fi
    };
    if
    :: renew()
    :: atomic { busy -> skip } /* mproc__far_looked_now() does without. */
    fi;
    got = 1
}

active proctype others()
{
    byte i;

    for (i : 1 .. PUTS) {
        atomic { items++; changed() };
        if
        :: atomic { items > 0 -> items-- }
        :: skip
        fi
    }
}

active proctype server()
{
    if
    :: atomic { DEATHS > 0 -> dead = 1; parked = 0 }
    :: skip /* It lives. */
    fi
}

/* watch_run() */
active proctype netwatch()
{
end:
    do
    :: atomic { armed && READABLE -> armed = 0 };
       atomic {
           if
           :: entered -> woken = 1
           :: !entered
           fi
       }
    od
}

/* When nothing moves any more. */
active proctype judge()
{
    timeout;
    assert(got);
    assert(parked || answered || lost || dead);
    assert(!sleeps || (items == 0 && !dead))
}
