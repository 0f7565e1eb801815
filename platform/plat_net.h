/**
 * @file plat_net.h
 * @brief Contract: streams of bytes to other programs, on this machine or not.
 *
 * Beside APR because `apr_socket_send` raises SIGPIPE, a Unix socket's path is
 * unlinked by whichever process closes it, a socket needs a pool, and two
 * threads cannot use one at once. Names are resolved by APR.
 *
 * Handles never block, are not inherited by programs that are started, and
 * can be used by several threads at once.
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
 * Listen. Never shares an address with a listener that lives. The path of a
 * Unix socket is for its owner alone from the start, and stays the caller's to
 * remove.
 * @param port receives the port that it has, 0 where there are none
 * @return APR_SUCCESS; the system's status, APR_EAFNOSUPPORT or APR_ENOTIMPL
 *         for a kind of address that it has not
 */
apr_status_t mproc_plat_net_listen(apr_int64_t *handle,
                                   const apr_sockaddr_t *address, int backlog,
                                   apr_port_t *port);

/**
 * Take a client.
 * @param peer receives its address as text; "" where it has none
 * @return APR_SUCCESS; APR_EAGAIN when there is none
 */
apr_status_t mproc_plat_net_accept(apr_int64_t listener, apr_int64_t *handle,
                                   char peer[MPROC_PLAT_NET_TEXT]);

/** Connect. APR_TIMEUP; APR_ECONNREFUSED, APR_ENOENT and the like. */
apr_status_t mproc_plat_net_connect(apr_int64_t *handle,
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

/** Nothing will be sent any more: the other side comes to the end. */
void mproc_plat_net_shut(apr_int64_t handle);

/** Close it in this process. */
void mproc_plat_net_close(apr_int64_t handle);

/** Make two ends of a stream within this process. */
apr_status_t mproc_plat_net_pair(apr_int64_t end[2]);

#endif
