/* manager_far_dict.c: calls on a manager's dicts and namespaces. */
#include "manager_far.h"

#include <string.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "error.h"

static apr_status_t
no_memory(const char *call)
{
    return mproc__fail(APR_ENOMEM, "%s: memory is out; free some", call);
}

static void
key_ask(mproc__ask_t *ask, mproc__far_key_t key)
{
    if (key.text != NULL) {
        mproc__ask_key(ask, key.text);
    }
    else {
        mproc__ask_value(ask, key.bytes);
    }
}

void
mproc__far_value_ask(mproc__ask_t *ask, mproc__far_value_t value)
{
    if (value.format != NULL) {
        mproc__ask_vvalue(ask, value.format, value.args->list);
    }
    else {
        mproc__ask_value(ask, value.bytes);
    }
}

/* What is left of the answer, of which nothing else will be read. */
static mproc_bytes_t
answer_rest(const mproc__ask_t *ask)
{
    return (mproc_bytes_t){ask->answer.at,
                           (apr_size_t)(ask->answer.end - ask->answer.at)};
}

apr_status_t
mproc__far_rest_copy(mproc__ask_t *ask, mproc_bytes_t *bytes, apr_pool_t *pool)
{
    apr_status_t rv = mproc__answer_objects(ask, pool);
    mproc_bytes_t rest = answer_rest(ask);
    char *copy;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    copy = apr_palloc(pool, rest.size + 1);
    if (copy == NULL) {
        return no_memory(ask->call);
    }
    memcpy(copy, rest.data, rest.size);
    *bytes = (mproc_bytes_t){copy, rest.size};
    return APR_SUCCESS;
}

static apr_status_t
rest_find(mproc__ask_t *ask, mproc_bytes_t *bytes)
{
    *bytes = answer_rest(ask);
    return APR_SUCCESS;
}

apr_status_t
mproc__far_target_begin(mproc__far_target_t target, const char *call)
{
    if (target.args != NULL) {
        return APR_SUCCESS;
    }
    if (target.bytes != NULL) {
        *target.bytes = (mproc_bytes_t){NULL, 0};
    }
    return target.bytes != NULL && target.pool != NULL
               ? APR_SUCCESS
               : mproc__fail(APR_EINVAL, "%s: %s is NULL", call,
                             target.bytes == NULL ? "where the value goes"
                                                  : "the pool");
}

apr_status_t
mproc__far_target_fill(mproc__ask_t *ask, mproc__far_target_t target)
{
    return target.args == NULL
               ? mproc__far_rest_copy(ask, target.bytes, target.pool)
               : mproc__answer_unpack(ask, target.pool, rest_find,
                                      target.format, target.args->list);
}

apr_status_t
mproc__far_dict_set(mproc__proxy_t *dict, mproc__far_key_t key,
                    mproc__far_value_t value, const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, dict, MPROC__DICT_SET, call);
    key_ask(&ask, key);
    mproc__far_value_ask(&ask, value);
    rv = mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_dict_get(mproc__proxy_t *dict, mproc__far_key_t key, int drop,
                    mproc__far_target_t target, const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv = mproc__far_target_begin(target, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__proxy_ask(&ask, dict, MPROC__DICT_GET, call);
    key_ask(&ask, key);
    mproc__ask_int(&ask, drop);
    rv = mproc__ask_run(&ask, 0);
    if (rv == APR_SUCCESS) {
        rv = mproc__far_target_fill(&ask, target);
    }
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_dict_setdefault(mproc__proxy_t *dict, int *added,
                           mproc__far_key_t key, mproc__far_value_t value,
                           mproc__far_target_t target, const char *call)
{
    mproc__ask_t ask;
    apr_int64_t number = 0;
    apr_status_t rv;

    mproc__proxy_ask(&ask, dict, MPROC__DICT_SETDEFAULT, call);
    key_ask(&ask, key);
    mproc__far_value_ask(&ask, value);
    rv = mproc__ask_run(&ask, 0);
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_int(&ask, &number);
    }
    if (rv == APR_SUCCESS && target.pool != NULL) {
        rv = mproc__far_target_fill(&ask, target);
    }
    else if (rv == APR_SUCCESS) {
        mproc__answer_forget(&ask);
    }
    if (added != NULL) {
        *added = rv == APR_SUCCESS && number != 0;
    }
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_dict_remove(mproc__proxy_t *dict, mproc__far_key_t key,
                       const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, dict, MPROC__DICT_REMOVE, call);
    key_ask(&ask, key);
    rv = mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    return rv;
}

int
mproc__far_dict_has(mproc__proxy_t *dict, mproc__far_key_t key,
                    const char *call)
{
    mproc__ask_t ask;
    apr_int64_t has = 0;

    mproc__proxy_ask(&ask, dict, MPROC__DICT_HAS, call);
    key_ask(&ask, key);
    if (mproc__ask_run(&ask, 0) == APR_SUCCESS) {
        (void)mproc__answer_int(&ask, &has);
    }
    mproc__ask_end(&ask);
    return has != 0;
}

/* Two values, one behind the other. */
static apr_status_t
pair_split(mproc_bytes_t bytes, mproc_bytes_t *key, mproc_bytes_t *value,
           const char *call)
{
    mproc__wire_t wire;

    mproc__wire_init(&wire, bytes);
    if (mproc__wire_skip(&wire, MPROC__NESTING_MAX) != APR_SUCCESS) {
        return mproc__fail(MPROC_EFORMAT, "%s: the manager's answer is torn",
                           call);
    }
    *key = (mproc_bytes_t){bytes.data, (apr_size_t)(wire.at - wire.start)};
    *value = (mproc_bytes_t){wire.at, (apr_size_t)(wire.end - wire.at)};
    return APR_SUCCESS;
}

apr_status_t
mproc__far_dict_popitem(mproc__proxy_t *dict, mproc_bytes_t *key,
                        mproc_bytes_t *value, apr_pool_t *pool,
                        const char *call)
{
    mproc_bytes_t both;
    mproc__ask_t ask;
    apr_status_t rv;

    if (key == NULL || value == NULL || pool == NULL) {
        return mproc__fail(APR_EINVAL, "%s: an argument is NULL", call);
    }
    mproc__proxy_ask(&ask, dict, MPROC__DICT_POPITEM, call);
    rv = mproc__ask_run(&ask, 0);
    if (rv == APR_SUCCESS) {
        rv = mproc__far_rest_copy(&ask, &both, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = pair_split(both, key, value, call);
    }
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_dict_update(mproc__proxy_t *dict, mproc_bytes_t map,
                       const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, dict, MPROC__DICT_UPDATE, call);
    mproc__ask_value(&ask, map);
    rv = mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    return rv;
}

static apr_status_t
pairs_split(mproc_bytes_t all, mproc_dict_pair_t **pairs, apr_size_t count,
            apr_pool_t *pool, const char *call)
{
    mproc_bytes_t rest = all, value;
    apr_status_t rv = APR_SUCCESS;
    mproc__wire_t wire;
    apr_size_t i;

    *pairs = apr_palloc(pool, (count + 1) * sizeof **pairs);
    if (*pairs == NULL) {
        return no_memory(call);
    }
    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = pair_split(rest, &(*pairs)[i].key, &value, call);
        if (rv == APR_SUCCESS) {
            mproc__wire_init(&wire, value);
            rv = mproc__wire_skip(&wire, MPROC__NESTING_MAX);
            (*pairs)[i].value =
                (mproc_bytes_t){value.data, (apr_size_t)(wire.at - wire.start)};
            rest = (mproc_bytes_t){wire.at, (apr_size_t)(wire.end - wire.at)};
        }
    }
    return rv;
}

apr_status_t
mproc__far_dict_snapshot(mproc__proxy_t *dict, mproc_dict_pair_t **pairs,
                         apr_size_t *count, apr_pool_t *pool, const char *call)
{
    apr_int64_t number = 0;
    mproc_bytes_t all = {NULL, 0};
    mproc__ask_t ask;
    apr_status_t rv;

    *pairs = NULL;
    *count = 0;
    mproc__proxy_ask(&ask, dict, MPROC__DICT_SNAPSHOT, call);
    rv = mproc__ask_run(&ask, 0);
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_int(&ask, &number);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__far_rest_copy(&ask, &all, pool);
    }
    /* A pair has two bytes or more. */
    if (rv == APR_SUCCESS && (number < 0 || (apr_size_t)number > all.size)) {
        rv = mproc__fail(MPROC_EFORMAT, "%s: the manager's answer is torn",
                         call);
    }
    if (rv == APR_SUCCESS) {
        rv = pairs_split(all, pairs, (apr_size_t)number, pool, call);
    }
    if (rv == APR_SUCCESS) {
        *count = (apr_size_t)number;
    }
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_copy(void *copy, mproc__proxy_t *from, mproc__method_e method,
                mproc_kind_e kind, apr_pool_t *pool, const char *call)
{
    mproc__ask_t ask;
    apr_uint64_t id;
    apr_status_t rv;

    *(void **)copy = NULL;
    mproc__proxy_ask(&ask, from, method, call);
    rv = mproc__ask_run(&ask, 0);
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_id(&ask, &id);
    }
    mproc__ask_end(&ask);
    return rv == APR_SUCCESS
               ? mproc__proxy_make(copy, from->link, id, kind, pool)
               : rv;
}
