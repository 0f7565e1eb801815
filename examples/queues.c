/*
 * queues.c: queues between processes.
 *
 * Sections: s4, a list through a queue; s5, two writers and a reader; s6, a
 * queue that is full; s26, three that put and two that get; s35, every call
 * once; s42, results of children, which a plain array cannot collect.
 */
#include <mproc.h>

#include <stdio.h>
#include <string.h>

#include <apr_general.h>

#include "support/seed.h"

enum {
    CHILDREN = 5
};

static mproc_bytes_t
text_of(const char *text)
{
    mproc_bytes_t bytes = {text, strlen(text)};
    return bytes;
}

static int
text_is(mproc_bytes_t bytes, const char *text)
{
    return bytes.size == strlen(text) &&
           memcmp(bytes.data, text, bytes.size) == 0;
}

/* ------------------------------------------------------- s4: a list through */

static int
put_list(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;

    return mproc_unpack(args, pool, "o", &queue) != APR_SUCCESS ||
           mproc_queue_putf(queue, MPROC_FOREVER, "[i n s]", 42, "hello") !=
               APR_SUCCESS;
}

static void
section_s4(apr_pool_t *pool)
{
    mproc_process_t *process;
    mproc_queue_t *queue;
    mproc_datum_t *item;

    CHECK_OK(mproc_queue_create(&queue, 0, pool));
    CHECK_OK(mproc_process_create(&process, put_list, NULL, pool, "o", queue));
    CHECK_OK(mproc_process_start(process));
    CHECK_OK(mproc_queue_getf(queue, MPROC_FOREVER, pool, "v", &item));
    seed_say("%s", mproc_datum_text(item, NULL));
    CHECK(strcmp(mproc_datum_text(item, NULL), "[42, null, \"hello\"]") == 0);
    process_expect(process, 0);
}

/* --------------------------------------------- s5: two writers and a reader */

/* Shared by the reader and main. */
typedef struct reading_t {
    int read, bad;
    int next[2]; /* of writer a, of writer b */
} reading_t;

/* An item each tenth of a second. */
static int
write_items(mproc_bytes_t args, apr_pool_t *pool)
{
    apr_int64_t second;
    mproc_queue_t *queue;
    const char *name;
    int count, i;

    if (mproc_unpack(args, pool, "o s i I", &queue, &name, &count, &second) !=
        APR_SUCCESS) {
        return 1;
    }
    for (i = 0; i < count; i++) {
        if (mproc_queue_putf(queue, MPROC_FOREVER, "s i", name, i) !=
            APR_SUCCESS) {
            return 2;
        }
        apr_sleep(second / 10);
    }
    return 0;
}

/* Get an item without waiting: main's come first, each writer's in order.
 * Returns 0 when there is none. */
static int
item_read(mproc_queue_t *queue, reading_t *reading, apr_pool_t *pool)
{
    const char *writer;
    int number;

    if (mproc_queue_getf(queue, MPROC_NOWAIT, pool, "s i", &writer, &number) !=
        APR_SUCCESS) {
        return 0;
    }
    printf("read: %s %d\n", writer, number);
    fflush(stdout);
    reading->bad += reading->read < 2
                        ? strcmp(writer, "main") != 0
                        : number != reading->next[writer[0] == 'b']++;
    reading->read++;
    return 1;
}

/* An item each half second, while there are any. */
static int
read_items(mproc_bytes_t args, apr_pool_t *pool)
{
    apr_int64_t second;
    mproc_queue_t *queue;
    mproc_value_t *value;

    if (mproc_unpack(args, pool, "o o I", &queue, &value, &second) !=
        APR_SUCCESS) {
        return 1;
    }
    while (mproc_queue_size(queue) > 0 &&
           item_read(queue, mproc_value_data(value), pool)) {
        apr_sleep(second / 2);
    }
    return 0;
}

static void
section_s5(apr_pool_t *pool)
{
    mproc_process_t *a, *b, *reader;
    apr_int64_t second = seed_seconds(1);
    mproc_queue_t *queue;
    mproc_value_t *value;
    reading_t *reading;
    int left;

    CHECK_OK(mproc_queue_create(&queue, 0, pool));
    CHECK_OK(mproc_raw_value_create(&value, sizeof *reading, NULL, pool));
    reading = mproc_value_data(value);
    CHECK_OK(mproc_queue_putf(queue, MPROC_FOREVER, "s i", "main", 0));
    CHECK_OK(mproc_queue_putf(queue, MPROC_FOREVER, "s i", "main", 1));
    CHECK_OK(mproc_process_create(&a, write_items, NULL, pool, "o s i I", queue,
                                  "a", 5, second));
    CHECK_OK(mproc_process_create(&b, write_items, NULL, pool, "o s i I", queue,
                                  "b", 8, second));
    CHECK_OK(mproc_process_create(&reader, read_items, NULL, pool, "o o I",
                                  queue, value, second));
    CHECK_OK(mproc_process_start(a));
    CHECK_OK(mproc_process_start(b));
    CHECK_OK(mproc_process_start(reader));
    process_expect(a, 0);
    process_expect(b, 0);
    /* What is unread keeps nobody from ending. */
    seed_say("the writers have ended, %d items are left",
             (int)mproc_queue_size(queue));
    CHECK(mproc_queue_size(queue) > 0);
    process_expect(reader, 0);
    left = (int)mproc_queue_size(queue);
    seed_say("read %d, left %d", reading->read, left);
    CHECK(reading->read >= 2);
    CHECK(reading->read + left == 15);
    while (item_read(queue, reading, pool)) {
    }
    CHECK(reading->read == 15 && reading->bad == 0);
    CHECK(reading->next[0] == 5 && reading->next[1] == 8);
}

/* ------------------------------------------------- s6: a queue that is full */

/* After a second. */
static int
get_first(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    apr_int64_t second;
    int one;

    if (mproc_unpack(args, pool, "o I", &queue, &second) != APR_SUCCESS) {
        return 1;
    }
    apr_sleep(second);
    return mproc_queue_getf(queue, MPROC_FOREVER, pool, "i", &one) !=
               APR_SUCCESS ||
           one != 1;
}

static void
items_expect(mproc_queue_t *queue, int count, const char *const *texts,
             apr_pool_t *pool)
{
    mproc_datum_t *item;
    int i;

    for (i = 0; i < count; i++) {
        if (CHECK_OK(mproc_queue_getf(queue, MPROC_NOWAIT, pool, "v", &item))) {
            seed_say("%s", mproc_datum_text(item, NULL));
            CHECK(strcmp(mproc_datum_text(item, NULL), texts[i]) == 0);
        }
    }
}

static void
section_s6(apr_pool_t *pool)
{
    static const char *const rest[] = {"{\"a\": 4}", "[1, 3, 4]", "\"fourth\""};
    mproc_process_t *process;
    mproc_queue_t *queue;
    apr_time_t began;

    CHECK_OK(mproc_queue_create(&queue, 3, pool));
    CHECK_OK(mproc_queue_putf(queue, MPROC_NOWAIT, "i", 1));
    CHECK_OK(mproc_queue_putf(queue, MPROC_NOWAIT, "{s: i}", "a", 4));
    CHECK_OK(mproc_queue_putf(queue, MPROC_NOWAIT, "[i i i]", 1, 3, 4));
    CHECK(mproc_queue_full(queue));
    CHECK(mproc_queue_putf(queue, MPROC_NOWAIT, "s", "no") == APR_TIMEUP);
    CHECK(mproc_queue_putf(queue, 1000, "s", "no") == APR_TIMEUP);
    CHECK_OK(mproc_process_create(&process, get_first, NULL, pool, "o I", queue,
                                  seed_seconds(1)));
    began = seed_say("the fourth waits until one is got");
    CHECK_OK(mproc_process_start(process));
    CHECK_OK(mproc_queue_putf(queue, MPROC_FOREVER, "s", "fourth"));
    CHECK(mproc_clock() - began >= seed_seconds(1));
    process_expect(process, 0);
    items_expect(queue, 3, rest, pool);
}

/* ------------------------------------- s26: three put a number, two get one */

static int
put_number(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_value_t *diaries;
    unsigned char number;
    int self;

    if (mproc_unpack(args, pool, "o o i", &queue, &diaries, &self) !=
            APR_SUCCESS ||
        apr_generate_random_bytes(&number, 1) != APR_SUCCESS) {
        return 1;
    }
    printf("put %d\n", number);
    diary_at(diaries, self)->note = number;
    return mproc_queue_putf(queue, MPROC_FOREVER, "i", (int)number) !=
           APR_SUCCESS;
}

static int
get_number(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_value_t *diaries;
    int self, number;

    if (mproc_unpack(args, pool, "o o i", &queue, &diaries, &self) !=
            APR_SUCCESS ||
        mproc_queue_getf(queue, MPROC_FOREVER, pool, "i", &number) !=
            APR_SUCCESS) {
        return 1;
    }
    printf("got %d\n", number);
    diary_at(diaries, self)->note = number;
    return 0;
}

/* Cross a number out, if it is there. */
static int
number_strike(mproc_value_t *diaries, apr_int64_t number)
{
    int i;

    for (i = 0; i < 3; i++) {
        if (diary_at(diaries, i)->note == number) {
            diary_at(diaries, i)->note = -1;
            return 1;
        }
    }
    return 0;
}

static void
section_s26(apr_pool_t *pool)
{
    mproc_value_t *diaries = diaries_create(5, pool);
    mproc_process_t *process[5]; /* three put, two get */
    mproc_queue_t *queue;
    int i, left = 0;

    CHECK_OK(mproc_queue_create(&queue, 5, pool));
    for (i = 0; i < 5; i++) {
        CHECK_OK(mproc_process_create(&process[i],
                                      i < 3 ? put_number : get_number, NULL,
                                      pool, "o o i", queue, diaries, i));
        CHECK_OK(mproc_process_start(process[i]));
    }
    for (i = 0; i < 5; i++) {
        process_expect(process[i], 0);
    }
    CHECK(mproc_queue_size(queue) == 1);
    CHECK_OK(mproc_queue_getf(queue, MPROC_NOWAIT, pool, "i", &left));
    seed_say("left %d", left);
    CHECK(number_strike(diaries, diary_at(diaries, 3)->note));
    CHECK(number_strike(diaries, diary_at(diaries, 4)->note));
    CHECK(number_strike(diaries, left));
}

/* --------------------------------------------------- s35: every call once */

/* Put in each way, into an empty queue for five. */
static void
put_everything(mproc_queue_t *queue)
{
    mproc_bytes_t many[2] = {text_of("one"), text_of("two")};
    void *place;
    int count;

    CHECK(mproc_queue_empty(queue) && !mproc_queue_full(queue));
    CHECK_OK(mproc_queue_put(queue, text_of("first"), MPROC_FOREVER));
    CHECK_OK(mproc_queue_put_many(queue, many, 2, MPROC_NOWAIT, &count));
    CHECK(count == 2);
    CHECK_OK(mproc_queue_putf(queue, 1000, "i s", 4, "four"));
    CHECK_OK(mproc_queue_reserve(queue, 100, &place, MPROC_NOWAIT));
    CHECK_OK(mproc_queue_abandon(queue, place));
    CHECK_OK(mproc_queue_reserve(queue, 5, &place, MPROC_NOWAIT));
    memcpy(place, "place", 5);
    CHECK_OK(mproc_queue_commit(queue, place));
    CHECK(mproc_queue_size(queue) == 5 && mproc_queue_full(queue));
    CHECK(mproc_queue_put(queue, text_of("no"), MPROC_NOWAIT) == APR_TIMEUP);
    CHECK(mproc_queue_put(queue, text_of("no"), 1000) == APR_TIMEUP);
}

/* Get it again in each way. */
static void
get_everything(mproc_queue_t *queue, apr_pool_t *pool)
{
    mproc_bytes_t item, many[1];
    char buffer[8], *text;
    apr_size_t length;
    int number, count;

    CHECK_OK(mproc_queue_get(queue, &item, MPROC_FOREVER, pool));
    CHECK(text_is(item, "first"));
    CHECK(mproc_queue_get_into(queue, buffer, 2, &length, MPROC_NOWAIT) ==
          MPROC_ETOOBIG);
    CHECK_OK(mproc_queue_get_into(queue, buffer, sizeof buffer, &length,
                                  MPROC_NOWAIT));
    CHECK(length == 3 && memcmp(buffer, "one", 3) == 0);
    CHECK_OK(mproc_queue_get_many(queue, many, 1, &count, MPROC_NOWAIT, pool));
    CHECK(count == 1 && text_is(many[0], "two"));
    CHECK_OK(mproc_queue_getf(queue, 1000, pool, "i s", &number, &text));
    CHECK(number == 4 && strcmp(text, "four") == 0);
    CHECK_OK(mproc_queue_take(queue, &item, MPROC_NOWAIT));
    CHECK(text_is(item, "place"));
    CHECK_OK(mproc_queue_give_back(queue, item));
    CHECK(mproc_queue_get(queue, &item, MPROC_NOWAIT, pool) == APR_TIMEUP);
    CHECK(mproc_queue_get(queue, &item, 1000, pool) == APR_TIMEUP);
}

static void
section_s35(apr_pool_t *pool)
{
    mproc_queue_options_t options = {.attempts = 2};
    mproc_queue_t *queue;
    mproc_bytes_t item;
    int i;

    CHECK_OK(mproc_queue_create(&queue, 5, pool));
    put_everything(queue);
    get_everything(queue, pool);
    CHECK(mproc_queue_join(queue, 1000) == APR_TIMEUP);
    for (i = 0; i < 5; i++) {
        CHECK_OK(mproc_queue_task_done(queue));
    }
    CHECK(mproc_queue_task_done(queue) == MPROC_ESTATE);
    CHECK_OK(mproc_queue_join(queue, MPROC_FOREVER));
    CHECK_OK(mproc_queue_shutdown(queue, 0));
    CHECK(mproc_queue_put(queue, text_of("no"), MPROC_NOWAIT) == APR_EOF);
    CHECK(mproc_queue_get(queue, &item, MPROC_FOREVER, pool) == APR_EOF);
    /* There is no thread to join first: what was put is there. */
    CHECK_OK(mproc_queue_close(queue));
    CHECK(mproc_queue_get(queue, &item, MPROC_NOWAIT, pool) == MPROC_ECLOSED);
    mproc_queue_destroy(queue);

    /* At least once. */
    CHECK_OK(mproc_queue_create_with(&queue, &options, pool));
    CHECK_OK(mproc_queue_put(queue, text_of("task"), MPROC_NOWAIT));
    CHECK_OK(mproc_queue_take(queue, &item, MPROC_NOWAIT));
    CHECK(mproc_queue_attempt(queue, item) == 1);
    CHECK_OK(mproc_queue_give_back(queue, item));
    CHECK_OK(mproc_queue_join(queue, MPROC_FOREVER));
    seed_say("every call did what it must");
}

/* ------------------------------------------------ s42: results of children */

static int
put_square(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *results;
    int number;

    return mproc_unpack(args, pool, "o i", &results, &number) != APR_SUCCESS ||
           mproc_queue_putf(results, MPROC_FOREVER, "i i", number,
                            number * number) != APR_SUCCESS;
}

static void
section_s42(apr_pool_t *pool)
{
    mproc_process_t *process[CHILDREN];
    int i, number, square, seen = 0;
    mproc_queue_t *results;

    CHECK_OK(mproc_queue_create(&results, 0, pool));
    for (i = 0; i < CHILDREN; i++) {
        CHECK_OK(mproc_process_create(&process[i], put_square, NULL, pool,
                                      "o i", results, i));
        CHECK_OK(mproc_process_start(process[i]));
    }
    for (i = 0; i < CHILDREN; i++) {
        process_expect(process[i], 0);
    }
    while (mproc_queue_getf(results, MPROC_NOWAIT, pool, "i i", &number,
                            &square) == APR_SUCCESS) {
        seed_say("%d squared is %d", number, square);
        CHECK(square == number * number);
        seen |= 1 << number;
    }
    CHECK(seen == (1 << CHILDREN) - 1);
}

int
main(int argc, const char *const *argv)
{
    static const seed_section_t sections[] = {
        {"s4", section_s4},   {"s5", section_s5},   {"s6", section_s6},
        {"s26", section_s26}, {"s35", section_s35}, {"s42", section_s42},
        {NULL, NULL}};

    mproc_initialize(argc, argv);
    return seed_run(argc, argv, MPROC_START_SPAWN, sections);
}
