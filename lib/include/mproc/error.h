/**
 * @file error.h
 * @brief Status codes of mproc, their names, and the sentence that explains.
 *
 * Codes of APR and of the system are passed on unchanged; test those with
 * `APR_STATUS_IS_*`. mproc adds its own, far from APR's:
 *
 * @code
 * char text[128];
 * apr_status_t rv = mproc_process_start(process);
 * if (rv != APR_SUCCESS) {
 *     fprintf(stderr, "%s: %s\n", mproc_strerror(rv, text, sizeof text),
 *             mproc_error_detail());
 * }
 * @endcode
 */
#ifndef MPROC_ERROR_H
#define MPROC_ERROR_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The first of mproc's own codes. */
#define MPROC_START_ERROR (APR_OS_START_USERERR + 300000)

/** This side has closed the object. */
#define MPROC_ECLOSED (MPROC_START_ERROR + 1)
/** The holder of the lock died; the caller holds it now: repair, go on. */
#define MPROC_EOWNERDEAD (MPROC_START_ERROR + 2)
/** The barrier, or pool, is broken and takes nobody until it is reset. */
#define MPROC_EBROKEN (MPROC_START_ERROR + 3)
/** The worker that ran the task died. */
#define MPROC_EWORKERLOST (MPROC_START_ERROR + 4)
/** Larger than the limit that was set. */
#define MPROC_ETOOBIG (MPROC_START_ERROR + 5)
/** The key did not match. */
#define MPROC_EAUTH (MPROC_START_ERROR + 6)
/** Bytes or format do not fit what was asked for. */
#define MPROC_EFORMAT (MPROC_START_ERROR + 7)
/** The call comes at the wrong time: the order of calls is wrong. */
#define MPROC_ESTATE (MPROC_START_ERROR + 8)
/** A process was to be started before mproc_initialize() had been called,
 *  or in a child that has not finished starting. */
#define MPROC_EBOOTSTRAP (MPROC_START_ERROR + 9)
/** The other side of a remote call failed. */
#define MPROC_EREMOTE (MPROC_START_ERROR + 10)
/** The handle names an object that exists no more. */
#define MPROC_ESTALE (MPROC_START_ERROR + 11)
/** The module with the function is not the one that the caller has. */
#define MPROC_EMODULE (MPROC_START_ERROR + 12)
/** The process has ended, but nobody can tell with which code. */
#define MPROC_EUNKNOWN (MPROC_START_ERROR + 13)
/** Nobody is left who could ever end the wait. */
#define MPROC_EDEADLK (MPROC_START_ERROR + 14)

/**
 * Name a status: mproc's own codes, and all that apr_strerror() knows.
 * @param status any apr_status_t
 * @param buffer receives the text, always terminated
 * @param size   of the buffer, in bytes
 * @return buffer
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(char *)
mproc_strerror(apr_status_t status, char *buffer, apr_size_t size);

/**
 * Tell this thread's last failure in a full sentence: what was tried, on
 * what, why it failed, what to do.
 * @return the sentence; "" when nothing has failed yet. It stays valid until
 *         this thread's next failing call. A call that succeeds leaves it.
 * @note Processes: any. Threads: any, each has its own. Fork: the child
 *       starts with a copy.
 */
MPROC_DECLARE(const char *) mproc_error_detail(void);

#ifdef __cplusplus
}
#endif

#endif
