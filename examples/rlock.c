/*
 * rlock.c: a lock that its holder may take again.
 *
 * Two processes move money between two accounts. A transfer holds the rlock,
 * and so does each of its two halves. Then a third process takes it twice and
 * ends without a word: the next one is told so, and holds it once.
 */
#include <mproc.h>
#include <stdio.h>

enum {
    CHILDREN = 2,
    TRANSFERS = 10000
};

static apr_status_t
deposit(mproc_rlock_t *rlock, int *account, int amount)
{
    apr_status_t rv = mproc_rlock_acquire(rlock, MPROC_FOREVER);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *account += amount;
    return mproc_rlock_release(rlock);
}

static int
transfer(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_rlock_t *rlock;
    mproc_value_t *accounts;
    int *account, i;

    if (mproc_unpack(args, pool, "o o", &rlock, &accounts) != APR_SUCCESS) {
        return 1;
    }
    account = mproc_value_data(accounts);
    for (i = 0; i < TRANSFERS; i++) {
        if (mproc_rlock_acquire(rlock, MPROC_FOREVER) != APR_SUCCESS ||
            account[0] + account[1] != 0 || /* nobody sees it half done */
            deposit(rlock, &account[0], -1) != APR_SUCCESS ||
            deposit(rlock, &account[1], 1) != APR_SUCCESS ||
            mproc_rlock_release(rlock) != APR_SUCCESS) {
            return 2;
        }
    }
    return 0;
}

static int
forget(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_rlock_t *rlock;

    return mproc_unpack(args, pool, "o", &rlock) != APR_SUCCESS ||
           mproc_rlock_acquire(rlock, MPROC_FOREVER) != APR_SUCCESS ||
           mproc_rlock_acquire(rlock, MPROC_FOREVER) != APR_SUCCESS;
}

int
main(int argc, const char *const *argv)
{
    mproc_process_t *child[CHILDREN + 1];
    mproc_rlock_t *rlock;
    mproc_value_t *accounts;
    apr_status_t rv;
    apr_pool_t *pool;
    int *account, i, code, failed = 0;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    mproc_rlock_create(&rlock, pool);
    mproc_raw_value_create(&accounts, 2 * sizeof(int), NULL, pool);
    account = mproc_value_data(accounts);
    for (i = 0; i < CHILDREN; i++) {
        mproc_process_create(&child[i], transfer, NULL, pool, "o o", rlock,
                             accounts);
        mproc_process_start(child[i]);
    }
    for (i = 0; i < CHILDREN; i++) {
        mproc_process_join(child[i], MPROC_FOREVER);
        failed |= mproc_process_exitcode(child[i], &code) || code != 0;
    }
    printf("accounts: %d and %d\n", account[0], account[1]);
    mproc_process_create(&child[i], forget, NULL, pool, "o", rlock);
    mproc_process_start(child[i]);
    mproc_process_join(child[i], MPROC_FOREVER);
    printf("not ours to release: %d\n",
           mproc_rlock_release(rlock) == MPROC_ESTATE);
    rv = mproc_rlock_acquire(rlock, 30 * APR_USEC_PER_SEC);
    printf("its holder ended, and it is ours: %d\n", rv == MPROC_EOWNERDEAD);
    return failed || account[1] != CHILDREN * TRANSFERS ||
           rv != MPROC_EOWNERDEAD ||
           mproc_rlock_release(rlock) != APR_SUCCESS ||
           mproc_rlock_release(rlock) != MPROC_ESTATE;
}
