/* test_start.c: start methods, and what a child has at its first instruction:
 * CTX1 to CTX19 of the reference semantics. */
#include <stdlib.h>

#include <apr_env.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include "kin.h"
#include "program.h"

#include "../../platform/plat_proc.h"

/* CTX1, CTX3: what works here, the default first; what does not is refused. */
static void
methods(apr_pool_t *pool)
{
    apr_array_header_t *list;
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    int found = 0;
    REQUIRE_STATUS(APR_SUCCESS, mproc_start_methods(&list, pool));
    CHECK_INT(MPROC_START_SPAWN, APR_ARRAY_IDX(list, 0, mproc_start_method_e));
    for (int i = 0; i < list->nelts; i++) {
        found += APR_ARRAY_IDX(list, i, mproc_start_method_e) == test_method();
    }
    CHECK_INT(1, found);
    options.start_method = MPROC_START_FORK;
    CHECK_STATUS(mproc_plat_proc_can_fork() ? APR_SUCCESS : APR_ENOTIMPL,
                 mproc_process_create(&process, nothing, &options, pool, NULL));
    options.start_method = (mproc_start_method_e)77;
    CHECK_STATUS(APR_EINVAL,
                 mproc_process_create(&process, nothing, &options, pool, NULL));
    CHECK(process == NULL);
    CHECK_STATUS(APR_EINVAL,
                 mproc_process_create(&process, NULL, NULL, pool, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_start_methods(NULL, pool));
}

static void
check_family_main(const char *what, apr_pool_t *pool)
{
    const char *args[] = {what, method_name(), NULL};
    program_t program;
    program_start(&program, test_program("family_main", pool), args, pool);
    CHECK_INT(0, program_end(&program));
}

/* CTX4: once. CTX5: a method of one process does not fix it. P3: names. */
static void
the_global_method_is_set_once(apr_pool_t *pool)
{
    check_family_main("methods", pool);
    check_family_main("fixed", pool);
}

static int
check_method(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_t *process;
    int method, depth, code = -1;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "i i", &method, &depth));
    CHILD_CHECK((int)mproc_get_start_method(1) == method);
    CHILD_STATUS(MPROC_ESTATE,
                 mproc_set_start_method((mproc_start_method_e)method));
    if (depth > 0) {
        CHILD_STATUS(APR_SUCCESS,
                     mproc_process_create(&process, check_method, NULL, pool,
                                          "i i", method, depth - 1));
        CHILD_STATUS(APR_SUCCESS, mproc_process_start(process));
        CHILD_STATUS(APR_SUCCESS, mproc_process_join(process, MPROC_FOREVER));
        CHILD_STATUS(APR_SUCCESS, mproc_process_exitcode(process, &code));
        CHILD_CHECK(code == 0);
    }
    return 0;
}

/* CTX6: grandchildren start the same way. */
static void
descendants_have_the_method(apr_pool_t *pool)
{
    mproc_process_t *process;
    START(process, check_method, pool, "i i", (int)test_method(), 2);
    JOIN(process, 0);
}

static int
lock_held(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &lock));
    CHILD_STATUS(APR_TIMEUP, mproc_lock_acquire(lock, MPROC_NOWAIT));
    return 0;
}

/* CTX8: any object goes to any child. CTX13: what is held at a fork is held
 * by the parent. */
static void
what_is_held_stays_the_parents(apr_pool_t *pool)
{
    mproc_process_t *process;
    mproc_lock_t *lock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_NOWAIT));
    START(process, lock_held, pool, "o", lock);
    JOIN(process, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
}

static int
check_directory(mproc_bytes_t args, apr_pool_t *pool)
{
    const char *expected;
    char *directory;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "s", &expected));
    CHILD_STATUS(APR_SUCCESS, apr_filepath_get(&directory, 0, pool));
    CHILD_CHECK(strcmp(directory, expected) == 0);
    return 0;
}

/* CTX14: the caller's at the start, or the one that was asked for. */
static void
directories(apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    const char *temporary;
    char *before, *other;
    REQUIRE_STATUS(APR_SUCCESS, apr_filepath_get(&before, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, apr_temp_dir_get(&temporary, pool));
    START(process, check_directory, pool, "s", before);
    JOIN(process, 0);
    REQUIRE_STATUS(APR_SUCCESS, apr_filepath_set(temporary, pool));
    REQUIRE_STATUS(APR_SUCCESS, apr_filepath_get(&other, 0, pool));
    START(process, check_directory, pool, "s", other);
    JOIN(process, 0);
    REQUIRE_STATUS(APR_SUCCESS, apr_filepath_set(before, pool));
    options.directory = other;
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_process_create(&process, check_directory, &options,
                                        pool, "s", other));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(process));
    JOIN(process, 0);
}

static int
count_handles(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *count;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &count));
    shared_set(count, test_handles());
    return 0;
}

static int
handles_of_a_child(apr_pool_t *pool)
{
    mproc_value_t *count = shared_int(pool);
    mproc_process_t *process;
    START(process, count_handles, pool, "o", count);
    JOIN(process, 0);
    return shared_get(count);
}

/* CTX14, CTX15: descriptors do not grow with siblings, nor come along. */
static void
descriptors(apr_pool_t *pool)
{
    enum {
        SIBLINGS = 5
    };
    mproc_process_t *siblings[SIBLINGS];
    apr_file_t *file;
    const char *name;
    int before = handles_of_a_child(pool);
    for (int i = 0; i < SIBLINGS; i++) {
        START(siblings[i], sleep_long, pool, NULL);
    }
    CHECK_INT(before, handles_of_a_child(pool));
    for (int i = 0; i < SIBLINGS; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_process_stop(siblings[i], test_deadline()));
        CHECK_STATUS(APR_SUCCESS, mproc_process_close(siblings[i]));
    }
    if (test_method() != MPROC_START_FORK) {
        REQUIRE_STATUS(APR_SUCCESS, apr_temp_dir_get(&name, pool));
        char *pattern = apr_pstrcat(pool, name, "/openXXXXXX", NULL);
        REQUIRE_STATUS(APR_SUCCESS, apr_file_mktemp(&file, pattern, 0, pool));
        CHECK_STATUS(APR_SUCCESS, apr_file_inherit_set(file));
        CHECK_INT(before, handles_of_a_child(pool));
        apr_file_close(file);
        apr_file_remove(pattern, pool);
    }
}

static int
read_input(mproc_bytes_t args, apr_pool_t *pool)
{
    const char *expected;
    char text[64] = "";
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "s", &expected));
    if (fgets(text, sizeof text, stdin) == NULL) {
        text[0] = '\0';
    }
    CHILD_CHECK(strcmp(text, expected) == 0);
    CHILD_CHECK(fgetc(stdin) == EOF && feof(stdin));
    return 0;
}

/* CTX16: nothing to read. */
static void
input_is_empty(apr_pool_t *pool)
{
    mproc_process_t *process;
    START(process, read_input, pool, "s", "");
    JOIN(process, 0);
}

/* CTX16: not even what the parent has read ahead. */
static void
read_ahead_is_the_parents(apr_pool_t *pool)
{
    const char *args[] = {"input", method_name(), NULL};
    program_t program;
    program_begin(&program, test_program("family_main", pool), args,
                  "one\ntwo\nthree\n", pool);
    CHECK_INT(0, program_end(&program));
    CHECK(strstr(program.text, "child=0") != NULL);
}

static int
write_output(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    char text[64] = "";
    CHILD_CHECK(fgets(text, sizeof text, stdin) != NULL);
    printf("out %s", text);
    fprintf(stderr, "err %s", text);
    return 0;
}

static apr_file_t *
file_open(const char *name, const char *content, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_off_t begin = 0;
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_file_open(&file, name,
                                 APR_FOPEN_READ | APR_FOPEN_WRITE |
                                     APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE,
                                 APR_FPROT_OS_DEFAULT, pool));
    apr_file_puts(content, file);
    apr_file_seek(file, APR_SET, &begin);
    return file;
}

static void
check_file(apr_file_t *file, const char *expected)
{
    char text[64] = "";
    apr_off_t begin = 0;
    apr_file_seek(file, APR_SET, &begin);
    apr_file_gets(text, sizeof text, file);
    text[strcspn(text, "\r\n")] = '\0';
    CHECK_TEXT(expected, text);
    apr_file_close(file);
}

/* Options for the three streams. */
static void
streams(apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    const char *folder, *names[3];
    REQUIRE_STATUS(APR_SUCCESS, apr_temp_dir_get(&folder, pool));
    for (int i = 0; i < 3; i++) {
        names[i] = apr_psprintf(pool, "%s/stream%d", folder, i);
    }
    options.input = file_open(names[0], "given\n", pool);
    options.output = file_open(names[1], "", pool);
    options.error = file_open(names[2], "", pool);
    MAKE(process, write_output, options, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(process));
    JOIN(process, 0);
    apr_file_close(options.input);
    check_file(options.output, "out given");
    check_file(options.error, "err given");
    for (int i = 0; i < 3; i++) {
        apr_file_remove(names[i], pool);
    }
}

/* CTX17: text in a buffer is printed once; a child's is printed. */
static void
buffers_are_flushed_once(apr_pool_t *pool)
{
    const char *args[] = {"buffer", method_name(), NULL};
    program_t program;
    program_start(&program, test_program("family_main", pool), args, pool);
    CHECK_INT(0, program_end(&program));
    const char *once = strstr(program.text, "once");
    REQUIRE(once != NULL);
    CHECK(strstr(once + 1, "once") == NULL);
    const char *printed = strstr(program.text, "printed");
    REQUIRE(printed != NULL);
    CHECK(strstr(printed + 1, "printed") == NULL);
}

/* CTX17: nothing depends on the streams. */
static void
closed_streams(apr_pool_t *pool)
{
    check_family_main("closed", pool);
}

static int global = 1;

static int
change_global(mproc_bytes_t args, apr_pool_t *pool)
{
    int expected;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "i", &expected));
    CHILD_CHECK(global == expected);
    global = 77;
    return 0;
}

/* CTX18. */
static void
globals(apr_pool_t *pool)
{
    mproc_process_t *process;
    int expected = test_method() == MPROC_START_FORK ? 5 : 1;
    global = 5;
    START(process, change_global, pool, "i", expected);
    JOIN(process, 0);
    CHECK_INT(5, global);
}

static int
check_environment(mproc_bytes_t args, apr_pool_t *pool)
{
    const char *expected, *name;
    char *value = NULL;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "s s", &name, &expected));
    (void)apr_env_get(&value, name, pool);
    CHILD_CHECK(strcmp(value != NULL ? value : "", expected) == 0);
    CHILD_STATUS(APR_SUCCESS, apr_env_set(name, "child's", pool));
    return 0;
}

/* CTX19: a copy, made at the start; CTX15: of the fork server's. */
static void
environment(apr_pool_t *pool)
{
    mproc_process_t *process;
    char *value = NULL;
    REQUIRE_STATUS(APR_SUCCESS, apr_env_set("MPROC_T1", "first", pool));
    START(process, check_environment, pool, "s s", "MPROC_T1", "first");
    JOIN(process, 0);
    REQUIRE_STATUS(APR_SUCCESS, apr_env_set("MPROC_T1", "second", pool));
    START(process, check_environment, pool, "s s", "MPROC_T1",
          test_method() == MPROC_START_FORKSERVER ? "first" : "second");
    JOIN(process, 0);
    REQUIRE_STATUS(APR_SUCCESS, apr_env_get(&value, "MPROC_T1", pool));
    CHECK_TEXT("second", value);
    apr_env_delete("MPROC_T1", pool);
}

static int
check_whole_environment(mproc_bytes_t args, apr_pool_t *pool)
{
    char *value = NULL;
    (void)args;
    CHILD_STATUS(APR_SUCCESS, apr_env_get(&value, "MPROC_T2", pool));
    CHILD_CHECK(strcmp(value, "given") == 0);
    CHILD_CHECK(apr_env_get(&value, "MPROC_T1", pool) != APR_SUCCESS);
    CHILD_STATUS(APR_SUCCESS, apr_env_set("MPROC_T3", "more", pool));
    CHILD_STATUS(APR_SUCCESS, apr_env_get(&value, "MPROC_T3", pool));
    return 0;
}

/* Options: the environment that was given, and no more. */
static void
a_given_environment(apr_pool_t *pool)
{
    const char *own[12] = {"MPROC_T2=given"};
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    char *value;
    int count = 1;
    static const char *const kept[] = {
        "PATH",          "SYSTEMROOT",   "LD_LIBRARY_PATH",  "ASAN_OPTIONS",
        "UBSAN_OPTIONS", "LSAN_OPTIONS", "MPROC_TEST_FACTOR"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (apr_env_get(&value, kept[i], pool) == APR_SUCCESS) {
            own[count++] = apr_pstrcat(pool, kept[i], "=", value, NULL);
        }
    }
    REQUIRE_STATUS(APR_SUCCESS, apr_env_set("MPROC_T1", "not given", pool));
    options.environment = own;
    MAKE(process, check_whole_environment, options, pool);
    own[0] = "MPROC_T2=changed later";
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(process));
    JOIN(process, 0);
    apr_env_delete("MPROC_T1", pool);
}

const test_suite_t suite_start = {
    "start", 1,
    (const test_case_t[]){
        {"methods", methods},
        {"the_global_method_is_set_once", the_global_method_is_set_once},
        {"descendants_have_the_method", descendants_have_the_method},
        {"what_is_held_stays_the_parents", what_is_held_stays_the_parents},
        {"directories", directories},
        {"descriptors", descriptors},
        {"input_is_empty", input_is_empty},
        {"read_ahead_is_the_parents", read_ahead_is_the_parents},
        {"streams", streams},
        {"buffers_are_flushed_once", buffers_are_flushed_once},
        {"closed_streams", closed_streams},
        {"globals", globals},
        {"environment", environment},
        {"a_given_environment", a_given_environment},
        {NULL, NULL}}};
