/*
 * ends.c: how processes end when they do not end by themselves.
 *
 * Sections: s19, an endless process is terminated; s18, at the end of main
 * daemons are ended and the others waited for.
 */
#include <mproc.h>

#include <stdio.h>

#include "support/seed.h"

static int
nothing(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 0;
}

/* A daemon may not start processes: the status of trying. */
static apr_status_t
child_try(apr_pool_t *pool)
{
    mproc_process_t *process;
    apr_status_t rv = mproc_process_create(&process, nothing, NULL, pool, NULL);

    return rv == APR_SUCCESS ? mproc_process_start(process) : rv;
}

/* Prints for ever, once a second, from half a second on. */
static int
printer(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *diaries;
    apr_int64_t second;
    const char *name;

    if (mproc_unpack(args, pool, "o s I", &diaries, &name, &second) !=
        APR_SUCCESS) {
        return 1;
    }
    if (mproc_process_daemon(mproc_process_current())) {
        diary_at(diaries, 0)->note = child_try(pool);
    }
    diary_begin(diary_at(diaries, 0));
    for (apr_sleep(second / 2);; apr_sleep(second)) {
        printf("%s: still here\n", name);
        fflush(stdout);
        diary_tick(diary_at(diaries, 0));
    }
}

static void
section_s19(apr_pool_t *pool)
{
    mproc_value_t *diaries = diaries_create(1, pool);
    mproc_process_t *process;
    int signal = 0;

    CHECK_OK(mproc_process_create(&process, printer, NULL, pool, "o s I",
                                  diaries, "endless", seed_seconds(1)));
    CHECK_OK(mproc_process_start(process));
    diaries_wait_begun(diaries, 1);
    apr_sleep(seed_seconds(3));
    CHECK(mproc_process_is_alive(process));
    CHECK_OK(mproc_process_terminate(process));
    /* Terminating takes a moment: at once, both answers are right. */
    seed_say("at once: alive=%d", mproc_process_is_alive(process));
    apr_sleep(seed_seconds(1));
    seed_say("later: alive=%d", mproc_process_is_alive(process));
    CHECK(!mproc_process_is_alive(process));
    process_expect(process, -15);
    CHECK_OK(mproc_process_killed_by(process, &signal));
    CHECK(signal == 15);
    CHECK(diary_at(diaries, 0)->ticks >= 2);
}

static int
sleeper(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *diaries;
    apr_int64_t second;

    if (mproc_unpack(args, pool, "o I", &diaries, &second) != APR_SUCCESS) {
        return 1;
    }
    diary_begin(diary_at(diaries, 1));
    puts("p2: sleeping");
    fflush(stdout);
    apr_sleep(10 * second);
    puts("p2: end");
    diary_end(diary_at(diaries, 1));
    return 0;
}

static void
section_s18(apr_pool_t *pool)
{
    mproc_value_t *diaries = diaries_create(2, pool);
    diary_t *p1 = diary_at(diaries, 0), *p2 = diary_at(diaries, 1);
    mproc_process_options_t daemon = {0};
    mproc_process_t *process[2];
    apr_time_t second = seed_seconds(1), line, end;
    int lines;

    daemon.daemon = 1;
    CHECK_OK(mproc_process_create(&process[0], printer, &daemon, pool, "o s I",
                                  diaries, "p1", seed_seconds(1)));
    CHECK_OK(mproc_process_create(&process[1], sleeper, NULL, pool, "o I",
                                  diaries, seed_seconds(1)));
    CHECK_OK(mproc_process_start(process[0]));
    CHECK_OK(mproc_process_start(process[1]));
    diaries_wait_begun(diaries, 2);
    /* Five seconds, less what p2 came later: so far from any line of p1. */
    apr_sleep(5 * second - (mproc_clock() - p1->began) % second);
    line = seed_say("end");
    lines = (int)((line - p1->began + second / 2) / second);
    /* What exit() does when main returns; here, so that it can be checked. */
    mproc_shutdown();
    end = mproc_clock();
    CHECK(!mproc_process_is_alive(process[0]));
    process_expect(process[0], -15);
    process_expect(process[1], 0);
    CHECK(p1->note == MPROC_ESTATE);
    CHECK(p1->ticks >= lines - 1 && p1->ticks <= lines);
    CHECK(p1->last_tick <= line);
    CHECK(p2->ended > line && p2->ended <= end);
    CHECK(end - p2->began >= seed_seconds(10) - 1000);
}

int
main(int argc, const char *const *argv)
{
    static const seed_section_t sections[] = {
        {"s19", section_s19}, {"s18", section_s18}, {NULL, NULL}};

    mproc_initialize(argc, argv);
    return seed_run(argc, argv, MPROC_START_SPAWN, sections);
}
