/*
 * list.pml: list_row.c on store.c: a splice, which appends what is new behind
 * the list, has another row replace the first one in one commit, and gives back
 * what is behind; killed at any step, and repaired by the next.
 *
 * What the list is at any time must be what the last operation left that was
 * committed: `is`. Cells are used or free, once; a row has room for all of them.
 * Rows are blocks, which are held by the list, by `stage` or by `doomed`.
 */

#ifndef USERS
#define USERS 2
#endif
#ifndef OPS
#define OPS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif

#define NOBODY 7
#define CELLS 5 /* 1 .. 4 */
#define PLACES 4
#define ROWS 3 /* 0 .. 2; more are never needed at once */
#define NONE 9

#define COUNT 0
#define BEHIND 1
#define FREE 2
#define TABLE 3
#define STAGE 4
#define DOOMED 5
#define LINK(c) (5 + (c))
#define WORDS 10
#define ROW(r, i) row[(r) * PLACES + (i)]

byte mutex = NOBODY;
byte word[WORDS];
byte row[12];
byte where[8];
byte value[8];
byte committed;

/* Not shared memory. */
bool dead[USERS];
byte deaths;
bool live[ROWS]; /* blocks */
byte is[PLACES];
byte many; /* elements are in it */

inline put(at, what)
{
    where[n] = at; value[n] = what; n++
}

inline apply()
{
    k = 0;
    do
    :: k < committed -> atomic { word[where[k]] = value[k]; k++ }
    :: else -> break
    od;
    atomic { committed = 0; k = 0 }
}

inline commit()
{
    atomic { committed = n; n = 0 }
    apply()
}

/* The one after which the list is another. */
inline commit_splice(fewer, more)
{
    atomic {
        committed = n; n = 0;
        many = many - fewer + more;
        k = 0;
        do
        :: k < many ->
           c = (word[STAGE] != NONE -> word[STAGE] : word[TABLE]);
           is[k] = ROW(c, k);
           k++
        :: else -> break
        od;
        k = 0; c = 0
    }
    apply()
}

/* mproc__arena_release() of a hold; block.c does it in one step, or the
 * recoverer does, before anybody repairs. */
inline release(at)
{
    atomic {
        if
        :: word[at] != NONE -> assert(live[word[at]]); live[word[at]] = 0;
                               word[at] = NONE
        :: else
        fi
    }
}

/* row_trim() */
inline trim()
{
    do
    :: word[BEHIND] > 0 ->
       atomic {
           c = ROW(word[TABLE], word[COUNT] + word[BEHIND] - 1);
           put(BEHIND, word[BEHIND] - 1);
           put(LINK(c), word[FREE]);
           put(FREE, c)
       }
       commit()
    :: else -> break
    od;
    c = 0
}

inline repair()
{
    apply();
#ifndef BROKEN_NO_RELEASE
    release(STAGE);
    release(DOOMED);
#endif
#ifndef BROKEN_NO_TRIM
    trim()
#endif
}

inline lock()
{
    atomic {
        if
        :: mutex == NOBODY -> mutex = me; taken = 0
        :: mutex != NOBODY && mutex != me && dead[mutex] ->
           mutex = me; taken = 1
        fi
    }
    if
    :: taken -> repair()
    :: else
    fi;
    atomic {
        assert(committed == 0 && word[BEHIND] == 0);
        assert(word[STAGE] == NONE && word[DOOMED] == NONE);
        assert(word[COUNT] == many);
        assert(live[word[TABLE]]);
        assert(live[0] + live[1] + live[2] == 1);
        /* Each cell once: a bit each. */
        n = 0; k = 0;
        do
        :: k < word[COUNT] ->
           c = ROW(word[TABLE], k);
           assert(c > 0 && c < CELLS && !((n >> c) & 1));
           assert(c == is[k]);
           n = n | (1 << c);
           k++
        :: else -> break
        od;
        c = word[FREE];
        do
        :: c != 0 -> assert(!((n >> c) & 1)); n = n | (1 << c); c = word[LINK(c)]
        :: else -> break
        od;
        assert(n == 30);
        n = 0; k = 0; c = 0; taken = 0
    }
}

/* row_append(), behind */
inline append()
{
    atomic {
        c = word[FREE];
        ROW(word[TABLE], word[COUNT] + word[BEHIND]) = c;
        put(FREE, word[LINK(c)]);
        put(BEHIND, word[BEHIND] + 1)
    }
#ifdef BROKEN_COUNTED
    atomic { where[1] = COUNT; value[1] = word[COUNT] + 1 }
#endif
    commit();
    c = 0
}

/* mproc__list_splice(): `more` at the beginning in the place of `fewer`. */
inline splice(fewer, more)
{
    j = 0;
    do
    :: j < more -> append(); j++
    :: else -> break
    od;
    atomic {
        k = 0;
        do
        :: live[k] -> k++
        :: else -> break
        od;
        live[k] = 1;
        word[STAGE] = k;
        k = 0
    }
    /* New, rest, and what goes; nobody sees it before the commit. */
#ifdef BROKEN_IN_PLACE
    to = word[TABLE];
#else
    to = word[STAGE];
#endif
    atomic {
        j = 0;
        do
        :: j < more -> ROW(word[STAGE], j) = ROW(word[TABLE], word[COUNT] + j); j++
        :: j >= more && j < more + word[COUNT] - fewer ->
           ROW(word[STAGE], j) = ROW(word[TABLE], fewer + j - more); j++
        :: j >= more + word[COUNT] - fewer && j < more + word[COUNT] ->
           ROW(word[STAGE], j) =
               ROW(word[TABLE], j - (more + word[COUNT] - fewer)); j++
        :: j == more + word[COUNT] -> break
        od;
        j = 0
    }
#ifdef BROKEN_IN_PLACE
    atomic {
        do
        :: j < more + word[COUNT] -> ROW(to, j) = ROW(word[STAGE], j); j++
        :: else -> break
        od;
        j = 0
    }
#endif
    to = 0;
#ifdef BROKEN_TWO_COMMITS
    atomic {
        put(DOOMED, word[TABLE]); put(TABLE, word[STAGE]); put(STAGE, NONE)
    }
    commit();
    atomic {
        put(COUNT, word[COUNT] - fewer + more); put(BEHIND, fewer)
    }
    commit_splice(fewer, more);
#else
    atomic {
        put(COUNT, word[COUNT] - fewer + more); put(BEHIND, fewer);
        put(DOOMED, word[TABLE]); put(TABLE, word[STAGE]); put(STAGE, NONE)
    }
    commit_splice(fewer, more);
#endif
    release(DOOMED);
    trim();
    j = 0
}

proctype user(byte me)
{
    byte i, j, k, n, c, to;
    bool taken;

    {
        do
        :: i < OPS ->
           lock();
           if
           :: word[COUNT] <= 2 -> splice(0, 2)
           :: word[COUNT] >= 1 && word[COUNT] <= 3 -> splice(1, 1)
           :: word[COUNT] >= 2 -> splice(2, 0)
           fi;
           mutex = NOBODY;
           i++
        :: else -> break
        od
    } unless {
        atomic {
            dead[me] -> i = 0; j = 0; k = 0; n = 0; c = 0; to = 0;
            taken = 0
        }
    }
}

#define KILL(d) atomic { deaths < DEATHS && !dead[d] -> dead[d] = 1; deaths++ }

init
{
    byte i;

    atomic {
        word[STAGE] = NONE; word[DOOMED] = NONE;
        word[TABLE] = 0; live[0] = 1;
        word[COUNT] = 2; many = 2; is[0] = 1; is[1] = 2;
        ROW(0, 0) = 1; ROW(0, 1) = 2;
        word[FREE] = 3; word[LINK(3)] = 4;
        i = 0;
        do
        :: i < USERS -> run user(i); i++
        :: else -> break
        od
    }
    do
    :: KILL(0)
    :: KILL(1)
#if USERS > 2
    :: KILL(2)
#endif
    :: break
    od
}
