/*
 * manager.c: objects in a server, which any process with its address can use.
 *
 * Sections: s10, a dict and a list, changed by a child; s29, the same by ten
 * children; namespace, named attributes; account, a type of our own, with
 * methods; lock, one in the server, whose holder is killed; pool, workers that
 * are the server's.
 *
 * What shares.c has in the memory of the process tree is here in a server of
 * its own: the calls are the same.
 */
#include <mproc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/seed.h"

enum {
    SIGNERS = 10,
    PAYERS = 4,
    PAYMENTS = 25,
    EXIT_SKIP = 77
};

/* A server; ends with the pool. */
static mproc_manager_t *
server_start(mproc_manager_initializer_fn_t initializer, apr_pool_t *pool)
{
    mproc_manager_options_t options = {.initializer = initializer};
    mproc_manager_t *manager;
    apr_status_t rv = mproc_manager_start(&manager, &options, pool);

    if (APR_STATUS_IS_ENOTIMPL(rv)) {
        fprintf(stderr, "skipped: %s\n", mproc_error_detail());
        exit(EXIT_SKIP);
    }
    if (!CHECK_OK(rv)) {
        exit(1);
    }
    return manager;
}

static void
processes_run(mproc_process_t **process, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        CHECK_OK(mproc_process_start(process[i]));
    }
    for (i = 0; i < count; i++) {
        process_expect(process[i], 0);
    }
}

/* Print something that was read, and check what is printed. */
static void
datum_look(const mproc_datum_t *datum, const char *expected, apr_pool_t *pool)
{
    const char *text = mproc_datum_text(datum, pool);

    seed_say("%s", text);
    CHECK(strcmp(text, expected) == 0);
}

/* ---------------------------------------------- s10, s29: dict and list */

static int
fill(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_dict_t *dict;
    mproc_list_t *numbers;

    if (mproc_unpack(args, pool, "o o", &dict, &numbers) != APR_SUCCESS) {
        return 1;
    }
    return mproc_dict_setf(dict, "a", "i", 1) != APR_SUCCESS ||
           mproc_dict_setf(dict, "b", "i", 2) != APR_SUCCESS ||
           mproc_list_setf(numbers, 0, "i", 100) != APR_SUCCESS;
}

static void
section_s10(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(NULL, pool);
    mproc_datum_t *map, *items;
    mproc_process_t *process;
    mproc_list_t *numbers;
    mproc_dict_t *dict;

    CHECK_OK(mproc_manager_dict(manager, &dict, NULL, pool));
    CHECK_OK(mproc_manager_list(manager, &numbers, NULL, pool));
    CHECK_OK(mproc_list_extendf(numbers, "[i i i i i]", 0, 1, 2, 3, 4));
    CHECK_OK(
        mproc_process_create(&process, fill, NULL, pool, "o o", dict, numbers));
    processes_run(&process, 1);
    CHECK_OK(mproc_dict_datum(dict, &map, pool));
    CHECK_OK(mproc_list_datum(numbers, &items, pool));
    datum_look(map, "{\"a\": 1, \"b\": 2}", pool);
    datum_look(items, "[100, 1, 2, 3, 4]", pool);
    CHECK_OK(mproc_manager_shutdown(manager, APR_USEC_PER_SEC));
}

/* It has neither: it asks the server for what has these names. */
static int
sign(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_manager_t *manager;
    const char *address;
    mproc_bytes_t pid;
    mproc_dict_t *dict;
    mproc_list_t *pids;

    if (mproc_unpack(args, pool, "s", &address) != APR_SUCCESS ||
        mproc_manager_connect(&manager, address, NULL, pool) != APR_SUCCESS ||
        mproc_manager_dict(manager, &dict, "signed", pool) != APR_SUCCESS ||
        mproc_manager_list(manager, &pids, "pids", pool) != APR_SUCCESS) {
        return 1;
    }
    /* A key that is no text: packed. */
    return mproc_pack(&pid, pool, "I",
                      mproc_process_pid(mproc_process_current())) !=
               APR_SUCCESS ||
           mproc_dict_set(dict, pid, pid) != APR_SUCCESS ||
           mproc_list_append(pids, pid) != APR_SUCCESS;
}

static void
section_s29(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(NULL, pool);
    const char *address = mproc_manager_address(manager);
    mproc_process_t *process[SIGNERS];
    mproc_dict_pair_t *pairs;
    apr_size_t count = 0, found, at;
    mproc_list_t *pids;
    mproc_dict_t *dict;
    int i, number;

    CHECK_OK(mproc_manager_dict(manager, &dict, "signed", pool));
    CHECK_OK(mproc_manager_list(manager, &pids, "pids", pool));
    CHECK_OK(mproc_list_extendf(pids, "[i i i]", 0, 1, 2));
    for (i = 0; i < SIGNERS; i++) {
        CHECK_OK(
            mproc_process_create(&process[i], sign, NULL, pool, "s", address));
    }
    processes_run(process, SIGNERS);
    CHECK_OK(mproc_dict_snapshot(dict, &pairs, &count, pool));
    seed_say("%lu keys, %lu elements", (unsigned long)count,
             (unsigned long)mproc_list_size(pids));
    CHECK(count == SIGNERS && mproc_list_size(pids) == SIGNERS + 3);
    for (i = 0; i < 3; i++) {
        CHECK_OK(mproc_list_getf(pids, i, pool, "i", &number));
        CHECK(number == i);
    }
    for (at = 0; at < count; at++) {
        apr_int64_t key = 0, value = 1;

        CHECK_OK(mproc_unpack(pairs[at].key, pool, "I", &key));
        CHECK_OK(mproc_unpack(pairs[at].value, pool, "I", &value));
        CHECK(key == value);
        CHECK_OK(mproc_list_indexf(pids, &found, "I", key));
        CHECK(found >= 3);
    }
    CHECK_OK(mproc_manager_shutdown(manager, APR_USEC_PER_SEC));
}

/* ------------------------------------------------------------- namespace */

/* What is there, doubled; and the list that is in it, one longer. */
static int
enlarge(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_namespace_t *space;
    mproc_list_t *rooms;
    int width;

    if (mproc_unpack(args, pool, "o", &space) != APR_SUCCESS ||
        mproc_namespace_getf(space, "width", pool, "i", &width) !=
            APR_SUCCESS ||
        mproc_namespace_getf(space, "rooms", pool, "o", &rooms) !=
            APR_SUCCESS) {
        return 1;
    }
    return mproc_namespace_setf(space, "width", "i", 2 * width) !=
               APR_SUCCESS ||
           mproc_namespace_setf(space, "owner", "s", "anna") != APR_SUCCESS ||
           mproc_list_appendf(rooms, "s", "attic") != APR_SUCCESS;
}

static void
section_namespace(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(NULL, pool);
    mproc_namespace_t *space;
    mproc_process_t *process;
    mproc_list_t *rooms;
    mproc_datum_t *items;
    const char *owner = "";
    int width = 0;

    CHECK_OK(mproc_manager_namespace(manager, &space, NULL, pool));
    CHECK_OK(mproc_manager_list(manager, &rooms, NULL, pool));
    CHECK_OK(mproc_list_appendf(rooms, "s", "kitchen"));
    CHECK_OK(mproc_namespace_setf(space, "width", "i", 6));
    CHECK_OK(mproc_namespace_setf(space, "rooms", "o", rooms));
    CHECK_OK(mproc_process_create(&process, enlarge, NULL, pool, "o", space));
    processes_run(&process, 1);
    CHECK_OK(mproc_namespace_getf(space, "width", pool, "i", &width));
    CHECK_OK(mproc_namespace_getf(space, "owner", pool, "s", &owner));
    seed_say("width is %d, owner is %s", width, owner);
    CHECK(width == 12 && strcmp(owner, "anna") == 0);
    CHECK_OK(mproc_list_datum(rooms, &items, pool));
    datum_look(items, "[\"kitchen\", \"attic\"]", pool);
    CHECK_OK(mproc_manager_shutdown(manager, APR_USEC_PER_SEC));
}

/* --------------------------------------------- account: a type of our own */

/* In the server only. Methods of one account run one after the other. */
typedef struct account_t {
    int balance;
} account_t;

static apr_status_t
account_create(void **self, mproc_bytes_t args, apr_pool_t *pool)
{
    account_t *account = apr_palloc(pool, sizeof *account);

    *self = account;
    return mproc_unpack(args, pool, "i", &account->balance);
}

static apr_status_t
account_deposit(void *self, mproc_bytes_t args, mproc_reply_t *reply,
                apr_pool_t *pool)
{
    account_t *account = self;
    apr_status_t rv;
    int amount;

    rv = mproc_unpack(args, pool, "i", &amount);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    account->balance += amount;
    return mproc_reply(reply, "i", account->balance);
}

static apr_status_t
account_withdraw(void *self, mproc_bytes_t args, mproc_reply_t *reply,
                 apr_pool_t *pool)
{
    account_t *account = self;
    apr_status_t rv;
    int amount;

    rv = mproc_unpack(args, pool, "i", &amount);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (amount > account->balance) {
        return mproc_reply_error(reply, APR_EINVAL,
                                 "%d is more than the %d that are there",
                                 amount, account->balance);
    }
    account->balance -= amount;
    return mproc_reply(reply, "i", account->balance);
}

static const mproc_method_t account_methods[] = {
    {"deposit", account_deposit}, {"withdraw", account_withdraw}, {NULL, NULL}};

static const mproc_manager_type_t account_type = {
    .name = "account", .create = account_create, .methods = account_methods};

/* Runs in the server, which learns the type by it. */
static apr_status_t
types_register(mproc_manager_t *manager, void *baton)
{
    (void)baton;
    return mproc_manager_register_type(manager, &account_type);
}

static int
pay(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_remote_t *account;
    int i;

    if (mproc_unpack(args, pool, "o", &account) != APR_SUCCESS) {
        return 1;
    }
    for (i = 0; i < PAYMENTS; i++) {
        if (mproc_remote_call(account, "deposit", NULL, pool, "i", 2) !=
            APR_SUCCESS) {
            return 2;
        }
    }
    return 0;
}

static void
section_account(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(types_register, pool);
    mproc_process_t *process[PAYERS];
    mproc_remote_t *account;
    mproc_bytes_t result;
    int i, balance = 0;

    CHECK_OK(mproc_manager_remote(manager, &account, "account", NULL, pool, "i",
                                  100));
    for (i = 0; i < PAYERS; i++) {
        CHECK_OK(
            mproc_process_create(&process[i], pay, NULL, pool, "o", account));
    }
    processes_run(process, PAYERS);
    CHECK_OK(mproc_remote_call(account, "withdraw", &result, pool, "i", 50));
    CHECK_OK(mproc_unpack(result, pool, "i", &balance));
    seed_say("balance: %d", balance);
    CHECK(balance == 100 + PAYERS * PAYMENTS * 2 - 50);
    CHECK(mproc_remote_call(account, "withdraw", NULL, pool, "i", 1000) ==
          APR_EINVAL);
    seed_say("refused: %s", mproc_error_detail());
    CHECK(strstr(mproc_error_detail(), "1000 is more than the 250") != NULL);
    CHECK(mproc_remote_call(account, "rob", NULL, pool, "i", 1) ==
          MPROC_EREMOTE);
    CHECK_OK(mproc_manager_shutdown(manager, APR_USEC_PER_SEC));
}

/* ------------------------------------------------------------------- lock */

/* Reading and writing are two calls: the lock makes one of them. */
static int
add(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_dict_t *dict;
    mproc_lock_t *lock;
    int i, total;

    if (mproc_unpack(args, pool, "o o", &dict, &lock) != APR_SUCCESS) {
        return 1;
    }
    for (i = 0; i < PAYMENTS; i++) {
        if (mproc_lock_acquire(lock, MPROC_FOREVER) != APR_SUCCESS ||
            mproc_dict_getf(dict, "total", pool, "i", &total) != APR_SUCCESS ||
            mproc_dict_setf(dict, "total", "i", total + 1) != APR_SUCCESS ||
            mproc_lock_release(lock) != APR_SUCCESS) {
            return 2;
        }
    }
    return 0;
}

/* Takes the lock, says so, and never gives it back. */
static int
take(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;
    mproc_event_t *taken;

    if (mproc_unpack(args, pool, "o o", &lock, &taken) != APR_SUCCESS ||
        mproc_lock_acquire(lock, MPROC_FOREVER) != APR_SUCCESS ||
        mproc_event_set(taken) != APR_SUCCESS) {
        return 1;
    }
    for (;;) {
        apr_sleep(APR_USEC_PER_SEC);
    }
}

static void
section_lock(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(NULL, pool);
    mproc_process_t *process[PAYERS], *holder;
    mproc_event_t *taken;
    mproc_dict_t *dict;
    mproc_lock_t *lock;
    int i, total = 0;

    CHECK_OK(mproc_manager_dict(manager, &dict, NULL, pool));
    CHECK_OK(mproc_manager_lock(manager, &lock, NULL, pool));
    CHECK_OK(mproc_manager_event(manager, &taken, NULL, pool));
    CHECK_OK(mproc_dict_setf(dict, "total", "i", 0));
    for (i = 0; i < PAYERS; i++) {
        CHECK_OK(mproc_process_create(&process[i], add, NULL, pool, "o o", dict,
                                      lock));
    }
    processes_run(process, PAYERS);
    CHECK_OK(mproc_dict_getf(dict, "total", pool, "i", &total));
    seed_say("total: %d", total);
    CHECK(total == PAYERS * PAYMENTS);

    CHECK_OK(
        mproc_process_create(&holder, take, NULL, pool, "o o", lock, taken));
    CHECK_OK(mproc_process_start(holder));
    if (CHECK_OK(mproc_event_wait(taken, 30 * APR_USEC_PER_SEC))) {
        CHECK(mproc_lock_acquire(lock, MPROC_NOWAIT) == APR_TIMEUP);
        CHECK_OK(mproc_process_kill(holder));
        CHECK(mproc_lock_acquire(lock, 30 * APR_USEC_PER_SEC) ==
              MPROC_EOWNERDEAD);
        seed_say("its holder died, and it is ours");
        CHECK_OK(mproc_lock_release(lock));
    }
    CHECK_OK(mproc_manager_shutdown(manager, APR_USEC_PER_SEC));
}

/* ------------------------------------------------------------------- pool */

static apr_status_t
square(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    apr_status_t rv;
    int x;

    rv = mproc_unpack(args, pool, "i", &x);
    return rv == APR_SUCCESS ? mproc_reply(reply, "i", x * x) : rv;
}

/* No code is sent: the server and who asks it know the task by this name. */
static apr_status_t
tasks_register(mproc_manager_t *manager, void *baton)
{
    (void)manager;
    (void)baton;
    return mproc_register("square", square);
}

/* The same workers, by their name. */
static int
ask_workers(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_manager_t *manager;
    mproc_bytes_t result;
    mproc_pool_t *workers;
    int x = 0;

    return tasks_register(NULL, NULL) != APR_SUCCESS ||
           mproc_unpack(args, pool, "o", &manager) != APR_SUCCESS ||
           mproc_manager_pool(manager, &workers, "workers", NULL, pool) !=
               APR_SUCCESS ||
           mproc_pool_apply(workers, square, &result, MPROC_FOREVER, pool, "i",
                            12) != APR_SUCCESS ||
           mproc_unpack(result, pool, "i", &x) != APR_SUCCESS || x != 144;
}

static void
section_pool(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(tasks_register, pool);
    mproc_bytes_t items[SIGNERS], results[SIGNERS];
    mproc_pool_options_t options = {.processes = 2};
    mproc_process_t *process;
    mproc_pool_t *workers;
    int i, x, sum = 0;

    CHECK_OK(tasks_register(NULL, NULL));
    CHECK_OK(mproc_manager_pool(manager, &workers, "workers", &options, pool));
    for (i = 0; i < SIGNERS; i++) {
        CHECK_OK(mproc_pack(&items[i], pool, "i", i + 1));
    }
    CHECK_OK(
        mproc_pool_map(workers, square, items, SIGNERS, NULL, results, pool));
    for (i = 0; i < SIGNERS; i++) {
        CHECK_OK(mproc_unpack(results[i], pool, "i", &x));
        sum += x;
    }
    seed_say("the squares of 1 to 10 are %d together", sum);
    CHECK(sum == 385);
    CHECK_OK(
        mproc_process_create(&process, ask_workers, NULL, pool, "o", manager));
    processes_run(&process, 1);
    CHECK_OK(mproc_manager_shutdown(manager, APR_USEC_PER_SEC));
}

int
main(int argc, const char *const *argv)
{
    static const seed_section_t sections[] = {{"s10", section_s10},
                                              {"s29", section_s29},
                                              {"namespace", section_namespace},
                                              {"account", section_account},
                                              {"lock", section_lock},
                                              {"pool", section_pool},
                                              {NULL, NULL}};

    mproc_initialize(argc, argv);
    return seed_run(argc, argv, MPROC_START_SPAWN, sections);
}
