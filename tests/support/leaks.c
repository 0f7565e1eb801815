/*
 * leaks.c: what a case left behind: processes, descriptors, files, shared
 * blocks.
 *
 * Several test programs run at once on one machine, so names count as ours
 * only if they lie in a temporary folder of our own, or tell the process id
 * of nobody else who lives.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <apr_env.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include "library.h"
#include "runner.h"
#include "system.h"

/* The variables that tell where temporary files go. */
static const char *const folder_names[] = {"TMPDIR", "TMP", "TEMP"};

static apr_pool_t *before_pool;
static char *folder; /* our own, for temporary files */
static apr_array_header_t *before_handles;
static apr_array_header_t *before_names;
static library_count_t before_counts[LIBRARY_COUNTS];
static int before_count;

static int
texts_count(const apr_array_header_t *texts, const char *text)
{
    int count = 0;

    for (int i = 0; i < texts->nelts; i++) {
        count += strcmp(APR_ARRAY_IDX(texts, i, const char *), text) == 0;
    }
    return count;
}

/* Files in a folder whose names begin so. */
static apr_array_header_t *
names_in(const char *path, const char *prefix, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 8, sizeof(char *));
    apr_finfo_t info;
    apr_dir_t *dir;

    if (path == NULL || apr_dir_open(&dir, path, pool) != APR_SUCCESS) {
        return names;
    }
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (strncmp(info.name, prefix, strlen(prefix)) == 0 &&
            strcmp(info.name, ".") != 0 && strcmp(info.name, "..") != 0) {
            *(const char **)apr_array_push(names) =
                apr_pstrdup(pool, info.name);
        }
    }
    apr_dir_close(dir);
    return names;
}

/* Whether a name tells the process id of one who lives and is not us. */
static int
name_of_another(const char *name)
{
    while (*name != '\0' && !isdigit((unsigned char)*name)) {
        name++;
    }
    return *name != '\0' && test_pid_exists(apr_atoi64(name)) &&
           apr_atoi64(name) != system_pid();
}

void
leaks_begin(apr_pool_t *pool)
{
    const char *parent;

    apr_pool_create(&before_pool, pool);
    if (apr_temp_dir_get(&parent, pool) != APR_SUCCESS) {
        return;
    }
    folder = apr_psprintf(pool,
                          "%s/test-mproc-%" APR_INT64_T_FMT "-%" APR_TIME_T_FMT,
                          parent, system_pid(), apr_time_now());
    if (apr_dir_make(folder, APR_FPROT_OS_DEFAULT, pool) != APR_SUCCESS) {
        folder = NULL;
        return;
    }
    for (size_t i = 0; i < sizeof folder_names / sizeof *folder_names; i++) {
        apr_env_set(folder_names[i], folder, pool);
    }
}

void
leaks_before(void)
{
    apr_pool_clear(before_pool);
    before_count = library_census(before_counts);
    before_names = names_in(system_shared_names(), "mproc", before_pool);
    before_handles = system_handles(before_pool);
}

/* Processes end in their own time: wait for it. */
static void
leaks_of_processes(apr_pool_t *pool)
{
    apr_array_header_t *family = system_family(pool);
    apr_time_t limit = apr_time_now() + apr_time_from_sec(2) * runner_factor();

    while (family->nelts > 0 && apr_time_now() < limit) {
        apr_sleep(apr_time_from_msec(5));
        family = system_family(pool);
    }
    for (int i = 0; i < family->nelts; i++) {
        runner_fail(apr_pstrcat(pool, "left running: ",
                                APR_ARRAY_IDX(family, i, const char *), NULL));
    }
    if (family->nelts > 0) {
        system_family_kill();
    }
}

static void
leaks_of_handles(apr_pool_t *pool)
{
    apr_array_header_t *now = system_handles(pool);
    apr_array_header_t *told = apr_array_make(pool, 8, sizeof(char *));

    for (int i = 0; i < now->nelts; i++) {
        const char *kind = APR_ARRAY_IDX(now, i, const char *);
        int more = texts_count(now, kind) - texts_count(before_handles, kind);

        if (more > system_handles_kept(kind) && !texts_count(told, kind)) {
            *(const char **)apr_array_push(told) = kind;
            runner_fail(
                apr_psprintf(pool, "left open: %d more of %s", more, kind));
        }
    }
}

static void
leaks_of_names(apr_pool_t *pool)
{
    const char *shared = system_shared_names();
    apr_array_header_t *now = names_in(shared, "mproc", pool);

    for (int i = 0; i < now->nelts; i++) {
        const char *name = APR_ARRAY_IDX(now, i, const char *);

        if (!texts_count(before_names, name) && !name_of_another(name)) {
            runner_fail(
                apr_pstrcat(pool, "left in ", shared, ": ", name, NULL));
            apr_file_remove(apr_pstrcat(pool, shared, "/", name, NULL), pool);
        }
    }
    now = names_in(folder, "", pool);
    for (int i = 0; i < now->nelts; i++) {
        const char *name = APR_ARRAY_IDX(now, i, const char *);

        /* What is killed as it begins leaves a file of the sanitizer's. */
        if (strncmp(name, "tsan.", 5) != 0) {
            runner_fail(apr_pstrcat(
                pool, "left in the temporary folder: ", name, NULL));
        }
        apr_file_remove(apr_pstrcat(pool, folder, "/", name, NULL), pool);
    }
}

static void
leaks_of_blocks(apr_pool_t *pool)
{
    library_count_t now[LIBRARY_COUNTS];
    int count = library_census(now);

    for (int i = 0; i < count && i < before_count; i++) {
        if (now[i].count != before_counts[i].count) {
            runner_fail(apr_psprintf(pool,
                                     "left in the arena: %s: %" APR_UINT64_T_FMT
                                     " before, %" APR_UINT64_T_FMT " now",
                                     now[i].name,
                                     (apr_uint64_t)before_counts[i].count,
                                     (apr_uint64_t)now[i].count));
        }
    }
}

void
leaks_after(void)
{
    apr_pool_t *pool;
    int children = library_children();

    apr_pool_create(&pool, before_pool);
    if (children > 0) {
        runner_fail(apr_psprintf(pool, "not joined: %d children", children));
        system_family_kill();
    }
    library_end();
    leaks_of_processes(pool);
    leaks_of_handles(pool);
    leaks_of_names(pool);
    leaks_of_blocks(pool);
    apr_pool_destroy(pool);
}

int
leaks_end(void)
{
    if (folder == NULL) {
        fprintf(stderr, "FAILED: no temporary folder could be made\n");
        return 0;
    }
    if (apr_dir_remove(folder, before_pool) != APR_SUCCESS) {
        fprintf(stderr, "FAILED: %s cannot be removed\n", folder);
        return 0;
    }
    return 1;
}
