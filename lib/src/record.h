/*
 * record.h: what a process and its parent know of each other.
 *
 * A block of the arena. The parent writes it before the start, the child
 * reads from it all that it needs, and tells in it how far it has come. Who
 * has it holds it; it goes when the child has ended and the parent knows how.
 */
#ifndef MPROC_SRC_RECORD_H
#define MPROC_SRC_RECORD_H

#include <stdatomic.h>

#include <mproc/process.h>

#include "arena.h"
#include "funcref.h"

#define MPROC__NAME_SIZE 256
#define MPROC__KEY_SIZE 256

/* How far a child has come. */
enum {
    MPROC__RECORD_NEW,
    MPROC__RECORD_STARTING,
    MPROC__RECORD_ATTACHED, /* it has found its record */
    MPROC__RECORD_RUNNING,  /* it runs its target */
    MPROC__RECORD_ENDING    /* it has told its code */
};

/* Flags of a record. */
#define MPROC__RECORD_DAEMON 1U
#define MPROC__RECORD_DETACHED 2U
#define MPROC__RECORD_SERVER 4U /* a fork server; `target` prepares it */

#define MPROC__RECORD_MAGIC 0x6d70726fU

typedef struct mproc__record_t {
    apr_uint32_t magic;
    apr_uint32_t size; /* of this struct */
    _Atomic apr_uint32_t state;
    _Atomic apr_uint32_t told;   /* 1: code and signal are true */
    _Atomic apr_uint32_t ticket; /* see forkserver.c */
    apr_int32_t code;
    apr_int32_t signal;
    apr_int32_t core;
    apr_uint32_t flags;
    apr_uint32_t method; /* mproc_start_method_e, also for its children */
    apr_uint32_t key_size;
    apr_int64_t parent_pid;
    _Atomic apr_uint64_t start; /* a point in the life of a forked child */
    apr_int64_t channel;        /* of a fork server: its end */
    apr_uint32_t on_error;      /* of a fork server: mproc_preload_error_e */
    apr_uint32_t environment_count;
    /* Offsets from this struct; 0: not given. */
    apr_uint64_t args;
    apr_uint64_t args_size;
    apr_uint64_t directory;
    apr_uint64_t environment; /* texts, one behind the other */
    mproc__funcref_t target;
    char name[MPROC__NAME_SIZE];
    char path[MPROC__NAME_SIZE]; /* of counters: "2:1:3" */
    char parent_name[MPROC__NAME_SIZE];
    unsigned char key[MPROC__KEY_SIZE];
    char failure[MPROC__NAME_SIZE]; /* why it could not start */
} mproc__record_t;

/* What a record is made of that is known when it is made. */
typedef struct mproc__record_plan_t {
    mproc_bytes_t args;
    const apr_array_header_t *objects; /* that the args name; NULL: none */
    const char *directory;
    const char *const *environment;
} mproc__record_plan_t;

/* Make a record, for the hold; zero but for the plan. */
apr_status_t mproc__record_make(mproc__record_t **record, mproc__hold_t *hold,
                                const mproc__record_plan_t *plan);

/* The hold in the record's block that keeps what a forked child inherits,
 * until the child holds it itself. */
mproc__hold_t *mproc__record_keep(mproc__handle_t handle);

/* Where the record begins in its block, behind so many holds. */
apr_uint64_t mproc__record_offset(apr_uint32_t holds);
/* Whether an object of this kind is passed in the arguments. */
int mproc__record_passes(mproc__handle_t handle, mproc_kind_e kind);

/* Nobody needs the arguments any more: give up the objects in them. */
void mproc__record_forget(mproc__handle_t handle);

/* Find the record in a block that is held. NULL when it is none. */
mproc__record_t *mproc__record_at(mproc__handle_t handle);

/* The arguments, where they lie. */
mproc_bytes_t mproc__record_args(mproc__record_t *record);

/* The directory, or NULL. */
const char *mproc__record_directory(mproc__record_t *record);

/* The environment as an array that ends with NULL, or NULL when none was
 * given. The texts stay in the record. */
apr_status_t mproc__record_environment(const char ***environment,
                                       mproc__record_t *record,
                                       apr_pool_t *pool);

#endif
