/*
 * bootstrap.c: the first line of main.
 *
 * A spawned child is known by its second argument, the marker; the third
 * tells where all else is to be found:
 *
 *     PROGRAM --mproc-child arena=H,size=N,parent=PID:H,record=H ...
 *
 * Handles are useless to anybody who did not inherit them, so nothing secret
 * is shown in a list of processes. Whatever does not fit is refused before
 * it is used.
 */
#include "family.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_general.h>
#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "trace.h"

#define MARKER "--mproc-child"

/* What the third argument says. */
typedef struct spec_t {
    apr_uint64_t arena, size, parent_pid, parent, record;
} spec_t;

static char *executable_copy;

/* ------------------------------------------------------------ the arguments */

static const char *
number_text(apr_uint64_t number, apr_pool_t *pool)
{
    char text[24];
    char *begin = text + sizeof text - 1;

    *begin = '\0';
    do {
        *--begin = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return apr_pstrdup(pool, begin);
}

const char *const *
mproc__child_argv(const char *program, mproc__handle_t handle,
                  const mproc_plat_proc_t *self, apr_pool_t *pool)
{
    int argc = mproc__family.argc;
    const char **argv = apr_palloc(pool, sizeof *argv * ((size_t)argc + 4));
    apr_int64_t map_handle;
    apr_uint64_t map_size;
    int count = 0;

    mproc__peers_map(&map_handle, &map_size);
    argv[count++] = program != NULL ? program
                    : argc > 0      ? mproc__family.argv[0]
                                    : "mproc";
    argv[count++] = MARKER;
    argv[count++] =
        apr_pstrcat(pool, "arena=", number_text((apr_uint64_t)map_handle, pool),
                    ",size=", number_text(map_size, pool),
                    ",parent=", number_text((apr_uint64_t)self->pid, pool), ":",
                    number_text((apr_uint64_t)self->handle, pool),
                    ",record=", number_text(handle, pool), NULL);
    for (int i = 1; i < argc; i++) {
        argv[count++] = mproc__family.argv[i];
    }
    argv[count] = NULL;
    return argv;
}

/* Read `key` and a number behind it; returns what follows, or NULL. */
static const char *
spec_number(const char *text, const char *key, apr_uint64_t *number)
{
    size_t length = strlen(key);

    if (text == NULL || strncmp(text, key, length) != 0) {
        return NULL;
    }
    text += length;
    if (*text < '0' || *text > '9') {
        return NULL;
    }
    for (*number = 0; *text >= '0' && *text <= '9'; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (*number > (~(apr_uint64_t)0 - digit) / 10) {
            return NULL;
        }
        *number = *number * 10 + digit;
    }
    return text;
}

static int
spec_read(spec_t *spec, const char *text)
{
    text = spec_number(text, "arena=", &spec->arena);
    text = spec_number(text, ",size=", &spec->size);
    text = spec_number(text, ",parent=", &spec->parent_pid);
    text = spec_number(text, ":", &spec->parent);
    text = spec_number(text, ",record=", &spec->record);
    return text != NULL && *text == '\0' && spec->arena <= APR_INT32_MAX &&
           spec->parent <= APR_INT32_MAX && spec->size > 0 &&
           spec->parent_pid > 0 && spec->parent_pid <= APR_UINT32_MAX;
}

_Noreturn static void
usage_refuse(const char *program)
{
    fprintf(stderr,
            "%s: the argument " MARKER " is for processes that mproc starts "
            "itself, and what follows it is not from mproc; leave it out\n",
            program);
    fflush(stderr);
    _Exit(MPROC__EXIT_USAGE);
}

_Noreturn static void
child_bootstrap(int argc, const char *const *argv)
{
    mproc__birth_t birth = {0};
    spec_t spec;

    if (argc < 3 || !spec_read(&spec, argv[2])) {
        usage_refuse(argv[0]);
    }
    atomic_store(&mproc__family.stage, MPROC__STAGE_BIRTH);
    const char **users = malloc(sizeof *users * ((size_t)argc - 1));
    if (users == NULL) {
        mproc__child_fail("memory is short");
    }
    users[0] = argv[0];
    for (int i = 3; i < argc; i++) {
        users[i - 2] = argv[i];
    }
    users[argc - 2] = NULL;
    mproc__family.argc = argc - 2;
    mproc__family.argv = users;
    if (mproc__peer_self() != 0) {
        mproc__child_fail("an object was created before mproc_initialize(), "
                          "which must be the first call in main");
    }
    if (mproc__peers_join((apr_int64_t)spec.arena, spec.size) != APR_SUCCESS) {
        mproc__child_fail("it cannot reach its parent's shared memory: %s",
                          mproc_error_detail());
    }
    birth.handle = spec.record;
    birth.parent_pid = (apr_int64_t)spec.parent_pid;
    birth.parent_handle = (apr_int64_t)spec.parent;
    mproc__child_run(&birth);
}

/* --------------------------------------------------------------- initialize */

/* A child whose main has changed its arguments before this call would not be
 * known as one, and start children of its own, for ever. */
static apr_status_t
marker_misplaced(int argc, const char *const *argv)
{
    for (int i = 0; i < argc; i++) {
        if (i != 1 && argv[i] != NULL && strcmp(argv[i], MARKER) == 0) {
            return mproc__fail(MPROC_EBOOTSTRAP,
                               "mproc_initialize() was given other arguments "
                               "than main got: " MARKER " stands at %d; pass "
                               "argc and argv as they came",
                               i);
        }
    }
    return APR_SUCCESS;
}

/* A child that called mproc_set_executable() first has become a main process
 * by that: it must start nobody, or there is no end of them. */
static apr_status_t
marker_late(int argc, const char *const *argv)
{
    if (argc < 2 || argv == NULL || argv[1] == NULL ||
        strcmp(argv[1], MARKER) != 0) {
        return APR_SUCCESS;
    }
    atomic_store(&mproc__family.stage, MPROC__STAGE_BIRTH);
    return mproc__fail(MPROC_EBOOTSTRAP,
                       "mproc_initialize(argc, argv) came too late to make "
                       "this process a child; it must be the first call in "
                       "main, before mproc_set_executable()");
}

apr_status_t
mproc_initialize(int argc, const char *const *argv)
{
    char text[128];

    if (atomic_load(&mproc__family.stage) != MPROC__STAGE_NONE) {
        return marker_late(argc, argv);
    }
    if (argc < 0 || (argc > 0 && argv == NULL)) {
        return mproc__fail(APR_EINVAL, "mproc_initialize() needs argc and "
                                       "argv of main, or 0 and NULL");
    }
    apr_status_t rv = apr_initialize();
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "APR cannot be initialized: %s",
                           apr_strerror(rv, text, sizeof text));
    }
    mproc__family_main();
    if (argc > 1 && argv[1] != NULL && strcmp(argv[1], MARKER) == 0) {
        child_bootstrap(argc, argv);
    }
    rv = marker_misplaced(argc, argv);
    if (rv == APR_SUCCESS) {
        rv = mproc__shutdown_register();
    }
    if (rv == APR_SUCCESS) {
        mproc__family.argc = argc;
        mproc__family.argv = argv;
        mproc__trace_begin(1, mproc__family.self.name);
        atomic_store(&mproc__family.stage, MPROC__STAGE_READY);
    }
    return rv;
}

const char *const *
mproc_arguments(int *argc)
{
    if (argc != NULL) {
        *argc = mproc__family.argc;
    }
    return mproc__family.argv;
}

/* --------------------------------------------------------------- executable */

static apr_status_t
executable_check(const char *path)
{
    apr_finfo_t info;
    apr_pool_t *pool;
    char text[128];

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        return mproc__fail(APR_ENOMEM,
                           "cannot look at the program \"%s\": "
                           "memory is short",
                           path);
    }
    apr_status_t rv =
        apr_stat(&info, path, APR_FINFO_TYPE | APR_FINFO_PROT, pool);
    if (rv == APR_INCOMPLETE) {
        rv = APR_SUCCESS; /* A system without such rights. */
        info.protection |= APR_FPROT_UEXECUTE;
    }
    if (rv == APR_SUCCESS &&
        (info.filetype != APR_REG ||
         (info.protection & (APR_FPROT_UEXECUTE | APR_FPROT_GEXECUTE |
                             APR_FPROT_WEXECUTE)) == 0)) {
        rv = APR_EACCES;
    }
    apr_pool_destroy(pool);
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv,
                           "cannot start processes with the program "
                           "\"%s\": %s",
                           path, apr_strerror(rv, text, sizeof text));
    }
    return APR_SUCCESS;
}

/* As it is from here: children may run in other directories. */
static apr_status_t
path_whole(const char **path, apr_pool_t **pool)
{
    char text[128];
    char *whole;

    apr_status_t rv = apr_pool_create_unmanaged_ex(pool, NULL, NULL);
    if (rv == APR_SUCCESS) {
        rv = apr_filepath_merge(&whole, NULL, *path, 0, *pool);
    }
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "cannot tell where the program \"%s\" is: %s",
                           *path, apr_strerror(rv, text, sizeof text));
    }
    *path = whole;
    return APR_SUCCESS;
}

apr_status_t
mproc_set_executable(const char *path)
{
    char *copy = NULL;
    apr_pool_t *pool = NULL;
    apr_status_t rv = mproc_initialize(0, NULL);

    if (rv == APR_SUCCESS && path != NULL) {
        rv = executable_check(path);
        if (rv == APR_SUCCESS) {
            rv = path_whole(&path, &pool);
        }
        if (rv == APR_SUCCESS) {
            copy = malloc(strlen(path) + 1);
            rv = copy != NULL ? rv
                              : mproc__fail(APR_ENOMEM,
                                            "cannot keep the path \"%s\": "
                                            "memory is short",
                                            path);
        }
    }
    if (rv == APR_SUCCESS) {
        if (copy != NULL) {
            memcpy(copy, path, strlen(path) + 1);
        }
        mproc__family.executable = copy;
        free(executable_copy);
        executable_copy = copy;
    }
    if (pool != NULL) {
        apr_pool_destroy(pool);
    }
    return rv;
}
