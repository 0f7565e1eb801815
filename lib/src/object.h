/*
 * object.h: what all shared objects have in common.
 *
 * A shared object is a block of the arena (the shared half) and, in each
 * process that uses it, a small local half that starts with mproc_object_t.
 * The local half owns one reference to the block (a "hold", see arena.h).
 */
#ifndef MPROC_SRC_OBJECT_H
#define MPROC_SRC_OBJECT_H

#include <stddef.h>

#include <mproc/census.h>
#include <mproc/types.h>

#include "arena.h"
#include "peers.h"

/* What the library does with objects without knowing what they are. */
typedef struct mproc__object_ops_t {
    mproc_kind_e kind;
    apr_size_t local_size; /* bytes of the local half */
    /* For objects that refer to others by holds in their block; or NULL: have
     * local halves for those when one is opened; close them. */
    apr_status_t (*opened)(mproc_object_t *object);
    void (*closing)(mproc_object_t *object);
    /* In a forked child, for objects that it is not to have unless it was
     * passed them; or NULL: it has them all. */
    void (*disown)(mproc_object_t *object);
    /* For objects that other processes cannot have: what a sentence calls
     * them. They have a block all the same, and no other process opens it. */
    const char *stays;
} mproc__object_ops_t;

/* What the shared half of an object that refers to one other starts with: a
 * holder of one (arena.h). */
typedef struct mproc__part_t {
    apr_uint32_t count;
    apr_uint32_t unused;
    mproc__hold_t hold;
} mproc__part_t;

_Static_assert(offsetof(mproc__part_t, hold) == offsetof(mproc__holder_t, hold),
               "a part is a holder");

/* Where an object says what tells a foreign event loop of it; NULL: nothing
 * (notifier.c). */
typedef struct mproc__notifier_t *_Atomic mproc__notifier_place_t;

struct mproc_object_t {
    const mproc__object_ops_t *ops;
    mproc__handle_t handle;
    void *shared;        /* the payload of the block, in this process */
    mproc__hold_t *hold; /* this process's reference */
    apr_pool_t *pool;    /* where the local half lives; NULL: the heap */
    int handed;          /* bytes that name the object live as long */
    int gone;            /* the reference was given up */
    mproc__notifier_place_t notifier;
    mproc_object_t *next, *previous; /* all of this process */
};

/* Make a block of `size` bytes, zeroed, and a local half for it. The object
 * is published: others may open it as soon as they get the handle. */
apr_status_t mproc__object_create(void *object, const mproc__object_ops_t *ops,
                                  apr_size_t size, apr_pool_t *pool);

/* Make a local half for an object that exists. MPROC_ESTALE when it does
 * not, MPROC_EFORMAT when the handle names something else than an object. */
apr_status_t mproc__object_open(void *object, mproc__handle_t handle,
                                apr_pool_t *pool);

/* Give up the reference, but keep the local half: its address in the block
 * is not to be used any more. */
void mproc__object_let_go(mproc_object_t *object);

/* Free the local half and its reference. NULL is fine. */
void mproc__object_close(void *object);

/* Whether an object can be used: not NULL, not closed, and this process, be
 * it a bare fork() of one that had the object, is attached. */
int mproc__object_usable(void *object);

/* The same, and that it is of this kind. */
static inline int
mproc__object_is(void *object, const mproc__object_ops_t *ops)
{
    mproc_object_t *half = object;
    return half != NULL && half->ops == ops && mproc__object_usable(half);
}

/* The same for who is in a hurry: 0 also when that needs a closer look. */
static inline int
mproc__object_is_ready(void *object, const mproc__object_ops_t *ops)
{
    mproc_object_t *half = object;
    return half != NULL && half->ops == ops && mproc__peer_self() != 0 &&
           half->shared != NULL;
}

/* The sentence for an object that cannot be used; returns APR_EINVAL. */
apr_status_t mproc__object_missing(const char *call, const char *kind);

/* Whether other processes can have it; if not, the end of a sentence. */
int mproc__object_may_leave(const mproc_object_t *object, const char **why);
/* This half is there for bytes that somebody may unpack somewhere. */
void mproc__object_handed(mproc_object_t *object);

/* The handle of a shared half's n-th hold on another object. */
mproc__handle_t mproc__object_part(mproc_object_t *object, unsigned n);

/* Whether the calling thread is surely the only one in any process that has
 * the object, or can get it: nobody else will ever change it. */
int mproc__object_is_alone(mproc_object_t *object);

/* Before a fork: keep all objects of this process alive for the child, in
 * one block that the hold refers to. The child, once attached, or whoever
 * ends the hold's owner, releases it. */
apr_status_t mproc__objects_keep(mproc__hold_t *keep);

/* Around a fork: the list of objects is whole in the copy. */
void mproc__objects_guard(void);
void mproc__objects_unguard(void);

/* Around a fork of the library's own. Before any fork: one that is not may
 * bring a child that has everything and says nothing of it. */
void mproc__objects_own_fork(int own);
void mproc__objects_forking(void);

/* In a forked child: nothing is held yet; then, attached: hold all that was
 * inherited. */
void mproc__objects_forked(void);
apr_status_t mproc__objects_inherit(void);

/* In a child, which has one thread yet: the holds on what it was passed. Of
 * what can be disowned such a hold is given up when the child opens it; and
 * what a forked child was not passed is disowned. */
void mproc__objects_passed(mproc__holder_t *passed);

#endif
