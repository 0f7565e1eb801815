/* piece.h: what the workers of wordcount do. */
#ifndef WORDCOUNT_PIECE_H
#define WORDCOUNT_PIECE_H

#include <apr.h>
#include <apr_errno.h>

/* Files, or parts of files, in one piece, at most. */
#define PIECE_PARTS 64

/* A part of a file. */
typedef struct part_t {
    apr_off_t start;
    apr_size_t length;
    apr_uint32_t path; /* where its path begins, in bytes after the first
                          piece of the round: they share one memory */
    apr_uint32_t file; /* number of the file, for the parent */
} part_t;

/* A piece of the stream that all files together are. */
typedef struct piece_t {
    apr_uint32_t index; /* of this piece in its round */
    apr_uint32_t parts;
    apr_size_t size; /* of all parts */
    part_t part[PIECE_PARTS];
} piece_t;

/*
 * What was found in a piece. Letters before its first other byte, and behind
 * its last one, may belong to words that go on in the neighbouring pieces:
 * these ends are handed over as they are. In `data`: the head, the tail,
 * then the words between them, each as its letters, a 0, and its count, 7
 * bits a byte, the lowest first, the high bit set on all but the last.
 */
typedef struct tally_t {
    apr_status_t status;              /* of the whole piece */
    apr_status_t failed[PIECE_PARTS]; /* of reading each part */
    apr_size_t size;                  /* bytes that were there to read */
    apr_size_t head, tail;            /* letters; head == size: no other */
    apr_size_t words;                 /* different ones */
    unsigned char data[];
} tally_t;

/* Room for the tally of a piece of that size. A word of n letters takes n + 1
 * bytes in the input each time, and n + 2 here once, n + 3 from 128 times on,
 * and so forth: three halves are always enough. */
#define TALLY_ROOM(size)                                                       \
    ((sizeof(tally_t) + (size) + (size) / 2 + 16) & ~(apr_size_t)15)

/* The function for mproc_pool_map_array(): a piece_t, which must lie in
 * shared memory, to a tally_t. */
void piece_count(const void *in, void *out, void *baton);

/* Read the next word of a tally; its end is its 0. Returns where the word
 * after it begins. */
const unsigned char *tally_next(const unsigned char *at, const char **word,
                                apr_size_t *length, apr_uint64_t *count);

#endif
