/*
 * manager_far.h: what the calls of each header come down to when the object is
 * a manager's. The files of the nouns look for a proxy first, and go on here;
 * arguments were checked as far as that is possible without the object.
 */
#ifndef MPROC_SRC_MANAGER_FAR_H
#define MPROC_SRC_MANAGER_FAR_H

#include <stdarg.h>

#include "manager_proxy.h"
#include "wait.h"

/* --------------------------------------- manager_far_dict.c: dict, namespace
 */

/* A key: a text, or, when that is NULL, packed bytes. */
typedef struct mproc__far_key_t {
    const char *text;
    mproc_bytes_t bytes;
} mproc__far_key_t;

/* Arguments, to be passed on by their address. */
typedef struct mproc__far_args_t {
    va_list list;
} mproc__far_args_t;

/* A value on its way: by a format, or, when that is NULL, packed bytes. */
typedef struct mproc__far_value_t {
    const char *format;
    mproc__far_args_t *args;
    mproc_bytes_t bytes;
} mproc__far_value_t;

/* Where a value goes: to be unpacked by a format, or, when that is NULL, as
 * bytes of the pool. */
typedef struct mproc__far_target_t {
    const char *format;
    mproc__far_args_t *args;
    mproc_bytes_t *bytes;
    apr_pool_t *pool;
} mproc__far_target_t;

#define MPROC__FAR_TEXT(text) ((mproc__far_key_t){text, {NULL, 0}})
#define MPROC__FAR_KEY(bytes) ((mproc__far_key_t){NULL, bytes})
#define MPROC__FAR_FORMAT(format, args)                                        \
    ((mproc__far_value_t){format, args, {NULL, 0}})
#define MPROC__FAR_VALUE(bytes) ((mproc__far_value_t){NULL, NULL, bytes})
#define MPROC__FAR_UNPACK(format, args, pool)                                  \
    ((mproc__far_target_t){format, args, NULL, pool})
#define MPROC__FAR_BYTES(bytes, pool)                                          \
    ((mproc__far_target_t){NULL, NULL, bytes, pool})

apr_status_t mproc__far_dict_set(mproc__proxy_t *dict, mproc__far_key_t key,
                                 mproc__far_value_t value, const char *call);
apr_status_t mproc__far_dict_get(mproc__proxy_t *dict, mproc__far_key_t key,
                                 int drop, mproc__far_target_t target,
                                 const char *call);
/* `added` may be NULL; the target has bytes, or no pool when nobody asks. */
apr_status_t mproc__far_dict_setdefault(mproc__proxy_t *dict, int *added,
                                        mproc__far_key_t key,
                                        mproc__far_value_t value,
                                        mproc__far_target_t target,
                                        const char *call);
apr_status_t mproc__far_dict_remove(mproc__proxy_t *dict, mproc__far_key_t key,
                                    const char *call);
int mproc__far_dict_has(mproc__proxy_t *dict, mproc__far_key_t key,
                        const char *call);
apr_status_t mproc__far_dict_popitem(mproc__proxy_t *dict, mproc_bytes_t *key,
                                     mproc_bytes_t *value, apr_pool_t *pool,
                                     const char *call);
apr_status_t mproc__far_dict_update(mproc__proxy_t *dict, mproc_bytes_t map,
                                    const char *call);
apr_status_t mproc__far_dict_snapshot(mproc__proxy_t *dict,
                                      mproc_dict_pair_t **pairs,
                                      apr_size_t *count, apr_pool_t *pool,
                                      const char *call);
/* The attributes of a proxy that never left; NULL is fine. */
void mproc__far_privates_free(void *privates);
/* Of a dict or a list. */
apr_status_t mproc__far_copy(void *copy, mproc__proxy_t *from,
                             mproc__method_e method, mproc_kind_e kind,
                             apr_pool_t *pool, const char *call);

/* For the files of this header: an argument; what is left of an answer, in its
 * pool. */
void mproc__far_value_ask(mproc__ask_t *ask, mproc__far_value_t value);
apr_status_t mproc__far_rest_copy(mproc__ask_t *ask, mproc_bytes_t *bytes,
                                  apr_pool_t *pool);
/* Before the call: bytes that go somewhere are none yet. APR_EINVAL. */
apr_status_t mproc__far_target_begin(mproc__far_target_t target,
                                     const char *call);
apr_status_t mproc__far_target_fill(mproc__ask_t *ask,
                                    mproc__far_target_t target);

/* ---------------------------------------------------- manager_far_list.c */

apr_status_t mproc__far_list_put(mproc__proxy_t *list, mproc__list_put_e how,
                                 apr_int64_t index, mproc__far_value_t value,
                                 const char *call);
apr_status_t mproc__far_list_get(mproc__proxy_t *list, apr_int64_t index,
                                 int drop, mproc__far_target_t target,
                                 const char *call);
/* Calls that take one number. */
apr_status_t mproc__far_list_with(mproc__proxy_t *list, mproc__method_e method,
                                  apr_int64_t number, const char *call);
/* Find or count (1) or remove (2) what is equal to a value. */
apr_status_t mproc__far_list_search(mproc__proxy_t *list, int what,
                                    apr_size_t *number, const char *format,
                                    va_list args, const char *call);
apr_status_t mproc__far_list_splice(mproc__proxy_t *list, apr_int64_t start,
                                    apr_int64_t stop, mproc_bytes_t values,
                                    const char *call);
/* A packed list of the elements, in the pool. */
apr_status_t mproc__far_list_slice(mproc__proxy_t *list, apr_int64_t start,
                                   apr_int64_t stop, mproc_bytes_t *values,
                                   apr_pool_t *pool, const char *call);

/* ---------------------------------------------------- manager_far_set.c */

apr_status_t mproc__far_set_change(mproc__proxy_t *set, mproc__set_change_e how,
                                   const mproc_bytes_t *values,
                                   apr_size_t count, const char *call);
apr_status_t mproc__far_set_common(mproc__proxy_t *set,
                                   const mproc_bytes_t *values,
                                   apr_size_t count, apr_size_t *size,
                                   apr_size_t *common, const char *call);

/* --------------------------------------------------- manager_far_queue.c */

apr_status_t mproc__far_queue_put(mproc__proxy_t *queue,
                                  const mproc_bytes_t *items, int count,
                                  apr_interval_time_t timeout, int *done,
                                  const char *call);
apr_status_t mproc__far_queue_vputf(mproc__proxy_t *queue,
                                    apr_interval_time_t timeout,
                                    const char *format, va_list args,
                                    const char *call);
apr_status_t mproc__far_queue_get(mproc__proxy_t *queue, mproc_bytes_t *items,
                                  int most, int *count,
                                  apr_interval_time_t timeout, apr_pool_t *pool,
                                  const char *call);
apr_status_t mproc__far_queue_vgetf(mproc__proxy_t *queue,
                                    apr_interval_time_t timeout,
                                    apr_pool_t *pool, const char *format,
                                    va_list args, const char *call);
apr_status_t mproc__far_queue_get_into(mproc__proxy_t *queue, void *buffer,
                                       apr_size_t size, apr_size_t *length,
                                       apr_interval_time_t timeout,
                                       const char *call);
apr_status_t mproc__far_queue_shutdown(mproc__proxy_t *queue, int immediate,
                                       const char *call);
/* Calls that a manager's queue does not have. */
apr_status_t mproc__far_queue_lacks(const char *call);

/* ---------------------------------------------------- manager_far_wait.c */

/* The source of a queue, an event or what was sent to a pool. */
void mproc__far_source(mproc__proxy_t *proxy, mproc__source_t *source);
/* After a call that may have found it not ready, or made it so. */
void mproc__far_looked_now(mproc__proxy_t *proxy);
void mproc__far_watch_end(mproc__proxy_t *proxy);

static inline void
mproc__far_looked(mproc__proxy_t *proxy)
{
    if (atomic_load(&proxy->watch) != NULL) {
        mproc__far_looked_now(proxy);
    }
}

/* ---------------------------------------------------- manager_far_sync.c */

/* This thread has its lock; else MPROC_ESTATE. */
apr_status_t mproc__far_condition_check(mproc__proxy_t *condition,
                                        const char *call);
apr_status_t mproc__far_condition_notify(mproc__proxy_t *condition, int n,
                                         const char *call);
apr_status_t mproc__far_event_clear(mproc__proxy_t *event);
int mproc__far_event_is_set(mproc__proxy_t *event);
apr_status_t mproc__far_event_wait(mproc__proxy_t *event,
                                   apr_interval_time_t timeout);
apr_status_t mproc__far_barrier_wait(mproc__proxy_t *barrier, int *index,
                                     apr_interval_time_t timeout,
                                     const char *call);
apr_status_t mproc__far_barrier_break(mproc__proxy_t *barrier, int reset,
                                      const char *call);

/* The proxy of a value or array, its size known; NULL: it is none. */
mproc__proxy_t *mproc__far_cell(void *cell, mproc_kind_e kind);
void *mproc__far_cell_data(mproc__proxy_t *cell);
mproc_rlock_t *mproc__far_cell_lock(mproc__proxy_t *cell);
apr_status_t mproc__far_cell_acquire(mproc__proxy_t *cell,
                                     apr_interval_time_t timeout,
                                     const char *call);
apr_status_t mproc__far_cell_release(mproc__proxy_t *cell, const char *call);
/* Copy items out of it, or into it. */
apr_status_t mproc__far_cell_move(mproc__proxy_t *cell, apr_int64_t first,
                                  apr_size_t count, void *out, const void *in,
                                  const char *call);

#endif
