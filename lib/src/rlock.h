/* rlock.h: what conditions do with a lock or an rlock. */
#ifndef MPROC_SRC_RLOCK_H
#define MPROC_SRC_RLOCK_H

#include <mproc/lock.h>
#include <mproc/rlock.h>

#include "mutex.h"

mproc__mutex_use_t mproc__lock_use(mproc_lock_t *lock, const char *call);
mproc__mutex_use_t mproc__rlock_use(mproc_rlock_t *rlock, const char *call);

/* The mutex has become ours: hold it so many times. */
void mproc__rlock_begin(mproc_rlock_t *rlock, apr_uint64_t depth);

/* Let it go, however often it is held; returns how often. */
apr_uint64_t mproc__rlock_end(mproc_rlock_t *rlock);

#endif
