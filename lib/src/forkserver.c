/*
 * forkserver.c: the side that asks: a clean helper forks our children.
 *
 * The hard one is a server that is killed between its fork and its reply:
 * nobody knows whether there is a child. So each request has a ticket, and
 * the child waits until its record shows that ticket; a record that has gone
 * beyond it tells the child to give up. We store the ticket when we have the
 * reply, and one more when we have lost the server: then we ask the next one
 * with a new ticket, and no child runs twice or unseen.
 */
#include "family.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_portable.h>
#include <apr_strings.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "../../platform/plat_channel.h"
#include "../../platform/plat_self.h"
#include "../../platform/plat_sys.h"
#include "error.h"
#include "pack.h"
#include "parking.h"
#include "server.h"

#define SPINS 64
#define NAP 50 /* microseconds */
/* A program that has not called mproc_initialize() by then never will. */
#define HELLO_LIMIT (30 * 1000 * 1000)
#define STOP_LIMIT (1000 * 1000)
#define ASKS 3 /* servers tried, one after the other */

static struct {
    atomic_flag busy; /* guards all below; held while a reply is awaited */
    int cancel;       /* of who holds it: whether it may be cancelled */
    mproc_process_t *process; /* NULL: none */
    apr_int64_t end;
    apr_uint64_t serial; /* of this server; counts from 1 */
    mproc_target_fn_t preload;
    mproc_preload_error_e on_error;
    mproc_bytes_t args;
    apr_array_header_t *objects;
    apr_pool_t *pool; /* of the arguments */
} server = {.busy = ATOMIC_FLAG_INIT, .end = -1};

static void
server_guard(void)
{
    int cancel = mproc_plat_self_cancel(0);

    for (int i = 0;
         atomic_flag_test_and_set_explicit(&server.busy, memory_order_acquire);
         i++) {
        if (i < SPINS) {
            mproc_plat_yield();
        }
        else {
            apr_sleep(NAP);
        }
    }
    server.cancel = cancel;
}

static void
server_unguard(void)
{
    int cancel = server.cancel;

    atomic_flag_clear_explicit(&server.busy, memory_order_release);
    (void)mproc_plat_self_cancel(cancel);
}

void
mproc__forkserver_forget(void)
{
    if (server.end != -1) {
        mproc_plat_channel_close(server.end);
    }
    server.end = -1;
    server.process = NULL;
    atomic_flag_clear(&server.busy);
}

/* ------------------------------------------------------------ the server */

static int
server_runs(void)
{
    return server.process != NULL && mproc_process_is_alive(server.process);
}

int
mproc__forkserver_lives(apr_uint64_t maker)
{
    int cancel = mproc_plat_self_cancel(0);
    if (atomic_flag_test_and_set_explicit(&server.busy, memory_order_acquire)) {
        (void)mproc_plat_self_cancel(cancel);
        return 1; /* Somebody asks it: so it seems. */
    }
    server.cancel = cancel;
    int lives = server.serial == maker && server_runs();
    server_unguard();
    return lives;
}

/* It ends when it sees our end closed. */
static void
server_discard(void)
{
    if (server.process == NULL) {
        return;
    }
    mproc_plat_channel_close(server.end);
    server.end = -1;
    if (mproc__process_wait(server.process, mproc_plat_clock() + STOP_LIMIT) !=
        APR_SUCCESS) {
        (void)mproc_process_stop(server.process, 0);
    }
    (void)mproc_process_close(server.process);
    server.process = NULL;
}

void
mproc__forkserver_stop(void)
{
    server_guard();
    server_discard();
    server_unguard();
}

static apr_status_t
hello_missing(apr_pool_t *pool)
{
    (void)mproc__process_wait(server.process, mproc_plat_clock() + STOP_LIMIT);
    return mproc__fail(MPROC_EBOOTSTRAP,
                       "cannot start by forkserver: the server ended before "
                       "it could serve: %s; does main call "
                       "mproc_initialize(argc, argv) first?",
                       mproc_process_describe(server.process, pool));
}

static apr_status_t
hello_wait(apr_pool_t *pool)
{
    mproc__hello_t hello;
    apr_size_t size = sizeof hello;
    int none = 0;
    int ready;
    apr_status_t rv;

    do {
        rv =
            mproc_plat_channel_wait(server.end, &server.process->proc.handle, 1,
                                    &ready, mproc_plat_clock() + HELLO_LIMIT);
        if (APR_STATUS_IS_TIMEUP(rv) &&
            atomic_load(&server.process->record->state) <
                MPROC__RECORD_ATTACHED) {
            (void)mproc_process_kill(server.process);
            return hello_missing(pool);
        }
    } while (APR_STATUS_IS_TIMEUP(rv));
    rv = mproc_plat_channel_recv(server.end, &hello, &size, NULL, &none, 0);
    if (rv != APR_SUCCESS || size != sizeof hello) {
        return hello_missing(pool);
    }
    if (hello.status != APR_SUCCESS) {
        return mproc__fail(hello.status,
                           "cannot start by forkserver: the server's preload "
                           "function returned %d, so the server ended",
                           (int)hello.status);
    }
    return APR_SUCCESS;
}

/* The object of the new server, with the other end of the channel. */
static apr_status_t
server_make(apr_int64_t other)
{
    mproc_process_options_t options = {.name = "ForkServer"};
    mproc__record_plan_t plan = {.args = server.args,
                                 .objects = server.objects};

    apr_status_t rv =
        mproc__process_new(&server.process, server.preload, &options, &plan, 1);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    server.process->method = MPROC_START_SPAWN;
    server.process->record->flags = MPROC__RECORD_SERVER;
    server.process->record->channel = other;
    server.process->record->on_error = server.on_error;
    rv = mproc__process_launch(server.process);
    if (rv != APR_SUCCESS) {
        (void)mproc_process_close(server.process);
        server.process = NULL;
    }
    return rv;
}

static apr_status_t
server_launch(apr_pool_t *pool)
{
    apr_int64_t end[2];
    char text[128];

    apr_status_t rv = mproc_plat_channel_create(end);
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv,
                           "cannot start by forkserver: no channel to the "
                           "server can be made: %s",
                           apr_strerror(rv, text, sizeof text));
    }
    rv = server_make(end[1]);
    mproc_plat_channel_close(end[1]);
    if (rv != APR_SUCCESS) {
        mproc_plat_channel_close(end[0]);
        return rv;
    }
    server.end = end[0];
    server.serial++;
    rv = hello_wait(pool);
    if (rv != APR_SUCCESS) {
        server_discard();
    }
    return rv;
}

/* ------------------------------------------------------------ the request */

static apr_int64_t
stream_handle(apr_file_t *file)
{
    apr_os_file_t native;

    return apr_os_file_get(&native, file) == APR_SUCCESS
               ? (apr_int64_t)(intptr_t)native
               : -1;
}

/* What the child has for its standard streams: what was asked for, else the
 * caller's as they are now, if they are open. */
static int
streams_gather(apr_int64_t *handles, apr_uint32_t *which,
               const mproc_process_t *process, apr_pool_t *pool)
{
    int count = 0;

    *which = 0;
    for (int i = 0; i < 3; i++) {
        apr_file_t *file = process->stream[i];
        apr_finfo_t info;
        if (file == NULL && i > 0) {
            apr_status_t rv = i == 1 ? apr_file_open_stdout(&file, pool)
                                     : apr_file_open_stderr(&file, pool);
            if (rv != APR_SUCCESS ||
                apr_file_info_get(&info, APR_FINFO_TYPE, file) != APR_SUCCESS) {
                file = NULL;
            }
        }
        if (file != NULL) {
            handles[count++] = stream_handle(file);
            *which |= 1U << i;
        }
    }
    return count;
}

/* Send the request and take the reply. A status of the channel means that
 * the server is lost. */
static apr_status_t
server_ask(mproc_process_t *process, apr_uint32_t ticket, mproc__reply_t *reply,
           apr_int64_t *handle, const apr_int64_t spare[2], apr_pool_t *pool)
{
    mproc__request_t request;
    apr_int64_t streams[3];
    apr_size_t size = sizeof *reply;
    char *directory;
    int count = 1;
    int ready;

    request.record = mproc__hold_handle(process->hold);
    request.ticket = ticket;
    request.directory[0] = '\0';
    if (apr_filepath_get(&directory, 0, pool) == APR_SUCCESS &&
        strlen(directory) < sizeof request.directory) {
        apr_cpystrn(request.directory, directory, sizeof request.directory);
    }
    int stream_count = streams_gather(streams, &request.streams, process, pool);
    apr_status_t rv = mproc_plat_channel_send(
        server.end, &request,
        offsetof(mproc__request_t, directory) + strlen(request.directory) + 1,
        streams, stream_count, MPROC_PLAT_NEVER);
    if (rv == APR_SUCCESS) {
        rv = mproc_plat_channel_wait(server.end, &server.process->proc.handle,
                                     1, &ready, MPROC_PLAT_NEVER);
    }
    mproc_plat_channel_close(spare[0]);
    mproc_plat_channel_close(spare[1]);
    if (rv == APR_SUCCESS) {
        rv = mproc_plat_channel_recv(server.end, reply, &size, handle, &count,
                                     0);
    }
    if (rv == APR_SUCCESS && size != sizeof *reply) {
        rv = APR_EOF;
    }
    return rv;
}

/* The child is ours: it may go on. */
static apr_status_t
reply_take(mproc_process_t *process, const mproc__reply_t *reply,
           apr_int64_t handle)
{
    char text[128];

    if (reply->status != APR_SUCCESS) {
        return mproc__fail(reply->status,
                           "cannot start %s by forkserver: the server cannot "
                           "fork: %s",
                           process->name,
                           apr_strerror(reply->status, text, sizeof text));
    }
    process->maker = server.serial;
    return mproc_plat_proc_adopt(&process->proc, reply->pid, handle);
}

static apr_status_t
server_try(mproc_process_t *process, int *lost, apr_pool_t *pool)
{
    mproc__record_t *record = process->record;
    apr_uint32_t ticket = atomic_load(&record->ticket) + 2;
    mproc__reply_t reply;
    apr_int64_t handle = -1;
    apr_int64_t spare[2];
    char text[128];

    /* Without a free descriptor here the reply would be lost, and a server
     * that nothing is wrong with be given up. */
    *lost = 0;
    apr_status_t rv = mproc_plat_channel_create(spare);
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "cannot start %s by forkserver: %s",
                           process->name, apr_strerror(rv, text, sizeof text));
    }
    rv = server_ask(process, ticket, &reply, &handle, spare, pool);
    *lost = rv != APR_SUCCESS;
    if (rv == APR_SUCCESS) {
        rv = reply_take(process, &reply, handle);
    }
    /* Partner: turn_wait() in the child. */
    atomic_store(&record->ticket, rv == APR_SUCCESS ? ticket : ticket + 1);
    mproc__unpark((void *)&record->ticket, MPROC__ALL);
    return rv;
}

apr_status_t
mproc__forkserver_start(mproc_process_t *process, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    char text[128];
    int lost = 1;

    mproc__family_lock(); /* In a forked child: forget the parent's. */
    mproc__family_unlock();
    server_guard();
    for (int i = 0; i < ASKS && lost && rv == APR_SUCCESS; i++) {
        if (!server_runs()) {
            server_discard();
            rv = server_launch(pool);
        }
        if (rv == APR_SUCCESS) {
            rv = server_try(process, &lost, pool);
        }
        if (lost && rv != APR_SUCCESS && server.process != NULL) {
            server_discard();
            rv = i + 1 < ASKS
                     ? APR_SUCCESS
                     : mproc__fail(rv,
                                   "cannot start %s by forkserver: %d "
                                   "servers ended before they could: %s",
                                   process->name, ASKS,
                                   apr_strerror(rv, text, sizeof text));
        }
    }
    server_unguard();
    return rv;
}

/* -------------------------------------------------------------- the preload */

static apr_status_t
preload_pack(apr_pool_t **kept, mproc_bytes_t *args,
             apr_array_header_t **objects, const char *format, va_list list)
{
    apr_status_t rv = apr_pool_create_unmanaged_ex(kept, NULL, NULL);

    if (rv != APR_SUCCESS) {
        return mproc__fail(APR_ENOMEM, "cannot keep the preload's arguments: "
                                       "memory is short");
    }
    rv = mproc__vpack(args, objects, *kept, format, list);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(*kept);
    }
    return rv;
}

static apr_status_t
preload_check(mproc_preload_error_e on_error)
{
    if (!mproc_plat_proc_can_fork()) {
        return mproc__fail(APR_ENOTIMPL, "cannot preload a fork server: this "
                                         "system has none");
    }
    if (on_error < MPROC_PRELOAD_FAIL || on_error > MPROC_PRELOAD_IGNORE) {
        return mproc__fail(APR_EINVAL,
                           "cannot preload the fork server: %d is no answer "
                           "to a failure",
                           (int)on_error);
    }
    return mproc__peers_attach();
}

apr_status_t
mproc_set_forkserver_preload(mproc_target_fn_t preload,
                             mproc_preload_error_e on_error, apr_pool_t *pool,
                             const char *format, ...)
{
    apr_array_header_t *objects = NULL;
    mproc_bytes_t args;
    apr_pool_t *kept;
    va_list list;

    (void)pool; /* What is kept must outlive it. */
    apr_status_t rv = preload_check(on_error);
    if (rv == APR_SUCCESS) {
        va_start(list, format);
        rv = preload_pack(&kept, &args, &objects, format, list);
        va_end(list);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__family_lock();
    mproc__family_unlock();
    server_guard();
    if (server_runs()) {
        rv = mproc__fail(MPROC_ESTATE, "cannot preload the fork server: it "
                                       "runs already; call this before the "
                                       "first start by forkserver");
        apr_pool_destroy(kept);
    }
    else {
        apr_pool_t *former = server.pool;
        server.preload = preload;
        server.on_error = on_error;
        server.args = args;
        server.objects = objects;
        server.pool = kept;
        if (former != NULL) {
            apr_pool_destroy(former);
        }
    }
    server_unguard();
    return rv;
}
