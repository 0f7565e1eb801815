/*
 * server.h: what a process and its fork server say to each other.
 *
 * The server says hello once. Then each request has one reply; with a
 * request come the standard streams, with a reply the new process's handle.
 */
#ifndef MPROC_SRC_SERVER_H
#define MPROC_SRC_SERVER_H

#include <apr.h>

#define MPROC__DIRECTORY_SIZE 4096

typedef struct mproc__hello_t {
    apr_int32_t status; /* why it does not serve, or APR_SUCCESS */
} mproc__hello_t;

/* Sent as far as the directory's end. */
typedef struct mproc__request_t {
    apr_uint64_t record;  /* handle */
    apr_uint32_t ticket;  /* see forkserver.c */
    apr_uint32_t streams; /* bit i: the handle of stream i comes along */
    char directory[MPROC__DIRECTORY_SIZE]; /* the caller's; "": unknown */
} mproc__request_t;

typedef struct mproc__reply_t {
    apr_int32_t status;
    apr_int32_t pid;
} mproc__reply_t;

#endif
