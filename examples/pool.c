/*
 * pool.c: the same function on every item of an array, in all processors.
 *
 * Then again, while workers are killed: it changes nothing but the time.
 */
#include <mproc.h>
#include <stdio.h>

enum {
    COUNT = 1000
};

static void
square(const void *in, void *out, void *baton)
{
    (void)baton;
    *(apr_int64_t *)out = *(const apr_int64_t *)in * *(const apr_int64_t *)in;
}

static void
square_slowly(const void *in, void *out, void *baton)
{
    apr_sleep(1000);
    square(in, out, baton);
}

/* Called now and then while the map goes on; kills a worker, the first
 * times. */
static void
hinder(apr_size_t done, apr_size_t count, void *left)
{
    apr_array_header_t *children;
    apr_pool_t *pool;

    if (*(int *)left == 0 || done == count ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return;
    }
    mproc_process_active_children(&children, pool);
    if (children->nelts > 0) {
        mproc_process_kill(APR_ARRAY_IDX(children, 0, mproc_process_t *));
        --*(int *)left;
    }
    apr_pool_destroy(pool);
}

static int
squares_good(const apr_int64_t *out)
{
    apr_int64_t i;

    for (i = 0; i < COUNT; i++) {
        if (out[i] != i * i) {
            return 0;
        }
    }
    return 1;
}

int
main(int argc, const char *const *argv)
{
    static apr_int64_t in[COUNT], out[COUNT], again[COUNT];
    mproc_pool_options_t two = {0};
    mproc_map_options_t options = {0};
    mproc_pool_t *workers;
    int i, kills = 3;

    mproc_initialize(argc, argv);
    for (i = 0; i < COUNT; i++) {
        in[i] = i;
    }
    two.processes = 2;
    if (mproc_pool_create(&workers, &two, NULL) != APR_SUCCESS ||
        mproc_pool_map_array(workers, square, in, COUNT, sizeof *in, out,
                             sizeof *out, NULL) != APR_SUCCESS) {
        fprintf(stderr, "%s\n", mproc_error_detail());
        return 1;
    }
    printf("%d %d %d ... %d\n", (int)out[1], (int)out[2], (int)out[3],
           (int)out[COUNT - 1]);
    options.chunk = 10;
    options.retries = kills;
    options.progress = hinder;
    options.progress_baton = &kills;
    if (mproc_pool_map_array(workers, square_slowly, in, COUNT, sizeof *in,
                             again, sizeof *again, &options) != APR_SUCCESS) {
        fprintf(stderr, "%s\n", mproc_error_detail());
        return 1;
    }
    printf("with %d workers killed: %s\n", 3 - kills,
           squares_good(again) ? "the same" : "not the same");
    mproc_pool_close(workers);
    mproc_pool_join(workers, MPROC_FOREVER);
    mproc_pool_destroy(workers);
    return !squares_good(out) || !squares_good(again);
}
