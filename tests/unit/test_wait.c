/* test_wait.c: waiting for any of several things (WT1 to WT8). */
#include <stdio.h>
#include <string.h>

#include "child.h"
#include "kin.h"
#include "sleepers.h"
#include "threads.h"

#define MANY 40

static mproc_waitable_t
item(mproc_waitable_e kind, void *object)
{
    mproc_waitable_t made = {kind, object, 0};
    return made;
}

/* WT1, WT3, WT5: all that are ready are told, the first by its index; nothing
 * is consumed. */
static void
all_that_are_ready(apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_connection_t *a, *b;
    mproc_event_t *event;
    mproc_waitable_t items[4];
    int first = 7, number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pipe_create(&a, &b, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    items[0] = item(MPROC_WAIT_CONNECTION, b); /* only sends: never */
    items[1] = item(MPROC_WAIT_QUEUE, queue);
    items[2] = item(MPROC_WAIT_CONNECTION, a);
    items[3] = item(MPROC_WAIT_EVENT, event);
    CHECK_STATUS(APR_TIMEUP, mproc_wait(items, 4, MPROC_NOWAIT, &first));
    CHECK_INT(-1, first);
    CHECK_STATUS(APR_TIMEUP, mproc_wait(items, 4, -9, &first));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(b, "i", 5));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    CHECK_STATUS(APR_SUCCESS, mproc_wait(items, 4, MPROC_FOREVER, &first));
    CHECK_INT(2, first);
    CHECK(!items[0].ready && !items[1].ready && items[2].ready &&
          items[3].ready);
    CHECK_STATUS(APR_SUCCESS, mproc_wait(items, 4, MPROC_FOREVER, &first));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_recvf(a, pool, "i", &number));
    CHECK_STATUS(APR_SUCCESS, mproc_event_clear(event));
    CHECK_STATUS(APR_TIMEUP, mproc_wait(items, 4, MPROC_NOWAIT, NULL));
}

/* WT2. */
static void
nothing_to_wait_for(apr_pool_t *pool)
{
    apr_time_t begin = mproc_clock();
    int first = 3;
    (void)pool;
    CHECK_STATUS(APR_TIMEUP, mproc_wait(NULL, 0, 50000, &first));
    CHECK(mproc_clock() - begin >= 50000);
    CHECK_INT(-1, first);
}

/* WT4: one may stand there twice; a closed one is told, the others are as
 * they were. */
static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_process_t *process;
    mproc_waitable_t items[2];
    int first;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    items[0] = items[1] = item(MPROC_WAIT_QUEUE, queue);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_wait(items, 2, 0, &first));
    CHECK(items[0].ready && items[1].ready);
    items[1] = item(MPROC_WAIT_EVENT, queue);
    CHECK_STATUS(APR_EINVAL, mproc_wait(items, 2, 0, &first));
    items[1] = item(MPROC_WAIT_PROCESS, NULL);
    CHECK_STATUS(APR_EINVAL, mproc_wait(items, 2, 0, &first));
    items[1] = item((mproc_waitable_e)99, queue);
    CHECK_STATUS(APR_EINVAL, mproc_wait(items, 2, 0, &first));
    CHECK_STATUS(APR_EINVAL, mproc_wait(NULL, 2, 0, &first));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_process_create(&process, nothing, NULL, pool, NULL));
    items[1] = item(MPROC_WAIT_PROCESS, process);
    CHECK_STATUS(MPROC_ESTATE, mproc_wait(items, 2, 0, &first));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_close(queue));
    CHECK_STATUS(MPROC_ECLOSED, mproc_wait(items, 1, 0, &first));
}

static int
send_own(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_connection_t *end;
    mproc_event_t *go;
    int number;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooi", &end, &go, &number));
    CHILD_STATUS(APR_SUCCESS, mproc_event_wait(go, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_connection_sendf(end, "i", number));
    return 0;
}

/* WT6, WT8: a reader for each of many children, and the children: every
 * message arrives, then all ends, and each process is told. */
static void
many_children(apr_pool_t *pool)
{
    mproc_process_t *child[MANY];
    mproc_connection_t *mine[MANY], *theirs;
    mproc_waitable_t items[2 * MANY];
    mproc_event_t *go, *never;
    apr_time_t deadline = mproc_clock() + test_deadline();
    int i, sum = 0, left = 2 * MANY, number, first;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&go, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&never, pool));
    for (i = 0; i < MANY; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pipe_create(&mine[i], &theirs, 0, pool));
        START(child[i], send_own, pool, "ooi", theirs, go, i);
        CHECK_STATUS(APR_SUCCESS, mproc_connection_close(theirs));
        items[i] = item(MPROC_WAIT_CONNECTION, mine[i]);
        items[MANY + i] = item(MPROC_WAIT_PROCESS, child[i]);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(go));
    while (left > 0) {
        REQUIRE(mproc_clock() < deadline);
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_wait(items, 2 * MANY, test_deadline(), &first));
        for (i = 0; i < 2 * MANY; i++) {
            apr_status_t rv = APR_EOF;
            if (!items[i].ready) {
                continue;
            }
            if (items[i].kind == MPROC_WAIT_CONNECTION) {
                rv = mproc_connection_recvf(mine[i], pool, "i", &number);
                sum += rv == APR_SUCCESS ? number : 0;
            }
            if (rv == APR_EOF) {
                items[i] = item(MPROC_WAIT_EVENT, never);
                left--;
            }
        }
    }
    CHECK_INT(MANY * (MANY - 1) / 2, sum);
    for (i = 0; i < MANY; i++) {
        JOIN(child[i], 0);
    }
}

static int
wait_for_either(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_waitable_t items[2];
    mproc_queue_t *one, *two;
    int first, number;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &one, &two));
    items[0] = item(MPROC_WAIT_QUEUE, one);
    items[1] = item(MPROC_WAIT_QUEUE, two);
    for (;;) {
        mproc_queue_t *from;
        CHILD_STATUS(APR_SUCCESS,
                     mproc_wait(items, 2, test_deadline(), &first));
        from = items[first].object;
        if (mproc_queue_getf(from, MPROC_NOWAIT, pool, "i", &number) ==
            APR_SUCCESS) {
            return number;
        }
    }
}

/* Each item frees one of those who wait for several, and no wake-up is lost
 * to one who takes another. */
static void
each_gets_one(apr_pool_t *pool)
{
    mproc_process_t *child[4];
    mproc_queue_t *one, *two;
    mproc_census_t before, after;
    int i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&one, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&two, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    for (i = 0; i < 4; i++) {
        START(child[i], wait_for_either, pool, "oo", one, two);
    }
    for (i = 0; i < 4; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_queue_putf(i % 2 ? one : two, 0, "i", 0));
    }
    for (i = 0; i < 4; i++) {
        JOIN(child[i], 0);
    }
    CHECK_INT(0, mproc_queue_size(one));
    CHECK_INT(0, mproc_queue_size(two));
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK(after.rescues - before.rescues <= 5);
}

/* A process that is killed is ready, too. */
static void
a_killed_process_is_ready(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_waitable_t items[1];
    int first = -1;
    START(child, sleep_long, pool, NULL);
    items[0] = item(MPROC_WAIT_PROCESS, child);
    CHECK_STATUS(APR_TIMEUP, mproc_wait(items, 1, 1000, &first));
    test_kill(mproc_process_pid(child));
    CHECK_STATUS(APR_SUCCESS, mproc_wait(items, 1, test_deadline(), &first));
    CHECK_INT(0, first);
    CHECK_STATUS(APR_SUCCESS, mproc_wait(items, 1, MPROC_NOWAIT, &first));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
}

typedef struct toggle_t {
    mproc_event_t *event;
    atomic_int done;
} toggle_t;

static apr_status_t
toggle(void *data)
{
    toggle_t *it = data;
    apr_status_t rv = APR_SUCCESS;
    while (rv == APR_SUCCESS && !atomic_load(&it->done)) {
        rv = mproc_event_set(it->event);
        if (rv == APR_SUCCESS) {
            rv = mproc_event_clear(it->event);
        }
    }
    return rv;
}

/* What is ready no more when the wait returns was ready all the same. */
static void
success_names_what_was_ready(apr_pool_t *pool)
{
    toggle_t it = {0};
    mproc_waitable_t items[1];
    threads_t *threads;
    int i, nameless = 0, first;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&it.event, pool));
    items[0] = item(MPROC_WAIT_EVENT, it.event);
    threads = threads_start(1, toggle, &it, pool);
    for (i = 0; i < test_scaled(200000); i++) {
        apr_status_t rv = mproc_wait(items, 1, MPROC_NOWAIT, &first);
        nameless += rv == APR_SUCCESS && (first != 0 || !items[0].ready);
    }
    atomic_store(&it.done, 1);
    threads_join(threads, APR_SUCCESS);
    CHECK_INT(0, nameless);
}

static const test_case_t cases[] = {
    {"all_that_are_ready", all_that_are_ready},
    {"nothing_to_wait_for", nothing_to_wait_for},
    {"misuse_is_a_status", misuse_is_a_status},
    {"many_children", many_children},
    {"each_gets_one", each_gets_one},
    {"a_killed_process_is_ready", a_killed_process_is_ready},
    {"success_names_what_was_ready", success_names_what_was_ready},
    {NULL, NULL}};

const test_suite_t suite_wait = {"wait", 1, cases};
