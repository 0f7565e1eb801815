/*
 * shares.c: what processes share, and what they do not.
 *
 * Sections: s9, a value and an array in shared memory; s28, a global variable;
 * s41, a global list.
 */
#include <mproc.h>

#include <stdio.h>
#include <string.h>

#include "support/seed.h"

enum {
    ITEMS = 5,
    CHILDREN = 3
};

/* ------------------------------------------------- s9: value and array */

static int
change(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *number;
    mproc_array_t *array;
    int hundred = 100;

    if (mproc_unpack(args, pool, "o o", &number, &array) != APR_SUCCESS) {
        return 1;
    }
    *(double *)mproc_value_data(number) = 5;
    return mproc_array_set(array, 0, &hundred) != APR_SUCCESS;
}

/* Print both, and check what is printed. */
static void
both_look(mproc_value_t *number, mproc_array_t *array, const char *expected)
{
    char text[80];
    int item[ITEMS];

    CHECK_OK(mproc_array_read(array, 0, ITEMS, item));
    snprintf(text, sizeof text, "%.1f [%d,%d,%d,%d,%d]",
             *(double *)mproc_value_data(number), item[0], item[1], item[2],
             item[3], item[4]);
    seed_say("%s", text);
    CHECK(strcmp(text, expected) == 0);
}

static void
section_s9(apr_pool_t *pool)
{
    static const int items[ITEMS] = {0, 1, 2, 3, 4};
    static const double one = 1;
    mproc_process_t *process;
    mproc_value_t *number;
    mproc_array_t *array;

    CHECK_OK(mproc_value_create(&number, sizeof one, &one, pool));
    CHECK_OK(mproc_array_create(&array, sizeof *items, ITEMS, items, pool));
    both_look(number, array, "1.0 [0,1,2,3,4]");
    CHECK_OK(mproc_process_create(&process, change, NULL, pool, "o o", number,
                                  array));
    CHECK_OK(mproc_process_start(process));
    process_expect(process, 0);
    both_look(number, array, "5.0 [100,1,2,3,4]");
}

/* ------------------------------------------------- s28: a global variable */

static int n = 100;

/* Returns what it has then. */
static int
n_set(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    n = 10;
    printf("child: n is %d\n", n);
    return n;
}

static void
section_s28(apr_pool_t *pool)
{
    mproc_process_t *process;

    CHECK_OK(mproc_process_create(&process, n_set, NULL, pool, NULL));
    CHECK_OK(mproc_process_start(process));
    process_expect(process, 10);
    seed_say("n is %d", n);
    CHECK(n == 100);
}

/* ----------------------------------------------------- s41: a global list */

static struct {
    int count, item[CHILDREN];
} list;

/* Returns how long its list is then. */
static int
list_append(mproc_bytes_t args, apr_pool_t *pool)
{
    int item;

    if (mproc_unpack(args, pool, "i", &item) != APR_SUCCESS) {
        return 100;
    }
    list.item[list.count++] = item;
    printf("child %d: the list has %d item\n", item, list.count);
    return list.count;
}

static void
section_s41(apr_pool_t *pool)
{
    mproc_process_t *process[CHILDREN];
    int i;

    for (i = 0; i < CHILDREN; i++) {
        CHECK_OK(
            mproc_process_create(&process[i], list_append, NULL, pool, "i", i));
        CHECK_OK(mproc_process_start(process[i]));
    }
    for (i = 0; i < CHILDREN; i++) {
        process_expect(process[i], 1);
    }
    seed_say("the list has %d items", list.count);
    CHECK(list.count == 0);
}

int
main(int argc, const char *const *argv)
{
    static const seed_section_t sections[] = {{"s9", section_s9},
                                              {"s28", section_s28},
                                              {"s41", section_s41},
                                              {NULL, NULL}};

    mproc_initialize(argc, argv);
    return seed_run(argc, argv, MPROC_START_SPAWN, sections);
}
