/*
 * notifier.pml: a handle of notifier.c, on the parking of parking.c.
 *
 * The thread sees to the handle of one queue. A user, its loop, gets an item
 * whenever the flag is up, and may stop at any time, with or without closing
 * the handle. Somebody puts; a getter of another process gets, too. The process
 * of user and thread may die at any time: then the others are woken, which is
 * parking.pml's matter. One step is one atomic access, or what is done guarded
 * with one look at the queue. No slice ever ends: nobody is rescued.
 *
 * When nothing moves any more and there is an item, the flag is up, or nobody
 * has the handle; and the getter does not sleep.
 */
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef PUTS
#define PUTS 3
#endif
#ifndef GETS
#define GETS 1
#endif

#define THREAD 0
#define GETTER 1

/* The entries of who waits, as in parking.pml. */
#define IDLE 0
#define WAITING 1
#define WOKEN 2
byte waiting[2];
byte parked;
bool wake[2];
bool names; /* the thread's entry names the queue's word, beside the bell's */

/* The queue, and the notifier. */
#define WAITED 0
#define RAISED 1
#define GONE 2
byte items;
byte state = WAITED;
bool flag, changed, gone;

/* Not shared memory. */
bool dead, closed, ended;
byte deaths, put, got;

#define NAMES(i) ((i) != THREAD || names)

/* mproc__unpark(word, 1), of the queue's word. */
inline unpark()
{
    do
    :: atomic {
           bits = parked;
           if
           :: (bits & 1) && waiting[THREAD] == WAITING && NAMES(THREAD) ->
              who = THREAD
           :: (bits & 2) && waiting[GETTER] == WAITING -> who = GETTER
           :: else -> bits = 0; break
           fi
       }
       if
       :: atomic {
              waiting[who] == WAITING && NAMES(who) -> waiting[who] = WOKEN
          }
          atomic { wake[who] = 1; bits = 0; who = 0; break }
       :: atomic { !(waiting[who] == WAITING && NAMES(who)) -> skip }
       fi
    od
}

/* bell_ring() */
inline bell()
{
#ifndef BROKEN_NO_BELL
    if
    :: atomic { (parked & 1) && waiting[THREAD] == WAITING ->
                waiting[THREAD] = WOKEN }
       wake[THREAD] = 1
    :: atomic { !((parked & 1) && waiting[THREAD] == WAITING) -> skip }
    fi
#else
    skip
#endif
}

/* notifiers_run() */
proctype thread()
{
    byte bits, who;
    bool sleep, told, has;

    {
        do
        :: /* waits_gather(), list_tidy() */
#ifdef BROKEN_CHANGED_LATE
           skip;
#else
           changed = 0;
#endif
           if
           :: atomic { gone && state == GONE -> ended = 1; break }
           :: atomic { !(gone && state == GONE) -> skip }
           fi;
           has = (state == WAITED);
#ifdef BROKEN_CHANGED_LATE
           changed = 0;
#endif
           /* waiter_enter() */
           atomic { names = has; waiting[THREAD] = WAITING }
           parked = parked | 1;
           /* waits_must_sleep() */
           sleep = !has || state == GONE || items == 0;
#ifndef BROKEN_CHANGED_UNSEEN
           if
           :: atomic { sleep -> sleep = !changed }
           :: atomic { !sleep -> skip }
           fi;
#endif
           if
           :: atomic { sleep && waiting[THREAD] == WAITING -> skip }
              end:
              atomic { wake[THREAD] -> wake[THREAD] = 0 }
           :: atomic { !(sleep && waiting[THREAD] == WAITING) -> skip }
           fi;
           parked = parked & ~1;
           atomic { waiting[THREAD] = IDLE; names = 0; wake[THREAD] = 0 }
           /* waits_sweep() */
           atomic {
#ifdef BROKEN_GONE_KEEPS
               told = 0;
#else
               told = has && state == GONE;
#endif
               if
               :: has && state == WAITED && items > 0 ->
                  state = RAISED;
                  flag = 1;
#ifndef BROKEN_KEEPS
                  told = 1
#endif
               :: else
               fi
           }
           if
           :: atomic { told -> told = 0 }
              unpark()
           :: atomic { !told -> skip }
           fi;
           atomic { sleep = 0; has = 0 }
        od
    } unless { atomic { dead -> bits = 0; who = 0; sleep = 0; told = 0; has = 0 } }
}

/* A get, and the look of notifier_lower() after it. */
inline get_and_look()
{
    atomic {
        if
        :: items > 0 -> items--; got++
        :: else
        fi
    }
    atomic {
        lowered = 0;
        if
        :: state == RAISED && items == 0 ->
           flag = 0;
           state = WAITED;
#ifndef BROKEN_NO_CHANGE
           changed = 1;
#endif
           lowered = 1
        :: else
        fi
    }
    if
    :: atomic { lowered -> lowered = 0 }
       bell()
    :: atomic { !lowered -> skip }
    fi
}

proctype user()
{
    bool lowered, spin;

    {
        do
        :: atomic { flag -> skip }
           get_and_look()
        :: atomic { !spin -> spin = 1 } /* once without being told */
           get_and_look()
        :: break
        :: /* mproc__notifier_end_now() */
           atomic {
               state = GONE;
               flag = 0;
               gone = 1;
               changed = 1;
               closed = 1
           }
           bell();
           break
        od
    } unless { atomic { dead -> lowered = 0; spin = 0 } }
}

proctype putter()
{
    byte bits, who;

    do
    :: atomic { put < PUTS -> put++ }
#ifdef BROKEN_WAKE_FIRST
       unpark();
       items++
#else
       items++;
       unpark()
#endif
    :: atomic { put == PUTS -> break }
    od
}

/* mproc__gate_wait() */
proctype getter()
{
    byte n;

    do
    :: atomic { n < GETS && items > 0 -> items--; got++; n++ }
    :: atomic { n == GETS -> break }
    :: atomic { n < GETS && items == 0 -> waiting[GETTER] = WAITING }
       parked = parked | 2;
       if
       :: atomic { items == 0 && waiting[GETTER] == WAITING -> skip }
          end:
          atomic { wake[GETTER] -> wake[GETTER] = 0 }
       :: atomic { !(items == 0 && waiting[GETTER] == WAITING) -> skip }
       fi;
       parked = parked & ~2;
       atomic { waiting[GETTER] = IDLE; wake[GETTER] = 0 }
    od
}

/* peers.c: recover(), which wakes everybody. */
proctype guard()
{
    end:
    atomic { dead -> waiting[THREAD] = IDLE; names = 0 }
    parked = parked & ~1;
#ifndef BROKEN_NO_WAKE
    wake[GETTER] = 1
#endif
}

#define SLEEPS (waiting[GETTER] != IDLE)

init
{
    atomic {
        run thread();
        run user();
        run putter();
        run getter();
        run guard()
    }
    if
    :: atomic { deaths < DEATHS -> dead = 1; deaths++ }
    :: skip
    fi;
    end:
    timeout ->
    assert(items + got == PUTS);
    assert(items == 0 || !SLEEPS);
    assert(items == 0 || flag || closed || dead);
    assert(!closed || ended || dead)
}
