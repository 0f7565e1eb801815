/*
 * test_plat_unix.c: what the contracts promise about things that only Unix
 * has: descriptors, signals, exec.
 */
#define _GNU_SOURCE
#include "../child.h"

#include <stdlib.h>
#include <string.h>

#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plat_life.h"

/* List the descriptors that are open here, and one's signal mask. */
int
child_plat_descriptors(int argc, const char *const *argv)
{
    sigset_t mask;
    stage_t stage;
    size_t at = 0;

    if (argc < STAGE_ARGUMENTS || !stage_attach(&stage, argv)) {
        return 1;
    }
    stage.shared->text[0] = '\0';
    for (int fd = 0; fd < 2048; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 && at < sizeof stage.shared->text - 16) {
            at += (size_t)sprintf(stage.shared->text + at, "%d ", fd);
        }
    }
    sigprocmask(SIG_SETMASK, NULL, &mask);
    atomic_store(&stage.shared->word[5], sigismember(&mask, SIGUSR1));
    struct sigaction action;
    sigaction(SIGUSR2, NULL, &action);
    atomic_store(&stage.shared->word[6], action.sa_handler == SIG_IGN);
    sigaction(SIGWINCH, NULL, &action);
    atomic_store(&stage.shared->word[7], action.sa_handler == SIG_DFL);
    return 0;
}

static void
handler_none(int number)
{
    (void)number;
}

static void
case_descriptors(apr_pool_t *pool)
{
    int many[40];
    char wanted[64];
    mproc_plat_proc_t proc;
    stage_t stage;

    stage_open(&stage);
    for (int i = 0; i < 40; i++) {
        many[i] = dup(STDERR_FILENO);
    }
    int high = fcntl(STDERR_FILENO, F_DUPFD, 1500);
    REQUIRE_STATUS(
        APR_SUCCESS,
        stage_spawn(&proc, &stage, pool, "plat_descriptors", NULL, NULL, NULL));
    CHECK_INT(0, child_join(&proc));
    snprintf(wanted, sizeof wanted, "0 1 2 %d ", (int)stage.map.handle);
    CHECK_TEXT(wanted, stage.shared->text);
    for (int i = 0; i < 40; i++) {
        CHECK_INT(0, fcntl(many[i], F_GETFD));
        close(many[i]);
    }
    close(high);
    stage_close(&stage);
}

/* Standard streams that are closed here: ours take no such number. */
static void
case_closed_streams(apr_pool_t *pool)
{
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t proc;
    mproc_plat_proc_t inner;
    mproc_plat_proc_t self;
    stage_t stage;

    apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
    if (rv == APR_INCHILD) {
        close(0);
        close(1);
        close(2);
        int ok = mproc_plat_map_create(&stage.map, 1 << 20, 1 << 20) ==
                     APR_SUCCESS &&
                 mproc_plat_proc_self(&self) == APR_SUCCESS &&
                 stage.map.handle > 2 && self.handle > 2;
        child_describe(&spawn, pool, "plat_exit", "33", NULL, NULL);
        ok = ok && mproc_plat_proc_spawn(&inner, &spawn, pool) == APR_SUCCESS;
        _Exit(ok && child_join(&inner) == 33 ? 0 : 1);
    }
    REQUIRE_STATUS(APR_INPARENT, rv);
    CHECK_INT(0, child_join(&proc));
}

/* stdout and stderr change places, and stdin is one of them. */
static void
case_crossed_streams(apr_pool_t *pool)
{
    int pair[2];
    char text[16] = "";
    mproc_plat_proc_t proc;

    REQUIRE(pipe(pair) == 0);
    apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
    if (rv == APR_INCHILD) {
        mproc_plat_spawn_t spawn;
        mproc_plat_proc_t inner;
        apr_file_t *out;
        apr_file_t *err;
        int one = 1;
        int two = 2;
        dup2(pair[1], 2);
        close(pair[0]);
        close(pair[1]);
        apr_os_file_put(&out, &two, APR_WRITE, pool);
        apr_os_file_put(&err, &one, APR_WRITE, pool);
        const char *argv[] = {"sh", "-c", "echo out", NULL};
        memset(&spawn, 0, sizeof spawn);
        spawn.program = "/bin/sh";
        spawn.argv = argv;
        spawn.stream[1] = out;
        spawn.stream[2] = err;
        rv = mproc_plat_proc_spawn(&inner, &spawn, pool);
        _Exit(rv == APR_SUCCESS ? child_join(&inner) : 99);
    }
    close(pair[1]);
    REQUIRE_STATUS(APR_INPARENT, rv);
    CHECK_INT(0, child_join(&proc));
    CHECK_INT(4, read(pair[0], text, sizeof text - 1));
    CHECK_TEXT("out\n", text);
    close(pair[0]);
}

/* The caller's mask and ignored signals; handlers are reset. */
static void
case_dispositions(apr_pool_t *pool)
{
    struct sigaction action;
    sigset_t one;
    mproc_plat_proc_t proc;
    stage_t stage;

    stage_open(&stage);
    memset(&action, 0, sizeof action);
    action.sa_handler = handler_none;
    sigaction(SIGWINCH, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGUSR2, &action, NULL);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    sigprocmask(SIG_BLOCK, &one, NULL);
    REQUIRE_STATUS(
        APR_SUCCESS,
        stage_spawn(&proc, &stage, pool, "plat_descriptors", NULL, NULL, NULL));
    CHECK_INT(0, child_join(&proc));
    CHECK_INT(1, atomic_load(&stage.shared->word[5]));
    CHECK_INT(1, atomic_load(&stage.shared->word[6]));
    CHECK_INT(1, atomic_load(&stage.shared->word[7]));
    /* And nothing has changed here. */
    sigset_t now;
    sigprocmask(SIG_UNBLOCK, &one, &now);
    CHECK_INT(1, sigismember(&now, SIGUSR1));
    CHECK_INT(0, sigismember(&now, SIGTERM));
    sigaction(SIGWINCH, NULL, &action);
    CHECK(action.sa_handler == handler_none);
    signal(SIGWINCH, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    stage_close(&stage);
}

static void
case_not_executable(apr_pool_t *pool)
{
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t proc;

    child_describe(&spawn, pool, "x", NULL, NULL, NULL);
    spawn.program = "/dev/null";
    CHECK_STATUS(EACCES, mproc_plat_proc_spawn(&proc, &spawn, pool));
    spawn.program = NULL;
    spawn.directory = "/dev/null";
    CHECK_STATUS(ENOTDIR, mproc_plat_proc_spawn(&proc, &spawn, pool));
    /* No child is left over from that, dead or alive. */
    CHECK_INT(-1, waitpid(-1, NULL, WNOHANG | WUNTRACED));
    CHECK_INT(ECHILD, errno);
}

/* Somebody else has collected it. */
static void
case_collected(apr_pool_t *pool)
{
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t proc;
    mproc_plat_exit_t how;
    int status;

    child_describe(&spawn, pool, "plat_exit", "7", NULL, NULL);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_spawn(&proc, &spawn, pool));
    CHECK_INT(proc.pid, waitpid((pid_t)proc.pid, &status, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_plat_proc_signal(&proc, MPROC_PLAT_KILL));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_proc_wait(&proc, deadline_far(), &how));
    CHECK_INT(0, how.known);
    mproc_plat_proc_release(&proc);
    /* Or the system, at the host's wish. */
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < 20; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_spawn(&proc, &spawn, pool));
        CHECK_INT(-1001, child_join(&proc));
        apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
        if (rv == APR_INCHILD) {
            _Exit(0);
        }
        REQUIRE_STATUS(APR_INPARENT, rv);
        CHECK_INT(-1001, child_join(&proc));
    }
    signal(SIGCHLD, SIG_DFL);
}

static void
case_stopped_child(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    mproc_plat_exit_t how;
    stage_t stage;

    stage_open(&stage);
    /* A shell in the background has it ignored, and that is inherited. */
    void (*before)(int) = signal(SIGINT, SIG_DFL);
    REQUIRE_STATUS(APR_SUCCESS, stage_spawn(&proc, &stage, pool, "plat_idle",
                                            NULL, NULL, NULL));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_park_wait(&stage.shared->test, deadline_far()));
    test_stop(proc.pid);
    CHECK_STATUS(APR_TIMEUP,
                 mproc_plat_proc_wait(&proc, mproc_plat_clock() + 20000, &how));
    test_continue(proc.pid);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_proc_signal(&proc, MPROC_PLAT_INTERRUPT));
    CHECK_INT(-SIGINT, child_join(&proc));
    signal(SIGINT, before);
    stage_close(&stage);
}

/* A grandchild that has all that its parent had delays nobody. */
static void
case_grandchild(apr_pool_t *pool)
{
    const char *argv[] = {"sh", "-c", "sleep 30 & echo $!; exit 4", NULL};
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t proc;
    apr_file_t *out;
    apr_file_t *in;
    char text[32];

    memset(&spawn, 0, sizeof spawn);
    spawn.program = "/bin/sh";
    spawn.argv = argv;
    REQUIRE_STATUS(APR_SUCCESS, apr_file_pipe_create(&in, &out, pool));
    spawn.stream[1] = out;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_spawn(&proc, &spawn, pool));
    apr_time_t begin = mproc_plat_clock();
    CHECK_INT(4, child_join(&proc));
    CHECK(mproc_plat_clock() - begin < test_deadline());
    REQUIRE_STATUS(APR_SUCCESS, apr_file_gets(text, sizeof text, in));
    test_kill(apr_atoi64(text));
    stage_t stage;
    stage_open(&stage);
    apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
    if (rv == APR_INCHILD) {
        pid_t inner = fork();
        if (inner == 0) {
            for (;;) {
                pause();
            }
        }
        atomic_store(&stage.shared->word[8], inner);
        _Exit(6);
    }
    REQUIRE_STATUS(APR_INPARENT, rv);
    begin = mproc_plat_clock();
    CHECK_INT(6, child_join(&proc));
    CHECK(mproc_plat_clock() - begin < test_deadline());
    test_kill(atomic_load(&stage.shared->word[8]));
    stage_close(&stage);
}

/* Holding a slot does not outlast exec. */
static void
case_exec(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    mproc_plat_exit_t how;
    stage_t stage;
    int pair[2];

    stage_open(&stage);
    REQUIRE(pipe(pair) == 0);
    apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
    if (rv == APR_INCHILD) {
        atomic_store(&stage.shared->word[2],
                     (apr_int64_t)mproc_plat_life_start());
        (void)mproc_plat_life_hold(&stage.map, 4);
        dup2(pair[0], 0);
        close(pair[1]);
        execl("/bin/cat", "cat", (char *)NULL);
        _Exit(1);
    }
    REQUIRE_STATUS(APR_INPARENT, rv);
    close(pair[0]);
    apr_time_t deadline = deadline_far();
    while (mproc_plat_clock() < deadline &&
           !mproc_plat_life_ended(
               &stage.map, 4, proc.pid,
               (apr_uint64_t)atomic_load(&stage.shared->word[2]))) {
        mproc_plat_yield();
    }
    CHECK(mproc_plat_clock() < deadline);
    CHECK_STATUS(APR_TIMEUP, mproc_plat_proc_wait(&proc, 0, &how));
    close(pair[1]);
    CHECK_INT(0, child_join(&proc));
    stage_close(&stage);
}

/* A host that closes descriptors that are not its own still lives, as far
 * as the system can tell that. */
static void
case_descriptor_closed(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    stage_t stage;

    if (mproc_plat_life_start() == 0) {
        test_skip("this system has no second way to look");
    }
    stage_open(&stage);
    apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
    if (rv == APR_INCHILD) {
        (void)mproc_plat_park_init(&stage.shared->child);
        atomic_store(&stage.shared->word[2],
                     (apr_int64_t)mproc_plat_life_start());
        (void)mproc_plat_life_hold(&stage.map, 4);
        close((int)stage.map.handle);
        mproc_plat_park_wake(&stage.shared->test);
        (void)mproc_plat_park_wait(&stage.shared->child,
                                   mproc_plat_clock() + CHILD_LIMIT);
        _Exit(0);
    }
    REQUIRE_STATUS(APR_INPARENT, rv);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_park_wait(&stage.shared->test, deadline_far()));
    apr_uint64_t start = (apr_uint64_t)atomic_load(&stage.shared->word[2]);
    CHECK_INT(0, mproc_plat_life_ended(&stage.map, 4, proc.pid, start));
    /* One that had the same pid before this one began has ended. */
    CHECK_INT(1, mproc_plat_life_ended(&stage.map, 4, proc.pid, 1));
    test_kill(proc.pid);
    CHECK_INT(-9, child_join(&proc));
    CHECK_INT(1, mproc_plat_life_ended(&stage.map, 4, proc.pid, start));
    stage_close(&stage);
}

/* Signals that arrive all the time end no wait. */
static void
case_interrupted(apr_pool_t *pool)
{
    struct sigaction action;
    struct itimerval often = {{0, 200}, {0, 200}};
    struct itimerval never = {{0, 0}, {0, 0}};
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t proc;
    mproc_plat_exit_t how;
    stage_t stage;

    stage_open(&stage);
    memset(&action, 0, sizeof action);
    action.sa_handler = handler_none;
    sigaction(SIGVTALRM, &action, NULL);
    sigaction(SIGPROF, &action, NULL);
    REQUIRE_STATUS(APR_SUCCESS, stage_spawn(&proc, &stage, pool, "plat_idle",
                                            NULL, NULL, NULL));
    setitimer(ITIMER_PROF, &often, NULL);
    setitimer(ITIMER_VIRTUAL, &often, NULL);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_park_wait(&stage.shared->test, deadline_far()));
    apr_time_t deadline = mproc_plat_clock() + 30000;
    CHECK_STATUS(APR_TIMEUP,
                 mproc_plat_park_wait(&stage.shared->test, deadline));
    CHECK(mproc_plat_clock() >= deadline);
    CHECK_STATUS(APR_TIMEUP,
                 mproc_plat_proc_wait(&proc, mproc_plat_clock() + 20000, &how));
    for (int i = 0; i < 50; i++) {
        mproc_plat_proc_t other;
        child_describe(&spawn, pool, "plat_exit", "1", NULL, NULL);
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_plat_proc_spawn(&other, &spawn, pool));
        CHECK_INT(1, child_join(&other));
    }
    setitimer(ITIMER_PROF, &never, NULL);
    setitimer(ITIMER_VIRTUAL, &never, NULL);
    mproc_plat_park_wake(&stage.shared->child);
    CHECK_INT(5, child_join(&proc));
    stage_close(&stage);
}

/* Whether a file that begins with "core" is in the folder; it is emptied and
 * removed. */
static int
folder_had_core(const char *folder, apr_pool_t *pool)
{
    apr_finfo_t entry;
    apr_dir_t *dir;
    int had = 0;

    REQUIRE_STATUS(APR_SUCCESS, apr_dir_open(&dir, folder, pool));
    while (apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (strncmp(entry.name, "core", 4) == 0) {
            had = 1;
            apr_file_remove(apr_pstrcat(pool, folder, "/", entry.name, NULL),
                            pool);
        }
    }
    apr_dir_close(dir);
    CHECK_STATUS(APR_SUCCESS, apr_dir_remove(folder, pool));
    return had;
}

/* Where the system puts a core file is its own: if we see one, we are told. */
static void
case_core(apr_pool_t *pool)
{
    static const int signals[] = {SIGABRT, SIGKILL};
    const char *temporary;
    char *folder;
    int i;

    REQUIRE_STATUS(APR_SUCCESS, apr_temp_dir_get(&temporary, pool));
    for (i = 0; i < 2; i++) {
        mproc_plat_proc_t proc;
        mproc_plat_exit_t how;
        folder = apr_pstrcat(pool, temporary, "/coreXXXXXX", NULL);
        REQUIRE(mkdtemp(folder) != NULL);
        apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
        if (rv == APR_INCHILD) {
            struct rlimit limit;
            if (chdir(folder) == 0 && getrlimit(RLIMIT_CORE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                setrlimit(RLIMIT_CORE, &limit);
            }
            signal(SIGABRT, SIG_DFL);
            raise(signals[i]);
            _Exit(0);
        }
        REQUIRE_STATUS(APR_INPARENT, rv);
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_plat_proc_wait(
                           &proc, mproc_plat_clock() + test_deadline(), &how));
        mproc_plat_proc_release(&proc);
        CHECK_INT(signals[i], how.signal);
        if (folder_had_core(folder, pool)) {
            CHECK_INT(1, how.core);
        }
        CHECK(i == 0 || how.core == 0);
    }
}

static const test_case_t cases[] = {
    {"descriptors", case_descriptors},
    {"closed_streams", case_closed_streams},
    {"crossed_streams", case_crossed_streams},
    {"dispositions", case_dispositions},
    {"not_executable", case_not_executable},
    {"collected", case_collected},
    {"core", case_core},
    {"stopped_child", case_stopped_child},
    {"grandchild", case_grandchild},
    {"exec", case_exec},
    {"descriptor_closed", case_descriptor_closed},
    {"interrupted", case_interrupted},
    {NULL, NULL}};

const test_suite_t suite_plat_unix = {"plat_unix", 0, cases};
