/*
 * shm.c: shared memory with a name, which any program can attach to.
 *
 * Here another process of the same program does, by the name alone. It could
 * be one that knows nothing of mproc: in C shm_open("/NAME"), in Python
 * multiprocessing.shared_memory.SharedMemory("NAME").
 */
#include <mproc.h>
#include <stdio.h>
#include <string.h>

static int
answer(mproc_bytes_t args, apr_pool_t *pool)
{
    const char *name;
    mproc_shm_t *shm;

    if (mproc_unpack(args, pool, "s", &name) != APR_SUCCESS) {
        return 1;
    }
    if (mproc_shm_attach(&shm, name, pool) != APR_SUCCESS) {
        fprintf(stderr, "%s\n", mproc_error_detail());
        return 2;
    }
    if (strcmp(mproc_shm_data(shm), "a question") != 0) {
        return 3;
    }
    strcpy(mproc_shm_data(shm), "an answer");
    return 0;
}

int
main(int argc, const char *const *argv)
{
    mproc_process_t *process;
    mproc_shm_t *shm, *again;
    int code = -1, taken, gone;

    mproc_initialize(argc, argv);
    if (mproc_shm_create(&shm, NULL, 4096, NULL) != APR_SUCCESS) {
        fprintf(stderr, "%s\n", mproc_error_detail());
        return 1;
    }
    strcpy(mproc_shm_data(shm), "a question");
    mproc_process_create(&process, answer, NULL, NULL, "s",
                         mproc_shm_name(shm));
    mproc_process_start(process);
    mproc_process_join(process, MPROC_FOREVER);
    mproc_process_exitcode(process, &code);
    printf("%s, in %lu bytes\n", (char *)mproc_shm_data(shm),
           (unsigned long)mproc_shm_size(shm));

    taken = mproc_shm_create(&again, mproc_shm_name(shm), 1, NULL);
    printf("made again: %s\n", taken == APR_EEXIST ? "taken" : "no?");
    /* All who are to attach have: now no end of ours can leave the name. */
    mproc_shm_unlink(shm);
    mproc_shm_close(shm);
    gone = mproc_shm_attach(&again, mproc_shm_name(shm), NULL);
    printf("attached after the end: %s\n", gone == APR_ENOENT ? "gone" : "no?");
    mproc_shm_destroy(shm);
    return code != 0 || taken != APR_EEXIST || gone != APR_ENOENT;
}
