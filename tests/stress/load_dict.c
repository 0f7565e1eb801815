/*
 * load_dict.c: what the workers of the load do with a dict and a list. What is
 * set together is read together, whoever was killed.
 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mproc/dict.h>
#include <mproc/error.h>
#include <mproc/event.h>
#include <mproc/list.h>

#include "../support/store_check.h"

#define KEYS 40
#define QUADS 20 /* then the list is emptied */

static mproc_dict_t *dict;
static mproc_list_t *list;
static mproc_event_t *inside; /* an object in values */

void
load_dict_set_up(apr_pool_t *pool)
{
    if (mproc_dict_create(&dict, pool) != APR_SUCCESS ||
        mproc_list_create(&list, pool) != APR_SUCCESS ||
        mproc_event_create(&inside, pool) != APR_SUCCESS) {
        exit(2);
    }
}

static void
number_text(char *text, size_t size, unsigned number)
{
    memset(text, 'a' + (int)(number % 26), size);
    text[number % size] = '\0';
}

void
load_dict(void)
{
    unsigned number = (unsigned)stress_below(&load_self.draw, 100000), seen;
    mproc_event_t *event;
    char key[12], text[200];
    const char *got;
    apr_pool_t *pool;
    apr_status_t rv;

    snprintf(key, sizeof key, "%d", (int)stress_below(&load_self.draw, KEYS));
    number_text(text, sizeof text, number);
    apr_pool_create(&pool, NULL);
    switch (stress_below(&load_self.draw, 6)) {
    case 0:
        rv = mproc_dict_remove(dict, key);
        break;
    case 1:
        rv = mproc_dict_setf(dict, key, "[u s o]", number, text, inside);
        break;
    case 2:
    case 3:
        rv = mproc_dict_setf(dict, key, "[u s n]", number, text);
        break;
    default:
        rv = mproc_dict_getf(dict, key, pool, "[u s *]", &seen, &got);
        if (rv == APR_SUCCESS) {
            number_text(text, sizeof text, seen);
            if (strcmp(got, text) != 0) {
                stress_fault(STRESS_TORN, "worker %d: a value is half old",
                             load_self.index);
            }
            if (mproc_dict_getf(dict, key, pool, "[* * o]", &event) ==
                APR_SUCCESS) {
                mproc_event_destroy(event);
            }
        }
        break;
    }
    if (rv != APR_SUCCESS && rv != APR_NOTFOUND) {
        load_bad("a dict", rv);
    }
    apr_pool_destroy(pool);
}

/* Four that are the same, at one end or in the middle, or out again. */
void
load_list(void)
{
    unsigned number = (unsigned)stress_below(&load_self.draw, 100000);
    apr_int64_t at = 4 * (apr_int64_t)stress_below(&load_self.draw, QUADS);
    mproc_bytes_t *values;
    apr_status_t rv = APR_SUCCESS;
    apr_size_t count, i;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    switch (stress_below(&load_self.draw, 5)) {
    case 0:
        rv = mproc_list_extendf(list, "[u o u u]", number, inside, number,
                                number);
        break;
    case 1:
        rv = mproc_list_set_slicef(list, at, at + 4, "[u o u u]", number,
                                   inside, number, number);
        break;
    case 2:
        rv = mproc_list_remove_slice(list, at, at + 4);
        break;
    default:
        rv = mproc_list_snapshot(list, &values, &count, pool);
        for (i = 0; rv == APR_SUCCESS && i + 3 < count; i += 4) {
            if (values[i].size != values[i + 2].size ||
                memcmp(values[i].data, values[i + 2].data, values[i].size) !=
                    0 ||
                memcmp(values[i].data, values[i + 3].data, values[i].size) !=
                    0) {
                stress_fault(STRESS_TORN, "worker %d: a list is half changed",
                             load_self.index);
                break;
            }
        }
        if (rv == APR_SUCCESS && count > 4 * QUADS) {
            rv = mproc_list_clear(list);
        }
        break;
    }
    if (rv != APR_SUCCESS) {
        load_bad("a list", rv);
    }
    apr_pool_destroy(pool);
}

void
load_dict_check(void)
{
    const char *wrong = dict_whole(dict);

    if (wrong == NULL) {
        wrong = list_whole(list);
    }
    if (wrong != NULL) {
        stress_fault(STRESS_TORN, "in the end, of a dict or list: %s", wrong);
    }
    if (mproc_dict_clear(dict) != APR_SUCCESS ||
        mproc_list_clear(list) != APR_SUCCESS) {
        stress_fault(STRESS_LOST, "in the end: cannot be cleared");
    }
}
