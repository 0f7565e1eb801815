/* test_shm.c: shared memory with a name (SH1 to SH10). */
#include <stdio.h>
#include <string.h>

#include <apr_file_info.h>

#include "child.h"
#include "program.h"
#include "system.h"

#include "../../lib/src/layout.h"
#include "../../platform/plat_shm.h"

/* A name that nobody else on this machine has. */
static const char *
own_name(apr_pool_t *pool)
{
    static int count;
    return apr_psprintf(pool, "mproc-%" APR_INT64_T_FMT "-%d", system_pid(),
                        count++);
}

static int
exists(const char *name)
{
    mproc_plat_shm_t shm;
    if (mproc_plat_shm_attach(&shm, name) != APR_SUCCESS) {
        return 0;
    }
    mproc_plat_shm_close(&shm);
    return 1;
}

static int
vanishes(const char *name)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    while (exists(name) && mproc_clock() < deadline) {
        apr_sleep(1000);
    }
    return !exists(name);
}

static int
all_zero(const char *data, apr_size_t size)
{
    apr_size_t i;
    for (i = 0; i < size && data[i] == 0; i++) {
    }
    return i == size;
}

/* Places that the tree has for names, in use. */
static int
names_kept(void)
{
    int i, count = 0;
    for (i = 0; i < MPROC__NAMES; i++) {
        count += atomic_load(&mproc__arena.header->name[i]) != 0;
    }
    return count;
}

/* SH1, SH2: made, found, zeroed, of the size that was asked for. */
static void
made_and_found(apr_pool_t *pool)
{
    const char *name = own_name(pool);
    mproc_shm_t *shm, *same, *other;
    REQUIRE_STATUS(APR_SUCCESS, mproc_shm_create(&shm, name, 100001, pool));
    CHECK_TEXT(name, mproc_shm_name(shm));
    CHECK_INT(100001, mproc_shm_size(shm));
    CHECK(all_zero(mproc_shm_data(shm), 100001));
    CHECK_INT(0, (apr_size_t)mproc_shm_data(shm) % 16);
    REQUIRE_STATUS(APR_SUCCESS, mproc_shm_attach(&same, name, pool));
    CHECK(mproc_shm_size(same) >= 100001);
    CHECK_TEXT(name, mproc_shm_name(same));
    strcpy((char *)mproc_shm_data(shm) + 99990, "hello");
    CHECK_TEXT("hello", (char *)mproc_shm_data(same) + 99990);
    CHECK_STATUS(APR_EEXIST, mproc_shm_create(&other, name, 100, pool));
    CHECK(other == NULL);
    CHECK_DETAIL("is taken");
    CHECK_TEXT("hello", (char *)mproc_shm_data(same) + 99990);
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(same));
    CHECK_INT(0, names_kept());
}

/* SH1, SH3: without a name a random one. */
static void
random_names(apr_pool_t *pool)
{
    const char *prefix = mproc_plat_shm_prefix();
    mproc_shm_t *shm[20];
    int i, j;
    for (i = 0; i < 20; i++) {
        const char *name;
        REQUIRE_STATUS(APR_SUCCESS, mproc_shm_create(&shm[i], NULL, 1, pool));
        name = mproc_shm_name(shm[i]);
        CHECK(strncmp(name, prefix, strlen(prefix)) == 0);
        CHECK_INT(strlen(prefix) + 8, strlen(name));
        CHECK(exists(name));
        for (j = 0; j < i; j++) {
            CHECK(strcmp(name, mproc_shm_name(shm[j])) != 0);
        }
    }
    for (i = 0; i < 20; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(shm[i]));
    }
}

/* SH1: arguments, and names that are none. */
static void
misuse_is_a_status(apr_pool_t *pool)
{
    static const char *const bad[] = {"", "/", "a/b", "/a", ".", "..", NULL};
    mproc_shm_t *shm = (mproc_shm_t *)pool;
    const char *own;
    char name[300];
    int i;
    for (i = 0; bad[i] != NULL; i++) {
        CHECK_STATUS(APR_EINVAL, mproc_shm_create(&shm, bad[i], 1, pool));
        CHECK(shm == NULL);
        CHECK_STATUS(APR_EINVAL, mproc_shm_attach(&shm, bad[i], pool));
        CHECK_DETAIL("without a slash");
    }
    memset(name, 'm', sizeof name);
    name[MPROC_SHM_NAME_MAX + 1] = '\0';
    CHECK_STATUS(APR_EINVAL, mproc_shm_create(&shm, name, 1, pool));
    CHECK_STATUS(APR_EINVAL, mproc_shm_attach(&shm, name, pool));
    name[MPROC_SHM_NAME_MAX] = '\0';
    own = own_name(pool);
    memcpy(name, own, strlen(own));
    CHECK_STATUS(APR_SUCCESS, mproc_shm_create(&shm, name, 1, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(shm));
    CHECK_STATUS(APR_EINVAL, mproc_shm_create(&shm, NULL, 0, pool));
    CHECK_DETAIL("size is 0");
    CHECK_STATUS(APR_EINVAL, mproc_shm_create(NULL, NULL, 1, pool));
    CHECK_STATUS(APR_EINVAL, mproc_shm_attach(NULL, "mproc-x", pool));
    CHECK_STATUS(APR_EINVAL, mproc_shm_attach(&shm, NULL, pool));
    CHECK_STATUS(APR_ENOENT, mproc_shm_attach(&shm, own_name(pool), pool));
    CHECK(shm == NULL);
    CHECK_DETAIL("there is no");
    CHECK(mproc_shm_data(NULL) == NULL && mproc_shm_name(NULL) == NULL);
    CHECK_INT(0, mproc_shm_size(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_shm_unlink(NULL));
    mproc_shm_close(NULL);
    mproc_shm_destroy(NULL);
}

/* SH3: for this user alone, whatever the umask; POSIX. */
static void
rights_are_the_owners(apr_pool_t *pool)
{
    const char *folder = system_shared_names();
    mproc_shm_t *shm;
    apr_finfo_t info;
    if (folder == NULL) {
        test_skip("names are not files here");
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_shm_create(&shm, own_name(pool), 1, pool));
    CHECK_STATUS(
        APR_SUCCESS,
        apr_stat(&info,
                 apr_pstrcat(pool, folder, "/", mproc_shm_name(shm), NULL),
                 APR_FINFO_PROT | APR_FINFO_SIZE | APR_FINFO_NLINK, pool));
    CHECK_INT(APR_FPROT_UREAD | APR_FPROT_UWRITE, info.protection);
    CHECK_INT(1, info.size);
    CHECK_INT(1, info.nlink);
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(shm));
}

/* SH4: closed here, and only here; twice is fine. */
static void
closed_is_closed_here(apr_pool_t *pool)
{
    mproc_shm_t *shm, *same;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_shm_create(&shm, own_name(pool), 100, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_shm_attach(&same, mproc_shm_name(shm), NULL));
    strcpy(mproc_shm_data(shm), "stays");
    mproc_shm_close(shm);
    CHECK(mproc_shm_data(shm) == NULL);
    CHECK_DETAIL("closed");
    mproc_shm_close(shm);
    CHECK_INT(100, mproc_shm_size(shm));
    CHECK_TEXT(mproc_shm_name(same), mproc_shm_name(shm));
    CHECK_TEXT("stays", (char *)mproc_shm_data(same));
    CHECK(exists(mproc_shm_name(shm)));
    /* SH5: after close as well as before. */
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(shm));
    mproc_shm_close(same);
    mproc_shm_destroy(same);
}

/* SH5: once in all; who has it goes on; the name is free for another, which
 * a late unlink does not hit. */
static void
unlinked_once(apr_pool_t *pool)
{
    const char *name = own_name(pool);
    mproc_shm_t *shm, *same, *next;
    REQUIRE_STATUS(APR_SUCCESS, mproc_shm_create(&shm, name, 100, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_shm_attach(&same, name, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(shm));
    CHECK_STATUS(APR_ENOENT, mproc_shm_unlink(shm));
    CHECK_DETAIL("there is no");
    strcpy(mproc_shm_data(shm), "goes on");
    CHECK_TEXT("goes on", (char *)mproc_shm_data(same));
    if (!mproc_plat_shm_stays()) {
        test_skip("names go by themselves here");
    }
    CHECK_STATUS(APR_ENOENT, mproc_shm_unlink(same));
    CHECK_STATUS(APR_ENOENT, mproc_shm_attach(&next, name, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_shm_create(&next, name, 50, pool));
    CHECK_INT(0, *(char *)mproc_shm_data(next));
    CHECK_STATUS(APR_ENOENT, mproc_shm_unlink(shm));
    CHECK_STATUS(APR_ENOENT, mproc_shm_unlink(same));
    CHECK(exists(name));
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(next));
}

static int
use_it(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_shm_t *shm, *named;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &shm));
    CHILD_CHECK(mproc_shm_size(shm) >= 100);
    CHILD_CHECK(strcmp(mproc_shm_data(shm), "from the parent") == 0);
    strcpy(mproc_shm_data(shm), "from the child");
    CHILD_STATUS(APR_SUCCESS,
                 mproc_shm_attach(&named, mproc_shm_name(shm), pool));
    CHILD_CHECK(strcmp(mproc_shm_data(named), "from the child") == 0);
    mproc_shm_close(shm);
    mproc_shm_close(named);
    CHILD_CHECK(mproc_shm_data(shm) == NULL);
    return 0;
}

/* SH6: sent, and attached to by the receiver; its close is its own. */
static void
sent_to_a_child(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_shm_t *shm;
    REQUIRE_STATUS(APR_SUCCESS, mproc_shm_create(&shm, NULL, 100, pool));
    strcpy(mproc_shm_data(shm), "from the parent");
    START(child, use_it, pool, "o", shm);
    JOIN(child, 0);
    CHECK_TEXT("from the child", (char *)mproc_shm_data(shm));
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(shm));
}

static int
miss_it(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_shm_t *shm;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &shm));
    CHILD_CHECK(mproc_shm_data(shm) == NULL);
    CHILD_CHECK(strstr(mproc_error_detail(), "there is no") != NULL);
    CHILD_CHECK(mproc_shm_size(shm) == 100);
    CHILD_STATUS(APR_ENOENT, mproc_shm_unlink(shm));
    return 0;
}

/* SH6: unlinked before the receiver came to it; another block that has got
 * the name is not taken for it. */
static void
unlinked_meanwhile(apr_pool_t *pool)
{
    mproc_shm_t *shm, *other;
    mproc_process_t *child;
    if (!mproc_plat_shm_stays()) {
        test_skip("names go by themselves here");
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_shm_create(&shm, own_name(pool), 100, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(shm));
    START(child, miss_it, pool, "o", shm);
    JOIN(child, 0);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_shm_create(&other, mproc_shm_name(shm), 100, pool));
    START(child, miss_it, pool, "o", shm);
    JOIN(child, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(other));
}

/* SH7: what fails to be made leaves no name, and says how much it was. */
static void
no_room_is_a_status(apr_pool_t *pool)
{
    const char *name = own_name(pool);
    apr_size_t size = (apr_size_t)1 << (sizeof size > 4 ? 47 : 30);
    mproc_shm_t *shm;
    if (sizeof size <= 4) {
        test_skip("there may be room");
    }
    CHECK_STATUS(APR_ENOMEM, mproc_shm_create(&shm, name, size, pool));
    CHECK(shm == NULL);
    CHECK_DETAIL("140737488355328 bytes");
    CHECK(!exists(name));
    CHECK_INT(0, names_kept());
    CHECK_STATUS(APR_ENOMEM,
                 mproc_shm_create(&shm, NULL, ~(apr_size_t)0, pool));
    /* The name can be had. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_shm_create(&shm, name, 10, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(shm));
}

static void
another_tree(const char *what, const char *name, int code, apr_pool_t *pool)
{
    const char *args[] = {what, method_name(), name, NULL};
    program_t program;
    int got;
    program_start(&program, test_program("shm_main", pool), args, pool);
    got = program_end(&program);
    if (code == 0 ? got != 0 : got == 0) {
        fprintf(stderr, "shm_main %s %s: %d: %s", what, name, got,
                program.text);
        CHECK_TEXT(what, "");
    }
}

/* SH7, SH8: who attaches, from another tree, ends or dies, takes nothing. */
static void
attaching_never_destroys(apr_pool_t *pool)
{
    mproc_shm_t *shm;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_shm_create(&shm, own_name(pool), 100, pool));
    strcpy(mproc_shm_data(shm), "hello");
    another_tree("attach", mproc_shm_name(shm), 0, pool);
    CHECK_TEXT("seen", (char *)mproc_shm_data(shm) + 8);
    CHECK(exists(mproc_shm_name(shm)));
    another_tree("attach_dies", mproc_shm_name(shm), 1, pool);
    CHECK(exists(mproc_shm_name(shm)));
    strcpy(mproc_shm_data(shm), "good-bye");
    another_tree("attach", mproc_shm_name(shm), 1, pool);
    CHECK(exists(mproc_shm_name(shm)));
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(shm));
}

/* SH9: a name goes with the tree that made it, whichever process of it did,
 * and however that one ended; SH10: or with its last user. */
static void
names_go_with_the_tree(apr_pool_t *pool)
{
    const char *name = own_name(pool);
    another_tree("leave", name, 0, pool);
    CHECK(!exists(name));
    if (mproc_plat_shm_stays()) {
        another_tree("child_ends", name, 0, pool);
        CHECK(!exists(name));
        another_tree("child_dies", name, 0, pool);
        CHECK(!exists(name));
    }
    another_tree("parent_dies", name, 1, pool);
    CHECK(vanishes(name));
}

/* SH9: nobody is left to unlink it, and the header says so. */
static void
the_last_one_dies(apr_pool_t *pool)
{
    const char *name = own_name(pool);
    mproc_shm_t *shm;
    another_tree("leave_dies", name, 1, pool);
    if (!mproc_plat_shm_stays()) {
        CHECK(vanishes(name));
        return;
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_shm_attach(&shm, name, pool));
    CHECK_TEXT("hello", (char *)mproc_shm_data(shm));
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(shm));
}

static int
create_and_wait(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *ready, *never;
    mproc_shm_t *shm;
    const char *name;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "soo", &name, &ready, &never));
    CHILD_STATUS(APR_SUCCESS, mproc_shm_create(&shm, name, 100, pool));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(ready));
    mproc_event_wait(never, MPROC_FOREVER);
    return 0;
}

/* SH9: the creator is killed: the name stays, and is the tree's to unlink. */
static void
a_killed_creator(apr_pool_t *pool)
{
    const char *name = own_name(pool);
    mproc_event_t *ready, *never;
    mproc_process_t *child;
    mproc_shm_t *shm;
    if (!mproc_plat_shm_stays()) {
        test_skip("names go by themselves here");
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&ready, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&never, pool));
    START(child, create_and_wait, pool, "soo", name, ready, never);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
    KILL(child);
    CHECK_INT(1, names_kept());
    REQUIRE_STATUS(APR_SUCCESS, mproc_shm_attach(&shm, name, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(shm));
    CHECK_INT(0, names_kept());
}

/* SH10. */
static void
windows_names_go_by_themselves(apr_pool_t *pool)
{
    const char *name = own_name(pool);
    mproc_shm_t *shm, *same;
    if (mproc_plat_shm_stays()) {
        test_skip("names stay here");
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_shm_create(&shm, name, 100, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_shm_attach(&same, name, pool));
    mproc_shm_close(shm);
    CHECK(exists(name));
    mproc_shm_close(same);
    CHECK(!exists(name));
    CHECK_STATUS(APR_ENOENT, mproc_shm_attach(&same, name, pool));
}

/* ------------------------------------------------------------------- Python */

/* 1: it ran and found all as it must be. */
static int
python(const char *script, const char *name, apr_pool_t *pool)
{
    const char *args[] = {"python3", "-c", script, name, NULL};
    program_t program;
    int code;
    program_start(&program, "/usr/bin/env", args, pool);
    code = program_end(&program);
    if (code != 0 && name[0] != '\0') {
        fprintf(stderr, "python3: %d: %s\n", code, program.text);
    }
    return code == 0;
}

/* Its tracker is told to keep off, else it unlinks at its end. */
#define PYTHON_BEGIN                                                           \
    "import sys\n"                                                             \
    "from multiprocessing import shared_memory, resource_tracker\n"

/* SH3: one that is not ours attaches, and makes what we attach to. */
static void
python_shares_it(apr_pool_t *pool)
{
    const char *name = own_name(pool);
    mproc_shm_t *shm;
    if (system_shared_names() == NULL || !python(PYTHON_BEGIN, "", pool)) {
        test_skip("no python3");
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_shm_create(&shm, name, 5000, pool));
    strcpy(mproc_shm_data(shm), "hello");
    CHECK(python(PYTHON_BEGIN
                 "s = shared_memory.SharedMemory(sys.argv[1])\n"
                 "resource_tracker.unregister(s._name, 'shared_memory')\n"
                 "assert s.size == 5000, s.size\n"
                 "assert bytes(s.buf[:6]) == b'hello\\0'\n"
                 "s.buf[:5] = b'back\\0'\n"
                 "s.close()\n",
                 name, pool));
    CHECK_TEXT("back", (char *)mproc_shm_data(shm));
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(shm));
    CHECK(python(PYTHON_BEGIN
                 "s = shared_memory.SharedMemory(sys.argv[1], True, 3000)\n"
                 "resource_tracker.unregister(s._name, 'shared_memory')\n"
                 "s.buf[:5] = b'snake'\n"
                 "s.close()\n",
                 name, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_shm_attach(&shm, name, pool));
    CHECK_INT(3000, mproc_shm_size(shm));
    CHECK_TEXT("snake", (char *)mproc_shm_data(shm));
    CHECK_STATUS(APR_SUCCESS, mproc_shm_unlink(shm));
    CHECK_STATUS(APR_ENOENT, mproc_shm_unlink(shm));
}

static const test_case_t cases[] = {
    {"made_and_found", made_and_found},
    {"random_names", random_names},
    {"misuse_is_a_status", misuse_is_a_status},
    {"rights_are_the_owners", rights_are_the_owners},
    {"closed_is_closed_here", closed_is_closed_here},
    {"unlinked_once", unlinked_once},
    {"sent_to_a_child", sent_to_a_child},
    {"unlinked_meanwhile", unlinked_meanwhile},
    {"no_room_is_a_status", no_room_is_a_status},
    {"attaching_never_destroys", attaching_never_destroys},
    {"names_go_with_the_tree", names_go_with_the_tree},
    {"the_last_one_dies", the_last_one_dies},
    {"a_killed_creator", a_killed_creator},
    {"windows_names_go_by_themselves", windows_names_go_by_themselves},
    {"python_shares_it", python_shares_it},
    {NULL, NULL}};

const test_suite_t suite_shm = {"shm", 1, cases};
