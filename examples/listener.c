/*
 * listener.c: a server, and clients that could be anywhere.
 *
 * The server waits for whatever comes first: a new client, or a number from one
 * that is there, which it sends back squared. Clients are let in when they
 * prove that they have the key; children have their parent's. A client with
 * another key learns no more than that.
 *
 * With Python's `Client(("127.0.0.1", PORT), authkey=KEY)` in place of a child
 * nothing changes here: see listener.h.
 */
#include <mproc.h>
#include <stdio.h>

#define CLIENTS 3
#define NUMBERS 4

static int
client(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_connection_t *server;
    const char *address;
    int first, i, squared;

    if (mproc_unpack(args, pool, "s i", &address, &first) != APR_SUCCESS ||
        mproc_client_connect(&server, address, NULL, pool) != APR_SUCCESS) {
        return 1;
    }
    for (i = first; i < first + NUMBERS; i++) {
        if (mproc_connection_sendf(server, "i", i) != APR_SUCCESS ||
            mproc_connection_recvf(server, pool, "i", &squared) !=
                APR_SUCCESS ||
            squared != i * i) {
            return 2;
        }
    }
    return 0;
}

static int
stranger(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_net_options_t options = {.authkey = {"open sesame", 11}};
    mproc_connection_t *server;
    const char *address;

    return mproc_unpack(args, pool, "s", &address) != APR_SUCCESS ||
           mproc_client_connect(&server, address, &options, pool) !=
               MPROC_EAUTH;
}

/* One number; 0 when this client has gone. */
static int
serve_one(mproc_connection_t *connection, int *sum, apr_pool_t *pool)
{
    int number;

    if (mproc_connection_recvf(connection, pool, "i", &number) != APR_SUCCESS) {
        return 0;
    }
    *sum += number * number;
    return mproc_connection_sendf(connection, "i", number * number) ==
           APR_SUCCESS;
}

/* Until all clients have come and gone. Returns the sum of the squares. */
static int
serve(mproc_listener_t *listener, int *refused, apr_pool_t *pool)
{
    mproc_waitable_t items[1 + CLIENTS] = {{MPROC_WAIT_LISTENER, listener, 0}};
    mproc_connection_t *connection;
    int count = 1, gone = 0, sum = 0, i;
    apr_status_t rv;

    while ((gone < CLIENTS || *refused == 0) &&
           mproc_wait(items, count, MPROC_FOREVER, NULL) == APR_SUCCESS) {
        for (i = count - 1; i > 0; i--) {
            if (items[i].ready && !serve_one(items[i].object, &sum, pool)) {
                mproc_connection_destroy(items[i].object);
                items[i] = items[--count];
                gone++;
            }
        }
        if (!items[0].ready) {
            continue;
        }
        rv = mproc_listener_accept(listener, &connection, MPROC_NOWAIT, pool);
        if (rv == APR_SUCCESS) {
            items[count].kind = MPROC_WAIT_CONNECTION;
            items[count++].object = connection;
        }
        *refused += rv == MPROC_EAUTH;
    }
    return sum;
}

int
main(int argc, const char *const *argv)
{
    mproc_process_t *process[CLIENTS + 1];
    mproc_listener_t *listener;
    int refused = 0, sum, code = 0, good = 1, i;
    apr_pool_t *pool;
    apr_status_t rv;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    rv = mproc_listener_create(&listener, "tcp:127.0.0.1:0", NULL, pool);
    if (rv != APR_SUCCESS) {
        fprintf(stderr, "%s\n", mproc_error_detail());
        return rv == APR_ENOTIMPL ? 77 : 1;
    }
    for (i = 0; i <= CLIENTS; i++) {
        const char *address = mproc_listener_address(listener);
        good = good &&
               (i < CLIENTS
                    ? mproc_process_create(&process[i], client, NULL, pool,
                                           "s i", address, i * NUMBERS)
                    : mproc_process_create(&process[i], stranger, NULL, pool,
                                           "s", address)) == APR_SUCCESS &&
               mproc_process_start(process[i]) == APR_SUCCESS;
    }
    sum = good ? serve(listener, &refused, pool) : 0;
    printf("%d squares of %d clients: together %d\n", CLIENTS * NUMBERS,
           CLIENTS, sum);
    printf("refused: %d, who had another key\n", refused);
    for (i = 0; good && i <= CLIENTS; i++) {
        good = mproc_process_join(process[i], MPROC_FOREVER) == APR_SUCCESS &&
               mproc_process_exitcode(process[i], &code) == APR_SUCCESS &&
               code == 0;
    }
    return good && sum == 506 && refused == 1 ? 0 : 1;
}
