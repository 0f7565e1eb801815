/*
 * fuzz_unpack.c: any bytes at all into mproc_unpack() and mproc_datum_parse().
 *
 * With clang -fsanitize=fuzzer this is a libFuzzer target; compiled with
 * -DFUZZ_REPLAY it has a main of its own, which runs the files and folders
 * that it is given. The files are plain MessagePack.
 *
 * What parses must print, pack, parse again and be equal, and msgpack-c, as
 * the second opinion, must read the same from it.
 */
#include <mproc.h>

#include <apr_general.h>

#include <msgpack.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

/* Nesting that msgpack-c can follow. */
#define MSGPACK_LEVELS 31

/* A failure is always one of these, with a sentence. */
static void
status_check(apr_status_t rv)
{
    must(rv == APR_SUCCESS || rv == MPROC_EFORMAT || rv == MPROC_ESTALE,
         "an unexpected status");
    must(rv == APR_SUCCESS || mproc_error_detail()[0] != '\0',
         "a failure without a sentence");
}

static int
levels_of(const mproc_datum_t *datum)
{
    apr_size_t i;
    int most = 0, inside;

    for (i = 0; i < mproc_datum_size(datum); i++) {
        inside = levels_of(mproc_datum_at(datum, i));
        most = inside > most ? inside : most;
        inside = levels_of(mproc_datum_key_at(datum, i));
        most = inside > most ? inside : most;
        inside = levels_of(mproc_datum_value_at(datum, i));
        most = inside > most ? inside : most;
    }
    return most + (mproc_datum_type(datum) == MPROC_DATUM_LIST ||
                   mproc_datum_type(datum) == MPROC_DATUM_MAP);
}

/* msgpack-c's own reading of the bytes, packed again, is our tree. */
static void
opinion_check(mproc_bytes_t in, const mproc_datum_t *datum, apr_pool_t *pool)
{
    msgpack_unpacked theirs;
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    mproc_datum_t *again;
    mproc_bytes_t bytes;
    size_t used = 0;

    msgpack_unpacked_init(&theirs);
    must(msgpack_unpack_next(&theirs, in.data, in.size, &used) ==
             MSGPACK_UNPACK_SUCCESS,
         "msgpack-c refuses what we take");
    must(used == in.size, "msgpack-c reads another size");
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    must(msgpack_pack_object(&packer, theirs.data) == 0, "msgpack-c packs");
    bytes.data = buffer.data;
    bytes.size = buffer.size;
    must(mproc_datum_parse(&again, bytes, pool) == APR_SUCCESS,
         "what msgpack-c packed does not parse");
    must(mproc_datum_equal(datum, again), "msgpack-c reads another value");
    msgpack_sbuffer_destroy(&buffer);
    msgpack_unpacked_destroy(&theirs);
}

static void
tree_check(mproc_bytes_t in, apr_pool_t *pool)
{
    mproc_datum_t *datum, *again, *list;
    mproc_bytes_t bytes;
    apr_status_t rv = mproc_datum_parse(&datum, in, pool);
    int levels;

    status_check(rv);
    must((rv == APR_SUCCESS) == (datum != NULL), "the tree is set or NULL");
    if (rv != APR_SUCCESS) {
        return;
    }
    levels = levels_of(datum);
    must(levels <= 64, "the tree is not too deep");
    must(mproc_datum_text(datum, NULL)[0] != '\0', "the tree prints");
    must(mproc_datum_pack(&bytes, datum, pool) == APR_SUCCESS,
         "the tree packs");
    must(mproc_datum_parse(&again, bytes, NULL) == APR_SUCCESS,
         "what was packed parses");
    must(mproc_datum_equal(datum, again), "it is the same tree");
    if (levels <= MSGPACK_LEVELS) {
        opinion_check(in, datum, pool);
    }
    must(mproc_datum_create_list(&list, pool) == APR_SUCCESS &&
             mproc_datum_append(list, again) ==
                 (levels < 64 ? APR_SUCCESS : MPROC_ETOOBIG),
         "the tree fits into a list");
    mproc_datum_destroy(again);
    must(levels == 64 || mproc_datum_equal(mproc_datum_at(list, 0), datum),
         "the copy is the same tree");
}

static void
formats_check(mproc_bytes_t in, apr_pool_t *pool)
{
    mproc_bytes_t y[2];
    mproc_datum_t *v[4];
    apr_int64_t big_i;
    apr_uint64_t big_u;
    const char *s[4];
    void *o[2];
    unsigned u;
    double d;
    int i[4];

    status_check(mproc_unpack(in, pool, "n"));
    status_check(mproc_unpack(in, pool, "b", &i[0]));
    status_check(mproc_unpack(in, pool, "i", &i[0]));
    status_check(mproc_unpack(in, pool, "u", &u));
    status_check(mproc_unpack(in, pool, "I", &big_i));
    status_check(mproc_unpack(in, pool, "U", &big_u));
    status_check(mproc_unpack(in, pool, "d", &d));
    status_check(mproc_unpack(in, pool, "s", &s[0]));
    status_check(mproc_unpack(in, pool, "y", &y[0]));
    status_check(mproc_unpack(in, pool, "o", &o[0]));
    status_check(mproc_unpack(in, pool, "v", &v[0]));
    status_check(mproc_unpack(in, pool, "*"));
    status_check(mproc_unpack(in, pool, "* * *"));
    status_check(mproc_unpack(in, pool, "[i n s]", &i[0], &s[0]));
    status_check(
        mproc_unpack(in, pool, "[s d [i i]]", &s[0], &d, &i[0], &i[1]));
    status_check(mproc_unpack(in, pool, "[[[[v] *] *] *]", &v[0]));
    status_check(
        mproc_unpack(in, pool, "{s: v, s: [* v]}", &s[0], &v[0], &s[1], &v[1]));
    status_check(mproc_unpack(in, pool, "v v s y", &v[0], &v[1], &s[0], &y[0]));
    status_check(mproc_unpack(in, pool, "[o {*: y}]", &o[0], &y[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *all;
    apr_pool_t *pool;
    mproc_bytes_t in;

    if (all == NULL) {
        must(apr_initialize() == APR_SUCCESS &&
                 apr_pool_create(&all, NULL) == APR_SUCCESS,
             "APR starts");
    }
    in.data = data;
    in.size = size;
    must(apr_pool_create(&pool, all) == APR_SUCCESS, "a pool");
    tree_check(in, pool);
    formats_check(in, pool);
    apr_pool_destroy(pool);
    return 0;
}

#ifdef FUZZ_REPLAY
#include "replay.h"
#endif
