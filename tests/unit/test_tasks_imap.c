/* test_tasks_imap.c: imaps whose pool is closed, joined, terminated or gone
 * before they have given all (PL5, PL8, PL20, PL22, PL24, PL25). */
#include "tasks.h"

#define ENDLESS (-1)

typedef struct source_t {
    int next, end;
    mproc_pool_t *join; /* while it is asked for an item */
    apr_status_t joined;
} source_t;

static apr_status_t
source_next(mproc_bytes_t *item, void *baton, apr_pool_t *pool)
{
    source_t *source = baton;
    if (source->join != NULL) {
        source->joined = mproc_pool_join(source->join, MPROC_FOREVER);
    }
    return source->next == source->end
               ? APR_EOF
               : mproc_pack(item, pool, "i", source->next++);
}

static apr_status_t
imap_begin(mproc_imap_t **imap, mproc_pool_t *workers, source_t *source,
           int unordered, apr_pool_t *pool)
{
    mproc_task_options_t options = {.buffersize = 8};
    return unordered
               ? mproc_pool_imap_unordered(imap, workers, square, source_next,
                                           source, &options, pool)
               : mproc_pool_imap(imap, workers, square, source_next, source,
                                 &options, pool);
}

/* So many results, each with its item's number. */
static void
take(mproc_imap_t *imap, int count, apr_pool_t *pool)
{
    mproc_bytes_t result;
    int i, wrong = 0;
    for (i = 0; i < count; i++) {
        int number;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_imap_next(imap, &result, test_deadline(), pool));
        number = (int)mproc_imap_index(imap);
        wrong += number_of(result, pool) != number * number;
    }
    CHECK_INT(0, wrong);
}

/* PL5, PL20: what was begun before the close gives all. */
static void
a_closed_pool_gives_all(apr_pool_t *pool)
{
    enum {
        COUNT = 300
    };
    int unordered;
    for (unordered = 0; unordered < 2; unordered++) {
        source_t source = {.end = COUNT}, late = {.end = 3};
        mproc_imap_t *imap, *none;
        mproc_pool_t *workers;
        pool_start(&workers, 2, pool);
        REQUIRE_STATUS(APR_SUCCESS,
                       imap_begin(&imap, workers, &source, unordered, pool));
        take(imap, 5, pool);
        CHECK(source.next < COUNT);
        CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
        CHECK_STATUS(MPROC_ECLOSED,
                     imap_begin(&none, workers, &late, unordered, pool));
        CHECK(none == NULL);
        take(imap, COUNT - 5, pool);
        CHECK_STATUS(APR_EOF, mproc_imap_next(imap, NULL, 0, pool));
        CHECK_STATUS(APR_EOF, mproc_imap_next(imap, NULL, 0, pool));
        CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
        mproc_pool_destroy(workers);
    }
}

/* PL22: half read, of an input without end; join is not held up, and what was
 * fetched is there. */
static void
a_join_is_not_held_up(apr_pool_t *pool)
{
    int unordered;
    for (unordered = 0; unordered < 2; unordered++) {
        source_t source = {.end = ENDLESS};
        mproc_imap_t *imap;
        mproc_pool_t *workers;
        int fetched;
        pool_start(&workers, 2, pool);
        REQUIRE_STATUS(APR_SUCCESS,
                       imap_begin(&imap, workers, &source, unordered, pool));
        take(imap, 11, pool);
        CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
        CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
        fetched = source.next;
        CHECK(fetched > 11);
        take(imap, fetched - 11, pool);
        CHECK_INT(fetched, source.next);
        CHECK_STATUS(MPROC_ECLOSED, mproc_imap_next(imap, NULL, 0, pool));
        CHECK_DETAIL("joined");
        CHECK_STATUS(APR_EOF, mproc_imap_next(imap, NULL, 0, pool));
        mproc_pool_destroy(workers);
    }
}

/* PL8: what was fetched and is not done is told of, each. */
static void
a_terminated_pool_tells_each(apr_pool_t *pool)
{
    source_t source = {.end = ENDLESS};
    mproc_pool_t *workers;
    blocked_t blocked;
    mproc_imap_t *imap;
    int i, fetched;
    pool_block(&blocked, &workers, pool);
    REQUIRE_STATUS(APR_SUCCESS, imap_begin(&imap, workers, &source, 0, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    fetched = source.next;
    for (i = 0; i < fetched; i++) {
        CHECK_STATUS(MPROC_ECLOSED,
                     mproc_imap_next(imap, NULL, test_deadline(), pool));
        CHECK_INT(i, mproc_imap_index(imap));
    }
    CHECK_STATUS(MPROC_ECLOSED, mproc_imap_next(imap, NULL, 0, pool));
    CHECK_STATUS(APR_EOF, mproc_imap_next(imap, NULL, 0, pool));
    CHECK_INT(fetched, source.next);
    mproc_pool_destroy(workers);
}

/* PL25: one that was dropped holds up nobody, and what it had sent is done. */
static void
a_dropped_one_is_done(apr_pool_t *pool)
{
    source_t source = {.end = ENDLESS};
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    mproc_imap_t *imap;
    apr_pool_t *inner;
    pool_start(&workers, 2, pool);
    apr_pool_create(&inner, pool);
    REQUIRE_STATUS(APR_SUCCESS, imap_begin(&imap, workers, &source, 0, inner));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    apr_pool_destroy(inner);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(source.next, stats.submitted);
    CHECK_INT(source.next, stats.run);
    mproc_pool_destroy(workers);
}

/* It has what came before its pool went. */
static void
an_imap_outlives_its_pool(apr_pool_t *pool)
{
    source_t source = {.end = ENDLESS};
    mproc_pool_t *workers;
    mproc_imap_t *imap;
    apr_status_t rv = APR_SUCCESS;
    int i, fetched;
    pool_start(&workers, 2, pool);
    REQUIRE_STATUS(APR_SUCCESS, imap_begin(&imap, workers, &source, 0, pool));
    take(imap, 1, pool);
    mproc_pool_destroy(workers);
    fetched = source.next;
    for (i = 1; i < fetched; i++) {
        rv = mproc_imap_next(imap, NULL, 0, pool);
        CHECK(rv == APR_SUCCESS || rv == MPROC_ECLOSED);
    }
    CHECK_STATUS(MPROC_ECLOSED, mproc_imap_next(imap, NULL, 0, pool));
    CHECK_STATUS(APR_EOF, mproc_imap_next(imap, NULL, 0, pool));
    CHECK_INT(fetched, source.next);
}

/* Who joins there would wait for himself. */
static void
a_source_does_not_join(apr_pool_t *pool)
{
    source_t source = {.end = 40};
    mproc_pool_t *workers;
    mproc_imap_t *imap;
    pool_start(&workers, 2, pool);
    REQUIRE_STATUS(APR_SUCCESS, imap_begin(&imap, workers, &source, 0, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    source.join = workers;
    take(imap, 40, pool);
    CHECK_STATUS(MPROC_ESTATE, source.joined);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    mproc_pool_destroy(workers);
}

static const test_case_t cases[] = {
    {"a_closed_pool_gives_all", a_closed_pool_gives_all},
    {"a_join_is_not_held_up", a_join_is_not_held_up},
    {"a_terminated_pool_tells_each", a_terminated_pool_tells_each},
    {"a_dropped_one_is_done", a_dropped_one_is_done},
    {"an_imap_outlives_its_pool", an_imap_outlives_its_pool},
    {"a_source_does_not_join", a_source_does_not_join},
    {NULL, NULL}};

const test_suite_t suite_tasks_imap = {"tasks_imap", 1, cases};
