/**
 * @file listener.h
 * @brief Connections to other programs, here or elsewhere: listener, client.
 *
 * @code
 * mproc_listener_create(&listener, "tcp:127.0.0.1:0", NULL, pool);
 * puts(mproc_listener_address(listener));
 * for (;;) {
 *     rv = mproc_listener_accept(listener, &connection, MPROC_FOREVER, pool);
 *     if (rv == MPROC_EAUTH) {
 *         continue;                        // somebody with another key
 *     }
 *     ...
 * }
 * mproc_client_connect(&connection, "tcp:127.0.0.1:4711", NULL, pool);
 * mproc_connection_sendf(connection, "[i s]", 42, "hello");
 * @endcode
 *
 * An address is `tcp:HOST:PORT` (an IPv6 address in brackets; port 0: any),
 * `unix:PATH`, or on Windows `pipe:NAME`. Both sides prove to each other that
 * they have the same key, which is never sent, before the first message.
 * Over a network that others can read or change, have TLS too (options.tls, for
 * `tcp:`): without it neither the proof nor the messages are encrypted. Nor
 * does the proof say to whom it is given: somebody whom you connect to can hand
 * on what he is asked himself, and be let in with your answer at another
 * listener that has the same key. So a key is for those who all trust each
 * other. Frames and proof are those of Python's multiprocessing.connection:
 * send_bytes() there is mproc_connection_recv() here.
 *
 * Send no pickles, and unpack nothing with `o` from such a connection.
 */
#ifndef MPROC_LISTENER_H
#define MPROC_LISTENER_H

#include <mproc/connection.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What waits for clients. */
typedef struct mproc_listener_t mproc_listener_t;

/** The most bytes of a message that is received, unless said otherwise. */
#define MPROC_MESSAGE_MAX ((apr_size_t)1 << 30)

/** TLS 1.2 or newer for `tcp:`; zero at first. Files are in PEM format, and
 * read when the listener or the connection is made. */
typedef struct mproc_tls_options_t {
    const char *certificate; /**< a file: the certificate that this side shows,
                                  then those that lead to an authority. A
                                  listener has one; of a client: or NULL */
    const char *key;         /**< a file: the certificate's private key */
    const char *authorities; /**< a file: who must have signed what the other
                                  side shows. NULL: a client takes those of the
                                  system, a listener asks for no certificate */
    const char *name; /**< of a client: the name that the listener's certificate
                           must have; NULL: the host of the address */
} mproc_tls_options_t;

/** For either side; zero at first. */
typedef struct mproc_net_options_t {
    mproc_bytes_t authkey; /**< copied; data NULL: mproc_process_authkey() of
                                this process */
    int unkeyed; /**< not 0: no proof. Only for unix:, pipe: and addresses
                      that no other machine reaches */
    int auth_legacy_md5; /**< not 0: take HMAC-MD5 too, which is all that Python
                              up to 3.11 can; else SHA-256 and better */
    apr_size_t max_message; /**< as mproc_connection_set_limit(); 0:
                                 MPROC_MESSAGE_MAX */
    apr_interval_time_t handshake_timeout; /**< for the proof; 0: 10 seconds */
    apr_interval_time_t connect_timeout;   /**< for finding the host, and of a
                              client for reaching it; 0: 20 seconds. Of several
                              addresses each gets its share */
    const mproc_tls_options_t *tls;        /**< NULL: nothing is encrypted */
    int backlog; /**< of a listener: clients that wait to be accepted; 0: 128 */
} mproc_net_options_t;

/**
 * Listen.
 * @param listener receives the listener
 * @param address  where; NULL: the best for this machine, a name of its own: a
 *                 Unix socket in a folder of its own, or a named pipe
 * @param options  NULL: all zero
 * @param pool     its lifetime, or NULL: until mproc_listener_destroy()
 * @return APR_SUCCESS; APR_EINVAL for NULL, no address, an empty key, or no key
 *         where other machines can reach it; the system's status, such as
 *         EADDRINUSE when somebody listens there; APR_TIMEUP when the host
 *         could not be found in time; APR_ENAMETOOLONG; APR_ENOTIMPL for a kind
 *         of address that the system lacks, or when mproc was built without
 *         MPROC_WITH_NET; APR_EINVAL too when TLS lacks a file, or cannot use
 *         it; APR_ENOMEM
 * @note Processes: stays in this one; a forked child does not have it. Threads:
 *       any. A Unix socket is for this user (and root) alone, where the system
 *       tells even when the rights of its path are changed; a path that a
 *       listener left when it was killed is taken over. A named pipe is for
 *       this user on this machine.
 */
MPROC_DECLARE(apr_status_t)
mproc_listener_create(mproc_listener_t **listener, const char *address,
                      const mproc_net_options_t *options, apr_pool_t *pool);

/**
 * Wait for a client that proves that it has the key. Others are dealt with at
 * the same time: one that is slow, silent or talks something else delays nobody
 * and is closed when its time is over.
 * @param listener   the listener
 * @param connection receives the connection
 * @param timeout    microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @param pool       lifetime of the connection, or NULL: until
 *                   mproc_connection_destroy()
 * @return APR_SUCCESS; MPROC_EAUTH when a client had another key, or TLS failed
 *         with it: accept again;
 *         APR_TIMEUP, clients that have begun are kept; MPROC_ECLOSED; the
 *         system's status, such as EMFILE; APR_ENOMEM; APR_EINVAL for NULL or
 *         what is no listener
 * @note Processes: the creator. Threads: any, a pool in one at a time.
 */
MPROC_DECLARE(apr_status_t)
mproc_listener_accept(mproc_listener_t *listener,
                      mproc_connection_t **connection,
                      apr_interval_time_t timeout, apr_pool_t *pool);

/**
 * Tell where it listens, with the port that it has.
 * @return an address for mproc_client_connect(), as long as the listener;
 *         NULL for what is no listener
 * @note Processes: the creator. Threads: any.
 */
MPROC_DECLARE(const char *)
mproc_listener_address(mproc_listener_t *listener);

/**
 * Listen no more; the creator removes a Unix socket's path. Who waits in
 * accept goes on with MPROC_ECLOSED, at once (by tcp: on Windows within 100
 * ms). Connections live on.
 * @param listener the listener; closed already is fine
 * @return APR_SUCCESS; APR_EINVAL for NULL or what is no listener
 * @note Processes: the creator. Threads: any.
 */
MPROC_DECLARE(apr_status_t) mproc_listener_close(mproc_listener_t *listener);

/**
 * Close it, and free it.
 * @param listener the listener, or NULL for nothing
 * @note Processes: the creator. Threads: no other may use it any more.
 */
MPROC_DECLARE(void) mproc_listener_destroy(mproc_listener_t *listener);

/**
 * Connect to a listener, of mproc or of Python's multiprocessing.
 * @param connection receives the connection
 * @param address    as mproc_listener_address() tells it
 * @param options    NULL: all zero
 * @param pool       its lifetime, or NULL: until mproc_connection_destroy()
 * @return APR_SUCCESS; MPROC_EAUTH when one of the two has another key, the
 *         other side shows no proof in time, or one of the two does not accept
 *         the other's certificate; APR_TIMEUP when it could not be
 *         found or reached in time; APR_EOF or APR_ECONNRESET when it hung up;
 *         APR_ECONNREFUSED, APR_ENOENT and the like; APR_EINVAL, APR_ENOTIMPL
 *         as mproc_listener_create(); APR_ENOMEM
 * @note Processes: any; the connection stays in this one. Threads: any. A
 *       resolver that is slow is left to a thread that ends when it answers.
 */
MPROC_DECLARE(apr_status_t)
mproc_client_connect(mproc_connection_t **connection, const char *address,
                     const mproc_net_options_t *options, apr_pool_t *pool);

#ifdef __cplusplus
}
#endif

#endif
