/*
 * mproc-host.c: the launcher, for programs whose main is not ours.
 *
 * A plug-in names it by mproc_set_executable(). Started by mproc it loads
 * the module that the target lies in and runs it; started by hand it has
 * nothing to do.
 */
#include <stdio.h>

#include <mproc/process.h>

int
main(int argc, const char *const *argv)
{
    (void)mproc_initialize(argc, argv);
    fprintf(stderr,
            "usage: %s is started by programs that use mproc, after "
            "mproc_set_executable(); it does nothing by itself\n",
            argc > 0 ? argv[0] : "mproc-host");
    return 2;
}
