/*
 * names.h: the names of shared memory that the process tree owns.
 *
 * A name that stays until it is unlinked must not outlive the tree. The
 * tree's arena notes each name that one of its processes made; the last
 * process unlinks what is left. The protocol stands at the top of names.c.
 */
#ifndef MPROC_SRC_NAMES_H
#define MPROC_SRC_NAMES_H

#include "arena.h"
#include "peers.h"

#define MPROC__SHM_NAME_ROOM 256

/* The payload of a block of kind SHM. */
typedef struct mproc__shm_shared_t {
    apr_uint64_t size;
    apr_uint64_t identity[2];      /* 0, 0: not known */
    _Atomic apr_uint32_t unlinked; /* where names do not stay */
    apr_uint32_t unused;
    char name[MPROC__SHM_NAME_ROOM];
} mproc__shm_shared_t;

/* Before the name is made: have a place for it, which holds the block. */
apr_status_t mproc__name_enter(unsigned *place, mproc__handle_t handle);

/* Afterwards: the tree owns it; or: it could not be made. */
void mproc__name_keep(unsigned place);
void mproc__name_drop(unsigned place);

/* Before a name is unlinked: find the place that owns it. 0 when the tree
 * does not own it, or another process is at it just now. */
int mproc__name_find(unsigned *place, const mproc__shm_shared_t *shm);

/* A process has died: what it had begun with a name is undone, or finished.
 * Called by who has the office of its recovery. */
void mproc__names_recover(mproc__peer_t dead);

/* This process ends; when it is the tree's last, all names that are left are
 * unlinked. */
void mproc__names_end(void);

#endif
