/*
 * pack.c: values to bytes and back.
 *
 * What crosses a process boundary is packed by a format, and unpacked by the
 * same one; bytes that do not fit are refused, with a sentence.
 */
#include <mproc.h>
#include <stdio.h>
#include <string.h>

static void
bytes_print(mproc_bytes_t bytes)
{
    const unsigned char *byte = bytes.data;
    apr_size_t i;

    for (i = 0; i < bytes.size; i++) {
        printf(i == 0 ? "%02x" : " %02x", byte[i]);
    }
    putchar('\n');
}

int
main(int argc, const char *const *argv)
{
    mproc_bytes_t bytes, raw;
    const char *text = "", *word = "";
    int number = 0, yes = 0;
    double half = 0;
    apr_pool_t *pool;
    apr_status_t rv;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);

    /* A list of three. */
    mproc_pack(&bytes, pool, "[i n s]", 42, "hello");
    bytes_print(bytes);
    rv = mproc_unpack(bytes, pool, "[i n s]", &number, &text);
    printf("%d, nil, %s\n", number, text);
    if (rv != APR_SUCCESS || number != 42 || strcmp(text, "hello") != 0) {
        return 1;
    }

    /* A map; what is not of interest is skipped. */
    raw.data = "\x01\x02";
    raw.size = 2;
    mproc_pack(&bytes, pool, "{s: b, s: y, s: d}", "up", 1, "raw", raw, "load",
               0.5);
    rv = mproc_unpack(bytes, pool, "{s: b, *: *, s: d}", &word, &yes, &text,
                      &half);
    printf("%s %d, %s %.1f\n", word, yes, text, half);
    if (rv != APR_SUCCESS || yes != 1 || half != 0.5) {
        return 2;
    }

    /* A text is no number. */
    mproc_pack(&bytes, pool, "s", "seven");
    rv = mproc_unpack(bytes, pool, "i", &number);
    printf("refused: %s\n", mproc_error_detail());
    apr_pool_destroy(pool);
    return rv != MPROC_EFORMAT;
}
