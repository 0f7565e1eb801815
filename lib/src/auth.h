/*
 * auth.h: two sides prove to each other that they have the same key, and
 * never send it. Moves no bytes itself: the caller does, as many at a time as
 * come, and never waits here. The protocol stands at the top of auth.c.
 */
#ifndef MPROC_SRC_AUTH_H
#define MPROC_SRC_AUTH_H

#include <mproc/types.h>

#include "frame.h"

#define MPROC__AUTH_MOST 256 /* bytes of a message */

typedef enum mproc__auth_want_e {
    MPROC__AUTH_SEND, /* bytes of `out` */
    MPROC__AUTH_RECV, /* bytes into `in` */
    MPROC__AUTH_DONE, /* both have proved it */
    MPROC__AUTH_FAILED
} mproc__auth_want_e;

typedef struct mproc__auth_t {
    mproc__auth_want_e want;
    const unsigned char *steps; /* those that are left */
    mproc_bytes_t key;          /* the caller's */
    int legacy_md5;
    apr_status_t failure; /* told when the verdict is sent, or at once */
    char why[160];        /* after a failure: the reason, part of a sentence */
    apr_size_t sent, got; /* of `out`, of `in` */
    apr_size_t out_size;
    unsigned char challenge[MPROC__AUTH_MOST]; /* ours */
    apr_size_t challenge_size;
    unsigned char out[MPROC__FRAME_SHORT + MPROC__AUTH_MOST];
    unsigned char in[MPROC__FRAME_SHORT + MPROC__AUTH_MOST];
} mproc__auth_t;

/* Begin as the side that accepts, or as the one that connects. */
void mproc__auth_begin(mproc__auth_t *auth, int connects, mproc_bytes_t key,
                       int legacy_md5);

/* What is to be sent now; so many bytes of it were. */
mproc_bytes_t mproc__auth_output(mproc__auth_t *auth);
void mproc__auth_sent(mproc__auth_t *auth, apr_size_t count);

/* Where to receive, and no more than that; so many bytes came. */
void *mproc__auth_room(mproc__auth_t *auth, apr_size_t *size);
void mproc__auth_received(mproc__auth_t *auth, apr_size_t count);

#endif
