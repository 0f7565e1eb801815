/* test_process.c: process objects, P1 to P20 of the reference semantics. */
#include <stdlib.h>

#include <apr_file_info.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "kin.h"
#include "program.h"

/* ------------------------------------------------- the object (P1 to P12) */

static int
sum(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_bytes_t bytes;
    int code = 0;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "y", &bytes));
    for (apr_size_t i = 0; i < bytes.size; i++) {
        code += ((const unsigned char *)bytes.data)[i];
    }
    return code;
}

/* P1: what the caller does with its variables after create is of no effect.
 * P2: to run the target here is to call it. */
static void
arguments_are_captured(apr_pool_t *pool)
{
    unsigned char data[3] = {1, 2, 3};
    mproc_bytes_t bytes = {data, sizeof data};
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_create(&process, sum, &options,
                                                     pool, "y", bytes));
    memset(data, 99, sizeof data);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(process));
    JOIN(process, 6);
    mproc_bytes_t args;
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&args, pool, "y", bytes));
    CHECK_INT(297, sum(args, pool));
}

static int
nest_names(mproc_bytes_t args, apr_pool_t *pool)
{
    const char *own = mproc_process_name(mproc_process_current());
    const char *path;
    mproc_process_t *first, *second;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "s", &path));
    CHILD_CHECK(strcmp(own, path) == 0);
    CHILD_STATUS(APR_SUCCESS,
                 mproc_process_create(&first, nothing, NULL, pool, NULL));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_process_create(&second, nothing, NULL, pool, NULL));
    const char *number = strchr(path, '-') + 1;
    CHILD_CHECK(strcmp(mproc_process_name(first),
                       apr_pstrcat(pool, "Process-", number, ":1", NULL)) == 0);
    CHILD_CHECK(strcmp(mproc_process_name(second),
                       apr_pstrcat(pool, "Process-", number, ":2", NULL)) == 0);
    return 0;
}

/* P3: one counter for all that are created, paths of counters, given names,
 * names by method. */
static void
names(apr_pool_t *pool)
{
    static const char *const kind[] = {"", "Fork", "Spawn", "ForkServer"};
    mproc_process_options_t options = {0};
    mproc_process_t *plain, *own, *given;
    int number = 0;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_process_create(&plain, nothing, NULL, pool, NULL));
    CHECK_INT(1, sscanf(mproc_process_name(plain), "Process-%d", &number));
    options.start_method = test_method();
    options.name = "given";
    MAKE(given, nothing, options, pool);
    CHECK_TEXT("given", mproc_process_name(given));
    const char *expected =
        apr_psprintf(pool, "%sProcess-%d", kind[test_method()], number + 2);
    options.name = NULL;
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_create(&own, nest_names, &options,
                                                     pool, "s", expected));
    CHECK_TEXT(expected, mproc_process_name(own));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(own));
    JOIN(own, 0);
    CHECK_TEXT(expected, mproc_process_name(own));
    CHECK_STATUS(APR_SUCCESS, mproc_process_set_name(given, "other"));
    CHECK_TEXT("other", mproc_process_name(given));
    CHECK_STATUS(APR_EINVAL, mproc_process_set_name(given, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_process_set_name(
                                 given, apr_psprintf(pool, "%0300d", 1)));
    CHECK_TEXT("MainProcess", mproc_process_name(mproc_process_current()));
}

static int
check_name(mproc_bytes_t args, apr_pool_t *pool)
{
    const char *name;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "s", &name));
    CHILD_CHECK(strcmp(mproc_process_name(mproc_process_current()), name) == 0);
    return 0;
}

/* P3: a name changed before the start is the one that the child has. */
static void
a_changed_name_travels(apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_process_create(&process, check_name, &options, pool,
                                        "s", "late"));
    CHECK_STATUS(APR_SUCCESS, mproc_process_set_name(process, "late"));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(process));
    JOIN(process, 0);
}

/* P4, P5, P8, P15, P16: before the start, while it runs, after the end,
 * after close. */
static void
a_life(apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    apr_int64_t handle;
    int code;
    MAKE(process, sleep_long, options, pool);
    CHECK_INT(0, mproc_process_pid(process));
    CHECK_INT(0, mproc_process_is_alive(process));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_exitcode(process, &code));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_handle(process, &handle));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_join(process, MPROC_NOWAIT));
    CHECK_DETAIL("has not been started");
    CHECK_STATUS(MPROC_ESTATE, mproc_process_terminate(process));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_kill(process));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_interrupt(process));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(process));
    apr_int64_t pid = mproc_process_pid(process);
    CHECK(pid > 0 && test_pid_exists(pid));
    CHECK_INT(1, mproc_process_is_alive(process));
    CHECK_STATUS(APR_EINPROGRESS, mproc_process_exitcode(process, &code));
    CHECK_STATUS(APR_TIMEUP, mproc_process_join(process, MPROC_NOWAIT));
    CHECK_STATUS(APR_TIMEUP, mproc_process_join(process, 20000));
    apr_status_t has = mproc_process_handle(process, &handle);
    CHECK(has == APR_SUCCESS ? handle != -1 : has == APR_ENOTIMPL);
    CHECK_STATUS(APR_SUCCESS, mproc_process_terminate(process));
    CHECK_STATUS(APR_SUCCESS, mproc_process_join(process, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_join(process, MPROC_NOWAIT));
    CHECK_INT(0, mproc_process_is_alive(process));
    CHECK_INT(pid, mproc_process_pid(process));
    CHECK_STATUS(APR_SUCCESS, mproc_process_exitcode(process, &code));
    CHECK_INT(-15, code);
    CHECK_STATUS(APR_SUCCESS, mproc_process_killed_by(process, &code));
    CHECK_INT(15, code);
    CHECK_STATUS(APR_SUCCESS, mproc_process_terminate(process));
    CHECK_STATUS(APR_SUCCESS, mproc_process_kill(process));
    CHECK_STATUS(APR_SUCCESS, mproc_process_interrupt(process));
    CHECK_STATUS(has, mproc_process_handle(process, &handle));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(process));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(process));
    CHECK_INT(0, mproc_process_pid(process));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_join(process, MPROC_NOWAIT));
    CHECK_DETAIL("closed");
    CHECK_STATUS(MPROC_ESTATE, mproc_process_exitcode(process, &code));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_handle(process, &handle));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_terminate(process));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_start(process));
}

static int
try_to_start(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_t *process;
    (void)args;
    CHILD_CHECK(mproc_process_daemon(mproc_process_current()));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_process_create(&process, nothing, NULL, pool, NULL));
    CHILD_STATUS(MPROC_ESTATE, mproc_process_start(process));
    CHILD_CHECK(strstr(mproc_error_detail(), "daemonic") != NULL);
    return 0;
}

/* P6: daemon; P12: a daemonic process starts none; nobody starts twice. */
static void
daemons(apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    MAKE(process, try_to_start, options, pool);
    CHECK_INT(0, mproc_process_daemon(process));
    CHECK_STATUS(APR_SUCCESS, mproc_process_set_daemon(process, 1));
    CHECK_INT(1, mproc_process_daemon(process));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(process));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_set_daemon(process, 0));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_start(process));
    CHECK_DETAIL("started already");
    JOIN(process, 0);
    CHECK_INT(1, mproc_process_daemon(process));
}

static int
check_key(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_bytes_t key;
    int nested;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "y i", &key, &nested));
    mproc_bytes_t own = mproc_process_authkey(mproc_process_current());
    CHILD_CHECK(own.size == key.size &&
                memcmp(own.data, key.data, key.size) == 0);
    if (nested) {
        mproc_process_t *process;
        int code = -1;
        CHILD_STATUS(APR_SUCCESS,
                     mproc_process_create(&process, check_key, NULL, pool,
                                          "y i", key, 0));
        CHILD_STATUS(APR_SUCCESS, mproc_process_start(process));
        CHILD_STATUS(APR_SUCCESS, mproc_process_join(process, MPROC_FOREVER));
        CHILD_STATUS(APR_SUCCESS, mproc_process_exitcode(process, &code));
        return code;
    }
    return 0;
}

/* P7: 32 bytes, inherited by all descendants, another one before start. */
static void
keys(apr_pool_t *pool)
{
    mproc_bytes_t key = mproc_process_authkey(mproc_process_current());
    mproc_bytes_t other = {"secret", 6};
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    CHECK_INT(32, key.size);
    START(process, check_key, pool, "y i", key, 1);
    CHECK_STATUS(MPROC_ESTATE, mproc_process_set_authkey(process, other));
    JOIN(process, 0);
    CHECK_INT(32, mproc_process_authkey(process).size);
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_process_create(&process, check_key, &options, pool,
                                        "y i", other, 1));
    CHECK_STATUS(APR_SUCCESS, mproc_process_set_authkey(process, other));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(process));
    JOIN(process, 0);
}

static int
leave_orphan(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    mproc_value_t *pid;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &pid));
    options.detached = 1;
    CHILD_STATUS(APR_SUCCESS, mproc_process_create(&process, sleep_long,
                                                   &options, pool, NULL));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(process));
    shared_set(pid, (int)mproc_process_pid(process));
    _Exit(5);
}

/* P9: a grandchild that lives on does not delay join. P27: _Exit(). */
static void
orphans_do_not_delay_join(apr_pool_t *pool)
{
    mproc_value_t *pid = shared_int(pool);
    mproc_process_t *process;
    apr_uint64_t peers;
    start_server(pool);
    peers = count_peers();
    START(process, leave_orphan, pool, "o", pid);
    JOIN(process, 5);
    CHECK(test_pid_exists(shared_get(pid)));
    test_kill(shared_get(pid));
    CHECK(process_gone(shared_get(pid)));
    await_peers(peers);
}

/* P10. */
static void
description(apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    apr_int64_t own = mproc_process_pid(mproc_process_current());
    options.name = "worker";
    options.daemon = 1;
    MAKE(process, sleep_long, options, pool);
    CHECK_TEXT(
        apr_psprintf(pool, "<worker parent=%ld initial daemon>", (long)own),
        mproc_process_describe(process, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(process));
    long pid = (long)mproc_process_pid(process);
    CHECK_TEXT(apr_psprintf(pool, "<worker pid=%ld parent=%ld started daemon>",
                            pid, (long)own),
               mproc_process_describe(process, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_process_terminate(process));
    CHECK_STATUS(APR_SUCCESS, mproc_process_join(process, test_deadline()));
    CHECK_TEXT(apr_psprintf(pool,
                            "<worker pid=%ld parent=%ld stopped "
                            "exitcode=-SIGTERM daemon>",
                            pid, (long)own),
               mproc_process_describe(process, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(process));
    CHECK_TEXT(
        apr_psprintf(pool, "<worker parent=%ld closed daemon>", (long)own),
        mproc_process_describe(process, pool));
    CHECK(strstr(mproc_process_describe(mproc_process_current(), pool),
                 "<MainProcess pid=") != NULL);
}

static mproc_process_t *inherited;

static int
use_inherited(mproc_bytes_t args, apr_pool_t *pool)
{
    int code;
    (void)args;
    if (inherited == NULL) {
        return 0; /* Only a fork has it. */
    }
    CHILD_STATUS(MPROC_ESTATE, mproc_process_join(inherited, MPROC_NOWAIT));
    CHILD_STATUS(MPROC_ESTATE, mproc_process_exitcode(inherited, &code));
    CHILD_STATUS(MPROC_ESTATE, mproc_process_kill(inherited));
    CHILD_STATUS(MPROC_ESTATE, mproc_process_close(inherited));
    CHILD_STATUS(MPROC_ESTATE, mproc_process_start(inherited));
    CHILD_CHECK(!mproc_process_is_alive(inherited));
    CHILD_CHECK(strstr(mproc_process_describe(inherited, pool), "unknown"));
    return 0;
}

/* P11: only the creator may. */
static void
only_the_creator_may(apr_pool_t *pool)
{
    mproc_process_t *process;
    START(inherited, sleep_long, pool, NULL);
    START(process, use_inherited, pool, NULL);
    JOIN(process, 0);
    CHECK_INT(1, mproc_process_is_alive(inherited));
    KILL(inherited);
    inherited = NULL;
}

const test_suite_t suite_process = {
    "process", 1,
    (const test_case_t[]){
        {"arguments_are_captured", arguments_are_captured},
        {"names", names},
        {"a_changed_name_travels", a_changed_name_travels},
        {"a_life", a_life},
        {"daemons", daemons},
        {"keys", keys},
        {"orphans_do_not_delay_join", orphans_do_not_delay_join},
        {"description", description},
        {"only_the_creator_may", only_the_creator_may},
        {NULL, NULL}}};
