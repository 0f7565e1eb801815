/* wait.h: what can be waited for beside others. */
#ifndef MPROC_SRC_WAIT_H
#define MPROC_SRC_WAIT_H

#include <mproc/connection.h>
#include <mproc/event.h>
#include <mproc/listener.h>
#include <mproc/queue.h>

#include "gate.h"

typedef struct mproc__source_t {
    void *word;                    /* it sleeps on; NULL: on none */
    mproc__needed_fn_t needed;     /* read only; NULL: never ready */
    void *baton;                   /* of that */
    mproc__needed_fn_t must_sleep; /* the same, for who is entered */
    void *sleeper;                 /* of that */
    int one;                       /* wake-ups are for one waiter only */
    mproc__gate_wait_t gate;       /* room for the sleeper */
} mproc__source_t;

/* Fill in the source for a gate. */
void mproc__gate_source(mproc__gate_wait_t wait, mproc__source_t *source);

/* MPROC_ECLOSED, APR_EINVAL */
apr_status_t mproc__queue_source(mproc_queue_t *queue, mproc__source_t *source);
apr_status_t mproc__connection_source(mproc_connection_t *connection,
                                      mproc__source_t *source);
apr_status_t mproc__listener_source(mproc_listener_t *listener,
                                    mproc__source_t *source);
apr_status_t mproc__event_source(mproc_event_t *event, mproc__source_t *source);

#endif
