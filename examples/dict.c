/*
 * dict.c: a dict that all processes see: what they report, by key; another
 * shared object as a value; and one is killed in the middle of its changes.
 *
 * Each call is one step for all others. A read and the set that depends on it
 * are two: here a lock, which is in the dict too, makes one of them.
 */
#include <apr_strings.h>
#include <mproc.h>
#include <stdio.h>
#include <string.h>

static int
count(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_dict_t *dict;
    mproc_lock_t *lock;
    const char *name;
    int i, total;

    if (mproc_unpack(args, pool, "o s", &dict, &name) != APR_SUCCESS ||
        mproc_dict_getf(dict, "lock", pool, "o", &lock) != APR_SUCCESS) {
        return 1;
    }
    for (i = 1; i <= 100; i++) {
        mproc_dict_setf(dict, name, "[i s]", i, i < 100 ? "at it" : "done");
        mproc_lock_acquire(lock, MPROC_FOREVER);
        total = 0; /* as long as there is none */
        mproc_dict_getf(dict, "total", pool, "i", &total);
        mproc_dict_setf(dict, "total", "i", total + 1);
        mproc_lock_release(lock);
    }
    return 0;
}

/* Until it is killed: whenever that is, the dict is whole. */
static int
scribble(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_dict_t *dict;
    char key[16];
    unsigned i;

    if (mproc_unpack(args, pool, "o", &dict) != APR_SUCCESS) {
        return 1;
    }
    for (i = 0;; i++) {
        apr_snprintf(key, sizeof key, "x%u", i % 10);
        if (i % 20 < 10) {
            mproc_dict_setf(dict, key, "[i i]", i, i);
        }
        else {
            mproc_dict_remove(dict, key);
        }
    }
}

int
main(int argc, const char *const *argv)
{
    static const char *const names[] = {"anna", "bert", "cleo"};
    mproc_process_t *process[3], *killed;
    mproc_dict_pair_t *pairs;
    apr_size_t entries, i;
    mproc_datum_t *datum;
    mproc_lock_t *lock;
    mproc_dict_t *dict;
    apr_pool_t *pool;
    const char *text;
    int torn = 0;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    mproc_dict_create(&dict, pool);
    mproc_lock_create(&lock, pool);
    mproc_dict_setf(dict, "lock", "o", lock);
    for (i = 0; i < 3; i++) {
        mproc_dict_setf(dict, names[i], "n");
    }
    for (i = 0; i < 3; i++) {
        mproc_process_create(&process[i], count, NULL, pool, "o s", dict,
                             names[i]);
        mproc_process_start(process[i]);
    }
    for (i = 0; i < 3; i++) {
        mproc_process_join(process[i], MPROC_FOREVER);
    }
    mproc_dict_remove(dict, "lock");
    mproc_dict_datum(dict, &datum, pool);
    text = mproc_datum_text(datum, pool);
    puts(text);

    mproc_process_create(&killed, scribble, NULL, pool, "o", dict);
    mproc_process_start(killed);
    while (!mproc_dict_has(dict, "x0")) {
        apr_sleep(1000);
    }
    mproc_process_kill(killed);
    mproc_process_join(killed, MPROC_FOREVER);
    mproc_dict_snapshot(dict, &pairs, &entries, pool);
    for (i = 4; i < entries; i++) {
        int one = 0, two = 1;
        mproc_unpack(pairs[i].value, pool, "[i i]", &one, &two);
        torn += one != two;
        mproc_dict_remove_key(dict, pairs[i].key);
    }
    printf("one was killed, torn: %d\n", torn);
    return torn != 0 || mproc_dict_size(dict) != 4 ||
           strcmp(text, "{\"anna\": [100, \"done\"], \"bert\": [100, "
                        "\"done\"], \"cleo\": [100, \"done\"], "
                        "\"total\": 300}") != 0;
}
