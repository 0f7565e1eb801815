/* version.c: the version of the library. */
#include <mproc/version.h>

const char *
mproc_version(void)
{
    return MPROC_VERSION_STRING;
}
