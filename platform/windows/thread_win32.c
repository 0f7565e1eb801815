/* thread_win32.c: a thread of the library's own. */
#include "plat_sys.h"

#include "win32.h"

#include <stdlib.h>

#define STACK ((size_t)256 * 1024)

typedef struct start_t {
    void (*run)(void *baton);
    void *baton;
} start_t;

static DWORD WINAPI
thread_run(void *baton)
{
    start_t start = *(start_t *)baton;

    free(baton);
    start.run(start.baton);
    return 0;
}

apr_status_t
mproc_plat_thread_start(void (*run)(void *baton), void *baton)
{
    start_t *start = malloc(sizeof *start);
    HANDLE thread;
    apr_status_t rv;

    if (start == NULL) {
        return APR_ENOMEM;
    }
    mproc__win32_pin();
    start->run = run;
    start->baton = baton;
    thread = CreateThread(NULL, STACK, thread_run, start, 0, NULL);
    if (thread == NULL) {
        rv = mproc__win32_status(GetLastError());
        free(start);
        return rv;
    }
    CloseHandle(thread);
    return APR_SUCCESS;
}
