/*
 * manager_wire.h: what a manager's client and its server say to each other.
 *
 * Frames and the proof of the key are those of connections. Then each side
 * sends messages: the client a hello, answered by one; then requests, each
 * answered by one reply, in order. Heads are numbers, low byte first.
 *
 *   hello    magic, version, reserved; 16 bytes: who the client is
 *   request  method, thread; the object's id; the timeout; arguments
 *   reply    status, size of the sentence; the sentence; what came of it
 *
 * Arguments and results are packed values (MessagePack), one behind the other.
 * A shared object in them is an extension of type MPROC__WIRE_SERVED + kind,
 * with the object's id, 8 bytes, high byte first. Ids are handles of the
 * server's arena: one that is stale is told.
 */
#ifndef MPROC_SRC_MANAGER_WIRE_H
#define MPROC_SRC_MANAGER_WIRE_H

#include <mproc/census.h>
#include <mproc/types.h>

#define MPROC__MANAGER_MAGIC 0x6d70726fU
#define MPROC__MANAGER_VERSION 1

#define MPROC__TOKEN_SIZE 16
#define MPROC__HELLO_SIZE (12 + MPROC__TOKEN_SIZE)
#define MPROC__REQUEST_HEAD 24
#define MPROC__REPLY_HEAD 8

/* The type of an extension that names an object of the server's. */
#define MPROC__WIRE_SERVED 64

/* Beyond every kind that an id can have. */
typedef char
    mproc__kinds_fit_t[MPROC__WIRE_SERVED + MPROC_KIND_COUNT <= 128 ? 1 : -1];

/* `I`: a whole number; `s`: a text; `n`: nil; `v`: any value; `y`: bytes. */
typedef enum mproc__method_e {
    MPROC__CENSUS,   /* > I clients, I objects, I waiting */
    MPROC__SHUTDOWN, /* who has the right to it */
    MPROC__FORGET,   /* s name */
    MPROC__MAKE,     /* I kind, s|n name, what the kind takes > I id, more */
    MPROC__HOLD,     /* > I kind: the client has one reference more */
    MPROC__DROP,     /* or one less */

    MPROC__DICT_SET,        /* v key, v value */
    MPROC__DICT_GET,        /* v key, I drop > v */
    MPROC__DICT_SETDEFAULT, /* v key, v value > I added, v */
    MPROC__DICT_REMOVE,     /* v key */
    MPROC__DICT_HAS,        /* v key > I */
    MPROC__DICT_POPITEM,    /* > v key, v value */
    MPROC__DICT_SIZE,       /* > I */
    MPROC__DICT_CLEAR,
    MPROC__DICT_UPDATE,   /* v map */
    MPROC__DICT_COPY,     /* > I id */
    MPROC__DICT_SNAPSHOT, /* > I count, v key, v value ... */

    MPROC__LIST_PUT,          /* I how, I index, v value */
    MPROC__LIST_GET,          /* I index, I drop > v */
    MPROC__LIST_REMOVE,       /* I index */
    MPROC__LIST_REMOVE_VALUE, /* v value */
    MPROC__LIST_FIND,         /* v value, I count > I */
    MPROC__LIST_SIZE,         /* > I */
    MPROC__LIST_CLEAR,
    MPROC__LIST_EXTEND,    /* v list */
    MPROC__LIST_REPEAT,    /* I times */
    MPROC__LIST_SLICE,     /* I start, I stop > v list */
    MPROC__LIST_SET_SLICE, /* I start, I stop, v list */
    MPROC__LIST_SORT,      /* I reverse */
    MPROC__LIST_REVERSE,
    MPROC__LIST_COPY, /* > I id */

    /* An item that names objects is a list of the values that it is. */
    MPROC__QUEUE_PUT,  /* I count, y|v item ... > I done */
    MPROC__QUEUE_GET,  /* I most, I largest > y|v item ..., or I size */
    MPROC__QUEUE_SIZE, /* > I size, I full */
    MPROC__QUEUE_TASK_DONE,
    MPROC__QUEUE_JOIN,
    MPROC__QUEUE_SHUTDOWN, /* I immediate */

    MPROC__LOCK_ACQUIRE,
    MPROC__LOCK_RELEASE,
    MPROC__LOCK_STATE, /* > I locked, I mine */
    MPROC__SEMAPHORE_ACQUIRE,
    MPROC__SEMAPHORE_RELEASE,
    MPROC__SEMAPHORE_VALUE, /* > I */
    MPROC__CONDITION_WAIT,
    MPROC__CONDITION_NOTIFY, /* I n */
    MPROC__EVENT_SET,
    MPROC__EVENT_CLEAR,
    MPROC__EVENT_STATE, /* > I */
    MPROC__EVENT_WAIT,
    MPROC__BARRIER_WAIT,  /* > I index */
    MPROC__BARRIER_BREAK, /* I reset */
    MPROC__BARRIER_STATE, /* > I parties, I waiting, I broken */

    MPROC__CELL_SHAPE,   /* > I item, I count, v lock */
    MPROC__CELL_ACQUIRE, /* > y all items */
    MPROC__CELL_RELEASE, /* y all items, or n when they are the same */
    MPROC__CELL_READ,    /* I first, I count > y */
    MPROC__CELL_WRITE,   /* I first, y */

    MPROC__REMOTE_CALL, /* s method, arguments > what it said */

    /* MPROC__MAKE of a pool takes: I processes, I start method, s|n name, s|n
     * initializer, y its arguments, I tasks and I bytes that a worker may, I
     * timeout, I retries. Functions go by their registered names. */
    MPROC__POOL_READY,  /* > I workers: it is made, or why not */
    MPROC__POOL_SEND,   /* s function, I flags, I chunk, I timeout, I retries,
                           I count, y ... > v async, if it is wanted */
    MPROC__POOL_STATS,  /* > the figures, in their order */
    MPROC__POOL_RESIZE, /* I processes */
    MPROC__POOL_CANCEL, /* > I how many tasks */
    MPROC__POOL_CLOSE,
    MPROC__POOL_TERMINATE,
    MPROC__POOL_JOIN,
    MPROC__ASYNC_CANCEL,
    MPROC__ASYNC_SELECT, /* I until, I count, I id ... > I state ... */
    MPROC__ASYNC_GET,    /* I first, I bytes > I count; of the first and as many
                            as fit: I status, y said or sentence, I lost, and if
                            so I pid, code, signal, core, attempt, ran */
    MPROC__QUEUE_READY,  /* a get would not wait */
    /* A set takes the methods of dicts that are for its keys, too. */
    MPROC__SET_CHANGE, /* I how, v list */
    MPROC__SET_COMMON, /* v list > I size, I of these */
    MPROC__SET_COPY,   /* > I id */
    MPROC__METHODS
} mproc__method_e;

/* How MPROC__LIST_PUT puts. */
typedef enum mproc__list_put_e {
    MPROC__PUT_LAST,
    MPROC__PUT_BEFORE,
    MPROC__PUT_INSTEAD
} mproc__list_put_e;

/* How MPROC__SET_CHANGE changes a set by a list of values. */
typedef enum mproc__set_change_e {
    MPROC__SET_ADD,
    MPROC__SET_DROP,
    MPROC__SET_KEEP,  /* drop all others */
    MPROC__SET_TOGGLE /* drop those it has, add the others */
} mproc__set_change_e;

/* Flags of MPROC__POOL_SEND. */
enum {
    MPROC__SEND_WANTED = 1, /* the client will ask for it */
    MPROC__SEND_PIECES = 2  /* of an array: see manager_piece.c */
};

/* How a semaphore is made. */
typedef enum mproc__permits_e {
    MPROC__PERMITS_PLAIN,
    MPROC__PERMITS_BOUNDED,
    MPROC__PERMITS_OWNED
} mproc__permits_e;

typedef struct mproc__request_head_t {
    apr_uint32_t method;
    apr_uint32_t thread;
    apr_uint64_t id;
    apr_int64_t timeout;
} mproc__request_head_t;

static inline void
mproc__low_first(unsigned char *at, apr_uint64_t number, int bytes)
{
    for (; bytes > 0; bytes--, number >>= 8) {
        *at++ = (unsigned char)number;
    }
}

static inline apr_uint64_t
mproc__from_low(const unsigned char *at, int bytes)
{
    apr_uint64_t number = 0;

    while (bytes-- > 0) {
        number = number << 8 | at[bytes];
    }
    return number;
}

/* Write the ids, or handles, of objects in packed values anew: `each` is told
 * of every extension of theirs, and may write its type and its 8 bytes over.
 * MPROC_EFORMAT when the bytes are no packed values, or what `each` returned.
 */
typedef apr_status_t (*mproc__each_object_fn_t)(unsigned char *type,
                                                unsigned char *id, void *baton);
apr_status_t mproc__wire_objects(void *data, apr_size_t size,
                                 mproc__each_object_fn_t each, void *baton);

/* Whether bytes are packed values, and name objects of a tree. */
int mproc__wire_names(mproc_bytes_t bytes);

static inline apr_uint64_t
mproc__id_read(const unsigned char *at)
{
    apr_uint64_t id = 0;
    int i;

    for (i = 0; i < 8; i++) {
        id = id << 8 | at[i];
    }
    return id;
}

static inline void
mproc__id_write(unsigned char *at, apr_uint64_t id)
{
    int i;

    for (i = 8; i-- > 0; id >>= 8) {
        at[i] = (unsigned char)id;
    }
}

#endif
