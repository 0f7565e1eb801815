/*
 * remote.c: work for workers on any machine.
 *
 *   remote [OPTION...] serve ADDRESS    hand out jobs, and collect the results
 *   remote [OPTION...] work ADDRESS     do jobs until there are no more
 *   remote [OPTION...]                  two of the one, on two ports of this
 *                                       machine, and four of the other
 *
 *   -s FILE   the key, which both sides must have: any 1 to 256 bytes
 *   -j JOBS   how many jobs there are (20)
 *   -l SECS   after so many seconds without a sign of life the other side is
 *             taken for dead (30)
 *   -c FILE   TLS, for tcp: the certificate of this side,
 *   -k FILE   its private key,
 *   -a FILE   who must have signed that of the other side,
 *   -n NAME   and the name in it, if that is not the host of ADDRESS
 *
 * A job is a number, N; to do it is to count the primes from 1000 N to 1000 N +
 * 999. The jobs are in a queue named "jobs", the results go into a dict named
 * "results": server and workers need to know no more of each other. What a
 * worker had got that died is put into the queue again.
 *
 *   printf something-secret >key
 *   remote -s key serve tcp:0.0.0.0:4711         # on one machine
 *   remote -s key work tcp:example.org:4711      # on as many as there are
 */
#include <mproc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_getopt.h>
#include <apr_strings.h>

enum {
    STEP = 1000,
    SERVERS = 2,
    WORKERS = 4,
    KEY_MOST = 256,
    EXIT_USAGE = 2,
    EXIT_SKIP = 77
};

#define PATIENCE (2 * APR_USEC_PER_SEC)

typedef struct settings_t {
    const char *keyfile;
    int jobs, lease;
    mproc_tls_options_t tls;
} settings_t;

/* What has jobs to do. */
typedef struct office_t {
    mproc_manager_t *manager;
    mproc_queue_t *jobs;
    mproc_dict_t *results;
    int first, count; /* the jobs */
} office_t;

static int
complain(void)
{
    fprintf(stderr, "%s\n", mproc_error_detail());
    return 1;
}

static mproc_manager_options_t
options_of(const settings_t *settings)
{
    mproc_manager_options_t options = {.lease =
                                           settings->lease * APR_USEC_PER_SEC};

    if (settings->tls.certificate != NULL ||
        settings->tls.authorities != NULL) {
        options.net.tls = &settings->tls;
    }
    return options;
}

/* ---------------------------------------------------------------- a worker */

static int
primes_count(int from, int to)
{
    int count = 0, n, i;

    for (n = from < 2 ? 2 : from; n < to; n++) {
        for (i = 2; i * i <= n && n % i != 0; i++) {
        }
        count += i * i > n;
    }
    return count;
}

/* One job: the result must be there before the job is told to be done. */
static apr_status_t
job_do(mproc_queue_t *jobs, mproc_dict_t *results, apr_pool_t *pool)
{
    apr_status_t rv;
    int job;

    rv = mproc_queue_getf(jobs, MPROC_FOREVER, pool, "i", &job);
    if (rv == APR_SUCCESS) {
        rv = mproc_dict_setf(results, apr_itoa(pool, job), "i",
                             primes_count(STEP * job, STEP * (job + 1)));
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_queue_task_done(jobs);
    }
    return rv;
}

static int
work(const char *address, const settings_t *settings, apr_pool_t *pool)
{
    mproc_manager_options_t options = options_of(settings);
    mproc_manager_t *manager;
    mproc_dict_t *results;
    mproc_queue_t *jobs;
    apr_pool_t *scratch;
    apr_status_t rv;
    int done = 0;

    if (mproc_manager_connect(&manager, address, &options, pool) !=
            APR_SUCCESS ||
        mproc_manager_queue(manager, &jobs, "jobs", 0, pool) != APR_SUCCESS ||
        mproc_manager_dict(manager, &results, "results", pool) != APR_SUCCESS) {
        return complain();
    }
    apr_pool_create(&scratch, pool);
    while ((rv = job_do(jobs, results, scratch)) == APR_SUCCESS) {
        apr_pool_clear(scratch);
        done++;
    }
    /* No more jobs; or no more server, which has all results then. */
    if (rv != APR_EOF && rv != APR_ECONNRESET) {
        return complain();
    }
    printf("a worker did what it could get, %d jobs\n", done);
    return 0;
}

/* ---------------------------------------------------------------- a server */

static apr_status_t
office_open(office_t *office, const char *address, const settings_t *settings,
            int first, apr_pool_t *pool)
{
    mproc_manager_options_t options = options_of(settings);
    apr_status_t rv;
    int i;

    options.address = address;
    office->first = first;
    office->count = settings->jobs;
    rv = mproc_manager_start(&office->manager, &options, pool);
    if (rv == APR_SUCCESS) {
        rv = mproc_manager_queue(office->manager, &office->jobs, "jobs", 0,
                                 pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_manager_dict(office->manager, &office->results, "results",
                                pool);
    }
    for (i = 0; i < office->count && rv == APR_SUCCESS; i++) {
        rv = mproc_queue_putf(office->jobs, MPROC_FOREVER, "i", first + i);
    }
    return rv;
}

/* The jobs that have no result, once more. */
static apr_status_t
office_repeat(office_t *office, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    int job = office->first, end = job + office->count;

    for (; job < end && rv == APR_SUCCESS; job++) {
        if (!mproc_dict_has(office->results, apr_itoa(pool, job))) {
            printf("job %d may be lost: once more\n", job);
            rv = mproc_queue_putf(office->jobs, MPROC_FOREVER, "i", job);
        }
    }
    return rv;
}

/* Wait for the results. When none comes for a while, and nobody has anything
 * left to get, those who had got the rest may be dead. A job that is done twice
 * has the same result. */
static apr_status_t
office_wait(office_t *office, apr_pool_t *pool)
{
    apr_size_t all = (apr_size_t)office->count, had = 0, has;
    apr_status_t rv = APR_SUCCESS;

    while ((has = mproc_dict_size(office->results)) < all &&
           rv == APR_SUCCESS) {
        rv = mproc_queue_join(office->jobs, PATIENCE);
        if (rv != APR_TIMEUP && rv != MPROC_EWORKERLOST) {
            continue;
        }
        rv = APR_SUCCESS;
        if (has == had && mproc_queue_empty(office->jobs)) {
            rv = office_repeat(office, pool);
        }
        had = has;
    }
    return rv;
}

/* Wait until all is done, and tell the workers. */
static apr_status_t
office_close(office_t *office, int *primes, apr_pool_t *pool)
{
    apr_status_t rv = office_wait(office, pool);
    int job, count;

    if (rv == APR_SUCCESS) {
        rv = mproc_queue_shutdown(office->jobs, 0);
    }
    *primes = 0;
    for (job = office->first;
         job < office->first + office->count && rv == APR_SUCCESS; job++) {
        rv = mproc_dict_getf(office->results, apr_itoa(pool, job), pool, "i",
                             &count);
        *primes += rv == APR_SUCCESS ? count : 0;
    }
    if (rv == APR_SUCCESS) {
        printf("%d jobs are done: %d primes from %d to %d\n", office->count,
               *primes, STEP * office->first,
               STEP * (office->first + office->count) - 1);
    }
    return rv;
}

static int
serve(const char *address, const settings_t *settings, apr_pool_t *pool)
{
    office_t office;
    apr_status_t rv = office_open(&office, address, settings, 0, pool);
    int primes;

    if (rv == APR_SUCCESS) {
        printf("%d jobs at %s\n", office.count,
               mproc_manager_address(office.manager));
        fflush(stdout);
        rv = office_close(&office, &primes, pool);
    }
    if (rv != APR_SUCCESS) {
        return complain();
    }
    return 0;
}

/* --------------------------------------------------------------- all at once
 */

/* A path that was not given travels as "". */
static const char *
path_pack(const char *path)
{
    return path == NULL ? "" : path;
}

static int
worker(mproc_bytes_t args, apr_pool_t *pool)
{
    settings_t settings = {.jobs = 0};
    const char **path[] = {&settings.tls.certificate, &settings.tls.key,
                           &settings.tls.authorities, &settings.tls.name};
    const char *address;
    int i;

    if (mproc_unpack(args, pool, "s s s s s", &address, path[0], path[1],
                     path[2], path[3]) != APR_SUCCESS) {
        return 1;
    }
    for (i = 0; i < 4; i++) {
        if (**path[i] == '\0') {
            *path[i] = NULL;
        }
    }
    return work(address, &settings, pool);
}

static int
both(const settings_t *settings, apr_pool_t *pool)
{
    const mproc_tls_options_t *tls = &settings->tls;
    mproc_process_t *process[WORKERS];
    office_t office[SERVERS];
    apr_status_t rv = APR_SUCCESS;
    int i, primes, total = 0, code = 0;

    for (i = 0; i < SERVERS && rv == APR_SUCCESS; i++) {
        rv = office_open(&office[i], "tcp:127.0.0.1:0", settings,
                         i * settings->jobs, pool);
    }
    if (APR_STATUS_IS_ENOTIMPL(rv)) {
        complain();
        return EXIT_SKIP;
    }
    for (i = 0; i < WORKERS && rv == APR_SUCCESS; i++) {
        rv = mproc_process_create(
            &process[i], worker, NULL, pool, "s s s s s",
            mproc_manager_address(office[i % SERVERS].manager),
            path_pack(tls->certificate), path_pack(tls->key),
            path_pack(tls->authorities), path_pack(tls->name));
        if (rv == APR_SUCCESS) {
            rv = mproc_process_start(process[i]);
        }
    }
    for (i = 0; i < SERVERS && rv == APR_SUCCESS; i++) {
        rv = office_close(&office[i], &primes, pool);
        total += primes;
    }
    if (rv != APR_SUCCESS) {
        return complain();
    }
    for (i = 0; i < WORKERS; i++) {
        mproc_process_join(process[i], MPROC_FOREVER);
        if (mproc_process_exitcode(process[i], &code) != APR_SUCCESS ||
            code != 0) {
            return 1;
        }
    }
    printf("together: %d primes\n", total);
    return total != primes_count(0, SERVERS * settings->jobs * STEP);
}

/* -------------------------------------------------------------- the program */

/* The key of this process, which its children have too. */
static int
key_read(const char *path)
{
    char bytes[KEY_MOST];
    FILE *file = fopen(path, "rb");
    size_t size = file == NULL ? 0 : fread(bytes, 1, sizeof bytes, file);

    if (file != NULL) {
        fclose(file);
    }
    if (size == 0) {
        fprintf(stderr, "remote: there is no key in %s\n", path);
        return 0;
    }
    return mproc_process_set_authkey(mproc_process_current(),
                                     (mproc_bytes_t){bytes, size}) ==
           APR_SUCCESS;
}

static int
options_read(settings_t *settings, apr_getopt_t *parser)
{
    apr_status_t rv;
    const char *value;
    char letter;

    while ((rv = apr_getopt(parser, "s:j:l:c:k:a:n:", &letter, &value)) ==
           APR_SUCCESS) {
        switch (letter) {
        case 's':
            settings->keyfile = value;
            break;
        case 'j':
            settings->jobs = atoi(value);
            break;
        case 'l':
            settings->lease = atoi(value);
            break;
        case 'c':
            settings->tls.certificate = value;
            break;
        case 'k':
            settings->tls.key = value;
            break;
        case 'a':
            settings->tls.authorities = value;
            break;
        default:
            settings->tls.name = value;
        }
    }
    return APR_STATUS_IS_EOF(rv) && settings->jobs > 0 && settings->lease >= 0;
}

int
main(int argc, const char *const *argv)
{
    settings_t settings = {.jobs = 20};
    int (*run)(const char *, const settings_t *, apr_pool_t *) = NULL;
    apr_getopt_t *parser;
    apr_pool_t *pool;
    int good, left, result;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    apr_getopt_init(&parser, pool, argc, argv);
    good = options_read(&settings, parser);
    left = good ? argc - parser->ind : 0;
    if (left == 2) {
        run = strcmp(argv[parser->ind], "serve") == 0  ? serve
              : strcmp(argv[parser->ind], "work") == 0 ? work
                                                       : NULL;
        good = run != NULL && settings.keyfile != NULL;
    }
    if (!good || (left != 0 && left != 2)) {
        fputs("usage: remote [-s FILE] [-j JOBS] [-l SECS] [-c FILE -k FILE] "
              "[-a FILE] [-n NAME]\n"
              "       remote -s FILE [OPTION...] serve ADDRESS\n"
              "       remote -s FILE [OPTION...] work ADDRESS\n",
              stderr);
        return EXIT_USAGE;
    }
    if (settings.keyfile != NULL && !key_read(settings.keyfile)) {
        return 1;
    }
    result = run != NULL ? run(argv[parser->ind + 1], &settings, pool)
                         : both(&settings, pool);
    apr_pool_destroy(pool);
    return result;
}
