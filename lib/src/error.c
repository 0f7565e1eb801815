/*
 * error.c: names of status codes, and each thread's last sentence.
 *
 * A sentence may be made out of the one before it, so it is put together
 * aside and copied over when it is whole.
 */
#include "error.h"

#include <apr_errno.h>
#include <apr_strings.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_SIZE 1024

static _Thread_local char last_sentence[SENTENCE_SIZE];

/* In the order of the codes, from MPROC_START_ERROR + 1. */
static const char *const code_names[] = {
    "Closed by this side (MPROC_ECLOSED)",
    "The holder died, the caller holds it now (MPROC_EOWNERDEAD)",
    "Broken until it is reset (MPROC_EBROKEN)",
    "The worker that ran the task died (MPROC_EWORKERLOST)",
    "Larger than the limit (MPROC_ETOOBIG)",
    "The key did not match (MPROC_EAUTH)",
    "Bytes or format do not fit (MPROC_EFORMAT)",
    "Called at the wrong time (MPROC_ESTATE)",
    "The process is not ready to start others (MPROC_EBOOTSTRAP)",
    "The other side of the call failed (MPROC_EREMOTE)",
    "The object exists no more (MPROC_ESTALE)",
    "The function's module is another one (MPROC_EMODULE)",
    "Ended, with a code that nobody knows (MPROC_EUNKNOWN)",
    "Nobody is left who could end the wait (MPROC_EDEADLK)",
};

_Static_assert(sizeof code_names / sizeof code_names[0] ==
                   MPROC_EDEADLK - MPROC_START_ERROR,
               "every code has a name");

apr_status_t
mproc__fail(apr_status_t status, const char *format, ...)
{
    char sentence[SENTENCE_SIZE];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (length < 0) {
        apr_cpystrn(sentence, format, sizeof sentence);
    }
    else if ((apr_size_t)length >= sizeof sentence) {
        memcpy(sentence + sizeof sentence - 4, "...", 4);
    }
    apr_cpystrn(last_sentence, sentence, sizeof last_sentence);
    return status;
}

char *
mproc_strerror(apr_status_t status, char *buffer, apr_size_t size)
{
    if (buffer == NULL || size == 0) {
        return buffer;
    }
    if (status > MPROC_START_ERROR && status <= MPROC_EDEADLK) {
        apr_cpystrn(buffer, code_names[status - MPROC_START_ERROR - 1], size);
        return buffer;
    }
    return apr_strerror(status, buffer, size);
}

const char *
mproc_error_detail(void)
{
    return last_sentence;
}
