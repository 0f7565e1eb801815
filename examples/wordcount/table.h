/* table.h: words and how often each was seen. */
#ifndef WORDCOUNT_TABLE_H
#define WORDCOUNT_TABLE_H

#include <apr.h>

/* A hash table in the heap of one process. */
typedef struct table_t table_t;

/* One word; the text is not terminated and lives as long as the table is
 * not added to. */
typedef struct word_t {
    const char *text;
    apr_size_t length;
    apr_uint64_t count;
} word_t;

/* NULL when there is no memory. */
table_t *table_create(void);
void table_destroy(table_t *table);

/* Count a word so many times more. 0 when there is no memory. */
int table_add(table_t *table, const char *text, apr_size_t length,
              apr_uint64_t count);

/* Different words in the table, and the i-th of them in order of arrival. */
apr_size_t table_size(const table_t *table);
word_t table_word(const table_t *table, apr_size_t i);

/* All words, the most frequent first, those equally frequent in descending
 * byte order. From malloc(); NULL when there is no memory. */
word_t *table_sorted(const table_t *table);

#endif
