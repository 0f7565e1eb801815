/*
 * manager_hub.h: what the files of a manager's server share: its connections,
 * its clients, and the calls that wait. The protocol stands at the top of
 * manager_loop.c.
 */
#ifndef MPROC_SRC_MANAGER_HUB_H
#define MPROC_SRC_MANAGER_HUB_H

#include "../../platform/plat_netset.h"
#include "manager_serve.h"
#include "net.h"
#include "stream.h"

#define MPROC__OUT_MOST                                                        \
    65536 /* bytes that wait to be sent: then nothing is read */
#define MPROC__READY_MOST 256

typedef enum mproc__conn_state_e {
    MPROC__CONN_SHAKES, /* proves the key */
    MPROC__CONN_GREETS,
    MPROC__CONN_OPEN,
    MPROC__CONN_BAD /* to be ended */
} mproc__conn_state_e;

typedef struct mproc__buffer_t {
    unsigned char *data;
    apr_size_t size, room;
} mproc__buffer_t;

typedef struct mproc__conn_t {
    struct mproc__conn_t *next, **link; /* all of the server's */
    struct mproc__conn_t *sibling;      /* of the client's */
    struct mproc__conn_t *again_next;
    mproc__hub_t *server;
    mproc__client_t *client;
    mproc__socket_t *socket;
    mproc__stream_t stream;
    atomic_int closed; /* what the stream looks at: never */
    mproc_plat_netset_item_t item;
    mproc__auth_t auth;
    apr_time_t since;
    mproc__conn_state_e state;
    int again; /* is in the list of those that are to be looked at again */
    int busy;  /* its call waits */
    mproc__buffer_t out;
    apr_size_t out_at;
    mproc__call_t call;
} mproc__conn_t;

/* What a client refers to, and how often. */
typedef struct mproc__reference_t {
    apr_uint64_t id;
    apr_uint64_t count;
    apr_uint64_t waits; /* of these: by calls that wait */
    mproc_object_t *object;
} mproc__reference_t;

struct mproc__client_t {
    mproc__client_t *next, **link;
    mproc__hub_t *server;
    apr_uint64_t serial;
    unsigned char token[MPROC__TOKEN_SIZE];
    mproc__conn_t *conns;
    apr_hash_t *references;
    mproc__owned_t *owned;
    apr_pool_t *pool;
};

/* Calls that wait for one object. */
typedef struct mproc__waiting_t {
    apr_uint64_t id;
    mproc__call_t *first, **last;
} mproc__waiting_t;

/* An object that has a name. */
typedef struct mproc__named_t {
    char *name;
    mproc_object_t *object;
} mproc__named_t;

struct mproc__hub_t {
    apr_pool_t *pool;
    mproc__net_t net;
    mproc__net_place_t at;
    mproc__hold_t *folder; /* the block that notes the place's */
    apr_interval_time_t lease;
    int conns_most, conn_count;
    mproc_plat_netset_t *set;
    mproc_plat_netset_item_t listens, rings;
    mproc__socket_t *bell[2];
    atomic_int stopping;
    atomic_int ended;
    int stop_asked; /* by a client */
    mproc__conn_t *conns, *again;
    int any_bad;
    mproc__client_t *clients;
    apr_uint64_t serial, client_count, waiting;
    apr_hash_t *places, *names, *types;
    apr_hash_t *taken; /* items of queues, see manager_serve_queue.c */
    apr_uint64_t *changed;
    int changed_count, changed_room;
    int changed_lost;   /* one that could not be noted */
    apr_time_t soonest; /* no call's time is over before that */
    apr_time_t tick;
    mproc__buffer_t result;
    int result_names; /* it names objects */
    apr_status_t result_rv;
    mproc_object_t *fresh; /* that the answer names, and nobody has yet */
    apr_pool_t *scratch;
    int scratch_used;
    int scratch_names; /* halves of objects may lie in it */
    void *ready[MPROC__READY_MOST];
    int ready_count;
    struct mproc__served_pools_t *pools; /* NULL: there was none yet */
};

/* --------------------------------------------------------- manager_call.c */

/* Room for more bytes, which are copied there; `data` NULL: they are not. NULL:
 * no memory. */
unsigned char *mproc__buffer_add(mproc__buffer_t *buffer, const void *data,
                                 apr_size_t size);
/* Have nothing in it, and little room. */
void mproc__buffer_empty(mproc__buffer_t *buffer);

apr_status_t mproc__args_bad(mproc__call_t *call);

/* Do what a message asks for, whose bytes are in the connection's stream; and
 * what has become possible by that. */
void mproc__request_run(mproc__conn_t *conn);
/* Calls that wait for what has changed. */
void mproc__calls_retry(mproc__hub_t *server);
/* Those whose time is over. */
void mproc__calls_late(mproc__hub_t *server, apr_time_t now);
void mproc__call_unpark(mproc__call_t *call);
/* What it had while it waited. */
void mproc__call_end(mproc__call_t *call);

/* ------------------------------------------------------- manager_client.c */

mproc__client_t *mproc__client_by_token(mproc__hub_t *server,
                                        const unsigned char *token);
mproc__client_t *mproc__client_make(mproc__hub_t *server,
                                    const unsigned char *token);
/* One reference less, if it has any. */
void mproc__client_drop(mproc__client_t *client, apr_uint64_t id);
/* A call that waits has the object, which the client cannot give up; and that
 * is over. */
apr_status_t mproc__client_wait(mproc__client_t *client, apr_uint64_t id);
void mproc__client_wait_end(mproc__client_t *client, apr_uint64_t id);
/* Nothing has that object's name any more. */
void mproc__served_unname(mproc__hub_t *server, apr_uint64_t id);
void mproc__served_names_end(mproc__hub_t *server);
/* Its last connection has ended. */
void mproc__client_end(mproc__client_t *client);

/* --------------------------------------------------------- manager_conn.c */

/* It is ended when nobody walks over it. */
void mproc__conn_bad(mproc__conn_t *conn);
/* It has more to do. */
void mproc__conn_again(mproc__conn_t *conn);
/* Put a reply into its `out`: status, sentence, what came of it. */
apr_status_t mproc__conn_say(mproc__conn_t *conn, apr_status_t status,
                             const char *sentence,
                             const mproc__buffer_t *result);
/* Receive, do and send as much as is possible without waiting. */
void mproc__conn_turn(mproc__conn_t *conn);
/* Take those who want to be clients. */
void mproc__conns_accept(mproc__hub_t *server);
/* End those that are bad. */
void mproc__conns_end_bad(mproc__hub_t *server);

#endif
