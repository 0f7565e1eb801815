/* command.h: a test's command, as a task of the pool. */
#ifndef BUILDFARM_COMMAND_H
#define BUILDFARM_COMMAND_H

#include <mproc.h>

/* What the task replies: as the guard reports, and when the command began and
 * ended (mproc_clock()). */
#define COMMAND_REPLY "i i s I I"

/* The task. Its arguments are of GUARD_COMMAND. */
apr_status_t command_run(mproc_bytes_t args, mproc_reply_t *reply,
                         apr_pool_t *pool);

#endif
