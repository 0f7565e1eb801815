/*
 * test_net_key.c: nothing of a key is left in memory when it is not needed any
 * more (W16). Memory is looked through where it can be read as a file.
 */
#include <stdio.h>
#include <stdlib.h>

#include <apr_general.h>

#include "child.h"
#include "net.h"

#include "../../lib/src/family.h"

#define KEY_SIZE 32
#define MASK 0x5a
#define ALL_MOST ((size_t)1 << 26)    /* checkers of memory have more */
#define REGION_MOST ((size_t)1 << 24) /* larger ones are reserved, not used */

/* The key is nowhere but where it was copied to, not even in a register. */
static volatile unsigned char masked[KEY_SIZE];
static unsigned char window[65536];

static void
key_make(void)
{
    int i;
    REQUIRE_STATUS(APR_SUCCESS, apr_generate_random_bytes(
                                    (unsigned char *)masked, KEY_SIZE));
    for (i = 0; i < KEY_SIZE; i++) {
        masked[i] ^= MASK;
    }
}

static void
key_write(volatile unsigned char *plain)
{
    int i;
    for (i = 0; i < KEY_SIZE; i++) {
        plain[i] = masked[i] ^ MASK;
    }
}

static void
key_clear(volatile unsigned char *plain)
{
    int i;
    for (i = 0; i < KEY_SIZE; i++) {
        plain[i] = 0;
    }
}

static int
key_is_at(const unsigned char *at)
{
    int i;
    for (i = 0; i < KEY_SIZE && at[i] == (masked[i] ^ MASK); i++) {
    }
    return i == KEY_SIZE;
}

static int
window_search(size_t size)
{
    const unsigned char *end = window + size, *at = window;
    int found = 0;
    while (at + KEY_SIZE <= end &&
           (at = memchr(at, masked[0] ^ MASK,
                        (size_t)(end - at) - KEY_SIZE + 1)) != NULL) {
        found += key_is_at(at++);
    }
    return found;
}

/* In pieces that overlap; the window itself is passed over. */
static int
region_search(FILE *memory, size_t from, size_t to)
{
    int found = 0;
    while (from < to) {
        size_t size = to - from < sizeof window ? to - from : sizeof window;
        int own = from < (size_t)(window + sizeof window) &&
                  from + size > (size_t)window;
        if (!own && fseek(memory, (long)from, SEEK_SET) == 0) {
            found += window_search(fread(window, 1, size, memory));
        }
        from += sizeof window - KEY_SIZE;
    }
    memset(window, 0, sizeof window);
    return found;
}

/* How often the key is in memory that this process can write to. */
static int
key_search(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    FILE *memory = fopen("/proc/self/mem", "rb");
    char line[512], rights[8];
    size_t from, to, all = 0;
    int found = 0;
    if (maps == NULL || memory == NULL || sizeof(long) < sizeof(size_t)) {
        test_skip("memory cannot be read as a file");
    }
    setvbuf(memory, NULL, _IONBF, 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%zx-%zx %7s", &from, &to, rights) == 3 &&
            strcmp(rights, "rw-p") == 0 && to - from < REGION_MOST) {
            all += to - from;
            found += all < ALL_MOST ? region_search(memory, from, to) : 0;
        }
    }
    fclose(memory);
    fclose(maps);
    if (all >= ALL_MOST) {
        test_skip("there is too much memory to look through");
    }
    return found;
}

/* The dynamic linker writes registers to the stack when it looks for a function
 * that is called for the first time: so it must have looked for all. Where
 * checkers of memory have it elsewhere, nothing would be found at all. */
static void
key_needed(void)
{
    unsigned char *plain;
    int found;
    if (getenv("LD_BIND_NOW") == NULL) {
        test_skip("functions are looked for late; have LD_BIND_NOW=1");
    }
    plain = malloc(KEY_SIZE);
    key_write(plain);
    found = key_search();
    key_clear(plain);
    free(plain);
    if (found != 1) {
        test_skip("memory cannot be looked through here");
    }
}

static void
key_expect(int least, int most)
{
    int found = key_search();
    CHECK(found >= least && found <= most);
}

static void
talk_once(unsigned char *plain, const char *address, apr_pool_t *pool)
{
    mproc_net_options_t options = {.authkey = {plain, KEY_SIZE}};
    beside_t beside = {.options = &options};
    mproc_connection_t *here;
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_create(&beside.listener, address,
                                                      &options, pool));
    beside.address = mproc_listener_address(beside.listener);
    beside_start(&beside, beside_connect, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(beside.listener, &here,
                                                      test_deadline(), pool));
    beside_join(&beside);
    CHECK_STATUS(APR_SUCCESS, beside.status);
    mproc_connection_destroy(beside.connection);
    mproc_connection_destroy(here);
    key_expect(2, 9);
    mproc_listener_destroy(beside.listener);
    key_expect(1, 1);
}

static void
listeners_and_clients_leave_none(apr_pool_t *pool)
{
    static const char bad[] = "tcp:127.0.0.1:x";
    unsigned char *plain = malloc(KEY_SIZE);
    mproc_net_options_t options = {.authkey = {plain, KEY_SIZE}};
    mproc_listener_t *listener;
    mproc_connection_t *here;
    net_needed();
    key_make();
    key_needed();
    key_write(plain);
    key_expect(1, 1);
    talk_once(plain, LOCAL, pool);
    talk_once(plain, NULL, pool);
    /* What fails leaves none either. */
    CHECK_STATUS(APR_EINVAL,
                 mproc_listener_create(&listener, bad, &options, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_client_connect(&here, bad, &options, NULL));
    key_expect(1, 1);
    key_clear(plain);
    key_expect(0, 0);
    free(plain);
}

static int
has_key(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_bytes_t key = mproc_process_authkey(mproc_process_current());
    (void)args;
    (void)pool;
    return key.size == KEY_SIZE ? 7 : 8;
}

/* Nor in memory that others share. */
static void
processes_leave_none(apr_pool_t *pool)
{
    static const unsigned char none[MPROC__KEY_SIZE];
    unsigned char *plain = malloc(KEY_SIZE);
    mproc_process_options_t options = {.authkey = {plain, KEY_SIZE}};
    mproc_bytes_t other = {"other", 5};
    const mproc__record_t *record;
    mproc_process_t *child;
    options.start_method = test_method();
    key_make();
    key_needed();
    key_write(plain);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_process_create(&child, has_key, &options, NULL, NULL));
    key_clear(plain);
    key_expect(1, 1);
    record = child->record;
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(child));
    JOIN(child, 7);
    CHECK(memcmp(record->key, none, sizeof none) == 0);
    key_expect(0, 0);
    /* One that is not started; one whose key is changed. */
    key_write(plain);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_process_create(&child, has_key, &options, pool, NULL));
    key_clear(plain);
    key_expect(1, 1);
    CHECK_STATUS(APR_SUCCESS, mproc_process_set_authkey(child, other));
    key_expect(0, 0);
    free(plain);
}

static const test_case_t cases[] = {
    {"listeners_and_clients_leave_none", listeners_and_clients_leave_none},
    {"processes_leave_none", processes_leave_none},
    {NULL, NULL}};

const test_suite_t suite_net_key = {"net_key", 1, cases};
