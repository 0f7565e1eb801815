/*
 * bench_manager.c: a dict and a list in a manager's server: one set, one get,
 * one append, each there and back; and what clients and entries cost there.
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>

enum {
    KEYS = 100,
    VALUE = 64,
    BATCH = 1000,
    CLIENTS = 1000,
    ENTRIES = 1000000
};

/* Variants: each has a server of its own. */
enum {
    SINGLY,
    BATCHED, /* calls are sent together */
    CROWDED, /* by many clients, idle but for one */
    VARIANTS
};

typedef struct served_t {
    mproc_manager_t *manager;
    mproc_dict_t *dict;
    mproc_list_t *list;
    apr_pool_t *pool;
    apr_pool_t *scratch; /* of the calls */
    int appended;
} served_t;

static served_t servers[VARIANTS];
static mproc_manager_t *idle[CLIENTS];
static char key[KEYS][16], value[VALUE];

static apr_status_t
set_one(served_t *served, int i)
{
    mproc_bytes_t bytes = {value, VALUE};

    return mproc_dict_setf(served->dict, key[i % KEYS], "y", bytes);
}

static apr_status_t
get_one(served_t *served, int i)
{
    mproc_bytes_t bytes = {NULL, 0};
    apr_status_t rv = mproc_dict_getf(served->dict, key[i % KEYS],
                                      served->scratch, "y", &bytes);

    return rv == APR_SUCCESS && bytes.size != VALUE
               ? bench_fail("a value is wrong")
               : rv;
}

static apr_status_t
set_or_get_one(served_t *served, int i)
{
    return i % 2 == 0 ? set_one(served, i / 2) : get_one(served, i / 2);
}

static apr_status_t
append_one(served_t *served, int i)
{
    served->appended++;
    return mproc_list_appendf(served->list, "i", i);
}

static apr_status_t
manager_setup(int variant)
{
    served_t *served = &servers[variant];
    apr_status_t rv = mproc_manager_start(&served->manager, NULL, NULL);
    int i;

    apr_pool_create(&served->pool, NULL);
    apr_pool_create(&served->scratch, served->pool);
    memset(value, 'x', sizeof value);
    if (rv == APR_SUCCESS) {
        rv = mproc_manager_dict(served->manager, &served->dict, NULL,
                                served->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_manager_list(served->manager, &served->list, NULL,
                                served->pool);
    }
    for (i = 0; i < KEYS && rv == APR_SUCCESS; i++) {
        snprintf(key[i], sizeof key[i], "key%d", i);
        rv = set_one(served, i);
    }
    return rv;
}

static void
manager_teardown(int variant)
{
    served_t *served = &servers[variant];

    apr_pool_destroy(served->pool);
    mproc_manager_destroy(served->manager);
    memset(served, 0, sizeof *served);
}

/* ---------------------------------------------------------------- the calls */

typedef apr_status_t (*call_fn_t)(served_t *served, int i);

static apr_status_t
calls_run(call_fn_t call, int variant, double *result)
{
    served_t *served = &servers[variant];
    apr_time_t begin = mproc_clock(), end;
    int done = 0, i, count = variant == BATCHED ? BATCH : KEYS;
    apr_status_t rv = APR_SUCCESS;

    do {
        if (variant == BATCHED) {
            rv = mproc_manager_batch_begin(served->manager);
        }
        for (i = 0; i < count && rv == APR_SUCCESS; i++) {
            rv = call(served, done + i);
        }
        if (variant == BATCHED && rv == APR_SUCCESS) {
            rv = mproc_manager_batch_end(served->manager, NULL);
        }
        done += count;
        apr_pool_clear(served->scratch);
        end = mproc_clock();
    } while (rv == APR_SUCCESS && end - begin < BENCH_SPAN);
    *result = (double)done / ((double)(end - begin) / APR_USEC_PER_SEC);
    return rv;
}

static apr_status_t
set_sample(double *result, int variant)
{
    return calls_run(set_one, variant, result);
}

static apr_status_t
get_sample(double *result, int variant)
{
    return calls_run(get_one, variant, result);
}

static apr_status_t
set_or_get_sample(double *result, int variant)
{
    return calls_run(set_or_get_one, variant, result);
}

static apr_status_t
append_sample(double *result, int variant)
{
    served_t *served = &servers[variant];
    apr_status_t rv = mproc_list_clear(served->list);

    served->appended = 0;
    if (rv == APR_SUCCESS) {
        rv = calls_run(append_one, variant, result);
    }
    return rv == APR_SUCCESS &&
                   mproc_list_size(served->list) != (apr_size_t)served->appended
               ? bench_fail("some elements are missing")
               : rv;
}

/* ---------------------------------------------------------------- clients */

static apr_status_t
clients_setup(int variant)
{
    mproc_manager_t *manager;
    mproc_manager_census_t census = {0, 0, 0};
    apr_status_t rv = manager_setup(variant);
    int i, count = variant == CROWDED ? CLIENTS : 0;

    manager = servers[variant].manager;
    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = mproc_manager_connect(&idle[i], mproc_manager_address(manager),
                                   NULL, NULL);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_manager_census(manager, &census);
    }
    return rv == APR_SUCCESS && census.clients != (apr_uint64_t)count + 1
               ? bench_fail("some clients are missing")
               : rv;
}

static void
clients_teardown(int variant)
{
    int i;

    for (i = 0; variant == CROWDED && i < CLIENTS; i++) {
        mproc_manager_destroy(idle[i]);
        idle[i] = NULL;
    }
    manager_teardown(variant);
}

static apr_status_t
clients_sample(double *result, int variant)
{
    double calls = 1;
    apr_status_t rv = calls_run(get_one, variant, &calls);

    *result = APR_USEC_PER_SEC / calls;
    return rv;
}

/* ---------------------------------------------------------------- entries */

static apr_status_t
fill(served_t *served, apr_uint64_t *bytes)
{
    apr_status_t rv = APR_SUCCESS;
    char text[16];
    int i, end;

    *bytes = 0;
    for (i = 0; i < ENTRIES && rv == APR_SUCCESS;) {
        rv = mproc_manager_batch_begin(served->manager);
        for (end = i + BATCH; i < end && rv == APR_SUCCESS; i++) {
            /* Packed: a byte more each, and 5 for the number. */
            *bytes +=
                (apr_uint64_t)snprintf(text, sizeof text, "k%07d", i) + 1 + 5;
            rv = mproc_dict_setf(served->dict, text, "i", i + 100000);
        }
        if (rv == APR_SUCCESS) {
            rv = mproc_manager_batch_end(served->manager, NULL);
        }
    }
    return rv == APR_SUCCESS && mproc_dict_size(served->dict) != ENTRIES
               ? bench_fail("some entries are missing")
               : rv;
}

/* The server's objects lie in the arena of its tree, which is this one's. */
static apr_status_t
entry_sample(double *result, int variant)
{
    served_t *served = &servers[variant];
    apr_status_t rv = mproc_dict_clear(served->dict);
    mproc_census_t before, after;
    apr_uint64_t bytes;

    if (rv == APR_SUCCESS) {
        rv = mproc_census(&before);
    }
    if (rv == APR_SUCCESS) {
        rv = fill(served, &bytes);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_census(&after);
    }
    if (rv == APR_SUCCESS) {
        *result = ((double)after.total.bytes - (double)before.total.bytes -
                   (double)bytes) /
                  ENTRIES;
    }
    return rv;
}

const bench_row_t bench_manager[] = {
    {"manager.set", "mproc", "call/s", SINGLY, manager_setup, set_sample,
     manager_teardown},
    {"manager.set", "mproc batch", "call/s", BATCHED, manager_setup, set_sample,
     manager_teardown},
    {"manager.get", "mproc", "call/s", SINGLY, manager_setup, get_sample,
     manager_teardown},
    {"manager.setget", "mproc", "call/s", SINGLY, manager_setup,
     set_or_get_sample, manager_teardown},
    {"manager.append", "mproc", "call/s", SINGLY, manager_setup, append_sample,
     manager_teardown},
    {"manager.append", "mproc batch", "call/s", BATCHED, manager_setup,
     append_sample, manager_teardown},
    {"manager.clients", "mproc", "us", CROWDED, clients_setup, clients_sample,
     clients_teardown},
    {"manager.clients", "mproc alone", "us", SINGLY, clients_setup,
     clients_sample, clients_teardown},
    {"manager.entry", "mproc", "bytes beyond key and value", SINGLY,
     manager_setup, entry_sample, manager_teardown},
    {NULL, NULL, NULL, 0, NULL, NULL, NULL}};
