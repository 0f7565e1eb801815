/*
 * hosts_main.c: a manager, and two of its clients on other machines, one of
 * which is cut off in the middle of a call (tests/ci/hosts.sh).
 *
 *   hosts_main serve ADDRESS FOLDER   print the address; when "taken" is set,
 *                                     see who and what is left
 *   hosts_main hold ADDRESS FOLDER    print "held" with the lock held; wait for
 *                                     an item that nobody puts; be cut off
 *   hosts_main take ADDRESS FOLDER    want the lock, and get it from the dead
 *
 * FOLDER has the certificate of all of them, its key, and who signed it:
 * cert.pem, key.pem and authority.pem. Each prints how long it waited for what.
 */
#include <stdio.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include <mproc.h>

#define LEASE (4 * APR_USEC_PER_SEC)
#define PATIENCE (10 * LEASE)

typedef struct host_t {
    mproc_tls_options_t tls;
    mproc_manager_options_t options;
    mproc_manager_t *manager;
    mproc_lock_t *lock;
    mproc_queue_t *queue;
    mproc_event_t *taken;
} host_t;

static int
expected(apr_status_t rv, apr_status_t wanted, const char *what)
{
    char text[120];

    if (rv == wanted) {
        return 1;
    }
    fprintf(stderr, "%s: %s: %s\n", what, mproc_strerror(rv, text, sizeof text),
            mproc_error_detail());
    return 0;
}

static void
options_make(host_t *host, const char *folder, apr_pool_t *pool)
{
    static const mproc_bytes_t key = {"on two machines", 15};

    memset(host, 0, sizeof *host);
    host->tls.certificate = apr_pstrcat(pool, folder, "/cert.pem", NULL);
    host->tls.key = apr_pstrcat(pool, folder, "/key.pem", NULL);
    host->tls.authorities = apr_pstrcat(pool, folder, "/authority.pem", NULL);
    host->options.net.authkey = key;
    host->options.net.tls = &host->tls;
    host->options.lease = LEASE;
}

static int
objects_have(host_t *host, apr_pool_t *pool)
{
    return expected(
               mproc_manager_lock(host->manager, &host->lock, "lock", pool),
               APR_SUCCESS, "lock") &&
           expected(mproc_manager_queue(host->manager, &host->queue, "queue", 0,
                                        pool),
                    APR_SUCCESS, "queue") &&
           expected(
               mproc_manager_event(host->manager, &host->taken, "taken", pool),
               APR_SUCCESS, "event");
}

/* The one that was cut off is not a client any more, and waits for nothing. */
static int
serve(host_t *host, const char *address, apr_pool_t *pool)
{
    mproc_manager_census_t census;

    host->options.address = address;
    if (!expected(mproc_manager_start(&host->manager, &host->options, pool),
                  APR_SUCCESS, "start") ||
        !objects_have(host, pool)) {
        return 0;
    }
    puts(mproc_manager_address(host->manager));
    fflush(stdout);
    if (!expected(mproc_event_wait(host->taken, PATIENCE), APR_SUCCESS,
                  "taken") ||
        !expected(mproc_manager_census(host->manager, &census), APR_SUCCESS,
                  "census")) {
        return 0;
    }
    printf("%d clients, %d calls that wait\n", (int)census.clients,
           (int)census.waiting);
    return census.clients <= 2 && census.waiting == 0 &&
           expected(mproc_manager_shutdown(host->manager, PATIENCE),
                    APR_SUCCESS, "shutdown");
}

static int
hold(host_t *host, apr_pool_t *pool)
{
    mproc_bytes_t item;
    apr_time_t begin;

    if (!expected(mproc_lock_acquire(host->lock, PATIENCE), APR_SUCCESS,
                  "acquire")) {
        return 0;
    }
    puts("held");
    fflush(stdout);
    begin = apr_time_now();
    if (!expected(mproc_queue_get(host->queue, &item, PATIENCE, pool),
                  APR_ECONNRESET, "get")) {
        return 0;
    }
    printf("cut off, told after %.1f s\n",
           (double)(apr_time_now() - begin) / APR_USEC_PER_SEC);
    return expected(mproc_lock_release(host->lock), APR_ECONNRESET, "release");
}

static int
take(host_t *host)
{
    apr_time_t begin = apr_time_now();

    if (!expected(mproc_lock_acquire(host->lock, PATIENCE), MPROC_EOWNERDEAD,
                  "acquire")) {
        return 0;
    }
    printf("taken from the dead after %.1f s\n",
           (double)(apr_time_now() - begin) / APR_USEC_PER_SEC);
    return expected(mproc_lock_release(host->lock), APR_SUCCESS, "release") &&
           expected(mproc_event_set(host->taken), APR_SUCCESS, "set");
}

int
main(int argc, const char *const *argv)
{
    apr_pool_t *pool;
    host_t host;
    int good;

    mproc_initialize(argc, argv);
    if (argc != 4) {
        fputs("usage: hosts_main serve|hold|take ADDRESS FOLDER\n", stderr);
        return 2;
    }
    apr_pool_create(&pool, NULL);
    options_make(&host, argv[3], pool);
    if (strcmp(argv[1], "serve") == 0) {
        good = serve(&host, argv[2], pool);
    }
    else {
        good = expected(mproc_manager_connect(&host.manager, argv[2],
                                              &host.options, pool),
                        APR_SUCCESS, "connect") &&
               objects_have(&host, pool) &&
               (strcmp(argv[1], "hold") == 0 ? hold(&host, pool) : take(&host));
    }
    apr_pool_destroy(pool);
    return !good;
}
