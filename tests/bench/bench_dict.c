/*
 * bench_dict.c: the dict and the list of the process tree itself: one set, one
 * get, one append, and what an entry takes.
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>

enum {
    KEYS = 1000,
    ENTRIES = 1000000
};

static mproc_dict_t *dict;
static apr_pool_t *pool;
static char key[KEYS][16];

static apr_status_t
dict_setup(int variant)
{
    apr_status_t rv = mproc_dict_create(&dict, NULL);
    int i;

    (void)variant;
    apr_pool_create(&pool, NULL);
    for (i = 0; i < KEYS && rv == APR_SUCCESS; i++) {
        snprintf(key[i], sizeof key[i], "key-%d", i);
        rv = mproc_dict_setf(dict, key[i], "i", i);
    }
    return rv;
}

static void
dict_teardown(int variant)
{
    (void)variant;
    mproc_dict_destroy(dict);
    dict = NULL;
    if (pool != NULL) {
        apr_pool_destroy(pool);
        pool = NULL;
    }
}

static apr_status_t
set_sample(double *result, int variant)
{
    apr_time_t begin = mproc_clock(), end;
    apr_status_t rv = APR_SUCCESS;
    int done = 0, i;

    (void)variant;
    do {
        for (i = 0; i < KEYS && rv == APR_SUCCESS; i++) {
            rv = mproc_dict_setf(dict, key[i], "i", done + i);
        }
        done += KEYS;
        end = mproc_clock();
    } while (rv == APR_SUCCESS && end - begin < BENCH_SPAN);
    *result = (double)done / ((double)(end - begin) / APR_USEC_PER_SEC);
    return rv;
}

static apr_status_t
get_sample(double *result, int variant)
{
    apr_time_t begin = mproc_clock(), end;
    apr_status_t rv = APR_SUCCESS;
    int done = 0, value = -1, i;

    (void)variant;
    do {
        for (i = 0; i < KEYS && rv == APR_SUCCESS; i++) {
            rv = mproc_dict_getf(dict, key[i], pool, "i", &value);
        }
        done += KEYS;
        end = mproc_clock();
    } while (rv == APR_SUCCESS && end - begin < BENCH_SPAN);
    *result = (double)done / ((double)(end - begin) / APR_USEC_PER_SEC);
    return rv == APR_SUCCESS && value < KEYS - 1
               ? bench_fail("a value is wrong")
               : rv;
}

/* A new dict of a million. */
static apr_status_t
fill(mproc_dict_t **many, apr_uint64_t *bytes)
{
    apr_status_t rv = mproc_dict_create(many, NULL);
    char text[16];
    int i;

    *bytes = 0;
    for (i = 0; i < ENTRIES && rv == APR_SUCCESS; i++) {
        /* Packed: a byte more each, and 5 for the number. */
        *bytes += (apr_uint64_t)snprintf(text, sizeof text, "k%07d", i) + 1 + 5;
        rv = mproc_dict_setf(*many, text, "i", i + 100000);
    }
    return rv;
}

static apr_status_t
insert_sample(double *result, int variant)
{
    apr_time_t begin = mproc_clock();
    mproc_dict_t *many;
    apr_uint64_t bytes;
    apr_status_t rv = fill(&many, &bytes);

    (void)variant;
    *result = ENTRIES / ((double)(mproc_clock() - begin) / APR_USEC_PER_SEC);
    mproc_dict_destroy(many);
    return rv;
}

static apr_status_t
memory_sample(double *result, int variant)
{
    mproc_census_t before, after;
    mproc_dict_t *many;
    apr_uint64_t bytes;
    apr_status_t rv = mproc_census(&before);

    (void)variant;
    if (rv == APR_SUCCESS) {
        rv = fill(&many, &bytes);
        if (rv == APR_SUCCESS) {
            rv = mproc_census(&after);
        }
        mproc_dict_destroy(many);
    }
    if (rv == APR_SUCCESS) {
        *result =
            (double)(after.total.bytes - before.total.bytes - bytes) / ENTRIES;
    }
    return rv;
}

/* ---------------------------------------------------------------------- list
 */

static mproc_list_t *list;

static apr_status_t
list_setup(int variant)
{
    apr_status_t rv = mproc_list_create(&list, NULL);
    int i;

    (void)variant;
    apr_pool_create(&pool, NULL);
    for (i = 0; i < KEYS && rv == APR_SUCCESS; i++) {
        rv = mproc_list_appendf(list, "i", i);
    }
    return rv;
}

static void
list_teardown(int variant)
{
    mproc_list_destroy(list);
    list = NULL;
    dict_teardown(variant);
}

static apr_status_t
append_sample(double *result, int variant)
{
    apr_time_t begin = mproc_clock(), end;
    apr_status_t rv = mproc_list_clear(list);
    int done = 0, i;

    (void)variant;
    do {
        for (i = 0; i < KEYS && rv == APR_SUCCESS; i++) {
            rv = mproc_list_appendf(list, "i", i);
        }
        done += KEYS;
        end = mproc_clock();
    } while (rv == APR_SUCCESS && end - begin < BENCH_SPAN);
    *result = (double)done / ((double)(end - begin) / APR_USEC_PER_SEC);
    return rv == APR_SUCCESS && mproc_list_size(list) != (apr_size_t)done
               ? bench_fail("some elements are missing")
               : rv;
}

static apr_status_t
at_sample(double *result, int variant)
{
    apr_time_t begin = mproc_clock(), end;
    apr_status_t rv = APR_SUCCESS;
    int done = 0, value = -1, i;

    (void)variant;
    do {
        for (i = 0; i < KEYS && rv == APR_SUCCESS; i++) {
            rv = mproc_list_getf(list, i, pool, "i", &value);
        }
        done += KEYS;
        end = mproc_clock();
    } while (rv == APR_SUCCESS && end - begin < BENCH_SPAN);
    *result = (double)done / ((double)(end - begin) / APR_USEC_PER_SEC);
    return rv == APR_SUCCESS && value != KEYS - 1
               ? bench_fail("a value is wrong")
               : rv;
}

const bench_row_t bench_dict[] = {
    {"dict.set", "mproc", "op/s", 0, dict_setup, set_sample, dict_teardown},
    {"dict.get", "mproc", "op/s", 0, dict_setup, get_sample, dict_teardown},
    {"dict.insert", "mproc", "op/s", 0, NULL, insert_sample, NULL},
    {"dict.entry", "mproc", "bytes beyond key and value", 0, NULL,
     memory_sample, NULL},
    {"list.append", "mproc", "op/s", 0, list_setup, append_sample,
     list_teardown},
    {"list.get", "mproc", "op/s", 0, list_setup, at_sample, list_teardown},
    {NULL, NULL, NULL, 0, NULL, NULL, NULL}};
