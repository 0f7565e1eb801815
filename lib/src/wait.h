/* wait.h: what can be waited for beside others. */
#ifndef MPROC_SRC_WAIT_H
#define MPROC_SRC_WAIT_H

#include <mproc/async.h>
#include <mproc/connection.h>
#include <mproc/event.h>
#include <mproc/listener.h>
#include <mproc/queue.h>
#include <mproc/wait.h>

#include "gate.h"

/* Whether a manager's object is to be watched from now on. */
typedef enum mproc__watch_e {
    MPROC__WATCH_NEVER, /* nobody will sleep */
    MPROC__WATCH_IF_UNREADY,
    MPROC__WATCH_ALWAYS
} mproc__watch_e;

typedef struct mproc__source_t {
    const char *call;              /* that asks, for sentences */
    void *word;                    /* it sleeps on; NULL: on none */
    mproc__needed_fn_t needed;     /* read only; NULL: never ready */
    void *baton;                   /* of that */
    mproc__needed_fn_t must_sleep; /* the same, for who is entered */
    void *sleeper;                 /* of that */
    int one;                       /* wake-ups are for one waiter only */
    int dear;                      /* to look is a call of the system */
    int in_vain;                   /* the caller keeps it from getting ready */
    /* Before the first look; NULL: there is nothing to ask. */
    apr_status_t (*refresh)(struct mproc__source_t *source,
                            mproc__watch_e watch);
    struct mproc__proxy_t *away; /* a manager's: */
    int known;                   /* it was ready when asked */
    int final;                   /* and that is all there is to know */
    mproc__gate_wait_t gate;     /* room for the sleeper */
    /* Of its notifier; NULL: it is never ready. */
    mproc__notifier_place_t *place;
} mproc__source_t;

/* Fill in the source of a thing, for a call. It points into itself: it is not
 * to be moved. */
apr_status_t mproc__source_find(const mproc_waitable_t *item, const char *call,
                                mproc__source_t *source);

/* The same for a gate. */
void mproc__gate_source(mproc__gate_wait_t wait, mproc__source_t *source);

/* MPROC_ECLOSED, APR_EINVAL */
apr_status_t mproc__queue_source(mproc_queue_t *queue, mproc__source_t *source);
apr_status_t mproc__connection_source(mproc_connection_t *connection,
                                      mproc__source_t *source);
apr_status_t mproc__listener_source(mproc_listener_t *listener,
                                    mproc__source_t *source);
apr_status_t mproc__event_source(mproc_event_t *event, mproc__source_t *source);
apr_status_t mproc__async_source(mproc_async_t *async, mproc__source_t *source);

#endif
