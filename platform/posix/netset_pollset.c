/* netset_pollset.c: many handles by an APR pollset: epoll, kqueue, poll. */
#include "../plat_netset.h"

#include <apr_poll.h>
#include <apr_portable.h>

#include "../plat_sys.h"

struct mproc_plat_netset_t {
    apr_pollset_t *pollset;
    apr_pool_t *pool;
};

/* What APR knows of a handle, in a pool of its own. */
typedef struct place_t {
    apr_pool_t *pool;
    apr_pollfd_t poll;
} place_t;

apr_status_t
mproc_plat_netset_create(mproc_plat_netset_t **set, int most, apr_pool_t *pool)
{
    *set = apr_pcalloc(pool, sizeof **set);
    (*set)->pool = pool;
    return apr_pollset_create(&(*set)->pollset, (apr_uint32_t)most, pool,
                              APR_POLLSET_NOCOPY);
}

static apr_status_t
place_make(place_t **place, mproc_plat_netset_item_t *item, apr_pool_t *parent)
{
    apr_os_sock_t handle = (apr_os_sock_t)item->handle;
    apr_socket_t *socket = NULL;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, parent);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *place = apr_pcalloc(pool, sizeof **place);
    (*place)->pool = pool;
    rv = apr_os_sock_put(&socket, &handle, pool);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    (*place)->poll.p = pool;
    (*place)->poll.desc_type = APR_POLL_SOCKET;
    (*place)->poll.desc.s = socket;
    (*place)->poll.client_data = item->baton;
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_netset_enter(mproc_plat_netset_t *set,
                        mproc_plat_netset_item_t *item, int sends)
{
    place_t *place = item->place;
    apr_status_t rv = APR_SUCCESS;

    if (item->entered && item->sends == sends) {
        return APR_SUCCESS;
    }
    if (place == NULL) {
        rv = place_make(&place, item, set->pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        item->place = place;
    }
    if (item->entered) {
        (void)apr_pollset_remove(set->pollset, &place->poll);
        item->entered = 0;
    }
    place->poll.reqevents = sends ? APR_POLLOUT : APR_POLLIN;
    rv = apr_pollset_add(set->pollset, &place->poll);
    item->entered = rv == APR_SUCCESS;
    item->sends = sends;
    return rv;
}

void
mproc_plat_netset_leave(mproc_plat_netset_t *set,
                        mproc_plat_netset_item_t *item)
{
    place_t *place = item->place;

    if (item->entered) {
        (void)apr_pollset_remove(set->pollset, &place->poll);
        item->entered = 0;
    }
    if (place != NULL) {
        apr_pool_destroy(place->pool);
        item->place = NULL;
    }
}

apr_status_t
mproc_plat_netset_wait(mproc_plat_netset_t *set, void **batons, int *count,
                       apr_time_t deadline)
{
    int room = *count, i;

    *count = 0;
    for (;;) {
        apr_time_t now = mproc_plat_clock();
        apr_interval_time_t left = deadline == MPROC_PLAT_NEVER ? -1
                                   : deadline > now             ? deadline - now
                                                                : 0;
        const apr_pollfd_t *ready;
        apr_int32_t found = 0;
        apr_status_t rv = apr_pollset_poll(set->pollset, left, &found, &ready);
        if (APR_STATUS_IS_EINTR(rv)) {
            continue;
        }
        if (rv != APR_SUCCESS) {
            return APR_STATUS_IS_TIMEUP(rv) ? APR_TIMEUP : rv;
        }
        for (i = 0; i < found && i < room; i++) {
            batons[i] = ready[i].client_data;
        }
        *count = i;
        return APR_SUCCESS;
    }
}
