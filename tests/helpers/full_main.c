/*
 * full_main.c: fills the arena through a queue, in several ways, and gets all
 * of it back. To be run with a limit on the size of files, or on address space.
 * Says nothing and ends with 0 when all was right; at once with an argument.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mproc.h>

#define MOST 200000

static char *bytes;

static void
wrong(const char *what, int round, int n, apr_status_t rv)
{
    printf("%s, round %d, item %d: status %d, %s\n", what, round, n, rv,
           mproc_error_detail());
    exit(1);
}

static apr_size_t
size_of(int round, int n)
{
    static const apr_size_t sizes[] = {1 << 20, 4096, 5000, 60000, 0};
    apr_size_t size = sizes[round];
    return size != 0 ? size : (apr_size_t)n * 7919 % 200000;
}

/* Put until there is no more; returns how many. */
static int
fill(mproc_queue_t *queue, int round)
{
    apr_status_t rv = APR_SUCCESS;
    int n;

    for (n = 0; n < MOST; n++) {
        mproc_bytes_t item = {bytes, size_of(round, n)};
        memset(bytes, 'a' + n % 26, item.size);
        rv = mproc_queue_put(queue, item, MPROC_FOREVER);
        if (rv != APR_SUCCESS) {
            break;
        }
    }
    if (rv != APR_ENOMEM) {
        wrong("filled", round, n, rv);
    }
    if (mproc_queue_size(queue) != (apr_size_t)n) {
        wrong("counted", round, n, 0);
    }
    return n;
}

/* Get some of them, at first by what needs no memory. */
static void
drain(mproc_queue_t *queue, int round, int from, int to)
{
    int n;

    for (n = from; n < to; n++) {
        apr_size_t length, i;
        apr_status_t rv =
            mproc_queue_get_into(queue, bytes, 1 << 20, &length, MPROC_NOWAIT);
        if (rv != APR_SUCCESS || length != size_of(round, n)) {
            wrong("got", round, n, rv);
        }
        for (i = 0; i < length; i++) {
            if (bytes[i] != 'a' + n % 26) {
                wrong("torn", round, n, 0);
            }
        }
    }
}

int
main(int argc, const char *const *argv)
{
    mproc_census_t before, after;
    mproc_queue_t *queue;
    apr_status_t rv;
    int round, n;

    if (argc > 1) {
        return 0;
    }
    bytes = malloc(1 << 20);
    rv = mproc_initialize(argc, argv);
    if (bytes == NULL || rv != APR_SUCCESS ||
        mproc_queue_create(&queue, 0, NULL) != APR_SUCCESS ||
        mproc_census(&before) != APR_SUCCESS) {
        return 2;
    }
    if (before.size > APR_UINT64_C(1) << 29) {
        printf("the arena has %" APR_UINT64_T_FMT " bytes\n", before.size);
        return 3;
    }
    for (round = 0; round < 5; round++) {
        n = fill(queue, round);
        /* Full is not the end: with a little space it goes on. */
        drain(queue, round, 0, n / 2);
        rv = mproc_queue_putf(queue, MPROC_NOWAIT, "s", "more");
        if (rv != APR_SUCCESS) {
            wrong("put more", round, n, rv);
        }
        drain(queue, round, n / 2, n);
        rv = mproc_queue_getf(queue, MPROC_NOWAIT, NULL, "*");
        if (rv != APR_SUCCESS || !mproc_queue_empty(queue)) {
            wrong("got more", round, n, rv);
        }
    }
    mproc_queue_destroy(queue);
    mproc_census(&after);
    for (n = 0; n < MPROC_KIND_COUNT; n++) {
        if (after.kind[n].blocks != 0 && n != MPROC_KIND_HOLD) {
            wrong(mproc_kind_name((mproc_kind_e)n), round, n, 0);
        }
    }
    return 0;
}
