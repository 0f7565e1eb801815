/*
 * tree.c: a main process with children of all sorts is killed at a random
 * moment; then none of the tree may be left, nor any name.
 *
 * The killer adopts orphans, so it can tell surely when the last has gone.
 */
#include "stress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_time.h>

#include <mproc/error.h>
#include <mproc/lock.h>
#include <mproc/pack.h>
#include <mproc/pool.h>
#include <mproc/process.h>

#include "system.h"

#define KILLERS 2
#define TIMES_MOST 100000
#define GONE_AIM (100 * 1000) /* microseconds, 99 of 100 */
#define GONE_LIMIT (2 * APR_USEC_PER_SEC)
#define LIFE_MOST (120 * 1000) /* microseconds until the kill */

/* ----------------------------------------------------------------- the tree */

static apr_uint64_t tree_draw;

/* A process with threads cannot be forked with a sanitizer's allocator: the
 * copy may have its lock held for ever. */
#ifdef __SANITIZE_ADDRESS__
#define FORKS 0
#else
#define FORKS 1
#endif

static mproc_start_method_e
method_draw(void)
{
    static const mproc_start_method_e method[] = {
        MPROC_START_SPAWN, MPROC_START_FORKSERVER, MPROC_START_FORK};

    return method[stress_below(&tree_draw, 2 + FORKS)];
}

/* Use a lock for ever. */
static void
lock_use(mproc_lock_t *lock)
{
    for (;;) {
        apr_status_t rv = mproc_lock_acquire(lock, MPROC_FOREVER);

        if (rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD) {
            mproc_lock_release(lock);
        }
        apr_sleep(200);
    }
}

/* A child, that has one of its own while `depth` lasts. */
static int
tree_child(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    mproc_lock_t *lock;
    int depth;

    if (mproc_unpack(args, pool, "oiU", &lock, &depth, &tree_draw) !=
        APR_SUCCESS) {
        return 1;
    }
    if (depth > 0) {
        options.start_method = method_draw();
        if (mproc_process_create(&process, tree_child, &options, pool, "oiU",
                                 lock, depth - 1,
                                 stress_random(&tree_draw)) == APR_SUCCESS) {
            mproc_process_start(process);
        }
    }
    lock_use(lock);
    return 0;
}

static void
tree_item(const void *in, void *out, void *baton)
{
    (void)baton;
    *(int *)out = *(const int *)in + 1;
    apr_sleep(500);
}

static void
pool_use(apr_pool_t *pool)
{
    static int in[1000], out[1000];
    mproc_pool_options_t options = {.processes = 2,
                                    .start_method = method_draw()};
    mproc_pool_t *workers;

    if (mproc_pool_create(&workers, &options, pool) == APR_SUCCESS) {
        mproc_pool_map_array(workers, tree_item, in, 1000, sizeof *in, out,
                             sizeof *out, NULL);
    }
}

int
stress_tree_main(const char *seed)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    mproc_lock_t *lock;
    apr_pool_t *pool;
    int i, count;

    tree_draw = strtoull(seed, NULL, 10);
    apr_pool_create(&pool, NULL);
    if (mproc_lock_create(&lock, pool) != APR_SUCCESS) {
        return 1;
    }
    count = (int)stress_below(&tree_draw, 3) + 1;
    for (i = 0; i < count; i++) {
        options.start_method = method_draw();
        options.daemon = stress_below(&tree_draw, 4) == 0;
        if (mproc_process_create(
                &process, tree_child, &options, pool, "oiU", lock,
                options.daemon ? 0 : (int)stress_below(&tree_draw, 2),
                stress_random(&tree_draw)) != APR_SUCCESS ||
            mproc_process_start(process) != APR_SUCCESS) {
            fprintf(stderr, "tree: %s\n", mproc_error_detail());
            return 1;
        }
    }
    if (stress_below(&tree_draw, 3) == 0) {
        pool_use(pool);
    }
    lock_use(lock);
    return 0;
}

/* --------------------------------------------------------------- the killer */

typedef struct tree_board_t {
    _Atomic apr_uint64_t next, count, early;
    apr_int64_t time[TIMES_MOST]; /* from the kill until all had gone */
} tree_board_t;

static tree_board_t *tree_board;
static const char *tree_name;

static void
family_gone(apr_uint64_t index)
{
    apr_time_t start = mproc_clock();

    while (system_family_left()) {
        if (mproc_clock() - start > GONE_LIMIT) {
            stress_fault(STRESS_LEAKED,
                         "%s: 2 s after the kill of tree %" PRIu64
                         " processes are left",
                         tree_name, (uint64_t)index);
            system_family_show();
            system_family_kill();
            break;
        }
        apr_sleep(200);
    }
    tree_board->time[atomic_fetch_add(&tree_board->count, 1) % TIMES_MOST] =
        mproc_clock() - start;
}

static void
tree_kill(apr_uint64_t index, const char *folder)
{
    apr_uint64_t draw = stress_options.seed + index * 7919;
    char seed[32];
    const char *argv[] = {"mproc-stress", "--tree", seed, NULL};
    apr_int64_t pid;
    int crash;

    snprintf(seed, sizeof seed, "%" PRIu64, (uint64_t)stress_random(&draw));
    pid = system_run_self(argv, folder);
    apr_sleep((apr_interval_time_t)stress_below(&draw, LIFE_MOST));
    system_kill(pid);
    if (!system_reap(pid, mproc_clock() + GONE_LIMIT, &crash) || crash == 0) {
        atomic_fetch_add(&tree_board->early, 1);
    }
    family_gone(index);
    if (system_names(folder, "") != 0) {
        stress_fault(STRESS_LEAKED, "%s: tree %" PRIu64 " left files in %s",
                     tree_name, (uint64_t)index, folder);
    }
    atomic_fetch_add(&stress_board->kills, 1);
}

static void
tree_killer(void *baton)
{
    apr_uint64_t index;
    const char *temp;
    char *folder;
    apr_pool_t *pool;

    (void)baton;
    apr_pool_create(&pool, NULL);
    if (apr_temp_dir_get(&temp, pool) != APR_SUCCESS) {
        temp = ".";
    }
    folder = apr_psprintf(pool, "%s/mproc-stress-%" APR_INT64_T_FMT, temp,
                          system_pid());
    apr_dir_make(folder, APR_FPROT_OS_DEFAULT, pool);
    system_adopt();
    while ((index = atomic_fetch_add(&tree_board->next, 1)) <
               stress_options.kills &&
           stress_faults() == 0) {
        stress_beat("%s: tree %" PRIu64, tree_name, (uint64_t)index);
        tree_kill(index, folder);
    }
    apr_dir_remove(folder, pool);
}

static int
time_order(const void *a, const void *b)
{
    apr_int64_t left = *(const apr_int64_t *)a, right = *(const apr_int64_t *)b;

    return (left > right) - (left < right);
}

static int
names_count(void)
{
    return system_shared_names == NULL
               ? 0
               : system_names(system_shared_names, "mproc") +
                     system_names(system_shared_names, "sem.mproc");
}

static void
times_print(apr_time_t took)
{
    apr_uint64_t count = atomic_load(&tree_board->count);
    apr_int64_t *time = tree_board->time;

    if (count == 0 || count > TIMES_MOST) {
        return;
    }
    qsort(time, count, sizeof *time, time_order);
    printf("%-18s %6" PRIu64 " trees, all gone after %.1f ms (half), %.1f ms "
           "(99 of 100), %.1f ms (all), %.1f s\n",
           tree_name, (uint64_t)count, (double)time[count / 2] / 1e3,
           (double)time[count * 99 / 100] / 1e3, (double)time[count - 1] / 1e3,
           (double)took / 1e6);
    if (atomic_load(&tree_board->early) != 0) {
        stress_fault(STRESS_LOST,
                     "%s: %" PRIu64 " trees ended before they were killed",
                     tree_name, (uint64_t)atomic_load(&tree_board->early));
    }
    if (time[count * 99 / 100] > GONE_AIM) {
        printf("%-18s note: more than %d ms\n", tree_name, GONE_AIM / 1000);
    }
}

void
stress_tree_run(const stress_scenario_t *scenario)
{
    apr_time_t start = mproc_clock(), deadline;
    apr_int64_t pid[KILLERS];
    int i, crash, before;

    tree_name = scenario->name;
    tree_board = system_share(sizeof *tree_board);
    before = names_count();
    for (i = 0; i < KILLERS; i++) {
        pid[i] = system_fork(tree_killer, NULL);
    }
    for (i = 0; i < KILLERS; i++) {
        while (!system_reap(pid[i], mproc_clock() + APR_USEC_PER_SEC, &crash)) {
        }
        if (crash != 0) {
            stress_fault(STRESS_TORN, "%s: the killer crashed, signal %d",
                         tree_name, crash);
        }
    }
    /* Others on this machine may use the library too, for a moment. */
    deadline = mproc_clock() + GONE_LIMIT;
    while (names_count() > before && mproc_clock() < deadline) {
        apr_sleep(20 * 1000);
    }
    if (names_count() > before) {
        stress_fault(STRESS_LEAKED, "%s: names are left in %s", tree_name,
                     system_shared_names);
    }
    times_print(mproc_clock() - start);
}
