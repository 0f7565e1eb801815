/* test_plat_shm.c: the contract of shared memory with a name. */
#include "child.h"

#include "plat_shm.h"

#include <apr_strings.h>

#include <string.h>

#if !defined _WIN32
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

typedef struct noted_t {
    int count;
    int found; /* somebody could find the name by then */
    apr_uint64_t identity[2];
    const char *name;
} noted_t;

static void
note(void *baton, const apr_uint64_t identity[2])
{
    noted_t *noted = baton;
    mproc_plat_shm_t shm;

    noted->count++;
    memcpy(noted->identity, identity, sizeof noted->identity);
    if (mproc_plat_shm_attach(&shm, noted->name) == APR_SUCCESS) {
        noted->found = 1;
        mproc_plat_shm_close(&shm);
    }
}

static const char *
own_name(apr_pool_t *pool)
{
    return apr_psprintf(pool, "mproc-plat-%" APR_INT64_T_FMT, mproc_plat_pid());
}

static void
case_made_and_found(apr_pool_t *pool)
{
    const char *name = own_name(pool);
    mproc_plat_shm_t shm, same;
    noted_t noted = {0};

    noted.name = name;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_shm_create(&shm, name, 70000, note, &noted));
    CHECK(noted.count > 0);
    CHECK_INT(0, noted.found);
    CHECK(memcmp(noted.identity, shm.identity, sizeof shm.identity) == 0);
    CHECK_INT(70000, shm.size);
    CHECK_INT(0, ((char *)shm.base)[69999]);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_shm_attach(&same, name));
    CHECK(same.size >= 70000);
    CHECK(memcmp(same.identity, shm.identity, sizeof shm.identity) == 0);
    strcpy(shm.base, "hello");
    CHECK_TEXT("hello", same.base);
    CHECK_STATUS(APR_EEXIST,
                 mproc_plat_shm_create(&shm, name, 10, note, &noted));
    CHECK(shm.base == NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_plat_shm_unlink(name, same.identity));
    mproc_plat_shm_close(&same);
    mproc_plat_shm_close(&same);
}

static void
case_unlinked(apr_pool_t *pool)
{
    const char *name = own_name(pool);
    mproc_plat_shm_t shm, next;
    noted_t noted = {0};

    if (!mproc_plat_shm_stays()) {
        test_skip("names go by themselves here");
    }
    noted.name = name;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_shm_create(&shm, name, 10, note, &noted));
    CHECK_STATUS(APR_SUCCESS, mproc_plat_shm_unlink(name, shm.identity));
    CHECK_STATUS(APR_ENOENT, mproc_plat_shm_unlink(name, shm.identity));
    CHECK_STATUS(APR_ENOENT, mproc_plat_shm_attach(&next, name));
    /* The same name, but another block. */
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_shm_create(&next, name, 10, note, &noted));
    CHECK_STATUS(APR_ENOENT, mproc_plat_shm_unlink(name, shm.identity));
    CHECK_STATUS(APR_SUCCESS, mproc_plat_shm_unlink(name, next.identity));
    mproc_plat_shm_close(&shm);
    mproc_plat_shm_close(&next);
}

static void
case_no_room(apr_pool_t *pool)
{
    const char *name = own_name(pool);
    mproc_plat_shm_t shm;
    noted_t noted = {0};

    noted.name = name;
    CHECK_STATUS(
        APR_ENOMEM,
        mproc_plat_shm_create(&shm, name, (apr_uint64_t)1 << 62, note, &noted));
    CHECK(shm.base == NULL);
    CHECK_STATUS(APR_ENOENT, mproc_plat_shm_attach(&shm, name));
}

/* What another program sees of it, and what it gives us. */
static void
case_other_programs(apr_pool_t *pool)
{
#if defined _WIN32
    (void)pool;
    test_skip("for Unix");
#else
    const char *name = own_name(pool);
    const char *path = apr_pstrcat(pool, "/", name, NULL);
    mproc_plat_shm_t shm;
    noted_t noted = {0};
    struct stat file;
    mode_t mask;

    noted.name = name;
    mask = umask(0777);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_shm_create(&shm, name, 5000, note, &noted));
    umask(mask);
    mproc_plat_shm_close(&shm);
    int fd = shm_open(path, O_RDWR, 0);
    REQUIRE(fd >= 0);
    REQUIRE(fstat(fd, &file) == 0);
    CHECK_INT(5000, file.st_size);
    CHECK_INT(0600, file.st_mode & 0777);
    CHECK(file.st_uid == geteuid());
    CHECK(file.st_blocks * 512 >= 5000);
    close(fd);
    CHECK(shm_unlink(path) == 0);
    /* One without a size, and one without memory behind it. */
    fd = shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    REQUIRE(fd >= 0);
    CHECK_STATUS(APR_ENOENT, mproc_plat_shm_attach(&shm, name));
    CHECK(ftruncate(fd, 1 << 20) == 0);
    CHECK_STATUS(APR_SUCCESS, mproc_plat_shm_attach(&shm, name));
    CHECK(fstat(fd, &file) == 0 && file.st_blocks * 512 >= 1 << 20);
    CHECK_INT(1 << 20, shm.size);
    CHECK_STATUS(APR_SUCCESS, mproc_plat_shm_unlink(name, shm.identity));
    mproc_plat_shm_close(&shm);
    /* More than there is. */
    CHECK(ftruncate(fd, 0) == 0);
    close(fd);
    fd = shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(ftruncate(fd, (off_t)1 << 46) == 0);
    CHECK_STATUS(APR_ENOMEM, mproc_plat_shm_attach(&shm, name));
    close(fd);
    CHECK(shm_unlink(path) == 0);
#endif
}

static const test_case_t cases[] = {{"made_and_found", case_made_and_found},
                                    {"unlinked", case_unlinked},
                                    {"no_room", case_no_room},
                                    {"other_programs", case_other_programs},
                                    {NULL, NULL}};

const test_suite_t suite_plat_shm = {"plat_shm", 0, cases};
