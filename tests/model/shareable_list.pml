/*
 * shareable_list.pml: an element of a shareable list, slot.c.
 *
 * Writers set values of two words and a head each; readers read. A writer may
 * die between any two steps. One step is one atomic access. Waiting for one's
 * turn is taken as blocking until the writer word is free or names a dead
 * one, since that is the protocol of mutex.c, which parking.pml has.
 *
 * A reader gets one value, as somebody set it, and never an older one than it
 * got before; one whose set has returned is not lost. Nobody waits for ever:
 * when nothing moves any more, all have come to their end or are dead.
 */
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef SETS
#define SETS 2
#endif
#ifndef READS
#define READS 2
#endif
#define WORDS 3 /* head, and two of data */
#define NOBODY 7

/* The slot. Values are numbers that no two sets share; 0 is there at first. */
byte writer = NOBODY;
byte sequence;
byte copy[6];
#define COPY(n, i) copy[((n) % 2) * WORDS + (i)]

/* Not shared memory. */
bool dead[WRITERS];
byte deaths;
byte next_value = 1; /* names the sets in the order they got their turn */
byte published[16];  /* by sequence: the value */
bool done[WRITERS];

#ifdef BROKEN_NO_TAKE_OVER
#define FREE (writer == NOBODY)
#else
#define FREE (writer == NOBODY || dead[writer])
#endif

/* mproc__slot_write() */
inline write()
{
#ifdef BROKEN_NO_TURN
    skip;
#else
    atomic { FREE -> writer = me }
#endif
    atomic { at = sequence + 1; value = next_value; next_value++ }
#ifdef BROKEN_ONE_COPY
    atomic { into = 0 }
#else
    atomic { into = at }
#endif
#ifdef BROKEN_PUBLISH_FIRST
    atomic { sequence = at; published[at] = value }
#endif
    COPY(into, 0) = value;
    COPY(into, 1) = value;
    COPY(into, 2) = value;
#ifndef BROKEN_PUBLISH_FIRST
    atomic { sequence = at; published[at] = value }
#endif
#ifndef BROKEN_NO_TURN
    writer = NOBODY;
#endif
    atomic { at = 0; into = 0; value = 0 }
}

/* mproc__slot_read() */
inline read()
{
    do
    :: atomic { before = sequence }
#ifdef BROKEN_ONE_COPY
       atomic { a = COPY(0, 0) }
       atomic { b = COPY(0, 1) }
       atomic { c = COPY(0, 2) }
#else
       atomic { a = COPY(before, 0) }
       atomic { b = COPY(before, 1) }
       atomic { c = COPY(before, 2) }
#endif
#ifdef BROKEN_NO_SECOND_LOOK
       break
#else
       if
       :: atomic { sequence == before -> break }
       :: atomic { sequence != before -> skip }
       fi
#endif
    od
}

proctype setter(byte me)
{
    byte at, into, value, i;

    {
        do
        :: i < SETS -> write(); i++
        :: else -> break
        od;
        done[me] = 1
    } unless { atomic { dead[me] -> at = 0; into = 0; value = 0; i = 0 } }
}

proctype reader()
{
    byte before, a, b, c, i, last;

    do
    :: i < READS ->
       read();
       atomic {
           assert(a == b && b == c);
           assert(a == published[before]);
           assert(before >= last);
           last = before;
           i++;
           a = 0; b = 0; c = 0; before = 0
       }
    :: else -> break
    od
}

#define KILL(d) atomic { deaths < DEATHS && !dead[d] -> dead[d] = 1; deaths++ }

init
{
    byte i;
    atomic {
        i = 0;
        do
        :: i < WRITERS -> run setter(i); i++
        :: else -> break
        od;
        run reader()
    }
    do
    :: KILL(0)
#if WRITERS > 1
    :: KILL(1)
#endif
#if WRITERS > 2
    :: KILL(2)
#endif
    :: break
    od;
    end:
    timeout ->
    assert(COPY(sequence, 0) == published[sequence]);
    assert(COPY(sequence, 1) == published[sequence]);
    assert(COPY(sequence, 2) == published[sequence]);
    assert(dead[0] || done[0]);
#if WRITERS > 1
    assert(dead[1] || done[1]);
#endif
#if WRITERS > 2
    assert(dead[2] || done[2]);
#endif
}
