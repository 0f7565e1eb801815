/* items.c: what goes through the queues that are stepped. */
#include "items.h"

#include <inttypes.h>
#include <string.h>

#include "step.h"

apr_status_t
item_put(mproc_queue_t *queue, apr_uint64_t number, apr_size_t size,
         apr_interval_time_t timeout)
{
    char data[ITEM_MOST];
    mproc_bytes_t item = {data, size};

    memset(data, (int)number, size);
    memcpy(data, &number, sizeof number);
    return mproc_queue_put(queue, item, timeout);
}

apr_uint64_t
item_number(const char *data, apr_size_t size)
{
    apr_uint64_t number = 0;
    apr_size_t i;

    if (size >= sizeof number) {
        memcpy(&number, data, sizeof number);
        for (i = sizeof number; i < size; i++) {
            if (data[i] != (char)number) {
                return 0;
            }
        }
    }
    return number;
}

void
queue_fault(stress_fault_e fault, const char *what, apr_uint64_t number)
{
    stress_fault(fault, "%s, point %" PRIu64 ": %s %" PRIu64, step_name,
                 (uint64_t)step_point, what, (uint64_t)number);
}

apr_uint64_t
item_get(mproc_queue_t *queue)
{
    char data[ITEM_MOST];
    apr_size_t size;
    apr_uint64_t number;
    apr_status_t rv =
        mproc_queue_get_into(queue, data, sizeof data, &size, MPROC_NOWAIT);

    if (APR_STATUS_IS_TIMEUP(rv) || APR_STATUS_IS_EOF(rv)) {
        return 0;
    }
    if (rv != APR_SUCCESS) {
        queue_fault(STRESS_LOST, "a get gave", (apr_uint64_t)rv);
        return 0;
    }
    number = item_number(data, size);
    if (number == 0) {
        queue_fault(STRESS_TORN, "an item is torn, of size", size);
    }
    return number;
}

void
must_put(mproc_queue_t *queue, apr_uint64_t number, apr_size_t size)
{
    apr_status_t rv = item_put(queue, number, size, MPROC_NOWAIT);

    if (rv != APR_SUCCESS) {
        queue_fault(STRESS_LOST, "a put gave", (apr_uint64_t)rv);
    }
}
