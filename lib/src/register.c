/*
 * register.c: functions by name, for those who call from elsewhere.
 *
 * A table of lists that only grow: an entry is complete before it is pushed,
 * so that nobody waits for anybody, and a fork in between copies no lock.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>
#include <mproc/function.h>

#include "error.h"
#include "funcref.h"

#define BUCKETS 64
#define NAME_MAX_BYTES 255

typedef struct entry_t {
    struct entry_t *next;
    mproc_function_t function;
    char name[];
} entry_t;

static entry_t *_Atomic buckets[BUCKETS];

static entry_t *_Atomic *
bucket_of(const char *name)
{
    unsigned hash = 5381;

    for (; *name != '\0'; name++) {
        hash = hash * 33 + (unsigned char)*name;
    }
    return &buckets[hash % BUCKETS];
}

static entry_t *
entry_find(entry_t *first, const char *name)
{
    while (first != NULL && strcmp(first->name, name) != 0) {
        first = first->next;
    }
    return first;
}

static apr_status_t
entry_match(const entry_t *entry, mproc_function_t function)
{
    if (entry->function == function) {
        return APR_SUCCESS;
    }
    return mproc__fail(APR_EEXIST,
                       "cannot register \"%s\": the name stands for another "
                       "function already; choose another",
                       entry->name);
}

apr_status_t
mproc_register_function(const char *name, mproc_function_t function)
{
    apr_size_t length = name != NULL ? strlen(name) : 0;

    if (length == 0 || length > NAME_MAX_BYTES) {
        return mproc__fail(APR_EINVAL,
                           "cannot register a function: its name has %lu "
                           "bytes, and must have 1 to %d",
                           (unsigned long)length, NAME_MAX_BYTES);
    }
    if (function == NULL) {
        return mproc__fail(
            APR_EINVAL, "cannot register \"%s\": the function is NULL", name);
    }
    entry_t *_Atomic *bucket = bucket_of(name);
    entry_t *first = atomic_load(bucket);
    entry_t *found = entry_find(first, name);
    if (found != NULL) {
        return entry_match(found, function);
    }
    entry_t *entry = malloc(sizeof *entry + length + 1);
    if (entry == NULL) {
        return mproc__fail(APR_ENOMEM,
                           "cannot register \"%s\": memory is short", name);
    }
    entry->function = function;
    memcpy(entry->name, name, length + 1);
    entry->next = first;
    /* Partner: the same in another thread, and the loads. */
    while (!atomic_compare_exchange_weak(bucket, &entry->next, entry)) {
        found = entry_find(entry->next, name);
        if (found != NULL) {
            free(entry);
            return entry_match(found, function);
        }
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_registered_function(mproc_function_t *function, const char *name)
{
    if (function == NULL || name == NULL) {
        return mproc__fail(APR_EINVAL,
                           "cannot look for a registered function: the %s is "
                           "NULL",
                           function == NULL ? "variable for it" : "name");
    }
    *function = NULL;
    entry_t *entry = entry_find(atomic_load(bucket_of(name)), name);
    if (entry == NULL) {
        return mproc__fail(APR_NOTFOUND,
                           "no function is registered as \"%s\" in this "
                           "process; mproc_register() does so",
                           name);
    }
    *function = entry->function;
    return APR_SUCCESS;
}

const char *
mproc__registered_name(mproc_function_t function)
{
    entry_t *entry;
    int i;

    for (i = 0; i < BUCKETS; i++) {
        for (entry = atomic_load(&buckets[i]); entry != NULL;
             entry = entry->next) {
            if (entry->function == function) {
                return entry->name;
            }
        }
    }
    return NULL;
}
