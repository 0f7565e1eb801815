/* test_main.c: how the main process ends, P19 and P32 to P35 of the reference
 * semantics; each in a program of its own. */
#include "kin.h"
#include "program.h"

#include "../../platform/plat_proc.h"

static void
family_start(program_t *program, const char *what, apr_pool_t *pool)
{
    const char *args[] = {what, method_name(), NULL};
    program_start(program, test_program("family_main", pool), args, pool);
}

/* P32: daemons are terminated, the others waited for, the code is main's. */
static void
a_normal_end(apr_pool_t *pool)
{
    program_t program;
    family_start(&program, "end", pool);
    CHECK_INT(7, program_end(&program));
    const char *ends = strstr(program.text, "main ends");
    const char *done = strstr(program.text, "short done");
    CHECK(ends != NULL && done != NULL);
    CHECK(!test_pid_exists(program_number(&program, "daemon=")));
    CHECK(!test_pid_exists(program_number(&program, "other=")));
}

/* P32: a host that has turned it off does not wait; P33: its children end. */
static void
the_host_may_turn_it_off(apr_pool_t *pool)
{
    program_t program;
    apr_time_t begin = mproc_clock();
    family_start(&program, "end_otherwise", pool);
    CHECK_INT(0, program_end(&program));
    CHECK(mproc_clock() - begin < test_deadline());
    CHECK(process_gone(program_number(&program, "second=")));
}

/* P19: a child whose object is gone is waited for. */
static void
dropped_children_are_joined(apr_pool_t *pool)
{
    program_t program;
    family_start(&program, "drop", pool);
    CHECK_INT(0, program_end(&program));
    CHECK(strstr(program.text, "short done") != NULL);
    CHECK(!test_pid_exists(program_number(&program, "other=")));
}

/* Its exit code, when those whom it leaves have ended as they must. */
static int
orphans_end(program_t *program)
{
    apr_int64_t detached = program_number(program, "detached=");
    int code = program_end(program);
    CHECK(process_gone(program_number(program, "daemon=")));
    CHECK(process_gone(program_number(program, "other=")));
    if (detached > 0) {
        CHECK(strstr(program->text, "parent joined=1 alive=0") != NULL);
        CHECK(process_gone(detached));
    }
    return code;
}

/* P33: killed; its children end with it, but for the detached one. */
static void
a_killed_main(apr_pool_t *pool)
{
    program_t program;
    family_start(&program, "linger", pool);
    program_await(&program, "ready");
    test_kill((apr_int64_t)program.proc.pid);
    CHECK_INT(mproc_plat_proc_can_fork() ? -9 : 9, orphans_end(&program));
}

/* P33: crashed. Without signals each C library has its own code for it. */
static void
a_crashed_main(apr_pool_t *pool)
{
    program_t program;
    family_start(&program, "crash", pool);
    int code = orphans_end(&program);
    CHECK(mproc_plat_proc_can_fork() ? code == -6 : code != 0);
}

const test_suite_t suite_main = {
    "main", 1,
    (const test_case_t[]){
        {"a_normal_end", a_normal_end},
        {"the_host_may_turn_it_off", the_host_may_turn_it_off},
        {"dropped_children_are_joined", dropped_children_are_joined},
        {"a_killed_main", a_killed_main},
        {"a_crashed_main", a_crashed_main},
        {NULL, NULL}}};
