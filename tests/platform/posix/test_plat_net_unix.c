/*
 * test_plat_net_unix.c: what plat_net.h promises about descriptors, and about
 * the paths of Unix sockets.
 */
#define _GNU_SOURCE
#include "../child.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <apr_portable.h>
#include <apr_strings.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plat_net.h"
#include "posix/net_unix.h"

#define NOBODY 65534

static void
socket_check(apr_int64_t handle)
{
    int fd = (int)handle;

    CHECK(fd > STDERR_FILENO);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    mproc_plat_net_close(handle);
}

/* Sockets are not inherited, and never wait. */
static void
case_descriptors(apr_pool_t *pool)
{
    char peer[MPROC_PLAT_NET_TEXT];
    apr_int64_t end[2], listener, here, there;
    apr_sockaddr_t *address;
    apr_port_t port;

    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_pair(end));
    socket_check(end[0]);
    socket_check(end[1]);
    REQUIRE_STATUS(APR_SUCCESS, apr_sockaddr_info_get(&address, "127.0.0.1",
                                                      APR_INET, 0, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_open(&listener, address));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_net_listen(listener, address, 1, &port));
    apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, port, 0, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_open(&there, address));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_net_connect(there, address, deadline_far()));
    while (mproc_plat_net_accept(listener, &here, peer) == APR_EAGAIN) {
    }
    socket_check(here);
    socket_check(there);
    socket_check(listener);
}

/* ------------------------------------------------------------------- paths */

/* A folder of its own, and the address of a path in it. */
typedef struct place_t {
    char folder[64];
    const char *path;
    apr_sockaddr_t *address;
} place_t;

static void
place_make(place_t *place, apr_pool_t *pool)
{
    strcpy(place->folder, "/tmp/mproc-test-XXXXXX");
    REQUIRE(mkdtemp(place->folder) != NULL);
    place->path = apr_pstrcat(pool, place->folder, "/s", NULL);
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_sockaddr_info_get(&place->address, place->path, APR_UNIX,
                                         0, 0, pool));
}

static apr_status_t
place_listen(const place_t *place, apr_int64_t *handle)
{
    apr_port_t port;
    apr_status_t rv;

    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_open(handle, place->address));
    rv = mproc_plat_net_listen(*handle, place->address, 5, &port);
    if (rv != APR_SUCCESS) {
        mproc_plat_net_close(*handle);
    }
    return rv;
}

static void
place_end(const place_t *place)
{
    unlink(place->path);
    rmdir(place->folder);
}

/* Whatever rights the process gives by default. */
static void
case_path_is_private(apr_pool_t *pool)
{
    static const mode_t masks[] = {0, 077, 022};
    struct stat file;
    apr_int64_t handle;
    place_t place;

    place_make(&place, pool);
    for (int i = 0; i < 3; i++) {
        mode_t before = umask(masks[i]);
        CHECK_STATUS(APR_SUCCESS, place_listen(&place, &handle));
        umask(before);
        REQUIRE(lstat(place.path, &file) == 0);
        CHECK(S_ISSOCK(file.st_mode));
        CHECK_INT(0600, file.st_mode & 07777);
        mproc_plat_net_close(handle);
        unlink(place.path);
    }
    place_end(&place);
}

static void *
rights_watch(void *baton)
{
    const char *path = baton;
    struct stat file;
    apr_time_t end = mproc_plat_clock() + 200000;
    intptr_t open = 0;

    while (mproc_plat_clock() < end) {
        if (lstat(path, &file) == 0 && (file.st_mode & 077) != 0) {
            open++;
        }
    }
    return (void *)open;
}

/* Not even for a moment: where the system gives the path the socket's rights.
 */
static void
case_path_is_never_open(apr_pool_t *pool)
{
    mode_t before = umask(0);
    pthread_t watcher;
    apr_int64_t handle;
    place_t place;
    void *open;

    place_make(&place, pool);
    REQUIRE(pthread_create(&watcher, NULL, rights_watch, (void *)place.path) ==
            0);
    for (apr_time_t end = mproc_plat_clock() + 180000;
         mproc_plat_clock() < end;) {
        CHECK_STATUS(APR_SUCCESS, place_listen(&place, &handle));
        mproc_plat_net_close(handle);
        unlink(place.path);
    }
    pthread_join(watcher, &open);
    umask(before);
#if defined __linux__
    CHECK_INT(0, (intptr_t)open);
#endif
    place_end(&place);
}

/* A path that a dead listener left is taken over, but not while somebody else
 * may be at it; one that lives, be it that it has yet to listen, or is none,
 * never. Who lives sees nothing of that. */
static void
case_path_is_taken_over(apr_pool_t *pool)
{
    char peer[MPROC_PLAT_NET_TEXT];
    apr_int64_t handle, second;
    place_t place;
    int folder, fd;

    place_make(&place, pool);
    CHECK_STATUS(APR_SUCCESS, place_listen(&place, &handle));
    CHECK_STATUS(EADDRINUSE, place_listen(&place, &second));
    CHECK_STATUS(APR_EAGAIN, mproc_plat_net_accept(handle, &second, peer));
    mproc_plat_net_end(handle);
    CHECK_STATUS(EADDRINUSE, place_listen(&place, &second));
    mproc_plat_net_close(handle);
    unlink(place.path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(bind(fd, (struct sockaddr *)(void *)&place.address->sa,
                 (socklen_t)place.address->salen) == 0);
    CHECK_STATUS(EADDRINUSE, place_listen(&place, &second));
    close(fd);
    folder = open(place.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(folder >= 0 && flock(folder, LOCK_EX) == 0);
    CHECK_STATUS(EADDRINUSE, place_listen(&place, &second));
    unlink(place.path);
    CHECK_STATUS(APR_SUCCESS, place_listen(&place, &handle));
    mproc_plat_net_close(handle);
    close(folder);
    CHECK_STATUS(APR_SUCCESS, place_listen(&place, &handle));
    mproc_plat_net_close(handle);
    unlink(place.path);
    REQUIRE(symlink("nowhere", place.path) == 0);
    CHECK_STATUS(EADDRINUSE, place_listen(&place, &second));
    place_end(&place);
}

/* In the child: connect as nobody. */
static int
nobody_connects(const place_t *place)
{
    apr_int64_t handle;
    mproc_plat_net_item_t item = {-1, 0, 0};
    char byte;
    apr_size_t size = 1;

    if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0 ||
        mproc_plat_net_open(&handle, place->address) != APR_SUCCESS) {
        return 1;
    }
    if (mproc_plat_net_connect(handle, place->address, deadline_far()) !=
        APR_SUCCESS) {
        return 2;
    }
    item.handle = handle;
    if (mproc_plat_net_wait(&item, 1, deadline_far()) != APR_SUCCESS) {
        return 3;
    }
    return mproc_plat_net_recv(handle, &byte, &size) == APR_SUCCESS ? 4 : 0;
}

/* Another user is sent away, also where the rights of the path were changed. */
static void
case_other_users(apr_pool_t *pool)
{
    char peer[MPROC_PLAT_NET_TEXT];
    apr_int64_t listener, here;
    mproc_plat_proc_t proc;
    apr_status_t rv;
    place_t place;

    if (geteuid() != 0) {
        test_skip("only root can be somebody else");
    }
    if (!mproc__unix_peer_is_told()) {
        test_skip("the system does not tell who it is");
    }
    place_make(&place, pool);
    REQUIRE_STATUS(APR_SUCCESS, place_listen(&place, &listener));
    chmod(place.folder, 0777);
    chmod(place.path, 0777);
    rv = mproc_plat_proc_fork(&proc, pool);
    if (rv == APR_INCHILD) {
        _Exit(nobody_connects(&place));
    }
    REQUIRE_STATUS(APR_INPARENT, rv);
    for (apr_time_t end = mproc_plat_clock() + 100000;
         mproc_plat_clock() < end;) {
        mproc_plat_net_item_t item = {listener, 0, 0};
        (void)mproc_plat_net_wait(&item, 1, mproc_plat_clock() + 10000);
        CHECK_STATUS(APR_EAGAIN, mproc_plat_net_accept(listener, &here, peer));
    }
    CHECK_INT(0, child_join(&proc));
    /* This one is let in. */
    rv = mproc_plat_proc_fork(&proc, pool);
    if (rv == APR_INCHILD) {
        _Exit(mproc_plat_net_open(&here, place.address) != APR_SUCCESS ||
              mproc_plat_net_connect(here, place.address, deadline_far()) !=
                  APR_SUCCESS);
    }
    REQUIRE_STATUS(APR_INPARENT, rv);
    CHECK_INT(0, child_join(&proc));
    CHECK_STATUS(APR_SUCCESS, mproc_plat_net_accept(listener, &here, peer));
    mproc_plat_net_close(here);
    mproc_plat_net_close(listener);
    place_end(&place);
}

static const test_case_t cases[] = {
    {"descriptors", case_descriptors},
    {"path_is_private", case_path_is_private},
    {"path_is_never_open", case_path_is_never_open},
    {"path_is_taken_over", case_path_is_taken_over},
    {"other_users", case_other_users},
    {NULL, NULL}};

const test_suite_t suite_plat_net_unix = {"plat_net_unix", 0, cases};
