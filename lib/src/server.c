/*
 * server.c: the fork server: clean, single-threaded, forks on request.
 *
 * It belongs to one process, which is also the parent of all it forks; it
 * ends with it. It keeps the handles of its children only to tell, for those
 * that were killed, by what: who ends normally tells its code itself.
 */
#include "family.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <apr_portable.h>
#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_channel.h"
#include "../../platform/plat_self.h"
#include "../../platform/plat_sys.h"
#include "error.h"
#include "object.h"
#include "parking.h"
#include "server.h"

static struct {
    apr_int64_t end;
    const mproc_plat_proc_t *parent;
    mproc__hold_t *hold; /* for a moment's look at a record */
    mproc_plat_proc_t *kids;
    mproc__handle_t *records; /* of the kids */
    apr_int64_t *handles;     /* the parent's, then the kids' */
    int count, room;
} server;

/* -------------------------------------------------------------- the preload */

static int
preload_run(mproc__record_t *record, apr_pool_t *pool)
{
    mproc_function_t function;
    int code;

    if (record->target.offset == 0) {
        return 0;
    }
    apr_status_t rv = mproc__funcref_resolve(&function, &record->target);
    if (rv == APR_SUCCESS) {
        mproc_target_fn_t preload = (mproc_target_fn_t)function;
        code = preload(mproc__record_args(record), pool);
        if (code != 0) {
            (void)mproc__fail(code, "it returned %d", code);
        }
    }
    else {
        code = rv;
    }
    if (code != 0 && record->on_error == MPROC_PRELOAD_WARN) {
        fprintf(stderr, "%s: preload failed: %s\n", record->name,
                mproc_error_detail());
    }
    return record->on_error == MPROC_PRELOAD_FAIL ? code : 0;
}

/* ----------------------------------------------------------------- the kids */

static int
kids_grow(void)
{
    if (server.count < server.room) {
        return 1;
    }
    int room = server.room * 2 + 16;
    mproc_plat_proc_t *kids = realloc(server.kids, (size_t)room * sizeof *kids);
    if (kids != NULL) {
        server.kids = kids;
    }
    mproc__handle_t *records =
        realloc(server.records, (size_t)room * sizeof *records);
    if (records != NULL) {
        server.records = records;
    }
    apr_int64_t *handles =
        realloc(server.handles, ((size_t)room + 1) * sizeof *handles);
    if (handles != NULL) {
        server.handles = handles;
        handles[0] = server.parent->handle;
    }
    if (kids == NULL || records == NULL || handles == NULL) {
        return 0;
    }
    server.room = room;
    return 1;
}

static void
kid_report(mproc__handle_t handle, const mproc_plat_exit_t *exit)
{
    if (!exit->known || mproc__arena_hold(server.hold, handle) != APR_SUCCESS) {
        return; /* Nobody asks any more. */
    }
    mproc__record_t *record = mproc__record_at(handle);
    if (record != NULL && !atomic_load(&record->told)) {
        record->code = exit->code;
        record->signal = exit->signal;
        record->core = exit->core;
        /* Partner: exit_told() in the parent. */
        atomic_store(&record->told, 1);
        mproc__unpark((void *)&record->told, MPROC__ALL);
    }
    mproc__arena_release(server.hold);
}

static void
kid_ended(int index)
{
    mproc_plat_exit_t exit = {0};

    if (mproc_plat_proc_wait(&server.kids[index], 0, &exit) != APR_SUCCESS) {
        return;
    }
    kid_report(server.records[index], &exit);
    mproc_plat_proc_release(&server.kids[index]);
    server.count--;
    server.kids[index] = server.kids[server.count];
    server.records[index] = server.records[server.count];
    server.handles[index + 1] = server.handles[server.count + 1];
}

/* ------------------------------------------------------------------ serving */

/* In the child: leave the server behind. */
_Noreturn static void
kid_run(const mproc__request_t *request, const apr_int64_t *handles, int count,
        apr_pool_t *pool)
{
    mproc__birth_t birth = {.forked = 1,
                            .handle = request->record,
                            .ticket = request->ticket,
                            .pool = mproc__fork_pool(),
                            .parent_pid = server.parent->pid,
                            .parent_handle = server.parent->handle};

    mproc_plat_channel_close(server.end);
    for (int i = 0; i < server.count; i++) {
        mproc_plat_proc_release(&server.kids[i]);
    }
    (void)mproc_plat_self_interrupts(0);
    if (request->directory[0] != '\0') {
        birth.directory = request->directory;
    }
    for (int i = 0; i < 3 && birth.received_count < count; i++) {
        if (request->streams & 1U << i) {
            apr_os_file_t native =
                (apr_os_file_t)(intptr_t)handles[birth.received_count];
            birth.received[birth.received_count] =
                handles[birth.received_count];
            birth.received_count++;
            apr_os_file_put(&birth.stream[i], &native, 0, pool);
        }
    }
    mproc__child_run(&birth);
}

/* Fork for a request; the record keeps for the child what it inherits. */
static apr_status_t
request_fork(const mproc__request_t *request, const apr_int64_t *handles,
             int count, apr_pool_t *pool)
{
    if (!kids_grow()) {
        return APR_ENOMEM;
    }
    apr_status_t rv = mproc__arena_hold(server.hold, request->record);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__objects_keep(mproc__record_keep(request->record));
    if (rv == APR_SUCCESS) {
        mproc_plat_proc_t *kid = &server.kids[server.count];
        (void)mproc__fork_pool(); /* For all kids; without, each makes one. */
        fflush(NULL);
        mproc__objects_own_fork(1);
        rv = mproc_plat_proc_fork(kid, pool);
        mproc__objects_own_fork(0);
        if (rv == APR_INCHILD) {
            kid_run(request, handles, count, pool);
        }
        if (rv == APR_INPARENT) {
            server.records[server.count] = request->record;
            server.handles[server.count + 1] = kid->handle;
            server.count++;
            rv = APR_SUCCESS;
        }
        else {
            mproc__arena_release(mproc__record_keep(request->record));
        }
    }
    mproc__arena_release(server.hold);
    return rv;
}

/* Returns 0 when there is nobody to serve any more. */
static int
request_serve(mproc__request_t *request, apr_pool_t *pool)
{
    apr_int64_t handles[MPROC_PLAT_CHANNEL_HANDLES];
    int count = MPROC_PLAT_CHANNEL_HANDLES;
    apr_size_t size = sizeof *request;
    mproc__reply_t reply = {0};

    apr_status_t rv =
        mproc_plat_channel_recv(server.end, request, &size, handles, &count, 0);
    if (rv != APR_SUCCESS) {
        return APR_STATUS_IS_TIMEUP(rv);
    }
    request->directory[MPROC__DIRECTORY_SIZE - 1] = '\0';
    reply.status = request_fork(request, handles, count, pool);
    for (int i = 0; i < count; i++) {
        mproc_plat_channel_close(handles[i]);
    }
    const mproc_plat_proc_t *kid = &server.kids[server.count - 1];
    if (reply.status == APR_SUCCESS) {
        reply.pid = (apr_int32_t)kid->pid;
    }
    return mproc_plat_channel_send(
               server.end, &reply, sizeof reply,
               reply.status == APR_SUCCESS ? &kid->handle : NULL,
               reply.status == APR_SUCCESS, MPROC_PLAT_NEVER) == APR_SUCCESS;
}

static void
server_loop(apr_pool_t *pool)
{
    mproc__request_t request;
    int serving = 1;

    while (serving) {
        int ready;
        apr_status_t rv =
            mproc_plat_channel_wait(server.end, server.handles,
                                    server.count + 1, &ready, MPROC_PLAT_NEVER);
        if (rv != APR_SUCCESS || ready == 0) {
            return; /* The parent has ended. */
        }
        if (ready > 0) {
            kid_ended(ready - 1);
        }
        else {
            serving = request_serve(&request, pool);
            apr_pool_clear(pool);
        }
    }
}

int
mproc__server_run(mproc__record_t *record, const mproc_plat_proc_t *parent,
                  apr_pool_t *pool)
{
    mproc__hello_t hello = {0};
    apr_pool_t *scratch;

    server.parent = parent;
    server.end = record->channel;
    (void)mproc_plat_self_interrupts(1);
    if (mproc_plat_channel_adopt(server.end) != APR_SUCCESS) {
        mproc__child_fail("the channel to its parent did not reach it");
    }
    server.hold = mproc__hold_new();
    if (server.hold == NULL || !kids_grow() ||
        apr_pool_create_unmanaged_ex(&scratch, NULL, NULL) != APR_SUCCESS) {
        mproc__child_fail("memory is short");
    }
    hello.status = preload_run(record, pool);
    fflush(NULL);
    if (mproc_plat_channel_send(server.end, &hello, sizeof hello, NULL, 0,
                                MPROC_PLAT_NEVER) == APR_SUCCESS &&
        hello.status == APR_SUCCESS) {
        server_loop(scratch);
    }
    apr_pool_destroy(scratch);
    return hello.status == APR_SUCCESS ? 0 : MPROC__EXIT_BOOTSTRAP;
}
