/*
 * child.c: a new process, from its birth to its end.
 *
 * The hard one is the end of a forked child. What the parent registered with
 * atexit() must not run in it, what its own target registered should. So a
 * hook is registered at its birth, between the two, and ends the process;
 * the C library calls it however exit() is reached.
 */
#include "family.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_general.h>
#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_channel.h"
#include "../../platform/plat_self.h"
#include "../../platform/plat_sys.h"
#include "error.h"
#include "hmac.h"
#include "names.h"
#include "object.h"
#include "parking.h"
#include "sockets.h"
#include "trace.h"

#define CODE_MASK 0xff /* what a system with fork keeps of a code */

/* How often a child that waits for its turn looks for its parent. */
#define TURN_LOOK (50 * 1000) /* microseconds */

/* This child. */
static struct {
    mproc__record_t *record;
    mproc_process_t parent;
    apr_pool_t *pool; /* never ends: at-exit functions may use it */
    unsigned epoch;
    int forked;
    int returned; /* the target has, with code */
    int code;
} child;

/* ------------------------------------------------------------------ the end */

static void
code_tell(int code)
{
    mproc__record_t *record = child.record;

    if (record == NULL) {
        return;
    }
    record->code = mproc_plat_proc_can_fork() ? (code & CODE_MASK) : code;
    record->signal = 0;
    record->core = 0;
    atomic_store(&record->state, MPROC__RECORD_ENDING);
    /* Partner: exit_told() in the parent, report() in the fork server. */
    atomic_store(&record->told, 1);
}

/* Called by exit() in a forked child, before anything of the parent's. */
static void
child_exiting(int known, int code)
{
    if (child.epoch != mproc__peers_epoch()) {
        return; /* A copy that somebody else made. */
    }
    if (child.returned) {
        code = child.code;
    }
    else if (!known) {
        return; /* This C library does not say; its list runs on. */
    }
    mproc_shutdown();
    mproc__names_end();
    code_tell(code);
    fflush(NULL);
    _Exit(code);
}

/* Its parent is no more, and was killed. */
_Noreturn static void
child_die(void)
{
    mproc__names_end();
    mproc_plat_proc_die();
    abort();
}

_Noreturn static void
child_end(int code)
{
    child.returned = 1;
    child.code = code;
    if (!child.forked) {
        mproc_shutdown();
        code_tell(code);
    }
    exit(code);
}

_Noreturn void
mproc__child_fail(const char *format, ...)
{
    char sentence[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (child.record != NULL) {
        apr_cpystrn(child.record->failure, sentence,
                    sizeof child.record->failure);
    }
    fprintf(stderr, "%s (pid %ld): cannot start: %s\n",
            child.record != NULL ? child.record->name : "mproc",
            (long)mproc_plat_pid(), sentence);
    mproc__names_end();
    code_tell(MPROC__EXIT_BOOTSTRAP);
    fflush(stderr);
    _Exit(MPROC__EXIT_BOOTSTRAP);
}

/* ---------------------------------------------------------------- the birth */

static void
parent_adopt(const mproc__birth_t *birth)
{
    char text[128];

    memset(&child.parent, 0, sizeof child.parent);
    child.parent.role = MPROC__PARENT;
    atomic_store(&child.parent.life, MPROC__STARTED);
    apr_status_t rv = mproc_plat_proc_adopt(
        &child.parent.proc, birth->parent_pid, birth->parent_handle);
    if (rv != APR_SUCCESS) {
        mproc__child_fail("the handle of its parent, process %ld, did not "
                          "reach it: %s",
                          (long)birth->parent_pid,
                          apr_strerror(rv, text, sizeof text));
    }
    mproc__family.parent = &child.parent;
}

static void
record_open(const mproc__birth_t *birth)
{
    mproc__hold_t *hold = mproc__hold_new();

    if (hold == NULL) {
        mproc__child_fail("no shared memory is left: %s", mproc_error_detail());
    }
    mproc__record_t *record = NULL;
    if (mproc__arena_hold(hold, birth->handle) == APR_SUCCESS) {
        record = birth->record != NULL ? birth->record
                                       : mproc__record_at(birth->handle);
    }
    if (record == NULL) {
        if (!mproc_process_is_alive(&child.parent)) {
            child_die();
        }
        mproc__child_fail("its description is not in the shared memory of "
                          "process %ld; the two may run different versions of "
                          "mproc",
                          (long)birth->parent_pid);
    }
    child.record = record;
}

/* What the parent decided of us. */
static void
family_begin(const mproc__birth_t *birth)
{
    mproc__record_t *record = child.record;
    mproc_process_t *self = &mproc__family.self;

    memcpy(self->name, record->name, sizeof self->name);
    memcpy(self->path, record->path, sizeof self->path);
    self->parent_pid = birth->parent_pid;
    self->daemon = (record->flags & MPROC__RECORD_DAEMON) != 0;
    self->detached = (record->flags & MPROC__RECORD_DETACHED) != 0;
    self->key_size =
        record->key_size <= sizeof self->key ? record->key_size : 0;
    memcpy(self->key, record->key, self->key_size);
    mproc__hmac_wipe(record->key, sizeof record->key);
    memcpy(child.parent.name, record->parent_name, sizeof child.parent.name);
    mproc__family.created = 0;
    mproc__family.method = (mproc_start_method_e)record->method;
}

typedef struct turn_t {
    mproc__record_t *record;
    apr_uint32_t ticket;
} turn_t;

static int
turn_needed(void *baton)
{
    turn_t *turn = baton;

    return atomic_load(&turn->record->ticket) < turn->ticket;
}

/* A child of the fork server goes on when the one who asked for it knows of
 * it; else it could run twice, or unseen. */
static void
turn_wait(apr_uint32_t ticket)
{
    turn_t turn = {child.record, ticket};
    void *word = (void *)&child.record->ticket;

    if (ticket == 0) {
        return;
    }
    (void)mproc__spin(turn_needed, &turn);
    while (turn_needed(&turn)) {
        if (mproc__park(&word, 1, turn_needed, NULL, &turn,
                        mproc_plat_clock() + TURN_LOOK) == APR_ENOMEM) {
            mproc__child_fail("no shared memory is left to wait in");
        }
        if (!mproc_process_is_alive(&child.parent)) {
            child_die();
        }
    }
    if (atomic_load(&child.record->ticket) != ticket) {
        _Exit(0); /* Given up: another one takes our place. */
    }
}

static void
surroundings_need(apr_status_t rv, const char *what, const char *which)
{
    char text[128];

    if (rv != APR_SUCCESS) {
        mproc__child_fail("%s%s cannot be had: %s", what, which,
                          apr_strerror(rv, text, sizeof text));
    }
}

/* The null device first, which lets read-ahead of the parent's stdin be
 * forgotten (a fork server has read nothing); then what was asked for. */
static void
streams_take(const mproc__birth_t *birth, apr_pool_t *pool)
{
    static apr_file_t *const none[3];
    apr_file_t *stream[3] = {NULL, NULL, NULL};

    /* A copy: what is asked for may be the stdin that the null device is put
     * over. */
    for (int i = 0; i < 3; i++) {
        if (birth->stream[i] != NULL) {
            surroundings_need(apr_file_dup(&stream[i], birth->stream[i], pool),
                              "a standard stream", "");
        }
    }
    surroundings_need(mproc_plat_proc_streams(none, pool), "the null device",
                      "");
    if (birth->ticket == 0) {
        mproc_plat_self_stdin();
    }
    if (stream[0] != NULL || stream[1] != NULL || stream[2] != NULL) {
        surroundings_need(mproc_plat_proc_streams(stream, pool),
                          "a standard stream", "");
    }
    for (int i = 0; i < 3; i++) {
        if (stream[i] != NULL) {
            (void)apr_file_close(stream[i]);
        }
    }
    for (int i = 0; i < birth->received_count; i++) {
        mproc_plat_channel_close(birth->received[i]);
    }
}

/* What spawn does before the program begins. */
static void
surroundings_take(const mproc__birth_t *birth, apr_pool_t *pool)
{
    const char *directory = mproc__record_directory(child.record);
    const char **environment;

    streams_take(birth, pool);
    if (birth->directory != NULL) {
        surroundings_need(apr_filepath_set(birth->directory, pool),
                          "the caller's directory ", birth->directory);
    }
    if (directory != NULL) {
        surroundings_need(apr_filepath_set(directory, pool), "the directory ",
                          directory);
    }
    surroundings_need(
        mproc__record_environment(&environment, child.record, pool),
        "the environment", "");
    if (environment != NULL) {
        surroundings_need(mproc_plat_self_environment(environment),
                          "the environment", "");
    }
    surroundings_need(mproc_plat_self_on_exit(child_exiting), "memory", "");
}

/* ----------------------------------------------------------------- the life */

static void
watch_begin(void)
{
    if (mproc__family.self.detached) {
        return;
    }
    if (mproc__watch_parent() != APR_SUCCESS) {
        if (!mproc_process_is_alive(&child.parent)) {
            child_die();
        }
        mproc__child_fail("%s", mproc_error_detail());
    }
}

_Noreturn static void
target_run(mproc_target_fn_t target, apr_pool_t *pool)
{
    mproc_function_t function;

    if (target == NULL) {
        if (mproc__funcref_resolve(&function, &child.record->target) !=
            APR_SUCCESS) {
            mproc__child_fail("its target cannot be found: %s",
                              mproc_error_detail());
        }
        target = (mproc_target_fn_t)function;
    }
    if (!child.forked && mproc__shutdown_register() != APR_SUCCESS) {
        mproc__child_fail("%s", mproc_error_detail());
    }
    if (!mproc__family.self.detached) {
        mproc__trace_begin(0, mproc__family.self.name);
    }
    atomic_store(&mproc__family.stage, MPROC__STAGE_READY);
    atomic_store(&child.record->state, MPROC__RECORD_RUNNING);
    child_end(target(mproc__record_args(child.record), pool));
}

_Noreturn void
mproc__child_run(const mproc__birth_t *birth)
{
    atomic_store(&mproc__family.stage, MPROC__STAGE_BIRTH);
    if (birth->forked) {
        mproc__family_renew();
        mproc__sockets_drop();
    }
    memset(&child, 0, sizeof child);
    child.forked = birth->forked;
    child.epoch = mproc__peers_epoch();
    if (mproc__peers_attach_forked(birth->record != NULL
                                       ? atomic_load(&birth->record->start)
                                       : 0) != APR_SUCCESS) {
        mproc__child_fail("%s", mproc_error_detail());
    }
    child.pool = birth->pool;
    mproc__fork_pool_taken();
    if (child.pool == NULL &&
        apr_pool_create_unmanaged_ex(&child.pool, NULL, NULL) != APR_SUCCESS) {
        mproc__child_fail("memory is short");
    }
    parent_adopt(birth);
    record_open(birth);
    mproc__objects_passed(mproc__arena_at(birth->handle));
    if (birth->forked) {
        mproc__arena_release(mproc__record_keep(birth->handle));
    }
    turn_wait(birth->ticket);
    family_begin(birth);
    atomic_store(&child.record->state, MPROC__RECORD_ATTACHED);
    if (child.record->flags & MPROC__RECORD_SERVER) {
        int code =
            mproc__server_run(child.record, &child.parent.proc, child.pool);
        mproc__names_end();
        exit(code);
    }
    if (birth->forked) {
        surroundings_take(birth, child.pool);
    }
    watch_begin();
    target_run(birth->target, child.pool);
}
