/*
 * agents.c: many hosts asked at once, by workers with a task queue and a done
 * queue.
 *
 *   agents [-j WORKERS] [-n AGENTS] [HOST:PORT ...]
 *
 * A task is a host, or a session: a host with settings of its own; "STOP" ends
 * a worker. A host that does not answer gives an empty record, not a dead
 * worker. Without hosts it starts agents to be asked (eight), each of which
 * thinks for a while, adds one host that is not there, and checks that it got
 * all answers, in about the time of one. There are as many workers as hosts,
 * unless -j says how many.
 */
#include <mproc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_getopt.h>
#include <apr_network_io.h>
#include <apr_strings.h>

#define THINKING (apr_time_from_msec(500))
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
ask(const char *host_port, apr_interval_time_t timeout, apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    apr_socket_t *socket;
    apr_port_t port;
    char *host, *scope, *answer = apr_pcalloc(pool, 64);
    apr_size_t size = 63;

    if (apr_parse_addr_port(&host, &scope, &port, host_port, pool) !=
            APR_SUCCESS ||
        apr_sockaddr_info_get(&address, host, APR_INET, port, 0, pool) !=
            APR_SUCCESS ||
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

/* A task: "HOST:PORT", or a session {"host": "HOST:PORT", "timeout": us}. */
static const char *
task_run(const mproc_datum_t *task, apr_pool_t *pool)
{
    apr_int64_t timeout = PATIENCE;
    const char *host;

    if (mproc_datum_as_text(task, &host) == APR_SUCCESS) {
        return ask(host, timeout, pool);
    }
    if (mproc_datum_as_text(mproc_datum_find(task, "host"), &host) !=
            APR_SUCCESS ||
        mproc_datum_as_int64(mproc_datum_find(task, "timeout"), &timeout) !=
            APR_SUCCESS) {
        return "";
    }
    return ask(host, timeout, pool);
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
    while (mproc_queue_getf(tasks, MPROC_FOREVER, pool, "v", &task) ==
           APR_SUCCESS) {
        if (mproc_datum_as_text(task, &text) == APR_SUCCESS &&
            strcmp(text, "STOP") == 0) {
            return 0;
        }
        if (mproc_queue_putf(done, MPROC_FOREVER, "s s",
                             mproc_datum_text(task, pool),
                             task_run(task, pool)) != APR_SUCCESS) {
            break;
        }
    }
    return 2;
}

/* -------------------------------------------------------------------- main */

static void
must(apr_status_t rv)
{
    if (rv != APR_SUCCESS) {
        fprintf(stderr, "agents: %s\n", mproc_error_detail());
        exit(1);
    }
}

/* Start agents of our own. Returns their addresses, and one more. */
static const char **
agents_start(int count, apr_pool_t *pool)
{
    const char **hosts = apr_palloc(pool, (count + 1) * sizeof *hosts);
    mproc_process_options_t options = {.daemon = 1};
    mproc_process_t *process;
    mproc_queue_t *ports;
    int i, port;

    must(mproc_queue_create(&ports, 0, pool));
    for (i = 0; i < count; i++) {
        must(mproc_process_create(&process, agent, &options, pool, "o i", ports,
                                  i));
        must(mproc_process_start(process));
    }
    for (i = 0; i < count; i++) {
        must(mproc_queue_getf(ports, PATIENCE, pool, "i", &port));
        hosts[i] = apr_psprintf(pool, "127.0.0.1:%d", port);
    }
    hosts[count] = "127.0.0.1:1"; /* Nobody is there. */
    return hosts;
}

/* By turns as a host and as a session. */
static void
tasks_put(mproc_queue_t *tasks, const char *const *hosts, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        must(i % 2 ? mproc_queue_putf(tasks, MPROC_FOREVER, "{s: s, s: I}",
                                      "host", hosts[i], "timeout", PATIENCE / 2)
                   : mproc_queue_putf(tasks, MPROC_FOREVER, "s", hosts[i]));
    }
}

/* Print the answers. Returns how many were not empty. */
static int
answers_print(mproc_queue_t *done, int count, apr_pool_t *pool)
{
    const char *task, *answer;
    int i, answered = 0;

    for (i = 0; i < count; i++) {
        must(mproc_queue_getf(done, 2 * PATIENCE, pool, "s s", &task, &answer));
        printf("%s: %s\n", task, answer[0] ? answer : "(no answer)");
        answered += answer[0] != '\0';
    }
    return answered;
}

/* Ask all hosts. Returns how many answered. */
static int
hosts_ask(const char *const *hosts, int count, int workers,
          apr_interval_time_t *took, apr_pool_t *pool)
{
    mproc_process_t **process = apr_palloc(pool, workers * sizeof *process);
    mproc_queue_t *tasks, *done;
    int i, code, answered;
    apr_time_t began;

    must(mproc_queue_create(&tasks, 0, pool));
    must(mproc_queue_create(&done, 0, pool));
    for (i = 0; i < workers; i++) {
        must(mproc_process_create(&process[i], worker, NULL, pool, "o o", tasks,
                                  done));
        must(mproc_process_start(process[i]));
    }
    began = mproc_clock();
    tasks_put(tasks, hosts, count);
    answered = answers_print(done, count, pool);
    *took = mproc_clock() - began;
    for (i = 0; i < workers; i++) {
        must(mproc_queue_putf(tasks, MPROC_FOREVER, "s", "STOP"));
    }
    for (i = 0; i < workers; i++) {
        must(mproc_process_join(process[i], PATIENCE));
        must(mproc_process_exitcode(process[i], &code));
        if (code != 0) {
            fprintf(stderr, "agents: a worker ended with %d\n", code);
            exit(1);
        }
    }
    return answered;
}

int
main(int argc, const char *const *argv)
{
    int workers = 0, agents = 8, hosts, answered;
    apr_interval_time_t took;
    const char *const *host;
    apr_pool_t *pool;
    apr_getopt_t *options;
    const char *value;
    apr_status_t rv;
    char letter;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    apr_getopt_init(&options, pool, argc, argv);
    while ((rv = apr_getopt(options, "j:n:", &letter, &value)) == APR_SUCCESS) {
        if (letter == 'j') {
            workers = atoi(value);
        }
        else {
            agents = atoi(value);
        }
    }
    if (rv != APR_EOF || workers < 0 || agents < 1) {
        fputs("usage: agents [-j WORKERS] [-n AGENTS] [HOST:PORT ...]\n",
              stderr);
        return 2;
    }
    hosts = argc - options->ind;
    host = argv + options->ind;
    if (hosts > 0) {
        agents = 0;
    }
    else {
        host = agents_start(agents, pool);
        hosts = agents + 1;
    }
    workers = workers > 0 ? workers : hosts;
    answered = hosts_ask(host, hosts, workers, &took, pool);
    printf("%d of %d hosts answered, in %.1f s\n", answered, hosts,
           (double)took / APR_USEC_PER_SEC);
    /* Ours all answer; asked at once, in less than half the time that they
     * think. */
    return agents > 0 && (answered != agents ||
                          (workers == hosts && took > agents * THINKING / 2));
}
