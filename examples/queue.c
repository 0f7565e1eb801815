/*
 * queue.c: work for several processes, results from them.
 *
 * Four workers get numbers from one queue and put squares into another. "No
 * more" is a shutdown: who gets is told APR_EOF when all is got. The last part
 * is what hangs elsewhere: a child that is joined before anybody has got the
 * megabyte that it put.
 */
#include <mproc.h>
#include <stdio.h>

#define WORKERS 4
#define NUMBERS 20

static int
square(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *tasks, *results;
    apr_status_t rv;
    int number;

    if (mproc_unpack(args, pool, "o o", &tasks, &results) != APR_SUCCESS) {
        return 1;
    }
    while ((rv = mproc_queue_getf(tasks, MPROC_FOREVER, pool, "i", &number)) ==
           APR_SUCCESS) {
        rv = mproc_queue_putf(results, MPROC_FOREVER, "[i i]", number,
                              number * number);
        if (rv != APR_SUCCESS) {
            return 2;
        }
    }
    return rv == APR_EOF ? 0 : 3;
}

static int
results_print(mproc_queue_t *results, apr_pool_t *pool)
{
    int i, number, squared, sum = 0;

    for (i = 0; i < NUMBERS; i++) {
        if (mproc_queue_getf(results, MPROC_FOREVER, pool, "[i i]", &number,
                             &squared) != APR_SUCCESS) {
            return 0;
        }
        printf("%d squared is %d\n", number, squared);
        sum += squared;
    }
    return sum;
}

static int
fill(mproc_bytes_t args, apr_pool_t *pool)
{
    static char megabyte[1 << 20];
    mproc_bytes_t item = {megabyte, sizeof megabyte};
    mproc_queue_t *queue;

    return mproc_unpack(args, pool, "o", &queue) != APR_SUCCESS ||
           mproc_queue_put(queue, item, MPROC_FOREVER) != APR_SUCCESS;
}

int
main(int argc, const char *const *argv)
{
    mproc_process_t *worker[WORKERS], *filler;
    mproc_queue_t *tasks, *results;
    mproc_bytes_t item;
    apr_pool_t *pool;
    int i, code = -1, sum;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    mproc_queue_create(&tasks, 0, pool);
    mproc_queue_create(&results, 0, pool);
    for (i = 0; i < WORKERS; i++) {
        mproc_process_create(&worker[i], square, NULL, pool, "o o", tasks,
                             results);
        mproc_process_start(worker[i]);
    }
    for (i = 0; i < NUMBERS; i++) {
        mproc_queue_putf(tasks, MPROC_FOREVER, "i", i);
    }
    mproc_queue_shutdown(tasks, 0);
    sum = results_print(results, pool);
    for (i = 0; i < WORKERS; i++) {
        mproc_process_join(worker[i], MPROC_FOREVER);
    }
    printf("together: %d\n", sum);

    mproc_process_create(&filler, fill, NULL, pool, "o", results);
    mproc_process_start(filler);
    mproc_process_join(filler, MPROC_FOREVER);
    mproc_process_exitcode(filler, &code);
    printf("the child ended with %d, %d item is left", code,
           (int)mproc_queue_size(results));
    mproc_queue_get(results, &item, MPROC_NOWAIT, pool);
    printf(" of %d bytes\n", (int)item.size);
    return sum != 2470 || code != 0 || item.size != 1 << 20;
}
