/*
 * condition.c: waiters, of whom one dies when it has just been notified.
 *
 * Two customers wait for bread, the first of them longer. One loaf comes, the
 * first customer is notified, and dies: the other one gets the loaf.
 */
#include <mproc.h>
#include <stdio.h>

enum {
    CUSTOMERS = 2
};

/* Under the lock. */
typedef struct shop_t {
    int waiting, loaves, sold;
} shop_t;

static int
loaf_is_there(void *shop)
{
    return ((shop_t *)shop)->loaves > 0;
}

static int
buy(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_condition_t *bread, *queue;
    mproc_value_t *value;
    shop_t *shop;
    apr_status_t rv;

    if (mproc_unpack(args, pool, "o o o", &bread, &queue, &value) !=
            APR_SUCCESS ||
        mproc_condition_acquire(bread, MPROC_FOREVER) != APR_SUCCESS) {
        return 1;
    }
    shop = mproc_value_data(value);
    shop->waiting++;
    mproc_condition_notify(queue, 1);
    rv = mproc_condition_wait_for(bread, loaf_is_there, shop, MPROC_FOREVER);
    if (rv == APR_SUCCESS) {
        shop->loaves--;
        shop->sold++;
    }
    mproc_condition_release(bread);
    return rv != APR_SUCCESS;
}

static int
another_waits(void *shop)
{
    return ((shop_t *)shop)->waiting == CUSTOMERS;
}

static int
somebody_waits(void *shop)
{
    return ((shop_t *)shop)->waiting > 0;
}

int
main(int argc, const char *const *argv)
{
    mproc_process_t *customer[CUSTOMERS];
    mproc_condition_t *bread, *queue;
    mproc_value_t *value;
    mproc_lock_t *lock;
    apr_pool_t *pool;
    shop_t *shop;
    int i, first = 0, second = -1;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    /* Two conditions of one lock: of the customers, and of the shop. */
    mproc_lock_create(&lock, pool);
    mproc_condition_create(&bread, lock, pool);
    mproc_condition_create(&queue, lock, pool);
    mproc_raw_value_create(&value, sizeof *shop, NULL, pool);
    shop = mproc_value_data(value);
    mproc_lock_acquire(lock, MPROC_FOREVER);
    for (i = 0; i < CUSTOMERS; i++) {
        mproc_process_create(&customer[i], buy, NULL, pool, "o o o", bread,
                             queue, value);
        mproc_process_start(customer[i]);
        mproc_condition_wait_for(queue, i == 0 ? somebody_waits : another_waits,
                                 shop, 30 * APR_USEC_PER_SEC);
    }
    printf("%d wait\n", shop->waiting);
    shop->loaves++;
    mproc_condition_notify(bread, 1);
    mproc_process_kill(customer[0]);
    mproc_process_join(customer[0], MPROC_FOREVER);
    mproc_lock_release(lock);
    mproc_process_join(customer[1], 30 * APR_USEC_PER_SEC);
    mproc_process_exitcode(customer[0], &first);
    mproc_process_exitcode(customer[1], &second);
    printf("one died, %d sold\n", shop->sold);
    return first == 0 || second != 0 || shop->sold != 1 || shop->loaves != 0;
}
