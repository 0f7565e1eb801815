/**
 * @file mproc.h
 * @brief Everything mproc offers, in one include.
 *
 * Multiprocessing for C on Linux and Windows, on top of the Apache Portable
 * Runtime: what Python's `multiprocessing` is to Python. Compiles alone as
 * C11 and as C++17. A whole program:
 *
 * @code
 * static int hello(mproc_bytes_t args, apr_pool_t *pool)
 * {
 *     const char *whom;
 *     if (mproc_unpack(args, pool, "s", &whom) != APR_SUCCESS) {
 *         return 1;
 *     }
 *     return printf("hello, %s\n", whom) < 0;
 * }
 *
 * int main(int argc, const char *const *argv)
 * {
 *     mproc_process_t *process;
 *     mproc_initialize(argc, argv);
 *     mproc_process_create(&process, hello, NULL, NULL, "s", "world");
 *     mproc_process_start(process);
 *     return mproc_process_join(process, MPROC_FOREVER) != APR_SUCCESS;
 * }
 * @endcode
 */
#ifndef MPROC_H
#define MPROC_H

#include <mproc/version.h>
#include <mproc/types.h>
#include <mproc/error.h>
#include <mproc/pack.h>
#include <mproc/datum.h>
#include <mproc/function.h>
#include <mproc/process.h>
#include <mproc/lock.h>
#include <mproc/manager.h>
#include <mproc/rlock.h>
#include <mproc/semaphore.h>
#include <mproc/condition.h>
#include <mproc/event.h>
#include <mproc/barrier.h>
#include <mproc/value.h>
#include <mproc/array.h>
#include <mproc/shm.h>
#include <mproc/shareable_list.h>
#include <mproc/dict.h>
#include <mproc/list.h>
#include <mproc/namespace.h>
#include <mproc/set.h>
#include <mproc/queue.h>
#include <mproc/connection.h>
#include <mproc/listener.h>
#include <mproc/wait.h>
#include <mproc/async.h>
#include <mproc/pool.h>
#include <mproc/progress.h>
#include <mproc/census.h>
#include <mproc/inspect.h>

#endif
