/*
 * net_pipe_own.h: what the files of named pipes share. The protocol stands at
 * the top of net_pipe.c.
 */
#ifndef MPROC_PLATFORM_WINDOWS_NET_PIPE_OWN_H
#define MPROC_PLATFORM_WINDOWS_NET_PIPE_OWN_H

#include "net_pipe.h"

#define MPROC__PIPE_HEAD_SHORT 4
#define MPROC__PIPE_HEAD_LONG 12
#define MPROC__PIPE_SHORT_MOST 0x7fffffffU
#define MPROC__PIPE_ROOM 8192 /* bytes received at a time */
#define MPROC__PIPE_INSTANCES                                                  \
    8 /* clients at a time that need not try again                             \
       */

typedef struct operation_t {
    OVERLAPPED overlapped;
    int pending; /* not taken note of */
} operation_t;

typedef enum instance_e {
    INSTANCE_NONE,
    INSTANCE_WAITS,
    INSTANCE_CONNECTED
} instance_e;

typedef struct instance_t {
    HANDLE file;
    OVERLAPPED overlapped;
    instance_e state;
} instance_t;

typedef struct mproc__pipe_t {
    volatile LONG references;
    SRWLOCK lock; /* over all that follows */
    HANDLE file;
    HANDLE event[2]; /* something to receive, or a client; room to send */
    int ended;       /* for good */
    /* Received. */
    operation_t receiving;
    apr_status_t in_status; /* behind what is there */
    int inside;             /* the next bytes go on with a message */
    unsigned char head[MPROC__PIPE_HEAD_LONG];
    DWORD head_at, head_size, in_at, in_size;
    unsigned char in[MPROC__PIPE_ROOM];
    /* Sent. */
    operation_t sending;
    apr_size_t sending_size;
    apr_size_t quota; /* what the system's buffer has room for */
    apr_status_t out_status;
    int written; /* what was offered; the caller has yet to hear of it */
    unsigned char *out;
    apr_size_t out_room;
    /* Of a listener. */
    wchar_t *name;
    int instances;
    instance_t instance[MPROC__PIPE_INSTANCES];
} mproc__pipe_t;

/* net_pipe.c */

mproc__pipe_t *mproc__pipe_new(void);

/* Give it a handle, which has the caller's reference; or shut it, and give that
 * up. APR_ENOMEM */
apr_status_t mproc__pipe_enter(apr_int64_t *handle, mproc__pipe_t *pipe);

/* The status of an error; `gone` when that is the end. */
apr_status_t mproc__pipe_status(DWORD error, apr_status_t gone);

/* End an operation. */
void mproc__pipe_cancel(HANDLE file, OVERLAPPED *overlapped);

/* net_pipe_stream.c; the lock is held. */

void mproc__pipe_receive_begin(mproc__pipe_t *pipe);
int mproc__pipe_can_receive(mproc__pipe_t *pipe);
apr_status_t mproc__pipe_stream_recv(mproc__pipe_t *pipe, char *data,
                                     apr_size_t *size);
int mproc__pipe_can_send(mproc__pipe_t *pipe);
apr_status_t mproc__pipe_stream_send(mproc__pipe_t *pipe, const void *head,
                                     apr_size_t head_size, const void *body,
                                     apr_size_t body_size, apr_size_t *sent);
mproc_plat_net_unsent_e mproc__pipe_stream_unsend(mproc__pipe_t *pipe);

/* net_pipe_listen.c; the lock is held. */

int mproc__pipe_clients(mproc__pipe_t *pipe);
apr_status_t mproc__pipe_listener_accept(mproc__pipe_t *pipe,
                                         apr_int64_t *handle);

#endif
