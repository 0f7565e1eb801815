/*
 * manager.c: managers: starting a server, finding one, and having objects of
 * it.
 *
 * A started server is a process whose target is here. It listens, runs the
 * initializer, and says through a pipe where it can be found, or what failed.
 */
#include <mproc/manager.h>

#include <stdlib.h>
#include <string.h>

#include <apr_signal.h>
#include <apr_strings.h>

#include <mproc/connection.h>
#include <mproc/error.h>
#include <mproc/pack.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "family.h"
#include "funcref.h"
#include "kinds.h"
#include "manager_loop.h"
#include "manager_proxy.h"
#include "manager_use.h"
#include "net.h"
#include "parking.h"

#define LEASE ((apr_interval_time_t)30 * 1000 * 1000)
#define GRACE ((apr_interval_time_t)1000 * 1000) /* at the creator's exit */
#define PATIENCE ((apr_interval_time_t)60 * 1000 * 1000)

static mproc__manager_shared_t *
shared_of(mproc_manager_t *manager)
{
    return manager->object.shared;
}

/* ------------------------------------------------------------------- making */

static apr_status_t
manager_opened(mproc_object_t *object)
{
    mproc_manager_t *manager = (mproc_manager_t *)object;

    manager->link = mproc__link_use(object->handle);
    return manager->link != NULL
               ? APR_SUCCESS
               : mproc__fail(APR_ENOMEM, "no memory for a manager");
}

static void manager_end(void *baton);

static void
manager_closing(mproc_object_t *object)
{
    mproc_manager_t *manager = (mproc_manager_t *)object;

    if (manager->creator == mproc_plat_pid()) {
        mproc__at_shutdown_remove(manager_end, manager);
        manager_end(manager);
        (void)mproc_process_close(manager->process);
        if (manager->server != NULL) {
            mproc__hub_destroy(manager->server);
            apr_pool_destroy(manager->server_pool);
        }
    }
    manager->server = NULL;
    manager->process = NULL;
    mproc__link_leave(manager->link);
    manager->link = NULL;
}

const mproc__object_ops_t mproc__manager_ops = {
    .kind = MPROC_KIND_MANAGER,
    .local_size = sizeof(struct mproc_manager_t),
    .opened = manager_opened,
    .closing = manager_closing};

/* Put a text behind those that are there. */
static apr_uint32_t
text_put(mproc__manager_shared_t *shared, apr_size_t *used, const char *text)
{
    apr_uint32_t at = (apr_uint32_t)*used;

    if (text == NULL) {
        return 0;
    }
    strcpy(shared->data + at, text);
    *used += strlen(text) + 1;
    return at;
}

static apr_size_t
text_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

/* Its key: what the options say, or this process's. */
static mproc_bytes_t
key_of(const mproc_net_options_t *net)
{
    if (net->unkeyed || net->authkey.size > 0) {
        return net->unkeyed ? (mproc_bytes_t){"", 0} : net->authkey;
    }
    return mproc_process_authkey(mproc_process_current());
}

static apr_status_t
manager_make(mproc_manager_t **manager, const char *address,
             const mproc_manager_options_t *options, apr_pool_t *pool)
{
    static const mproc_tls_options_t none = {.key = NULL};
    const mproc_net_options_t *net = &options->net;
    const mproc_tls_options_t *tls = net->tls != NULL ? net->tls : &none;
    mproc_bytes_t key = key_of(net);
    apr_size_t used = 1, size = 1 + text_size(address) + key.size;
    mproc__manager_shared_t *shared;
    apr_status_t rv;

    size += text_size(tls->certificate) + text_size(tls->key) +
            text_size(tls->authorities) + text_size(tls->name);
    rv = mproc__object_create(manager, &mproc__manager_ops,
                              sizeof *shared + size, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    shared = shared_of(*manager);
    shared->handshake_timeout = net->handshake_timeout;
    shared->connect_timeout = net->connect_timeout;
    shared->lease = options->lease > 0 ? options->lease : LEASE;
    shared->max_message = net->max_message;
    shared->unkeyed = net->unkeyed != 0;
    shared->legacy_md5 = net->auth_legacy_md5 != 0;
    shared->tls = net->tls != NULL;
    shared->text[0] = text_put(shared, &used, address);
    shared->text[1] = text_put(shared, &used, tls->certificate);
    shared->text[2] = text_put(shared, &used, tls->key);
    shared->text[3] = text_put(shared, &used, tls->authorities);
    shared->text[4] = text_put(shared, &used, tls->name);
    shared->key_at = (apr_uint32_t)used;
    shared->key_size = (apr_uint32_t)key.size;
    if (key.size > 0) {
        memcpy(shared->data + used, key.data, key.size);
    }
    rv = manager_opened(&(*manager)->object);
    if (rv != APR_SUCCESS) {
        mproc__object_close(*manager);
        *manager = NULL;
    }
    return rv;
}

apr_status_t
mproc__manager_check(mproc_manager_t *manager, const char *call)
{
    return mproc__object_is(manager, &mproc__manager_ops)
               ? APR_SUCCESS
               : mproc__fail(APR_EINVAL,
                             "%s: what was passed is NULL, destroyed, or no "
                             "manager; pass one that was started, or connected "
                             "to",
                             call);
}

static apr_status_t
begin_check(mproc_manager_t **manager, const mproc_manager_options_t **options,
            const char *call)
{
    static const mproc_manager_options_t none = {.address = NULL};

    if (manager == NULL) {
        return mproc__fail(APR_EINVAL, "%s: where the manager goes is NULL",
                           call);
    }
    *manager = NULL;
    *options = *options != NULL ? *options : &none;
    if ((*options)->lease < 0 || (*options)->max_clients < 0) {
        return mproc__fail(APR_EINVAL,
                           "%s: an option is negative; pass 0 for what is "
                           "usual",
                           call);
    }
    return APR_SUCCESS;
}

/* ---------------------------------------------------------------- listening */

/* A client of this process's own needs what the server shows to be believed. */
static apr_status_t
listen_make(mproc_manager_t **manager, const mproc_manager_options_t *options,
            const char *call, apr_pool_t *pool)
{
    mproc__hub_t *server;
    apr_pool_t *own;
    char why[300];
    apr_status_t rv = apr_pool_create_unmanaged_ex(&own, NULL, NULL);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__hub_create(&server, options, call, own);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(own);
        return rv;
    }
    rv = manager_make(manager, mproc__hub_address(server), options, pool);
    if (rv != APR_SUCCESS) {
        mproc__hub_destroy(server);
        apr_pool_destroy(own);
        return rv;
    }
    (*manager)->server = server;
    (*manager)->server_pool = own;
    (*manager)->creator = mproc_plat_pid();
    if (options->initializer != NULL) {
        rv = options->initializer(*manager, options->baton);
        if (rv != APR_SUCCESS) {
            apr_cpystrn(why, mproc_error_detail(), sizeof why);
            mproc_manager_destroy(*manager);
            *manager = NULL;
            rv = mproc__fail(rv, "%s: the initializer failed: %s", call, why);
        }
    }
    return rv;
}

apr_status_t
mproc_manager_listen(mproc_manager_t **manager,
                     const mproc_manager_options_t *options, apr_pool_t *pool)
{
    const char *call = "mproc_manager_listen";
    apr_status_t rv = begin_check(manager, &options, call);

    return rv == APR_SUCCESS ? listen_make(manager, options, call, pool) : rv;
}

apr_status_t
mproc_manager_serve(mproc_manager_t *manager, apr_interval_time_t timeout)
{
    const char *call = "mproc_manager_serve";
    apr_status_t rv = mproc__manager_check(manager, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (manager->server == NULL || manager->creator != mproc_plat_pid()) {
        return mproc__fail(MPROC_ESTATE,
                           "%s: the manager does not listen in this process; "
                           "pass one of mproc_manager_listen()",
                           call);
    }
    if (atomic_exchange(&manager->serving, 1)) {
        return mproc__fail(MPROC_ESTATE, "%s: a thread serves it already",
                           call);
    }
    if (mproc__actor() == 0) {
        rv = mproc__wait_refused(call);
    }
    else if (!atomic_load(&manager->ended)) {
        rv = mproc__hub_run(manager->server, mproc__deadline(timeout));
    }
    if (rv == APR_SUCCESS) {
        atomic_store(&manager->ended, 1);
        mproc__hub_close(manager->server);
    }
    atomic_store(&manager->serving, 0);
    return rv == APR_TIMEUP
               ? mproc__fail(rv, "%s: it was not shut down in time", call)
               : rv;
}

apr_status_t
mproc_manager_register_type(mproc_manager_t *manager,
                            const mproc_manager_type_t *type)
{
    const char *call = "mproc_manager_register_type";
    apr_status_t rv = mproc__manager_check(manager, call);
    apr_hash_t *types;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (type == NULL || type->name == NULL || type->name[0] == '\0' ||
        type->methods == NULL) {
        return mproc__fail(
            APR_EINVAL, "%s: a type has a name and a table of methods", call);
    }
    if (manager->server == NULL || atomic_load(&manager->serving)) {
        return mproc__fail(MPROC_ESTATE,
                           "%s: types are registered where the manager "
                           "listens, before it serves: in its initializer",
                           call);
    }
    types = mproc__hub_types(manager->server);
    if (apr_hash_get(types, type->name, APR_HASH_KEY_STRING) != NULL) {
        return mproc__fail(MPROC_ESTATE,
                           "%s: there is a type \"%.100s\" already", call,
                           type->name);
    }
    apr_hash_set(types, type->name, APR_HASH_KEY_STRING, type);
    return APR_SUCCESS;
}

/* ----------------------------------------------------------------- starting */

/* What the server's process is told, packed. */
#define START_FORMAT "o s y I I I I b b I b s s s s y U"

static const char *
text_or(const char *text)
{
    return text == NULL ? "" : text;
}

static const char *
text_back(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* The initializer, as another process finds it. */
static apr_status_t
initializer_pack(mproc_bytes_t *bytes, mproc__funcref_t *ref,
                 const mproc_manager_options_t *options)
{
    *bytes = (mproc_bytes_t){"", 0};
    if (options->initializer == NULL) {
        return APR_SUCCESS;
    }
    bytes->data = ref;
    bytes->size = sizeof *ref;
    return mproc__funcref_make(ref, (mproc_function_t)options->initializer);
}

static apr_status_t
start_unpack(mproc_bytes_t args, mproc_connection_t **teller,
             mproc_manager_options_t *options, mproc_tls_options_t *tls,
             apr_pool_t *pool)
{
    const char *address, *text[4];
    mproc_bytes_t initializer;
    mproc_function_t function;
    apr_int64_t limit, clients;
    apr_uint64_t baton;
    int has_tls;
    apr_status_t rv = mproc_unpack(
        args, pool, START_FORMAT, teller, &address, &options->net.authkey,
        &options->net.handshake_timeout, &options->net.connect_timeout, &limit,
        &options->lease, &options->net.unkeyed, &options->net.auth_legacy_md5,
        &clients, &has_tls, &text[0], &text[1], &text[2], &text[3],
        &initializer, &baton);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (options->net.authkey.size == 0) {
        options->net.authkey.data = NULL; /* That of the process. */
    }
    options->address = text_back(address);
    options->net.max_message = (apr_size_t)limit;
    options->max_clients = (int)clients;
    options->baton = (void *)(apr_uintptr_t)baton;
    tls->certificate = text_back(text[0]);
    tls->key = text_back(text[1]);
    tls->authorities = text_back(text[2]);
    tls->name = text_back(text[3]);
    options->net.tls = has_tls ? tls : NULL;
    if (initializer.size == sizeof(mproc__funcref_t)) {
        rv = mproc__funcref_resolve(&function, initializer.data);
        options->initializer = (mproc_manager_initializer_fn_t)function;
    }
    return rv;
}

/* The server's process. It ignores what a terminal sends to all. */
static int
server_main(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_manager_options_t options = {.address = NULL};
    mproc_manager_t *manager = NULL;
    mproc_connection_t *teller;
    mproc_tls_options_t tls;
    apr_status_t rv;

    apr_signal(SIGINT, SIG_IGN);
    rv = start_unpack(args, &teller, &options, &tls, pool);
    if (rv != APR_SUCCESS) {
        return 1;
    }
    rv = listen_make(&manager, &options, "mproc_manager_start", NULL);
    if (rv != APR_SUCCESS) {
        (void)mproc_connection_sendf(teller, "i s", rv, mproc_error_detail());
        return 1;
    }
    rv = mproc_connection_sendf(teller, "i s", 0,
                                mproc_manager_address(manager));
    mproc_connection_destroy(teller);
    if (rv == APR_SUCCESS) {
        rv = mproc_manager_serve(manager, MPROC_FOREVER);
    }
    mproc_manager_destroy(manager);
    return rv == APR_SUCCESS ? 0 : 1;
}

/* Where it listens; or what failed. */
static apr_status_t
server_await(mproc_connection_t *told, mproc_process_t *process,
             const char **address, apr_pool_t *pool)
{
    const char *text;
    apr_status_t rv;
    int status;

    mproc_connection_set_timeout(told, PATIENCE);
    rv = mproc_connection_recvf(told, pool, "i s", &status, &text);
    if (rv == APR_SUCCESS && status == APR_SUCCESS) {
        *address = text;
        return APR_SUCCESS;
    }
    /* It ends by itself, and not in the middle of that by us. */
    if (mproc_process_join(process, 5 * GRACE) != APR_SUCCESS) {
        (void)mproc_process_stop(process, GRACE);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__fail((apr_status_t)status, "%s", text);
    }
    else {
        rv = mproc__fail(MPROC_EBOOTSTRAP,
                         "mproc_manager_start: the server ended, or was "
                         "killed, before it served");
    }
    return rv;
}

static apr_status_t
server_start(mproc_process_t **process, const char **address,
             const mproc_manager_options_t *options, apr_pool_t *pool)
{
    static const mproc_tls_options_t none = {.key = NULL};
    const mproc_net_options_t *net = &options->net;
    const mproc_tls_options_t *tls = net->tls != NULL ? net->tls : &none;
    mproc_process_options_t how = {.start_method = options->start_method};
    mproc_connection_t *told, *teller;
    mproc__funcref_t ref;
    mproc_bytes_t initializer;
    apr_status_t rv = initializer_pack(&initializer, &ref, options);

    if (rv == APR_SUCCESS) {
        rv = mproc_pipe_create(&told, &teller, 0, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc_process_create(
        process, server_main, &how, NULL, START_FORMAT, teller,
        text_or(options->address), net->authkey, net->handshake_timeout,
        net->connect_timeout, (apr_int64_t)net->max_message, options->lease,
        net->unkeyed, net->auth_legacy_md5, (apr_int64_t)options->max_clients,
        net->tls != NULL, text_or(tls->certificate), text_or(tls->key),
        text_or(tls->authorities), text_or(tls->name), initializer,
        (apr_uint64_t)(apr_uintptr_t)options->baton);
    if (rv == APR_SUCCESS) {
        rv = mproc_process_start(*process);
        mproc_connection_destroy(teller);
        if (rv == APR_SUCCESS) {
            rv = server_await(told, *process, address, pool);
        }
        if (rv != APR_SUCCESS) {
            (void)mproc_process_close(*process);
        }
    }
    return rv;
}

apr_status_t
mproc_manager_start(mproc_manager_t **manager,
                    const mproc_manager_options_t *options, apr_pool_t *pool)
{
    const char *call = "mproc_manager_start";
    apr_status_t rv = begin_check(manager, &options, call);
    mproc_process_t *process;
    const char *address;
    apr_pool_t *own;

    if (rv == APR_SUCCESS) {
        rv = apr_pool_create_unmanaged_ex(&own, NULL, NULL);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = server_start(&process, &address, options, own);
    if (rv == APR_SUCCESS) {
        rv = manager_make(manager, address, options, pool);
        if (rv == APR_SUCCESS) {
            (*manager)->process = process;
            (*manager)->creator = mproc_plat_pid();
            rv = mproc__at_shutdown(manager_end, *manager);
        }
        else {
            (void)mproc_process_stop(process, 0);
            (void)mproc_process_close(process);
        }
    }
    apr_pool_destroy(own);
    return rv;
}

apr_status_t
mproc_manager_connect(mproc_manager_t **manager, const char *address,
                      const mproc_manager_options_t *options, apr_pool_t *pool)
{
    const char *call = "mproc_manager_connect";
    apr_status_t rv = begin_check(manager, &options, call);

    if (rv == APR_SUCCESS && address == NULL) {
        rv = mproc__fail(APR_EINVAL, "%s: the address is NULL", call);
    }
    if (rv == APR_SUCCESS) {
        rv = manager_make(manager, address, options, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__link_open((*manager)->link, call);
    if (rv != APR_SUCCESS) {
        mproc__object_close(*manager);
        *manager = NULL;
    }
    return rv;
}

/* ------------------------------------------------------------------- ending */

/* Steps of a bounded time each: asked, terminated, killed. */
static apr_status_t
process_end(mproc_manager_t *manager, apr_interval_time_t timeout)
{
    mproc_process_t *process = manager->process;
    mproc__ask_t ask;

    if (!mproc_process_is_alive(process)) {
        return mproc_process_join(process, MPROC_FOREVER);
    }
    mproc__ask_begin(&ask, manager->link, 0, MPROC__SHUTDOWN,
                     "mproc_manager_shutdown");
    if (timeout >= 0 && timeout < ask.patience) {
        ask.patience = timeout;
    }
    (void)mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    if (mproc_process_join(process, timeout) == APR_SUCCESS) {
        return APR_SUCCESS;
    }
    return mproc_process_stop(process, timeout);
}

apr_status_t
mproc_manager_shutdown(mproc_manager_t *manager, apr_interval_time_t timeout)
{
    const char *call = "mproc_manager_shutdown";
    apr_status_t rv = mproc__manager_check(manager, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (manager->creator != mproc_plat_pid()) {
        return mproc__fail(MPROC_ESTATE,
                           "%s: this process has not started the server; who "
                           "did ends it",
                           call);
    }
    if (manager->process != NULL) {
        rv = process_end(manager, timeout);
        atomic_store(&manager->ended, rv == APR_SUCCESS);
        return rv;
    }
    if (atomic_load(&manager->serving)) {
        mproc__hub_stop(manager->server);
    }
    else if (!atomic_exchange(&manager->ended, 1)) {
        mproc__hub_close(manager->server);
    }
    return APR_SUCCESS;
}

static void
manager_end(void *baton)
{
    mproc_manager_t *manager = baton;

    if (manager->creator == mproc_plat_pid() && !atomic_load(&manager->ended)) {
        (void)mproc_manager_shutdown(manager, GRACE);
    }
}

void
mproc_manager_destroy(mproc_manager_t *manager)
{
    mproc__object_close(manager);
}

/* ----------------------------------------------------------------- about it */

const char *
mproc_manager_address(mproc_manager_t *manager)
{
    return mproc__manager_check(manager, "mproc_manager_address") == APR_SUCCESS
               ? shared_of(manager)->data + shared_of(manager)->text[0]
               : NULL;
}

mproc_process_t *
mproc_manager_process(mproc_manager_t *manager)
{
    return mproc__manager_check(manager, "mproc_manager_process") == APR_SUCCESS
               ? manager->process
               : NULL;
}

apr_status_t
mproc_manager_census(mproc_manager_t *manager, mproc_manager_census_t *census)
{
    const char *call = "mproc_manager_census";
    apr_status_t rv = mproc__manager_check(manager, call);
    apr_int64_t number[3] = {0};
    mproc__ask_t ask;
    int i;

    if (rv == APR_SUCCESS && census == NULL) {
        rv = mproc__fail(APR_EINVAL, "%s: where the numbers go is NULL", call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__ask_begin(&ask, manager->link, 0, MPROC__CENSUS, call);
    rv = mproc__ask_run(&ask, 0);
    for (i = 0; i < 3 && rv == APR_SUCCESS; i++) {
        rv = mproc__answer_int(&ask, &number[i]);
    }
    mproc__ask_end(&ask);
    census->clients = (apr_uint64_t)number[0];
    census->objects = (apr_uint64_t)number[1];
    census->waiting = (apr_uint64_t)number[2];
    return rv;
}

apr_status_t
mproc_manager_forget(mproc_manager_t *manager, const char *name)
{
    const char *call = "mproc_manager_forget";
    apr_status_t rv = mproc__manager_check(manager, call);
    mproc__ask_t ask;

    if (rv == APR_SUCCESS && name == NULL) {
        rv = mproc__fail(APR_EINVAL, "%s: the name is NULL", call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__ask_begin(&ask, manager->link, 0, MPROC__FORGET, call);
    mproc__ask_text(&ask, name);
    rv = mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    return rv;
}
