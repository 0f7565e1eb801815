/*
 * agents.c: many hosts asked at once, by workers with a task queue and a done
 * queue.
 *
 *   agents [--workers N] [HOST:PORT ...]
 *
 * A task is a host, or a session with settings of its own; "STOP" ends a
 * worker. A host that does not answer gives an empty record, not a dead
 * worker. Without hosts it asks four that it starts itself, each of which
 * thinks for a while, and one that is not there, and checks the answers.
 */
#include <mproc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_network_io.h>
#include <apr_strings.h>

#define AGENTS 4
#define HOSTS_MOST 64
#define THINKING (apr_time_from_msec(400))
#define PATIENCE (apr_time_from_sec(20))

/* ---------------------------------------------------------------- an agent */

/* Tell the port, then answer one caller, after a while. */
static int
agent(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *ports;
    apr_sockaddr_t *address;
    apr_socket_t *listener, *caller;
    apr_size_t size;
    char text[64];
    int number;

    if (mproc_unpack(args, pool, "o i", &ports, &number) != APR_SUCCESS ||
        apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, 0, 0, pool) !=
            APR_SUCCESS ||
        apr_socket_create(&listener, APR_INET, SOCK_STREAM, APR_PROTO_TCP,
                          pool) != APR_SUCCESS ||
        apr_socket_bind(listener, address) != APR_SUCCESS ||
        apr_socket_listen(listener, 5) != APR_SUCCESS ||
        apr_socket_addr_get(&address, APR_LOCAL, listener) != APR_SUCCESS ||
        mproc_queue_putf(ports, MPROC_FOREVER, "i", (int)address->port) !=
            APR_SUCCESS ||
        apr_socket_accept(&caller, listener, pool) != APR_SUCCESS) {
        return 1;
    }
    apr_sleep(THINKING);
    size = (apr_size_t)snprintf(text, sizeof text, "agent %d is up\n", number);
    return apr_socket_send(caller, text, &size) != APR_SUCCESS;
}

/* ---------------------------------------------------------------- a worker */

/* Ask a host; "" when it does not answer. */
static const char *
ask(const char *host, int port, apr_interval_time_t timeout, apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    apr_socket_t *socket;
    char *answer = apr_pcalloc(pool, 64);
    apr_size_t size = 63;

    if (apr_sockaddr_info_get(&address, host, APR_INET, (apr_port_t)port, 0,
                              pool) != APR_SUCCESS ||
        apr_socket_create(&socket, APR_INET, SOCK_STREAM, APR_PROTO_TCP,
                          pool) != APR_SUCCESS) {
        return "";
    }
    apr_socket_timeout_set(socket, timeout);
    if (apr_socket_connect(socket, address) != APR_SUCCESS ||
        apr_socket_recv(socket, answer, &size) != APR_SUCCESS) {
        answer[0] = '\0';
    }
    apr_socket_close(socket);
    answer[strcspn(answer, "\n")] = '\0';
    return answer;
}

/* A task: "HOST:PORT", or a session {"host": ., "port": ., "timeout": .}. */
static const char *
task_run(const mproc_datum_t *task, apr_pool_t *pool)
{
    const char *host = "";
    apr_int64_t port = 0, timeout = PATIENCE;
    char *copy, *colon;

    if (mproc_datum_as_text(task, &host) == APR_SUCCESS) {
        copy = apr_pstrdup(pool, host);
        colon = strrchr(copy, ':');
        if (colon == NULL) {
            return "";
        }
        *colon = '\0';
        return ask(copy, atoi(colon + 1), timeout, pool);
    }
    if (mproc_datum_as_text(mproc_datum_find(task, "host"), &host) !=
            APR_SUCCESS ||
        mproc_datum_as_int64(mproc_datum_find(task, "port"), &port) !=
            APR_SUCCESS ||
        mproc_datum_as_int64(mproc_datum_find(task, "timeout"), &timeout) !=
            APR_SUCCESS) {
        return "";
    }
    return ask(host, (int)port, timeout, pool);
}

static int
worker(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *tasks, *done;
    mproc_datum_t *task;
    const char *text;

    if (mproc_unpack(args, pool, "o o", &tasks, &done) != APR_SUCCESS) {
        return 1;
    }
    for (;;) {
        if (mproc_queue_getf(tasks, MPROC_FOREVER, pool, "v", &task) !=
            APR_SUCCESS) {
            return 2;
        }
        if (mproc_datum_as_text(task, &text) == APR_SUCCESS &&
            strcmp(text, "STOP") == 0) {
            return 0;
        }
        if (mproc_queue_putf(done, MPROC_FOREVER, "s s",
                             mproc_datum_text(task, pool),
                             task_run(task, pool)) != APR_SUCCESS) {
            return 3;
        }
    }
}

/* -------------------------------------------------------------------- main */

/* Start agents, and put a task for each: by turns a host and a session; and
 * one for a host that is not there. Returns how many. */
static int
tasks_of_our_own(mproc_queue_t *tasks, apr_pool_t *pool)
{
    mproc_process_options_t options = {.daemon = 1};
    mproc_process_t *process;
    mproc_queue_t *ports;
    int i, port;

    mproc_queue_create(&ports, 0, pool);
    for (i = 0; i < AGENTS; i++) {
        mproc_process_create(&process, agent, &options, pool, "o i", ports, i);
        if (mproc_process_start(process) != APR_SUCCESS ||
            mproc_queue_getf(ports, PATIENCE, pool, "i", &port) !=
                APR_SUCCESS) {
            fprintf(stderr, "%s\n", mproc_error_detail());
            exit(1);
        }
        if (i % 2) {
            mproc_queue_putf(tasks, MPROC_FOREVER, "{s: s, s: i, s: I}", "host",
                             "127.0.0.1", "port", port, "timeout",
                             (apr_int64_t)PATIENCE);
        }
        else {
            mproc_queue_putf(tasks, MPROC_FOREVER, "s",
                             apr_psprintf(pool, "127.0.0.1:%d", port));
        }
    }
    mproc_queue_putf(tasks, MPROC_FOREVER, "s", "127.0.0.1:1");
    return AGENTS + 1;
}

/* Print the answers; returns how many were not empty. */
static int
answers_print(mproc_queue_t *done, int count, apr_pool_t *pool)
{
    const char *task, *answer;
    int i, answered = 0;

    for (i = 0; i < count; i++) {
        if (mproc_queue_getf(done, 2 * PATIENCE, pool, "s s", &task, &answer) !=
            APR_SUCCESS) {
            fprintf(stderr, "%s\n", mproc_error_detail());
            exit(1);
        }
        printf("%s: %s\n", task, answer[0] ? answer : "(no answer)");
        answered += answer[0] != '\0';
    }
    return answered;
}

int
main(int argc, const char *const *argv)
{
    mproc_process_t *process[HOSTS_MOST];
    mproc_queue_t *tasks, *done;
    apr_pool_t *pool;
    int workers = 0, hosts = 0, own, answered, i, code, bad = 0;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    mproc_queue_create(&tasks, 0, pool);
    mproc_queue_create(&done, 0, pool);
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--workers") == 0 && i + 1 < argc) {
            workers = atoi(argv[++i]);
        }
        else {
            mproc_queue_putf(tasks, MPROC_FOREVER, "s", argv[i]);
            hosts++;
        }
    }
    own = hosts == 0;
    hosts = own ? tasks_of_our_own(tasks, pool) : hosts;
    workers = workers < 1 ? hosts : workers;
    workers = workers > HOSTS_MOST ? HOSTS_MOST : workers;
    for (i = 0; i < workers; i++) {
        mproc_process_create(&process[i], worker, NULL, pool, "o o", tasks,
                             done);
        bad |= mproc_process_start(process[i]) != APR_SUCCESS;
        mproc_queue_putf(tasks, MPROC_FOREVER, "s", "STOP");
    }
    answered = answers_print(done, hosts, pool);
    for (i = 0; i < workers; i++) {
        bad |= mproc_process_join(process[i], PATIENCE) != APR_SUCCESS ||
               mproc_process_exitcode(process[i], &code) != APR_SUCCESS ||
               code != 0;
    }
    printf("%d of %d hosts answered\n", answered, hosts);
    return bad || (own && answered != AGENTS);
}
