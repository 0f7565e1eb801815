/*
 * start.c: how a process comes to be, by each method.
 *
 * Whatever can be found wrong is found before there is a process. After a
 * failure the object is as it was.
 */
#include "family.h"

#include <stdio.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_life.h"
#include "../../platform/plat_self.h"
#include "../../platform/plat_sys.h"
#include "error.h"
#include "object.h"

/* How long a detached child may take to find its record, in microseconds:
 * until then it needs its parent. */
#define ATTACH_LIMIT (10 * 1000 * 1000)
#define ATTACH_LOOK 500

/* ------------------------------------------------------------- the methods */

static apr_status_t
method_check(mproc_start_method_e method)
{
    if (method < MPROC_START_DEFAULT || method > MPROC_START_FORKSERVER) {
        return mproc__fail(APR_EINVAL,
                           "cannot choose the start method: %d is none",
                           (int)method);
    }
    if ((method == MPROC_START_FORK || method == MPROC_START_FORKSERVER) &&
        !mproc_plat_proc_can_fork()) {
        return mproc__fail(APR_ENOTIMPL,
                           "cannot choose the start method: this system has "
                           "no fork; use spawn");
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_set_start_method(mproc_start_method_e method)
{
    apr_status_t rv = method_check(method);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__family_lock();
    int fixed = mproc__family.method != MPROC_START_DEFAULT;
    if (!fixed) {
        mproc__family.method =
            method == MPROC_START_DEFAULT ? MPROC_START_SPAWN : method;
    }
    mproc__family_unlock();
    if (fixed) {
        return mproc__fail(MPROC_ESTATE,
                           "cannot choose the start method: it is fixed "
                           "already, by this call or by a process that was "
                           "started; choose it once, at the beginning");
    }
    return APR_SUCCESS;
}

mproc_start_method_e
mproc_get_start_method(int allow_unset)
{
    mproc__family_lock();
    if (mproc__family.method == MPROC_START_DEFAULT && !allow_unset) {
        mproc__family.method = MPROC_START_SPAWN;
    }
    mproc_start_method_e method = mproc__family.method;
    mproc__family_unlock();
    return method;
}

apr_status_t
mproc_start_methods(apr_array_header_t **methods, apr_pool_t *pool)
{
    if (methods == NULL || pool == NULL) {
        return mproc__fail(APR_EINVAL,
                           "cannot list the start methods: the %s is NULL",
                           methods == NULL ? "variable for them" : "pool");
    }
    *methods = apr_array_make(pool, 3, sizeof(mproc_start_method_e));
    *(mproc_start_method_e *)apr_array_push(*methods) = MPROC_START_SPAWN;
    if (mproc_plat_proc_can_fork()) {
        *(mproc_start_method_e *)apr_array_push(*methods) = MPROC_START_FORK;
        *(mproc_start_method_e *)apr_array_push(*methods) =
            MPROC_START_FORKSERVER;
    }
    return APR_SUCCESS;
}

int
mproc_cpu_count(void)
{
    return mproc_plat_cpu_count();
}

/* ------------------------------------------------------------------- checks */

static apr_status_t
start_allowed(const mproc_process_t *process)
{
    const char *why = NULL;
    apr_status_t rv = MPROC_ESTATE;
    int stage = atomic_load(&mproc__family.stage);

    if (process->role != MPROC__CHILD ||
        process->epoch != mproc__peers_epoch()) {
        why = "only the process that created it may";
    }
    else if (stage == MPROC__STAGE_NONE) {
        rv = MPROC_EBOOTSTRAP;
        why = "the library is not ready; the first line of main must be "
              "mproc_initialize(argc, argv);";
    }
    else if (stage == MPROC__STAGE_BIRTH) {
        rv = MPROC_EBOOTSTRAP;
        why = "this process is a child itself and has not reached its target; "
              "start processes in main, after mproc_initialize(argc, argv);";
    }
    else if (mproc__family.self.daemon) {
        why = "this process is daemonic, and such may not start processes";
    }
    return why == NULL
               ? APR_SUCCESS
               : mproc__fail(rv, "cannot start %s: %s", process->name, why);
}

/* Its life goes from CREATED to STARTING, once. */
static apr_status_t
start_begin(mproc_process_t *process)
{
    int life = MPROC__CREATED;

    if (atomic_compare_exchange_strong(&process->life, &life,
                                       MPROC__STARTING)) {
        return APR_SUCCESS;
    }
    return mproc__fail(MPROC_ESTATE, "cannot start %s: it has been %s already",
                       process->name,
                       life == MPROC__CLOSED ? "closed" : "started");
}

static apr_status_t
directory_check(const mproc_process_t *process, apr_pool_t *pool)
{
    const char *directory = mproc__record_directory(process->record);
    apr_finfo_t info;
    char text[128];

    if (directory == NULL) {
        return APR_SUCCESS;
    }
    apr_status_t rv = apr_stat(&info, directory, APR_FINFO_TYPE, pool);
    if (rv == APR_SUCCESS && info.filetype != APR_DIR) {
        rv = APR_ENOTDIR;
    }
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "cannot start %s in the directory \"%s\": %s",
                           process->name, directory,
                           apr_strerror(rv, text, sizeof text));
    }
    return APR_SUCCESS;
}

/* Whether the program that is started will have the function. */
static apr_status_t
target_check(const mproc_process_t *process, apr_pool_t *pool)
{
    const mproc__funcref_t *target = &process->record->target;
    mproc_plat_module_t module;

    if (process->method == MPROC_START_FORK || process->target == NULL) {
        return APR_SUCCESS;
    }
    if (target->path[0] != '\0') {
        return mproc__funcref_check(target);
    }
    if (mproc__family.executable == NULL) {
        /* A server that runs has what it began with. */
        return process->method == MPROC_START_FORKSERVER
                   ? APR_SUCCESS
                   : mproc__funcref_check(target);
    }
    memset(&module, 0, sizeof module);
    module.path = mproc__family.executable;
    memcpy(module.id, target->id, sizeof module.id);
    if (APR_STATUS_IS_EMISMATCH(mproc_plat_module_on_disk(&module, pool))) {
        return mproc__fail(MPROC_EMODULE,
                           "cannot start %s: its target lies in this program "
                           "itself, which \"%s\" cannot load; put it into a "
                           "library",
                           process->name, mproc__family.executable);
    }
    return APR_SUCCESS;
}

/* -------------------------------------------------------------- the record */

static void
record_ready(mproc_process_t *process)
{
    mproc__record_t *record = process->record;
    const mproc_process_t *self = &mproc__family.self;

    /* Anew: it may have failed to start with others. */
    record->flags = (record->flags & MPROC__RECORD_SERVER) |
                    (process->daemon ? MPROC__RECORD_DAEMON : 0) |
                    (process->detached ? MPROC__RECORD_DETACHED : 0);
    record->method = process->method;
    record->parent_pid = process->parent_pid;
    record->key_size = (apr_uint32_t)process->key_size;
    memcpy(record->key, process->key, process->key_size);
    apr_cpystrn(record->name, process->name, sizeof record->name);
    apr_cpystrn(record->path, process->path, sizeof record->path);
    apr_cpystrn(record->parent_name, self->name, sizeof record->parent_name);
    record->told = 0;
    record->start = 0;
    record->failure[0] = '\0';
    atomic_store(&record->state, MPROC__RECORD_STARTING);
}

/* -------------------------------------------------------------------- spawn */

static apr_status_t
spawn_failed(const mproc_process_t *process, apr_status_t rv)
{
    char text[128];

    apr_strerror(rv, text, sizeof text);
    return mproc__family.executable != NULL
               ? mproc__fail(rv,
                             "cannot start %s: the program \"%s\" cannot be "
                             "run: %s",
                             process->name, mproc__family.executable, text)
               : mproc__fail(rv,
                             "cannot start %s: this program cannot be run "
                             "again: %s",
                             process->name, text);
}

static apr_status_t
spawn_start(mproc_process_t *process, apr_pool_t *pool)
{
    mproc_plat_spawn_t spawn = {.program = mproc__family.executable,
                                .detached = process->detached};
    mproc_plat_proc_t self;
    apr_int64_t inherit[3];
    apr_uint64_t size;
    const char **environment;

    if (mproc__family.argc == 0 && mproc__family.executable == NULL) {
        return mproc__fail(MPROC_EBOOTSTRAP,
                           "cannot start %s by spawn: mproc_initialize() was "
                           "not given the arguments of main, by which a child "
                           "is known; call mproc_initialize(argc, argv), or "
                           "mproc_set_executable()",
                           process->name);
    }
    apr_status_t rv = mproc_plat_proc_self(&self);
    if (rv == APR_SUCCESS) {
        rv = mproc__record_environment(&environment, process->record, pool);
    }
    if (rv != APR_SUCCESS) {
        return spawn_failed(process, rv);
    }
    mproc__peers_map(&inherit[spawn.inherit_count++], &size);
    inherit[spawn.inherit_count++] = self.handle;
    if (process->record->flags & MPROC__RECORD_SERVER) {
        inherit[spawn.inherit_count++] = process->record->channel;
    }
    spawn.inherit = inherit;
    spawn.environment = environment;
    spawn.directory = mproc__record_directory(process->record);
    memcpy(spawn.stream, process->stream, sizeof spawn.stream);
    spawn.argv = mproc__child_argv(
        spawn.program, mproc__hold_handle(process->hold), &self, pool);
    rv = mproc_plat_proc_spawn(&process->proc, &spawn, pool);
    return rv == APR_SUCCESS ? rv : spawn_failed(process, rv);
}

/* --------------------------------------------------------------------- fork */

/* The pool that each forked child takes its copy of. Nothing is ever taken
 * from it here, so that it costs no child anything which does not use it. */
static apr_pool_t *_Atomic fork_pool;

apr_pool_t *
mproc__fork_pool(void)
{
    apr_pool_t *pool = atomic_load(&fork_pool);
    apr_pool_t *made;

    if (pool != NULL ||
        apr_pool_create_unmanaged_ex(&made, NULL, NULL) != APR_SUCCESS) {
        return pool;
    }
    if (atomic_compare_exchange_strong(&fork_pool, &pool, made)) {
        return made;
    }
    apr_pool_destroy(made);
    return pool;
}

void
mproc__fork_pool_taken(void)
{
    atomic_store(&fork_pool, NULL);
}

static apr_status_t
fork_failed(const mproc_process_t *process, apr_status_t rv)
{
    char text[128];

    return mproc__fail(rv, "cannot start %s by fork: %s", process->name,
                       apr_strerror(rv, text, sizeof text));
}

static apr_status_t
fork_start(mproc_process_t *process)
{
    mproc__birth_t birth = {.forked = 1,
                            .target = process->target,
                            .record = process->record,
                            .pool = mproc__fork_pool()};
    mproc_plat_proc_t self;

    apr_status_t rv = mproc_plat_proc_self(&self);
    if (rv == APR_SUCCESS) {
        rv = mproc__objects_keep(
            mproc__record_keep(mproc__hold_handle(process->hold)));
    }
    if (rv != APR_SUCCESS) {
        return fork_failed(process, rv);
    }
    birth.handle = mproc__hold_handle(process->hold);
    birth.parent_pid = self.pid;
    birth.parent_handle = self.handle;
    memcpy(birth.stream, process->stream, sizeof birth.stream);
    fflush(NULL);
    /* The lists of children and of objects are whole in the copy. */
    mproc__family_lock();
    mproc__objects_guard();
    rv = birth.pool != NULL ? mproc_plat_proc_fork(&process->proc, birth.pool)
                            : APR_ENOMEM;
    if (rv == APR_INCHILD) {
        mproc__child_run(&birth);
    }
    /* Partner: the child, which does without when it is faster. */
    atomic_store(&process->record->start, mproc_plat_life_start());
    mproc__objects_unguard();
    mproc__family_unlock();
    if (rv != APR_INPARENT) {
        mproc__arena_release(mproc__record_keep(birth.handle));
        return fork_failed(process, rv);
    }
    return APR_SUCCESS;
}

/* -------------------------------------------------------------------- start */

/* A detached child needs its parent until it has found its record. */
static void
attach_wait(mproc_process_t *process)
{
    apr_time_t limit = mproc_plat_clock() + ATTACH_LIMIT;

    while (atomic_load(&process->record->state) < MPROC__RECORD_ATTACHED &&
           mproc_plat_clock() < limit &&
           mproc_plat_proc_look(&process->proc,
                                mproc_plat_clock() + ATTACH_LOOK) ==
               APR_TIMEUP) {
    }
}

/* Check what it needs, for which memory is needed. */
static apr_status_t
launch_checked(mproc_process_t *process)
{
    apr_pool_t *pool;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        return mproc__fail(APR_ENOMEM, "cannot start %s: memory is short",
                           process->name);
    }
    apr_status_t rv = directory_check(process, pool);
    if (rv == APR_SUCCESS) {
        rv = target_check(process, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = process->method == MPROC_START_FORK ? fork_start(process)
             : process->method == MPROC_START_SPAWN
                 ? spawn_start(process, pool)
                 : mproc__forkserver_start(process, pool);
    }
    apr_pool_destroy(pool);
    return rv;
}

apr_status_t
mproc__process_launch(mproc_process_t *process)
{
    /* Who died unnoticed, such as an orphan, leaves its place to others. */
    mproc__peers_look_around();
    process->began = mproc_plat_clock();
    record_ready(process);
    apr_status_t rv = process->method == MPROC_START_FORK &&
                              mproc__record_directory(process->record) == NULL
                          ? fork_start(process)
                          : launch_checked(process);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (process->detached) {
        attach_wait(process);
    }
    mproc__family_lock();
    atomic_store(&process->life, MPROC__STARTED);
    mproc__family_add(process);
    mproc__family_unlock();
    return APR_SUCCESS;
}

static apr_status_t
process_start(mproc_process_t *process)
{
    int has_end;
    void *word;
    apr_status_t rv = start_allowed(process);
    if (rv == APR_SUCCESS) {
        rv = start_begin(process);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__family_lock();
    mproc__family_reap();
    process->method = process->asked;
    if (process->method == MPROC_START_DEFAULT) {
        process->method = mproc__family.method != MPROC_START_DEFAULT
                              ? mproc__family.method
                              : MPROC_START_SPAWN;
    }
    mproc__family_unlock();
    has_end = mproc__record_passes(mproc__hold_handle(process->hold),
                                   MPROC_KIND_CONNECTION);
    rv = mproc__process_launch(process);
    if (rv != APR_SUCCESS) {
        atomic_store(&process->life, MPROC__CREATED);
        return rv;
    }
    if (has_end) {
        /* Somebody may wait at the other end: its death is noticed at once.
         * Otherwise who waits finds it. */
        (void)mproc__process_announce(process, &word);
    }
    if (process->asked == MPROC_START_DEFAULT) {
        (void)mproc_get_start_method(0);
    }
    return APR_SUCCESS;
}

/* A thread that is cancelled has started it or not. In a forked child it stays
 * so: what was meant for the parent's thread may be under way, and would end
 * the child. */
apr_status_t
mproc_process_start(mproc_process_t *process)
{
    if (process == NULL) {
        return mproc__fail(APR_EINVAL, "cannot start a process that is NULL");
    }
    int cancel = mproc_plat_self_cancel(0);
    mproc__objects_own_fork(1);
    apr_status_t rv = process_start(process);
    mproc__objects_own_fork(0);
    (void)mproc_plat_self_cancel(cancel);
    return rv;
}
