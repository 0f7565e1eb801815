/* test_plat_proc.c: the contract of processes. */
#include "child.h"

#include <apr_env.h>
#include <apr_file_info.h>
#include <apr_strings.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
child_plat_exit(int argc, const char *const *argv)
{
    return argc > 0 ? atoi(argv[0]) : 0;
}

int
child_plat_die(int argc, const char *const *argv)
{
    (void)argc;
    (void)argv;
    mproc_plat_proc_die();
    return 0;
}

/* Tell that it runs, and wait to be ended. */
int
child_plat_idle(int argc, const char *const *argv)
{
    stage_t stage;

    if (argc < STAGE_ARGUMENTS || !stage_attach(&stage, argv)) {
        return 1;
    }
    mproc_plat_park_wake(&stage.shared->test);
    (void)mproc_plat_park_wait(&stage.shared->child,
                               mproc_plat_clock() + CHILD_LIMIT);
    return 5;
}

static void
idle_start(mproc_plat_proc_t *proc, const stage_t *stage, apr_pool_t *pool)
{
    REQUIRE_STATUS(APR_SUCCESS, stage_spawn(proc, stage, pool, "plat_idle",
                                            NULL, NULL, NULL));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_park_wait(&stage->shared->test, deadline_far()));
}

static void
case_exit_codes(apr_pool_t *pool)
{
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t proc;

    for (int code = 0; code < 256; code += code < 4 || code > 251 ? 1 : 31) {
        child_describe(&spawn, pool, "plat_exit", number_text(code, pool), NULL,
                       NULL);
        REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_spawn(&proc, &spawn, pool));
        CHECK(proc.pid > 0 && proc.pid != mproc_plat_pid());
        CHECK_INT(1, proc.child);
        CHECK_INT(code, child_join(&proc));
        CHECK_INT(-1, proc.handle);
    }
}

static void
case_wait(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    mproc_plat_exit_t how;
    stage_t stage;

    stage_open(&stage);
    idle_start(&proc, &stage, pool);
    CHECK_STATUS(APR_TIMEUP, mproc_plat_proc_wait(&proc, 0, &how));
    for (apr_time_t span = 1; span < 100000; span *= 7) {
        apr_time_t deadline = mproc_plat_clock() + span;
        CHECK_STATUS(APR_TIMEUP, mproc_plat_proc_wait(&proc, deadline, &how));
        CHECK(mproc_plat_clock() >= deadline);
    }
    mproc_plat_park_wake(&stage.shared->child);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_proc_wait(&proc, MPROC_PLAT_NEVER, &how));
    CHECK_INT(1, how.known);
    CHECK_INT(5, how.code);
    CHECK_INT(0, how.signal);
    /* Ended stays ended, and a signal to it hits nobody. */
    CHECK_STATUS(APR_SUCCESS, mproc_plat_proc_wait(&proc, 0, &how));
    CHECK_STATUS(APR_SUCCESS, mproc_plat_proc_signal(&proc, MPROC_PLAT_KILL));
    mproc_plat_proc_release(&proc);
    stage_close(&stage);
}

static void
case_signals(apr_pool_t *pool)
{
    static const struct {
        mproc_plat_signal_e what;
        int number;
    } signals[] = {{MPROC_PLAT_TERMINATE, 15}, {MPROC_PLAT_KILL, 9}};
    mproc_plat_proc_t proc;
    mproc_plat_exit_t how;
    stage_t stage;

    stage_open(&stage);
    for (int i = 0; i < 2; i++) {
        idle_start(&proc, &stage, pool);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_plat_proc_signal(&proc, signals[i].what));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_plat_proc_wait(&proc, deadline_far(), &how));
        CHECK_INT(1, how.known);
        CHECK(how.signal == signals[i].number || how.signal == 15);
        CHECK_INT(-how.signal, how.code);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_plat_proc_signal(&proc, signals[i].what));
        mproc_plat_proc_release(&proc);
    }
    stage_close(&stage);
}

static void
case_stopped(apr_pool_t *pool)
{
    apr_time_t deadline = deadline_far();
    mproc_plat_proc_t proc;
    stage_t stage;

    if (!mproc_plat_proc_can_fork()) {
        test_skip("this system has no stopped processes");
    }
    stage_open(&stage);
    idle_start(&proc, &stage, pool);
    CHECK_INT(0, mproc_plat_proc_is_stopped(&proc));
    test_stop(proc.pid);
    while (!mproc_plat_proc_is_stopped(&proc)) {
        REQUIRE(mproc_plat_clock() < deadline);
    }
    CHECK_INT(1, mproc_plat_proc_is_stopped(&proc)); /* Nothing is used up. */
    test_continue(proc.pid);
    while (mproc_plat_proc_is_stopped(&proc)) {
        REQUIRE(mproc_plat_clock() < deadline);
    }
    mproc_plat_park_wake(&stage.shared->child);
    CHECK_INT(5, child_join(&proc));
    stage_close(&stage);
}

static void
case_die(apr_pool_t *pool)
{
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t proc;

    child_describe(&spawn, pool, "plat_die", NULL, NULL, NULL);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_spawn(&proc, &spawn, pool));
    CHECK(child_join(&proc) < 0);
}

static void
case_missing(apr_pool_t *pool)
{
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t proc;

    child_describe(&spawn, pool, "plat_exit", "0", NULL, NULL);
    spawn.program = "/no/such/folder/program";
    apr_status_t rv = mproc_plat_proc_spawn(&proc, &spawn, pool);
    CHECK(APR_STATUS_IS_ENOENT(rv) || APR_STATUS_IS_ENOTDIR(rv));
    CHECK_INT(-1, proc.handle);
    spawn.program = NULL;
    spawn.directory = "/no/such/folder";
    rv = mproc_plat_proc_spawn(&proc, &spawn, pool);
    CHECK(APR_STATUS_IS_ENOENT(rv) || APR_STATUS_IS_ENOTDIR(rv));
    CHECK_INT(-1, proc.handle);
    spawn.directory = NULL;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_spawn(&proc, &spawn, pool));
    CHECK_INT(0, child_join(&proc));
}

/* Write where it is and what the variable says into the shared memory. */
int
child_plat_place(int argc, const char *const *argv)
{
    stage_t stage;
    apr_pool_t *pool;
    char *folder;
    char *value = NULL;

    if (argc < STAGE_ARGUMENTS || !stage_attach(&stage, argv) ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        apr_filepath_get(&folder, 0, pool) != APR_SUCCESS) {
        return 1;
    }
    (void)apr_env_get(&value, "MPROC_TEST_PLACE", pool);
    apr_cpystrn(stage.shared->text,
                apr_pstrcat(pool, folder, "|", value ? value : "(none)", NULL),
                sizeof stage.shared->text);
    return 0;
}

static void
case_place(apr_pool_t *pool)
{
    const char *argv[] = {"x", "--child", "plat_place", NULL, NULL, NULL};
    const char *environment[16] = {"MPROC_TEST_PLACE=a b=c"};
    static const char *const kept[] = {"PATH", "SystemRoot",      "TMPDIR",
                                       "TEMP", "LD_LIBRARY_PATH", "WINEPREFIX"};
    const char *folder;
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t proc;
    apr_finfo_t wanted;
    apr_finfo_t found;
    stage_t stage;
    int count = 1;
    char *value;

    stage_open(&stage);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        if (apr_env_get(&value, kept[i], pool) == APR_SUCCESS) {
            environment[count++] = apr_pstrcat(pool, kept[i], "=", value, NULL);
        }
    }
    REQUIRE_STATUS(APR_SUCCESS, apr_temp_dir_get(&folder, pool));
    argv[3] = number_text(stage.map.handle, pool);
    argv[4] = number_text((apr_int64_t)stage.map.size, pool);
    memset(&spawn, 0, sizeof spawn);
    spawn.argv = argv;
    spawn.environment = environment;
    spawn.directory = folder;
    spawn.inherit = &stage.map.handle;
    spawn.inherit_count = 1;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_spawn(&proc, &spawn, pool));
    CHECK_INT(0, child_join(&proc));
    char *bar = strchr(stage.shared->text, '|');
    REQUIRE(bar != NULL);
    *bar = '\0';
    CHECK_TEXT("a b=c", bar + 1);
    CHECK_STATUS(APR_SUCCESS, apr_stat(&wanted, folder, APR_FINFO_IDENT, pool));
    CHECK_STATUS(APR_SUCCESS,
                 apr_stat(&found, stage.shared->text, APR_FINFO_IDENT, pool));
    CHECK(wanted.inode == found.inode && wanted.device == found.device);
    stage_close(&stage);
}

/* Copy stdin to stdout, and say something on stderr. */
int
child_plat_streams(int argc, const char *const *argv)
{
    int byte;

    (void)argc;
    (void)argv;
    while ((byte = getchar()) != EOF) {
        putchar(byte);
    }
    fputs("error", stderr);
    return fflush(stdout) == 0 ? 0 : 1;
}

static const char *
file_text(apr_file_t *file, apr_pool_t *pool)
{
    char *text = apr_pcalloc(pool, 256);
    apr_size_t size = 255;
    apr_off_t begin = 0;

    (void)apr_file_seek(file, APR_SET, &begin);
    if (apr_file_read_full(file, text, 255, &size) != APR_EOF) {
        return "unreadable";
    }
    return text;
}

static apr_file_t *
file_temporary(const char *text, apr_pool_t *pool)
{
    const char *folder;
    apr_file_t *file;
    apr_off_t begin = 0;

    REQUIRE_STATUS(APR_SUCCESS, apr_temp_dir_get(&folder, pool));
    REQUIRE_STATUS(
        APR_SUCCESS,
        apr_file_mktemp(&file, apr_pstrcat(pool, folder, "/streamXXXXXX", NULL),
                        0, pool));
    if (text != NULL) {
        (void)apr_file_write_full(file, text, strlen(text), NULL);
        (void)apr_file_seek(file, APR_SET, &begin);
    }
    return file;
}

static void
case_streams(apr_pool_t *pool)
{
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t proc;

    child_describe(&spawn, pool, "plat_streams", NULL, NULL, NULL);
    spawn.stream[0] = file_temporary("into the child", pool);
    spawn.stream[1] = file_temporary(NULL, pool);
    spawn.stream[2] = file_temporary(NULL, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_spawn(&proc, &spawn, pool));
    CHECK_INT(0, child_join(&proc));
    CHECK_TEXT("into the child", file_text(spawn.stream[1], pool));
    CHECK_TEXT("error", file_text(spawn.stream[2], pool));
    /* Without a stdin it is empty; both others may be one file. */
    spawn.stream[0] = NULL;
    spawn.stream[1] = file_temporary(NULL, pool);
    spawn.stream[2] = spawn.stream[1];
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_spawn(&proc, &spawn, pool));
    CHECK_INT(0, child_join(&proc));
    CHECK_TEXT("error", file_text(spawn.stream[1], pool));
}

/* Write into a file by the streams of the C library. */
static int
streams_own(apr_file_t *out, apr_pool_t *pool)
{
    apr_file_t *stream[3] = {NULL, out, out};

    if (mproc_plat_proc_streams(stream, pool) != APR_SUCCESS ||
        getchar() != EOF) {
        return 1;
    }
    fputs("own", stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}

int
child_plat_own_streams(int argc, const char *const *argv)
{
    apr_pool_t *pool;
    apr_file_t *out;

    if (argc < 1 || apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        apr_file_open(&out, argv[0], APR_WRITE, 0, pool) != APR_SUCCESS) {
        return 2;
    }
    return streams_own(out, pool);
}

static void
case_own_streams(apr_pool_t *pool)
{
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t proc;
    apr_file_t *out = file_temporary(NULL, pool);
    const char *name;

    REQUIRE_STATUS(APR_SUCCESS, apr_file_name_get(&name, out));
    child_describe(&spawn, pool, "plat_own_streams", name, NULL, NULL);
    spawn.stream[0] = file_temporary("not to be seen", pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_spawn(&proc, &spawn, pool));
    CHECK_INT(0, child_join(&proc));
    CHECK_TEXT("own", file_text(out, pool));
    if (!mproc_plat_proc_can_fork()) {
        return;
    }
    out = file_temporary(NULL, pool);
    apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
    if (rv == APR_INCHILD) {
        _Exit(streams_own(out, pool));
    }
    REQUIRE_STATUS(APR_INPARENT, rv);
    CHECK_INT(0, child_join(&proc));
    CHECK_TEXT("own", file_text(out, pool));
}

static void
case_fork(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;

    if (!mproc_plat_proc_can_fork()) {
        CHECK_STATUS(APR_ENOTIMPL, mproc_plat_proc_fork(&proc, pool));
        return;
    }
    for (int i = 0; i < 20; i++) {
        int mine = 40 + i;
        apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
        if (rv == APR_INCHILD) {
            _Exit(mine);
        }
        REQUIRE_STATUS(APR_INPARENT, rv);
        CHECK_INT(1, proc.child);
        CHECK_INT(mine, child_join(&proc));
    }
}

/* A child of the one in the middle: tells when that has ended. */
int
child_plat_orphan(int argc, const char *const *argv)
{
    mproc_plat_proc_t parent;
    mproc_plat_exit_t how;
    stage_t stage;

    if (argc < STAGE_ARGUMENTS + 2 || !stage_attach(&stage, argv) ||
        mproc_plat_proc_adopt(&parent, apr_atoi64(argv[STAGE_ARGUMENTS]),
                              apr_atoi64(argv[STAGE_ARGUMENTS + 1])) !=
            APR_SUCCESS) {
        return 1;
    }
    if (mproc_plat_proc_wait(&parent, 0, &how) == APR_TIMEUP) {
        atomic_store(&stage.shared->word[3], 1);
    }
    mproc_plat_park_wake(&stage.shared->test);
    if (mproc_plat_proc_wait(&parent, mproc_plat_clock() + CHILD_LIMIT, &how) ==
        APR_SUCCESS) {
        atomic_store(&stage.shared->word[4], 1);
    }
    mproc_plat_proc_release(&parent);
    mproc_plat_park_wake(&stage.shared->test);
    return 0;
}

/* Start the orphan-to-be, and wait to be killed. */
int
child_plat_middle(int argc, const char *const *argv)
{
    const char *child[8] = {"x", "--child", "plat_orphan"};
    apr_int64_t inherit[2];
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t self;
    mproc_plat_proc_t proc;
    apr_pool_t *pool;
    stage_t stage;

    if (argc < STAGE_ARGUMENTS || !stage_attach(&stage, argv) ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        mproc_plat_proc_self(&self) != APR_SUCCESS) {
        return 1;
    }
    inherit[0] = stage.map.handle;
    inherit[1] = self.handle;
    child[4] = argv[1];
    child[5] = number_text(self.pid, pool);
    child[6] = number_text(self.handle, pool);
    child[3] = number_text(inherit[0], pool);
    memset(&spawn, 0, sizeof spawn);
    spawn.argv = child;
    spawn.inherit = inherit;
    spawn.inherit_count = 2;
    spawn.detached = 1; /* It is to see our end, not to share it. */
    if (mproc_plat_proc_spawn(&proc, &spawn, pool) != APR_SUCCESS) {
        return 2;
    }
    return child_join(&proc);
}

static void
case_parent(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    stage_t stage;

    stage_open(&stage);
    REQUIRE_STATUS(APR_SUCCESS, stage_spawn(&proc, &stage, pool, "plat_middle",
                                            NULL, NULL, NULL));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_park_wait(&stage.shared->test, deadline_far()));
    CHECK_INT(1, atomic_load(&stage.shared->word[3]));
    CHECK_INT(0, atomic_load(&stage.shared->word[4]));
    test_kill(proc.pid);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_park_wait(&stage.shared->test, deadline_far()));
    CHECK_INT(1, atomic_load(&stage.shared->word[4]));
    CHECK(child_join(&proc) != 0);
    stage_close(&stage);
}

static void
case_self(apr_pool_t *pool)
{
    mproc_plat_proc_t self;
    mproc_plat_proc_t again;
    mproc_plat_proc_t proc;
    mproc_plat_exit_t how;

    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_self(&self));
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_self(&again));
    CHECK_INT(self.handle, again.handle);
    CHECK_INT(mproc_plat_pid(), self.pid);
    if (!mproc_plat_proc_can_fork()) {
        return;
    }
    apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
    if (rv == APR_INCHILD) {
        /* The former is the parent's, who lives; one's own is another. */
        int ok = mproc_plat_proc_adopt(&proc, self.pid, self.handle) ==
                     APR_SUCCESS &&
                 mproc_plat_proc_wait(&proc, 0, &how) == APR_TIMEUP &&
                 mproc_plat_proc_self(&again) == APR_SUCCESS &&
                 again.handle != self.handle && again.pid == mproc_plat_pid();
        _Exit(ok ? 0 : 1);
    }
    REQUIRE_STATUS(APR_INPARENT, rv);
    CHECK_INT(0, child_join(&proc));
}

static const test_case_t cases[] = {{"exit_codes", case_exit_codes},
                                    {"wait", case_wait},
                                    {"signals", case_signals},
                                    {"stopped", case_stopped},
                                    {"die", case_die},
                                    {"missing", case_missing},
                                    {"place", case_place},
                                    {"streams", case_streams},
                                    {"own_streams", case_own_streams},
                                    {"fork", case_fork},
                                    {"parent", case_parent},
                                    {"self", case_self},
                                    {NULL, NULL}};

const test_suite_t suite_plat_proc = {"plat_proc", 0, cases};
