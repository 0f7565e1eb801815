/*
 * farm.c: runs tests over a pool, and knows how each ended.
 *
 * A few more than there are workers are on their way, each in a slot; what has
 * to be tried again goes before what has not been begun. Those that must run
 * alone come at the end, one by one. A worker that is killed costs nothing but
 * time: the pool does its task again, LOST_RETRIES times. A worker that is
 * stopped is killed by the pool when its task is BACKSTOP over its time.
 */
#include "farm.h"
#include "command.h"
#include "guard.h"

#include <stdio.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#define BACKSTOP (apr_time_from_sec(10))
#define TICK (apr_time_from_msec(100))

enum {
    LOST_RETRIES = 2,
    OUTPUT_KEPT = 4 << 10, /* of a test that passed */
    OUTPUT_KEPT_FAILED = 64 << 10
};

typedef struct slot_t {
    apr_pool_t *pool;
    int test, number;
    const char *output;   /* path */
    mproc_async_t *async; /* its task, also when it is settled */
} slot_t;

typedef struct run_t {
    farm_t *farm;
    mproc_pool_t *workers;
    mproc_progress_t *line;
    const char *folder;
    slot_t *slots;
    mproc_async_t **asyncs; /* of the slots; NULL: free, or settled */
    int room;
    int serial;                /* which tests it is the turn of */
    int next;                  /* test that has not been looked at */
    apr_array_header_t *again; /* tests to be tried again, and how often
                                  they were */
    int done;                  /* tests */
    int broken;                /* the pool is: no more can be run */
} run_t;

const char *
outcome_name(outcome_e outcome)
{
    static const char *const names[OUTCOMES] = {
        "passed", "skipped", "failed", "crashed", "timeout", "not run", "lost"};
    return names[outcome];
}

const test_t *
attempt_test(const farm_t *farm, const attempt_t *attempt)
{
    return (const test_t *)farm->tests->elts + attempt->test;
}

double
attempt_seconds(const attempt_t *attempt)
{
    return (double)(attempt->ended - attempt->began) / APR_USEC_PER_SEC;
}

int
farm_failures(const farm_t *farm)
{
    return farm->tests->nelts - farm->counts[PASSED] - farm->counts[SKIPPED];
}

/* ------------------------------------------------------------- an attempt's
 * end */

/* Keep its beginning and its end. */
static void
output_keep(attempt_t *attempt, const char *path, apr_pool_t *pool)
{
    apr_size_t most =
        attempt->outcome == PASSED ? OUTPUT_KEPT : OUTPUT_KEPT_FAILED;
    apr_size_t half = most, rest = 0;
    apr_finfo_t info;
    apr_file_t *file;
    apr_off_t from;
    char *text;

    if (apr_stat(&info, path, APR_FINFO_SIZE, pool) != APR_SUCCESS) {
        return;
    }
    if (info.size > 0 &&
        apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT,
                      pool) == APR_SUCCESS) {
        text = apr_palloc(pool, most + 100);
        if (info.size > (apr_off_t)most) {
            half = most / 2;
        }
        apr_file_read_full(file, text, half, &half);
        if (info.size > (apr_off_t)most) {
            from = info.size - (apr_off_t)most / 2;
            half += (apr_size_t)sprintf(text + half,
                                        "\n[... %.0f bytes are left out ...]\n",
                                        (double)(info.size - (apr_off_t)most));
            rest = most / 2;
            apr_file_seek(file, APR_SET, &from);
            apr_file_read_full(file, text + half, rest, &rest);
        }
        apr_file_close(file);
        attempt->output = text;
        attempt->output_size = half + rest;
    }
    apr_file_remove(path, pool);
}

static void
attempt_judge(attempt_t *attempt, int ended, const test_t *test,
              apr_pool_t *pool)
{
    switch (ended) {
    case ENDED_EXIT:
        attempt->outcome = attempt->code == test->skip_code ? SKIPPED
                           : (attempt->code != 0) == (test->will_fail != 0)
                               ? PASSED
                               : FAILED;
        if (attempt->outcome == FAILED) {
            attempt->why = apr_psprintf(pool, "exit code %d", attempt->code);
        }
        break;
    case ENDED_SIGNAL:
        attempt->outcome = CRASHED;
        attempt->why = apr_psprintf(pool, "signal %d", attempt->code);
        break;
    case ENDED_TIMEOUT:
        attempt->outcome = TIMED_OUT;
        break;
    case ENDED_TOO_MUCH:
        attempt->outcome = CRASHED;
        attempt->why = "it was killed, for it wrote too much";
        break;
    case ENDED_GUARD:
        attempt->outcome = CRASHED;
        attempt->why = "it killed the process that started it";
        break;
    default:
        attempt->outcome = NOT_RUN;
        break;
    }
}

/* What became of the task in a slot. */
static void
attempt_read(attempt_t *attempt, mproc_async_t *async, const test_t *test,
             apr_pool_t *pool)
{
    mproc_bytes_t bytes;
    mproc_lost_t lost = {0};
    int ended;
    apr_status_t rv = mproc_async_get(async, &bytes, MPROC_NOWAIT, pool);

    if (rv == APR_SUCCESS) {
        rv = mproc_unpack(bytes, pool, COMMAND_REPLY, &ended, &attempt->code,
                          &attempt->why, &attempt->began, &attempt->ended);
    }
    if (rv == APR_SUCCESS) {
        attempt_judge(attempt, ended, test, pool);
        return;
    }
    attempt->outcome = APR_STATUS_IS_TIMEUP(rv)  ? TIMED_OUT
                       : rv == MPROC_EWORKERLOST ? LOST
                                                 : NOT_RUN;
    attempt->why = apr_pstrdup(pool, mproc_error_detail());
    mproc_async_lost(async, 0, &lost);
    attempt->ended = mproc_clock();
    attempt->began = attempt->ended - lost.ran;
}

static void
output_print(const attempt_t *attempt)
{
    if (attempt->output_size > 0) {
        fwrite(attempt->output, 1, attempt->output_size, stdout);
        if (attempt->output[attempt->output_size - 1] != '\n') {
            putchar('\n');
        }
    }
}

static void
attempt_print(const run_t *run, const attempt_t *attempt)
{
    const farm_t *farm = run->farm;
    int good = attempt->outcome == PASSED || attempt->outcome == SKIPPED;

    if (good && farm->options->quiet) {
        return;
    }
    mproc_progress_clear(run->line);
    printf("%5d/%d %-7s %7.2f s  %s%s%s%s%s\n", run->done, farm->tests->nelts,
           outcome_name(attempt->outcome), attempt_seconds(attempt),
           attempt_test(farm, attempt)->name,
           attempt->why[0] != '\0' ? " (" : "", attempt->why,
           attempt->why[0] != '\0' ? ")" : "",
           attempt->last ? "" : ", to be tried again");
    if (!good && farm->options->show_output) {
        output_print(attempt);
    }
    fflush(stdout);
}

/* Note an attempt, or decide that there is to be another. */
static void
attempt_settle(run_t *run, attempt_t *attempt)
{
    farm_t *farm = run->farm;
    int again = attempt->outcome == FAILED || attempt->outcome == CRASHED ||
                attempt->outcome == TIMED_OUT;

    attempt->last =
        run->broken || !again || attempt->number > farm->options->retries;
    if (attempt->last) {
        farm->counts[attempt->outcome]++;
        run->done++;
    }
    else {
        APR_ARRAY_PUSH(run->again, int) = attempt->number;
        APR_ARRAY_PUSH(run->again, int) = attempt->test;
    }
    APR_ARRAY_PUSH(farm->attempts, attempt_t) = *attempt;
    attempt_print(run, attempt);
    mproc_progress_show((apr_size_t)run->done, (apr_size_t)farm->tests->nelts,
                        run->line);
}

/* A test that is not even sent. */
static void
attempt_refuse(run_t *run, int test, int number, const char *why)
{
    attempt_t attempt = {.test = test, .number = number, .outcome = NOT_RUN};

    attempt.why = why;
    attempt.began = attempt.ended = mproc_clock();
    attempt_settle(run, &attempt);
}

/* -------------------------------------------------------------------- slots */

static apr_status_t
slot_send(run_t *run, int place, const test_t *test)
{
    slot_t *slot = run->slots + place;
    mproc_task_options_t options = {0};
    apr_interval_time_t limit =
        test->timeout >= 0 ? test->timeout : run->farm->options->timeout;
    const mproc_datum_t *environment = test->environment;
    mproc_datum_t *none;
    mproc_bytes_t args;
    apr_status_t rv = mproc_datum_create_list(&none, slot->pool);

    if (rv == APR_SUCCESS) {
        rv = mproc_pack(&args, slot->pool, GUARD_COMMAND, slot->output,
                        test->shell, test->directory, test->command,
                        environment != NULL ? environment : none, limit);
    }
    options.timeout = limit > 0 ? limit + BACKSTOP : -1;
    if (rv == APR_SUCCESS) {
        rv = mproc_pool_map_async(&slot->async, run->workers, command_run,
                                  &args, 1, &options, NULL, slot->pool);
    }
    run->asyncs[place] = rv == APR_SUCCESS ? slot->async : NULL;
    return rv;
}

/* The next test, and how often it was tried; 0 when there is none now. */
static int
test_next(run_t *run, int *test, int *number)
{
    const test_t *tests = (const test_t *)run->farm->tests->elts;

    if (run->again->nelts > 0) {
        *test = *(int *)apr_array_pop(run->again);
        *number = *(int *)apr_array_pop(run->again) + 1;
        return 1;
    }
    for (; run->next < run->farm->tests->nelts; run->next++) {
        if (!tests[run->next].serial == !run->serial) {
            *test = run->next++;
            *number = 1;
            return 1;
        }
    }
    return 0;
}

static void
slot_fill(run_t *run, int place, int test, int number)
{
    slot_t *slot = run->slots + place;
    const test_t *what = (const test_t *)run->farm->tests->elts + test;
    apr_status_t rv;

    slot->test = test;
    slot->number = number;
    slot->output =
        apr_psprintf(slot->pool, "%s/%d.%d", run->folder, test + 1, number);
    if (what->disabled || what->command == NULL) {
        attempt_refuse(run, test, number,
                       what->disabled ? "disabled" : "there is no command");
        return;
    }
    rv = run->broken ? MPROC_EBROKEN : slot_send(run, place, what);
    if (rv != APR_SUCCESS) {
        run->broken |= rv == MPROC_EBROKEN;
        attempt_refuse(run, test, number,
                       apr_pstrdup(run->farm->pool, mproc_error_detail()));
    }
}

/* How many slots are full then. */
static int
slots_fill(run_t *run)
{
    int place, test, number, full = 0;

    for (place = 0; place < run->room; place++) {
        while (run->asyncs[place] == NULL && test_next(run, &test, &number)) {
            apr_pool_clear(run->slots[place].pool);
            slot_fill(run, place, test, number);
        }
        full += run->asyncs[place] != NULL;
    }
    return full;
}

static void
slot_settle(run_t *run, int place)
{
    slot_t *slot = run->slots + place;
    farm_t *farm = run->farm;
    attempt_t attempt = {.test = slot->test, .number = slot->number};

    attempt.why = "";
    attempt_read(&attempt, slot->async, attempt_test(farm, &attempt),
                 slot->pool);
    attempt.why = apr_pstrdup(farm->pool, attempt.why);
    output_keep(&attempt, slot->output, slot->pool);
    if (attempt.output_size > 0) {
        attempt.output =
            apr_pmemdup(farm->pool, attempt.output, attempt.output_size);
    }
    attempt_settle(run, &attempt);
}

/* Run those that may run side by side, or those that may not. */
static apr_status_t
tests_run(run_t *run, int serial)
{
    apr_size_t place;
    apr_status_t rv = APR_SUCCESS;

    run->serial = serial;
    run->next = 0;
    run->room = serial ? 1 : 2 * run->farm->jobs;
    while (rv == APR_SUCCESS && slots_fill(run) > 0) {
        rv = mproc_as_completed(run->asyncs, (apr_size_t)run->room, &place,
                                TICK);
        if (rv == APR_SUCCESS) {
            slot_settle(run, (int)place);
        }
        else if (APR_STATUS_IS_TIMEUP(rv)) {
            mproc_progress_show((apr_size_t)run->done,
                                (apr_size_t)run->farm->tests->nelts, run->line);
            rv = APR_SUCCESS;
        }
    }
    return rv;
}

/* ------------------------------------------------------------------ the farm
 */

/* A folder of this run's own for what commands write. */
static apr_status_t
folder_make(const char **folder, apr_pool_t *pool)
{
    const char *base;
    apr_status_t rv = apr_temp_dir_get(&base, pool);
    int i;

    for (i = 0; rv == APR_SUCCESS && i < 1000; i++) {
        *folder =
            apr_psprintf(pool, "%s/buildfarm-%d-%d", base,
                         (int)mproc_process_pid(mproc_process_current()), i);
        rv = apr_dir_make(
            *folder, APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE,
            pool);
        if (!APR_STATUS_IS_EEXIST(rv)) {
            return rv;
        }
        rv = APR_SUCCESS;
    }
    return rv == APR_SUCCESS ? APR_EEXIST : rv;
}

static apr_status_t
run_init(run_t *run, farm_t *farm)
{
    mproc_pool_options_t options = {0};
    apr_pool_t *pool = farm->pool;
    int i, room = 2 * farm->jobs;
    apr_status_t rv = folder_make(&run->folder, pool);

    run->farm = farm;
    run->slots = apr_pcalloc(pool, (apr_size_t)room * sizeof *run->slots);
    run->asyncs = apr_pcalloc(pool, (apr_size_t)room * sizeof *run->asyncs);
    run->again = apr_array_make(pool, 16, sizeof(int));
    for (i = 0; rv == APR_SUCCESS && i < room; i++) {
        rv = apr_pool_create(&run->slots[i].pool, pool);
    }
    if (rv == APR_SUCCESS) {
        mproc_progress_create(&run->line, "testing", NULL, pool);
        options.processes = farm->jobs;
        options.retries = LOST_RETRIES;
        options.name = "farm";
        rv = mproc_pool_create(&run->workers, &options, NULL);
    }
    return rv;
}

apr_status_t
farm_run(farm_t *farm, apr_array_header_t *tests, const options_t *options,
         apr_pool_t *pool)
{
    run_t run = {0};
    int serial;
    apr_status_t rv;

    memset(farm, 0, sizeof *farm);
    farm->options = options;
    farm->tests = tests;
    farm->attempts = apr_array_make(pool, tests->nelts + 1, sizeof(attempt_t));
    farm->jobs = options->jobs > 0 ? options->jobs : mproc_cpu_count();
    farm->pool = pool;
    farm->date = apr_time_now();
    farm->began = mproc_clock();
    rv = run_init(&run, farm);
    for (serial = 0; rv == APR_SUCCESS && serial < 2; serial++) {
        rv = tests_run(&run, serial);
    }
    farm->ended = mproc_clock();
    mproc_progress_end(run.line);
    if (run.workers != NULL) {
        mproc_pool_close(run.workers);
        mproc_pool_join(run.workers, MPROC_FOREVER);
        mproc_pool_destroy(run.workers);
    }
    if (run.folder != NULL) {
        apr_dir_remove(run.folder, pool);
    }
    return rv == APR_SUCCESS && run.broken ? MPROC_EBROKEN : rv;
}
