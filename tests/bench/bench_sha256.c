/*
 * bench_sha256.c: 200 files of 1 MiB, read and hashed.
 *
 * OpenSSL does the hashing where the system has it. It is loaded when it is
 * needed, not linked: a program that is linked with it starts more slowly,
 * which would show in other metrics.
 */
#include "bench.h"

#include <apr_dso.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    FILES = 200,
    FILE_SIZE = 1 << 20,
    DIGEST = 32,
    PATH = 512
};
enum {
    SERIAL,
    POOL,
    FORKS
};

typedef unsigned char *(*sha256_fn_t)(const unsigned char *data, size_t size,
                                      unsigned char *digest);

/* What the forks share. */
typedef struct common_t {
    atomic_int next;
    unsigned char sum[2][DIGEST];
} common_t;

static apr_pool_t *files_pool;
static char folder[PATH]; /* "" while there is none */
static unsigned char expected[DIGEST];
static mproc_pool_t *workers;

/* OpenSSL's function, or NULL. */
static sha256_fn_t
sha256_find(void)
{
    static const char *const names[] = {
        "libcrypto.so.3",      "libcrypto.so.1.1",      "libcrypto.so",
        "libcrypto-3-x64.dll", "libcrypto-1_1-x64.dll", "libcrypto.dylib"};
    static sha256_fn_t found;
    static apr_pool_t *pool;
    apr_dso_handle_t *library;
    apr_dso_handle_sym_t symbol;
    apr_size_t i;

    if (found != NULL ||
        (pool == NULL && apr_pool_create(&pool, NULL) != APR_SUCCESS)) {
        return found;
    }
    for (i = 0; found == NULL && i < sizeof names / sizeof *names; i++) {
        if (apr_dso_load(&library, names[i], pool) == APR_SUCCESS &&
            apr_dso_sym(&symbol, library, "SHA256") == APR_SUCCESS) {
            /* ISO C has no cast from an object to a function. */
            memcpy(&found, &symbol, sizeof found);
        }
    }
    return found;
}

static void
digest_add(unsigned char *sum, const unsigned char *digest)
{
    int i;

    for (i = 0; i < DIGEST; i++) {
        sum[i] ^= digest[i];
    }
}

/* The digest of a file; what cannot be read has one of zeros. */
static void
file_hash(const char *where, int number, unsigned char *digest)
{
    static unsigned char data[FILE_SIZE];
    char path[PATH + 16];
    sha256_fn_t sha256 = sha256_find();
    apr_pool_t *pool;
    apr_file_t *file;
    apr_size_t got = 0;

    memset(digest, 0, DIGEST);
    if (sha256 == NULL || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return;
    }
    snprintf(path, sizeof path, "%s/%03d", where, number);
    if (apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, 0,
                      pool) == APR_SUCCESS &&
        apr_file_read_full(file, data, sizeof data, &got) == APR_SUCCESS) {
        sha256(data, got, digest);
    }
    apr_pool_destroy(pool);
}

static void
task_hash(const void *in, void *out, void *where)
{
    file_hash(where, *(const int *)in, out);
}

/* ------------------------------------------------------------- the files */

static apr_status_t
file_make(int number, apr_pool_t *pool)
{
    static unsigned data[FILE_SIZE / sizeof(unsigned)];
    unsigned random = 12345u + (unsigned)number;
    apr_file_t *file;
    apr_size_t i;
    apr_status_t rv;

    for (i = 0; i < sizeof data / sizeof *data; i++) {
        random = random * 1664525u + 1013904223u;
        data[i] = random;
    }
    rv = apr_file_open(&file, apr_psprintf(pool, "%s/%03d", folder, number),
                       APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_BINARY,
                       APR_FPROT_OS_DEFAULT, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_write_full(file, data, sizeof data, NULL);
        apr_file_close(file);
    }
    return rv;
}

static apr_status_t
files_make(void)
{
    const char *temporary;
    apr_status_t rv = apr_pool_create(&files_pool, NULL);
    int i;

    if (rv == APR_SUCCESS) {
        rv = apr_temp_dir_get(&temporary, files_pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    snprintf(folder, sizeof folder, "%s/mproc-bench-%ld", temporary,
             (long)mproc_process_pid(mproc_process_current()));
    rv = apr_dir_make(folder, APR_FPROT_OS_DEFAULT, files_pool);
    for (i = 0; rv == APR_SUCCESS && i < FILES; i++) {
        rv = file_make(i, files_pool);
    }
    return rv;
}

static void
files_remove(void)
{
    int i;

    if (folder[0] == '\0') {
        return;
    }
    for (i = 0; i < FILES; i++) {
        apr_file_remove(apr_psprintf(files_pool, "%s/%03d", folder, i),
                        files_pool);
    }
    apr_dir_remove(folder, files_pool);
    apr_pool_destroy(files_pool);
    folder[0] = '\0';
}

/* ------------------------------------------------------------- three ways */

static apr_status_t
serial_run(unsigned char *sum)
{
    unsigned char digest[DIGEST];
    int i;

    for (i = 0; i < FILES; i++) {
        file_hash(folder, i, digest);
        digest_add(sum, digest);
    }
    return APR_SUCCESS;
}

static apr_status_t
pool_run(unsigned char *sum)
{
    static unsigned char digest[FILES][DIGEST];
    mproc_map_options_t options = {0};
    int number[FILES], i;
    apr_status_t rv;

    for (i = 0; i < FILES; i++) {
        number[i] = i;
    }
    options.chunk = 1;
    options.baton = folder;
    options.baton_size = sizeof folder;
    rv = mproc_pool_map_array(workers, task_hash, number, FILES, sizeof *number,
                              digest, DIGEST, &options);
    for (i = 0; i < FILES; i++) {
        digest_add(sum, digest[i]);
    }
    return rv;
}

static int
fork_hash(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *value;
    common_t *common;
    unsigned char digest[DIGEST];
    int self, i;

    if (mproc_unpack(args, pool, "o i", &value, &self) != APR_SUCCESS) {
        return 1;
    }
    common = mproc_value_data(value);
    while ((i = atomic_fetch_add(&common->next, 1)) < FILES) {
        file_hash(folder, i, digest);
        digest_add(common->sum[self], digest);
    }
    return 0;
}

/* The least that two processes cost: forked, with one counter between them,
 * the names of the files theirs already. */
static apr_status_t
forks_run(unsigned char *sum)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process[2];
    mproc_value_t *value;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, NULL);
    int i;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    options.start_method = MPROC_START_FORK;
    rv = mproc_raw_value_create(&value, sizeof(common_t), NULL, pool);
    for (i = 0; i < 2 && rv == APR_SUCCESS; i++) {
        rv = mproc_process_create(&process[i], fork_hash, &options, pool, "o i",
                                  value, i);
    }
    if (rv == APR_SUCCESS) {
        rv = bench_processes_run(process, 2);
    }
    for (i = 0; i < 2 && rv == APR_SUCCESS; i++) {
        digest_add(sum, ((common_t *)mproc_value_data(value))->sum[i]);
    }
    apr_pool_destroy(pool);
    return rv;
}

static apr_status_t
sha256_sample(double *value, int variant)
{
    static apr_status_t (*const run[])(unsigned char *) = {serial_run, pool_run,
                                                           forks_run};
    unsigned char sum[DIGEST] = {0};
    apr_time_t begin = mproc_clock();
    apr_status_t rv = run[variant](sum);

    *value = (double)(mproc_clock() - begin) / 1000;
    if (rv == APR_SUCCESS && memcmp(sum, expected, DIGEST) != 0) {
        return bench_fail("the digests are wrong");
    }
    return rv;
}

static apr_status_t
sha256_setup(int variant)
{
    static const unsigned char none[DIGEST];
    mproc_pool_options_t options = {0};
    double unused;
    apr_status_t rv = APR_SUCCESS;

    if (sha256_find() == NULL) {
        bench_fail("OpenSSL (libcrypto) is not installed");
        return APR_ENOTIMPL;
    }
    if (folder[0] == '\0') {
        rv = files_make();
        memset(expected, 0, DIGEST);
        serial_run(expected);
    }
    if (rv == APR_SUCCESS && memcmp(expected, none, DIGEST) == 0) {
        rv = bench_fail("the files cannot be read");
    }
    if (rv == APR_SUCCESS && variant == POOL) {
        options.processes = 2;
        rv = mproc_pool_create(&workers, &options, NULL);
    }
    return rv == APR_SUCCESS ? sha256_sample(&unused, variant) : rv;
}

static void
sha256_teardown(int variant)
{
    if (variant == POOL) {
        mproc_pool_destroy(workers);
        workers = NULL;
    }
    files_remove();
}

const bench_row_t bench_sha256[] = {
    {"pool.sha256.200x1MiB", "mproc serial", "ms", SERIAL, sha256_setup,
     sha256_sample, sha256_teardown},
    {"pool.sha256.200x1MiB", "mproc", "ms", POOL, sha256_setup, sha256_sample,
     sha256_teardown},
    {"pool.sha256.200x1MiB", "LIMIT 2 forks, shared counter", "ms", FORKS,
     sha256_setup, sha256_sample, sha256_teardown},
    {NULL, NULL, NULL, 0, NULL, NULL, NULL}};
