/* secret.h: what a socket that speaks TLS has beside its handle; secret.c. */
#ifndef MPROC_SRC_SECRET_H
#define MPROC_SRC_SECRET_H

#include "sockets.h"

/* NULL is fine. */
void mproc__secret_free(mproc__secret_t *secret);

#endif
