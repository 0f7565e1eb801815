/* test_waitable.c: handles for foreign event loops. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "kin.h"
#include "sleepers.h"
#include "threads.h"
#include "waitable.h"

#include "../../lib/src/queue.h"

#define MANY 300
#define COPIES 40

static void
a_queue(apr_pool_t *pool)
{
    mproc_queue_t *queue;
    apr_int64_t handle;
    mproc_bytes_t bytes;
    int number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    handle = handle_of(MPROC_WAIT_QUEUE, queue);
    CHECK(handle_of(MPROC_WAIT_QUEUE, queue) == handle);
    IS_NOT_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 1));
    BECOMES_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 2));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_getf(queue, 0, pool, "i", &number));
    IS_READY(handle); /* One is left. */
    CHECK_STATUS(APR_SUCCESS, mproc_queue_getf(queue, 0, pool, "i", &number));
    CHECK_INT(2, number);
    IS_NOT_READY(handle);
    /* Again and again, whichever call takes the last. */
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 3));
    BECOMES_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_take(queue, &bytes, 0));
    IS_NOT_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_give_back(queue, bytes));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 4));
    BECOMES_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_shutdown(queue, 1));
    IS_READY(handle); /* Empty, but at its end: a get would not wait. */
    CHECK_STATUS(APR_EOF, mproc_queue_getf(queue, 0, pool, "i", &number));
    IS_READY(handle);
}

static void
a_connection(apr_pool_t *pool)
{
    mproc_connection_t *a, *b;
    mproc_waitable_t item;
    apr_int64_t handle;
    int number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_pipe_create(&a, &b, 0, pool));
    handle = handle_of(MPROC_WAIT_CONNECTION, a);
    IS_NOT_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(b, "i", 5));
    BECOMES_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(a, 0));
    IS_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_recvf(a, pool, "i", &number));
    IS_NOT_READY(handle);
    item = item_of(MPROC_WAIT_CONNECTION, b);
    handle = 7;
    CHECK_STATUS(MPROC_ESTATE, mproc_waitable_handle(&item, &handle));
    CHECK_DETAIL("only sends");
    CHECK_INT(-1, handle);
    handle = handle_of(MPROC_WAIT_CONNECTION, a);
    mproc_connection_destroy(b);
    BECOMES_READY(handle); /* The end. */
    CHECK_STATUS(APR_EOF, mproc_connection_recvf(a, pool, "i", &number));
    IS_READY(handle);
}

static void
an_event(apr_pool_t *pool)
{
    mproc_event_t *event;
    apr_int64_t handle;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    handle = handle_of(MPROC_WAIT_EVENT, event);
    IS_NOT_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    BECOMES_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_event_wait(event, 0));
    CHECK(mproc_event_is_set(event));
    IS_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_event_clear(event));
    IS_NOT_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    BECOMES_READY(handle);
}

static void
a_process(apr_pool_t *pool)
{
    mproc_process_t *child, *other;
    mproc_waitable_t item;
    apr_int64_t handle, second;
    int code;
    START(child, sleep_long, pool, NULL);
    START(other, nothing, pool, NULL);
    handle = handle_of(MPROC_WAIT_PROCESS, child);
    CHECK(handle_of(MPROC_WAIT_PROCESS, child) == handle);
    second = handle_of(MPROC_WAIT_PROCESS, other);
    BECOMES_READY(second);
    IS_NOT_READY(handle);
    CHECK_STATUS(APR_EINPROGRESS, mproc_process_exitcode(child, &code));
    test_kill(mproc_process_pid(child));
    BECOMES_READY(handle);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    IS_READY(handle); /* It has ended, and stays so. */
    CHECK(handle_of(MPROC_WAIT_PROCESS, child) == handle);
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
    item = item_of(MPROC_WAIT_PROCESS, child);
    CHECK_STATUS(MPROC_ESTATE, mproc_waitable_handle(&item, &handle));
    JOIN(other, 0);
}

static void
ready_already(apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_event_t *event;
    apr_int64_t handle;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    handle = handle_of(MPROC_WAIT_QUEUE, queue);
    IS_READY(handle);
    handle = handle_of(MPROC_WAIT_EVENT, event);
    IS_READY(handle);
}

static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_process_t *process;
    mproc_queue_t *queue;
    mproc_waitable_t item;
    apr_int64_t handle = 5;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    item = item_of(MPROC_WAIT_QUEUE, queue);
    CHECK_STATUS(APR_EINVAL, mproc_waitable_handle(&item, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_waitable_handle(NULL, &handle));
    CHECK_INT(-1, handle);
    CHECK_STATUS(APR_EINVAL, mproc_waitable_close(NULL));
    item = item_of(MPROC_WAIT_EVENT, queue);
    CHECK_STATUS(APR_EINVAL, mproc_waitable_handle(&item, &handle));
    CHECK_DETAIL("mproc_waitable_handle");
    CHECK_STATUS(APR_EINVAL, mproc_waitable_close(&item));
    item = item_of((mproc_waitable_e)99, queue);
    CHECK_STATUS(APR_EINVAL, mproc_waitable_handle(&item, &handle));
    item = item_of(MPROC_WAIT_PROCESS, NULL);
    CHECK_STATUS(APR_EINVAL, mproc_waitable_handle(&item, &handle));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_process_create(&process, nothing, NULL, pool, NULL));
    item = item_of(MPROC_WAIT_PROCESS, process);
    CHECK_STATUS(MPROC_ESTATE, mproc_waitable_handle(&item, &handle));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_close(queue));
    item = item_of(MPROC_WAIT_QUEUE, queue);
    CHECK_STATUS(MPROC_ECLOSED, mproc_waitable_handle(&item, &handle));
    CHECK_INT(-1, handle);
}

/* What this process closes is ready for good: who gets is told. */
static void
closed_is_ready(apr_pool_t *pool)
{
    mproc_connection_t *a, *b;
    mproc_queue_t *queue;
    apr_int64_t of_queue, of_end;
    int number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pipe_create(&a, &b, 1, pool));
    of_queue = handle_of(MPROC_WAIT_QUEUE, queue);
    of_end = handle_of(MPROC_WAIT_CONNECTION, a);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_close(queue));
    BECOMES_READY(of_queue);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(a));
    BECOMES_READY(of_end);
    CHECK_STATUS(MPROC_ECLOSED, mproc_queue_getf(queue, 0, pool, "i", &number));
    CHECK_STATUS(MPROC_ECLOSED, mproc_connection_recvf(a, pool, "i", &number));
    IS_READY(of_queue);
    IS_READY(of_end);
}

/* The handle goes, the object stays; with the last one the thread goes. */
static void
closing_handles(apr_pool_t *pool)
{
    int threads = atomic_load(&mproc__own_threads), number;
    mproc_queue_t *queue, *other;
    mproc_waitable_t items[2];
    apr_int64_t handle;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&other, 0, pool));
    items[0] = item_of(MPROC_WAIT_QUEUE, queue);
    items[1] = item_of(MPROC_WAIT_QUEUE, other);
    CHECK_STATUS(APR_SUCCESS, mproc_waitable_close(&items[0]));
    (void)handle_of(MPROC_WAIT_QUEUE, queue);
    handle = handle_of(MPROC_WAIT_QUEUE, other);
    CHECK_INT(threads + 1, atomic_load(&mproc__own_threads));
    CHECK_STATUS(APR_SUCCESS, mproc_waitable_close(&items[0]));
    CHECK_STATUS(APR_SUCCESS, mproc_waitable_close(&items[0]));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(other, 0, "i", 2));
    BECOMES_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_getf(queue, 0, pool, "i", &number));
    CHECK_INT(1, number);
    CHECK_STATUS(APR_SUCCESS, mproc_waitable_close(&items[1]));
    CHECK_INT(threads, atomic_load(&mproc__own_threads));
    handle = handle_of(MPROC_WAIT_QUEUE, other);
    IS_READY(handle);
}

/* More than a system waits for at once: exactly those are ready that are. */
static void
many_at_once(apr_pool_t *pool)
{
    mproc_event_t *event[MANY];
    apr_int64_t handle[MANY];
    int ready[MANY], i, turn;
    for (i = 0; i < MANY; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event[i], pool));
        handle[i] = handle_of(MPROC_WAIT_EVENT, event[i]);
    }
    CHECK_INT(0, test_handles_wait(handle, MANY, ready, 0));
    for (turn = 1; turn < test_scaled(40); turn++) {
        int first = turn * 7 % MANY, count = 0;
        for (i = first; i < MANY; i += turn) {
            CHECK_STATUS(APR_SUCCESS, mproc_event_set(event[i]));
        }
        for (i = first; i < MANY; i += turn) {
            BECOMES_READY(handle[i]);
            count++;
        }
        CHECK_INT(count, test_handles_wait(handle, MANY, ready, 0));
        for (i = 0; i < MANY; i++) {
            CHECK_INT(i >= first && (i - first) % turn == 0, ready[i]);
        }
        for (i = first; i < MANY; i += turn) {
            CHECK_STATUS(APR_SUCCESS, mproc_event_clear(event[i]));
        }
        CHECK_INT(0, test_handles_wait(handle, MANY, ready, 0));
    }
    for (i = 0; i < MANY; i += 2) {
        mproc_event_destroy(event[i]);
    }
    for (i = 1; i < MANY; i += 2) {
        CHECK_STATUS(APR_SUCCESS, mproc_event_set(event[i]));
        BECOMES_READY(handle[i]);
    }
}

static int
put_when_told(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_connection_t *end;
    mproc_queue_t *queue;
    int count, i, number;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooi", &end, &queue, &count));
    for (i = 0; i < count; i++) {
        CHILD_STATUS(APR_SUCCESS,
                     mproc_connection_recvf(end, pool, "i", &number));
        CHILD_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", number));
    }
    return 0;
}

static int
span_order(const void *a, const void *b)
{
    apr_time_t one = *(const apr_time_t *)a, other = *(const apr_time_t *)b;
    return (one > other) - (one < other);
}

/* A put of another process is told at once, not at the next look, 100 ms
 * later; and by a wake-up. */
static void
told_at_once(apr_pool_t *pool)
{
    enum {
        ROUNDS = 100
    };
    apr_time_t span[ROUNDS];
    mproc_process_t *child;
    mproc_connection_t *mine, *theirs;
    mproc_census_t before, after;
    mproc_queue_t *queue;
    apr_int64_t handle;
    int i, number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pipe_create(&mine, &theirs, 1, pool));
    START(child, put_when_told, pool, "ooi", theirs, queue, ROUNDS);
    handle = handle_of(MPROC_WAIT_QUEUE, queue);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    for (i = 0; i < ROUNDS; i++) {
        span[i] = mproc_clock();
        CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(mine, "i", i));
        BECOMES_READY(handle);
        span[i] = mproc_clock() - span[i];
        CHECK_STATUS(APR_SUCCESS,
                     mproc_queue_getf(queue, 0, pool, "i", &number));
        CHECK_INT(i, number);
        IS_NOT_READY(handle);
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK(after.rescues - before.rescues <= 2);
    qsort(span, ROUNDS, sizeof *span, span_order);
    CHECK(span[ROUNDS / 2] < 50000);
    JOIN(child, 0);
}

static int
put_many(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    int count, i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oi", &queue, &count));
    for (i = 0; i < count; i++) {
        CHILD_STATUS(APR_SUCCESS,
                     mproc_queue_putf(queue, test_deadline(), "i", i));
    }
    return 0;
}

/* A loop that gets what there is whenever it is told gets all. */
static void
a_loop_gets_all(apr_pool_t *pool)
{
    enum {
        PUTTERS = 3
    };
    mproc_process_t *child[PUTTERS];
    mproc_census_t before, after;
    mproc_queue_t *queue;
    apr_int64_t handle;
    int count = test_scaled(20000), got = 0, vain = 0, number, i;
    double sum = 0;
    apr_pool_t *scratch;
    apr_pool_create(&scratch, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 100, pool));
    handle = handle_of(MPROC_WAIT_QUEUE, queue);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    for (i = 0; i < PUTTERS; i++) {
        START(child[i], put_many, pool, "oi", queue, count);
    }
    while (got < PUTTERS * count) {
        int some = 0;
        BECOMES_READY(handle);
        while (mproc_queue_getf(queue, MPROC_NOWAIT, scratch, "i", &number) ==
               APR_SUCCESS) {
            sum += number;
            some++;
        }
        got += some;
        vain += some == 0;
        apr_pool_clear(scratch);
    }
    CHECK(sum == PUTTERS * ((double)count * (count - 1) / 2));
    CHECK_INT(0, vain); /* Nobody else gets. */
    IS_NOT_READY(handle);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK(after.rescues - before.rescues <= 2);
    for (i = 0; i < PUTTERS; i++) {
        JOIN(child[i], 0);
    }
}

static int
get_some(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    int number;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &queue));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_queue_getf(queue, test_deadline(), pool, "i", &number));
    return number;
}

/* What another process takes is found out; the next put is told again. */
static void
others_take(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_queue_t *queue;
    mproc_waitable_t item;
    apr_int64_t handle;
    int number, turn;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    handle = handle_of(MPROC_WAIT_QUEUE, queue);
    item = item_of(MPROC_WAIT_QUEUE, queue);
    for (turn = 0; turn < 3; turn++) {
        CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 40));
        BECOMES_READY(handle);
        START(child, get_some, pool, "o", queue);
        JOIN(child, 40);
        if (turn == 0) {
            await_unready(handle); /* By itself ... */
        }
        else if (turn == 1) { /* ... or by the first look. */
            CHECK_STATUS(APR_TIMEUP,
                         mproc_queue_getf(queue, 0, pool, "i", &number));
            IS_NOT_READY(handle);
        }
        else {
            CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, 0, NULL));
            IS_NOT_READY(handle);
        }
    }
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 41));
    BECOMES_READY(handle);
}

static apr_status_t
get_a_number(void *queue)
{
    int number;
    return mproc_queue_getf(queue, test_deadline(), NULL, "i", &number);
}

/* The library's thread takes nothing: a wake-up that it got goes on to who
 * gets. It waits longest. Threads and not processes, whose ends wake all. */
static void
getters_are_woken_too(apr_pool_t *pool)
{
    enum {
        GETTERS = 3
    };
    mproc_census_t before, after;
    mproc_queue_t *queue;
    apr_int64_t handle;
    int i, turn;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    handle = handle_of(MPROC_WAIT_QUEUE, queue);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    for (turn = 0; turn < test_scaled(8); turn++) {
        threads_t *threads = threads_start(GETTERS, get_a_number, queue, pool);
        await_sleepers(&mproc__queue_ring(queue)->items, GETTERS);
        for (i = 0; i < GETTERS; i++) {
            CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 0));
        }
        threads_join(threads, APR_SUCCESS);
        await_unready(handle);
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK(after.rescues - before.rescues <= 2);
}

/* The word of the thread's entry changes with each time that it goes to
 * sleep. */
static apr_uint64_t
count_waits(void)
{
    return atomic_load(&mproc__arena.header->ticket);
}

/* What stays ready costs nothing: no turn of the thread, also when more is
 * put. */
static void
what_stays_ready_is_quiet(apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_event_t *never;
    apr_int64_t handle, other;
    apr_uint64_t before;
    int i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&never, pool));
    handle = handle_of(MPROC_WAIT_QUEUE, queue);
    other = handle_of(MPROC_WAIT_EVENT, never);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 0));
    BECOMES_READY(handle);
    before = count_waits();
    for (i = 0; i < 1000; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", i));
    }
    CHECK_INT(0, test_handles_wait(&other, 1, NULL, 350000));
    CHECK(count_waits() - before <= 5);
    IS_READY(handle);
}

static int
ask_anew(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue, *back;
    mproc_waitable_t item;
    apr_int64_t handle;
    int number, parents;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooi", &queue, &back, &parents));
    /* Copies of its parent's are closed; it has some of its own. */
    if (test_method() == MPROC_START_FORK) {
        CHILD_CHECK(test_handles() < parents - COPIES / 2);
    }
    item = item_of(MPROC_WAIT_QUEUE, queue);
    CHILD_STATUS(APR_SUCCESS, mproc_waitable_handle(&item, &handle));
    CHILD_CHECK(test_handles_wait(&handle, 1, NULL, 0) == 0);
    CHILD_STATUS(APR_SUCCESS, mproc_queue_putf(back, 0, "i", 1));
    CHILD_CHECK(test_handles_wait(&handle, 1, NULL, test_deadline()) == 1);
    CHILD_STATUS(APR_SUCCESS, mproc_queue_getf(queue, 0, pool, "i", &number));
    CHILD_CHECK(test_handles_wait(&handle, 1, NULL, 0) == 0);
    return number;
}

/* A child has none of its parent's handles, and may have its own; the
 * parent's are as they were. */
static void
children_ask_anew(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_queue_t *queue, *back;
    mproc_event_t *event;
    apr_int64_t handle, of_back;
    int number, i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&back, 0, pool));
    for (i = 0; i < COPIES; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
        (void)handle_of(MPROC_WAIT_EVENT, event);
    }
    handle = handle_of(MPROC_WAIT_QUEUE, queue);
    of_back = handle_of(MPROC_WAIT_QUEUE, back);
    START(child, ask_anew, pool, "ooi", queue, back, test_handles());
    BECOMES_READY(of_back);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_getf(back, 0, pool, "i", &number));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 17));
    JOIN(child, 17);
    await_unready(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 18));
    BECOMES_READY(handle);
}

typedef struct asking_t {
    mproc_event_t **event;
    int count;
    _Atomic apr_int64_t handle[64];
} asking_t;

static apr_status_t
ask_for_all(void *data)
{
    asking_t *asking = data;
    apr_status_t rv = APR_SUCCESS;
    int i;
    for (i = 0; i < asking->count && rv == APR_SUCCESS; i++) {
        mproc_waitable_t item = item_of(MPROC_WAIT_EVENT, asking->event[i]);
        apr_int64_t handle, other = 0;
        rv = mproc_waitable_handle(&item, &handle);
        if (!atomic_compare_exchange_strong(&asking->handle[i], &other,
                                            handle) &&
            other != handle) {
            rv = APR_EGENERAL;
        }
    }
    return rv;
}

/* Whoever asks first, all get the same. */
static void
threads_ask_at_once(apr_pool_t *pool)
{
    mproc_event_t *event[64];
    asking_t asking = {event, 64, {0}};
    int i, turn;
    for (turn = 0; turn < test_scaled(20); turn++) {
        for (i = 0; i < 64; i++) {
            REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event[i], NULL));
            atomic_store(&asking.handle[i], 0);
        }
        threads_join(threads_start(4, ask_for_all, &asking, pool), APR_SUCCESS);
        for (i = 0; i < 64; i++) {
            CHECK_STATUS(APR_SUCCESS, mproc_event_set(event[i]));
            apr_int64_t handle = atomic_load(&asking.handle[i]);
            BECOMES_READY(handle);
        }
        for (i = 0; i < 64; i++) {
            mproc_event_destroy(event[i]);
        }
    }
}

/* What is taken at any moment of the thread's way to sleep does not make it
 * miss what comes then. */
static void
looks_disturb_nothing(apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_census_t before, after;
    apr_int64_t handle;
    int i, number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    handle = handle_of(MPROC_WAIT_QUEUE, queue);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    for (i = 0; i < test_scaled(30000); i++) {
        apr_time_t deadline = mproc_clock() + test_deadline();
        CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", i));
        while (test_handles_wait(&handle, 1, NULL, 0) == 0) {
            REQUIRE(mproc_clock() < deadline);
        }
        CHECK_STATUS(APR_SUCCESS,
                     mproc_queue_getf(queue, 0, NULL, "i", &number));
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK(after.rescues - before.rescues <= 2);
}

/* The thread sleeps: what it is given then it waits for at once. */
static void
a_new_handle_is_waited_for(apr_pool_t *pool)
{
    enum {
        ROUNDS = 20
    };
    apr_time_t span[ROUNDS];
    mproc_event_t *event[ROUNDS];
    int i;
    for (i = 0; i < ROUNDS; i++) {
        apr_int64_t handle;
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event[i], pool));
        handle = handle_of(MPROC_WAIT_EVENT, event[i]);
        span[i] = mproc_clock();
        CHECK_STATUS(APR_SUCCESS, mproc_event_set(event[i]));
        BECOMES_READY(handle);
        span[i] = mproc_clock() - span[i];
        CHECK_STATUS(APR_SUCCESS, mproc_event_clear(event[i]));
    }
    qsort(span, ROUNDS, sizeof *span, span_order);
    CHECK(span[ROUNDS / 2] < 50000);
}

static const test_case_t cases[] = {
    {"a_queue", a_queue},
    {"a_connection", a_connection},
    {"an_event", an_event},
    {"a_process", a_process},
    {"ready_already", ready_already},
    {"misuse_is_a_status", misuse_is_a_status},
    {"closed_is_ready", closed_is_ready},
    {"closing_handles", closing_handles},
    {"many_at_once", many_at_once},
    {"told_at_once", told_at_once},
    {"a_loop_gets_all", a_loop_gets_all},
    {"others_take", others_take},
    {"getters_are_woken_too", getters_are_woken_too},
    {"what_stays_ready_is_quiet", what_stays_ready_is_quiet},
    {"children_ask_anew", children_ask_anew},
    {"threads_ask_at_once", threads_ask_at_once},
    {"looks_disturb_nothing", looks_disturb_nothing},
    {"a_new_handle_is_waited_for", a_new_handle_is_waited_for},
    {NULL, NULL}};

const test_suite_t suite_waitable = {"waitable", 1, cases};
