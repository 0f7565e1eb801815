/* threads.h: the threads that a test starts and joins. */
#ifndef MPROC_TESTS_THREADS_H
#define MPROC_TESTS_THREADS_H

#include <apr_thread_proc.h>

#include "test.h"

#define THREADS_MAX 128

/* What a thread does; what it returns is checked when it is joined. */
typedef apr_status_t (*thread_job_t)(void *data);

typedef struct threads_t {
    thread_job_t job;
    void *data;
    int count;
    apr_thread_t *thread[THREADS_MAX];
} threads_t;

static inline void *APR_THREAD_FUNC
threads_main(apr_thread_t *thread, void *data)
{
    threads_t *threads = data;
    apr_thread_exit(thread, threads->job(threads->data));
    return NULL;
}

/* Under sanitizers and fork: after all processes of the case. */
static inline threads_t *
threads_start(int count, thread_job_t job, void *data, apr_pool_t *pool)
{
    threads_t *threads = apr_pcalloc(pool, sizeof *threads);
    int i;
    REQUIRE(count <= THREADS_MAX);
    threads->job = job;
    threads->data = data;
    for (i = 0; i < count; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       apr_thread_create(&threads->thread[i], NULL,
                                         threads_main, threads, pool));
        threads->count++;
    }
    return threads;
}

static inline void
threads_join(threads_t *threads, apr_status_t expected)
{
    int i;
    for (i = 0; i < threads->count; i++) {
        apr_status_t rv = APR_EGENERAL;
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, threads->thread[i]));
        CHECK_STATUS(expected, rv);
    }
}

#endif
