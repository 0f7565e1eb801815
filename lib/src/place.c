/* place.c: where a listener listens: a port, or the path of a Unix socket. */
#include "net.h"

#include <string.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>

#include <mproc/error.h>

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

static apr_status_t
place_listen(mproc__net_place_t *place, const mproc__net_t *net,
             apr_port_t *port)
{
    const apr_sockaddr_t *one;
    apr_status_t rv = APR_EINVAL;

    if (net->address.pipe != NULL) {
        *port = 0;
        return mproc__socket_pipe_listen(&place->socket, net->address.pipe,
                                         net->options.backlog);
    }
    for (one = net->address.resolved; one != NULL; one = one->next) {
        rv = mproc__socket_open(&place->socket, one);
        if (rv == APR_SUCCESS) {
            rv = mproc_plat_net_listen(place->socket->handle, one,
                                       net->options.backlog, port);
        }
        if (rv == APR_SUCCESS) {
            return rv;
        }
        mproc__socket_close(place->socket);
        place->socket = NULL;
    }
    return rv;
}

static apr_status_t
place_at(mproc__net_place_t *place, mproc__net_t *net, const char *call,
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
    rv = place_listen(place, net, &port);
    if (rv == APR_ENOTIMPL && address->pipe != NULL) {
        return mproc__fail(rv, MPROC__NO_PIPES, call, address->text);
    }
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "%s: cannot listen at \"%.200s\": %s", call,
                           address->text, apr_strerror(rv, text, sizeof text));
    }
    if (address->pipe != NULL) {
        place->text = address->text;
    }
    else if (address->path != NULL) {
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

/* A name that nobody guesses. */
static apr_status_t
name_make(const char **name, apr_pool_t *pool)
{
    unsigned char bytes[NAME_BYTES];
    char text[2 * NAME_BYTES + 1];
    apr_status_t rv = apr_generate_random_bytes(bytes, sizeof bytes);
    int i;

    for (i = 0; i < NAME_BYTES && rv == APR_SUCCESS; i++) {
        apr_snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    if (rv == APR_SUCCESS) {
        *name = apr_pstrcat(pool, "mproc-", text, NULL);
    }
    return rv;
}

/* Note it where it is found by who recovers what this process had, should it
 * die; and first of all. */
static apr_status_t
folder_note(mproc__folder_t *note, const char *folder)
{
    if (strlen(folder) >= sizeof note->path) {
        return APR_ENAMETOOLONG; /* So would the socket's be. */
    }
    strcpy(note->path, folder);
    atomic_store(&note->noted, 1);
    return APR_SUCCESS;
}

/* It is this process's, and goes. */
static void
folder_forget(mproc__folder_t *note, const char *folder)
{
    mproc_plat_net_folder_remove(folder);
    atomic_store(&note->noted, 0);
}

/* A folder that nobody else can enter. */
static apr_status_t
folder_make(const char **folder, mproc__folder_t *note, const char *name,
            const char *call, apr_pool_t *pool)
{
    const char *temp;
    char reason[120];
    apr_status_t rv = apr_temp_dir_get(&temp, pool);

    if (rv == APR_SUCCESS) {
        *folder = apr_pstrcat(pool, temp, "/", name, NULL);
        rv = folder_note(note, *folder);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_dir_make(
            *folder, APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE,
            pool);
    }
    if (rv != APR_SUCCESS) {
        atomic_store(&note->noted, 0);
        return mproc__fail(rv, "%s: cannot make a folder for the socket: %s",
                           call, apr_strerror(rv, reason, sizeof reason));
    }
    return APR_SUCCESS;
}

/* A Unix socket in a folder of its own. APR_ENOTIMPL, APR_ENAMETOOLONG */
static apr_status_t
place_unix(mproc__net_place_t *place, const char *name,
           const mproc_net_options_t *options, mproc__net_t *net,
           const char *call, apr_pool_t *pool)
{
    const char *folder = NULL;
    apr_status_t rv =
        mproc__net_prepare(net, "unix:socket", options, 0, call, pool);

    if (rv == APR_SUCCESS) {
        rv = folder_make(&folder, place->note, name, call, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__net_prepare(
        net, apr_pstrcat(pool, "unix:", folder, "/" MPROC_PLAT_NET_OWN, NULL),
        options, 0, call, pool);
    if (rv == APR_SUCCESS) {
        rv = place_at(place, net, call, pool);
    }
    if (rv == APR_SUCCESS) {
        place->folder = folder;
    }
    else {
        folder_forget(place->note, folder);
    }
    return rv;
}

/* The best that there is. */
static apr_status_t
place_new(mproc__net_place_t *place, const mproc_net_options_t *options,
          mproc__net_t *net, const char *call, apr_pool_t *pool)
{
    const char *name, *address[2] = {NULL, "tcp:127.0.0.1:0"};
    apr_status_t rv = name_make(&name, pool);
    int i;

    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "%s: the system gives no random bytes", call);
    }
    address[0] = apr_pstrcat(pool, "pipe:", name, NULL);
    rv = place_unix(place, name, options, net, call, pool);
    for (i = 0; i < 2 && (rv == APR_ENOTIMPL || rv == APR_ENAMETOOLONG); i++) {
        rv = mproc__net_prepare(net, address[i], options, 0, call, pool);
        if (rv == APR_SUCCESS) {
            rv = place_at(place, net, call, pool);
        }
    }
    return rv;
}

apr_status_t
mproc__place_open(mproc__net_place_t *place, mproc__folder_t *note,
                  const char *address, const mproc_net_options_t *options,
                  mproc__net_t *net, const char *call, apr_pool_t *pool)
{
    apr_status_t rv;

    memset(place, 0, sizeof *place);
    place->note = note;
    if (address == NULL) {
        return place_new(place, options, net, call, pool);
    }
    rv = mproc__net_prepare(net, apr_pstrdup(pool, address), options, 0, call,
                            pool);
    return rv == APR_SUCCESS ? place_at(place, net, call, pool) : rv;
}

void
mproc__place_remove(const mproc__net_place_t *place, apr_pool_t *pool)
{
    apr_uint64_t now[2];

    if (place->path != NULL) {
        path_identify(now, place->path, pool);
        if (now[0] == place->identity[0] && now[1] == place->identity[1]) {
            (void)apr_file_remove(place->path, pool);
        }
    }
    if (place->folder != NULL) {
        folder_forget(place->note, place->folder);
    }
}
