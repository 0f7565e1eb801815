/*
 * queue.pml: ring.c and gate.c, with what queue.c does with them, and the part
 * of peers.c and block.c that finishes what the dead had begun.
 *
 * PRODUCERS put ITEMS each, CONSUMERS get for ever; any of them may die between
 * any two steps. A guard recovers, and takes its time: between the office and
 * DEAD, between DEAD and the finishing. (That recoverers die is in peers.pml.)
 * Sleeping on a mutex is in parking.pml; here who waits for one just waits.
 * Nobody looks every 100 ms, so who was not woken sleeps for good. When nothing
 * moves any more, `init` looks at how things stand.
 *
 * A segment has CELLS cells and a place for an END. An item takes one cell, or
 * two if it is in LONGS; it is a box if it is in BOXES (both: a bit an item),
 * which names objects unless it is PLAIN.
 */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef CONSUMERS
#define CONSUMERS 1
#endif
#ifndef ITEMS
#define ITEMS 1
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef CELLS
#define CELLS 1
#endif
#ifndef BOXES
#define BOXES 0
#endif
#ifndef LONGS
#define LONGS 0
#endif
#ifndef MAX
#define MAX 0 /* items; 0: no limit */
#endif
#define N (PRODUCERS + CONSUMERS)
#define ALL_ITEMS (PRODUCERS * ITEMS)
#define WIDTH (CELLS + 1)
#define SEGMENTS (ALL_ITEMS + 2)
#define PLACES (SEGMENTS * WIDTH)

#define END 99
#define JUNK 98 /* in the middle of a long item */
#define IS_BOX(item) (item < JUNK && item > 0 && ((BOXES >> (item - 1)) & 1))
#define ROOM(item) (1 + ((LONGS >> (item - 1)) & 1))

byte record[PLACES]; /* 0: nothing, an item, END, JUNK */
byte hold[PLACES];   /* of a box, in its record: the item */
bool segment[SEGMENTS]; /* the ring's hold on it is not empty */
byte refs[ALL_ITEMS + 1]; /* of a box, by holds in records */

/* The ends. */
byte tail_mutex, head_mutex; /* 0: free, else owner + 1 */
byte tail_place, tail_count, tail_next, tail_ncount;
byte head_place, head_count, head_next, head_ncount;

/* mproc__ring_count() */
#ifdef BROKEN_COUNT
#define PUT tail_count
#define GOT head_count
#else
#define PICK(is, then, other) ((is) * (then) + (1 - (is)) * (other))
#define PUT PICK(tail_place == tail_next, tail_ncount, tail_count)
#define GOT PICK(head_place == head_next, head_ncount, head_count)
#endif
#define EMPTY (head_place == tail_place)
#define FULL (MAX > 0 && PUT >= GOT + MAX)

/* The gates: a bit, and how many came. */
bool items_bit, space_bit;
byte items_came, space_came;

#define IDLE 0
#define WAITING 1
#define WOKEN 2
byte waiting[N];
bool wake[N];

/* An intent of block.c, one a process. */
#define NONE 0
#define HOLD 1
#define DROP 2
#define ALLOC 3
#define DROP_SEGMENT 4
byte op[N], at[N], what[N];
bool counted[N];

/* Another, around these, for a box that names objects. */
#define PUTTING 1
#define GETTING 2
byte outer[N], record_at[N];
#ifdef PLAIN
#define BEGIN(what)
#define END_OUTER
#else
#define BEGIN(what) atomic { record_at[me] = place; outer[me] = what }
#define END_OUTER outer[me] = NONE
#endif

#define LIVE 0
#define DEAD 1
#define FREE 2
byte state[N];
bool office[N];

/* Not shared memory: the truth. */
bool dead[N], finished[N];
byte deaths;
byte truth[PLACES]; /* which item was published where */
byte put_as[ALL_ITEMS + 1]; /* the how manyth that was put; 0: not */
bool got[ALL_ITEMS + 1];
byte all_put, all_got;

/* mutex.c: its holder is found to be dead; also when another has the office of
 * recovering it, and has not said DEAD yet. */
#define GONE(o) (dead[o] && (state[o] != LIVE || office[o]))

#ifdef BROKEN_NO_SETTLE
#define UNSETTLED(d) 0
#else
#ifdef BROKEN_SETTLE_TOLD
#define UNSETTLED(d) (state[d] == DEAD)
#else
#define UNSETTLED(d) (dead[d] && state[d] != FREE)
#endif
#endif
#if N > 3
#define SETTLED (!(UNSETTLED(0) || UNSETTLED(1) || UNSETTLED(2) || UNSETTLED(3)))
#else
#define SETTLED (!(UNSETTLED(0) || UNSETTLED(1) || UNSETTLED(2)))
#endif

/* took is whether its former holder died. */
inline lock(mutex)
{
    if
    :: atomic { mutex == 0 -> mutex = me + 1; took = 0 }
    :: atomic { mutex != 0 && GONE(mutex - 1) -> mutex = me + 1; took = 1 }
    fi
}

/* mproc__block_release() of a hold in a record */
inline release(where)
{
    atomic {
        at[me] = where; what[me] = hold[where]; counted[me] = 0;
        op[me] = (hold[where] != 0) * DROP
    }
    if
    :: atomic { op[me] == NONE }
    :: atomic {
           op[me] == DROP ->
           assert(refs[what[me]] > 0);
           refs[what[me]]--;
           counted[me] = 1
       }
       hold[at[me]] = 0;
       op[me] = NONE
    fi
}

/* The holds in its records, up to its end, and the segment. */
inline drop_segment(s)
{
    k = s * WIDTH;
    do
    :: k < (s + 1) * WIDTH && record[k] != 0 && record[k] != END ->
       assert(record[k] != JUNK);
       if
       :: IS_BOX(record[k]) && hold[k] != 0 ->
          refs[hold[k]]--;
          hold[k] = 0
       :: else
       fi;
       k = k + ROOM(record[k])
    :: else -> break
    od;
    segment[s] = 0;
    k = 0
}

inline publish_tail(after)
{
    /* The order of these two matters to who looks at the counts. */
#if MAX > 0
    tail_next = after;
    tail_ncount = tail_count + 1;
#else
    atomic { tail_next = after; tail_ncount = tail_count + 1 }
#endif
    atomic {
        truth[place] = item;
        all_put++;
        put_as[item] = all_put;
        tail_place = after
    }
    tail_count = tail_ncount
}

inline zero(from)
{
    d_step {
        k = from;
        do
        :: record[k] = 0;
           hold[k] = 0;
           k++;
           if
           :: k % WIDTH == 0 -> break
           :: else
           fi
        od;
        k = 0
    }
}

/* tail_repair() */
inline repair_tail()
{
    SETTLED;
    tail_count = PUT;
    if
    :: atomic {
           segment[tail_place / WIDTH] && tail_place % WIDTH < CELLS ->
           place = tail_place;
           assert(record[place] != JUNK)
       }
       if
       :: IS_BOX(record[place]) -> release(place)
       :: else
       fi;
#ifndef BROKEN_NO_ZERO
       zero(place)
#endif
    :: else
    fi
}

/* tail_find(), mproc__ring_put(), mproc__ring_put_box(): the mutex is held */
inline put()
{
    place = tail_place;
    if
    :: atomic {
           segment[place / WIDTH] && place % WIDTH + ROOM(item) > CELLS ->
           place = (place / WIDTH + 1) * WIDTH
       }
    :: else
    fi;
    if
    :: atomic { !segment[place / WIDTH] || place / WIDTH != tail_place / WIDTH }
       /* One of somebody who died, if at all. */
       segment[place / WIDTH] = 0;
       atomic { op[me] = ALLOC; at[me] = place / WIDTH }
       atomic { zero(place); segment[at[me]] = 1 }
       op[me] = NONE;
       if
       :: place != tail_place -> record[tail_place] = END
       :: else
       fi
    :: else
    fi;
#ifdef BROKEN_PUBLISH_FIRST
    publish_tail(place + ROOM(item));
#endif
    if
    :: ROOM(item) > 1 -> record[place + 1] = JUNK
    :: else
    fi;
    record[place] = item;
    if
    :: IS_BOX(item) ->
       BEGIN(PUTTING);
       atomic { op[me] = HOLD; at[me] = place; what[me] = item; counted[me] = 0 }
       atomic { refs[item]++; counted[me] = 1 }
       hold[place] = item;
       op[me] = NONE
    :: else
    fi;
#ifndef BROKEN_PUBLISH_FIRST
    publish_tail(place + ROOM(item));
#endif
    if
    :: IS_BOX(item) -> END_OUTER
    :: else
    fi
}

/* mproc__gate_wake() of one of those from `first` to `last` */
inline wake_one(flag, came, first, last)
{
    atomic { seen = came; took = flag }
    if
    :: took ->
       if
       :: atomic {
              first < last && waiting[first] == WAITING ->
              waiting[first] = WOKEN;
              k = first
          }
          atomic { wake[k] = 1; k = 0 }
       :: atomic {
              first + 1 < last && waiting[first + 1] == WAITING ->
              waiting[first + 1] = WOKEN;
              k = first + 1
          }
          atomic { wake[k] = 1; k = 0 }
       :: atomic {
              first + 2 < last && waiting[first + 2] == WAITING ->
              waiting[first + 2] = WOKEN;
              k = first + 2
          }
          atomic { wake[k] = 1; k = 0 }
       :: atomic {
              !(first < last && waiting[first] == WAITING) &&
              !(first + 1 < last && waiting[first + 1] == WAITING) &&
              !(first + 2 < last && waiting[first + 2] == WAITING) ->
              if
              :: came == seen -> flag = 0
              :: else
              fi
          }
       fi
    :: else
    fi;
    atomic { seen = 0; took = 0 }
}

/* mproc__gate_wait(): once; the caller looks again */
inline gate_wait(flag, came, shut)
{
    waiting[me] = WAITING;
    if
    :: !(shut)
    :: atomic { shut -> flag = 1; came++ }
       if
       :: !(shut)
       :: (shut) ->
endwait:  atomic { wake[me] || waiting[me] != WAITING -> wake[me] = 0 }
       fi
    fi;
    waiting[me] = IDLE
}

proctype producer(byte me)
{
    byte item, place, k, seen, n;
    bool took;

    {
        do
        :: n < ITEMS ->
           item = me * ITEMS + n + 1;
again:     skip;
           lock(tail_mutex);
           if
           :: atomic { took -> took = 0 }
              repair_tail()
           :: else
           fi;
#if MAX > 0
           if
           :: FULL ->
              tail_mutex = 0;
              gate_wait(space_bit, space_came, FULL);
              goto again
           :: else
           fi;
#endif
#ifdef BROKEN_WAKE_FIRST
           wake_one(items_bit, items_came, PRODUCERS, N);
#endif
           put();
           tail_mutex = 0;
#ifndef BROKEN_WAKE_FIRST
           wake_one(items_bit, items_came, PRODUCERS, N);
#endif
           atomic { n++; place = 0; item = 0 }
        :: atomic { n == ITEMS -> finished[me] = 1; break }
        od
    } unless { dead[me] }
}

inline publish_head(after, count)
{
#if MAX > 0
    head_next = after;
    head_ncount = count;
#else
    atomic { head_next = after; head_ncount = count }
#endif
    atomic {
        if
        :: item != 0 ->
           assert(!got[item]);
           got[item] = 1;
           all_got++;
           assert(put_as[item] == all_got)
        :: else
        fi;
        head_place = after
    }
    head_count = head_ncount
}

/* head_advance() */
inline advance()
{
    item = 0;
#ifdef BROKEN_RELEASE_LAST
    place = head_place / WIDTH;
    publish_head((place + 1) * WIDTH, head_count);
#else
    place = head_place / WIDTH;
#endif
    atomic { op[me] = DROP_SEGMENT; at[me] = place }
    atomic { drop_segment(place); op[me] = NONE }
#ifndef BROKEN_RELEASE_LAST
    publish_head((place + 1) * WIDTH, head_count)
#endif
}

/* head_repair() */
inline repair_head()
{
    SETTLED;
    head_count = GOT;
    place = head_place / WIDTH * WIDTH;
    do
    :: atomic { segment[place / WIDTH] && place < head_place ->
                item = record[place] }
       if
       :: IS_BOX(item) -> release(place)
       :: else
       fi;
       place = place + ROOM(item)
    :: else -> break
    od;
    item = 0
}

proctype consumer(byte me)
{
    byte item, place, k, seen;
    bool took;

    {
        skip;
again:  skip;
        lock(head_mutex);
        if
        :: took -> repair_head()
        :: else
        fi;
front:  if
        :: EMPTY ->
           head_mutex = 0;
           atomic { item = 0; place = 0 }
           gate_wait(items_bit, items_came, EMPTY);
           goto again
        :: else
        fi;
        if
        :: !segment[head_place / WIDTH] || record[head_place] == END ->
           advance();
           goto front
        :: else
        fi;
        /* What is got is what was put there, whole. */
        atomic {
            place = head_place;
            item = record[place];
            assert(item != 0 && item == truth[place]);
            assert(!IS_BOX(item) || (hold[place] == item && refs[item] > 0))
        }
        if
        :: IS_BOX(item) -> BEGIN(GETTING)
        :: else
        fi;
        publish_head(place + ROOM(item), head_count + 1);
        if
        :: IS_BOX(item) -> release(place); END_OUTER
        :: else
        fi;
        head_mutex = 0;
#if MAX > 0
        wake_one(space_bit, space_came, 0, PRODUCERS);
#endif
        atomic { item = 0; place = 0 }
        goto again
    } unless { dead[me] }
}

/* recover() of peers.c */
proctype guard()
{
    byte d, i, k;

endguard:
    do
    :: atomic { d < N && dead[d] && state[d] == LIVE -> office[d] = 1 }
       state[d] = DEAD;
       if
       :: op[d] == HOLD ->
          if
          :: counted[d] -> hold[at[d]] = what[d]
          :: else
          fi
       :: op[d] == DROP ->
          atomic {
              if
              :: !counted[d] -> refs[what[d]]--; counted[d] = 1
              :: else
              fi
          }
          hold[at[d]] = 0
       :: op[d] == ALLOC -> segment[at[d]] = 0
       :: op[d] == DROP_SEGMENT -> atomic { drop_segment(at[d]) }
       :: else
       fi;
#ifndef BROKEN_LEFT
       /* mproc__ring_recover() */
       atomic {
           if
           :: outer[d] != NONE && hold[record_at[d]] != 0 &&
              ((outer[d] == PUTTING && tail_place <= record_at[d]) ||
               (outer[d] == GETTING && head_place > record_at[d])) ->
              refs[hold[record_at[d]]]--;
              hold[record_at[d]] = 0
           :: else
           fi;
           outer[d] = NONE
       }
#endif
       atomic { op[d] = NONE; waiting[d] = IDLE; i = 0 }
       do
       :: i < N ->
          atomic {
              if
              :: waiting[i] != IDLE -> wake[i] = 1
              :: else
              fi;
              i++
          }
       :: else -> break
       od;
       atomic { state[d] = FREE; i = 0 }
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
    bool consumers = 0, mutexes;
    byte j = 0;
    do
    :: j < N ->
       assert(!dead[j] || state[j] == FREE);
       consumers = consumers || (j >= PRODUCERS && !dead[j]);
       j++
    :: else -> break
    od;
    /* Nobody sleeps for good. */
    assert(!consumers || EMPTY);
    j = 0;
    do
    :: j < PRODUCERS ->
       assert(dead[j] || finished[j] || (FULL && !consumers));
       j++
    :: else -> break
    od;
    /* Nothing is lost, nothing stays held. */
#ifdef PLAIN
    mutexes = (tail_mutex == 0 || !dead[tail_mutex - 1]) &&
              (head_mutex == 0 || !dead[head_mutex - 1]);
#else
    /* Also if nobody comes to the mutexes of the dead any more. */
    mutexes = 1;
#endif
    j = 1;
    do
    :: j <= ALL_ITEMS ->
       assert(!consumers || put_as[j] == 0 || got[j]);
       assert(!mutexes || !IS_BOX(j) ||
              refs[j] == (put_as[j] != 0 && !got[j]));
       j++
    :: else -> break
    od;
    j = 0;
    do
    :: j < head_place / WIDTH ->
       assert(!segment[j]);
       j++
    :: else -> break
    od
}

init
{
    byte p;

    atomic {
        do
        :: p < PRODUCERS -> run producer(p); p++
        :: p >= PRODUCERS && p < N -> run consumer(p); p++
        :: p == N -> break
        od;
        run guard();
        p = 0
    }
    do
    :: atomic { deaths < DEATHS && !dead[0] -> dead[0] = 1; deaths++ }
    :: atomic { deaths < DEATHS && !dead[1] -> dead[1] = 1; deaths++ }
    :: atomic { deaths < DEATHS && N > 2 && !dead[2 % N] -> dead[2 % N] = 1;
                deaths++ }
    :: atomic { deaths < DEATHS && N > 3 && !dead[3 % N] -> dead[3 % N] = 1;
                deaths++ }
    :: atomic { timeout -> look(); break }
    od
}
