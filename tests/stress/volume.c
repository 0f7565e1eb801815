/*
 * volume.c: very many items of all sizes through one queue.
 *
 * What an item is follows from who puts it and the how manyth it is: so who
 * gets one of 16 bytes or more, which begins with that, knows all the rest.
 * Of smaller ones, and of all together, there are sums, outside of the arena.
 * Memory must be as flat at the end as it was at the beginning.
 */
#include "stress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_allocator.h>
#include <apr_time.h>

#include <mproc/array.h>
#include <mproc/error.h>
#include <mproc/queue.h>

#include "../../lib/src/layout.h"
#include "../../lib/src/peers.h"
#include "system.h"

#define PRODUCERS 2
#define CONSUMERS 2
#define WORKERS (PRODUCERS + CONSUMERS)
#define BATCH 16
#define MAXSIZE 1000
#define SMALL 4096 /* not in a block of its own */
#define HUGE_ITEM ((apr_size_t)64 << 20)
#define HUGES 3                    /* of each producer, at least, */
#define HUGE_MOST_APART 5000000    /* one in so many of its items */
#define KEEP ((apr_size_t)1 << 20) /* what a getter's pool may keep */
#define PATIENCE (20 * APR_USEC_PER_SEC)
#define NAP (50 * 1000)
#define PARTS 10                       /* memory is looked at so often */
#define SLACK ((apr_uint64_t)16 << 20) /* bytes that may stay committed */

/* What one worker has put or got. */
typedef struct account_t {
    _Atomic apr_uint64_t items, bytes, sum;
    apr_uint64_t unused[5];
} account_t;

typedef struct total_t {
    apr_uint64_t items, bytes, sum;
} total_t;

static account_t *accounts;
static mproc_queue_t *queue;
static apr_uint64_t share; /* items of each producer */
static apr_uint64_t apart; /* and of them one is huge in so many */
static int self;

/* -------------------------------------------------------------------- items */

static apr_uint64_t
mix(apr_uint64_t value)
{
    return stress_random(&value);
}

static apr_uint64_t
item_key(apr_uint64_t id)
{
    return mix(stress_options.seed ^ id << 1);
}

/* Mostly small, seldom large, a few times huge. */
static apr_size_t
item_size(apr_uint64_t id)
{
    apr_uint64_t number = id / PRODUCERS, draw = mix(item_key(id));
    apr_uint64_t which = draw % 100000;

    if (number % apart == apart / 2) {
        return HUGE_ITEM;
    }
    draw /= 100000;
    return which == 0     ? draw % (1 << 20)
           : which < 100  ? draw % (1 << 16)
           : which < 2000 ? draw % (SMALL + 1)
                          : draw % 64;
}

static apr_uint64_t
item_word(apr_uint64_t id, apr_uint64_t key, apr_uint64_t index)
{
    return index == 0 ? id : (key + index) * UINT64_C(0x9e3779b97f4a7c15);
}

static void
item_fill(void *data, apr_size_t size, apr_uint64_t id)
{
    apr_uint64_t key = item_key(id), i, word;
    char *at = data;

    for (i = 0; i < size / 8; i++) {
        word = item_word(id, key, i);
        memcpy(at + i * 8, &word, 8);
    }
    word = item_word(id, key, i);
    if (size % 8 > 0) {
        memcpy(at + i * 8, &word, size % 8);
    }
}

/* Whether it is whole; it has 16 bytes or more. */
static int
item_is_whole(mproc_bytes_t item, apr_uint64_t id)
{
    apr_uint64_t key = item_key(id), i, word, differ = 0;
    const char *at = item.data;

    if (id / PRODUCERS >= share || item_size(id) != item.size) {
        return 0;
    }
    for (i = 0; i < item.size / 8; i++) {
        memcpy(&word, at + i * 8, 8);
        differ |= word ^ item_word(id, key, i);
    }
    word = item_word(id, key, i);
    return differ == 0 && memcmp(at + i * 8, &word, item.size % 8) == 0;
}

static apr_uint64_t
item_sum(const void *data, apr_size_t size)
{
    apr_uint64_t word[2] = {0, 0};

    if (size > 0) {
        memcpy(word, data, size < 16 ? size : 16);
    }
    return mix(word[0] ^ mix(word[1] ^ mix(size)));
}

static void
account_add(apr_uint64_t items, apr_uint64_t bytes, apr_uint64_t sum)
{
    account_t *own = &accounts[self];

    atomic_fetch_add_explicit(&own->items, items, memory_order_relaxed);
    atomic_fetch_add_explicit(&own->bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&own->sum, sum, memory_order_relaxed);
}

static int
went_wrong(apr_status_t rv, const char *what)
{
    if (rv == APR_SUCCESS) {
        return 0;
    }
    stress_fault(APR_STATUS_IS_TIMEUP(rv) ? STRESS_HANG : STRESS_LOST,
                 "volume: %s gave status %d, %s", what, rv,
                 mproc_error_detail());
    return 1;
}

/* ---------------------------------------------------------------- producers */

static int
put_batch(mproc_bytes_t *items, int count)
{
    apr_uint64_t bytes = 0, sum = 0;
    int done, i;

    if (count == 0) {
        return 1;
    }
    if (went_wrong(mproc_queue_put_many(queue, items, count, PATIENCE, &done),
                   "a put of many")) {
        return 0;
    }
    for (i = 0; i < count; i++) {
        bytes += items[i].size;
        sum += item_sum(items[i].data, items[i].size);
    }
    account_add((apr_uint64_t)count, bytes, sum);
    return 1;
}

static int
put_large(apr_size_t size, apr_uint64_t id)
{
    void *data = NULL;
    int in_place = (int)(id / PRODUCERS % 2);
    apr_uint64_t sum = 0;
    apr_status_t rv;

    if (in_place) {
        rv = mproc_queue_reserve(queue, size, &data, PATIENCE);
    }
    else {
        data = malloc(size);
        rv = data == NULL ? APR_ENOMEM : APR_SUCCESS;
    }
    if (rv == APR_SUCCESS) {
        item_fill(data, size, id);
        sum = item_sum(data, size);
        rv = in_place ? mproc_queue_commit(queue, data)
                      : mproc_queue_put(queue, (mproc_bytes_t){data, size},
                                        PATIENCE);
    }
    if (!in_place) {
        free(data);
    }
    account_add(1, size, sum);
    return !went_wrong(rv, "a put of a large item");
}

static void
produce(void *baton)
{
    static char room[BATCH][SMALL];
    mproc_bytes_t items[BATCH];
    apr_uint64_t number;
    int count = 0, good = 1;

    self = *(int *)baton;
    for (number = 0; number < share && good; number++) {
        apr_uint64_t id = number * PRODUCERS + (apr_uint64_t)self;
        apr_size_t size = item_size(id);

        if (size > SMALL) {
            good = put_batch(items, count) && put_large(size, id);
            count = 0;
            continue;
        }
        item_fill(room[count], size, id);
        items[count] = (mproc_bytes_t){room[count], size};
        if (++count == BATCH) {
            good = put_batch(items, count);
            count = 0;
        }
    }
    if (good) {
        put_batch(items, count);
    }
}

/* ---------------------------------------------------------------- consumers */

/* Whole, and in the order of its producer. */
static void
got_note(mproc_bytes_t item)
{
    static apr_uint64_t latest[PRODUCERS]; /* id + 1 */
    apr_uint64_t id;

    if (item.size >= 16) {
        memcpy(&id, item.data, sizeof id);
        if (!item_is_whole(item, id)) {
            stress_fault(STRESS_TORN,
                         "volume: an item of %" APR_SIZE_T_FMT " bytes is torn",
                         item.size);
            return;
        }
        if (id < latest[id % PRODUCERS]) {
            stress_fault(STRESS_TORN, "volume: items came in another order");
        }
        latest[id % PRODUCERS] = id + 1;
    }
    account_add(1, item.size, item_sum(item.data, item.size));
}

static apr_status_t
get_in_place(void)
{
    mproc_bytes_t item;
    apr_status_t rv = mproc_queue_take(queue, &item, PATIENCE);

    if (rv == APR_SUCCESS) {
        got_note(item);
        rv = mproc_queue_give_back(queue, item);
    }
    return rv;
}

static apr_status_t
get_some(apr_uint64_t way, apr_pool_t *pool)
{
    static char room[SMALL];
    mproc_bytes_t items[BATCH] = {{room, 0}};
    apr_status_t rv;
    int count = 1, i;

    switch (way) {
    case 0:
        return get_in_place();
    case 1:
        rv = mproc_queue_get_into(queue, room, sizeof room, &items[0].size,
                                  PATIENCE);
        if (rv == MPROC_ETOOBIG) {
            return get_in_place();
        }
        break;
    default:
        rv = mproc_queue_get_many(queue, items, BATCH, &count, PATIENCE, pool);
        break;
    }
    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        got_note(items[i]);
    }
    apr_pool_clear(pool);
    return rv;
}

static void
consume(void *baton)
{
    apr_uint64_t draw = stress_options.seed + (apr_uint64_t) * (int *)baton;
    apr_allocator_t *allocator;
    apr_pool_t *pool;
    apr_status_t rv = APR_SUCCESS;

    self = *(int *)baton;
    apr_allocator_create(&allocator);
    apr_allocator_max_free_set(allocator, KEEP);
    apr_pool_create_ex(&pool, NULL, NULL, allocator);
    while (rv == APR_SUCCESS) {
        rv = get_some(stress_below(&draw, 4), pool);
    }
    if (!APR_STATUS_IS_EOF(rv)) {
        went_wrong(rv, "a get");
    }
}

/* ------------------------------------------------------------------- runner */

static struct {
    apr_int64_t pid[WORKERS];
    apr_uint64_t committed[PARTS + 1], most; /* by the parts of the whole */
    int looked;
} run;

static total_t
accounts_sum(int first, int end)
{
    total_t all = {0, 0, 0};

    for (; first < end; first++) {
        all.items += atomic_load(&accounts[first].items);
        all.bytes += atomic_load(&accounts[first].bytes);
        all.sum += atomic_load(&accounts[first].sum);
    }
    return all;
}

static void
memory_look(const char *name)
{
    apr_uint64_t now = mproc__chunk_committed();
    apr_uint64_t got = accounts_sum(PRODUCERS, WORKERS).items;

    stress_beat("%s: %" PRIu64 " items", name, (uint64_t)got);
    run.most = now > run.most ? now : run.most;
    while (run.looked < PARTS &&
           got >= share * PRODUCERS / PARTS * (apr_uint64_t)run.looked) {
        run.committed[run.looked++] = now;
    }
}

static void
workers_reap(const char *name, int first, int end)
{
    int crash;

    for (; first < end; first++) {
        while (!system_reap(run.pid[first], mproc_clock() + NAP, &crash)) {
            memory_look(name);
        }
        if (crash != 0) {
            stress_fault(STRESS_TORN, "%s: a worker crashed, signal %d", name,
                         crash);
        }
        mproc__peers_ended(run.pid[first]);
    }
}

static void
all_run(const char *name)
{
    total_t put, got;
    int i;

    if (mproc_queue_create(&queue, MAXSIZE, NULL) != APR_SUCCESS) {
        stress_fault(STRESS_LOST, "%s: no queue", name);
        return;
    }
    for (i = 0; i < WORKERS; i++) {
        run.pid[i] = system_fork(i < PRODUCERS ? produce : consume, &i);
    }
    workers_reap(name, 0, PRODUCERS);
    mproc_queue_shutdown(queue, 0);
    workers_reap(name, PRODUCERS, WORKERS);
    put = accounts_sum(0, PRODUCERS);
    got = accounts_sum(PRODUCERS, WORKERS);
    if (put.items != share * PRODUCERS || got.items != put.items) {
        stress_fault(STRESS_LOST, "%s: %" PRIu64 " items were got", name,
                     (uint64_t)got.items);
    }
    if (got.bytes != put.bytes || got.sum != put.sum) {
        stress_fault(STRESS_TORN, "%s: the sums differ", name);
    }
    mproc_queue_destroy(queue);
    while (run.looked <= PARTS) {
        run.committed[run.looked++] = mproc__chunk_committed();
    }
}

static void
run_print(const char *name, apr_time_t took, apr_uint64_t rescues)
{
    total_t got = accounts_sum(PRODUCERS, WORKERS);
    int i;

    printf("%-18s %6" PRIu64 " items, %.1f MiB, %.1f s, %.0f items/s, "
           "%" PRIu64 " rescues\n%-18s MiB committed, by tenths:",
           name, (uint64_t)got.items, (double)got.bytes / (1 << 20),
           (double)took / 1e6, (double)got.items * 1e6 / (double)took,
           (uint64_t)rescues, "");
    for (i = 0; i <= PARTS; i++) {
        printf(" %.1f", (double)run.committed[i] / (1 << 20));
    }
    printf("; at most %.1f\n", (double)run.most / (1 << 20));
}

/* Whether the system takes memory of an arena back; POSIX has no call that
 * does. */
static int
memory_goes_back(const mproc_census_t *before)
{
    mproc_census_t after;
    mproc_array_t *array;

    if (mproc_array_create(&array, 1, HUGE_ITEM, NULL, NULL) != APR_SUCCESS) {
        exit(2);
    }
    mproc_array_destroy(array);
    mproc_census(&after);
    return after.committed <= before->committed + SLACK;
}

void
stress_volume_run(const stress_scenario_t *scenario)
{
    mproc_census_t before, after;
    apr_time_t start;
    int goes_back;

    share = stress_options.items / PRODUCERS;
    if (share < HUGES) {
        return;
    }
    apart = share / HUGES;
    apart = apart < HUGE_MOST_APART ? apart : HUGE_MOST_APART;
    accounts = system_share(WORKERS * sizeof *accounts);
    /* What is made once is made now. */
    if (mproc_queue_create(&queue, 0, NULL) != APR_SUCCESS) {
        exit(2);
    }
    mproc_queue_destroy(queue);
    mproc_census(&before);
    goes_back = memory_goes_back(&before);
    start = mproc_clock();
    all_run(scenario->name);
    mproc_census(&after);
    run_print(scenario->name, mproc_clock() - start,
              after.rescues - before.rescues);
    if (stress_census_compare(&before, &after) != 0 ||
        (goes_back && after.committed > before.committed + SLACK)) {
        stress_fault(STRESS_LEAKED,
                     "%s: %" PRIu64 " bytes stay committed, "
                     "before there were %" PRIu64,
                     scenario->name, (uint64_t)after.committed,
                     (uint64_t)before.committed);
    }
    if (stress_arena_check() != 0) {
        stress_fault(STRESS_TORN, "%s: in the end", scenario->name);
    }
}
