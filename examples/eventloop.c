/*
 * eventloop.c: a queue, and the processes that put into it, in a libuv loop
 * beside a timer. It polls what mproc_waitable_handle() gives.
 */
#include <mproc.h>
#include <stdio.h>
#include <uv.h>

#define WORKERS 3
#define NUMBERS 20

static mproc_queue_t *results;
static uv_poll_t on_results, on_end[WORKERS];
static uv_timer_t timer;
static int sum, ended, failed, ticks;

static void
tick(uv_timer_t *handle)
{
    ticks += handle == &timer;
}

static int
square(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    int number;

    if (mproc_unpack(args, pool, "o i", &queue, &number) != APR_SUCCESS) {
        return 1;
    }
    for (; number < NUMBERS; number += WORKERS) {
        apr_sleep(apr_time_from_msec(2)); /* Hard work. */
        mproc_queue_putf(queue, MPROC_FOREVER, "i", number * number);
    }
    return 0;
}

static void
results_ready(uv_poll_t *handle, int status, int events)
{
    int n;

    (void)handle, (void)status, (void)events;
    while (mproc_queue_getf(results, 0, NULL, "i", &n) == APR_SUCCESS) {
        sum += n;
    }
}

/* After the last one's end all is in the queue; then the loop ends, too. */
static void
worker_ended(uv_poll_t *handle, int status, int events)
{
    mproc_process_t *worker = handle->data;
    int code = -1;

    mproc_process_join(worker, MPROC_FOREVER); /* Does not wait. */
    mproc_process_exitcode(worker, &code);
    failed += code != 0;
    uv_close((uv_handle_t *)handle, NULL); /* It would stay ready. */
    if (++ended == WORKERS) {
        results_ready(&on_results, status, events);
        uv_close((uv_handle_t *)&on_results, NULL);
        uv_close((uv_handle_t *)&timer, NULL);
    }
}

static void
watch(uv_poll_t *handle, mproc_waitable_e kind, void *object, uv_poll_cb call)
{
    mproc_waitable_t item = {kind, object, 0};
    apr_int64_t fd;

    mproc_waitable_handle(&item, &fd);
    uv_poll_init(uv_default_loop(), handle, (int)fd);
    uv_poll_start(handle, UV_READABLE, call);
    handle->data = object;
}

int
main(int argc, const char *const *argv)
{
    mproc_process_t *worker;
    apr_pool_t *pool;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    mproc_queue_create(&results, 0, pool);
    watch(&on_results, MPROC_WAIT_QUEUE, results, results_ready);
    uv_timer_init(uv_default_loop(), &timer);
    uv_timer_start(&timer, tick, 0, 1);
    for (int i = 0; i < WORKERS; i++) {
        mproc_process_create(&worker, square, NULL, pool, "o i", results, i);
        mproc_process_start(worker);
        watch(&on_end[i], MPROC_WAIT_PROCESS, worker, worker_ended);
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    printf("together: %d, failed: %d, ticked: %d\n", sum, failed, ticks > 1);
    return sum != 2470 || failed != 0 || ticks < 2;
}
