/* test_spawn.c: what can be run, and re-entry: CTX20 to CTX23 of the
 * reference semantics. */
#include <apr_dso.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include "kin.h"
#include "program.h"

#include "../../platform/plat_proc.h"

/* ------------------------------------------------------------ the marker */

static void
check_refused(const char *spec, int code, const char *sentence,
              apr_pool_t *pool)
{
    const char *args[] = {"--mproc-child", spec, NULL};
    program_t program;
    program_start(&program, test_program("family_main", pool), args, pool);
    int ended = program_end(&program);
    CHECK(ended == code || (code == 0 && (ended == 2 || ended == 120)));
    if (strstr(program.text, sentence) == NULL) {
        CHECK_TEXT(sentence, program.text);
    }
}

/* CTX22: somebody types the marker; nothing that follows it does harm. */
static void
garbage_after_the_marker(apr_pool_t *pool)
{
    static const char *const specs[] = {
        NULL,
        "",
        "x",
        "arena=",
        "arena=3",
        "arena=3,size=4096",
        "arena=-1,size=4096,parent=1:4,record=7",
        "arena=3,size=99999999999999999999999,parent=1:4,record=7",
        "arena=3,size=4096,parent=1:4,record=7,more=8",
        "arena=3, size=4096,parent=1:4,record=7",
        "arena=3,size=0,parent=1:4,record=7",
        "arena=99999999999,size=4096,parent=1:4,record=7",
        "arena=3,size=4096,parent=0:4,record=7"};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        check_refused(specs[i], 2, "for processes that mproc starts", pool);
    }
}

static void
handles_that_are_none(apr_pool_t *pool)
{
    static const char *const specs[] = {
        "arena=0,size=65536,parent=1:0,record=7",
        "arena=1,size=1073741824,parent=1:1,record=7",
        "arena=77,size=68719476736,parent=1:78,record=4294967297"};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        check_refused(specs[i], 0, "cannot start: ", pool);
    }
}

static int
check_arguments(mproc_bytes_t args, apr_pool_t *pool)
{
    const char *last;
    int expected, argc;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "i s", &expected, &last));
    const char *const *argv = mproc_arguments(&argc);
    CHILD_CHECK(argc == expected);
    CHILD_CHECK(argv[argc] == NULL);
    CHILD_CHECK(strcmp(argv[argc - 1], last) == 0);
    for (int i = 0; i < argc; i++) {
        CHILD_CHECK(strstr(argv[i], "--mproc") == NULL);
    }
    return 0;
}

/* CTX14, CTX22: the program's arguments, without the marker. */
static void
arguments_of_the_program(apr_pool_t *pool)
{
    mproc_process_t *process;
    int argc;
    const char *const *argv = mproc_arguments(&argc);
    START(process, check_arguments, pool, "i s", argc, argv[argc - 1]);
    JOIN(process, 0);
}

/* ------------------------------------------------------------- the guard */

static int
lines_count(const char *text, const char *line)
{
    int count = 0;
    while ((text = strstr(text, line)) != NULL) {
        count++;
        text++;
    }
    return count;
}

static void
check_guard(const char *what, int runs, const char *sentence, apr_pool_t *pool)
{
    const char *args[] = {what, NULL};
    program_t program;
    program_start(&program, test_program("guard_main", pool), args, pool);
    CHECK_INT(0, program_end(&program));
    CHECK_INT(runs, lines_count(program.text, "main runs"));
    CHECK(strstr(program.text, "EBOOTSTRAP") != NULL);
    if (strstr(program.text, sentence) == NULL) {
        CHECK_TEXT(sentence, program.text);
    }
}

/* CTX21: main forgets the call: the first start is refused. */
static void
a_forgotten_initialize(apr_pool_t *pool)
{
    check_guard("forget", 1, "mproc_initialize(argc, argv);", pool);
}

/* The call without arguments could not know a child as one. */
static void
an_initialize_without_arguments(apr_pool_t *pool)
{
    check_guard("zero", 1, "mproc_initialize(argc, argv)", pool);
}

/* The call with others than main's: the child sees it, and is the last. */
static void
an_initialize_with_other_arguments(apr_pool_t *pool)
{
    check_guard("shift", 2, "EBOOTSTRAP", pool);
}

/* ------------------------------------------------------- the executable */

/* CTX23: a program that is not there, or goes later. */
static void
a_missing_program(apr_pool_t *pool)
{
    const char *folder, *copy;
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    REQUIRE_STATUS(APR_SUCCESS, apr_temp_dir_get(&folder, pool));
    copy = apr_pstrcat(pool, folder, "/launcher", NULL);
    CHECK(APR_STATUS_IS_ENOENT(mproc_set_executable(copy)));
    CHECK_DETAIL(copy);
    CHECK(mproc_set_executable(folder) != APR_SUCCESS);
    REQUIRE_STATUS(
        APR_SUCCESS,
        apr_file_copy(test_host(), copy, APR_FPROT_FILE_SOURCE_PERMS, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_set_executable(copy));
    apr_file_remove(copy, pool);
    options.start_method = MPROC_START_SPAWN;
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_create(&process, nothing,
                                                     &options, pool, NULL));
    CHECK(APR_STATUS_IS_ENOENT(mproc_process_start(process)));
    CHECK_DETAIL(copy);
    CHECK_STATUS(APR_SUCCESS, mproc_set_executable(NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_process_start(process));
    JOIN(process, 0);
}

/* The launcher has no function of this program: refused before it runs. */
static void
a_program_without_the_target(apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    options.start_method = MPROC_START_SPAWN;
    REQUIRE_STATUS(APR_SUCCESS, mproc_set_executable(test_host()));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_create(&process, nothing,
                                                     &options, pool, NULL));
    CHECK_STATUS(MPROC_EMODULE, mproc_process_start(process));
    CHECK_DETAIL("put it into a library");
    CHECK_STATUS(APR_SUCCESS, mproc_set_executable(NULL));
}

/* The launcher alone. */
static void
the_launcher_by_hand(apr_pool_t *pool)
{
    static const char *const none[] = {NULL};
    program_t program;
    program_start(&program, test_host(), none, pool);
    CHECK_INT(2, program_end(&program));
    CHECK(strstr(program.text, "mproc_set_executable") != NULL);
}

/* A plug-in in a program that knows nothing of us, by every method, and its
 * child's child. */
static void
a_plugin_in_a_foreign_program(apr_pool_t *pool)
{
    const char *args[] = {test_module("plugin_module", pool), test_host(),
                          NULL};
    program_t program;
    if (!mproc_plat_proc_can_fork()) {
        test_skip("the library cannot be shared by program and plug-in here");
    }
    program_start(&program, test_program("foreign_host", pool), args, pool);
    int code = program_end(&program);
    CHECK_INT(42, code);
    if (code != 42) {
        CHECK_TEXT("", program.text);
    }
}

/* ------------------------------------------------------------- the module */

static mproc_target_fn_t
module_target(const char *path, apr_dso_handle_t **module, apr_pool_t *pool)
{
    apr_dso_handle_sym_t symbol;
    mproc_target_fn_t target;
    REQUIRE_STATUS(APR_SUCCESS, apr_dso_load(module, path, pool));
    REQUIRE_STATUS(APR_SUCCESS, apr_dso_sym(&symbol, *module, "plugin_target"));
    memcpy(&target, &symbol, sizeof target);
    return target;
}

/* CTX20: a function of a module; then its file is replaced, or removed. */
static void
a_module_that_changes(apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process, *second;
    apr_dso_handle_t *module;
    const char *folder, *copy, *fresh, *old;
    options.start_method = MPROC_START_SPAWN;
    REQUIRE_STATUS(APR_SUCCESS, apr_temp_dir_get(&folder, pool));
    copy = apr_pstrcat(pool, folder, "/copy.so", NULL);
    fresh = apr_pstrcat(pool, folder, "/fresh.so", NULL);
    old = apr_pstrcat(pool, folder, "/old.so", NULL);
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_file_copy(test_module("other_module", pool), copy,
                                 APR_FPROT_FILE_SOURCE_PERMS, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_file_copy(test_module("plugin_module", pool), fresh,
                                 APR_FPROT_FILE_SOURCE_PERMS, pool));
    mproc_target_fn_t target = module_target(copy, &module, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_create(&process, target, &options,
                                                     pool, "i i", 1, 2));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(process));
    JOIN(process, 13);
    /* One in use can be renamed everywhere, and overwritten not. */
    REQUIRE_STATUS(APR_SUCCESS, apr_file_rename(copy, old, pool));
    REQUIRE_STATUS(APR_SUCCESS, apr_file_rename(fresh, copy, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_create(&process, target, &options,
                                                     pool, "i i", 1, 2));
    CHECK_STATUS(MPROC_EMODULE, mproc_process_start(process));
    CHECK_DETAIL("another one now");
    apr_file_remove(copy, pool);
    CHECK_STATUS(MPROC_EMODULE, mproc_process_start(process));
    if (mproc_plat_proc_can_fork()) { /* Has it in memory. */
        options.start_method = MPROC_START_FORK;
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_process_create(&second, target, &options, pool, "i i", 2, 2));
        CHECK_STATUS(APR_SUCCESS, mproc_process_start(second));
        JOIN(second, 13);
    }
    apr_dso_unload(module);
    CHECK_STATUS(APR_SUCCESS, apr_file_remove(old, pool));
}

/* CTX20: not a function at all. */
static void
a_target_in_no_module(apr_pool_t *pool)
{
    mproc_process_t *process;
    char *heap = apr_pcalloc(pool, 64);
    mproc_target_fn_t target;
    memcpy(&target, &heap, sizeof target);
    CHECK_STATUS(MPROC_EMODULE,
                 mproc_process_create(&process, target, NULL, pool, NULL));
    CHECK(process == NULL);
}

const test_suite_t suite_spawn = {
    "spawn", 0,
    (const test_case_t[]){
        {"garbage_after_the_marker", garbage_after_the_marker},
        {"handles_that_are_none", handles_that_are_none},
        {"arguments_of_the_program", arguments_of_the_program},
        {"a_forgotten_initialize", a_forgotten_initialize},
        {"an_initialize_without_arguments", an_initialize_without_arguments},
        {"an_initialize_with_other_arguments",
         an_initialize_with_other_arguments},
        {"a_missing_program", a_missing_program},
        {"a_program_without_the_target", a_program_without_the_target},
        {"the_launcher_by_hand", the_launcher_by_hand},
        {"a_plugin_in_a_foreign_program", a_plugin_in_a_foreign_program},
        {"a_module_that_changes", a_module_that_changes},
        {"a_target_in_no_module", a_target_in_no_module},
        {NULL, NULL}}};
