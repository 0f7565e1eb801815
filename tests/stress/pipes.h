/* pipes.h: messages through a pipe that tell whether they are whole; the pipe
 * of the kill at hand. */
#ifndef MPROC_TESTS_STRESS_PIPES_H
#define MPROC_TESTS_STRESS_PIPES_H

#include <mproc/connection.h>

#include "step.h"

#define PIPE_VICTIM 1000  /* the number of the victim's message */
#define PIPE_WITNESS 2000 /* of the witness's */
#define PIPE_SMALL 24
#define PIPE_LARGE 5000

/* The ends. The parent makes both, the victim inherits both; whoever is not
 * to have one destroys it. */
extern mproc_connection_t *pipe_here, *pipe_there;

/* Make them. Calls do not wait. */
void pipe_make(void);

/* From now on so many messages fit each way. */
void pipe_limit(apr_uint64_t most);

/* Let go of an end, if it is there. */
void pipe_drop(mproc_connection_t **end);

/* Send a message with a number, at least 1, of so many bytes. Receive one: its
 * number, 0 with a fault when it is torn. */
apr_status_t pipe_send(mproc_connection_t *end, apr_uint64_t number,
                       apr_size_t size);
apr_status_t pipe_recv(mproc_connection_t *end, apr_uint64_t *number);

/* Send the numbers from 1 to count; with a fault when that fails. */
void pipe_fill(mproc_connection_t *end, apr_uint64_t count, apr_size_t size);

/* At this kill point a call should have given a status, and did not. */
void pipe_expect(apr_status_t want, apr_status_t got, const char *what);

/* Nobody has the other end: all is received, nothing can be sent. */
void pipe_expect_end(mproc_connection_t *end);

/* Have the witness wait at an end: to receive, or to send. It should get a
 * status; the call of a victim that is there already may be at the mutex. */
void pipe_witness_recv(mproc_connection_t *end, apr_status_t want);
void pipe_witness_send(mproc_connection_t *end, apr_status_t want);

#endif
