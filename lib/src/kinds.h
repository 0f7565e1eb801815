/* kinds.h: the kinds of objects that there are. */
#ifndef MPROC_SRC_KINDS_H
#define MPROC_SRC_KINDS_H

#include "object.h"

extern const mproc__object_ops_t mproc__lock_ops;
extern const mproc__object_ops_t mproc__rlock_ops;
extern const mproc__object_ops_t mproc__semaphore_ops;
extern const mproc__object_ops_t mproc__condition_ops;
extern const mproc__object_ops_t mproc__event_ops;
extern const mproc__object_ops_t mproc__barrier_ops;
extern const mproc__object_ops_t mproc__value_ops;
extern const mproc__object_ops_t mproc__array_ops;
extern const mproc__object_ops_t mproc__shm_ops;
extern const mproc__object_ops_t mproc__shareable_list_ops;
extern const mproc__object_ops_t mproc__queue_ops;
extern const mproc__object_ops_t mproc__dict_ops;
extern const mproc__object_ops_t mproc__list_ops;
extern const mproc__object_ops_t mproc__namespace_ops;
extern const mproc__object_ops_t mproc__set_ops;
extern const mproc__object_ops_t mproc__manager_ops;
extern const mproc__object_ops_t mproc__proxy_ops;
extern const mproc__object_ops_t mproc__served_ops;

#endif
