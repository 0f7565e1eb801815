/* address.c: where a listener can be found: tcp:HOST:PORT or unix:PATH. */
#include "address.h"

#include <string.h>

#include <apr_file_info.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include <mproc/error.h>

#include "error.h"

static apr_status_t
address_refused(const char *call, const char *text, const char *why)
{
    return mproc__fail(APR_EINVAL, "%s: \"%.200s\": %s", call, text, why);
}

/* Digits up to the end, at most 65535. */
static int
port_read(const char *text, apr_port_t *port)
{
    unsigned value = 0;
    int digits = 0;

    for (; apr_isdigit(*text) && digits < 6; text++, digits++) {
        value = value * 10 + (unsigned)(*text - '0');
    }
    *port = (apr_port_t)value;
    return digits > 0 && *text == '\0' && value <= 65535;
}

static apr_status_t
tcp_parse(mproc__address_t *address, const char *rest, const char *call,
          apr_pool_t *pool)
{
    const char *colon = strrchr(rest, ':');
    apr_size_t length = colon == NULL ? 0 : (apr_size_t)(colon - rest);
    char reason[120];
    apr_port_t port;
    apr_status_t rv;

    if (length == 0 || !port_read(colon + 1, &port)) {
        return address_refused(call, address->text,
                               "write tcp:HOST:PORT, with a port from 0 to "
                               "65535, such as tcp:127.0.0.1:0");
    }
    if (rest[0] == '[' && rest[length - 1] == ']') {
        rest++;
        length -= 2;
    }
    else if (memchr(rest, ':', length) != NULL) {
        return address_refused(call, address->text,
                               "write an IPv6 address in brackets, such as "
                               "tcp:[::1]:0");
    }
    address->host = apr_pstrmemdup(pool, rest, length);
    rv = apr_sockaddr_info_get(&address->resolved, address->host, APR_UNSPEC,
                               port, 0, pool);
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "%s: \"%.200s\": the host is unknown: %s", call,
                           address->text,
                           apr_strerror(rv, reason, sizeof reason));
    }
    return APR_SUCCESS;
}

static apr_status_t
unix_parse(mproc__address_t *address, const char *rest, const char *call,
           apr_pool_t *pool)
{
    char *path = NULL;
    apr_status_t rv;

    if (*rest == '\0') {
        return address_refused(call, address->text,
                               "write unix:PATH; names without a file are not "
                               "offered, as anybody could take them");
    }
    rv = apr_filepath_merge(&path, NULL, rest, APR_FILEPATH_NATIVE, pool);
    if (rv != APR_SUCCESS) {
        return address_refused(call, address->text, "the path is none");
    }
    rv = apr_sockaddr_info_get(&address->resolved, path, APR_UNIX, 0, 0, pool);
    /* APR cuts off what does not fit. */
    if (rv == APR_SUCCESS &&
        (int)strlen(path) < address->resolved->ipaddr_len) {
        address->path = path;
        return APR_SUCCESS;
    }
    if (rv == APR_SUCCESS) {
        return mproc__fail(APR_ENAMETOOLONG,
                           "%s: \"%.200s\": the path has %d bytes, and that "
                           "is more than the address of a socket can hold: "
                           "%d",
                           call, address->text, (int)strlen(path),
                           address->resolved->ipaddr_len - 1);
    }
    return mproc__fail(APR_ENOTIMPL,
                       "%s: \"%.200s\": this system has no such sockets; use "
                       "tcp:127.0.0.1:PORT",
                       call, address->text);
}

apr_status_t
mproc__address_parse(mproc__address_t *address, const char *text,
                     const char *call, apr_pool_t *pool)
{
    memset(address, 0, sizeof *address);
    if (text == NULL) {
        return mproc__fail(APR_EINVAL, "%s: the address is NULL", call);
    }
    address->text = text;
    if (strncmp(text, "tcp:", 4) == 0) {
        return tcp_parse(address, text + 4, call, pool);
    }
    if (strncmp(text, "unix:", 5) == 0) {
        return unix_parse(address, text + 5, call, pool);
    }
    if (strncmp(text, "pipe:", 5) == 0) {
        return mproc__fail(APR_ENOTIMPL,
                           "%s: \"%.200s\": named pipes are not offered on "
                           "this system in this version; use "
                           "tcp:127.0.0.1:PORT",
                           call, text);
    }
    return address_refused(call, text, "it begins with neither tcp: nor unix:");
}

static int
sockaddr_is_local(const apr_sockaddr_t *address)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0,    0,
                                             0, 0, 0, 0, 0xff, 0xff};
    static const unsigned char one[16] = {[15] = 1};
    const unsigned char *bytes = address->ipaddr_ptr;

    if (address->ipaddr_len == 4) {
        return bytes[0] == 127;
    }
    return address->ipaddr_len == 16 &&
           (memcmp(bytes, one, sizeof one) == 0 ||
            (memcmp(bytes, mapped, sizeof mapped) == 0 && bytes[12] == 127));
}

int
mproc__address_is_local(const mproc__address_t *address)
{
    const apr_sockaddr_t *one;
    int local = 1;

    for (one = address->resolved; one != NULL && address->path == NULL;
         one = one->next) {
        local = local && sockaddr_is_local(one);
    }
    return local;
}
