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

#include "support/seed.h"

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

static mproc_process_t *
start(mproc_target_fn_t target, apr_pool_t *pool, mproc_queue_t *queue,
      const char *text, int number)
{
    mproc_process_t *process = NULL;
    CHECK_OK(mproc_process_create(&process, target, NULL, pool, "o s i", queue,
                                  text, number));
    CHECK_OK(mproc_process_start(process));
    return process;
}

/* ------------------------------------------------------- s4: a list through */

static int
put_list(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    return mproc_unpack(args, pool, "o * *", &queue) != APR_SUCCESS ||
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
    process = start(put_list, pool, queue, "", 0);
    CHECK_OK(mproc_queue_getf(queue, MPROC_FOREVER, pool, "v", &item));
    seed_say("%s", mproc_datum_text(item, NULL));
    CHECK(strcmp(mproc_datum_text(item, NULL), "[42, null, \"hello\"]") == 0);
    process_expect(process, 0);
}

/* --------------------------------------------- s5: two writers and a reader */

static int
write_items(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    const char *name;
    int count, i;

    if (mproc_unpack(args, pool, "o s i", &queue, &name, &count) !=
        APR_SUCCESS) {
        return 1;
    }
    for (i = 0; i < count; i++) {
        if (mproc_queue_putf(queue, MPROC_FOREVER, "s i", name, i) !=
            APR_SUCCESS) {
            return 2;
        }
    }
    return 0;
}

/* Get what is there; each writer's items must come in order. */
static int
read_items(mproc_queue_t *queue, int *next, apr_pool_t *pool)
{
    const char *name;
    int count = 0, number;

    while (mproc_queue_size(queue) > 0 &&
           mproc_queue_getf(queue, MPROC_NOWAIT, pool, "s i", &name, &number) ==
               APR_SUCCESS) {
        int writer = strcmp(name, "b") == 0;
        if (strcmp(name, "origin") != 0) {
            CHECK(number == next[writer]++);
        }
        count++;
    }
    return count;
}

static void
section_s5(apr_pool_t *pool)
{
    mproc_process_t *a, *b;
    mproc_queue_t *queue;
    int next[2] = {0, 0}, read, left;

    CHECK_OK(mproc_queue_create(&queue, 0, pool));
    CHECK_OK(mproc_queue_putf(queue, MPROC_FOREVER, "s i", "origin", 0));
    CHECK_OK(mproc_queue_putf(queue, MPROC_FOREVER, "s i", "origin", 1));
    a = start(write_items, pool, queue, "a", 5);
    b = start(write_items, pool, queue, "b", 8);
    read = read_items(queue, next, pool);
    CHECK(read >= 2);
    /* Unread items keep nobody from ending. */
    process_expect(a, 0);
    process_expect(b, 0);
    left = (int)mproc_queue_size(queue);
    seed_say("read %d, left %d", read, left);
    CHECK(read + left == 15);
    CHECK(read_items(queue, next, pool) == left);
    CHECK(next[0] == 5 && next[1] == 8);
}

/* ------------------------------------------------- s6: a queue that is full */

static int
get_one(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    int one;
    return mproc_unpack(args, pool, "o * *", &queue) != APR_SUCCESS ||
           mproc_queue_getf(queue, MPROC_FOREVER, pool, "i", &one) !=
               APR_SUCCESS ||
           one != 1;
}

static void
section_s6(apr_pool_t *pool)
{
    mproc_process_t *process;
    mproc_queue_t *queue;
    mproc_datum_t *map, *list;

    CHECK_OK(mproc_queue_create(&queue, 3, pool));
    CHECK_OK(mproc_queue_putf(queue, MPROC_NOWAIT, "i", 1));
    CHECK_OK(mproc_queue_putf(queue, MPROC_NOWAIT, "{s: i}", "a", 4));
    CHECK_OK(mproc_queue_putf(queue, MPROC_NOWAIT, "[i i i]", 1, 3, 4));
    CHECK(mproc_queue_full(queue));
    CHECK(mproc_queue_putf(queue, MPROC_NOWAIT, "s", "no") == APR_TIMEUP);
    CHECK(mproc_queue_putf(queue, 1000, "s", "no") == APR_TIMEUP);
    process = start(get_one, pool, queue, "", 0);
    seed_say("the fourth waits until one is got");
    CHECK_OK(mproc_queue_putf(queue, MPROC_FOREVER, "s", "fourth"));
    process_expect(process, 0);
    CHECK_OK(mproc_queue_getf(queue, MPROC_NOWAIT, pool, "v", &map));
    CHECK_OK(mproc_queue_getf(queue, MPROC_NOWAIT, pool, "v", &list));
    seed_say("%s %s", mproc_datum_text(map, NULL),
             mproc_datum_text(list, NULL));
    CHECK(strcmp(mproc_datum_text(map, NULL), "{\"a\": 4}") == 0);
    CHECK(strcmp(mproc_datum_text(list, NULL), "[1, 3, 4]") == 0);
}

/* ---------------------------------------------- s26: three put, two get */

static int
put_number(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    int number;
    return mproc_unpack(args, pool, "o * i", &queue, &number) != APR_SUCCESS ||
           mproc_queue_putf(queue, MPROC_FOREVER, "i", number) != APR_SUCCESS;
}

static int
get_number(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    int number;
    if (mproc_unpack(args, pool, "o * *", &queue) != APR_SUCCESS ||
        mproc_queue_getf(queue, MPROC_FOREVER, pool, "i", &number) !=
            APR_SUCCESS) {
        return 1;
    }
    return number;
}

static void
section_s26(apr_pool_t *pool)
{
    mproc_process_t *putter[3], *getter[2];
    mproc_queue_t *queue;
    int i, code, left, sum = 10 + 20 + 40;

    CHECK_OK(mproc_queue_create(&queue, 5, pool));
    for (i = 0; i < 2; i++) {
        getter[i] = start(get_number, pool, queue, "", 0);
    }
    for (i = 0; i < 3; i++) {
        putter[i] = start(put_number, pool, queue, "", 10 << i);
    }
    for (i = 0; i < 3; i++) {
        process_expect(putter[i], 0);
    }
    for (i = 0; i < 2; i++) {
        CHECK_OK(mproc_process_join(getter[i], MPROC_FOREVER));
        CHECK_OK(mproc_process_exitcode(getter[i], &code));
        seed_say("got %d", code);
        CHECK(code == 10 || code == 20 || code == 40);
        sum -= code;
    }
    CHECK(mproc_queue_size(queue) == 1);
    CHECK_OK(mproc_queue_getf(queue, MPROC_NOWAIT, pool, "i", &left));
    seed_say("left %d", left);
    CHECK(left == sum);
}

/* --------------------------------------------------- s35: every call once */

static void
section_s35(apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_bytes_t item, many[2] = {text_of("one"), text_of("two")};
    char buffer[8];
    apr_size_t length;
    void *place;
    int count;

    CHECK_OK(mproc_queue_create(&queue, 4, pool));
    CHECK(mproc_queue_empty(queue) && !mproc_queue_full(queue));
    CHECK(mproc_queue_get(queue, &item, MPROC_NOWAIT, pool) == APR_TIMEUP);
    CHECK(mproc_queue_get(queue, &item, 1000, pool) == APR_TIMEUP);
    CHECK_OK(mproc_queue_put(queue, text_of("first"), MPROC_FOREVER));
    CHECK_OK(mproc_queue_put_many(queue, many, 2, MPROC_NOWAIT, &count));
    CHECK_OK(mproc_queue_reserve(queue, 5, &place, MPROC_NOWAIT));
    memcpy(place, "place", 5);
    CHECK_OK(mproc_queue_commit(queue, place));
    CHECK(mproc_queue_size(queue) == 4 && mproc_queue_full(queue));
    CHECK(mproc_queue_put(queue, text_of("no"), MPROC_NOWAIT) == APR_TIMEUP);
    CHECK_OK(mproc_queue_get(queue, &item, MPROC_NOWAIT, pool));
    CHECK(text_is(item, "first"));
    CHECK(mproc_queue_get_into(queue, buffer, 2, &length, MPROC_NOWAIT) ==
          MPROC_ETOOBIG);
    CHECK_OK(mproc_queue_get_into(queue, buffer, sizeof buffer, &length,
                                  MPROC_NOWAIT));
    CHECK(length == 3 && memcmp(buffer, "one", 3) == 0);
    CHECK_OK(mproc_queue_get_many(queue, many, 1, &count, MPROC_NOWAIT, pool));
    CHECK(count == 1 && text_is(many[0], "two"));
    CHECK_OK(mproc_queue_take(queue, &item, MPROC_NOWAIT));
    CHECK(text_is(item, "place"));
    CHECK_OK(mproc_queue_give_back(queue, item));
    CHECK(mproc_queue_join(queue, 1000) == APR_TIMEUP);
    for (count = 0; count < 4; count++) {
        CHECK_OK(mproc_queue_task_done(queue));
    }
    CHECK(mproc_queue_task_done(queue) == MPROC_ESTATE);
    CHECK_OK(mproc_queue_join(queue, MPROC_FOREVER));
    CHECK_OK(mproc_queue_shutdown(queue, 0));
    CHECK(mproc_queue_get(queue, &item, MPROC_FOREVER, pool) == APR_EOF);
    CHECK_OK(mproc_queue_close(queue));
    CHECK(mproc_queue_get(queue, &item, MPROC_NOWAIT, pool) == MPROC_ECLOSED);
    seed_say("every call did what it must");
}

/* ------------------------------------------------ s42: results of children */

static void
section_s42(apr_pool_t *pool)
{
    mproc_process_t *process[5];
    mproc_queue_t *queue;
    int i, number, sum = 0;

    CHECK_OK(mproc_queue_create(&queue, 0, pool));
    for (i = 0; i < 5; i++) {
        process[i] = start(put_number, pool, queue, "", i * i);
    }
    for (i = 0; i < 5; i++) {
        process_expect(process[i], 0);
    }
    for (i = 0; i < 5; i++) {
        CHECK_OK(mproc_queue_getf(queue, MPROC_NOWAIT, pool, "i", &number));
        seed_say("result %d", number);
        sum += number;
    }
    CHECK(sum == 0 + 1 + 4 + 9 + 16);
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
