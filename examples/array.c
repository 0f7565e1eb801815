/*
 * array.c: a plain C array in shared memory, with a lock of its own.
 *
 * Four processes count into it, each over all items: the lock is taken around
 * each change. Single items can also be read and written by index, which is
 * checked, and counts from the end when it is negative.
 */
#include <mproc.h>
#include <stdio.h>

enum {
    CHILDREN = 4,
    ITEMS = 5,
    ROUNDS = 2000
};

static int
count_up(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_array_t *array;
    int *items;
    int i;

    if (mproc_unpack(args, pool, "o", &array) != APR_SUCCESS) {
        return 1;
    }
    items = mproc_array_data(array);
    for (i = 0; i < ITEMS * ROUNDS; i++) {
        if (mproc_array_acquire(array, MPROC_FOREVER) != APR_SUCCESS) {
            return 2;
        }
        items[i % ITEMS]++;
        mproc_array_release(array);
    }
    return 0;
}

int
main(int argc, const char *const *argv)
{
    static const int begin[ITEMS] = {0, 1, 2, 3, 4};
    mproc_process_t *child[CHILDREN];
    mproc_array_t *array, *copy;
    int *items, i, last = 0, outside, good = 1;
    apr_pool_t *pool;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    mproc_array_create(&array, sizeof(int), ITEMS, begin, pool);
    for (i = 0; i < CHILDREN; i++) {
        mproc_process_create(&child[i], count_up, NULL, pool, "o", array);
        mproc_process_start(child[i]);
    }
    for (i = 0; i < CHILDREN; i++) {
        mproc_process_join(child[i], MPROC_FOREVER);
    }
    items = mproc_array_data(array);
    for (i = 0; i < (int)mproc_array_count(array); i++) {
        printf("%d%s", items[i], i < ITEMS - 1 ? " " : "\n");
        good &= items[i] == begin[i] + CHILDREN * ROUNDS;
    }
    mproc_array_get(array, -1, &last);
    outside = mproc_array_get(array, ITEMS, &last) == APR_NOTFOUND;
    printf("the last: %d; there is no item %d: %d\n", last, ITEMS, outside);

    mproc_array_copy(&copy, array, pool);
    mproc_array_set(copy, 0, &begin[4]);
    mproc_array_get(copy, 0, &i);
    printf("a copy is another array: %d is not %d\n", i, items[0]);
    return !good || last != items[4] || !outside || i != 4 || items[0] == 4;
}
