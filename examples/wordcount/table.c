/*
 * table.c: words and how often each was seen.
 *
 * Entries and texts lie in two growing arrays; an index of entry numbers,
 * open addressing with at most half of it used, finds them.
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

typedef struct entry_t {
    apr_size_t text; /* where its text begins in table_t.text */
    apr_size_t length;
    apr_uint64_t count;
    apr_uint32_t hash;
} entry_t;

struct table_t {
    entry_t *entry;
    apr_size_t entries, entry_room;
    char *text;
    apr_size_t text_size, text_room;
    apr_uint32_t *index;   /* number of the entry plus one; 0: free */
    apr_size_t index_room; /* a power of two */
};

table_t *
table_create(void)
{
    table_t *table = calloc(1, sizeof *table);

    if (table == NULL) {
        return NULL;
    }
    table->index_room = 1024;
    table->entry_room = 512;
    table->text_room = 4096;
    table->index = calloc(table->index_room, sizeof *table->index);
    table->entry = malloc(table->entry_room * sizeof *table->entry);
    table->text = malloc(table->text_room);
    if (table->index == NULL || table->entry == NULL || table->text == NULL) {
        table_destroy(table);
        return NULL;
    }
    return table;
}

void
table_destroy(table_t *table)
{
    if (table != NULL) {
        free(table->index);
        free(table->entry);
        free(table->text);
        free(table);
    }
}

/* FNV-1a (Fowler, Noll, Vo). */
static apr_uint32_t
text_hash(const char *text, apr_size_t length)
{
    apr_uint32_t hash = 2166136261u;
    apr_size_t i;

    for (i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    }
    return hash;
}

/* The place in the index where the word is, or where it belongs. */
static apr_uint32_t *
index_find(const table_t *table, apr_uint32_t hash, const char *text,
           apr_size_t length)
{
    apr_size_t at = hash & (table->index_room - 1);

    for (;; at = (at + 1) & (table->index_room - 1)) {
        apr_uint32_t number = table->index[at];
        const entry_t *entry = table->entry + number - 1;
        if (number == 0 ||
            (entry->hash == hash && entry->length == length &&
             memcmp(table->text + entry->text, text, length) == 0)) {
            return table->index + at;
        }
    }
}

/* Double the index; the entries tell their hashes. */
static int
index_grow(table_t *table)
{
    apr_size_t room = table->index_room * 2, mask = room - 1, i, at;
    apr_uint32_t *index = calloc(room, sizeof *index);

    if (index == NULL) {
        return 0;
    }
    for (i = 0; i < table->entries; i++) {
        for (at = table->entry[i].hash & mask; index[at] != 0;) {
            at = (at + 1) & mask;
        }
        index[at] = (apr_uint32_t)i + 1;
    }
    free(table->index);
    table->index = index;
    table->index_room = room;
    return 1;
}

/* Room for one more entry with a text of that length. */
static int
table_grow(table_t *table, apr_size_t length)
{
    if (table->entries == table->entry_room) {
        apr_size_t room = table->entry_room * 2;
        entry_t *entry = realloc(table->entry, room * sizeof *entry);
        if (entry == NULL) {
            return 0;
        }
        table->entry = entry;
        table->entry_room = room;
    }
    if (length > table->text_room - table->text_size) {
        apr_size_t room = table->text_room * 2 + length;
        char *text = realloc(table->text, room);
        if (text == NULL) {
            return 0;
        }
        table->text = text;
        table->text_room = room;
    }
    return table->entries * 2 < table->index_room || index_grow(table);
}

int
table_add(table_t *table, const char *text, apr_size_t length,
          apr_uint64_t count)
{
    apr_uint32_t hash = text_hash(text, length);
    apr_uint32_t *number = index_find(table, hash, text, length);
    entry_t *entry;

    if (*number != 0) {
        table->entry[*number - 1].count += count;
        return 1;
    }
    if (!table_grow(table, length)) {
        return 0;
    }
    number = index_find(table, hash, text, length);
    entry = table->entry + table->entries++;
    *number = (apr_uint32_t)table->entries;
    entry->text = table->text_size;
    entry->length = length;
    entry->count = count;
    entry->hash = hash;
    memcpy(table->text + table->text_size, text, length);
    table->text_size += length;
    return 1;
}

apr_size_t
table_size(const table_t *table)
{
    return table->entries;
}

word_t
table_word(const table_t *table, apr_size_t i)
{
    const entry_t *entry = table->entry + i;
    word_t word;

    word.text = table->text + entry->text;
    word.length = entry->length;
    word.count = entry->count;
    return word;
}

static int
word_compare(const void *left, const void *right)
{
    const word_t *a = left, *b = right;
    apr_size_t common = a->length < b->length ? a->length : b->length;
    int order;

    if (a->count != b->count) {
        return a->count < b->count ? 1 : -1;
    }
    order = memcmp(b->text, a->text, common);
    if (order != 0) {
        return order;
    }
    return (a->length < b->length) - (a->length > b->length);
}

word_t *
table_sorted(const table_t *table)
{
    word_t *words = malloc((table->entries + 1) * sizeof *words);
    apr_size_t i;

    if (words == NULL) {
        return NULL;
    }
    for (i = 0; i < table->entries; i++) {
        words[i] = table_word(table, i);
    }
    qsort(words, table->entries, sizeof *words, word_compare);
    return words;
}
