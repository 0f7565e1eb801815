/*
 * manager_client.c: the clients of a manager's server, what they refer to and
 * own, and the calls that are of no object.
 */
#include "manager_hub.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"

/* ----------------------------------------------------------------- objects */

mproc_kind_e
mproc__served_kind(apr_uint64_t id)
{
    mproc_kind_e kind = mproc__arena_kind(id);

    switch (kind) {
    case MPROC_KIND_DICT:
    case MPROC_KIND_LIST:
    case MPROC_KIND_NAMESPACE:
    case MPROC_KIND_SET:
    case MPROC_KIND_QUEUE:
        return kind;
    case MPROC_KIND_SERVED:
        return (mproc_kind_e)((mproc__served_t *)mproc__arena_at(id))->kind;
    default:
        return MPROC_KIND_NONE;
    }
}

apr_status_t
mproc__client_hold(mproc__client_t *client, apr_uint64_t id,
                   mproc_object_t **object)
{
    mproc__reference_t *reference =
        apr_hash_get(client->references, &id, sizeof id);
    apr_status_t rv;

    if (reference == NULL) {
        if (mproc__served_kind(id) == MPROC_KIND_NONE) {
            return mproc__fail(
                MPROC_ESTALE,
                "the manager has no object %" APR_UINT64_T_HEX_FMT
                ", or not any more: it has those that it "
                "makes, dicts, lists and namespaces; keep one "
                "until its receiver has it",
                id);
        }
        reference = malloc(sizeof *reference);
        if (reference == NULL) {
            return mproc__fail(APR_ENOMEM, "the manager has no memory");
        }
        rv = mproc__object_open(&reference->object, id, NULL);
        if (rv != APR_SUCCESS) {
            free(reference);
            return rv;
        }
        reference->id = id;
        reference->count = 0;
        reference->waits = 0;
        apr_hash_set(client->references, &reference->id, sizeof reference->id,
                     reference);
    }
    reference->count++;
    if (object != NULL) {
        *object = reference->object;
    }
    return APR_SUCCESS;
}

void
mproc__client_drop(mproc__client_t *client, apr_uint64_t id)
{
    mproc__reference_t *reference =
        apr_hash_get(client->references, &id, sizeof id);

    if (reference != NULL && --reference->count == 0) {
        apr_hash_set(client->references, &reference->id, sizeof reference->id,
                     NULL);
        mproc__object_close(reference->object);
        free(reference);
        mproc__served_pools_dropped(client->server, id);
    }
}

apr_status_t
mproc__client_wait(mproc__client_t *client, apr_uint64_t id)
{
    apr_status_t rv = mproc__client_hold(client, id, NULL);
    mproc__reference_t *reference;

    if (rv == APR_SUCCESS) {
        reference = apr_hash_get(client->references, &id, sizeof id);
        reference->waits++;
    }
    return rv;
}

void
mproc__client_wait_end(mproc__client_t *client, apr_uint64_t id)
{
    mproc__reference_t *reference =
        apr_hash_get(client->references, &id, sizeof id);

    if (reference != NULL) {
        reference->waits--;
        mproc__client_drop(client, id);
    }
}

apr_uint64_t
mproc__client_serial(const mproc__client_t *client)
{
    return client->serial;
}

mproc__client_t *
mproc__client_find(mproc__hub_t *server, apr_uint64_t serial)
{
    mproc__client_t *client = server->clients;

    while (client != NULL && client->serial != serial) {
        client = client->next;
    }
    return client;
}

apr_status_t
mproc__client_owns(mproc__client_t *client, apr_uint64_t id)
{
    mproc__owned_t *owned = malloc(sizeof *owned);

    if (owned == NULL) {
        return mproc__fail(APR_ENOMEM, "the manager has no memory");
    }
    owned->id = id;
    owned->client = client;
    owned->next = client->owned;
    owned->link = &client->owned;
    if (owned->next != NULL) {
        owned->next->link = &owned->next;
    }
    client->owned = owned;
    return APR_SUCCESS;
}

static void
owned_free(mproc__owned_t *owned)
{
    *owned->link = owned->next;
    if (owned->next != NULL) {
        owned->next->link = owned->link;
    }
    free(owned);
}

int
mproc__client_owns_not(mproc__client_t *client, apr_uint64_t id)
{
    mproc__owned_t *owned = client == NULL ? NULL : client->owned;

    while (owned != NULL && owned->id != id) {
        owned = owned->next;
    }
    if (owned != NULL) {
        owned_free(owned);
    }
    return owned != NULL;
}

/* ----------------------------------------------------------- coming, going */

mproc__client_t *
mproc__client_by_token(mproc__hub_t *server, const unsigned char *token)
{
    mproc__client_t *client = server->clients;

    while (client != NULL &&
           memcmp(client->token, token, MPROC__TOKEN_SIZE) != 0) {
        client = client->next;
    }
    return client;
}

mproc__client_t *
mproc__client_make(mproc__hub_t *server, const unsigned char *token)
{
    mproc__client_t *client = calloc(1, sizeof *client);

    if (client == NULL || apr_pool_create_unmanaged_ex(&client->pool, NULL,
                                                       NULL) != APR_SUCCESS) {
        free(client);
        return NULL;
    }
    client->server = server;
    client->serial = ++server->serial;
    memcpy(client->token, token, MPROC__TOKEN_SIZE);
    client->references = apr_hash_make(client->pool);
    client->next = server->clients;
    client->link = &server->clients;
    if (client->next != NULL) {
        client->next->link = &client->next;
    }
    server->clients = client;
    server->client_count++;
    return client;
}

void
mproc__client_end(mproc__client_t *client)
{
    mproc__hub_t *server = client->server;
    apr_hash_index_t *index;

    mproc__serve_queues_orphan(server, client->serial);
    while (client->owned != NULL) {
        apr_uint64_t id = client->owned->id;
        owned_free(client->owned);
        mproc__serve_orphan(server, client, id);
        mproc__object_changed(server, id);
    }
    for (index = apr_hash_first(client->pool, client->references);
         index != NULL; index = apr_hash_next(index)) {
        mproc__reference_t *reference = apr_hash_this_val(index);
        apr_uint64_t id = reference->id;
        mproc__object_close(reference->object);
        free(reference);
        mproc__served_pools_dropped(server, id);
    }
    *client->link = client->next;
    if (client->next != NULL) {
        client->next->link = client->link;
    }
    server->client_count--;
    apr_pool_destroy(client->pool);
    free(client);
}

/* ---------------------------------------------------- methods of no object */

apr_status_t
mproc__serve_census(mproc__call_t *call)
{
    mproc__hub_t *server = call->server;
    apr_hash_t *seen = apr_hash_make(call->pool);
    apr_hash_index_t *index;
    mproc__client_t *client;

    for (client = server->clients; client != NULL; client = client->next) {
        for (index = apr_hash_first(call->pool, client->references);
             index != NULL; index = apr_hash_next(index)) {
            mproc__reference_t *reference = apr_hash_this_val(index);
            apr_hash_set(seen, &reference->id, sizeof reference->id, reference);
        }
    }
    for (index = apr_hash_first(call->pool, server->names); index != NULL;
         index = apr_hash_next(index)) {
        mproc__named_t *named = apr_hash_this_val(index);
        apr_hash_set(seen, &named->object->handle, sizeof(mproc__handle_t),
                     named);
    }
    mproc__result_int(call, (apr_int64_t)server->client_count);
    mproc__result_int(call, (apr_int64_t)apr_hash_count(seen));
    mproc__result_int(call, (apr_int64_t)server->waiting);
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_shutdown(mproc__call_t *call)
{
    call->server->stop_asked = 1;
    return APR_SUCCESS;
}

static void
name_take(mproc__hub_t *server, mproc__named_t *named)
{
    apr_uint64_t id = named->object->handle;

    apr_hash_set(server->names, named->name, APR_HASH_KEY_STRING, NULL);
    mproc__object_close(named->object);
    free(named->name);
    free(named);
    mproc__served_pools_dropped(server, id);
}

void
mproc__served_unname(mproc__hub_t *server, apr_uint64_t id)
{
    apr_hash_index_t *index;

    for (index = apr_hash_first(NULL, server->names); index != NULL;
         index = apr_hash_next(index)) {
        mproc__named_t *named = apr_hash_this_val(index);
        if (named->object->handle == id) {
            name_take(server, named);
            return;
        }
    }
}

void
mproc__served_names_end(mproc__hub_t *server)
{
    apr_hash_index_t *index;

    while ((index = apr_hash_first(NULL, server->names)) != NULL) {
        name_take(server, apr_hash_this_val(index));
    }
}

apr_status_t
mproc__serve_forget(mproc__call_t *call)
{
    const char *name;
    mproc__named_t *named;
    apr_status_t rv = mproc__arg_text(call, &name);

    if (rv != APR_SUCCESS || name == NULL) {
        return mproc__args_bad(call);
    }
    named = apr_hash_get(call->server->names, name, APR_HASH_KEY_STRING);
    if (named == NULL) {
        return mproc__fail(APR_NOTFOUND,
                           "mproc_manager_forget: nothing has the name "
                           "\"%.200s\"",
                           name);
    }
    name_take(call->server, named);
    return APR_SUCCESS;
}

/* The name is the object's from now on. */
static apr_status_t
name_give(mproc__hub_t *server, const char *name, mproc_object_t *object)
{
    mproc__named_t *named = malloc(sizeof *named);
    apr_status_t rv = APR_ENOMEM;

    if (named != NULL) {
        named->name = malloc(strlen(name) + 1);
        if (named->name != NULL) {
            strcpy(named->name, name);
            rv = mproc__object_open(&named->object, object->handle, NULL);
        }
        if (rv == APR_SUCCESS) {
            apr_hash_set(server->names, named->name, APR_HASH_KEY_STRING,
                         named);
            return rv;
        }
        free(named->name);
        free(named);
    }
    return mproc__fail(rv, "the manager has no memory");
}

apr_status_t
mproc__serve_named(mproc__call_t *call)
{
    mproc_object_t *object = NULL;
    const char *name;
    mproc__named_t *named = NULL;
    apr_int64_t kind;
    apr_status_t rv = mproc__arg_int(call, &kind);

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_text(call, &name);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (name != NULL) {
        named = apr_hash_get(call->server->names, name, APR_HASH_KEY_STRING);
    }
    if (named != NULL) {
        if ((apr_int64_t)mproc__served_kind(named->object->handle) != kind ||
            !mproc__served_type_fits(call, named->object)) {
            return mproc__fail(
                MPROC_ESTATE, "\"%.200s\" is the name of something else: %s",
                name,
                mproc_kind_name(mproc__served_kind(named->object->handle)));
        }
        mproc__result_object(call, named->object->handle);
        return APR_SUCCESS;
    }
    rv = mproc__serve_make(call, (mproc_kind_e)kind, &object);
    if (rv == APR_SUCCESS && name != NULL) {
        rv = name_give(call->server, name, object);
    }
    if (rv == APR_SUCCESS) {
        mproc__result_fresh(call, object);
    }
    else {
        mproc__object_close(object);
    }
    return rv;
}

apr_status_t
mproc__serve_hold(mproc__call_t *call)
{
    apr_status_t rv = mproc__client_hold(call->client, call->head.id, NULL);

    if (rv == APR_SUCCESS) {
        mproc__result_int(call, (apr_int64_t)mproc__served_kind(call->head.id));
    }
    return rv;
}

apr_status_t
mproc__serve_drop(mproc__call_t *call)
{
    mproc__reference_t *reference = apr_hash_get(
        call->client->references, &call->head.id, sizeof call->head.id);

    if (reference != NULL && reference->count > reference->waits) {
        mproc__client_drop(call->client, call->head.id);
    }
    return APR_SUCCESS;
}
