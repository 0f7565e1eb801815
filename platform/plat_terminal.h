/**
 * @file plat_terminal.h
 * @brief Whether somebody looks.
 *
 * Why not `apr_file_io.h`: it does not tell terminals from files.
 */
#ifndef MPROC_PLAT_TERMINAL_H
#define MPROC_PLAT_TERMINAL_H

#include <apr_file_io.h>

/** Columns of the terminal that a file is; 0 when it is none. */
int mproc_plat_terminal_width(apr_file_t *file);

#endif
