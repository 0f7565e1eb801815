/*
 * manager.pml: manager_proxy.c, manager_link.c, manager_client.c: who refers to
 * an object of a server while its proxy goes from process to process.
 *
 * A has a proxy, and sends it to B, and B to C, by messages. A proxy's block
 * lives while a half, or a message, holds it. Each half is counted by the
 * server, for its process; who closes one while others have the block keeps
 * the count, and gives it up when it sees that the block has gone. Any may die
 * between any two steps; then its hold goes from the block, and its count from
 * the server, each at a time of its own. One step is one access to the arena,
 * or one call on the server, which does one at a time.
 *
 * Who takes the proxy out of a message has the object, if who sent it lives;
 * when all is over, the server counts nothing that nobody has.
 */
#ifndef DEATHS
#define DEATHS 1
#endif
#define PROCESSES 3

/* The arena. */
bool half[PROCESSES]; /* holds the block */
bool message[PROCESSES]; /* on its way to that process; holds it too */
#define BLOCK                                                                  \
    (half[0] + half[1] + half[2] + message[0] + message[1] + message[2])

/* The server. */
byte counted[PROCESSES];
#define OBJECT (counted[0] + counted[1] + counted[2])

/* Not shared. */
bool dead[PROCESSES];
bool gone[PROCESSES];      /* and the server has seen it */
bool recovered[PROCESSES]; /* and the arena has */
bool lingers[PROCESSES];
bool done[PROCESSES];
byte deaths;

#define DIE                                                                    \
    atomic { deaths < DEATHS -> deaths++; dead[me] = 1; done[me] = 1;          \
             goto end }

/* mproc__link_tidy() */
inline tidy()
{
    if
    :: atomic { lingers[me] && BLOCK == 0 ->
#ifndef BROKEN_NO_TIDY
                lingers[me] = 0; counted[me]--
#else
                lingers[me] = 0
#endif
       }
    :: atomic { !lingers[me] || BLOCK > 0 -> skip }
    fi
}

/* proxy_closing(): it looks at the block, then lets its hold go. */
inline close_half()
{
#ifdef BROKEN_DROP_AT_ONCE
    counted[me]--;
#else
    if
    :: atomic { BLOCK > 1 -> lingers[me] = 1 }
    :: atomic { BLOCK == 1 -> counted[me]-- }
    fi;
#endif
    if
    :: half[me] = 0
    :: DIE
    fi
}

active [PROCESSES] proctype process()
{
    byte me = _pid;
    bool mine = 0;

    if
    :: atomic { me == 0 -> half[0] = 1; counted[0] = 1; mine = 1 }
    :: atomic { me > 0 && message[me] -> skip }
       /* Take it out: mproc__object_open(), proxy_opened(). */
#ifdef BROKEN_MESSAGE_FIRST
       message[me] = 0;
       half[me] = 1;
#else
       half[me] = 1;
#endif
       if
       :: atomic { OBJECT > 0 -> counted[me]++; mine = 1 }
       :: atomic { OBJECT == 0 ->
                   /* It has gone: only with who sent it. */
                   assert(dead[me - 1]); skip }
       :: DIE
       fi;
       message[me] = 0;
       if
       :: atomic { mine -> skip }
       :: atomic { !mine -> half[me] = 0; done[me] = 1; goto rest }
       fi
    :: atomic { me > 0 && !message[me] && done[me - 1] -> done[me] = 1;
                goto rest }
    fi;
    if
    :: me < PROCESSES - 1 -> message[me + 1] = 1
    :: skip
    :: DIE
    fi;
    close_half();
    done[me] = 1;
rest:
    /* Later calls, of whoever lives. */
    do
    :: atomic { lingers[me] && BLOCK == 0 -> skip }
       tidy()
    :: DIE
    :: atomic { done[0] && done[1] && done[2] && (BLOCK == 0 || !lingers[me]) ->
                break }
    od;
    if
    :: atomic { lingers[me] -> skip }
       tidy()
    :: atomic { !lingers[me] -> skip }
    fi;
end:
    skip
}

/* The recovery of the dead, and the server that sees their connections end; a
 * message to the dead is emptied with their queue. */
active proctype world()
{
    byte d;

    do
    :: atomic { dead[0] && !recovered[0] -> recovered[0] = 1; half[0] = 0 }
    :: atomic { dead[1] && !recovered[1] -> recovered[1] = 1; half[1] = 0;
                message[1] = 0 }
    :: atomic { dead[2] && !recovered[2] -> recovered[2] = 1; half[2] = 0;
                message[2] = 0 }
    :: atomic { dead[0] && !gone[0] -> gone[0] = 1; counted[0] = 0 }
    :: atomic { dead[1] && !gone[1] -> gone[1] = 1; counted[1] = 0 }
    :: atomic { dead[2] && !gone[2] -> gone[2] = 1; counted[2] = 0 }
    :: atomic { timeout -> break }
    od;
    assert(BLOCK == 0);
    assert(OBJECT == 0)
}
