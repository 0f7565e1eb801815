/*
 * subject.c: what the tests have buildfarm run: a command that ends, or does
 * not, in a certain way.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

static volatile char *volatile nowhere = (volatile char *)16;

/* How many files are in a folder; -1 when it cannot be read. */
static int
files_count(const char *folder, apr_pool_t *pool)
{
    apr_dir_t *dir;
    apr_finfo_t info;
    int count = 0;

    if (apr_dir_open(&dir, folder, pool) != APR_SUCCESS) {
        return -1;
    }
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        count += info.name[0] != '.';
    }
    apr_dir_close(dir);
    return count;
}

/* Have a file in a folder for a while; all alone there, if `alone`. */
static int
stay(const char *folder, const char *name, int alone, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, folder, "/", name, NULL);
    apr_file_t *file;
    int good = !alone || files_count(folder, pool) == 0;

    if (apr_file_open(&file, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE,
                      APR_FPROT_OS_DEFAULT, pool) != APR_SUCCESS) {
        return 3;
    }
    apr_file_close(file);
    apr_sleep(apr_time_from_msec(100));
    good &= !alone || files_count(folder, pool) == 1;
    apr_file_remove(path, pool);
    return good ? 0 : 4;
}

/* Fail the first time, when there is no such file yet. */
static int
second_time(const char *path, apr_pool_t *pool)
{
    apr_file_t *file;

    return apr_file_open(&file, path,
                         APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_EXCL,
                         APR_FPROT_OS_DEFAULT, pool) == APR_SUCCESS;
}

static int
variable_is(const char *name, const char *value)
{
    const char *actual = getenv(name);

    return value == NULL ? actual == NULL
                         : actual != NULL && strcmp(actual, value) == 0;
}

/* exit CODE; say TEXT CODE; crash; hang; variable NAME [VALUE]; exists FILE;
 * stay|alone FOLDER NAME; second FILE */
int
main(int argc, const char *const *argv)
{
    const char *what = argc > 1 ? argv[1] : "", *a = argc > 2 ? argv[2] : NULL;
    const char *b = argc > 3 ? argv[3] : NULL;
    apr_finfo_t info;
    apr_pool_t *pool;

    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 2;
    }
    if (strcmp(what, "exit") == 0 && a != NULL) {
        return atoi(a);
    }
    if (strcmp(what, "say") == 0 && b != NULL) {
        printf("%s\n", a);
        fprintf(stderr, "and: \377 \033[1m <&>\"' ]]>\n");
        return atoi(b);
    }
    if (strcmp(what, "crash") == 0) {
        signal(SIGSEGV, SIG_DFL); /* a sanitizer's would end otherwise */
        *nowhere = 1;
    }
    if (strcmp(what, "hang") == 0) {
        apr_sleep(apr_time_from_sec(1000));
    }
    if (strcmp(what, "variable") == 0 && a != NULL) {
        return !variable_is(a, b);
    }
    if (strcmp(what, "exists") == 0 && a != NULL) {
        return apr_stat(&info, a, APR_FINFO_TYPE, pool) != APR_SUCCESS;
    }
    if ((strcmp(what, "stay") == 0 || strcmp(what, "alone") == 0) &&
        b != NULL) {
        return stay(a, b, what[0] == 'a', pool);
    }
    if (strcmp(what, "second") == 0 && a != NULL) {
        return second_time(a, pool);
    }
    return 2;
}
