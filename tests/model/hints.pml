/*
 * hints.pml: chunk.c: the hints in three steps, summary -> region -> chunk.
 *
 * Two chunks in one region, of one class; each has one block. Threads free a
 * block, take one by its hints, or come to a chunk by a hint that was wrong
 * and clear it. Any may die between any two steps; the others finish what it
 * had begun and make the hints anew (mproc__chunk_rehint), and may die at
 * that too. One step is one atomic access.
 *
 * When nobody is at anything, each free block is found: its chunk has its
 * hint, the region that of the chunk, the summary that of the region.
 */
#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef OPS
#define OPS 1
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#define CHUNKS 2
#define NOBODY 7

bool taken[CHUNKS]; /* the block's word */
bool chunk_hint[CHUNKS];
byte leaf; /* a bit a chunk */
bool summary;

/* What a thread has begun: chunk + 1. Both are worked off the same way: a
 * free block has its hint set. */
byte begun[WORKERS];
byte office = NOBODY;
bool recovered[WORKERS];

/* Not shared memory. */
bool dead[WORKERS];
bool busy[WORKERS];
byte deaths;

#define UNRECOVERED(d) (dead[d] && !recovered[d])
#define ANY_UNRECOVERED (UNRECOVERED(0) || UNRECOVERED(1) || UNRECOVERED(2))

/* hint_set() */
inline hint_set(x)
{
#ifdef BROKEN_ABOVE_FIRST
    if
    :: atomic { summary -> skip }
    :: atomic { !summary -> skip }
       summary = 1
    fi;
#endif
    if
    :: atomic { leaf & (1 << x) -> skip }
    :: atomic { !(leaf & (1 << x)) -> skip }
       leaf = leaf | (1 << x)
    fi;
#ifndef BROKEN_ABOVE_FIRST
    if
    :: atomic { summary -> skip }
    :: atomic { !summary -> skip }
       summary = 1
    fi
#endif
}

/* summary_clear() */
inline summary_clear()
{
    summary = 0;
#ifndef BROKEN_NO_SECOND_LOOK
    if
    :: atomic { leaf != 0 -> skip }
       summary = 1
    :: atomic { leaf == 0 -> skip }
    fi
#endif
}

/* hint_clear() */
inline hint_clear(x)
{
    atomic { old = leaf; leaf = leaf & ~(1 << x) }
    if
    :: atomic { old == (1 << x) -> old = 0 }
       summary_clear()
    :: atomic { old != (1 << x) -> old = 0 }
    fi;
#ifndef BROKEN_NO_SECOND_LOOK
    if
    :: atomic { chunk_hint[x] -> skip }
       hint_set(x)
    :: atomic { !chunk_hint[x] -> skip }
    fi
#endif
}

/* mproc__chunk_hint_taken(), from the intent on and to its end. */
inline hint_taken(x)
{
    chunk_hint[x] = 0;
    if
    :: atomic { !taken[x] -> skip }
       chunk_hint[x] = 1;
#ifndef BROKEN_ONLY_BELOW
       /* Somebody may have seen it clear, and cleared those above. */
       hint_set(x)
#endif
    :: atomic { taken[x] -> skip }
    fi;
    if
    :: atomic { chunk_hint[x] -> skip }
    :: atomic { !chunk_hint[x] -> skip }
       hint_clear(x)
    fi
}

/* mproc__chunk_hint_free() */
inline hint_free(x)
{
    chunk_hint[x] = 1;
    hint_set(x)
}

/* hint_find(), chunk_pick(), then alloc up to where it is undone or not. */
inline take()
{
    do
    :: atomic { !summary -> at = NOBODY; break }
    :: atomic { summary -> skip }
       atomic {
           if
           :: leaf & 1 -> at = 0; break
           :: !(leaf & 1) && (leaf & 2) -> at = 1; break
           :: else
           fi
       }
       summary_clear()
    od;
    if
    :: atomic { at != NOBODY && chunk_hint[at] -> begun[me] = at + 1 }
       if
       :: atomic { !taken[at] -> taken[at] = 1 }
       :: atomic { taken[at] -> skip }
       fi;
       hint_taken(at);
       begun[me] = 0
    :: atomic { at != NOBODY && !chunk_hint[at] -> skip }
       hint_clear(at)
    :: atomic { at == NOBODY -> skip }
    fi
}

/* drop_run() of a taken block. */
inline give(x)
{
    begun[me] = x + 1;
    taken[x] = 0;
    hint_free(x);
    begun[me] = 0
}

/* alloc_recover() and drop_run(), then mproc__chunk_rehint(). */
inline recover()
{
    if
    :: atomic { begun[d] != 0 && !taken[begun[d] - 1] -> at = begun[d] - 1 }
       hint_free(at);
       begun[d] = 0
    :: atomic { begun[d] == 0 || taken[begun[d] - 1] -> begun[d] = 0 }
    fi;
#ifndef BROKEN_NO_REHINT
    at = 0;
    do
    :: atomic { at < CHUNKS && chunk_hint[at] -> skip }
       hint_set(at);
       at++
    :: atomic { at < CHUNKS && !chunk_hint[at] -> at++ }
    :: atomic { at == CHUNKS -> break }
    od;
#endif
    atomic { recovered[d] = 1; office = NOBODY; d = 0; at = 0 }
}

#define FOUND(x)                                                               \
    (taken[x] || chunk_hint[x] && (leaf & (1 << (x))) && summary)
#define IDLE(w) (!busy[w] && !UNRECOVERED(w))

inline rest()
{
    atomic {
        busy[me] = 0;
        at = 0;
        assert(!(IDLE(0) && IDLE(1) && IDLE(2)) || FOUND(0) && FOUND(1))
    }
}

proctype worker(byte me)
{
    byte at, old, d, ops, own;

    {
        end:
        do
        :: atomic { ops < OPS -> ops++; busy[me] = 1 }
           take();
           rest()
        :: atomic { ops < OPS && own < CHUNKS && own == me && taken[me] ->
               ops++; own = CHUNKS; busy[me] = 1
           }
           give(me);
           rest()
        :: atomic { ops < OPS && own == 0 && me > 0 -> own = me }
        :: atomic {
               ANY_UNRECOVERED && (office == NOBODY || UNRECOVERED(office)) ->
               if
               :: office != NOBODY -> d = office
               :: office == NOBODY && UNRECOVERED(0) -> d = 0
               :: office == NOBODY && UNRECOVERED(1) -> d = 1
               :: office == NOBODY && UNRECOVERED(2) -> d = 2
               fi;
               office = me;
               busy[me] = 1
           }
           recover();
           rest()
        od
    } unless {
        atomic {
            dead[me] -> at = 0; old = 0; d = 0; ops = 0; own = 0; busy[me] = 0
        }
    }
}

#define KILL(t)                                                                \
    atomic { deaths < DEATHS && !dead[t] -> dead[t] = 1; deaths++ }

init
{
    atomic {
        /* Worker 0 and 1 have a block each to give back, if they are taken;
         * else there is one to be had. */
        if
        :: taken[0] = 1; taken[1] = 1
        :: taken[0] = 1; chunk_hint[1] = 1; leaf = 2; summary = 1
        fi;
        run worker(0);
        run worker(1);
        run worker(2)
    }
    end:
    do
    :: KILL(0)
    :: KILL(1)
    :: KILL(2)
    od
}
