/* items.h: items for queues that can be told apart, and their queues. */
#ifndef MPROC_TESTS_ITEMS_H
#define MPROC_TESTS_ITEMS_H

#include <string.h>

#include "child.h"
#include "sleepers.h"

#include "../../lib/src/peers.h"
#include "../../lib/src/queue.h"

static inline mproc_queue_t *
queue_new(apr_size_t maxsize, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, maxsize, pool));
    return queue;
}

/* What its getters, or its putters, sleep on. */
static inline void *
items_gate(mproc_queue_t *queue)
{
    return (void *)&mproc__queue_ring(queue)->items;
}

static inline void *
space_gate(mproc_queue_t *queue)
{
    return (void *)&mproc__queue_ring(queue)->space;
}

/* The n-th byte of an item. */
static inline unsigned char
item_byte(apr_size_t n, unsigned seed)
{
    apr_uint64_t z = (n / 4096 + 1) * 0x9e3779b97f4a7c15u ^ seed;
    return (unsigned char)((z >> 24) + n * 7);
}

static inline void
item_write(void *data, apr_size_t size, unsigned seed)
{
    apr_size_t n;
    for (n = 0; n < size; n++) {
        ((unsigned char *)data)[n] = item_byte(n, seed);
    }
}

static inline mproc_bytes_t
item_make(apr_size_t size, unsigned seed, apr_pool_t *pool)
{
    mproc_bytes_t item = {NULL, size};
    void *data = apr_palloc(pool, size + 1);
    item_write(data, size, seed);
    item.data = data;
    return item;
}

static inline int
item_is(mproc_bytes_t item, apr_size_t size, unsigned seed)
{
    apr_size_t n;
    if (item.size != size) {
        return 0;
    }
    for (n = 0; n < size; n++) {
        if (((const unsigned char *)item.data)[n] != item_byte(n, seed)) {
            return 0;
        }
    }
    return 1;
}

/* What is in use; without those who have ended and are just being recovered
 * from by another process, the fork server, say. */
static inline void
census_settled(mproc_census_t *census)
{
    mproc__peers_settle();
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(census));
}

/* The fork server lets go of what it started a child with a little later. */
static inline void
await_blocks(mproc_kind_e kind, apr_uint64_t count)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    mproc_census_t census;
    do {
        census_settled(&census);
    } while (census.kind[kind].blocks != count && mproc_clock() < deadline);
    CHECK_INT(count, census.kind[kind].blocks);
}

static inline apr_uint64_t
census_rescues(void)
{
    mproc_census_t census;
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&census));
    return census.rescues;
}

/* None was needed but where a waker was held up longer than a waiter has
 * patience, which happens where many want the processors. */
#define CHECK_RESCUES(before) CHECK(census_rescues() - (before) <= 5)

#endif
