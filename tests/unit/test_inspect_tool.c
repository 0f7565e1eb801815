/*
 * test_inspect_tool.c: other trees, looked at by pid: from here, and from the
 * shell by mproc-inspect. They go on unharmed.
 */
#include <apr_user.h>

#include "json.h"
#include "program.h"
#include "script.h"

/* What the tool prints for this; its exit code. */
static int
tool_run(program_t *tool, apr_int64_t pid, const char *option, apr_pool_t *pool)
{
    const char *args[] = {apr_psprintf(pool, "%" APR_INT64_T_FMT, pid), option,
                          NULL};

    program_start(tool, test_inspect(), args, pool);
    return program_end(tool);
}

static void
check_told(const program_t *tool, const char *part)
{
    if (strstr(tool->text, part) == NULL) {
        fprintf(stderr, "%s\nis not in\n%s", part, tool->text);
    }
    CHECK(strstr(tool->text, part) != NULL);
}

static void
hang_begin(program_t *hang, const char *first, const char *second,
           apr_pool_t *pool)
{
    const char *argv[] = {test_program("hang_main", pool), first, second, NULL};
    apr_procattr_t *attributes;

    /* As program_begin(), but its input stays open. */
    memset(hang, 0, sizeof *hang);
    REQUIRE_STATUS(APR_SUCCESS, apr_procattr_create(&attributes, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_procattr_io_set(attributes, APR_FULL_BLOCK,
                                       APR_FULL_BLOCK, APR_FULL_BLOCK));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_procattr_cmdtype_set(attributes, APR_PROGRAM_ENV));
    REQUIRE_STATUS(APR_SUCCESS, apr_proc_create(&hang->proc, argv[0], argv,
                                                NULL, attributes, pool));
    program_await(hang, "ready");
}

static int
hang_end(program_t *hang)
{
    apr_file_close(hang->proc.in);
    return program_end(hang);
}

/* A picture of another tree; ends the case where that cannot be. */
static mproc_inspect_t *
look_at(apr_int64_t pid, program_t *hang, apr_pool_t *pool)
{
    mproc_inspect_t *picture;
    apr_status_t rv = mproc_inspect_take(&picture, pid, pool);

    if (rv == APR_ENOTIMPL) {
        (void)hang_end(hang);
        test_skip("no process sees another's memory here");
    }
    REQUIRE_STATUS(APR_SUCCESS, rv);
    return picture;
}

/* Look until the child of hang_main sleeps at its event. */
static mproc_inspect_t *
await_child(program_t *hang, apr_pool_t *pool)
{
    apr_time_t limit = mproc_clock() + test_deadline();
    apr_int64_t child = program_number(hang, "child=");
    const mproc_inspect_process_t *process;
    mproc_inspect_t *picture;

    do {
        REQUIRE(mproc_clock() < limit);
        picture = look_at(child, hang, pool);
        process = process_seen(picture, child);
    } while (process->thread_count == 0 || process->threads[0].object == NULL ||
             process->threads[0].object->kind != MPROC_KIND_EVENT ||
             process->threads[0].since == 0);
    return picture;
}

static void
check_hang(const mproc_inspect_t *picture, program_t *hang)
{
    apr_int64_t pid = program_number(hang, "child=");
    const mproc_inspect_process_t *child = process_seen(picture, pid);
    const mproc_inspect_process_t *parent =
        process_seen(picture, program_number(hang, "main="));
    int held = 0;

    CHECK_TEXT("MainProcess", parent->name);
    CHECK(strstr(child->name, "Process-") != NULL);
    CHECK(child->parent_pid == parent->pid);
    CHECK(child->life == MPROC_INSPECT_ALIVE);
    CHECK_TEXT("mproc_event_wait", child->threads[0].call);
    for (int i = 0; i < picture->object_count; i++) {
        const mproc_inspect_object_t *object = &picture->objects[i];
        if (object->kind == MPROC_KIND_LOCK && object->value == 1) {
            held++;
            CHECK(object->holders[0].process == child);
        }
    }
    CHECK_INT(1, held);
    CHECK_INT(0, picture->deadlock_count);
}

static void
check_ended(program_t *hang)
{
    CHECK_INT(0, hang_end(hang));
    CHECK_INT(7, program_number(hang, "code="));
    CHECK_INT(1, program_number(hang, "free="));
}

/* Any pid of it will do. */
static void
case_other(apr_pool_t *pool)
{
    mproc_census_t before, after;
    mproc_inspect_t *picture;
    program_t hang, tool;
    char *text;

    mproc_census(&before);
    hang_begin(&hang, method_name(), NULL, pool);
    picture = await_child(&hang, pool);
    check_hang(picture, &hang);
    CHECK(picture->pid == program_number(&hang, "child="));
    check_hang(look_at(program_number(&hang, "main="), &hang, pool), &hang);
    REQUIRE_STATUS(APR_SUCCESS, mproc_inspect_json(&text, picture, pool));
    CHECK(json_is_valid(text));
    CHECK_INT(0, tool_run(&tool, program_number(&hang, "main="), NULL, pool));
    check_told(&tool, "mproc_event_wait, for event ");
    check_told(&tool, ": held by ");
    check_told(&tool, "Memory: ");
    CHECK_INT(0,
              tool_run(&tool, program_number(&hang, "child="), "--json", pool));
    CHECK(json_is_valid(tool.text));
    CHECK_INT(0,
              tool_run(&tool, program_number(&hang, "main="), "--all", pool));
    check_told(&tool, "reference");
    check_ended(&hang);
    mproc_census(&after);
    CHECK(before.total.blocks == after.total.blocks);
    CHECK(before.peers == after.peers);
}

/* Whoever is stopped is asked nothing. */
static void
case_stopped(apr_pool_t *pool)
{
    program_t hang, tool;
    apr_int64_t parent, child;

    hang_begin(&hang, method_name(), NULL, pool);
    (void)await_child(&hang, pool);
    parent = program_number(&hang, "main=");
    child = program_number(&hang, "child=");
    test_stop(parent);
    test_stop(child);
    check_hang(look_at(parent, &hang, pool), &hang);
    check_hang(look_at(child, &hang, pool), &hang);
    CHECK_INT(0, tool_run(&tool, parent, NULL, pool));
    check_told(&tool, "mproc_event_wait, for event ");
    test_continue(child);
    test_continue(parent);
    check_ended(&hang);
}

static void
case_deadlock(apr_pool_t *pool)
{
    apr_time_t limit = mproc_clock() + test_deadline();
    const mproc_deadlock_t *deadlock;
    program_t hang, tool;
    apr_int64_t pid;
    apr_status_t rv;

    hang_begin(&hang, method_name(), "deadlock", pool);
    pid = program_number(&hang, "second=");
    (void)look_at(program_number(&hang, "main="), &hang, pool);
    do {
        REQUIRE(mproc_clock() < limit);
        rv = mproc_deadlock_find(&deadlock, pid, pool);
        /* It may not have come so far. */
        REQUIRE(rv == APR_SUCCESS || rv == APR_NOTFOUND);
    } while (deadlock == NULL);
    CHECK_INT(2, deadlock->member_count);
    CHECK(deadlock->members[0].thread->process->pid == pid ||
          deadlock->members[1].thread->process->pid == pid);
    CHECK_INT(0, tool_run(&tool, pid, NULL, pool));
    CHECK(strncmp(tool.text, "Deadlock: ", 10) == 0);
    check_told(&tool, " wait for each other.");
    CHECK_INT(0, tool_run(&tool, pid, "-j", pool));
    check_told(&tool, "\"deadlocks\": [");
    check_told(&tool, "{\"members\": [{\"pid\": ");
    CHECK(json_is_valid(tool.text));
    CHECK_INT(0, hang_end(&hang));
    check_told(&hang, "ended");
}

/* The same tree, by the pid of one of its other processes. */
static void
case_own_by_pid(apr_pool_t *pool)
{
    script_t script = script_make(new_lock(pool), NULL, NULL, pool);
    mproc_process_t *a = script_start(&script, "0w-0", pool);
    apr_int64_t pid = mproc_process_pid(a);
    mproc_inspect_t *picture;

    await_sleepers(shared_of(script.go), 1);
    REQUIRE_STATUS(APR_SUCCESS, mproc_inspect_take(&picture, pid, pool));
    CHECK(picture->pid == pid);
    CHECK_INT(1, seen(picture, script.object[0])->holder_count);
    mproc_event_set(script.go);
    JOIN(a, 0);
}

static void
case_refused(apr_pool_t *pool)
{
    apr_int64_t self = mproc_process_pid(mproc_process_current()), pid;
    mproc_inspect_t *picture;
    program_t plain, tool;
    apr_status_t rv;

    CHECK(self > 0);
    hang_begin(&plain, "plain", NULL, pool);
    pid = (apr_int64_t)plain.proc.pid;
    rv = mproc_inspect_take(&picture, 0x7ffffffc, pool);
    if (rv == APR_ENOTIMPL) {
        (void)hang_end(&plain);
        test_skip("no process sees another's memory here");
    }
    CHECK_STATUS(APR_EPROC_UNKNOWN, rv);
    CHECK_DETAIL("there is no process 2147483644");
    CHECK(picture == NULL);
    CHECK_INT(1, tool_run(&tool, 0x7ffffffc, NULL, pool));
    check_told(&tool, "there is no process 2147483644");
    CHECK_STATUS(APR_NOTFOUND, mproc_inspect_take(&picture, pid, pool));
    CHECK_DETAIL("uses no mproc");
    CHECK_INT(1, tool_run(&tool, pid, NULL, pool));
    check_told(&tool, "uses no mproc");
    /* Dead, and not waited for yet. */
    test_kill(pid);
    while (test_pid_exists(pid)) {
        apr_thread_yield();
    }
    CHECK_STATUS(APR_EPROC_UNKNOWN, mproc_inspect_take(&picture, pid, pool));
    (void)hang_end(&plain);
}

static int
lives(const mproc_inspect_t *picture, apr_int64_t pid)
{
    for (int i = 0; i < picture->process_count; i++) {
        if (picture->processes[i].pid == pid) {
            return picture->processes[i].life == MPROC_INSPECT_ALIVE;
        }
    }
    return 0;
}

/* A child of hang_main was killed; the tree is looked at by its main. */
static void
case_killed(apr_pool_t *pool)
{
    apr_time_t limit = mproc_clock() + test_deadline();
    program_t hang, tool;
    mproc_inspect_t *picture;
    apr_int64_t parent, child;

    hang_begin(&hang, method_name(), NULL, pool);
    (void)await_child(&hang, pool);
    parent = program_number(&hang, "main=");
    child = program_number(&hang, "child=");
    test_kill(child);
    while (test_pid_exists(child)) {
        apr_thread_yield();
    }
    CHECK_STATUS(APR_EPROC_UNKNOWN, mproc_inspect_take(&picture, child, pool));
    do {
        REQUIRE(mproc_clock() < limit);
        picture = look_at(parent, &hang, pool);
    } while (lives(picture, child)); /* One of its threads may linger. */
    CHECK(lives(picture, parent));
    CHECK_INT(0, tool_run(&tool, parent, NULL, pool));
    CHECK_INT(0, hang_end(&hang));
    /* It held a lock when it was killed. */
    CHECK(program_number(&hang, "code=") != 7);
}

static void
case_usage(apr_pool_t *pool)
{
    static const char *const wrong[][4] = {
        {NULL},        {"0", NULL},      {"-5", NULL},
        {"12x", NULL}, {"1", "2", NULL}, {"1", "--what", NULL}};
    static const char *const right[] = {"--help", "-h", "--version", "-V"};
    program_t tool;
    size_t i;

    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        program_start(&tool, test_inspect(), wrong[i], pool);
        CHECK_INT(2, program_end(&tool));
        check_told(&tool, "mproc-inspect");
    }
    for (i = 0; i < sizeof right / sizeof *right; i++) {
        const char *args[] = {right[i], NULL};
        program_start(&tool, test_inspect(), args, pool);
        CHECK_INT(0, program_end(&tool));
        check_told(&tool, i < 2 ? "Exit status" : MPROC_VERSION_STRING);
    }
}

/* Only root can run somebody else's program. */
static void
case_other_user(apr_pool_t *pool)
{
    apr_int64_t self = mproc_process_pid(mproc_process_current());
    const char *argv[] = {test_inspect(),
                          apr_psprintf(pool, "%" APR_INT64_T_FMT, self), NULL};
    apr_procattr_t *attributes;
    program_t tool;
    int code;

    memset(&tool, 0, sizeof tool);
    REQUIRE_STATUS(APR_SUCCESS, apr_procattr_create(&attributes, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_procattr_io_set(attributes, APR_FULL_BLOCK,
                                       APR_FULL_BLOCK, APR_FULL_BLOCK));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_procattr_cmdtype_set(attributes, APR_PROGRAM_ENV));
    if (apr_procattr_user_set(attributes, "nobody", NULL) != APR_SUCCESS ||
        apr_proc_create(&tool.proc, argv[0], argv, NULL, attributes, pool) !=
            APR_SUCCESS) {
        test_skip("this user cannot start a program as another");
    }
    apr_file_close(tool.proc.in);
    code = program_end(&tool);
    if (code == 255) {
        test_skip("this user cannot start a program as another");
    }
    CHECK_INT(1, code);
    check_told(&tool, "may not be looked at");
}

static const test_case_t cases[] = {{"other", case_other},
                                    {"stopped", case_stopped},
                                    {"deadlock", case_deadlock},
                                    {"own_by_pid", case_own_by_pid},
                                    {"refused", case_refused},
                                    {"killed", case_killed},
                                    {"usage", case_usage},
                                    {"other_user", case_other_user},
                                    {NULL, NULL}};

const test_suite_t suite_inspect_tool = {"inspect_tool", 1, cases};
