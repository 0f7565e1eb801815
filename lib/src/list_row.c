/*
 * list_row.c: elements of a store in a row.
 *
 * Each element is a cell (store.c); the store's first table has their numbers
 * in order: those that count, then some that are behind these: not in the list
 * yet, or not any more. An element is set, appended or taken off the end by one
 * commit. All else goes in three steps: what is new is appended, behind; then
 * another table, that was filled aside with the order as it is to be, what goes
 * being behind, replaces the first one, in one commit with the count; then
 * what is behind is given back, one by one. Who comes after a death gives back
 * what is behind, so the list is as it was, or as it was to be. Invariant,
 * while nobody has the mutex: nothing is behind.
 */
#include "list_row.h"

#include <stddef.h>
#include <string.h>

#include <mproc/error.h>

#include "error.h"

#define ELEMENT_SIZE offsetof(mproc__element_t, data)
#define IN_PLACE 64U   /* bytes of a value that the journal replaces */
#define ROOM_FIRST 28U /* with the block's header 128 bytes */
#define LARGE                                                                  \
    5 /* the segment from which on an empty list is worth renewing             \
       */

static apr_uint32_t *
row_of(mproc__store_use_t *use)
{
    char *table = use->table[0];

    if (table == NULL) {
        table = mproc__store_look(&use->content->table[0], &use->table[0]);
    }
    return (apr_uint32_t *)(void *)table;
}

mproc__element_t *
mproc__list_at(mproc__store_use_t *use, apr_uint64_t n)
{
    return mproc__list_element(use, row_of(use)[n]);
}

static apr_uint32_t
box_number(const mproc__element_t *element)
{
    return element->value & MPROC__VALUE_BOX
               ? element->value & ~MPROC__VALUE_BOX
               : 0;
}

/* -------------------------------------------------------------------- room */

/* Have another table, filled with so many of this one. */
static apr_status_t
row_stage(mproc__store_use_t *use, apr_uint32_t **row, apr_uint64_t room)
{
    void *table;
    apr_status_t rv =
        mproc__store_stage(use, &table, room * sizeof(apr_uint32_t));

    *row = table;
    return rv;
}

static void
row_commit(mproc__store_use_t *use)
{
    mproc__store_replace(use);
    mproc__journal_commit(use);
    mproc__store_settle(use);
}

/* Room for one more at the end, what is behind included. */
static apr_status_t
row_grow(mproc__store_use_t *use)
{
    mproc__content_t *content = use->content;
    apr_uint64_t used = content->count + content->behind;
    apr_uint64_t room = content->room * (apr_uint64_t)2;
    apr_uint32_t *row;
    apr_status_t rv;

    if (used < content->room) {
        return APR_SUCCESS;
    }
    if (room == 0) {
        room = ROOM_FIRST;
    }
    if (room > MPROC__LIST_MOST) {
        return mproc__fail(APR_ENOMEM, "the list is as long as one can be; "
                                       "use several");
    }
    rv = row_stage(use, &row, room);
    if (rv == APR_SUCCESS) {
        if (used > 0) {
            memcpy(row, row_of(use), (apr_size_t)used * sizeof *row);
        }
        mproc__journal_put(use, &content->room, (apr_uint32_t)room);
        row_commit(use);
    }
    return rv;
}

/* ---------------------------------------------------------------- elements */

/* What goes to the element's value. */
static apr_status_t
value_word(mproc__store_use_t *use, const mproc__fill_t *fill,
           apr_uint32_t *word)
{
    apr_status_t rv = APR_SUCCESS;

    *word = fill->size;
    if (fill->box != NULL) {
        rv = mproc__store_box_take(use, mproc__hold_handle(fill->box), word);
        *word |= MPROC__VALUE_BOX;
    }
    return rv;
}

static apr_status_t
element_make(mproc__store_use_t *use, apr_uint32_t *ref,
             const mproc__fill_t *fill)
{
    apr_size_t size = fill->box != NULL ? 0 : fill->size;
    mproc__element_t *element;
    unsigned class_index;
    apr_uint32_t word;
    apr_status_t rv =
        mproc__store_take(use, ref, &class_index, ELEMENT_SIZE + size);

    if (rv == APR_SUCCESS) {
        rv = value_word(use, fill, &word);
    }
    if (rv == APR_SUCCESS) {
        element = mproc__list_element(use, *ref);
        element->value = word;
        element->class_index = class_index;
        memcpy(element->data, fill->data, size);
    }
    return rv;
}

/* Put that its cell and its box are free; then, after the commit, that. */
static void
element_give(mproc__store_use_t *use, apr_uint32_t ref)
{
    mproc__element_t *element = mproc__list_element(use, ref);
    apr_uint32_t box = box_number(element);

    mproc__store_give(use, ref, element->class_index);
    if (box != 0) {
        mproc__store_box_give(use, box);
    }
}

static void
commit_and_release(mproc__store_use_t *use, apr_uint32_t box)
{
    mproc__journal_commit(use);
    if (box != 0) {
        mproc__store_box_release(use, box);
    }
}

/* One more at the end: it counts, or is behind. */
static apr_status_t
row_append(mproc__store_use_t *use, const mproc__fill_t *fill, int counts)
{
    mproc__content_t *content = use->content;
    apr_status_t rv = row_grow(use);
    apr_uint32_t ref;

    if (rv == APR_SUCCESS) {
        rv = element_make(use, &ref, fill);
    }
    if (rv != APR_SUCCESS) {
        mproc__journal_drop(use);
        return rv;
    }
    row_of(use)[content->count + content->behind] = ref;
    if (counts) {
        mproc__journal_put_wide(use, &content->count, content->count + 1);
    }
    else {
        mproc__journal_put(use, &content->behind, content->behind + 1);
    }
    mproc__journal_commit(use);
    return APR_SUCCESS;
}

/* Give back what is behind. */
static void
row_trim(mproc__store_use_t *use)
{
    mproc__content_t *content = use->content;

    while (content->behind > 0) {
        apr_uint32_t ref = row_of(use)[content->count + content->behind - 1];
        apr_uint32_t box = box_number(mproc__list_element(use, ref));

        mproc__journal_put(use, &content->behind, content->behind - 1);
        element_give(use, ref);
        commit_and_release(use, box);
    }
}

void
mproc__list_repair(mproc__store_use_t *use)
{
    row_trim(use);
}

/* --------------------------------------------------------------------- set */

apr_status_t
mproc__list_set(mproc__store_use_t *use, apr_uint64_t n,
                const mproc__fill_t *fill)
{
    apr_uint32_t *place = &row_of(use)[n], ref, word;
    mproc__element_t *element = mproc__list_element(use, *place);
    apr_uint32_t box = box_number(element);
    apr_uint64_t room =
        mproc__store_class_size(element->class_index) - ELEMENT_SIZE;
    apr_status_t rv;

    if (fill->box != NULL || (fill->size <= room && fill->size <= IN_PLACE)) {
        rv = value_word(use, fill, &word);
        if (rv == APR_SUCCESS && fill->box == NULL) {
            mproc__journal_put_bytes(use, element->data, fill->data,
                                     fill->size);
        }
        if (rv == APR_SUCCESS) {
            mproc__journal_put(use, &element->value, word);
            if (box != 0) {
                mproc__store_box_give(use, box);
            }
        }
    }
    else {
        rv = element_make(use, &ref, fill);
        if (rv == APR_SUCCESS) {
            mproc__journal_put(use, place, ref);
            element_give(use, *place);
        }
    }
    if (rv != APR_SUCCESS) {
        mproc__journal_drop(use);
        return rv;
    }
    commit_and_release(use, box);
    return APR_SUCCESS;
}

/* ------------------------------------------------------------------ splice */

/* Off the end. */
static void
row_shorten(mproc__store_use_t *use)
{
    mproc__content_t *content = use->content;
    apr_uint32_t ref = row_of(use)[content->count - 1];
    apr_uint32_t box = box_number(mproc__list_element(use, ref));

    mproc__journal_put_wide(use, &content->count, content->count - 1);
    element_give(use, ref);
    commit_and_release(use, box);
}

/* The order as it is to be: before, new, after; then what goes. */
static apr_status_t
row_splice(mproc__store_use_t *use, apr_uint64_t n, apr_uint64_t fewer,
           apr_uint64_t more)
{
    mproc__content_t *content = use->content;
    apr_uint64_t count = content->count, rest = count - n - fewer;
    const apr_uint32_t *old = row_of(use);
    apr_uint32_t *row;
    apr_status_t rv = row_stage(use, &row, content->room);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    memcpy(row, old, (apr_size_t)n * sizeof *row);
    memcpy(row + n, old + count, (apr_size_t)more * sizeof *row);
    memcpy(row + n + more, old + n + fewer, (apr_size_t)rest * sizeof *row);
    memcpy(row + n + more + rest, old + n, (apr_size_t)fewer * sizeof *row);
    mproc__journal_put_wide(use, &content->count, count - fewer + more);
    mproc__journal_put(use, &content->behind, (apr_uint32_t)fewer);
    row_commit(use);
    return APR_SUCCESS;
}

/* What was appended behind counts. */
static apr_status_t
row_extend(mproc__store_use_t *use)
{
    mproc__content_t *content = use->content;

    mproc__journal_put_wide(use, &content->count,
                            content->count + content->behind);
    mproc__journal_put(use, &content->behind, 0);
    mproc__journal_commit(use);
    return APR_SUCCESS;
}

apr_status_t
mproc__list_splice(mproc__store_use_t *use, apr_uint64_t n, apr_uint64_t fewer,
                   const mproc__fill_t *fill, apr_size_t more)
{
    mproc__content_t *content = use->content;
    apr_status_t rv = APR_SUCCESS;
    apr_size_t i;

    if (n == content->count && more == 1) {
        return row_append(use, fill, 1);
    }
    if (fewer == 1 && more == 0 && n + 1 == content->count) {
        row_shorten(use);
    }
    else if (fewer > 0 || more > 0) {
        for (i = 0; i < more && rv == APR_SUCCESS; i++) {
            rv = row_append(use, &fill[i], 0);
        }
        if (rv == APR_SUCCESS) {
            rv = n == content->count ? row_extend(use)
                                     : row_splice(use, n, fewer, more);
        }
        row_trim(use);
    }
    if (rv == APR_SUCCESS && content->count == 0 &&
        MPROC__CELL_SEGMENT(content->next) >= LARGE) {
        (void)mproc__store_clear(use); /* Else its memory is used again. */
    }
    return rv;
}

/* ------------------------------------------------------------------- order */

apr_status_t
mproc__list_order_begin(mproc__store_use_t *use, const apr_uint32_t **now,
                        apr_uint32_t **refs)
{
    *now = row_of(use);
    return row_stage(use, refs, use->content->room);
}

void
mproc__list_order_end(mproc__store_use_t *use)
{
    row_commit(use);
}

void
mproc__list_order_drop(mproc__store_use_t *use)
{
    mproc__arena_release(&mproc__store_of(use)->stage);
}
