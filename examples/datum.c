/*
 * datum.c: a value whose shape is not known beforehand, as a tree.
 *
 * A child is told what to look for in whatever it is given.
 */
#include <mproc.h>
#include <stdio.h>
#include <string.h>

/* Count the whole numbers in a tree. */
static int
numbers_count(const mproc_datum_t *datum)
{
    apr_size_t i;
    int count = 0;

    switch (mproc_datum_type(datum)) {
    case MPROC_DATUM_INT:
        return 1;
    case MPROC_DATUM_LIST:
        for (i = 0; i < mproc_datum_size(datum); i++) {
            count += numbers_count(mproc_datum_at(datum, i));
        }
        return count;
    case MPROC_DATUM_MAP:
        for (i = 0; i < mproc_datum_size(datum); i++) {
            count += numbers_count(mproc_datum_value_at(datum, i));
        }
        return count;
    default:
        return 0;
    }
}

/* The exit code is the number of numbers. */
static int
look(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_datum_t *datum;

    if (mproc_unpack(args, pool, "v", &datum) != APR_SUCCESS) {
        return 100;
    }
    printf("child got %s\n", mproc_datum_text(datum, pool));
    return numbers_count(datum);
}

int
main(int argc, const char *const *argv)
{
    mproc_datum_t *server, *ports, *port;
    mproc_process_t *process;
    apr_pool_t *pool;
    apr_int64_t second = 0;
    int code = -1;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);

    /* Build a tree: what is put in is copied. */
    mproc_datum_create_list(&ports, pool);
    mproc_datum_create_int(&port, 80, pool);
    mproc_datum_append(ports, port);
    mproc_datum_create_int(&port, 443, pool);
    mproc_datum_append(ports, port);
    mproc_datum_create_map(&server, pool);
    mproc_datum_set(server, "ports", ports);
    mproc_datum_create_text(&port, "example.org", pool);
    mproc_datum_set(server, "name", port);
    puts(mproc_datum_text(server, pool));

    /* Walk it: a step that finds nothing makes the next ones find nothing. */
    mproc_datum_as_int64(mproc_datum_at(mproc_datum_find(server, "ports"), 1),
                         &second);
    printf("second port: %d\n", (int)second);

    fflush(stdout); /* or the child may print first */
    mproc_process_create(&process, look, NULL, pool, "v", server);
    mproc_process_start(process);
    mproc_process_join(process, MPROC_FOREVER);
    mproc_process_exitcode(process, &code);
    printf("child found %d numbers\n", code);
    return second != 443 || code != 2 ||
           strcmp(mproc_datum_text(server, pool),
                  "{\"ports\": [80, 443], \"name\": \"example.org\"}") != 0;
}
