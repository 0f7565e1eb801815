/*
 * crawl.c: many pages fetched by a pool, a range of numbers from each.
 *
 *   crawl [-j WORKERS] [-s STEP] [FROM TO]
 *
 * cuts the range FROM .. TO (0 .. 10000) into tasks of STEP numbers (200), one
 * page each, and has them fetched by as many workers as there are tasks, or by
 * WORKERS. The pages come from a little HTTP server of its own, that thinks
 * for a while about each. It checks that no number is missing and none is
 * there twice; then it fetches the first pages once more, one after another,
 * which takes longer.
 */
#include <mproc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_getopt.h>
#include <apr_network_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#define THINKING (apr_time_from_msec(50))
#define PATIENCE (apr_time_from_sec(20))

enum {
    SERVER_THREADS = 16,
    ALONE = 16 /* pages that are fetched one after another */
};

static void
must(apr_status_t rv, const char *what)
{
    char text[200];

    if (rv != APR_SUCCESS) {
        fprintf(stderr, "crawl: %s: %s. %s\n", what,
                mproc_strerror(rv, text, sizeof text), mproc_error_detail());
        exit(1);
    }
}

/* --------------------------------------------------------------- the server */

/* Answer "GET /FROM-TO" by a line for each number. */
static void
caller_serve(apr_socket_t *caller, apr_pool_t *pool)
{
    char request[512], *page = apr_palloc(pool, 64 << 10), *at = page;
    apr_size_t size = sizeof request - 1;
    int from, to;

    apr_socket_timeout_set(caller, PATIENCE);
    if (apr_socket_recv(caller, request, &size) != APR_SUCCESS) {
        return;
    }
    request[size] = '\0';
    apr_sleep(THINKING);
    if (sscanf(request, "GET /%d-%d ", &from, &to) != 2 || to - from > 4000) {
        at += sprintf(at, "HTTP/1.0 404 Not Found\r\n\r\n");
    }
    else {
        at += sprintf(at, "HTTP/1.0 200 OK\r\n\r\n");
        for (; from <= to; from++) {
            at += sprintf(at, "%d\n", from);
        }
    }
    for (size = 1; at > page && size > 0; page += size) {
        size = (apr_size_t)(at - page);
        if (apr_socket_send(caller, page, &size) != APR_SUCCESS) {
            break;
        }
    }
    apr_socket_shutdown(caller, APR_SHUTDOWN_WRITE);
}

static void *APR_THREAD_FUNC
callers_serve(apr_thread_t *thread, void *listener)
{
    apr_socket_t *caller;
    apr_pool_t *pool;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return NULL;
    }
    while (apr_socket_accept(&caller, listener, pool) == APR_SUCCESS) {
        caller_serve(caller, pool);
        apr_pool_clear(pool); /* closes the socket */
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* A daemon: it ends with main. */
static int
server(mproc_bytes_t args, apr_pool_t *pool)
{
    apr_thread_t *thread[SERVER_THREADS];
    apr_sockaddr_t *address;
    apr_socket_t *listener;
    mproc_queue_t *port;
    apr_status_t rv;
    int i;

    if (mproc_unpack(args, pool, "o", &port) != APR_SUCCESS ||
        apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, 0, 0, pool) !=
            APR_SUCCESS ||
        apr_socket_create(&listener, APR_INET, SOCK_STREAM, APR_PROTO_TCP,
                          pool) != APR_SUCCESS ||
        apr_socket_bind(listener, address) != APR_SUCCESS ||
        apr_socket_listen(listener, 128) != APR_SUCCESS ||
        apr_socket_addr_get(&address, APR_LOCAL, listener) != APR_SUCCESS ||
        mproc_queue_putf(port, MPROC_FOREVER, "i", (int)address->port) !=
            APR_SUCCESS) {
        return 1;
    }
    for (i = 0; i < SERVER_THREADS; i++) {
        if (apr_thread_create(thread + i, NULL, callers_serve, listener,
                              pool) != APR_SUCCESS) {
            return 2;
        }
    }
    for (i = 0; i < SERVER_THREADS; i++) {
        apr_thread_join(&rv, thread[i]);
    }
    return 0;
}

static int
server_start(apr_pool_t *pool)
{
    mproc_process_options_t options = {.daemon = 1};
    mproc_process_t *process;
    mproc_queue_t *queue;
    int port;

    must(mproc_queue_create(&queue, 0, pool), "a queue");
    must(mproc_process_create(&process, server, &options, pool, "o", queue),
         "the server");
    must(mproc_process_start(process), "the server");
    must(mproc_queue_getf(queue, PATIENCE, pool, "i", &port), "its port");
    return port;
}

/* ------------------------------------------------------------------ the task
 */

static apr_status_t
socket_open(apr_socket_t **socket, int port, apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    apr_status_t rv = apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET,
                                            (apr_port_t)port, 0, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_socket_create(socket, APR_INET, SOCK_STREAM, APR_PROTO_TCP,
                               pool);
    }
    if (rv == APR_SUCCESS) {
        apr_socket_timeout_set(*socket, PATIENCE);
        rv = apr_socket_connect(*socket, address);
    }
    return rv;
}

/* Returns the whole answer. */
static apr_status_t
page_get(const char **page, int port, int from, int to, apr_pool_t *pool)
{
    apr_size_t size, got = 0, room = 64 << 10;
    char *all = apr_palloc(pool, room);
    apr_socket_t *socket;
    apr_status_t rv = socket_open(&socket, port, pool);

    if (rv == APR_SUCCESS) {
        size =
            (apr_size_t)sprintf(all, "GET /%d-%d HTTP/1.0\r\n\r\n", from, to);
        rv = apr_socket_send(socket, all, &size);
    }
    while (rv == APR_SUCCESS && got < room - 1) {
        size = room - 1 - got;
        rv = apr_socket_recv(socket, all + got, &size);
        got += size;
    }
    all[got] = '\0';
    *page = all;
    return APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : rv;
}

/* Fetch a page; its status, and how many numbers are as they must be. */
static apr_status_t
fetch(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    int port, from, to, at, status = 0, good = 0;
    const char *page;
    char *next;
    apr_status_t rv = mproc_unpack(args, pool, "i i i", &port, &from, &to);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    printf("starting %d-%d\n", from, to);
    fflush(stdout);
    rv = page_get(&page, port, from, to, pool);
    if (rv != APR_SUCCESS || sscanf(page, "HTTP/1.0 %d", &status) != 1) {
        return mproc_reply_error(reply, rv != APR_SUCCESS ? rv : APR_EGENERAL,
                                 "no page %d-%d", from, to);
    }
    next = strstr(page, "\r\n\r\n");
    for (at = from; next != NULL && at <= to; at++) {
        good += strtol(next, &next, 10) == at;
    }
    printf("finished %d-%d: %d\n", from, to, status);
    fflush(stdout);
    return mproc_reply(reply, "i i i i", from, to, status, good);
}

/* ---------------------------------------------------------------------- main
 */

typedef struct options_t {
    int workers, from, to, step;
} options_t;

/* The tasks: from .. from + step - 1 and so on; `to` is in the last. */
static mproc_bytes_t *
tasks_cut(int *count, const options_t *options, int port, apr_pool_t *pool)
{
    int i, last;
    mproc_bytes_t *tasks;

    *count = (options->to - options->from + options->step - 1) / options->step;
    *count = *count < 1 ? 1 : *count;
    tasks = apr_palloc(pool, (apr_size_t)*count * sizeof *tasks);
    for (i = 0; i < *count; i++) {
        last = i == *count - 1 ? options->to
                               : options->from + (i + 1) * options->step - 1;
        must(mproc_pack(tasks + i, pool, "i i i", port,
                        options->from + i * options->step, last),
             "a task");
    }
    return tasks;
}

/* Whether the pages were found, and have all numbers in their order. */
static int
results_good(const mproc_bytes_t *results, int count, const options_t *options,
             apr_pool_t *pool)
{
    int i, from, to, status, numbers, next = options->from;

    for (i = 0; i < count; i++) {
        must(mproc_unpack(results[i], pool, "i i i i", &from, &to, &status,
                          &numbers),
             "a result");
        if (from != next || status != 200 || numbers != to - from + 1) {
            fprintf(stderr, "crawl: %d-%d: status %d, %d numbers\n", from, to,
                    status, numbers);
            return 0;
        }
        next = to + 1;
    }
    return next == options->to + 1;
}

/* Fetch the first pages; returns the time it took. */
static apr_interval_time_t
fetch_some(mproc_pool_t *workers, const mproc_bytes_t *tasks, int count,
           int side_by_side, apr_pool_t *pool)
{
    apr_time_t began = mproc_clock();
    int i;

    if (side_by_side) {
        must(mproc_pool_map(workers, fetch, tasks, (apr_size_t)count, NULL,
                            NULL, pool),
             "fetch");
    }
    for (i = 0; !side_by_side && i < count; i++) {
        must(mproc_pool_map(workers, fetch, tasks + i, 1, NULL, NULL, pool),
             "fetch");
    }
    return mproc_clock() - began;
}

static int
crawl(options_t *options, apr_pool_t *pool)
{
    mproc_pool_options_t pool_options = {0};
    apr_interval_time_t together, alone;
    mproc_bytes_t *tasks, *results;
    mproc_pool_t *workers;
    int count, some, good;

    tasks = tasks_cut(&count, options, server_start(pool), pool);
    results = apr_palloc(pool, (apr_size_t)count * sizeof *results);
    some = count < ALONE ? count : ALONE;
    pool_options.processes = options->workers > 0 ? options->workers
                             : count < 200        ? count
                                                  : 200;
    must(mproc_pool_create(&workers, &pool_options, NULL), "the pool");
    must(mproc_pool_map(workers, fetch, tasks, (apr_size_t)count, NULL, results,
                        pool),
         "fetch");
    good = results_good(results, count, options, pool);
    together = fetch_some(workers, tasks, some, 1, pool);
    alone = fetch_some(workers, tasks, some, 0, pool);
    mproc_pool_close(workers);
    must(mproc_pool_join(workers, MPROC_FOREVER), "the pool's end");
    mproc_pool_destroy(workers);
    printf("Total workers: %d\n", pool_options.processes);
    printf("%d pages, all numbers: %s\n", count, good ? "yes" : "no");
    printf("%d pages one after another: %.1f times as long\n", some,
           (double)alone / (double)together);
    return !good ||
           (pool_options.processes > 1 && some == ALONE && alone <= together);
}

static int
number_parse(int *number, const char *text, int least)
{
    char *end;
    long value = strtol(text, &end, 10);

    *number = (int)value;
    return end != text && *end == '\0' && value >= least && value <= 1000000000;
}

static int
options_parse(options_t *options, int argc, const char *const *argv,
              apr_pool_t *pool)
{
    apr_getopt_t *parser;
    const char *value;
    char letter;
    int good = 1;
    apr_status_t rv = apr_getopt_init(&parser, pool, argc, argv);

    while (good && rv == APR_SUCCESS) {
        rv = apr_getopt(parser, "j:s:", &letter, &value);
        if (rv == APR_SUCCESS) {
            good = letter == 'j' ? number_parse(&options->workers, value, 1)
                                 : number_parse(&options->step, value, 1) &&
                                       options->step <= 4000;
        }
    }
    if (parser->ind == argc - 2) {
        good = good && number_parse(&options->from, argv[argc - 2], 0) &&
               number_parse(&options->to, argv[argc - 1], options->from);
    }
    else {
        good = good && parser->ind == argc;
    }
    return good && rv == APR_EOF;
}

int
main(int argc, const char *const *argv)
{
    options_t options = {0, 0, 10000, 200};
    apr_pool_t *pool;
    int status;

    must(mproc_initialize(argc, argv), "mproc");
    must(apr_pool_create(&pool, NULL), "a pool");
    if (!options_parse(&options, argc, argv, pool)) {
        fputs("usage: crawl [-j WORKERS] [-s STEP] [FROM TO]\n", stderr);
        return 2;
    }
    status = crawl(&options, pool);
    apr_pool_destroy(pool);
    return status;
}
