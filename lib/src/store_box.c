/*
 * store_box.c: the boxes of a store, by number.
 *
 * They lie in tables, blocks with a hold for each, and behind the holds a link
 * for each, of the free ones. Who takes a number fills its hold first and then
 * commits that it is not free any more; who gives one back empties its hold
 * after the commit. So a death may leave a hold filled whose number is free:
 * one of the free ones, or the next one. The next who has the mutex empties
 * it.
 */
#include "store.h"

#include <mproc/error.h>

#include "error.h"

#define FIRST 16 /* numbers of the first table; each has twice as many */

typedef struct place_t {
    mproc__hold_t *hold;
    apr_uint32_t *link;
} place_t;

/* Where a number, from 1, is. 0 when there is no memory for its table. */
static int
place_find(mproc__store_use_t *use, apr_uint32_t number, place_t *place)
{
    unsigned index = 31 - (unsigned)__builtin_clz((number - 1) / FIRST + 1);
    apr_uint32_t first = FIRST * ((1U << index) - 1);
    apr_uint32_t count = FIRST << index;
    mproc__holder_t *table;
    mproc__hold_t *hold;

    if (index >= MPROC__STORE_BOXES) {
        return 0;
    }
    hold = &use->content->box[index];
    table = (mproc__holder_t *)(void *)use->box[index];
    if (table == NULL) {
        if (mproc__hold_handle(hold) == 0 &&
            mproc__arena_alloc(hold,
                               sizeof *table + count * (sizeof(mproc__hold_t) +
                                                        sizeof(apr_uint32_t)),
                               MPROC_KIND_BOXES) != APR_SUCCESS) {
            return 0;
        }
        table = (mproc__holder_t *)(void *)mproc__store_look(hold,
                                                             &use->box[index]);
        /* Its maker may have died before this; all is zero then. */
        table->count = count;
    }
    place->hold = &table->hold[number - 1 - first];
    place->link =
        (apr_uint32_t *)(void *)&table->hold[count] + (number - 1 - first);
    return 1;
}

apr_status_t
mproc__store_box_take(mproc__store_use_t *use, mproc__handle_t handle,
                      apr_uint32_t *number)
{
    mproc__content_t *content = use->content;
    apr_status_t rv;
    place_t place;

    *number =
        content->box_free != 0 ? content->box_free : content->box_next + 1;
    if (!place_find(use, *number, &place)) {
        return mproc__fail(APR_ENOMEM, "there is no shared memory for one "
                                       "more large value; remove some");
    }
    rv = mproc__arena_hold(place.hold, handle);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (content->box_free != 0) {
        use->box_popped = *number;
        use->box_popped_next = *place.link;
        mproc__journal_put(use, &content->box_free, *place.link);
    }
    else {
        mproc__journal_put(use, &content->box_next, *number);
    }
    return APR_SUCCESS;
}

void
mproc__store_box_give(mproc__store_use_t *use, apr_uint32_t number)
{
    place_t place;

    if (place_find(use, number, &place)) {
        mproc__journal_put(use, place.link,
                           use->box_popped != 0 ? use->box_popped_next
                                                : use->content->box_free);
        mproc__journal_put(use, &use->content->box_free, number);
    }
}

void
mproc__store_box_release(mproc__store_use_t *use, apr_uint32_t number)
{
    place_t place;

    if (place_find(use, number, &place)) {
        mproc__arena_release(place.hold);
    }
}

mproc__hold_t *
mproc__store_box_hold(mproc__store_use_t *use, apr_uint32_t number)
{
    place_t place;

    return place_find(use, number, &place) ? place.hold : NULL;
}

mproc__handle_t
mproc__store_box_handle(mproc__store_use_t *use, apr_uint32_t number)
{
    mproc__hold_t *hold = mproc__store_box_hold(use, number);

    return hold != NULL ? mproc__hold_handle(hold) : 0;
}

void
mproc__store_box_repair(mproc__store_use_t *use)
{
    apr_uint32_t number = use->content->box_next + 1;
    place_t place;
    unsigned index = 31 - (unsigned)__builtin_clz((number - 1) / FIRST + 1);

    if (index < MPROC__STORE_BOXES &&
        mproc__hold_handle(&use->content->box[index]) != 0) {
        mproc__store_box_release(use, number);
    }
    for (number = use->content->box_free; number != 0; number = *place.link) {
        if (!place_find(use, number, &place)) {
            return;
        }
        mproc__arena_release(place.hold);
    }
}
