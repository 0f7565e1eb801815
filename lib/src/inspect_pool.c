/*
 * inspect_pool.c: what a pool's workers are at, and how many tasks there are.
 */
#include "inspect.h"

#include <apr_strings.h>

#include "pool.h"

static mproc_inspect_work_e
work_of(const mproc__place_t *place)
{
    if (atomic_load(&place->peer) == 0) {
        return MPROC_INSPECT_STARTING;
    }
    if (atomic_load(&place->state) >= MPROC__WORKER_FULL) {
        return MPROC_INSPECT_LEAVING;
    }
    return atomic_load(&place->running) != 0 ? MPROC_INSPECT_BUSY
                                             : MPROC_INSPECT_IDLE;
}

static void
worker_read(mproc_inspect_worker_t *worker, const mproc__place_t *place)
{
    apr_uint64_t running = atomic_load(&place->running);

    *worker =
        (mproc_inspect_worker_t){.pid = (apr_int64_t)atomic_load(&place->pid),
                                 .work = work_of(place),
                                 .task = -1,
                                 .tasks = atomic_load(&place->tasks)};
    if (worker->work == MPROC_INSPECT_BUSY) {
        worker->began = (apr_time_t)atomic_load(&place->began);
        worker->task =
            running == MPROC__RUNNING_JOB ? -1 : (apr_int64_t)(running - 1);
    }
}

/* A row of places: a worker each, that was started. */
static void
rack_read(mproc__inspection_t *inspection, mproc__raw_t *raw,
          apr_array_header_t *workers, apr_uint64_t handle, apr_uint64_t count)
{
    apr_uint64_t at =
        mproc__inspect_block(inspection, handle, MPROC_KIND_BYTES);
    mproc__place_t place;
    apr_uint64_t i;

    for (i = 0; at != 0 && i < count && i < MPROC__POOL_RACK; i++) {
        if (mproc__source_read(inspection->source, at + i * sizeof place,
                               &place, sizeof place) != APR_SUCCESS) {
            return;
        }
        if (atomic_load(&place.pid) != 0) {
            worker_read(apr_array_push(workers), &place);
        }
        if (atomic_load(&place.peer) != 0) {
            mproc__inspect_holder(inspection, raw,
                                  MPROC__ACTOR_PEER(atomic_load(&place.peer)));
        }
    }
}

int
mproc__inspect_pool(mproc__inspection_t *inspection,
                    mproc_inspect_object_t *object, mproc__raw_t *raw)
{
    apr_array_header_t *workers =
        apr_array_make(inspection->pool, 8, sizeof(mproc_inspect_worker_t));
    mproc_inspect_pool_t *tasks = apr_pcalloc(inspection->pool, sizeof *tasks);
    mproc__pool_shared_t shared;
    apr_uint64_t over;
    int i;

    if (!mproc__inspect_payload(inspection, raw, &shared, sizeof shared)) {
        return 0;
    }
    for (i = 0; i < MPROC__POOL_RACKS; i++) {
        rack_read(inspection, raw, workers, atomic_load(&shared.rack[i].handle),
                  atomic_load(&shared.rack[i].count));
    }
    tasks->worker_count = workers->nelts;
    tasks->workers = (const mproc_inspect_worker_t *)workers->elts;
    tasks->done = atomic_load(&shared.tasks_of_ended);
    tasks->lost = atomic_load(&shared.lost);
    tasks->retried = atomic_load(&shared.retried);
    for (i = 0; i < workers->nelts; i++) {
        tasks->done += tasks->workers[i].tasks;
        tasks->running += tasks->workers[i].task >= 0;
        tasks->busy += tasks->workers[i].work == MPROC_INSPECT_BUSY;
    }
    /* Not of one moment: it may be too much. */
    over =
        tasks->done + atomic_load(&shared.unrun) + (apr_uint64_t)tasks->running;
    tasks->queued = atomic_load(&shared.submitted) > over
                        ? atomic_load(&shared.submitted) - over
                        : 0;
    object->tasks = tasks;
    object->state = atomic_load(&shared.closed) ? "closed"
                    : tasks->busy > 0           ? "at a job"
                                                : "idle";
    return 1;
}

void
mproc__inspect_pool_tell(mproc__inspection_t *inspection,
                         mproc_inspect_object_t *object)
{
    object->value = object->holder_count;
    object->state = apr_psprintf(inspection->pool, "%s, %d workers",
                                 object->state, object->holder_count);
}
