/*
 * shm_main.c: the main process of another tree, which uses a named block and
 * ends in the way that it is told to.
 *
 *   shm_main WHAT METHOD NAME
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mproc.h>

static apr_pool_t *pool;
static mproc_start_method_e method;

static int
failed(const char *what)
{
    printf("%s: %s\n", what, mproc_error_detail());
    return 1;
}

static int
create(const char *name)
{
    mproc_shm_t *shm;
    if (mproc_shm_create(&shm, name, 5000, NULL) != APR_SUCCESS) {
        return failed("create");
    }
    strcpy(mproc_shm_data(shm), "hello");
    return 0;
}

static int
attach(const char *name)
{
    mproc_shm_t *shm;
    if (mproc_shm_attach(&shm, name, NULL) != APR_SUCCESS ||
        strcmp(mproc_shm_data(shm), "hello") != 0) {
        return failed("attach");
    }
    strcpy((char *)mproc_shm_data(shm) + 8, "seen");
    return 0;
}

static int
child_creates(mproc_bytes_t args, apr_pool_t *unused)
{
    const char *name;
    int dies;
    if (mproc_unpack(args, unused, "si", &name, &dies) != APR_SUCCESS ||
        create(name) != 0) {
        return 1;
    }
    if (dies) {
        abort();
    }
    return 0;
}

static int
child_stays(mproc_bytes_t args, apr_pool_t *unused)
{
    mproc_event_t *ready;
    if (mproc_unpack(args, unused, "o", &ready) == APR_SUCCESS) {
        mproc_event_set(ready);
    }
    apr_sleep(apr_time_from_sec(60));
    return 0;
}

static mproc_process_t *
start(mproc_target_fn_t target, const char *name, int number,
      mproc_event_t *event)
{
    mproc_process_options_t options = {0};
    mproc_process_t *child;
    apr_status_t rv;
    options.start_method = method;
    rv = event == NULL
             ? mproc_process_create(&child, target, &options, pool, "si", name,
                                    number)
             : mproc_process_create(&child, target, &options, pool, "o", event);
    if (rv != APR_SUCCESS || mproc_process_start(child) != APR_SUCCESS) {
        exit(failed("start"));
    }
    return child;
}

/* A child makes it and ends, or dies; it is there until the tree's end. */
static int
by_child(const char *name, int dies)
{
    mproc_process_t *child = start(child_creates, name, dies, NULL);
    int code = 0;
    mproc_process_join(child, MPROC_FOREVER);
    mproc_process_exitcode(child, &code);
    if (dies ? code == 0 : code != 0) {
        return failed("child");
    }
    return attach(name);
}

/* Dies before its child, who is told by its death. */
static int
parent_dies(const char *name)
{
    mproc_event_t *ready;
    if (create(name) != 0 || mproc_event_create(&ready, pool) != APR_SUCCESS) {
        return 1;
    }
    start(child_stays, NULL, 0, ready);
    start(child_stays, NULL, 0, ready);
    if (mproc_event_wait(ready, apr_time_from_sec(30)) != APR_SUCCESS) {
        return failed("wait");
    }
    abort();
}

int
main(int argc, const char *const *argv)
{
    static const char *const names[] = {"default", "fork", "spawn",
                                        "forkserver"};
    int i, code = 2;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    if (argc != 4) {
        return 2;
    }
    for (i = 0; i < 4; i++) {
        if (strcmp(argv[2], names[i]) == 0) {
            method = (mproc_start_method_e)i;
        }
    }
    if (strcmp(argv[1], "attach") == 0) {
        return attach(argv[3]);
    }
    if (strcmp(argv[1], "leave") == 0) {
        return create(argv[3]);
    }
    if (strcmp(argv[1], "child_ends") == 0) {
        return by_child(argv[3], 0);
    }
    if (strcmp(argv[1], "child_dies") == 0) {
        return by_child(argv[3], 1);
    }
    if (strcmp(argv[1], "parent_dies") == 0) {
        return parent_dies(argv[3]);
    }
    if (strcmp(argv[1], "attach_dies") == 0) {
        code = attach(argv[3]);
    }
    if (strcmp(argv[1], "leave_dies") == 0) {
        code = create(argv[3]);
    }
    if (code == 0) {
        abort();
    }
    return code;
}
