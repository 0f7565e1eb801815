/*
 * shareable_list.c: a few values of different types that all processes see.
 *
 * Nobody needs a lock to read or to set one of them: it is the old value or
 * the new one, never half of each, whoever is killed meanwhile.
 */
#include <mproc.h>
#include <stdio.h>
#include <string.h>

static int
report(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_shareable_list_t *status;
    int done;

    if (mproc_unpack(args, pool, "o", &status) != APR_SUCCESS) {
        return 1;
    }
    for (done = 1; done <= 3; done++) {
        mproc_shareable_list_setf(status, 1, "i", done);
        mproc_shareable_list_setf(status, 2, "d", done / 3.0);
    }
    mproc_shareable_list_setf(status, 0, "s", "done");
    return mproc_shareable_list_setf(status, -1, "b", 1) != APR_SUCCESS;
}

static const char *
text(mproc_shareable_list_t *list, apr_pool_t *pool)
{
    mproc_datum_t *datum;

    mproc_shareable_list_datum(list, &datum, pool);
    return mproc_datum_text(datum, pool);
}

int
main(int argc, const char *const *argv)
{
    mproc_shareable_list_t *status;
    mproc_process_t *process;
    const char *before, *after;
    apr_status_t too_long;
    apr_pool_t *pool;
    apr_size_t where;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    mproc_shareable_list_create(&status, pool, "[s i d n]", "working", 0, 0.0);
    before = text(status, pool);
    mproc_process_create(&process, report, NULL, pool, "o", status);
    mproc_process_start(process);
    mproc_process_join(process, MPROC_FOREVER);
    after = text(status, pool);
    printf("%s\n%s\n", before, after);

    /* "working" made room for 8 bytes. */
    too_long = mproc_shareable_list_setf(status, 0, "s", "over and out");
    printf("refused: %s\n", mproc_error_detail());
    mproc_shareable_list_indexf(status, &where, "d", 1.0);
    printf("1.0 is at %lu\n", (unsigned long)where);
    return too_long != MPROC_ETOOBIG || where != 2 ||
           strcmp(before, "[\"working\", 0, 0.0, null]") != 0 ||
           strcmp(after, "[\"done\", 3, 1.0, true]") != 0;
}
