/*
 * wire.h: MessagePack, read one token at a time.
 *
 * msgpack-c packs for us. It does not parse for us: before it has seen any
 * of them it sets memory aside for as many values as a list claims to have,
 * and its nesting ends at 32. Here every size is held against the bytes that
 * are left, and nothing is allocated.
 */
#ifndef MPROC_SRC_WIRE_H
#define MPROC_SRC_WIRE_H

#include <mproc/types.h>

/* Lists and maps inside each other, in both directions. */
#define MPROC__NESTING_MAX 64

/* A shared object on the wire: its handle, 8 bytes, big-endian. */
#define MPROC__WIRE_OBJECT 1
#define MPROC__WIRE_OBJECT_SIZE 8

typedef enum mproc__token_e {
    MPROC__TOKEN_NIL,
    MPROC__TOKEN_BOOL,
    MPROC__TOKEN_INT,
    MPROC__TOKEN_DOUBLE,
    MPROC__TOKEN_TEXT,
    MPROC__TOKEN_BYTES,
    MPROC__TOKEN_LIST,
    MPROC__TOKEN_MAP,
    MPROC__TOKEN_EXT
} mproc__token_e;

/* A value without values inside, or the head of a list or map. */
typedef struct mproc__token_t {
    mproc__token_e kind;
    int negative;        /* INT: number is the bits of a signed one, < 0 */
    int ext;             /* EXT: its type */
    apr_uint64_t number; /* BOOL, INT; values in a LIST, pairs in a MAP */
    double real;         /* DOUBLE */
    const char *data;    /* TEXT, BYTES, EXT: inside the bytes read */
    apr_size_t size;
} mproc__token_t;

/* Where reading stands. */
typedef struct mproc__wire_t {
    const unsigned char *start;
    const unsigned char *at;
    const unsigned char *end;
    char why[200]; /* after a failure: the reason, part of a sentence */
} mproc__wire_t;

/* Read from the bytes, which stay where they are. */
void mproc__wire_init(mproc__wire_t *wire, mproc_bytes_t bytes);

/* Give `why` a reason, return the status. */
apr_status_t mproc__wire_fail(mproc__wire_t *wire, apr_status_t status,
                              const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Read one token. MPROC_EFORMAT with `why`; then nothing is read. */
apr_status_t mproc__wire_next(mproc__wire_t *wire, mproc__token_t *token);

/* Pass over one value with all that is inside, nested at most `levels`
 * deep (<= MPROC__NESTING_MAX). MPROC_EFORMAT with `why`. */
apr_status_t mproc__wire_skip(mproc__wire_t *wire, unsigned levels);

/* How many values there are, until the first that is none. */
apr_size_t mproc__wire_count(mproc_bytes_t bytes);

/* Open the object that a token names. MPROC_EFORMAT, MPROC_ESTALE or
 * APR_ENOMEM, with `why`. */
apr_status_t mproc__wire_object(mproc__wire_t *wire,
                                const mproc__token_t *token,
                                mproc_object_t **object, apr_pool_t *pool);

/* Say what a token is: "the integer 42", "a list of 3 values". */
void mproc__token_describe(const mproc__token_t *token, char *text,
                           apr_size_t size);

/* A whole number of any kind as another one: 0 when it does not fit. */
int mproc__whole_signed(int negative, apr_uint64_t number, apr_int64_t *value);
int mproc__whole_double(int negative, apr_uint64_t number, double *value);

#endif
