/* items.h: items of a queue that tell whether they are whole. */
#ifndef MPROC_TESTS_STRESS_ITEMS_H
#define MPROC_TESTS_STRESS_ITEMS_H

#include <mproc/queue.h>

#include "stress.h"

#define ITEM_MOST 8192

/* Put an item with a number, at least 1, of so many bytes. */
apr_status_t item_put(mproc_queue_t *queue, apr_uint64_t number,
                      apr_size_t size, apr_interval_time_t timeout);

/* The number of an item; 0 when it is torn. */
apr_uint64_t item_number(const char *data, apr_size_t size);

/* Get one and tell its number; 0 when there is none. */
apr_uint64_t item_get(mproc_queue_t *queue);

/* Put one, or a fault. */
void must_put(mproc_queue_t *queue, apr_uint64_t number, apr_size_t size);

/* At this kill point something is not as it must be. */
void queue_fault(stress_fault_e fault, const char *what, apr_uint64_t number);

#endif
