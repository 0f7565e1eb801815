/*
 * dict_table.c: entries of a store by key, in the order in which they came.
 *
 * Each entry is a cell of the store (store.c), in the chain of its bucket and
 * in a row from the first to the last. A set, or a remove, is one commit of
 * the journal: chain, row, count, free cells, boxes. A short value is replaced
 * by the journal itself; a longer one by another cell in the same place.
 *
 * There are as many buckets as entries, at least: after an insert one bucket
 * more, whose entries come out of one that is split, so no set waits for the
 * whole table (W. Litwin, "Linear Hashing", 1980). Buckets lie in tables of
 * their own, each as large as all before; none is ever moved. A split takes
 * several commits: the first says which bucket is being split, and that there
 * is one more; then each entry that belongs there goes over by one; the last
 * says that it is done. Nobody looks in between, but who comes after a death:
 * he goes on with it. Invariant, while nobody has the mutex: no bucket is being
 * split, each entry is in the bucket of its hash and in the row, and their
 * number is the count.
 *
 * Hashes are SipHash-1-3 (J.-P. Aumasson, D. Bernstein, 2012) with a key of
 * the dict's own, so that nobody can make keys that meet in one bucket.
 */
#include "dict_table.h"

#include <string.h>

#include <mproc/error.h>

#include "error.h"

#define BUCKETS_FIRST 64U
#define ENTRY_SIZE sizeof(mproc__entry_t)
#define IN_PLACE 64U /* bytes of a value that the journal replaces */

_Static_assert(sizeof(mproc__entry_t) == 24, "so much has an entry");
_Static_assert(IN_PLACE / 8 + 1 + 8 <= MPROC__JOURNAL, "it fits");

/* -------------------------------------------------------------------- hash */

#define ROTATE(x, n) ((x) << (n) | (x) >> (64 - (n)))
#define SIP_ROUND(a, b, c, d)                                                  \
    do {                                                                       \
        (a) += (b);                                                            \
        (b) = ROTATE(b, 13) ^ (a);                                             \
        (a) = ROTATE(a, 32);                                                   \
        (c) += (d);                                                            \
        (d) = ROTATE(d, 16) ^ (c);                                             \
        (a) += (d);                                                            \
        (d) = ROTATE(d, 21) ^ (a);                                             \
        (c) += (b);                                                            \
        (b) = ROTATE(b, 17) ^ (c);                                             \
        (c) = ROTATE(c, 32);                                                   \
    } while (0)

static apr_uint64_t
sip_hash(const char *data, apr_size_t size, const apr_uint64_t seed[2])
{
    apr_uint64_t a = seed[0] ^ APR_UINT64_C(0x736f6d6570736575);
    apr_uint64_t b = seed[1] ^ APR_UINT64_C(0x646f72616e646f6d);
    apr_uint64_t c = seed[0] ^ APR_UINT64_C(0x6c7967656e657261);
    apr_uint64_t d = seed[1] ^ APR_UINT64_C(0x7465646279746573);
    apr_uint64_t word, last = (apr_uint64_t)size << 56;

    for (; size >= 8; size -= 8, data += 8) {
        memcpy(&word, data, 8);
        d ^= word;
        SIP_ROUND(a, b, c, d);
        a ^= word;
    }
    word = 0;
    memcpy(&word, data, size);
    last |= word;
    d ^= last;
    SIP_ROUND(a, b, c, d);
    a ^= last;
    c ^= 0xff;
    SIP_ROUND(a, b, c, d);
    SIP_ROUND(a, b, c, d);
    SIP_ROUND(a, b, c, d);
    return a ^ b ^ c ^ d;
}

void
mproc__key_hash(mproc__key_t *key, const mproc__store_use_t *use)
{
    const mproc__store_t *store = use->object.shared;

    key->hash =
        (apr_uint32_t)sip_hash(key->bytes.data, key->bytes.size, store->seed);
}

/* ----------------------------------------------------------------- buckets */

static unsigned
log2_floor(apr_uint32_t n)
{
    return 31 - (unsigned)__builtin_clz(n);
}

/* Which table a bucket is in, and where that begins. */
static unsigned
bucket_table(apr_uint32_t bucket, apr_uint32_t *first)
{
    unsigned log;

    if (bucket < BUCKETS_FIRST) {
        *first = 0;
        return 0;
    }
    log = log2_floor(bucket);
    *first = 1U << log;
    return log - 5;
}

static apr_uint64_t
table_size(unsigned table)
{
    return (table == 0 ? BUCKETS_FIRST : BUCKETS_FIRST << (table - 1)) *
           sizeof(apr_uint32_t);
}

static apr_uint32_t *
bucket_at(mproc__store_use_t *use, apr_uint32_t bucket)
{
    apr_uint32_t first;
    unsigned number = bucket_table(bucket, &first);
    char *table = use->table[number];

    if (table == NULL) {
        table = mproc__store_look(&use->content->table[number],
                                  &use->table[number]);
    }
    return (apr_uint32_t *)(void *)table + (bucket - first);
}

static apr_uint32_t
bucket_of(apr_uint32_t hash, apr_uint32_t buckets)
{
    apr_uint32_t low = 1U << log2_floor(buckets);
    apr_uint32_t bucket = hash & (2 * low - 1);

    return bucket < buckets ? bucket : hash & (low - 1);
}

void
mproc__dict_find(mproc__store_use_t *use, const mproc__key_t *key,
                 mproc__found_t *found)
{
    apr_uint32_t buckets = use->content->buckets;

    found->ref = 0;
    found->link = NULL;
    if (buckets == 0) {
        return;
    }
    found->link = bucket_at(use, bucket_of(key->hash, buckets));
    while ((found->ref = *found->link) != 0) {
        mproc__entry_t *entry = mproc__dict_entry(use, found->ref);

        if (entry->hash == key->hash &&
            MPROC__ENTRY_KEY(entry) == key->bytes.size &&
            memcmp(entry->data, key->bytes.data, key->bytes.size) == 0) {
            found->entry = entry;
            return;
        }
        found->link = &entry->next;
    }
}

/* ------------------------------------------------------------------- split */

static void
split_finish(mproc__store_use_t *use)
{
    mproc__content_t *content = use->content;
    apr_uint32_t target = content->buckets - 1, ref;
    apr_uint32_t *link = bucket_at(use, content->splitting - 1);
    apr_uint32_t *head = bucket_at(use, target);

    while ((ref = *link) != 0) {
        mproc__entry_t *entry = mproc__dict_entry(use, ref);

        if (bucket_of(entry->hash, content->buckets) != target) {
            link = &entry->next;
            continue;
        }
        mproc__journal_put(use, link, entry->next);
        mproc__journal_put(use, &entry->next, *head);
        mproc__journal_put(use, head, ref);
        mproc__journal_commit(use);
    }
    mproc__journal_put(use, &content->splitting, 0);
    mproc__journal_commit(use);
}

void
mproc__dict_repair(mproc__store_use_t *use)
{
    if (use->content->splitting != 0) {
        split_finish(use);
    }
}

/* One bucket more. When there is no memory chains get longer. */
static void
buckets_grow(mproc__store_use_t *use)
{
    mproc__content_t *content = use->content;
    apr_uint32_t target = content->buckets, first;
    unsigned number = bucket_table(target, &first);
    void *table;

    if (number >= MPROC__STORE_TABLES ||
        mproc__store_table(use, &table, number, table_size(number)) !=
            APR_SUCCESS) {
        return;
    }
    *bucket_at(use, target) = 0;
    mproc__journal_put(use, &content->buckets, target + 1);
    mproc__journal_put(use, &content->splitting,
                       target - (1U << log2_floor(target)) + 1);
    mproc__journal_commit(use);
    split_finish(use);
}

/* The first buckets; once committed, they count. */
static apr_status_t
buckets_begin(mproc__store_use_t *use, const mproc__key_t *key,
              mproc__found_t *found)
{
    void *table;
    apr_status_t rv = mproc__store_table(use, &table, 0, table_size(0));

    if (rv == APR_SUCCESS) {
        memset(table, 0, table_size(0));
        mproc__journal_put(use, &use->content->buckets, BUCKETS_FIRST);
        found->link = bucket_at(use, bucket_of(key->hash, BUCKETS_FIRST));
    }
    return rv;
}

/* --------------------------------------------------------------------- put */

static apr_uint32_t
box_number(const mproc__entry_t *entry)
{
    return entry->value & MPROC__VALUE_BOX ? entry->value & ~MPROC__VALUE_BOX
                                           : 0;
}

/* What goes to the entry's value. */
static apr_status_t
value_word(mproc__store_use_t *use, const mproc__fill_t *fill,
           apr_uint32_t *word)
{
    apr_status_t rv = APR_SUCCESS;

    *word = fill->size;
    if (fill->box != NULL) {
        rv = mproc__store_box_take(use, mproc__hold_handle(fill->box), word);
        *word |= MPROC__VALUE_BOX;
    }
    return rv;
}

/* Take a cell for a key and a value, and write what nobody links to. */
static apr_status_t
entry_make(mproc__store_use_t *use, apr_uint32_t *ref, const mproc__key_t *key,
           const mproc__fill_t *fill)
{
    apr_size_t size = fill->box != NULL ? 0 : fill->size;
    mproc__entry_t *entry;
    unsigned class_index;
    apr_uint32_t word;
    apr_status_t rv = mproc__store_take(use, ref, &class_index,
                                        ENTRY_SIZE + key->bytes.size + size);

    if (rv == APR_SUCCESS) {
        rv = value_word(use, fill, &word);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    entry = mproc__dict_entry(use, *ref);
    entry->hash = key->hash;
    entry->key = (apr_uint32_t)key->bytes.size | class_index << 24;
    entry->value = word;
    memcpy(entry->data, key->bytes.data, key->bytes.size);
    memcpy(MPROC__ENTRY_VALUE(entry), fill->data, size);
    return APR_SUCCESS;
}

/* Have the neighbours in the row, or its ends, lead to these. */
static void
row_link(mproc__store_use_t *use, apr_uint32_t before, apr_uint32_t after,
         apr_uint32_t to_after, apr_uint32_t to_before)
{
    mproc__journal_put(use,
                       before != 0 ? &mproc__dict_entry(use, before)->after
                                   : &use->content->first,
                       to_after);
    mproc__journal_put(use,
                       after != 0 ? &mproc__dict_entry(use, after)->before
                                  : &use->content->last,
                       to_before);
}

static apr_status_t
entry_insert(mproc__store_use_t *use, const mproc__key_t *key,
             const mproc__fill_t *fill, mproc__found_t *found)
{
    mproc__content_t *content = use->content;
    mproc__entry_t *entry;
    apr_uint32_t ref;
    apr_status_t rv = entry_make(use, &ref, key, fill);

    if (rv == APR_SUCCESS && found->link == NULL) {
        rv = buckets_begin(use, key, found);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    entry = mproc__dict_entry(use, ref);
    entry->before = content->last;
    entry->after = 0;
    mproc__journal_put(use, &entry->next, 0); /* at the end of its chain */
    mproc__journal_put(use, found->link, ref);
    row_link(use, content->last, 0, ref, ref);
    mproc__journal_put_wide(use, &content->count, content->count + 1);
    mproc__journal_commit(use);
    if (content->count > content->buckets) {
        buckets_grow(use);
    }
    return APR_SUCCESS;
}

/* Another cell in the place of one, which is given back. */
static apr_status_t
entry_replace(mproc__store_use_t *use, const mproc__key_t *key,
              const mproc__fill_t *fill, const mproc__found_t *found)
{
    mproc__entry_t *old = found->entry, *entry;
    apr_uint32_t ref;
    apr_status_t rv = entry_make(use, &ref, key, fill);

    if (rv == APR_SUCCESS) {
        entry = mproc__dict_entry(use, ref);
        entry->before = old->before;
        entry->after = old->after;
        mproc__journal_put(use, &entry->next, old->next);
        mproc__journal_put(use, found->link, ref);
        row_link(use, old->before, old->after, ref, ref);
        mproc__store_give(use, found->ref, MPROC__ENTRY_CLASS(old));
    }
    return rv;
}

static apr_status_t
entry_set(mproc__store_use_t *use, const mproc__key_t *key,
          const mproc__fill_t *fill, const mproc__found_t *found)
{
    mproc__entry_t *entry = found->entry;
    apr_uint32_t box = box_number(entry), word;
    apr_uint64_t room = mproc__store_class_size(MPROC__ENTRY_CLASS(entry)) -
                        ENTRY_SIZE - MPROC__ENTRY_KEY(entry);
    apr_status_t rv = APR_SUCCESS;

    if (fill->box == NULL &&
        (fill->size > room || (fill->size > IN_PLACE && box == 0))) {
        rv = entry_replace(use, key, fill, found);
    }
    else {
        rv = value_word(use, fill, &word);
        if (rv == APR_SUCCESS && fill->box == NULL && box != 0) {
            /* Nobody reads it there before the commit. */
            memcpy(MPROC__ENTRY_VALUE(entry), fill->data, fill->size);
        }
        else if (fill->box == NULL) {
            mproc__journal_put_bytes(use, MPROC__ENTRY_VALUE(entry), fill->data,
                                     fill->size);
        }
        if (rv == APR_SUCCESS && word != entry->value) {
            mproc__journal_put(use, &entry->value, word);
        }
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (box != 0) {
        mproc__store_box_give(use, box);
    }
    mproc__journal_commit(use);
    if (box != 0) {
        mproc__store_box_release(use, box);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc__dict_put(mproc__store_use_t *use, const mproc__key_t *key,
                const mproc__fill_t *fill)
{
    mproc__found_t found;
    apr_status_t rv;

    mproc__dict_find(use, key, &found);
    rv = found.ref != 0 ? entry_set(use, key, fill, &found)
                        : entry_insert(use, key, fill, &found);
    if (rv != APR_SUCCESS) {
        mproc__journal_drop(use);
    }
    return rv;
}

/* -------------------------------------------------------------------- drop */

#define LARGE                                                                  \
    5 /* the segment from which on an empty dict is worth renewing             \
       */

void
mproc__dict_drop(mproc__store_use_t *use, const mproc__found_t *found)
{
    mproc__content_t *content = use->content;
    mproc__entry_t *entry = found->entry;
    apr_uint32_t box = box_number(entry);

    mproc__journal_put(use, found->link, entry->next);
    row_link(use, entry->before, entry->after, entry->after, entry->before);
    mproc__journal_put_wide(use, &content->count, content->count - 1);
    mproc__store_give(use, found->ref, MPROC__ENTRY_CLASS(entry));
    if (box != 0) {
        mproc__store_box_give(use, box);
    }
    mproc__journal_commit(use);
    if (box != 0) {
        mproc__store_box_release(use, box);
    }
    if (content->count == 0 && MPROC__CELL_SEGMENT(content->next) >= LARGE) {
        (void)mproc__store_clear(use); /* Else its memory is used again. */
    }
}
