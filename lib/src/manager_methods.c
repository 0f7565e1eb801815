/* manager_methods.c: what a manager's server can be asked for. */
#include "manager_serve.h"

#include <mproc/error.h>
#include <mproc/pack.h>

#include "error.h"
#include "kinds.h"

#define BIT(kind) (APR_UINT64_C(1) << (kind))
#define DICTS (BIT(MPROC_KIND_DICT) | BIT(MPROC_KIND_NAMESPACE))
#define KEYS (DICTS | BIT(MPROC_KIND_SET)) /* what has some */
#define SIZED (BIT(MPROC_KIND_DICT) | BIT(MPROC_KIND_SET))
#define LOCKS (BIT(MPROC_KIND_LOCK) | BIT(MPROC_KIND_RLOCK))
#define CELLS (BIT(MPROC_KIND_VALUE) | BIT(MPROC_KIND_ARRAY))
#define METHOD(name, kinds)                                                    \
    {                                                                          \
        kinds, mproc__serve_##name, NULL, NULL                                 \
    }
#define POOL_JOB(kind)                                                         \
    {                                                                          \
        BIT(kind), mproc__serve_pool_job, "the manager's pool took too long",  \
            mproc__serve_pool_leave                                            \
    }

/* In a child of the server's they would stay as long as that. */
const mproc__object_ops_t mproc__served_ops = {.kind = MPROC_KIND_SERVED,
                                               .local_size =
                                                   sizeof(mproc_object_t),
                                               .disown = mproc__object_let_go};

const mproc__served_method_t mproc__served_methods[MPROC__METHODS] = {
    [MPROC__CENSUS] = METHOD(census, 0),
    [MPROC__SHUTDOWN] = METHOD(shutdown, 0),
    [MPROC__FORGET] = METHOD(forget, 0),
    [MPROC__MAKE] = METHOD(named, 0),
    [MPROC__HOLD] = METHOD(hold, 0),
    [MPROC__DROP] = METHOD(drop, 0),

    [MPROC__DICT_SET] = METHOD(dict_set, KEYS),
    [MPROC__DICT_GET] = METHOD(dict_get, DICTS),
    [MPROC__DICT_SETDEFAULT] = METHOD(dict_setdefault, DICTS),
    [MPROC__DICT_REMOVE] = METHOD(dict_remove, KEYS),
    [MPROC__DICT_HAS] = METHOD(dict_has, KEYS),
    [MPROC__DICT_POPITEM] = METHOD(dict_popitem, SIZED),
    [MPROC__DICT_SIZE] = METHOD(dict_size, SIZED),
    [MPROC__DICT_CLEAR] = METHOD(dict_clear, SIZED),
    [MPROC__DICT_UPDATE] = METHOD(dict_update, BIT(MPROC_KIND_DICT)),
    [MPROC__DICT_COPY] = METHOD(dict_copy, BIT(MPROC_KIND_DICT)),
    [MPROC__DICT_SNAPSHOT] = METHOD(dict_snapshot, KEYS),

    [MPROC__LIST_PUT] = METHOD(list_put, BIT(MPROC_KIND_LIST)),
    [MPROC__LIST_GET] = METHOD(list_get, BIT(MPROC_KIND_LIST)),
    [MPROC__LIST_REMOVE] = METHOD(list_remove, BIT(MPROC_KIND_LIST)),
    [MPROC__LIST_REMOVE_VALUE] =
        METHOD(list_remove_value, BIT(MPROC_KIND_LIST)),
    [MPROC__LIST_FIND] = METHOD(list_find, BIT(MPROC_KIND_LIST)),
    [MPROC__LIST_SIZE] = METHOD(list_size, BIT(MPROC_KIND_LIST)),
    [MPROC__LIST_CLEAR] = METHOD(list_clear, BIT(MPROC_KIND_LIST)),
    [MPROC__LIST_EXTEND] = METHOD(list_extend, BIT(MPROC_KIND_LIST)),
    [MPROC__LIST_REPEAT] = METHOD(list_repeat, BIT(MPROC_KIND_LIST)),
    [MPROC__LIST_SLICE] = METHOD(list_slice, BIT(MPROC_KIND_LIST)),
    [MPROC__LIST_SET_SLICE] = METHOD(list_set_slice, BIT(MPROC_KIND_LIST)),
    [MPROC__LIST_SORT] = METHOD(list_sort, BIT(MPROC_KIND_LIST)),
    [MPROC__LIST_REVERSE] = METHOD(list_reverse, BIT(MPROC_KIND_LIST)),
    [MPROC__LIST_COPY] = METHOD(list_copy, BIT(MPROC_KIND_LIST)),

    [MPROC__QUEUE_PUT] = {BIT(MPROC_KIND_QUEUE), mproc__serve_queue_put,
                          "mproc_queue_put: the manager's queue stayed full",
                          NULL},
    [MPROC__QUEUE_GET] = {BIT(MPROC_KIND_QUEUE), mproc__serve_queue_get,
                          "mproc_queue_get: the manager's queue stayed empty",
                          NULL},
    [MPROC__QUEUE_SIZE] = METHOD(queue_size, BIT(MPROC_KIND_QUEUE)),
    [MPROC__QUEUE_TASK_DONE] = METHOD(queue_task_done, BIT(MPROC_KIND_QUEUE)),
    [MPROC__QUEUE_JOIN] = {BIT(MPROC_KIND_QUEUE), mproc__serve_queue_join,
                           "mproc_queue_join: not all of the manager's queue "
                           "was done in time",
                           NULL},
    [MPROC__QUEUE_SHUTDOWN] = METHOD(queue_shutdown, BIT(MPROC_KIND_QUEUE)),

    [MPROC__LOCK_ACQUIRE] = {LOCKS | BIT(MPROC_KIND_CONDITION) | CELLS,
                             mproc__serve_lock_acquire,
                             "the manager's lock did not come free in time",
                             NULL},
    [MPROC__LOCK_RELEASE] =
        METHOD(lock_release, LOCKS | BIT(MPROC_KIND_CONDITION) | CELLS),
    [MPROC__LOCK_STATE] = METHOD(lock_state, LOCKS | BIT(MPROC_KIND_CONDITION)),
    [MPROC__SEMAPHORE_ACQUIRE] = {BIT(MPROC_KIND_SEMAPHORE),
                                  mproc__serve_semaphore_acquire,
                                  "mproc_semaphore_acquire: no permit of the "
                                  "manager's semaphore was released in time",
                                  NULL},
    [MPROC__SEMAPHORE_RELEASE] =
        METHOD(semaphore_release, BIT(MPROC_KIND_SEMAPHORE)),
    [MPROC__SEMAPHORE_VALUE] =
        METHOD(semaphore_value, BIT(MPROC_KIND_SEMAPHORE)),
    [MPROC__CONDITION_WAIT] = {BIT(MPROC_KIND_CONDITION),
                               mproc__serve_condition_wait,
                               "mproc_condition_wait: nobody notified the "
                               "manager's condition in time",
                               mproc__serve_condition_leave},
    [MPROC__CONDITION_NOTIFY] =
        METHOD(condition_notify, BIT(MPROC_KIND_CONDITION)),
    [MPROC__EVENT_SET] = METHOD(event_set, BIT(MPROC_KIND_EVENT)),
    [MPROC__EVENT_CLEAR] = METHOD(event_clear, BIT(MPROC_KIND_EVENT)),
    [MPROC__EVENT_STATE] = METHOD(event_state, BIT(MPROC_KIND_EVENT)),
    [MPROC__EVENT_WAIT] = {BIT(MPROC_KIND_EVENT), mproc__serve_event_wait,
                           "mproc_event_wait: nobody set the manager's event "
                           "in time",
                           NULL},
    [MPROC__BARRIER_WAIT] = {BIT(MPROC_KIND_BARRIER), mproc__serve_barrier_wait,
                             "mproc_barrier_wait: not all arrived at the "
                             "manager's barrier in time: it is broken until "
                             "mproc_barrier_reset()",
                             mproc__serve_barrier_leave},
    [MPROC__BARRIER_BREAK] = METHOD(barrier_break, BIT(MPROC_KIND_BARRIER)),
    [MPROC__BARRIER_STATE] = METHOD(barrier_state, BIT(MPROC_KIND_BARRIER)),

    [MPROC__CELL_SHAPE] = METHOD(cell_shape, CELLS),
    [MPROC__CELL_ACQUIRE] = {CELLS, mproc__serve_cell_acquire,
                             "the lock of the manager's value or array did not "
                             "come free in time",
                             NULL},
    [MPROC__CELL_RELEASE] = METHOD(cell_release, CELLS),
    [MPROC__CELL_READ] = {CELLS, mproc__serve_cell_read,
                          "the lock of the manager's array did not come free",
                          NULL},
    [MPROC__CELL_WRITE] = {CELLS, mproc__serve_cell_write,
                           "the lock of the manager's array did not come free",
                           NULL},

    [MPROC__REMOTE_CALL] = {BIT(MPROC_KIND_SERVED), mproc__serve_remote_call,
                            "mproc_remote_call: the method took too long",
                            mproc__serve_remote_leave},

    [MPROC__POOL_READY] = {BIT(MPROC_KIND_POOL), mproc__serve_pool_ready,
                           "the manager's pool did not begin in time", NULL},
    [MPROC__POOL_SEND] = POOL_JOB(MPROC_KIND_POOL),
    [MPROC__POOL_STATS] = POOL_JOB(MPROC_KIND_POOL),
    [MPROC__POOL_RESIZE] = POOL_JOB(MPROC_KIND_POOL),
    [MPROC__POOL_CANCEL] = POOL_JOB(MPROC_KIND_POOL),
    [MPROC__POOL_CLOSE] = POOL_JOB(MPROC_KIND_POOL),
    [MPROC__POOL_TERMINATE] = POOL_JOB(MPROC_KIND_POOL),
    [MPROC__POOL_JOIN] = {BIT(MPROC_KIND_POOL), mproc__serve_pool_join,
                          "mproc_pool_join: there are still workers; ask again",
                          NULL},
    [MPROC__ASYNC_CANCEL] = POOL_JOB(MPROC_KIND_JOB),
    [MPROC__ASYNC_SELECT] = {BIT(MPROC_KIND_JOB), mproc__serve_async_select,
                             "not settled in this time; it goes on, ask again",
                             mproc__serve_async_leave},
    [MPROC__ASYNC_GET] = {BIT(MPROC_KIND_JOB), mproc__serve_async_get,
                          "not settled in this time; it goes on, ask again",
                          NULL},
    [MPROC__QUEUE_READY] = {BIT(MPROC_KIND_QUEUE), mproc__serve_queue_ready,
                            "the manager's queue stayed empty", NULL},

    [MPROC__SET_CHANGE] = METHOD(set_change, BIT(MPROC_KIND_SET)),
    [MPROC__SET_COMMON] = METHOD(set_common, BIT(MPROC_KIND_SET)),
    [MPROC__SET_COPY] = METHOD(set_copy, BIT(MPROC_KIND_SET)),
};

apr_status_t
mproc__served_make(mproc_object_t **object, mproc_kind_e kind, apr_size_t size)
{
    apr_status_t rv = mproc__object_create(
        object, &mproc__served_ops, sizeof(mproc__served_t) + size, NULL);

    if (rv == APR_SUCCESS) {
        mproc__served_at((*object)->handle)->kind = (apr_uint32_t)kind;
    }
    return rv;
}

static apr_status_t
queue_make(mproc__call_t *call, mproc_object_t **object)
{
    apr_int64_t maxsize;
    apr_status_t rv = mproc__arg_int(call, &maxsize);

    return rv == APR_SUCCESS
               ? mproc_queue_create((mproc_queue_t **)(void *)object,
                                    maxsize < 0 ? 0 : (apr_size_t)maxsize, NULL)
               : rv;
}

apr_status_t
mproc__serve_make(mproc__call_t *call, mproc_kind_e kind,
                  mproc_object_t **object)
{
    void *made = NULL;
    apr_status_t rv;

    switch (kind) {
    case MPROC_KIND_DICT:
        rv = mproc_dict_create((mproc_dict_t **)&made, NULL);
        break;
    case MPROC_KIND_LIST:
        rv = mproc_list_create((mproc_list_t **)&made, NULL);
        break;
    case MPROC_KIND_NAMESPACE:
        rv = mproc_namespace_create((mproc_namespace_t **)&made, NULL);
        break;
    case MPROC_KIND_SET:
        rv = mproc_set_create((mproc_set_t **)&made, NULL);
        break;
    case MPROC_KIND_QUEUE:
        return queue_make(call, object);
    case MPROC_KIND_VALUE:
    case MPROC_KIND_ARRAY:
        return mproc__serve_make_cell(call, kind, object);
    case MPROC_KIND_SERVED:
        return mproc__serve_make_remote(call, object);
    case MPROC_KIND_POOL:
        return mproc__serve_make_pool(call, object);
    default:
        return mproc__serve_make_sync(call, kind, object);
    }
    *object = made;
    return rv;
}
