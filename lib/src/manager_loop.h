/*
 * manager_loop.h: a manager's server: who is connected, what they ask for, and
 * who waits. The protocol stands at the top of manager_loop.c.
 */
#ifndef MPROC_SRC_MANAGER_LOOP_H
#define MPROC_SRC_MANAGER_LOOP_H

#include <apr_hash.h>

#include <mproc/manager.h>

#include "manager_wire.h"
#include "object.h"
#include "wire.h"

typedef struct mproc__hub_t mproc__hub_t;

/* A process that is connected. */
typedef struct mproc__client_t mproc__client_t;

/* What a client holds by a lock, a permit or the like: so that it can be given
 * back when the client is gone. */
typedef struct mproc__owned_t {
    struct mproc__owned_t *next, **link;
    apr_uint64_t id;
    mproc__client_t *client;
} mproc__owned_t;

/* A call: arguments are read, the result written. While it waits, it is run
 * again whenever its object has changed. */
typedef struct mproc__call_t {
    struct mproc__call_t *next, **link; /* of those that wait for one object */
    mproc__hub_t *server;
    mproc__client_t *client;
    struct mproc__conn_t *conn;
    mproc__request_head_t head;
    mproc_object_t *object; /* that it is on */
    mproc__wire_t args;
    mproc_bytes_t all_args;
    apr_time_t deadline;
    apr_pool_t *pool;   /* until it is answered */
    apr_uint64_t place; /* the id that it waits at; 0: it does not wait */
    int holds;          /* it refers to its object, as it waits, or did */
    int state;          /* the method's own; 0 at first */
    apr_uint64_t note;  /* likewise */
    apr_status_t outcome;
} mproc__call_t;

/* What a method says when it cannot be done yet; no status of anybody's. */
#define MPROC__CALL_WAITS ((apr_status_t)-1)

typedef struct mproc__served_method_t {
    apr_uint64_t kinds; /* of the object, a bit each; 0: of no object */
    /* MPROC__CALL_WAITS: it must wait. */
    apr_status_t (*run)(mproc__call_t *call);
    const char *late; /* the sentence when its time is over */
    /* It waited, and will not any more: its client is gone, or its time is
     * over. May say that it waits on (1). NULL: nothing is to be done. */
    int (*leave)(mproc__call_t *call, int late);
} mproc__served_method_t;

extern const mproc__served_method_t mproc__served_methods[MPROC__METHODS];

/* ------------------------------------------------------------- for methods */

apr_status_t mproc__arg_int(mproc__call_t *call, apr_int64_t *number);
apr_status_t mproc__arg_value(mproc__call_t *call, mproc_bytes_t *value);
apr_status_t mproc__arg_bytes(mproc__call_t *call, mproc_bytes_t *bytes);
/* Of nil: NULL. Terminated, in the call's pool. */
apr_status_t mproc__arg_text(mproc__call_t *call, const char **text);

/* Add to the result. What fails is told by mproc__result_end(). */
void mproc__result_int(mproc__call_t *call, apr_int64_t number);
void mproc__result_bytes(mproc__call_t *call, mproc_bytes_t bytes);
void mproc__result_nil(mproc__call_t *call);
/* Packed values, which may name objects. */
void mproc__result_values(mproc__call_t *call, mproc_bytes_t values);
/* Bytes; or, when they name objects, a list of the values that they are. */
void mproc__result_item(mproc__call_t *call, mproc_bytes_t item, int names);
/* Keep what values name until the call is answered. */
apr_status_t mproc__call_keep(mproc__call_t *call, mproc_bytes_t values);
/* The head of a list. */
void mproc__result_list(mproc__call_t *call, apr_size_t count);
/* The same for one that was just made: its half goes with the answer. */
void mproc__result_fresh(mproc__call_t *call, mproc_object_t *object);
/* An object, which the client refers to from now on. */
void mproc__result_object(mproc__call_t *call, apr_uint64_t id);

/* Calls that wait for the object are run again, when this one is done. */
void mproc__object_changed(mproc__hub_t *server, apr_uint64_t id);

/* What an id is to clients, MPROC_KIND_NONE: nothing. */
mproc_kind_e mproc__served_kind(apr_uint64_t id);

/* The client's serial number, and the client that has it; NULL: it is gone. */
apr_uint64_t mproc__client_serial(const mproc__client_t *client);
mproc__client_t *mproc__client_find(mproc__hub_t *server, apr_uint64_t serial);

/* Note, and forget, that the client has something of an object. */
apr_status_t mproc__client_owns(mproc__client_t *client, apr_uint64_t id);
/* 1: it had. */
int mproc__client_owns_not(mproc__client_t *client, apr_uint64_t id);

/* Have a reference for the client; one more of those that it has. */
apr_status_t mproc__client_hold(mproc__client_t *client, apr_uint64_t id,
                                mproc_object_t **object);

/* The calls that wait for an object, first come first. */
mproc__call_t *mproc__calls_waiting(mproc__hub_t *server, apr_uint64_t id);

/* Have a call that waits wait for another object. */
void mproc__call_move(mproc__call_t *call, apr_uint64_t id);

/* The types that a server knows: a name to a type. And, from any thread, have
 * it see to what other threads have done. */
apr_hash_t *mproc__hub_types(mproc__hub_t *server);
void mproc__hub_ring(mproc__hub_t *server);

/* Methods of no object, and of any. */
apr_status_t mproc__serve_census(mproc__call_t *call);
apr_status_t mproc__serve_shutdown(mproc__call_t *call);
apr_status_t mproc__serve_forget(mproc__call_t *call);
apr_status_t mproc__serve_named(mproc__call_t *call);
apr_status_t mproc__serve_hold(mproc__call_t *call);
apr_status_t mproc__serve_drop(mproc__call_t *call);

/* ---------------------------------------------------------- for manager.c */

/* Listen. The server goes with the pool. */
apr_status_t mproc__hub_create(mproc__hub_t **server,
                               const mproc_manager_options_t *options,
                               const char *call, apr_pool_t *pool);
const char *mproc__hub_address(mproc__hub_t *server);
apr_status_t mproc__hub_run(mproc__hub_t *server, apr_time_t deadline);
/* From any thread: have it end. */
void mproc__hub_stop(mproc__hub_t *server);
/* Not while it runs: end all clients, and listen no more. */
void mproc__hub_close(mproc__hub_t *server);
/* Close it, and free what it has. */
void mproc__hub_destroy(mproc__hub_t *server);

#endif
