/*
 * family_main.c: a main process that ends in the way that it is told to.
 *
 *   family_main WHAT METHOD
 *
 * It prints "KEY=NUMBER" lines for the test that reads them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>

#include <mproc.h>

static apr_pool_t *pool;
static mproc_start_method_e method;

static int
sleep_long(mproc_bytes_t args, apr_pool_t *unused)
{
    (void)args;
    (void)unused;
    apr_sleep(apr_time_from_sec(60));
    return 0;
}

static int
sleep_short(mproc_bytes_t args, apr_pool_t *unused)
{
    (void)args;
    (void)unused;
    apr_sleep(apr_time_from_msec(200));
    puts("short done");
    return 0;
}

static int
print(mproc_bytes_t args, apr_pool_t *unused)
{
    const char *text;
    if (mproc_unpack(args, unused, "s", &text) != APR_SUCCESS) {
        return 1;
    }
    printf("%s", text);
    return 0;
}

/* Lives on; tells what it sees of its parent. */
static int
orphan(mproc_bytes_t args, apr_pool_t *unused)
{
    mproc_process_t *parent = mproc_process_parent();
    (void)args;
    (void)unused;
    apr_status_t rv = mproc_process_join(parent, apr_time_from_sec(30));
    printf("parent joined=%d alive=%d\n", rv == APR_SUCCESS,
           mproc_process_is_alive(parent));
    fflush(stdout);
    return 0;
}

static mproc_process_t *
start(mproc_target_fn_t target, const char *key, int daemon, int detached)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    options.start_method = method;
    options.daemon = daemon;
    options.detached = detached;
    if (mproc_process_create(&process, target, &options, pool, "s",
                             "printed\n") != APR_SUCCESS ||
        mproc_process_start(process) != APR_SUCCESS) {
        fprintf(stderr, "%s\n", mproc_error_detail());
        exit(90);
    }
    printf("%s=%ld\n", key, (long)mproc_process_pid(process));
    fflush(stdout);
    return process;
}

/* P32: daemons are ended, the others waited for; the code is main's own. */
static int
end(void)
{
    start(sleep_long, "daemon", 1, 0);
    start(sleep_short, "other", 0, 0);
    puts("main ends");
    return 7;
}

/* P32: the host has its own way. */
static int
end_otherwise(void)
{
    mproc_process_t *process = start(sleep_long, "other", 0, 0);
    mproc_shutdown_at_exit(0);
    mproc_process_kill(process);
    mproc_process_join(process, MPROC_FOREVER);
    start(sleep_long, "second", 0, 0);
    return 0;
}

/* P19: the object is gone, the process is not, and is waited for. */
static int
drop(void)
{
    apr_pool_t *whole = pool;
    apr_pool_create(&pool, whole);
    start(sleep_short, "other", 0, 0);
    apr_pool_destroy(pool);
    pool = whole;
    puts("main ends");
    return 0;
}

/* P33: until it is killed. */
static int
linger(void)
{
    start(sleep_long, "daemon", 1, 0);
    start(sleep_long, "other", 0, 0);
    start(orphan, "detached", 0, 1);
    puts("ready");
    fflush(stdout);
    apr_sleep(apr_time_from_sec(60));
    return 0;
}

static int
crash(void)
{
    start(sleep_long, "daemon", 1, 0);
    start(sleep_long, "other", 0, 0);
    abort();
}

/* CTX17: what lies in the buffer is printed once. */
static int
buffer(void)
{
    setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
    printf("once\n");
    mproc_process_join(start(print, "pid", 0, 0), MPROC_FOREVER);
    return 0;
}

/* CTX17: without streams. */
static int
closed(void)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    int code = -1;
    fclose(stdin);
    fclose(stdout);
    fclose(stderr);
    options.start_method = method;
    if (mproc_process_create(&process, print, &options, pool, "s", "lost") !=
            APR_SUCCESS ||
        mproc_process_start(process) != APR_SUCCESS ||
        mproc_process_join(process, MPROC_FOREVER) != APR_SUCCESS ||
        mproc_process_exitcode(process, &code) != APR_SUCCESS) {
        return 91;
    }
    return code;
}

/* CTX4, CTX5. */
static int
methods(void)
{
    mproc_process_t *process;
    if (mproc_get_start_method(1) != MPROC_START_DEFAULT) {
        return 80;
    }
    mproc_process_join(start(print, "pid", 0, 0), MPROC_FOREVER);
    if (mproc_get_start_method(1) != MPROC_START_DEFAULT) {
        return 81; /* A method of one process has fixed the global one. */
    }
    if (mproc_set_start_method((mproc_start_method_e)9) != APR_EINVAL ||
        mproc_get_start_method(1) != MPROC_START_DEFAULT) {
        return 82;
    }
    if (mproc_set_start_method(method) != APR_SUCCESS ||
        mproc_get_start_method(1) != method) {
        return 83;
    }
    if (mproc_set_start_method(method) != MPROC_ESTATE) {
        return 84;
    }
    method = MPROC_START_DEFAULT;
    process = start(print, "pid", 0, 0);
    mproc_process_join(process, MPROC_FOREVER);
    return strcmp(mproc_process_name(process), "Process-2") != 0 ? 85 : 0;
}

/* CTX4: the first start by the default fixes it. */
static int
fixed(void)
{
    method = MPROC_START_DEFAULT;
    mproc_process_join(start(print, "pid", 0, 0), MPROC_FOREVER);
    return mproc_get_start_method(1) == MPROC_START_SPAWN &&
                   mproc_set_start_method(MPROC_START_SPAWN) == MPROC_ESTATE
               ? 0
               : 86;
}

static int
fail(mproc_bytes_t args, apr_pool_t *unused)
{
    (void)args;
    (void)unused;
    return 17;
}

/* CTX24: a preload that fails, and a warning is wanted. */
static int
warn(void)
{
    int code = -1;
    method = MPROC_START_FORKSERVER;
    if (mproc_set_forkserver_preload(fail, MPROC_PRELOAD_WARN, NULL, NULL) !=
        APR_SUCCESS) {
        return 87;
    }
    mproc_process_t *process = start(print, "pid", 0, 0);
    mproc_process_join(process, MPROC_FOREVER);
    mproc_process_exitcode(process, &code);
    return code;
}

/* CTX16: what the parent has read ahead is not the child's. */
static int
read_line(mproc_bytes_t args, apr_pool_t *unused)
{
    char line[64];
    (void)args;
    (void)unused;
    return fgets(line, sizeof line, stdin) != NULL;
}

static int
input(void)
{
    char line[64];
    int code = -1;
    if (fgets(line, sizeof line, stdin) == NULL) {
        return 88;
    }
    mproc_process_t *process = start(read_line, "pid", 0, 0);
    mproc_process_join(process, MPROC_FOREVER);
    mproc_process_exitcode(process, &code);
    printf("child=%d\n", code);
    return fgets(line, sizeof line, stdin) == NULL ? 89 : code;
}

typedef struct way_t {
    const char *name;
    int (*run)(void);
} way_t;

static const way_t ways[] = {
    {"end", end},       {"end_otherwise", end_otherwise},
    {"drop", drop},     {"linger", linger},
    {"crash", crash},   {"buffer", buffer},
    {"closed", closed}, {"methods", methods},
    {"fixed", fixed},   {"warn", warn},
    {"input", input},
};

int
main(int argc, const char *const *argv)
{
    static const char *const names[] = {"default", "fork", "spawn",
                                        "forkserver"};
    if (mproc_initialize(argc, argv) != APR_SUCCESS || argc < 3) {
        return 92;
    }
    apr_pool_create(&pool, NULL);
    for (int i = 0; i < 4; i++) {
        if (strcmp(argv[2], names[i]) == 0) {
            method = (mproc_start_method_e)i;
        }
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (strcmp(argv[1], ways[i].name) == 0) {
            return ways[i].run();
        }
    }
    return 93;
}
