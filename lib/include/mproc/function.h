/**
 * @file function.h
 * @brief Functions that another process can be told to call.
 *
 * Inside one process tree a function travels as its module (the program or a
 * loaded library) and its offset in it, so any function will do, `static`
 * ones too, and nothing has to be registered. From another machine functions
 * are called by registered name only:
 *
 * @code
 * mproc_register("square", square);
 * @endcode
 */
#ifndef MPROC_FUNCTION_H
#define MPROC_FUNCTION_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Any function, to be cast back to its real type before it is called. */
typedef void (*mproc_function_t)(void);

/**
 * Give a function a name under which it can be called from elsewhere.
 * @param name     1 to 255 bytes; copied
 * @param function what it names; must stay loaded
 * @return APR_SUCCESS, also when the same pair is registered already;
 *         APR_EINVAL for a bad name or a NULL function;
 *         APR_EEXIST when the name stands for another function;
 *         APR_ENOMEM
 * @note Processes: registers in the calling process, and in those forked
 *       from it later. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_register_function(const char *name, mproc_function_t function);

/** mproc_register_function() for a function of any type. */
#define mproc_register(name, function)                                         \
    mproc_register_function((name), (mproc_function_t)(function))

/**
 * Find a registered function.
 * @param function receives it
 * @param name     the name it was registered under
 * @return APR_SUCCESS; APR_NOTFOUND; APR_EINVAL for NULL
 * @note Processes: looks in the calling one. Threads: any. Fork: usable in
 *       the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_registered_function(mproc_function_t *function, const char *name);

#ifdef __cplusplus
}
#endif

#endif
