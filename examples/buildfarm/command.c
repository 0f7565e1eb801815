/*
 * command.c: a test's command, as a task of the pool.
 *
 * The worker has a guard (guard.c), sends it the command, and waits for the
 * report until the time is over; then it cuts the guard's life line, which
 * ends the guard and all that runs under it, and starts another guard for the
 * next command.
 */
#include "command.h"
#include "guard.h"

#include <string.h>

#include <apr_thread_proc.h>

/* From the cut of the life line to the end of the guard, at most. */
#define PATIENCE (apr_time_from_sec(3))
#define LOOK (apr_time_from_sec(1))
#define OUTPUT_MOST ((apr_off_t)256 << 20)

/* This worker's; pool is NULL while there is none. */
static struct {
    apr_pool_t *pool;
    apr_proc_t process;
} guard;

static apr_status_t
guard_create(apr_pool_t *pool)
{
    const char *program = mproc_arguments(NULL)[0];
    const char *const arguments[] = {program, "--guard", NULL};
    apr_procattr_t *attributes;
    apr_status_t rv = apr_procattr_create(&attributes, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_procattr_io_set(attributes, APR_CHILD_BLOCK, APR_CHILD_BLOCK,
                                 APR_NO_PIPE);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_procattr_cmdtype_set(attributes, APR_PROGRAM_PATH);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_proc_create(&guard.process, program, arguments, NULL,
                             attributes, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_pipe_timeout_set(guard.process.in, -1);
    }
    return rv;
}

static apr_status_t
guard_start(void)
{
    apr_status_t rv;

    if (guard.pool != NULL) {
        return APR_SUCCESS;
    }
    rv = apr_pool_create(&guard.pool, NULL);
    if (rv == APR_SUCCESS) {
        rv = guard_create(guard.pool);
        if (rv != APR_SUCCESS) {
            apr_pool_destroy(guard.pool);
            guard.pool = NULL;
        }
    }
    return rv;
}

/* Cut the life line, and wait. A guard that does not end so, or that the
 * command has killed, leaves a group that is killed from here. */
static void
guard_stop(void)
{
    apr_proc_t group;
    apr_time_t until = mproc_clock() + PATIENCE;
    apr_exit_why_e why;
    int code;

    apr_file_close(guard.process.in);
    while (apr_proc_wait(&guard.process, &code, &why, APR_NOWAIT) ==
           APR_CHILD_NOTDONE) {
        if (mproc_clock() >= until) {
            apr_proc_kill(&guard.process, SIGNAL_KILL);
            apr_proc_wait(&guard.process, &code, &why, APR_WAIT);
            break;
        }
        apr_sleep(1000);
    }
    group = guard.process;
    group.pid = -group.pid;
    apr_proc_kill(&group, SIGNAL_KILL);
    apr_pool_destroy(guard.pool);
    guard.pool = NULL;
}

static int
output_is_too_much(const char *path, apr_pool_t *pool)
{
    apr_finfo_t info;

    return apr_stat(&info, path, APR_FINFO_SIZE, pool) == APR_SUCCESS &&
           info.size > OUTPUT_MOST;
}

/* Returns how it ended, and in bytes the report if that is the guard's. */
static ended_e
report_wait(mproc_bytes_t *bytes, const char *output, apr_interval_time_t limit,
            apr_pool_t *pool)
{
    apr_time_t until = limit == 0 ? APR_INT64_MAX : mproc_clock() + limit;
    apr_interval_time_t left;
    apr_status_t rv;

    do {
        left = mproc_timeout_until(until);
        if (left == 0) {
            return ENDED_TIMEOUT;
        }
        if (output_is_too_much(output, pool)) {
            return ENDED_TOO_MUCH;
        }
        apr_file_pipe_timeout_set(guard.process.out, left < LOOK ? left : LOOK);
        rv = frame_read(bytes, guard.process.out, pool);
    } while (APR_STATUS_IS_TIMEUP(rv));
    return rv == APR_SUCCESS ? ENDED_EXIT : ENDED_GUARD;
}

apr_status_t
command_run(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    const char *output, *directory, *why = "";
    mproc_datum_t *arguments, *environment;
    apr_interval_time_t limit;
    mproc_bytes_t bytes;
    apr_time_t began;
    int shell, ended, code = 0;
    apr_status_t rv =
        mproc_unpack(args, pool, GUARD_COMMAND, &output, &shell, &directory,
                     &arguments, &environment, &limit);

    if (rv == APR_SUCCESS) {
        rv = guard_start();
    }
    if (rv != APR_SUCCESS) {
        return mproc_reply_error(reply, rv, "the guard cannot be started");
    }
    began = mproc_clock();
    ended = frame_write(guard.process.in, args) == APR_SUCCESS
                ? (int)report_wait(&bytes, output, limit, pool)
                : ENDED_GUARD;
    if (ended != ENDED_EXIT) {
        guard_stop();
    }
    else {
        rv = mproc_unpack(bytes, pool, GUARD_REPORT, &ended, &code, &why);
    }
    return rv == APR_SUCCESS ? mproc_reply(reply, COMMAND_REPLY, ended, code,
                                           why, began, mproc_clock())
                             : rv;
}
