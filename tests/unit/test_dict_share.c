/* test_dict_share.c: many at one dict, and some are killed (M10, M11, M23). */
#include <stdio.h>
#include <string.h>

#include <apr_thread_proc.h>

#include "dicts.h"

static int
add_pid(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_bytes_t pid;
    mproc_dict_t *dict;
    int i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &dict));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_pack(&pid, pool, "I",
                            mproc_process_pid(mproc_process_current())));
    CHILD_STATUS(APR_SUCCESS, mproc_dict_set(dict, pid, pid));
    for (i = 0; i < 500; i++) {
        CHILD_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "busy", "i", i));
        CHILD_STATUS(APR_SUCCESS, mproc_dict_remove_key(dict, pid));
        CHILD_STATUS(APR_SUCCESS, mproc_dict_set(dict, pid, pid));
    }
    return 0;
}

/* S29: all are seen by all. */
static void
processes_share_it(apr_pool_t *pool)
{
    enum {
        CHILDREN = 5
    };
    mproc_dict_t *dict = dict_new(pool);
    mproc_process_t *child[CHILDREN];
    mproc_dict_pair_t *pairs;
    apr_size_t count;
    apr_int64_t key, value;
    int i;
    for (i = 0; i < CHILDREN; i++) {
        START(child[i], add_pid, pool, "o", dict);
    }
    for (i = 0; i < CHILDREN; i++) {
        JOIN(child[i], 0);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_dict_remove(dict, "busy"));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_dict_snapshot(dict, &pairs, &count, pool));
    CHECK_INT(CHILDREN, count);
    for (i = 0; i < (int)count; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_unpack(pairs[i].key, pool, "I", &key));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_unpack(pairs[i].value, pool, "I", &value));
        CHECK(key == value && key > 0);
    }
    CHECK_WHOLE(dict);
}

static int
change_on(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_dict_t *dict;
    mproc_event_t *event, *begun;
    apr_pool_t *each;
    char key[20];
    int seed, i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oooi", &dict, &event,
                                           &begun, &seed));
    apr_pool_create(&each, pool);
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(begun));
    for (i = seed; !mproc_event_is_set(event); i++) {
        apr_size_t size = (apr_size_t)(i * 37 % 300);
        snprintf(key, sizeof key, "%d", i * 11 % 400);
        if (i % 3 == 0) {
            (void)mproc_dict_remove(dict, key);
        }
        else if (i % 7 == 0) {
            CHILD_STATUS(APR_SUCCESS,
                         mproc_dict_setf(dict, key, "[s o]", "x", event));
        }
        else if (i % 501 == 1) {
            CHILD_STATUS(APR_SUCCESS, mproc_dict_clear(dict));
        }
        else {
            CHILD_STATUS(APR_SUCCESS,
                         mproc_dict_setf(dict, key, "[s s]",
                                         long_text(size, i, each),
                                         long_text(size, i, each)));
        }
        apr_pool_clear(each);
    }
    return 0;
}

/* Children that change it are killed; it is whole, nothing hangs or leaks. */
static void
killed_users_leave_it_whole(apr_pool_t *pool)
{
    mproc_dict_t *dict = dict_new(NULL);
    mproc_process_t *stays, *dies;
    mproc_census_t before, after;
    mproc_event_t *stop, *begun;
    apr_pool_t *each;
    int round, i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&stop, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&begun, pool));
    start_server(pool);
    mproc_dict_destroy(dict);
    census_settled(&before);
    dict = dict_new(NULL);
    apr_pool_create(&each, pool);
    START(stays, change_on, pool, "oooi", dict, stop, begun, 1);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(begun, test_deadline()));
    for (round = 0; round < test_scaled(12); round++) {
        CHECK_STATUS(APR_SUCCESS, mproc_event_clear(begun));
        START(dies, change_on, pool, "oooi", dict, stop, begun, round * 100);
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(begun, test_deadline()));
        for (i = 0; i < 300; i++) {
            mproc_dict_pair_t *pairs;
            apr_size_t count, k;
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_dict_snapshot(dict, &pairs, &count, each));
            for (k = 0; k < count; k++) {
                mproc_datum_t *datum;
                const char *one, *two;
                REQUIRE_STATUS(APR_SUCCESS,
                               mproc_datum_parse(&datum, pairs[k].value, each));
                if (mproc_datum_as_text(mproc_datum_at(datum, 1), &two) ==
                    APR_SUCCESS) {
                    CHECK_STATUS(
                        APR_SUCCESS,
                        mproc_datum_as_text(mproc_datum_at(datum, 0), &one));
                    REQUIRE(strcmp(one, two) == 0);
                }
            }
            apr_pool_clear(each);
        }
        KILL(dies);
        CHECK_WHOLE(dict);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(stop));
    JOIN(stays, 0);
    CHECK_WHOLE(dict);
    mproc_dict_destroy(dict);
    await_blocks(MPROC_KIND_DICT, before.kind[MPROC_KIND_DICT].blocks);
    census_settled(&after);
    CHECK_INT(before.kind[MPROC_KIND_STORE].blocks,
              after.kind[MPROC_KIND_STORE].blocks);
    CHECK_INT(before.kind[MPROC_KIND_CELLS].blocks,
              after.kind[MPROC_KIND_CELLS].blocks);
    CHECK_INT(before.kind[MPROC_KIND_BOXES].blocks,
              after.kind[MPROC_KIND_BOXES].blocks);
    CHECK_INT(before.kind[MPROC_KIND_ITEM].blocks,
              after.kind[MPROC_KIND_ITEM].blocks);
}

static int
commit_half(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_dict_t *dict;
    mproc_event_t *ready, *never;
    mproc__store_use_t *use;
    mproc__store_t *store;
    int committed;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oooi", &dict, &ready,
                                           &never, &committed));
    /* As one that is killed before the commit, or in the middle of it. */
    use = (mproc__store_use_t *)(void *)dict;
    store = use->object.shared;
    CHILD_CHECK(mproc__actor() != 0);
    CHILD_STATUS(APR_SUCCESS, mproc__store_lock(use, "test"));
    mproc__journal_put_wide(use, &use->content->count, 77);
    mproc__journal_put(use, &use->content->box_next, 0);
    atomic_store(&store->committed, committed ? 2 : 0);
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(ready));
    mproc_event_wait(never, MPROC_FOREVER);
    return 0;
}

/* A journal that is committed takes effect; one that is not never was. */
static void
half_a_commit_is_finished(apr_pool_t *pool)
{
    mproc_dict_t *dict = dict_new(pool);
    mproc_event_t *ready, *never;
    mproc_process_t *child;
    int committed;
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 1));
    for (committed = 0; committed < 2; committed++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&ready, pool));
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&never, pool));
        START(child, commit_half, pool, "oooi", dict, ready, never, committed);
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
        test_kill(mproc_process_pid(child));
        CHECK_INT(committed ? 77 : 1, mproc_dict_size(dict));
        KILL(child);
    }
}

static mproc_dict_t *threads_dict;

static void *APR_THREAD_FUNC
thread_counts(apr_thread_t *thread, void *letter)
{
    apr_status_t rv = APR_SUCCESS;
    apr_pool_t *pool;
    char key[8];
    int i, seen;
    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    for (i = 0; i < 20000 && rv == APR_SUCCESS; i++) {
        snprintf(key, sizeof key, "%c%d", *(char *)letter, i % 50);
        rv = mproc_dict_setf(threads_dict, key, "i", i);
        if (rv == APR_SUCCESS) {
            rv = mproc_dict_getf(threads_dict, key, pool, "i", &seen);
        }
        if (rv == APR_SUCCESS && seen != i) {
            rv = APR_EGENERAL;
        }
    }
    apr_pool_destroy(pool);
    apr_thread_exit(thread, rv);
    return NULL;
}

/* M10: threads of one process use one pointer. */
static void
threads_share_it(apr_pool_t *pool)
{
    static char letters[2] = {'a', 'b'};
    apr_thread_t *threads[2];
    apr_status_t ended;
    int i;
    threads_dict = dict_new(pool);
    for (i = 0; i < 2; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       apr_thread_create(&threads[i], NULL, thread_counts,
                                         &letters[i], pool));
    }
    for (i = 0; i < 2; i++) {
        CHECK_STATUS(APR_SUCCESS, apr_thread_join(&ended, threads[i]));
        CHECK_STATUS(APR_SUCCESS, ended);
    }
    CHECK_INT(100, mproc_dict_size(threads_dict));
    CHECK_WHOLE(threads_dict);
}

static const test_case_t cases[] = {
    {"processes_share_it", processes_share_it},
    {"killed_users_leave_it_whole", killed_users_leave_it_whole},
    {"half_a_commit_is_finished", half_a_commit_is_finished},
    {"threads_share_it", threads_share_it},
    {NULL, NULL}};

const test_suite_t suite_dict_share = {"dict_share", 1, cases};
