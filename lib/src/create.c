/*
 * create.c: process objects, made.
 *
 * The object lies on the heap and not in the caller's pool, since it must be
 * there at exit, to be waited for, when the pool has gone. The pool's cleanup
 * only takes the owner away.
 */
#include "family.h"

#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "notifier.h"
#include "pack.h"

#define NAME_LIMIT (MPROC__NAME_SIZE - 1)

static apr_status_t
options_check(const mproc_process_options_t *options)
{
    if (options->start_method < MPROC_START_DEFAULT ||
        options->start_method > MPROC_START_FORKSERVER) {
        return mproc__fail(APR_EINVAL,
                           "cannot create a process: %d is no start method",
                           (int)options->start_method);
    }
    if ((options->start_method == MPROC_START_FORK ||
         options->start_method == MPROC_START_FORKSERVER) &&
        !mproc_plat_proc_can_fork()) {
        return mproc__fail(APR_ENOTIMPL, "cannot create a process that is "
                                         "forked: this system has no fork; "
                                         "use spawn");
    }
    if (options->name != NULL && strlen(options->name) > NAME_LIMIT) {
        return mproc__fail(APR_EINVAL,
                           "cannot create a process: its name has %lu bytes, "
                           "and may have %d",
                           (unsigned long)strlen(options->name), NAME_LIMIT);
    }
    if (options->authkey.size > MPROC__KEY_SIZE ||
        (options->authkey.size > 0 && options->authkey.data == NULL)) {
        return mproc__fail(APR_EINVAL,
                           "cannot create a process: its key has %lu bytes, "
                           "and may have 1 to %d",
                           (unsigned long)options->authkey.size,
                           MPROC__KEY_SIZE);
    }
    return APR_SUCCESS;
}

/* Not by printf: its deep stack costs a start after a fork two pages. */
static void
number_append(char *at, const char *end, unsigned number)
{
    char digits[12];
    char *begin = digits + sizeof digits - 1;

    *begin = '\0';
    do {
        *--begin = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    apr_cpystrn(at, begin, (apr_size_t)(end - at));
}

/* Named by the path of counters from the main process on. */
static void
process_count(mproc_process_t *process, const char *name)
{
    static const char *const kind[] = {"", "Fork", "Spawn", "ForkServer"};
    const char *path = mproc__family.self.path;

    mproc__family_lock();
    unsigned number = ++mproc__family.created;
    mproc__family_unlock();
    char *end = process->path + sizeof process->path;
    char *at = apr_cpystrn(process->path, path, sizeof process->path);
    if (path[0] != '\0') {
        at = apr_cpystrn(at, ":", (apr_size_t)(end - at));
    }
    number_append(at, end, number);
    end = process->name + sizeof process->name;
    if (name != NULL) {
        apr_cpystrn(process->name, name, sizeof process->name);
        return;
    }
    at = apr_cpystrn(process->name, kind[process->asked],
                     (apr_size_t)(end - process->name));
    at = apr_cpystrn(at, "Process-", (apr_size_t)(end - at));
    apr_cpystrn(at, process->path, (apr_size_t)(end - at));
}

static apr_status_t
process_key(mproc_process_t *process, const mproc_process_options_t *options)
{
    if (options->authkey.size > 0) {
        process->key_size = options->authkey.size;
        memcpy(process->key, options->authkey.data, process->key_size);
        return APR_SUCCESS;
    }
    apr_status_t rv = mproc__family_key();
    if (rv == APR_SUCCESS) {
        process->key_size = mproc__family.self.key_size;
        memcpy(process->key, mproc__family.self.key, process->key_size);
    }
    return rv;
}

static apr_status_t
process_record(mproc_process_t *process, const mproc__record_plan_t *plan)
{
    process->hold = mproc__hold_new();
    apr_status_t rv = process->hold != NULL ? APR_SUCCESS : APR_ENOMEM;

    if (rv == APR_SUCCESS) {
        rv = mproc__record_make(&process->record, process->hold, plan);
    }
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv,
                           "cannot create a process: no shared memory for its "
                           "%lu bytes of arguments and its record",
                           (unsigned long)plan->args.size);
    }
    if (process->target == NULL || process->asked == MPROC_START_FORK) {
        return APR_SUCCESS; /* Not to be looked for. */
    }
    return mproc__funcref_make(&process->record->target,
                               (mproc_function_t)process->target);
}

apr_status_t
mproc__process_new(mproc_process_t **process, mproc_target_fn_t target,
                   const mproc_process_options_t *options,
                   const mproc__record_plan_t *plan, int hidden)
{
    mproc_process_t *made = calloc(1, sizeof *made);

    *process = NULL;
    if (made == NULL) {
        return mproc__fail(APR_ENOMEM,
                           "cannot create a process: memory is short");
    }
    made->role = MPROC__CHILD;
    made->epoch = mproc__peers_epoch();
    made->target = target;
    made->asked = options->start_method;
    made->hidden = hidden;
    made->daemon = options->daemon != 0;
    made->detached = options->detached != 0;
    made->stream[0] = options->input;
    made->stream[1] = options->output;
    made->stream[2] = options->error;
    made->parent_pid = mproc_plat_pid();
    made->proc.handle = -1;
    apr_status_t rv = process_key(made, options);
    if (rv == APR_SUCCESS) {
        rv = process_record(made, plan);
    }
    if (rv != APR_SUCCESS) {
        mproc__process_release(made);
        mproc__process_free(made);
        return rv;
    }
    if (hidden) {
        apr_cpystrn(made->name, options->name, sizeof made->name);
    }
    else {
        process_count(made, options->name);
    }
    made->owners = 1;
    *process = made;
    return APR_SUCCESS;
}

/* The caller's pool goes. */
static apr_status_t
process_unowned(void *data)
{
    mproc_process_t *process = data;
    int life = atomic_load(&process->life);

    mproc__family_lock(); /* In a forked child: forget the parent's first. */
    mproc__family_unlock();
    if (process->epoch != mproc__peers_epoch()) {
        mproc__process_free(process);
        return APR_SUCCESS;
    }
    mproc__notifier_end(&process->notifier);
    /* Also when it has ended: who is told of that has the object yet. */
    mproc__process_unwatch(process);
    if (life == MPROC__STARTED) {
        mproc__process_settle(process);
    }
    else if (life == MPROC__CREATED) {
        atomic_store(&process->life, MPROC__CLOSED);
    }
    mproc__process_disown(process);
    return APR_SUCCESS;
}

static apr_status_t
process_pack(mproc_process_t **process, mproc_target_fn_t target,
             const mproc_process_options_t *options, const char *format,
             va_list args)
{
    mproc__record_plan_t plan = {.directory = options->directory,
                                 .environment = options->environment};
    apr_array_header_t *objects = NULL;
    apr_pool_t *scratch;

    if (format == NULL || format[0] == '\0') {
        return mproc__process_new(process, target, options, &plan, 0);
    }
    if (apr_pool_create_unmanaged_ex(&scratch, NULL, NULL) != APR_SUCCESS) {
        return mproc__fail(APR_ENOMEM,
                           "cannot create a process: memory is short");
    }
    apr_status_t rv = mproc__vpack(&plan.args, &objects, scratch, format, args);
    if (rv == APR_SUCCESS) {
        plan.objects = objects;
        rv = mproc__process_new(process, target, options, &plan, 0);
    }
    apr_pool_destroy(scratch);
    return rv;
}

/* Once: APR counts, for as many calls of apr_terminate(). */
static apr_status_t
apr_ready(void)
{
    static atomic_int ready;
    apr_status_t rv = APR_SUCCESS;

    if (!atomic_load(&ready)) {
        rv = apr_initialize();
        atomic_store(&ready, rv == APR_SUCCESS);
    }
    return rv;
}

apr_status_t
mproc_process_create(mproc_process_t **process, mproc_target_fn_t target,
                     const mproc_process_options_t *options, apr_pool_t *pool,
                     const char *format, ...)
{
    static const mproc_process_options_t none;
    va_list args;

    if (process == NULL || target == NULL) {
        return mproc__fail(APR_EINVAL,
                           "cannot create a process: the %s is NULL",
                           process == NULL ? "variable for it" : "target");
    }
    *process = NULL;
    options = options != NULL ? options : &none;
    apr_status_t rv = apr_ready();
    if (rv == APR_SUCCESS) {
        rv = options_check(options);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__peers_attach();
    }
    if (rv == APR_SUCCESS) {
        va_start(args, format);
        rv = process_pack(process, target, options, format, args);
        va_end(args);
    }
    if (rv == APR_SUCCESS && pool != NULL) {
        (*process)->pool = pool;
        apr_pool_cleanup_register(pool, *process, process_unowned,
                                  apr_pool_cleanup_null);
    }
    return rv;
}
