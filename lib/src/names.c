/*
 * names.c: which names of shared memory the process tree owns.
 *
 * A place is a word and a hold in the arena's header:
 *
 *   FREE -> AT(peer) -> KEPT(handle) -> AT(peer) -> FREE
 *
 * Only the peer that is at a place changes its hold, and makes or unlinks
 * its name; KEPT names the block, so that a compare-and-swap from it is about
 * that name and no later one. A place is taken before the name is made, and
 * the block has what tells the new file from others before they can find it. So
 * when a peer dies at a place, its recoverer, who is alone in that office,
 * unlinks what the block describes and frees the place: a create that did not
 * come back is undone, an unlink is finished. Each step can be run again: a
 * name is unlinked only while it leads to that identity, an empty hold is
 * released again. Invariant: a name that was made in the tree and not unlinked
 * has a place.
 *
 * The partner of each atomic is the same word in another process; they are
 * sequentially consistent.
 */
#include "names.h"

#include <mproc/error.h>

#include "../../platform/plat_shm.h"
#include "error.h"
#include "layout.h"

#define FREE APR_UINT64_C(0)
#define AT(peer) (APR_UINT64_C(1) << 62 | (peer))
#define KEPT(handle) (APR_UINT64_C(1) << 63 | (handle))
#define IS_KEPT(word) ((word) >> 63 != 0)
#define KEPT_HANDLE(word) ((word) & ~(APR_UINT64_C(1) << 63))

static mproc__word_t *
place_word(unsigned place)
{
    return &mproc__arena.header->name[place];
}

static mproc__hold_t *
place_hold(unsigned place)
{
    return &mproc__arena.header->name_hold[place];
}

static int
place_take(unsigned place, apr_uint64_t word)
{
    return atomic_compare_exchange_strong(place_word(place), &word,
                                          AT(mproc__peer_self()));
}

apr_status_t
mproc__name_enter(unsigned *place, mproc__handle_t handle)
{
    unsigned i;
    apr_status_t rv;

    for (i = 0; i < MPROC__NAMES; i++) {
        if (atomic_load(place_word(i)) == FREE && place_take(i, FREE)) {
            rv = mproc__arena_hold(place_hold(i), handle);
            if (rv != APR_SUCCESS) {
                atomic_store(place_word(i), FREE);
            }
            *place = i;
            return rv;
        }
    }
    return mproc__fail(APR_ENOMEM,
                       "this process tree has made %d names for shared memory "
                       "and not unlinked them, which is as many as it can "
                       "note; unlink some",
                       MPROC__NAMES);
}

void
mproc__name_keep(unsigned place)
{
    atomic_store(place_word(place),
                 KEPT(mproc__hold_handle(place_hold(place))));
}

void
mproc__name_drop(unsigned place)
{
    mproc__arena_release(place_hold(place));
    atomic_store(place_word(place), FREE);
}

int
mproc__name_find(unsigned *place, const mproc__shm_shared_t *shm)
{
    const mproc__shm_shared_t *other;
    apr_uint64_t word;
    unsigned i;

    for (i = 0; i < MPROC__NAMES; i++) {
        word = atomic_load(place_word(i));
        if (!IS_KEPT(word)) {
            continue;
        }
        /* It may be freed while it is read; then the swap fails. */
        other = mproc__arena_at(KEPT_HANDLE(word));
        if (other != NULL && other->identity[0] == shm->identity[0] &&
            other->identity[1] == shm->identity[1] && place_take(i, word)) {
            *place = i;
            return 1;
        }
    }
    return 0;
}

/* The caller is at the place, or recovers who was. */
static void
place_clear(unsigned place)
{
    const mproc__shm_shared_t *shm =
        mproc__arena_at(mproc__hold_handle(place_hold(place)));

    if (shm != NULL && (shm->identity[0] | shm->identity[1]) != 0) {
        (void)mproc_plat_shm_unlink(shm->name, shm->identity);
    }
    mproc__name_drop(place);
}

void
mproc__names_recover(mproc__peer_t dead)
{
    unsigned i;

    for (i = 0; i < MPROC__NAMES; i++) {
        if (atomic_load(place_word(i)) == AT(dead)) {
            place_clear(i);
        }
    }
}

void
mproc__names_end(void)
{
    apr_uint64_t word;
    unsigned i;

    if (!mproc_plat_shm_stays() || !mproc__peers_last()) {
        return;
    }
    for (i = 0; i < MPROC__NAMES; i++) {
        word = atomic_load(place_word(i));
        if (IS_KEPT(word) && place_take(i, word)) {
            place_clear(i);
        }
    }
}
