/*
 * manager_proxy.h: what stands in a process for an object of a server. It has a
 * block of the arena, which names the object and holds its manager's, so that
 * it passes with `o` as all objects do.
 */
#ifndef MPROC_SRC_MANAGER_PROXY_H
#define MPROC_SRC_MANAGER_PROXY_H

#include "kinds.h"
#include "manager_link.h"

/* The shared half. */
typedef struct mproc__proxy_shared_t {
    mproc__part_t manager;
    apr_uint64_t id;
    apr_uint32_t kind; /* what the object is to its callers */
    apr_uint32_t unused;
    _Atomic apr_uint64_t word; /* who waits for others too sleeps on it */
} mproc__proxy_shared_t;

/* See manager_far_wait.c. */
typedef struct mproc__far_watch_t mproc__far_watch_t;

/* The local half. */
typedef struct mproc__proxy_t {
    mproc_object_t object;
    mproc__link_t *link;
    _Atomic apr_int64_t
        counted; /* the process for which the server counts it */
    /* Of a value or array: */
    _Atomic apr_size_t item; /* 0: not known yet, nor what follows */
    apr_size_t count;
    mproc_rlock_t *lock;
    void *_Atomic copy;          /* of its items; NULL: not yet */
    void *before;                /* as they came */
    _Atomic apr_uint64_t holder; /* the thread that acquired it; 0: none */
    int depth;                   /* how often, by way of itself */
    void *_Atomic privates;      /* a namespace's attributes that stay here */
    /* Of a queue: what is got with a pool of NULL. */
    atomic_flag own_busy;
    apr_pool_t *own;
    mproc__far_watch_t *_Atomic watch; /* NULL: nobody waits beside others */
} mproc__proxy_t;

/* The proxy that an object is, of this kind; NULL: it is none. */
mproc__proxy_t *mproc__proxy_look(void *object, mproc_kind_e kind);

static inline mproc__proxy_t *
mproc__proxy_of(void *object, mproc_kind_e kind)
{
    mproc_object_t *half = object;

    return half != NULL && half->ops == &mproc__proxy_ops
               ? mproc__proxy_look(object, kind)
               : NULL;
}

static inline apr_uint64_t
mproc__proxy_id(const mproc__proxy_t *proxy)
{
    return ((const mproc__proxy_shared_t *)proxy->object.shared)->id;
}

/* A proxy for an object that the server has counted for this process; when
 * that fails the count is given up. */
apr_status_t mproc__proxy_make(void *object, mproc__link_t *link,
                               apr_uint64_t id, mproc_kind_e kind,
                               apr_pool_t *pool);

/* Begin a call on it. */
void mproc__proxy_ask(mproc__ask_t *ask, mproc__proxy_t *proxy,
                      mproc__method_e method, const char *call);

/* Calls without arguments. The second tells -1 when it fails. */
apr_status_t mproc__proxy_plain(mproc__proxy_t *proxy, mproc__method_e method,
                                apr_interval_time_t timeout, const char *call);
apr_int64_t mproc__proxy_number(mproc__proxy_t *proxy, mproc__method_e method,
                                int index, const char *call);

#endif
