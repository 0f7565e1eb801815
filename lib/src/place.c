/*
 * place.c: where a listener listens: a port, or the path of a Unix socket.
 *
 * A path outlives its listener when that is killed. Such a one is known by that
 * nobody answers, and is removed; nobody answers either between bind() and
 * listen() of another, so of two that begin at once one may take the path
 * from the other, which then hears nobody.
 */
#include "net.h"

#include <string.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_net.h"
#include "../../platform/plat_sys.h"
#include "error.h"

#define NAME_BYTES 16 /* random, of a folder's name */

static void
path_identify(apr_uint64_t identity[2], const char *path, apr_pool_t *pool)
{
    apr_finfo_t info;

    identity[0] = identity[1] = 0;
    if (apr_stat(&info, path, APR_FINFO_IDENT | APR_FINFO_LINK, pool) ==
        APR_SUCCESS) {
        identity[0] = (apr_uint64_t)info.device;
        identity[1] = (apr_uint64_t)info.inode;
    }
}

/* Whether the path is a socket that a dead listener left. */
static int
path_is_stale(const mproc__address_t *address, apr_pool_t *pool)
{
    apr_finfo_t info;
    apr_int64_t handle;
    apr_status_t rv;

    if (apr_stat(&info, address->path, APR_FINFO_TYPE | APR_FINFO_LINK, pool) !=
            APR_SUCCESS ||
        info.filetype != APR_SOCK) {
        return 0;
    }
    rv = mproc_plat_net_connect(&handle, address->resolved, mproc_plat_clock());
    if (rv == APR_SUCCESS) {
        mproc_plat_net_close(handle);
    }
    return APR_STATUS_IS_ECONNREFUSED(rv);
}

static apr_status_t
place_listen(mproc__place_t *place, const mproc__net_t *net, apr_port_t *port,
             apr_pool_t *pool)
{
    const mproc__address_t *address = &net->address;
    const apr_sockaddr_t *one;
    apr_status_t rv = APR_EINVAL;

    for (one = address->resolved; one != NULL; one = one->next) {
        rv = mproc_plat_net_listen(&place->handle, one, net->options.backlog,
                                   port);
        if (rv != APR_SUCCESS && address->path != NULL &&
            path_is_stale(address, pool) &&
            apr_file_remove(address->path, pool) == APR_SUCCESS) {
            rv = mproc_plat_net_listen(&place->handle, one,
                                       net->options.backlog, port);
        }
        if (rv == APR_SUCCESS) {
            return rv;
        }
    }
    return rv;
}

static apr_status_t
place_at(mproc__place_t *place, mproc__net_t *net, const char *call,
         apr_pool_t *pool)
{
    const mproc__address_t *address = &net->address;
    apr_port_t port;
    char text[120];
    apr_status_t rv;

    if (net->options.authkey.size == 0 && !mproc__address_is_local(address)) {
        return mproc__fail(APR_EINVAL,
                           "%s: \"%.200s\" can be reached from other machines, "
                           "and whoever connects would be let in without a "
                           "key; use a key, or 127.0.0.1, or unix:",
                           call, address->text);
    }
    rv = place_listen(place, net, &port, pool);
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "%s: cannot listen at \"%.200s\": %s", call,
                           address->text, apr_strerror(rv, text, sizeof text));
    }
    if (address->path != NULL) {
        place->path = address->path;
        path_identify(place->identity, place->path, pool);
        place->text = apr_pstrcat(pool, "unix:", place->path, NULL);
    }
    else {
        int v6 = strchr(address->host, ':') != NULL;
        place->text = apr_psprintf(pool, "tcp:%s%s%s:%d", v6 ? "[" : "",
                                   address->host, v6 ? "]" : "", (int)port);
    }
    return APR_SUCCESS;
}

/* A folder that nobody else can enter. */
static apr_status_t
folder_make(const char **folder, const char *call, apr_pool_t *pool)
{
    unsigned char bytes[NAME_BYTES];
    char name[2 * NAME_BYTES + 1], reason[120];
    const char *temp;
    apr_status_t rv = apr_temp_dir_get(&temp, pool);
    int i;

    if (rv == APR_SUCCESS) {
        rv = apr_generate_random_bytes(bytes, sizeof bytes);
    }
    for (i = 0; i < NAME_BYTES && rv == APR_SUCCESS; i++) {
        apr_snprintf(name + 2 * i, 3, "%02x", bytes[i]);
    }
    if (rv == APR_SUCCESS) {
        *folder = apr_pstrcat(pool, temp, "/mproc-", name, NULL);
        rv = apr_dir_make(
            *folder, APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE,
            pool);
    }
    return rv == APR_SUCCESS
               ? rv
               : mproc__fail(rv, "%s: cannot make a folder for the socket: %s",
                             call, apr_strerror(rv, reason, sizeof reason));
}

static apr_status_t
place_new(mproc__place_t *place, const mproc_net_options_t *options,
          mproc__net_t *net, const char *call, apr_pool_t *pool)
{
    const char *folder = NULL;
    apr_status_t rv =
        mproc__net_prepare(net, "unix:socket", options, call, pool);

    if (rv == APR_SUCCESS) {
        rv = folder_make(&folder, call, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__net_prepare(net,
                                apr_pstrcat(pool, "unix:", folder, "/s", NULL),
                                options, call, pool);
        if (rv == APR_SUCCESS) {
            rv = place_at(place, net, call, pool);
        }
        if (rv == APR_SUCCESS) {
            place->folder = folder;
            return rv;
        }
        (void)apr_dir_remove(folder, pool);
    }
    if (rv != APR_ENOTIMPL && rv != APR_ENAMETOOLONG) {
        return rv;
    }
    rv = mproc__net_prepare(net, "tcp:127.0.0.1:0", options, call, pool);
    return rv == APR_SUCCESS ? place_at(place, net, call, pool) : rv;
}

apr_status_t
mproc__place_open(mproc__place_t *place, const char *address,
                  const mproc_net_options_t *options, mproc__net_t *net,
                  const char *call, apr_pool_t *pool)
{
    apr_status_t rv;

    memset(place, 0, sizeof *place);
    place->handle = -1;
    if (address == NULL) {
        return place_new(place, options, net, call, pool);
    }
    rv = mproc__net_prepare(net, apr_pstrdup(pool, address), options, call,
                            pool);
    return rv == APR_SUCCESS ? place_at(place, net, call, pool) : rv;
}

void
mproc__place_remove(const mproc__place_t *place, apr_pool_t *pool)
{
    apr_uint64_t now[2];

    if (place->path != NULL) {
        path_identify(now, place->path, pool);
        if (now[0] == place->identity[0] && now[1] == place->identity[1]) {
            (void)apr_file_remove(place->path, pool);
        }
    }
    if (place->folder != NULL) {
        (void)apr_dir_remove(place->folder, pool);
    }
}
