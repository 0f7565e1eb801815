/**
 * @file plat_net.h
 * @brief Contract: streams of bytes to other programs, on this machine or not.
 *
 * Beside APR because `apr_socket_send` raises SIGPIPE, a Unix socket's path is
 * unlinked by whichever process closes it, a socket needs a pool, and two
 * threads cannot use one at once. Names are resolved by APR.
 *
 * Handles never block, are not inherited by programs that are started, and
 * can be used by several threads at once. A thread is never cancelled in here.
 */
#ifndef MPROC_PLAT_NET_H
#define MPROC_PLAT_NET_H

#include <apr.h>
#include <apr_errno.h>
#include <apr_network_io.h>
#include <apr_time.h>

/** Room for the text of an address. */
#define MPROC_PLAT_NET_TEXT 64

/** What mproc_plat_net_wait() waits for. */
typedef struct mproc_plat_net_item_t {
    apr_int64_t handle; /**< -1: nothing */
    int send;           /**< 0: bytes, a client, or the end; 1: room to send */
    int ready;          /**< set: it is there */
} mproc_plat_net_item_t;

/**
 * Have a handle that will listen or connect, at an address of this kind. Takes
 * no time, so that who forks can be kept out meanwhile.
 * @return APR_SUCCESS; the system's status, APR_EAFNOSUPPORT or APR_ENOTIMPL
 *         for a kind of address that it has not
 */
apr_status_t mproc_plat_net_open(apr_int64_t *handle,
                                 const apr_sockaddr_t *address);

/**
 * Listen. Never shares an address with a listener that lives. The path of a
 * Unix socket is for its owner alone from the start, and stays the caller's to
 * remove; one that a dead listener left is taken over, of several who try by
 * one.
 * @param port receives the port that it has, 0 where there are none
 * @return APR_SUCCESS; the system's status
 */
apr_status_t mproc_plat_net_listen(apr_int64_t handle,
                                   const apr_sockaddr_t *address, int backlog,
                                   apr_port_t *port);

/** What a Unix socket of the library's own is called in its folder. */
#define MPROC_PLAT_NET_OWN "s"

/** Remove a folder that was made for such a one, and that. Any process of the
 *  tree, also when it is gone. */
void mproc_plat_net_folder_remove(const char *folder);

/**
 * Listen at, or connect to, a named pipe of this machine, which keeps messages
 * by itself, and where CPython's multiprocessing has no heads before them. What
 * is received from it has them, as from a stream (lib/src/frame.h): 4 bytes,
 * big-endian, the length; from 2 GiB on FF FF FF FF and 8 bytes. What is sent
 * is a whole message with its head in each call. It is for this user alone, and
 * its name goes with the listener.
 * @param name of the pipe
 * @return APR_SUCCESS; APR_ENOTIMPL where there are none; the system's status;
 *         APR_TIMEUP when all its places are taken
 */
apr_status_t mproc_plat_net_pipe_listen(apr_int64_t *handle, const char *name,
                                        int backlog);
apr_status_t mproc_plat_net_pipe_connect(apr_int64_t *handle, const char *name,
                                         apr_time_t deadline);

/**
 * Take a client. Of those of a Unix socket who are neither this user nor root
 * are sent away, where the system tells. Takes no time.
 * @param peer receives its address as text; "" where it has none
 * @return APR_SUCCESS; APR_EAGAIN when there is none
 */
apr_status_t mproc_plat_net_accept(apr_int64_t listener, apr_int64_t *handle,
                                   char peer[MPROC_PLAT_NET_TEXT]);

/** Connect, to another and never to itself. APR_TIMEUP; APR_ECONNREFUSED,
 *  APR_ENOENT and the like. */
apr_status_t mproc_plat_net_connect(apr_int64_t handle,
                                    const apr_sockaddr_t *address,
                                    apr_time_t deadline);

/**
 * Send as much as there is room for, of one place and then of another.
 * @param sent receives how many bytes
 * @return APR_SUCCESS; APR_EAGAIN, there is no room; APR_EPIPE or
 *         APR_ECONNRESET when nobody receives any more. Never a signal.
 */
apr_status_t mproc_plat_net_send(apr_int64_t handle, const void *head,
                                 apr_size_t head_size, const void *body,
                                 apr_size_t body_size, apr_size_t *sent);

/** What became of a message. */
typedef enum mproc_plat_net_unsent_e {
    MPROC_PLAT_UNSENT,
    MPROC_PLAT_SENT,
    MPROC_PLAT_TORN /* part of it was received */
} mproc_plat_net_unsent_e;

/** For who offered a message to a pipe, was told APR_EAGAIN, and gives up: the
 *  system may have it yet. Else MPROC_PLAT_UNSENT. */
mproc_plat_net_unsent_e mproc_plat_net_unsend(apr_int64_t handle);

/**
 * Receive what is there.
 * @param size of the room; receives how many bytes came
 * @return APR_SUCCESS; APR_EAGAIN, nothing is there; APR_EOF; APR_ECONNRESET
 */
apr_status_t mproc_plat_net_recv(apr_int64_t handle, void *data,
                                 apr_size_t *size);

/** Wait until one is ready. APR_SUCCESS; APR_TIMEUP; APR_ENOMEM. Signals do
 *  not end it. A handle that is closed meanwhile harms nothing. */
apr_status_t mproc_plat_net_wait(mproc_plat_net_item_t *items, int count,
                                 apr_time_t deadline);

/** Have a stream to another machine end when nothing was heard from there for
 *  so many microseconds. Others have no need of that. */
void mproc_plat_net_keep(apr_int64_t handle, apr_interval_time_t limit);

/** Nothing will be sent any more: the other side comes to the end. */
void mproc_plat_net_shut(apr_int64_t handle);

/** End a stream both ways, or a listener, so that who waits for it in another
 *  thread goes on: at once, or, at a listener of some systems, not at all. */
void mproc_plat_net_end(apr_int64_t handle);

/** Close it in this process. */
void mproc_plat_net_close(apr_int64_t handle);

/** Make two ends of a stream within this process. */
apr_status_t mproc_plat_net_pair(apr_int64_t end[2]);

#endif
