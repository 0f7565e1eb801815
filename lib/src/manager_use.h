/* manager_use.h: what the files of the manager's calls share. */
#ifndef MPROC_SRC_MANAGER_USE_H
#define MPROC_SRC_MANAGER_USE_H

#include "manager_link.h"
#include "manager_loop.h"

struct mproc_manager_t {
    mproc_object_t object;
    mproc__link_t *link;
    apr_int64_t creator;      /* the process that ends the server; 0: none */
    mproc_process_t *process; /* of a server that was started */
    mproc__hub_t *server;     /* that listens in this process */
    apr_pool_t *server_pool;
    atomic_int serving, ended;
};

/* APR_EINVAL when it is none, or cannot be used. */
apr_status_t mproc__manager_check(mproc_manager_t *manager, const char *call);

#endif
