/*
 * shares.c: what processes share, and what they do not.
 *
 * Sections: s9, a value and an array in shared memory; s10, a dict and a list;
 * s29, the same by ten children; s28, a global variable; s41, a global list.
 */
#include <mproc.h>

#include <stdio.h>
#include <string.h>

#include "support/seed.h"

enum {
    ITEMS = 5,
    CHILDREN = 3,
    SIGNERS = 10
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

/* ---------------------------------------------- s10, s29: dict and list */

static int
fill(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_dict_t *dict;
    mproc_list_t *numbers;

    if (mproc_unpack(args, pool, "o o", &dict, &numbers) != APR_SUCCESS) {
        return 1;
    }
    return mproc_dict_setf(dict, "a", "i", 1) != APR_SUCCESS ||
           mproc_dict_setf(dict, "b", "i", 2) != APR_SUCCESS ||
           mproc_list_setf(numbers, 0, "i", 100) != APR_SUCCESS;
}

static void
section_s10(apr_pool_t *pool)
{
    mproc_datum_t *map, *items;
    mproc_process_t *process;
    mproc_list_t *numbers;
    mproc_dict_t *dict;

    CHECK_OK(mproc_dict_create(&dict, pool));
    CHECK_OK(mproc_list_create(&numbers, pool));
    CHECK_OK(mproc_list_extendf(numbers, "[i i i i i]", 0, 1, 2, 3, 4));
    CHECK_OK(
        mproc_process_create(&process, fill, NULL, pool, "o o", dict, numbers));
    CHECK_OK(mproc_process_start(process));
    process_expect(process, 0);
    CHECK_OK(mproc_dict_datum(dict, &map, pool));
    CHECK_OK(mproc_list_datum(numbers, &items, pool));
    seed_say("%s", mproc_datum_text(map, pool));
    seed_say("%s", mproc_datum_text(items, pool));
    CHECK(strcmp(mproc_datum_text(map, pool), "{\"a\": 1, \"b\": 2}") == 0);
    CHECK(strcmp(mproc_datum_text(items, pool), "[100, 1, 2, 3, 4]") == 0);
}

static int
sign(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_bytes_t pid;
    mproc_dict_t *dict;
    mproc_list_t *pids;

    if (mproc_unpack(args, pool, "o o", &dict, &pids) != APR_SUCCESS) {
        return 1;
    }
    /* A key that is no text: packed. */
    return mproc_pack(&pid, pool, "I",
                      mproc_process_pid(mproc_process_current())) !=
               APR_SUCCESS ||
           mproc_dict_set(dict, pid, pid) != APR_SUCCESS ||
           mproc_list_append(pids, pid) != APR_SUCCESS;
}

static void
section_s29(apr_pool_t *pool)
{
    mproc_process_t *process[SIGNERS];
    mproc_dict_pair_t *pairs;
    apr_size_t count, found;
    mproc_list_t *pids;
    mproc_dict_t *dict;
    int i, number;

    CHECK_OK(mproc_dict_create(&dict, pool));
    CHECK_OK(mproc_list_create(&pids, pool));
    CHECK_OK(mproc_list_extendf(pids, "[i i i]", 0, 1, 2));
    for (i = 0; i < SIGNERS; i++) {
        CHECK_OK(mproc_process_create(&process[i], sign, NULL, pool, "o o",
                                      dict, pids));
        CHECK_OK(mproc_process_start(process[i]));
    }
    for (i = 0; i < SIGNERS; i++) {
        process_expect(process[i], 0);
    }
    CHECK_OK(mproc_dict_snapshot(dict, &pairs, &count, pool));
    seed_say("%lu keys, %lu elements", (unsigned long)count,
             (unsigned long)mproc_list_size(pids));
    CHECK(count == SIGNERS && mproc_list_size(pids) == SIGNERS + 3);
    for (i = 0; i < 3; i++) {
        CHECK_OK(mproc_list_getf(pids, i, pool, "i", &number));
        CHECK(number == i);
    }
    for (i = 0; i < (int)count; i++) {
        apr_int64_t key = 0, value = 1;

        CHECK_OK(mproc_unpack(pairs[i].key, pool, "I", &key));
        CHECK_OK(mproc_unpack(pairs[i].value, pool, "I", &value));
        CHECK(key == value);
        CHECK_OK(mproc_list_indexf(pids, &found, "I", key));
        CHECK(found >= 3);
    }
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
    static const seed_section_t sections[] = {
        {"s9", section_s9},   {"s10", section_s10}, {"s29", section_s29},
        {"s28", section_s28}, {"s41", section_s41}, {NULL, NULL}};

    mproc_initialize(argc, argv);
    return seed_run(argc, argv, MPROC_START_SPAWN, sections);
}
