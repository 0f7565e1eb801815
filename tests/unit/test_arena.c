/* test_arena.c: blocks, holds, handles, and what is left afterwards. */
#include <stdlib.h>
#include <string.h>

#include <apr_thread_proc.h>

#include "test.h"

#include "../../lib/src/arena.h"
#include "../../lib/src/peers.h"

#define BLOCKS 5000

static apr_uint64_t
count_blocks(void)
{
    mproc_census_t census;
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&census));
    return census.total.blocks - census.kind[MPROC_KIND_HOLD].blocks;
}

static apr_uint64_t
count_committed(void)
{
    mproc_census_t census;
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&census));
    return census.committed;
}

static mproc__hold_t *
hold_new(void)
{
    mproc__hold_t *hold;
    REQUIRE_STATUS(APR_SUCCESS, mproc__peers_attach());
    hold = mproc__hold_new();
    REQUIRE(hold != NULL);
    return hold;
}

static int
all_zero(const char *data, apr_uint64_t size)
{
    return size == 0 ||
           (data[0] == 0 && memcmp(data, data + 1, (size_t)size - 1) == 0);
}

static void
every_size_has_room_and_is_zeroed(apr_pool_t *pool)
{
    mproc__hold_t *hold = hold_new();
    apr_uint64_t size;
    (void)pool;
    for (size = 0; size < 300000; size = size < 70 ? size + 1 : size * 9 / 8) {
        char *data;
        int again;
        for (again = 0; again < 2; again++) {
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc__arena_alloc(hold, size, MPROC_KIND_EVENT));
            data = mproc__arena_at(mproc__hold_handle(hold));
            REQUIRE(data != NULL);
            CHECK(mproc__arena_room(mproc__hold_handle(hold)) >= size);
            CHECK_INT(0, (size_t)data % 16);
            CHECK(all_zero(data, size));
            memset(data, 0xa5, (size_t)size);
            mproc__arena_release(hold);
        }
    }
    mproc__hold_free(hold);
}

static void
a_stale_handle_is_an_error(apr_pool_t *pool)
{
    mproc__hold_t *hold = hold_new(), *other = hold_new();
    mproc__handle_t handle;
    (void)pool;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc__arena_alloc(hold, 100, MPROC_KIND_EVENT));
    handle = mproc__hold_handle(hold);
    CHECK_INT(MPROC_KIND_EVENT, mproc__arena_kind(handle));
    mproc__arena_release(hold);
    CHECK_INT(0, mproc__hold_handle(hold));
    CHECK(mproc__arena_at(handle) == NULL);
    CHECK_INT(MPROC_KIND_NONE, mproc__arena_kind(handle));
    CHECK_STATUS(MPROC_ESTALE, mproc__arena_hold(other, handle));
    /* The same place, taken again, has another handle. */
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc__arena_alloc(hold, 100, MPROC_KIND_EVENT));
    CHECK(mproc__hold_handle(hold) != handle);
    CHECK_STATUS(MPROC_ESTALE, mproc__arena_hold(other, handle));
    mproc__arena_release(hold);
    mproc__hold_free(hold);
    mproc__hold_free(other);
}

static void
wild_handles_do_no_harm(apr_pool_t *pool)
{
    mproc__hold_t *hold = hold_new();
    apr_uint64_t wild = 88172645463325252u, i;
    (void)pool;
    for (i = 0; i < 100000; i++) {
        wild ^= wild << 13;
        wild ^= wild >> 7;
        wild ^= wild << 17;
        CHECK(mproc__arena_at(wild) == NULL);
        CHECK_INT(MPROC_KIND_NONE, mproc__arena_kind(wild));
    }
    CHECK_STATUS(MPROC_ESTALE, mproc__arena_hold(hold, wild));
    CHECK_STATUS(MPROC_ESTALE, mproc__arena_hold(hold, 0));
    CHECK_STATUS(MPROC_ESTALE, mproc__arena_hold(hold, ~(apr_uint64_t)0));
    mproc__hold_free(hold);
}

static void
a_block_lives_while_somebody_holds_it(apr_pool_t *pool)
{
    mproc__hold_t *first = hold_new(), *second = hold_new();
    mproc__handle_t handle;
    apr_uint64_t before = count_blocks();
    (void)pool;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc__arena_alloc(first, 10, MPROC_KIND_EVENT));
    handle = mproc__hold_handle(first);
    REQUIRE_STATUS(APR_SUCCESS, mproc__arena_hold(second, handle));
    mproc__arena_release(first);
    CHECK(mproc__arena_at(handle) != NULL);
    mproc__arena_release(second);
    CHECK(mproc__arena_at(handle) == NULL);
    mproc__arena_release(second);
    CHECK_INT(before, count_blocks());
    mproc__hold_free(first);
    mproc__hold_free(second);
}

static void
a_freed_block_releases_what_it_holds(apr_pool_t *pool)
{
    mproc__hold_t *outer = hold_new(), *inner = hold_new();
    mproc__holder_t *holder;
    apr_uint64_t before = count_blocks();
    int i;
    (void)pool;
    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc__arena_alloc(outer, sizeof *holder + 3 * sizeof(mproc__hold_t),
                           MPROC_KIND_JOB));
    holder = mproc__arena_at(mproc__hold_handle(outer));
    holder->count = 3;
    for (i = 0; i < 2; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc__arena_alloc(&holder->hold[i], 1000,
                                                       MPROC_KIND_BYTES));
    }
    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc__arena_hold(inner, mproc__hold_handle(&holder->hold[0])));
    mproc__arena_release(outer);
    CHECK_INT(before + 1, count_blocks());
    mproc__arena_release(inner);
    CHECK_INT(before, count_blocks());
    mproc__hold_free(outer);
    mproc__hold_free(inner);
}

/* V11: nothing is left of 5,000 random blocks, in any order. */
static void
random_blocks_leave_nothing(apr_pool_t *pool)
{
    mproc__hold_t **hold = apr_palloc(pool, BLOCKS * sizeof *hold);
    apr_uint64_t before = count_blocks();
    unsigned seed = 7, round, i;
    for (i = 0; i < BLOCKS; i++) {
        hold[i] = hold_new();
    }
    for (round = 0; round < 4 * BLOCKS; round++) {
        seed = seed * 1103515245 + 12345;
        i = (seed >> 8) % BLOCKS;
        if (mproc__hold_handle(hold[i]) != 0) {
            unsigned *data = mproc__arena_at(mproc__hold_handle(hold[i]));
            REQUIRE(data != NULL);
            CHECK_INT(i, *data);
            mproc__arena_release(hold[i]);
        }
        else {
            unsigned size = 4 + (seed >> 16) % (round % 50 == 0 ? 200000 : 900);
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc__arena_alloc(hold[i], size, MPROC_KIND_BYTES));
            *(unsigned *)mproc__arena_at(mproc__hold_handle(hold[i])) = i;
        }
    }
    for (i = 0; i < BLOCKS; i++) {
        mproc__arena_release(hold[i]);
        mproc__hold_free(hold[i]);
    }
    CHECK_INT(before, count_blocks());
}

static void
large_blocks_give_their_memory_back(apr_pool_t *pool)
{
    mproc__hold_t *hold = hold_new();
    apr_uint64_t before = count_committed(), size = (apr_uint64_t)64 << 20;
    int i;
    (void)pool;
    for (i = 0; i < 3; i++) {
        char *data;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc__arena_alloc(hold, size, MPROC_KIND_BYTES));
        data = mproc__arena_at(mproc__hold_handle(hold));
        data[0] = data[size - 1] = 1;
        CHECK(count_committed() >= before + size);
        mproc__arena_release(hold);
    }
    /* Where the system cannot take it back, it is at least used again. */
    CHECK(count_committed() <= before + size + (1 << 20));
    mproc__hold_free(hold);
}

static void
chunks_go_from_one_size_to_another(apr_pool_t *pool)
{
    static const apr_uint64_t sizes[] = {40, 5000, 100, 30000, 700};
    mproc__hold_t **hold = apr_palloc(pool, BLOCKS * sizeof *hold);
    apr_uint64_t most = 0, round;
    unsigned i;
    for (i = 0; i < BLOCKS; i++) {
        hold[i] = hold_new();
    }
    for (round = 0; round < 10; round++) {
        apr_uint64_t size = sizes[round % 5], count = 8000000 / size;
        count = count < BLOCKS ? count : BLOCKS;
        for (i = 0; i < count; i++) {
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc__arena_alloc(hold[i], size, MPROC_KIND_EVENT));
        }
        for (i = 0; i < count; i++) {
            mproc__arena_release(hold[i]);
        }
        most = round == 4 ? count_committed() : most;
    }
    CHECK(count_committed() <= most + (1 << 20));
    for (i = 0; i < BLOCKS; i++) {
        mproc__hold_free(hold[i]);
    }
}

static void
too_large_is_a_status(apr_pool_t *pool)
{
    mproc__hold_t *hold = hold_new();
    (void)pool;
    CHECK_STATUS(APR_ENOMEM,
                 mproc__arena_alloc(hold, MPROC__BLOCK_MAX, MPROC_KIND_BYTES));
    CHECK_DETAIL("largest");
    CHECK_STATUS(APR_ENOMEM,
                 mproc__arena_alloc(hold, ~(apr_uint64_t)0, MPROC_KIND_BYTES));
    CHECK_INT(0, mproc__hold_handle(hold));
    mproc__hold_free(hold);
}

/* Each thread marks its blocks; its exit status counts what was wrong. */
static void *APR_THREAD_FUNC
churn(apr_thread_t *thread, void *data)
{
    mproc__hold_t *hold[20];
    unsigned seed = (unsigned)(size_t)data, i;
    int round, bad = 0;
    for (i = 0; i < 20; i++) {
        hold[i] = mproc__hold_new();
    }
    for (round = 0; round < 20000; round++) {
        unsigned *word;
        seed = seed * 1103515245 + 12345;
        i = (seed >> 8) % 20;
        if (mproc__hold_handle(hold[i]) != 0) {
            word = mproc__arena_at(mproc__hold_handle(hold[i]));
            bad += word == NULL || *word != (unsigned)(size_t)data * 100 + i;
            mproc__arena_release(hold[i]);
        }
        else if (mproc__arena_alloc(hold[i], 4 + (seed >> 16) % 4000,
                                    MPROC_KIND_BYTES) == APR_SUCCESS) {
            word = mproc__arena_at(mproc__hold_handle(hold[i]));
            *word = (unsigned)(size_t)data * 100 + i;
        }
        else {
            bad++;
        }
    }
    for (i = 0; i < 20; i++) {
        mproc__arena_release(hold[i]);
        mproc__hold_free(hold[i]);
    }
    apr_thread_exit(thread, bad);
    return NULL;
}

static void
threads_do_not_disturb_each_other(apr_pool_t *pool)
{
    apr_thread_t *thread[4];
    apr_uint64_t before = count_blocks();
    size_t i;
    for (i = 0; i < 4; i++) {
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_create(&thread[i], NULL, churn,
                                                      (void *)(i + 1), pool));
    }
    for (i = 0; i < 4; i++) {
        apr_status_t bad;
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&bad, thread[i]));
        CHECK_INT(0, bad);
    }
    CHECK_INT(before, count_blocks());
}

static void
a_census_counts_by_kind(apr_pool_t *pool)
{
    mproc_census_t before, after;
    mproc_lock_t *lock;
    CHECK_STATUS(APR_EINVAL, mproc_census(NULL));
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.kind[MPROC_KIND_LOCK].blocks + 1,
              after.kind[MPROC_KIND_LOCK].blocks);
    /* A lock is at most 64 bytes. */
    CHECK_INT(before.kind[MPROC_KIND_LOCK].bytes + 64,
              after.kind[MPROC_KIND_LOCK].bytes);
    CHECK(after.peers >= 1);
    CHECK(after.threads >= 1);
    CHECK_TEXT("lock", mproc_kind_name(MPROC_KIND_LOCK));
    CHECK_TEXT("job", mproc_kind_name(MPROC_KIND_JOB));
    CHECK_TEXT("unknown", mproc_kind_name(MPROC_KIND_COUNT));
}

static const test_case_t cases[] = {
    {"every_size_has_room_and_is_zeroed", every_size_has_room_and_is_zeroed},
    {"a_stale_handle_is_an_error", a_stale_handle_is_an_error},
    {"wild_handles_do_no_harm", wild_handles_do_no_harm},
    {"a_block_lives_while_held", a_block_lives_while_somebody_holds_it},
    {"a_freed_block_releases", a_freed_block_releases_what_it_holds},
    {"random_blocks_leave_nothing", random_blocks_leave_nothing},
    {"large_blocks_give_memory_back", large_blocks_give_their_memory_back},
    {"chunks_change_their_size", chunks_go_from_one_size_to_another},
    {"too_large_is_a_status", too_large_is_a_status},
    {"threads_do_not_disturb", threads_do_not_disturb_each_other},
    {"census_counts_by_kind", a_census_counts_by_kind},
    {NULL, NULL}};

const test_suite_t suite_arena = {"arena", 0, cases};
