/**
 * @file version.h
 * @brief The version of mproc; the build reads it from here.
 */
#ifndef MPROC_VERSION_H
#define MPROC_VERSION_H

#include <mproc/export.h>

#define MPROC_MAJOR_VERSION 0
#define MPROC_MINOR_VERSION 1
#define MPROC_PATCH_VERSION 0
#define MPROC_VERSION_STRING "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Tell the version of the library that is linked, which may be newer than
 * the headers that the caller was compiled with.
 * @return "MAJOR.MINOR.PATCH"; static storage
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(const char *) mproc_version(void);

#ifdef __cplusplus
}
#endif

#endif
