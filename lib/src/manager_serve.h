/*
 * manager_serve.h: what a manager's server does for its objects: a file a
 * kind. Dicts, lists, namespaces and queues are those of the arena; what waits
 * for holders is a served block here, which one thread uses.
 */
#ifndef MPROC_SRC_MANAGER_SERVE_H
#define MPROC_SRC_MANAGER_SERVE_H

#include "manager_loop.h"

/* A served block. */
typedef struct mproc__served_t {
    mproc__part_t part; /* a condition's lock, a cell's rlock */
    apr_uint32_t kind;
    apr_uint32_t form;   /* mproc__permits_e; of a barrier: broken */
    apr_uint64_t owner;  /* a lock's: the client's serial; 0: free */
    apr_uint32_t thread; /* and its thread */
    apr_uint32_t depth;
    apr_uint32_t orphan; /* its owner is gone, and nobody was told */
    apr_uint32_t unused;
    apr_int64_t count; /* permits; event: whether it is set; parties; items */
    apr_int64_t bound; /* permits at most; bytes of an item */
    char data[];       /* a cell's items; the name of a type of the user's */
} mproc__served_t;

static inline mproc__served_t *
mproc__served_at(apr_uint64_t id)
{
    return mproc__arena_at(id);
}

/* A block of a kind with so many bytes of data, and its half. */
apr_status_t mproc__served_make(mproc_object_t **object, mproc_kind_e kind,
                                apr_size_t size);

/* What MPROC__MAKE asks for. */
apr_status_t mproc__serve_make(mproc__call_t *call, mproc_kind_e kind,
                               mproc_object_t **object);

/* manager_serve_sync.c */
apr_status_t mproc__serve_make_sync(mproc__call_t *call, mproc_kind_e kind,
                                    mproc_object_t **object);
/* A client that owned something of the object is gone. */
void mproc__serve_orphan(mproc__hub_t *server, mproc__client_t *client,
                         apr_uint64_t id);
/* Have a lock for the call, which waits for it. */
apr_status_t mproc__serve_take_lock(mproc__call_t *call, apr_uint64_t lock,
                                    apr_uint32_t depth);
int mproc__serve_is_mine(const mproc__call_t *call, apr_uint64_t lock);
void mproc__serve_free_lock(mproc__call_t *call, apr_uint64_t lock);
apr_status_t mproc__serve_lock_acquire(mproc__call_t *call);
apr_status_t mproc__serve_lock_release(mproc__call_t *call);
apr_status_t mproc__serve_lock_state(mproc__call_t *call);
apr_status_t mproc__serve_semaphore_acquire(mproc__call_t *call);
apr_status_t mproc__serve_semaphore_release(mproc__call_t *call);
apr_status_t mproc__serve_semaphore_value(mproc__call_t *call);
apr_status_t mproc__serve_condition_wait(mproc__call_t *call);
int mproc__serve_condition_leave(mproc__call_t *call, int late);
apr_status_t mproc__serve_condition_notify(mproc__call_t *call);
apr_status_t mproc__serve_event_set(mproc__call_t *call);
apr_status_t mproc__serve_event_clear(mproc__call_t *call);
apr_status_t mproc__serve_event_state(mproc__call_t *call);
apr_status_t mproc__serve_event_wait(mproc__call_t *call);
apr_status_t mproc__serve_barrier_wait(mproc__call_t *call);
int mproc__serve_barrier_leave(mproc__call_t *call, int late);
apr_status_t mproc__serve_barrier_break(mproc__call_t *call);
apr_status_t mproc__serve_barrier_state(mproc__call_t *call);

/* manager_serve_cell.c */
apr_status_t mproc__serve_make_cell(mproc__call_t *call, mproc_kind_e kind,
                                    mproc_object_t **object);
apr_status_t mproc__serve_cell_shape(mproc__call_t *call);
apr_status_t mproc__serve_cell_acquire(mproc__call_t *call);
apr_status_t mproc__serve_cell_release(mproc__call_t *call);
apr_status_t mproc__serve_cell_read(mproc__call_t *call);
apr_status_t mproc__serve_cell_write(mproc__call_t *call);

/* manager_serve_store.c */
apr_status_t mproc__serve_dict_set(mproc__call_t *call);
apr_status_t mproc__serve_dict_get(mproc__call_t *call);
apr_status_t mproc__serve_dict_setdefault(mproc__call_t *call);
apr_status_t mproc__serve_dict_remove(mproc__call_t *call);
apr_status_t mproc__serve_dict_has(mproc__call_t *call);
apr_status_t mproc__serve_dict_popitem(mproc__call_t *call);
apr_status_t mproc__serve_dict_size(mproc__call_t *call);
apr_status_t mproc__serve_dict_clear(mproc__call_t *call);
apr_status_t mproc__serve_dict_update(mproc__call_t *call);
apr_status_t mproc__serve_dict_copy(mproc__call_t *call);
apr_status_t mproc__serve_dict_snapshot(mproc__call_t *call);
apr_status_t mproc__serve_set_change(mproc__call_t *call);
apr_status_t mproc__serve_set_common(mproc__call_t *call);
apr_status_t mproc__serve_set_copy(mproc__call_t *call);
apr_status_t mproc__serve_list_put(mproc__call_t *call);
apr_status_t mproc__serve_list_get(mproc__call_t *call);
apr_status_t mproc__serve_list_remove(mproc__call_t *call);
apr_status_t mproc__serve_list_remove_value(mproc__call_t *call);
apr_status_t mproc__serve_list_find(mproc__call_t *call);
apr_status_t mproc__serve_list_size(mproc__call_t *call);
apr_status_t mproc__serve_list_clear(mproc__call_t *call);
apr_status_t mproc__serve_list_extend(mproc__call_t *call);
apr_status_t mproc__serve_list_repeat(mproc__call_t *call);
apr_status_t mproc__serve_list_slice(mproc__call_t *call);
apr_status_t mproc__serve_list_set_slice(mproc__call_t *call);
apr_status_t mproc__serve_list_sort(mproc__call_t *call);
apr_status_t mproc__serve_list_reverse(mproc__call_t *call);
apr_status_t mproc__serve_list_copy(mproc__call_t *call);

/* manager_serve_queue.c */
apr_status_t mproc__serve_queue_put(mproc__call_t *call);
apr_status_t mproc__serve_queue_get(mproc__call_t *call);
apr_status_t mproc__serve_queue_ready(mproc__call_t *call);
apr_status_t mproc__serve_queue_size(mproc__call_t *call);
apr_status_t mproc__serve_queue_task_done(mproc__call_t *call);
apr_status_t mproc__serve_queue_join(mproc__call_t *call);
apr_status_t mproc__serve_queue_shutdown(mproc__call_t *call);
/* A client is gone, by its serial: what it had got will not be told done. */
void mproc__serve_queues_orphan(mproc__hub_t *server, apr_uint64_t serial);
/* Forget what was taken from queues that are gone; and all, at the end. */
void mproc__serve_queues_tidy(mproc__hub_t *server);
void mproc__serve_queues_end(mproc__hub_t *server);

/* manager_serve_type.c */
apr_status_t mproc__serve_make_remote(mproc__call_t *call,
                                      mproc_object_t **object);
apr_status_t mproc__serve_remote_call(mproc__call_t *call);
int mproc__serve_remote_leave(mproc__call_t *call, int late);
/* Whether what a call wants to make is of the type that the object is. */
int mproc__served_type_fits(mproc__call_t *call, mproc_object_t *object);
/* Destroy what nobody refers to; and all, at the end. */
void mproc__served_types_tidy(mproc__hub_t *server);
void mproc__served_types_end(mproc__hub_t *server);
/* Its threads rang, in the server's thread. */
void mproc__served_types_rung(mproc__hub_t *server);

/* manager_serve_pool.c */
apr_status_t mproc__serve_make_pool(mproc__call_t *call,
                                    mproc_object_t **object);
/* The same as for types; and when a reference to something is given up. */
void mproc__served_pools_rung(mproc__hub_t *server);
void mproc__served_pools_tidy(mproc__hub_t *server);
void mproc__served_pools_end(mproc__hub_t *server);
void mproc__served_pools_dropped(mproc__hub_t *server, apr_uint64_t id);

/* manager_serve_task.c */
apr_status_t mproc__serve_pool_job(mproc__call_t *call);
int mproc__serve_pool_leave(mproc__call_t *call, int late);
apr_status_t mproc__serve_pool_ready(mproc__call_t *call);
apr_status_t mproc__serve_pool_join(mproc__call_t *call);
apr_status_t mproc__serve_async_get(mproc__call_t *call);
apr_status_t mproc__serve_async_select(mproc__call_t *call);
int mproc__serve_async_leave(mproc__call_t *call, int late);

#endif
