/*
 * netset_win32.c: many handles, sockets and named pipes, by
 * mproc_plat_net_wait().
 */
#include "../plat_netset.h"

#include <stdlib.h>

#include "../plat_net.h"
#include "../plat_sys.h"

struct mproc_plat_netset_t {
    mproc_plat_netset_item_t **item;
    mproc_plat_net_item_t *wait;
    int count, room, first; /* where to look first: nobody is passed over */
};

static apr_status_t
set_free(void *data)
{
    mproc_plat_netset_t *set = data;

    free(set->item);
    free(set->wait);
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_netset_create(mproc_plat_netset_t **set, int most, apr_pool_t *pool)
{
    (void)most;
    *set = apr_pcalloc(pool, sizeof **set);
    apr_pool_cleanup_register(pool, *set, set_free, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

static apr_status_t
set_grow(mproc_plat_netset_t *set)
{
    int room = set->room * 2 + 64;
    mproc_plat_netset_item_t **item =
        realloc(set->item, (size_t)room * sizeof *item);
    mproc_plat_net_item_t *wait;

    if (item == NULL) {
        return APR_ENOMEM;
    }
    set->item = item;
    wait = realloc(set->wait, (size_t)room * sizeof *wait);
    if (wait == NULL) {
        return APR_ENOMEM;
    }
    set->wait = wait;
    set->room = room;
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_netset_enter(mproc_plat_netset_t *set,
                        mproc_plat_netset_item_t *item, int sends)
{
    item->sends = sends;
    if (item->entered) {
        return APR_SUCCESS;
    }
    if (set->count == set->room && set_grow(set) != APR_SUCCESS) {
        return APR_ENOMEM;
    }
    item->entered = 1;
    set->item[set->count++] = item;
    return APR_SUCCESS;
}

void
mproc_plat_netset_leave(mproc_plat_netset_t *set,
                        mproc_plat_netset_item_t *item)
{
    int i;

    if (!item->entered) {
        return;
    }
    item->entered = 0;
    for (i = 0; set->item[i] != item; i++) {
    }
    set->item[i] = set->item[--set->count];
}

apr_status_t
mproc_plat_netset_wait(mproc_plat_netset_t *set, void **batons, int *count,
                       apr_time_t deadline)
{
    int room = *count, i;
    apr_status_t rv;

    *count = 0;
    for (i = 0; i < set->count; i++) {
        set->wait[i].handle = set->item[i]->handle;
        set->wait[i].send = set->item[i]->sends;
        set->wait[i].ready = 0;
    }
    rv = mproc_plat_net_wait(set->wait, set->count, deadline);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (i = 0; i < set->count && *count < room; i++) {
        int at = (set->first + i) % set->count;
        if (set->wait[at].ready) {
            batons[(*count)++] = set->item[at]->baton;
        }
    }
    set->first = set->count > 0 ? (set->first + i) % set->count : 0;
    return APR_SUCCESS;
}
