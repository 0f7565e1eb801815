/* test_queue_share.c: the queue between processes and threads (Q1, Q2, Q4, Q12,
 * Q14, Q16 to Q21, Q23, Q24, JQ3, SQ1). */
#include <stdio.h>
#include <string.h>

#include <apr_thread_proc.h>

#include "bytes.h"
#include "items.h"
#include "kin.h"

#define WORKERS 4

static int
echo(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *to, *from;
    mproc_bytes_t item;
    apr_status_t rv;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &to, &from));
    while ((rv = mproc_queue_take(to, &item, test_deadline())) == APR_SUCCESS) {
        CHILD_STATUS(APR_SUCCESS, mproc_queue_put(from, item, test_deadline()));
        CHILD_STATUS(APR_SUCCESS, mproc_queue_give_back(to, item));
    }
    CHILD_STATUS(APR_EOF, rv);
    return 0;
}

/* Q4, SQ1: nobody is woken by looking around. */
static void
there_and_back(apr_pool_t *pool)
{
    enum {
        ROUNDS = 2000
    };
    mproc_queue_t *to = queue_new(0, pool), *from = queue_new(2, pool);
    mproc_process_t *child;
    apr_uint64_t rescues = census_rescues();
    unsigned i;

    START(child, echo, pool, "oo", to, from);
    for (i = 0; i < ROUNDS; i++) {
        apr_size_t size = i % 100 == 0 ? i * 1000 : i % 60;
        mproc_bytes_t item;
        apr_pool_t *own;
        apr_pool_create(&own, pool);
        item = item_make(size, i, own);
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(to, item, test_deadline()));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_get(from, &item, test_deadline(), own));
        REQUIRE(item_is(item, size, i));
        apr_pool_destroy(own);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_queue_shutdown(to, 0));
    JOIN(child, 0);
    CHECK_RESCUES(rescues);
}

/* What each producer notes, in a shared value: tickets before and after. */
typedef struct note_t {
    _Atomic apr_uint64_t before, after, got;
} note_t;

#define EACH 2500

static int
produce(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_value_t *value;
    _Atomic apr_uint64_t *ticket;
    note_t *note;
    int me, i;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooi", &queue, &value, &me));
    ticket = mproc_value_data(value);
    note = (note_t *)(ticket + 1) + me * EACH;
    for (i = 0; i < EACH; i++) {
        int item[2] = {me, i};
        atomic_store(&note[i].before, atomic_fetch_add(ticket, 1));
        CHILD_STATUS(APR_SUCCESS,
                     mproc_queue_put(queue, bytes_of(item, sizeof item),
                                     test_deadline()));
        atomic_store(&note[i].after, atomic_fetch_add(ticket, 1));
    }
    return 0;
}

static int
consume(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_value_t *value;
    note_t *note;
    int item[2], last[WORKERS], i;
    apr_size_t length;
    apr_status_t rv;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &queue, &value));
    note = (note_t *)((_Atomic apr_uint64_t *)mproc_value_data(value) + 1);
    for (i = 0; i < WORKERS; i++) {
        last[i] = -1;
    }
    while ((rv = mproc_queue_get_into(queue, item, sizeof item, &length,
                                      test_deadline())) == APR_SUCCESS) {
        CHILD_CHECK(length == sizeof item && item[0] < WORKERS);
        CHILD_CHECK(item[1] > last[item[0]] && item[1] < EACH);
        last[item[0]] = item[1];
        atomic_fetch_add(&note[item[0] * EACH + item[1]].got, 1);
    }
    CHILD_STATUS(APR_EOF, rv);
    return 0;
}

static mproc_value_t *
notes_new(apr_pool_t *pool)
{
    mproc_value_t *value;
    REQUIRE_STATUS(APR_SUCCESS, mproc_value_create(
                                    &value, 8 + WORKERS * EACH * sizeof(note_t),
                                    NULL, pool));
    return value;
}

/* Q1: each item to one of them, in the order of each producer. */
static void
each_item_goes_to_one(apr_pool_t *pool)
{
    static const apr_size_t maxsizes[] = {0, 1, 7, 64};
    mproc_process_t *producer[WORKERS], *consumer[WORKERS];
    apr_uint64_t rescues = census_rescues();
    size_t round;
    int i;

    for (round = 0; round < sizeof maxsizes / sizeof *maxsizes; round++) {
        mproc_queue_t *queue = queue_new(maxsizes[round], pool);
        mproc_value_t *value = notes_new(pool);
        note_t *note = (note_t *)((apr_uint64_t *)mproc_value_data(value) + 1);
        int wrong = 0;
        for (i = 0; i < WORKERS; i++) {
            START(consumer[i], consume, pool, "oo", queue, value);
            START(producer[i], produce, pool, "ooi", queue, value, i);
        }
        for (i = 0; i < WORKERS; i++) {
            JOIN(producer[i], 0);
        }
        CHECK_STATUS(APR_SUCCESS, mproc_queue_shutdown(queue, 0));
        for (i = 0; i < WORKERS; i++) {
            JOIN(consumer[i], 0);
        }
        for (i = 0; i < WORKERS * EACH; i++) {
            wrong += atomic_load(&note[i].got) != 1;
        }
        CHECK_INT(0, wrong);
        CHECK_INT(0, mproc_queue_size(queue));
        mproc_value_destroy(value);
        mproc_queue_destroy(queue);
    }
    CHECK_RESCUES(rescues);
}

/* Q2: a put that had returned before another began is got before it. */
static void
order_of_puts_is_order_of_gets(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(5, pool);
    mproc_value_t *value = notes_new(pool);
    note_t *note = (note_t *)((apr_uint64_t *)mproc_value_data(value) + 1);
    note_t **seen = apr_palloc(pool, WORKERS * EACH * sizeof *seen);
    mproc_process_t *producer[WORKERS];
    apr_uint64_t least = ~APR_UINT64_C(0);
    int i, wrong = 0;

    for (i = 0; i < WORKERS; i++) {
        START(producer[i], produce, pool, "ooi", queue, value, i);
    }
    for (i = 0; i < WORKERS * EACH; i++) {
        int item[2];
        apr_size_t length;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_get_into(queue, item, sizeof item, &length,
                                            test_deadline()));
        seen[i] = &note[item[0] * EACH + item[1]];
    }
    for (i = 0; i < WORKERS; i++) {
        JOIN(producer[i], 0);
    }
    for (i = WORKERS * EACH - 1; i >= 0; i--) {
        wrong += least < atomic_load(&seen[i]->before);
        if (atomic_load(&seen[i]->after) < least) {
            least = atomic_load(&seen[i]->after);
        }
    }
    CHECK_INT(0, wrong);
}

static int
put_a_megabyte(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    int count, i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oi", &queue, &count));
    for (i = 0; i < count; i++) {
        CHILD_STATUS(APR_SUCCESS,
                     mproc_queue_put(queue,
                                     item_make((1 << 20) / (apr_size_t)count,
                                               (unsigned)i, pool),
                                     MPROC_NOWAIT));
    }
    return 0;
}

/* Q16, Q14, Q17, Q20: the famous trap. The putter ends at once, whatever is
 * unread, and is joined before anybody gets. */
static void
join_first_and_get_later(apr_pool_t *pool)
{
    static const int counts[] = {1, 16, 1000, 100000};
    size_t k;
    int i;

    for (k = 0; k < sizeof counts / sizeof *counts; k++) {
        mproc_queue_t *queue = queue_new(0, pool);
        mproc_process_t *child;
        START(child, put_a_megabyte, pool, "oi", queue, counts[k]);
        JOIN(child, 0);
        CHECK_INT(counts[k], mproc_queue_size(queue));
        for (i = 0; i < counts[k]; i++) {
            mproc_bytes_t item;
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_queue_get(queue, &item, MPROC_NOWAIT, pool));
            REQUIRE(
                item_is(item, (1 << 20) / (apr_size_t)counts[k], (unsigned)i));
        }
        CHECK_INT(1, mproc_queue_empty(queue));
        mproc_queue_destroy(queue);
    }
}

static int
descend(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *child;
    mproc_queue_t *queue;
    int depth, method, code = 1;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "oii", &queue, &depth, &method));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_queue_putf(queue, test_deadline(), "i", depth));
    if (depth == 0) {
        return 0;
    }
    options.start_method = (mproc_start_method_e)method;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_process_create(&child, descend, &options, pool, "oii",
                                      queue, depth - 1, method));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(child));
    CHILD_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_process_exitcode(child, &code));
    return code;
}

/* Q21. */
static void
down_a_chain(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_process_t *child;
    int depth, got;

    START(child, descend, pool, "oii", queue, 3, (int)test_method());
    JOIN(child, 0);
    for (depth = 3; depth >= 0; depth--) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_getf(queue, MPROC_NOWAIT, pool, "i", &got));
        CHECK_INT(depth, got);
    }
}

static int
answer(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *questions, *answers;
    int number;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &questions));
    for (;;) {
        CHILD_STATUS(APR_SUCCESS,
                     mproc_queue_getf(questions, test_deadline(), pool, "[i o]",
                                      &number, &answers));
        CHILD_STATUS(APR_SUCCESS, mproc_queue_putf(answers, MPROC_NOWAIT, "i",
                                                   number * number));
        mproc_queue_destroy(answers);
        if (number == 0) {
            return 0;
        }
    }
}

/* Q19: a queue comes by a queue. */
static void
each_question_brings_its_answers_queue(apr_pool_t *pool)
{
    mproc_queue_t *questions = queue_new(0, pool);
    mproc_process_t *child;
    int i, got;

    START(child, answer, pool, "o", questions);
    for (i = 50; i >= 0; i--) {
        mproc_queue_t *answers = queue_new(1, NULL);
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_putf(questions, MPROC_NOWAIT,
                                                     "[i o]", i, answers));
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_getf(answers, test_deadline(),
                                                     pool, "i", &got));
        CHECK_INT(i * i, got);
        mproc_queue_destroy(answers);
    }
    JOIN(child, 0);
}

static mproc_queue_t *inherited;

static int
put_inherited(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_bytes_t item;
    (void)args;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_queue_get(inherited, &item, MPROC_NOWAIT, pool));
    CHILD_CHECK(item_is(item, 3000, 1));
    CHILD_STATUS(APR_SUCCESS, mproc_queue_put(inherited, item, MPROC_NOWAIT));
    return 0;
}

/* Q18: what is there is not put again; both go on. */
static void
a_forked_child_has_it(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_bytes_t item;
    int i;

    if (test_method() != MPROC_START_FORK) {
        test_skip("only a forked child inherits");
    }
    inherited = queue_new(0, pool);
    for (i = 0; i < 9; i++) {
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_queue_put(inherited, item_make(3000, 1, pool), MPROC_NOWAIT));
    }
    for (i = 0; i < 20; i++) {
        START(child, put_inherited, pool, NULL);
        JOIN(child, 0);
        CHECK_INT(9, mproc_queue_size(inherited));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_queue_get(inherited, &item, MPROC_NOWAIT, pool));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_queue_put(inherited, item, MPROC_NOWAIT));
    }
}

static int
work(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *tasks, *results;
    int number;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &tasks, &results));
    do {
        CHILD_STATUS(APR_SUCCESS, mproc_queue_getf(tasks, test_deadline(), pool,
                                                   "i", &number));
        CHILD_STATUS(APR_SUCCESS, mproc_queue_putf(results, test_deadline(),
                                                   "i", number * 2));
        CHILD_STATUS(APR_SUCCESS, mproc_queue_task_done(tasks));
    } while (number >= 0);
    return 0;
}

/* Q23, JQ1, JQ3: a sentinel for each; join is for all tasks. */
static void
a_sentinel_for_each(apr_pool_t *pool)
{
    mproc_queue_t *tasks = queue_new(0, pool), *results = queue_new(0, pool);
    mproc_process_t *child[WORKERS];
    int i, number, sum = 0;

    for (i = 0; i < WORKERS; i++) {
        START(child[i], work, pool, "oo", tasks, results);
    }
    for (i = 0; i < 500; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_putf(tasks, MPROC_NOWAIT, "i", i));
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_join(tasks, test_deadline()));
    CHECK_INT(500, mproc_queue_size(results));
    for (i = 0; i < WORKERS; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_putf(tasks, MPROC_NOWAIT, "i", -1));
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_join(tasks, test_deadline()));
    for (i = 0; i < WORKERS; i++) {
        JOIN(child[i], 0);
    }
    for (i = 0; i < 500 + WORKERS; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_getf(results, MPROC_NOWAIT,
                                                     pool, "i", &number));
        sum += number;
    }
    CHECK_INT(499 * 500 - 2 * WORKERS, sum);
}

static int
wait_for_eof(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_bytes_t item;
    int put;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oi", &queue, &put));
    if (put) {
        CHILD_STATUS(APR_EOF,
                     mproc_queue_put(queue, BYTES("x"), test_deadline()));
    }
    else {
        CHILD_STATUS(APR_EOF,
                     mproc_queue_get(queue, &item, test_deadline(), pool));
    }
    return 0;
}

/* Q24. */
static void
shutdown_wakes_all(apr_pool_t *pool)
{
    mproc_process_t *child[2 * WORKERS];
    mproc_queue_t *empty = queue_new(0, pool), *full = queue_new(1, pool);
    int i;

    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(full, BYTES("x"), 0));
    for (i = 0; i < 2 * WORKERS; i++) {
        START(child[i], wait_for_eof, pool, "oi", i % 2 ? full : empty, i % 2);
    }
    await_sleepers(items_gate(empty), WORKERS);
    await_sleepers(space_gate(full), WORKERS);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_shutdown(empty, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_shutdown(full, 1));
    for (i = 0; i < 2 * WORKERS; i++) {
        JOIN(child[i], 0);
    }
}

/* ----------------------------------------------------------------- threads */

typedef struct thread_work_t {
    mproc_queue_t *queue;
    apr_status_t status;
    apr_size_t size; /* 0: get; else put, or reserve when it is 1 */
    apr_thread_t *thread;
    int count;
} thread_work_t;

static void *APR_THREAD_FUNC
thread_run(apr_thread_t *thread, void *data)
{
    thread_work_t *job = data;
    static char bytes[64];
    void *room;
    apr_size_t length;

    if (job->size == 0) {
        job->status = mproc_queue_get_into(job->queue, bytes, sizeof bytes,
                                           &length, test_deadline());
    }
    else if (job->size == 1) {
        job->status =
            mproc_queue_reserve(job->queue, 8, &room, test_deadline());
        if (job->status == APR_SUCCESS) {
            mproc_queue_abandon(job->queue, room);
        }
    }
    else {
        job->status = mproc_queue_put(job->queue, BYTES("xy"), test_deadline());
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void
thread_begin(thread_work_t *job, mproc_queue_t *queue, apr_size_t size,
             apr_pool_t *pool)
{
    job->queue = queue;
    job->size = size;
    REQUIRE_STATUS(APR_SUCCESS, apr_thread_create(&job->thread, NULL,
                                                  thread_run, job, pool));
}

static void
thread_end(thread_work_t *job, apr_status_t expected)
{
    apr_status_t rv;
    REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, job->thread));
    CHECK_STATUS(expected, job->status);
}

static int
get_one(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_bytes_t item;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &queue));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_queue_get(queue, &item, test_deadline(), pool));
    return 0;
}

/* Q12: who waits in this process is told; who waits elsewhere is not. */
static void
close_wakes_who_waits_here(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool), *full = queue_new(1, pool);
    mproc_queue_t *other;
    mproc_process_t *child;
    thread_work_t getter[2], putter;
    mproc_bytes_t copy;

    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&copy, pool, "o", queue));
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(copy, pool, "o", &other));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(full, BYTES("x"), 0));
    START(child, get_one, pool, "o", queue);
    thread_begin(&getter[0], queue, 0, pool);
    thread_begin(&getter[1], queue, 0, pool);
    thread_begin(&putter, full, 2, pool);
    await_sleepers(items_gate(queue), 3);
    await_sleepers(space_gate(full), 1);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_close(queue));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_close(full));
    thread_end(&getter[0], MPROC_ECLOSED);
    thread_end(&getter[1], MPROC_ECLOSED);
    thread_end(&putter, MPROC_ECLOSED);
    await_sleepers(items_gate(queue), 1);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_put(other, BYTES("x"), 0));
    JOIN(child, 0);
}

static int
put_one(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &queue));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_queue_put(queue, BYTES("x"), test_deadline()));
    return 0;
}

/* While it spins, who puts waits for room for several; it must not sleep for
 * that, for nobody would wake it. */
static void
room_for_one_is_enough(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(64, pool);
    apr_uint64_t rescues = census_rescues();
    mproc_process_t *child;
    mproc_bytes_t item;
    int i;

    for (i = 0; i < 64; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), 0));
    }
    for (i = 0; i < 10; i++) {
        START(child, put_one, pool, "o", queue);
        if (i % 2 == 0) {
            await_sleepers(space_gate(queue), 1);
        }
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
        JOIN(child, 0);
        CHECK_INT(64, mproc_queue_size(queue));
    }
    CHECK_RESCUES(rescues);
}

/* A reserver sees that there is space, and does not use it. */
static void
a_reserver_wakes_the_next(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(1, pool);
    thread_work_t reserver, putter;
    apr_uint64_t rescues = census_rescues();
    mproc_bytes_t item;
    int i;

    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), 0));
    for (i = 0; i < 20; i++) {
        thread_begin(&reserver, queue, 1, pool);
        await_sleepers(space_gate(queue), 1);
        thread_begin(&putter, queue, 2, pool);
        await_sleepers(space_gate(queue), 2);
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
        thread_end(&putter, APR_SUCCESS);
        /* The putter, about to sleep, may have seen it first. */
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
        thread_end(&reserver, APR_SUCCESS);
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), 0));
    }
    CHECK_RESCUES(rescues);
}

static void *APR_THREAD_FUNC
thread_pump(apr_thread_t *thread, void *data)
{
    thread_work_t *job = data;
    int i, number, sum = 0;
    apr_size_t length;

    for (i = 0; i < 20000 && job->status == APR_SUCCESS; i++) {
        if (job->size != 0) {
            job->status = mproc_queue_put(job->queue, bytes_of(&i, sizeof i),
                                          test_deadline());
        }
        else {
            job->status = mproc_queue_get_into(
                job->queue, &number, sizeof number, &length, test_deadline());
            sum += number % 7;
        }
    }
    job->count = sum;
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void
threads_share_it(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(3, pool);
    thread_work_t job[6];
    apr_uint64_t rescues = census_rescues();
    int i, sum = 0, expected = 0;

    for (i = 0; i < 6; i++) {
        job[i].queue = queue;
        job[i].status = APR_SUCCESS;
        job[i].size = i % 2 == 0 ? 4 : 0;
        REQUIRE_STATUS(APR_SUCCESS,
                       apr_thread_create(&job[i].thread, NULL, thread_pump,
                                         &job[i], pool));
    }
    for (i = 0; i < 6; i++) {
        thread_end(&job[i], APR_SUCCESS);
        sum += i % 2 == 0 ? 0 : job[i].count;
    }
    for (i = 0; i < 20000; i++) {
        expected += i % 7;
    }
    CHECK_INT(3 * expected, sum);
    CHECK_INT(0, mproc_queue_size(queue));
    CHECK_RESCUES(rescues);
}

static const test_case_t cases[] = {
    {"there_and_back", there_and_back},
    {"each_item_goes_to_one", each_item_goes_to_one},
    {"order_of_puts_is_order_of_gets", order_of_puts_is_order_of_gets},
    {"join_first_and_get_later", join_first_and_get_later},
    {"down_a_chain", down_a_chain},
    {"each_question_brings_its_answers_queue",
     each_question_brings_its_answers_queue},
    {"a_forked_child_has_it", a_forked_child_has_it},
    {"a_sentinel_for_each", a_sentinel_for_each},
    {"shutdown_wakes_all", shutdown_wakes_all},
    {"close_wakes_who_waits_here", close_wakes_who_waits_here},
    {"room_for_one_is_enough", room_for_one_is_enough},
    {"a_reserver_wakes_the_next", a_reserver_wakes_the_next},
    {"threads_share_it", threads_share_it},
    {NULL, NULL}};

const test_suite_t suite_queue_share = {"queue_share", 1, cases};
