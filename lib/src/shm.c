/*
 * shm.c: shared memory with a name.
 *
 * What is known of a block (name, size, identity) is a shared object in the
 * arena, so that it passes with `o` as any other; the bytes are the system's.
 * A process that got it by `o` attaches when it first wants the bytes. That
 * the name does not outlive the tree is the business of names.c.
 */
#include <mproc/shm.h>

#include <stdio.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_shm.h"
#include "../../platform/plat_sys.h"
#include "error.h"
#include "kinds.h"
#include "names.h"

#define RANDOM_TRIES 100

/* How far this process is with the mapping. */
enum {
    SHM_NEW,
    SHM_BUSY,
    SHM_MAPPED,
    SHM_CLOSED
};

struct mproc_shm_t {
    mproc_object_t object;
    mproc_plat_shm_t map;
    atomic_int state;
};

static void
shm_closing(mproc_object_t *object)
{
    mproc_shm_close((mproc_shm_t *)object);
}

const mproc__object_ops_t mproc__shm_ops = {.kind = MPROC_KIND_SHM,
                                            .local_size =
                                                sizeof(struct mproc_shm_t),
                                            .closing = shm_closing};

static mproc__shm_shared_t *
shm_shared(mproc_shm_t *shm)
{
    return shm->object.shared;
}

/* -------------------------------------------------------------------- names */

static apr_status_t
name_check(const char *call, const char *name)
{
    apr_size_t length = strlen(name);

    if (length == 0 || length > MPROC_SHM_NAME_MAX ||
        strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0) {
        return mproc__fail(APR_EINVAL,
                           "%s: \"%.60s\" is no name for shared memory: 1 to "
                           "%d bytes without a slash, not \".\" or \"..\"",
                           call, name, MPROC_SHM_NAME_MAX);
    }
    return APR_SUCCESS;
}

static apr_status_t
name_invent(char name[MPROC__SHM_NAME_ROOM])
{
    unsigned char draw[4];
    apr_status_t rv = apr_generate_random_bytes(draw, sizeof draw);

    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "mproc_shm_create: no random name, for the "
                               "system gives no random bytes; pass a name");
    }
    snprintf(name, MPROC__SHM_NAME_ROOM, "%s%02x%02x%02x%02x",
             mproc_plat_shm_prefix(), draw[0], draw[1], draw[2], draw[3]);
    return APR_SUCCESS;
}

/* The sentence for what the system says. */
static apr_status_t
shm_fail(apr_status_t rv, const char *call, const char *name, apr_uint64_t size)
{
    char text[128];

    switch (rv) {
    case APR_EEXIST:
        return mproc__fail(rv,
                           "%s: the name %s is taken; attach to it, unlink it, "
                           "or pass NULL for a name that is free",
                           call, name);
    case APR_ENOENT:
        return mproc__fail(rv,
                           "%s: there is no shared memory %s (any more, or it "
                           "has no size yet); its creator must keep the name "
                           "until all have attached",
                           call, name);
    case APR_EINVAL:
        return mproc__fail(rv, "%s: this system does not take the name %s",
                           call, name);
    case APR_ENOMEM:
        return mproc__fail(rv,
                           "%s: no room for the %" APR_UINT64_T_FMT
                           " bytes of shared memory %s: the machine, the place "
                           "for shared memory (/dev/shm) or a limit (ulimit "
                           "-f, -v) is full; ask for less, unlink or free some",
                           call, size, name);
    default:
        return mproc__fail(rv, "%s: shared memory %s: %s", call, name,
                           mproc_strerror(rv, text, sizeof text));
    }
}

/* ---------------------------------------------------------------- the object
 */

static apr_status_t
shm_missing(const char *call)
{
    return mproc__fail(APR_EINVAL,
                       "%s: the block is NULL or destroyed; pass one made by "
                       "mproc_shm_create() or mproc_shm_attach(), or unpacked "
                       "with `o`",
                       call);
}

void
mproc_shm_close(mproc_shm_t *shm)
{
    int state;

    if (shm == NULL) {
        return;
    }
    do {
        state = atomic_load(&shm->state);
        if (state == SHM_BUSY) {
            mproc_plat_yield();
        }
    } while (state == SHM_BUSY ||
             !atomic_compare_exchange_weak(&shm->state, &state, SHM_CLOSED));
    if (state == SHM_MAPPED) {
        mproc_plat_shm_close(&shm->map);
    }
}

void
mproc_shm_destroy(mproc_shm_t *shm)
{
    mproc__object_close(shm);
}

/* -------------------------------------------------------------------- create
 */

static void
shm_note(void *baton, const apr_uint64_t identity[2])
{
    mproc__shm_shared_t *shared = baton;

    shared->identity[0] = identity[0];
    shared->identity[1] = identity[1];
}

/* Under the name in the shared half. An identity never goes with the name of
 * another try: whoever dies here is cleared up after by what it says. */
static apr_status_t
shm_make(mproc_shm_t *shm, int random)
{
    mproc__shm_shared_t *shared = shm_shared(shm);
    apr_status_t rv;
    int try;

    for (try = 0;; try++) {
        shared->identity[0] = shared->identity[1] = 0;
        if (random) {
            rv = name_invent(shared->name);
            if (rv != APR_SUCCESS) {
                return rv;
            }
        }
        rv = mproc_plat_shm_create(&shm->map, shared->name, shared->size,
                                   shm_note, shared);
        if (rv == APR_SUCCESS) {
            return rv;
        }
        if (rv != APR_EEXIST || !random || try == RANDOM_TRIES) {
            return shm_fail(rv, "mproc_shm_create", shared->name, shared->size);
        }
    }
}

apr_status_t
mproc_shm_create(mproc_shm_t **shm, const char *name, apr_size_t size,
                 apr_pool_t *pool)
{
    mproc__shm_shared_t *shared;
    apr_status_t rv = APR_SUCCESS;
    unsigned place = 0;
    int stays = mproc_plat_shm_stays();

    if (shm == NULL || size == 0) {
        return mproc__fail(APR_EINVAL, "mproc_shm_create: %s",
                           shm == NULL ? "shm is NULL; pass where it goes"
                                       : "the size is 0; ask for some bytes");
    }
    *shm = NULL;
    rv = name == NULL ? APR_SUCCESS : name_check("mproc_shm_create", name);
    if (rv == APR_SUCCESS) {
        rv = mproc__object_create(shm, &mproc__shm_ops, sizeof *shared, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    shared = shm_shared(*shm);
    shared->size = size;
    apr_cpystrn(shared->name, name == NULL ? "" : name, sizeof shared->name);
    if (stays) {
        rv = mproc__name_enter(&place, (*shm)->object.handle);
    }
    if (rv == APR_SUCCESS) {
        rv = shm_make(*shm, name == NULL);
        if (stays && rv == APR_SUCCESS) {
            mproc__name_keep(place);
        }
        else if (stays) {
            mproc__name_drop(place);
        }
    }
    if (rv != APR_SUCCESS) {
        mproc__object_close(*shm);
        *shm = NULL;
        return rv;
    }
    atomic_store(&(*shm)->state, SHM_MAPPED);
    return APR_SUCCESS;
}

/* -------------------------------------------------------------------- attach
 */

apr_status_t
mproc_shm_attach(mproc_shm_t **shm, const char *name, apr_pool_t *pool)
{
    mproc__shm_shared_t *shared;
    mproc_plat_shm_t map;
    apr_status_t rv;

    if (shm == NULL || name == NULL) {
        return mproc__fail(APR_EINVAL,
                           "mproc_shm_attach: %s is NULL; pass where the block "
                           "goes, and the name it was made with",
                           shm == NULL ? "shm" : "name");
    }
    *shm = NULL;
    rv = name_check("mproc_shm_attach", name);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc_plat_shm_attach(&map, name);
    if (rv != APR_SUCCESS) {
        return shm_fail(rv, "mproc_shm_attach", name, map.size);
    }
    rv = mproc__object_create(shm, &mproc__shm_ops, sizeof *shared, pool);
    if (rv != APR_SUCCESS) {
        mproc_plat_shm_close(&map);
        return rv;
    }
    shared = shm_shared(*shm);
    shared->size = map.size;
    shm_note(shared, map.identity);
    apr_cpystrn(shared->name, name, sizeof shared->name);
    (*shm)->map = map;
    atomic_store(&(*shm)->state, SHM_MAPPED);
    return APR_SUCCESS;
}

/* What came through `o`: its name may lead to another block by now. */
static apr_status_t
shm_follow(mproc_shm_t *shm)
{
    const mproc__shm_shared_t *shared = shm_shared(shm);
    apr_status_t rv = mproc_plat_shm_attach(&shm->map, shared->name);

    if (rv == APR_SUCCESS && (shm->map.identity[0] != shared->identity[0] ||
                              shm->map.identity[1] != shared->identity[1])) {
        mproc_plat_shm_close(&shm->map);
        rv = APR_ENOENT;
    }
    return rv == APR_SUCCESS
               ? rv
               : shm_fail(rv, "mproc_shm_data", shared->name, shared->size);
}

void *
mproc_shm_data(mproc_shm_t *shm)
{
    int state;

    if (!mproc__object_usable(shm)) {
        (void)shm_missing("mproc_shm_data");
        return NULL;
    }
    for (;;) {
        state = SHM_NEW;
        if (atomic_compare_exchange_strong(&shm->state, &state, SHM_BUSY)) {
            if (shm_follow(shm) != APR_SUCCESS) {
                atomic_store(&shm->state, SHM_NEW);
                return NULL;
            }
            atomic_store(&shm->state, SHM_MAPPED);
            return shm->map.base;
        }
        if (state == SHM_MAPPED) {
            return shm->map.base;
        }
        if (state == SHM_CLOSED) {
            (void)mproc__fail(MPROC_ECLOSED,
                              "mproc_shm_data: this process has closed the "
                              "block %s; attach to it again",
                              shm_shared(shm)->name);
            return NULL;
        }
        mproc_plat_yield();
    }
}

apr_size_t
mproc_shm_size(mproc_shm_t *shm)
{
    return mproc__object_usable(shm) ? (apr_size_t)shm_shared(shm)->size : 0;
}

const char *
mproc_shm_name(mproc_shm_t *shm)
{
    return mproc__object_usable(shm) ? shm_shared(shm)->name : NULL;
}

/* -------------------------------------------------------------------- unlink
 */

apr_status_t
mproc_shm_unlink(mproc_shm_t *shm)
{
    mproc__shm_shared_t *shared;
    apr_status_t rv;
    unsigned place;
    int ours;

    if (!mproc__object_usable(shm)) {
        return shm_missing("mproc_shm_unlink");
    }
    shared = shm_shared(shm);
    if (!mproc_plat_shm_stays()) {
        rv = atomic_exchange(&shared->unlinked, 1) ? APR_ENOENT : APR_SUCCESS;
    }
    else {
        ours = mproc__name_find(&place, shared);
        rv = mproc_plat_shm_unlink(shared->name, shared->identity);
        if (ours && (rv == APR_SUCCESS || rv == APR_ENOENT)) {
            mproc__name_drop(place);
        }
        else if (ours) {
            mproc__name_keep(place);
        }
    }
    return rv == APR_SUCCESS
               ? rv
               : shm_fail(rv, "mproc_shm_unlink", shared->name, shared->size);
}
