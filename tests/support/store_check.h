/*
 * store_check.h: whether a store agrees with itself, read independently of
 * the code that changes it. For tests of dict, list and namespace.
 */
#ifndef MPROC_TESTS_STORE_CHECK_H
#define MPROC_TESTS_STORE_CHECK_H

#include <stdlib.h>

#include "../../lib/src/dict_table.h"
#include "../../lib/src/list_row.h"

/* What is known of each cell, or box. */
typedef struct store_piece_t {
    apr_uint64_t at, size;
} store_piece_t;

typedef struct store_look_t {
    mproc__store_use_t *use;
    store_piece_t *cell;
    apr_size_t cells, room;
    char *box; /* 1: used, 2: free */
    const char *wrong;
} store_look_t;

static inline void
store_cell_add(store_look_t *look, apr_uint32_t ref, unsigned class_index)
{
    if (look->cells == look->room) {
        look->room = look->room * 2 + 64;
        look->cell = realloc(look->cell, look->room * sizeof *look->cell);
        if (look->cell == NULL) {
            abort();
        }
    }
    look->cell[look->cells].at =
        (apr_uint64_t)MPROC__CELL_SEGMENT(ref) << 40 | MPROC__CELL_OFFSET(ref);
    look->cell[look->cells++].size = mproc__store_class_size(class_index);
}

static inline void
store_value_add(store_look_t *look, apr_uint32_t word)
{
    apr_uint32_t number = word & ~MPROC__VALUE_BOX;

    if (!(word & MPROC__VALUE_BOX)) {
        return;
    }
    if (number == 0 || number > look->use->content->box_next ||
        look->box[number] != 0) {
        look->wrong = "a box is used twice, or is none";
        return;
    }
    look->box[number] = 1;
    if (mproc__store_box_handle(look->use, number) == 0) {
        look->wrong = "a box that is used is empty";
    }
}

static inline int
store_piece_order(const void *left, const void *right)
{
    const store_piece_t *a = left, *b = right;
    return (a->at > b->at) - (a->at < b->at);
}

/* Cells do not overlap; in the first segment nothing is between them. */
static inline void
store_cells_check(store_look_t *look)
{
    apr_uint32_t next = look->use->content->next, ref;
    apr_uint64_t end = 8;
    apr_size_t i;
    unsigned k;

    for (k = 0; k < MPROC__STORE_CLASSES; k++) {
        for (ref = look->use->content->free[k]; ref != 0;
             ref = *(apr_uint32_t *)mproc__store_cell(look->use, ref)) {
            store_cell_add(look, ref, k);
            if (look->cells > (apr_size_t)1 << 24) {
                look->wrong = "free cells go in a circle";
                return;
            }
        }
    }
    if (look->cells > 0) {
        qsort(look->cell, look->cells, sizeof *look->cell, store_piece_order);
    }
    for (i = 0; i < look->cells; i++) {
        if (look->cell[i].at < end) {
            look->wrong = "two cells overlap";
        }
        if (look->cell[i].at >> 40 == 0 && look->cell[i].at != end) {
            look->wrong = "a cell is lost";
        }
        end = look->cell[i].at + look->cell[i].size;
    }
    if (end > ((apr_uint64_t)MPROC__CELL_SEGMENT(next) << 40 |
               MPROC__CELL_OFFSET(next))) {
        look->wrong = "a cell is beyond the last";
    }
    if (MPROC__CELL_SEGMENT(next) == 0 && end != MPROC__CELL_OFFSET(next)) {
        look->wrong = "the last cell is lost";
    }
}

static inline void
store_boxes_check(store_look_t *look)
{
    mproc__content_t *content = look->use->content;
    apr_uint32_t number = content->box_free, i, steps = 0;

    /* The links lie behind the holds. */
    while (number != 0 && steps++ <= content->box_next) {
        unsigned index = 0;
        apr_uint32_t first = 0;
        mproc__holder_t *table;

        if (number > content->box_next || look->box[number] != 0) {
            look->wrong = "a free box is used, or is none";
            return;
        }
        look->box[number] = 2;
        if (mproc__store_box_handle(look->use, number) != 0) {
            look->wrong = "a free box is filled";
        }
        while (number - 1 - first >= 16U << index) {
            first += 16U << index++;
        }
        table = mproc__arena_at(mproc__hold_handle(&content->box[index]));
        number = ((apr_uint32_t *)(void *)&table
                      ->hold[16U << index])[number - 1 - first];
    }
    for (i = 1; i <= content->box_next; i++) {
        if (look->box[i] == 0) {
            look->wrong = "a box is lost";
        }
    }
}

static inline void
store_begin(store_look_t *look, mproc__store_use_t *use)
{
    mproc__store_t *store = mproc__store_of(use);

    look->use = use;
    look->cell = NULL;
    look->cells = look->room = 0;
    look->wrong = NULL;
    look->box = calloc((apr_size_t)use->content->box_next + 2, 1);
    if (look->box == NULL) {
        abort();
    }
    if (atomic_load(&store->committed) != 0 || use->pending != 0 ||
        mproc__hold_handle(&store->stage) != 0 ||
        mproc__hold_handle(&store->doomed) != 0) {
        look->wrong = "a change is not finished";
    }
}

static inline const char *
store_end(store_look_t *look)
{
    if (look->wrong == NULL) {
        store_cells_check(look);
    }
    if (look->wrong == NULL) {
        store_boxes_check(look);
    }
    free(look->cell);
    free(look->box);
    return look->wrong;
}

/* The bucket of each entry, from what is written about it. */
static inline void
dict_buckets_check(store_look_t *look)
{
    mproc__content_t *content = look->use->content;
    apr_uint32_t low = 1, bucket, ref;
    apr_uint64_t seen = 0;

    while (low * 2 <= content->buckets) {
        low *= 2;
    }
    for (bucket = 0; bucket < content->buckets; bucket++) {
        unsigned table = 0;
        apr_uint32_t first = 0;

        while (bucket >= 64U << table) {
            table++;
        }
        first = table == 0 ? 0 : 64U << (table - 1);
        ref = ((apr_uint32_t *)mproc__arena_at(
            mproc__hold_handle(&content->table[table])))[bucket - first];
        for (; ref != 0 && seen <= content->count; seen++) {
            mproc__entry_t *entry = mproc__dict_entry(look->use, ref);
            mproc__key_t key = {{entry->data, MPROC__ENTRY_KEY(entry)}, 0};
            apr_uint32_t wanted = entry->hash & (2 * low - 1);

            mproc__key_hash(&key, look->use);
            wanted = wanted < content->buckets ? wanted : wanted & (low - 1);
            if (key.hash != entry->hash || wanted != bucket) {
                look->wrong = "an entry is in a wrong bucket";
            }
            ref = entry->next;
        }
    }
    if (seen != content->count) {
        look->wrong = "the chains do not have as many as are counted";
    }
}

/* Of a dict, whose mutex is held. NULL: all is well; else what is wrong. */
static inline const char *
dict_check_whole(mproc__store_use_t *use)
{
    mproc__content_t *content = use->content;
    apr_uint32_t ref, before = 0;
    apr_uint64_t seen = 0;
    store_look_t look;

    store_begin(&look, use);
    if (content->splitting != 0) {
        look.wrong = "a bucket is being split";
    }
    dict_buckets_check(&look);
    for (ref = content->first; ref != 0 && seen <= content->count; seen++) {
        mproc__entry_t *entry = mproc__dict_entry(use, ref);

        if (entry->before != before) {
            look.wrong = "the row is not the same from both ends";
        }
        store_cell_add(&look, ref, MPROC__ENTRY_CLASS(entry));
        store_value_add(&look, entry->value);
        before = ref;
        ref = entry->after;
    }
    if (seen != content->count || before != content->last) {
        look.wrong = "the row does not have as many as are counted";
    }
    return store_end(&look);
}

/* Of a list, likewise. */
static inline const char *
list_check_whole(mproc__store_use_t *use)
{
    mproc__content_t *content = use->content;
    store_look_t look;
    apr_uint64_t i;

    store_begin(&look, use);
    if (content->behind != 0 || content->count > content->room) {
        look.wrong = "something is behind, or there is no room";
    }
    if (content->room > 0 &&
        mproc__arena_room(mproc__hold_handle(&content->table[0])) <
            content->room * sizeof(apr_uint32_t)) {
        look.wrong = "the row has less room than is said";
    }
    for (i = 0; look.wrong == NULL && i < content->count; i++) {
        apr_uint32_t ref = ((apr_uint32_t *)mproc__arena_at(
            mproc__hold_handle(&content->table[0])))[i];
        mproc__element_t *element = mproc__list_element(use, ref);

        store_cell_add(&look, ref, element->class_index);
        store_value_add(&look, element->value);
    }
    return store_end(&look);
}

static inline const char *
list_whole(void *list)
{
    mproc__store_use_t *use = list;
    const char *wrong = "it cannot be locked";

    if (mproc__store_lock(use, "list_whole") == APR_SUCCESS) {
        wrong = list_check_whole(use);
        mproc__store_unlock(use);
    }
    return wrong;
}

/* The same of a dict that is not locked. */
static inline const char *
dict_whole(void *dict)
{
    mproc__store_use_t *use = dict;
    const char *wrong = "it cannot be locked";

    if (mproc__store_lock(use, "dict_whole") == APR_SUCCESS) {
        wrong = dict_check_whole(use);
        mproc__store_unlock(use);
    }
    return wrong;
}

#endif
