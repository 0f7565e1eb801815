/*
 * gates.c: who may go in, and when.
 *
 * Sections: s23, a hundred guests at a table, and nobody counts them; s24, ten
 * guests and three seats; s25, a gate that opens and shuts.
 */
#include <mproc.h>

#include <stdio.h>

#include "support/seed.h"

enum {
    CROWD = 100,
    GUESTS = 10,
    SEATS = 3
};

/* The table, under the lock of its value. */
typedef struct table_t {
    int seated, most, sat, left;
    int left_before[CROWD]; /* how many had left when the n-th sat down */
} table_t;

static table_t *
table_acquire(mproc_value_t *value)
{
    return mproc_value_acquire(value, MPROC_FOREVER) == APR_SUCCESS
               ? mproc_value_data(value)
               : NULL;
}

/* Returns how many have sat down so far, or 0. */
static int
table_sit(mproc_value_t *value)
{
    table_t *table = table_acquire(value);
    int sat;

    if (table == NULL) {
        return 0;
    }
    table->left_before[table->sat] = table->left;
    sat = ++table->sat;
    table->seated++;
    if (table->seated > table->most) {
        table->most = table->seated;
    }
    mproc_value_release(value);
    return sat;
}

static int
table_leave(mproc_value_t *value)
{
    table_t *table = table_acquire(value);

    if (table == NULL) {
        return 0;
    }
    table->seated--;
    table->left++;
    return mproc_value_release(value) == APR_SUCCESS;
}

/* ------------------------------------------------ s23: without a semaphore */

/* Eats until the last one has sat down. */
static int
crowd_guest(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *table;
    mproc_event_t *all;
    int sat;

    if (mproc_unpack(args, pool, "o o", &table, &all) != APR_SUCCESS ||
        (sat = table_sit(table)) == 0) {
        return 1;
    }
    if (sat == CROWD) {
        mproc_event_set(all);
    }
    if (mproc_event_wait(all, MPROC_FOREVER) != APR_SUCCESS) {
        return 2;
    }
    return !table_leave(table);
}

static void
section_s23(apr_pool_t *pool)
{
    static mproc_process_t *guest[CROWD];
    mproc_value_t *value;
    mproc_event_t *all;
    const table_t *table;
    int i;

    CHECK_OK(mproc_value_create(&value, sizeof *table, NULL, pool));
    CHECK_OK(mproc_event_create(&all, pool));
    for (i = 0; i < CROWD; i++) {
        CHECK_OK(mproc_process_create(&guest[i], crowd_guest, NULL, pool, "o o",
                                      value, all));
        CHECK_OK(mproc_process_start(guest[i]));
    }
    for (i = 0; i < CROWD; i++) {
        process_expect(guest[i], 0);
    }
    table = mproc_value_data(value);
    seed_say("at most %d at the table, %d have left", table->most, table->left);
    CHECK(table->most == CROWD);
    CHECK(table->left == CROWD && table->seated == 0);
}

/* ------------------------------------------------------ s24: three seats */

static int
guest_eat(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_semaphore_t *seats;
    mproc_value_t *table;
    apr_int64_t second;
    int self;

    if (mproc_unpack(args, pool, "o o i I", &seats, &table, &self, &second) !=
            APR_SUCCESS ||
        mproc_semaphore_acquire(seats, MPROC_FOREVER) != APR_SUCCESS) {
        return 1;
    }
    if (table_sit(table) == 0) {
        return 2;
    }
    printf("guest %d sits\n", self);
    fflush(stdout);
    apr_sleep(second);
    printf("guest %d leaves\n", self);
    if (!table_leave(table)) {
        return 3;
    }
    return mproc_semaphore_release(seats) != APR_SUCCESS;
}

static void
section_s24(apr_pool_t *pool)
{
    mproc_process_t *guest[GUESTS];
    mproc_semaphore_t *seats;
    mproc_value_t *value;
    const table_t *table;
    int i;

    CHECK_OK(mproc_semaphore_create(&seats, SEATS, pool));
    CHECK_OK(mproc_value_create(&value, sizeof *table, NULL, pool));
    for (i = 0; i < GUESTS; i++) {
        CHECK_OK(mproc_process_create(&guest[i], guest_eat, NULL, pool,
                                      "o o i I", seats, value, i,
                                      seed_seconds(1)));
        CHECK_OK(mproc_process_start(guest[i]));
    }
    for (i = 0; i < GUESTS; i++) {
        process_expect(guest[i], 0);
    }
    table = mproc_value_data(value);
    seed_say("at most %d at the table, %d have eaten", table->most,
             table->left);
    CHECK(table->most <= SEATS);
    CHECK(table->left == GUESTS && table->seated == 0);
    for (i = SEATS; i < GUESTS; i++) {
        CHECK(table->left_before[i] > i - SEATS);
    }
    CHECK(mproc_semaphore_value(seats) == SEATS);
}

/* ------------------------------------------------------------ s25: a gate */

static int
passer(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *diaries;
    mproc_event_t *gate;
    apr_int64_t second;

    if (mproc_unpack(args, pool, "o o I", &diaries, &gate, &second) !=
        APR_SUCCESS) {
        return 1;
    }
    diary_begin(diary_at(diaries, 0));
    while (mproc_event_wait(gate, MPROC_FOREVER) == APR_SUCCESS) {
        puts("passed");
        fflush(stdout);
        diary_tick(diary_at(diaries, 0));
        apr_sleep(second);
    }
    return 2;
}

/* Wait until it has printed since: the gate is open. */
static void
ticks_go_on(const diary_t *diary, apr_int64_t since)
{
    apr_time_t deadline = mproc_clock() + apr_time_from_sec(30);

    while (diary->ticks <= since && mproc_clock() < deadline) {
        apr_sleep(1000);
    }
    CHECK(diary->ticks > since);
}

static void
section_s25(apr_pool_t *pool)
{
    mproc_value_t *diaries = diaries_create(1, pool);
    const diary_t *diary = diary_at(diaries, 0);
    mproc_process_t *process;
    mproc_event_t *gate;
    apr_int64_t before = 0;
    int digit;

    CHECK_OK(mproc_event_create(&gate, pool));
    CHECK_OK(mproc_process_create(&process, passer, NULL, pool, "o o I",
                                  diaries, gate, seed_seconds(1)));
    CHECK_OK(mproc_process_start(process));
    diaries_wait_begun(diaries, 1);
    /* The last digit of the second: from 3 to 5, and 9, it is open. */
    for (digit = 0; digit < 10; digit++) {
        int open = digit / 3 % 2 == 1;
        seed_say("second %d: %s", digit, open ? "open" : "shut");
        if (open && !mproc_event_is_set(gate)) {
            /* One may have gone through just before it was shut. */
            CHECK(diary->ticks - before <= (digit > 3));
            before = diary->ticks;
            CHECK_OK(mproc_event_set(gate));
        }
        else if (!open && mproc_event_is_set(gate)) {
            ticks_go_on(diary, before);
            CHECK_OK(mproc_event_clear(gate));
            before = diary->ticks;
        }
        apr_sleep(seed_seconds(1));
    }
    CHECK_OK(mproc_event_set(gate));
    apr_sleep(seed_seconds(3));
    ticks_go_on(diary, before);
    CHECK_OK(mproc_process_terminate(process));
    process_expect(process, -15);
}

int
main(int argc, const char *const *argv)
{
    static const seed_section_t sections[] = {{"s23", section_s23},
                                              {"s24", section_s24},
                                              {"s25", section_s25},
                                              {NULL, NULL}};

    mproc_initialize(argc, argv);
    return seed_run(argc, argv, MPROC_START_SPAWN, sections);
}
