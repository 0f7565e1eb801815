/* funcref.h: a function, as any process of the tree can find it. */
#ifndef MPROC_SRC_FUNCREF_H
#define MPROC_SRC_FUNCREF_H

#include <mproc/function.h>

#include "../../platform/plat_module.h"

/* Longest module path, with its end. */
#define MPROC__FUNCREF_PATH 1024

/* Module + offset + identity: plain bytes, fit for shared memory. */
typedef struct mproc__funcref_t {
    apr_uint64_t offset;
    unsigned char id[MPROC_PLAT_MODULE_ID];
    char path[MPROC__FUNCREF_PATH];
} mproc__funcref_t;

/* Describe a function. MPROC_EMODULE when it is in no module. */
apr_status_t mproc__funcref_make(mproc__funcref_t *ref,
                                 mproc_function_t function);

/* Check that a new process would find the same module. MPROC_EMODULE when
 * its file is another one now, or gone. */
apr_status_t mproc__funcref_check(const mproc__funcref_t *ref);

/* Find the function in this process; load its module if need be.
 * MPROC_EMODULE when it is not the module that the reference was made in. */
apr_status_t mproc__funcref_resolve(mproc_function_t *function,
                                    const mproc__funcref_t *ref);

/* A name that it is registered under; NULL: none. */
const char *mproc__registered_name(mproc_function_t function);

#endif
