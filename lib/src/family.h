/*
 * family.h: this process, its parent and its children.
 *
 * Private to the files that make processes: family, create, process,
 * describe, start, child, bootstrap, shutdown, forkserver, server, watcher.
 * One lock guards the list of children and what changes in a child's object.
 * It is never held while something is waited for.
 */
#ifndef MPROC_SRC_FAMILY_H
#define MPROC_SRC_FAMILY_H

#include <stdatomic.h>

#include "../../platform/plat_proc.h"
#include "object.h"
#include "process.h"
#include "record.h"

/* Exit code of a child that could not be started, and of a program whose
 * arguments look like a child's and are none. */
#define MPROC__EXIT_BOOTSTRAP 120
#define MPROC__EXIT_USAGE 2

typedef enum mproc__role_e {
    MPROC__CHILD,
    MPROC__SELF,
    MPROC__PARENT
} mproc__role_e;

/* In this order. A child that ended is settled: collected, recovered from,
 * and off the list. */
typedef enum mproc__life_e {
    MPROC__CREATED,
    MPROC__STARTING,
    MPROC__STARTED,
    MPROC__SETTLED,
    MPROC__CLOSED
} mproc__life_e;

struct mproc_process_t {
    mproc__role_e role;
    _Atomic int life;
    unsigned epoch;   /* of the process that created it */
    int owners;       /* pools, or 1 for the caller; 0: nobody will close it */
    apr_pool_t *pool; /* the first owner, or NULL: the caller */
    int users;        /* calls that work with it unlocked */
    int orphan;       /* its owner has gone */
    int hidden;       /* of the library's own */
    int given_up;     /* could not be ended */
    mproc_process_t *next, *previous; /* on the list of children */
    mproc_target_fn_t target;
    mproc__hold_t *hold;
    mproc__record_t *record; /* NULL once settled */
    mproc_start_method_e asked, method;
    apr_file_t *stream[3];
    mproc_plat_proc_t proc;
    mproc_plat_exit_t exit;
    apr_time_t began;
    apr_uint64_t maker; /* the fork server that made it, or 0 */
    _Atomic int watched;
    void (*ended)(mproc_process_t *process, void *baton);
    void *baton;
    apr_int64_t parent_pid;
    int daemon, detached;
    mproc__notifier_place_t notifier;
    apr_size_t key_size;
    char name[MPROC__NAME_SIZE];
    char path[MPROC__NAME_SIZE]; /* of counters: "2:1:3", "" for main */
    char failure[MPROC__NAME_SIZE];
    unsigned char key[MPROC__KEY_SIZE];
};

/* How far this process is. */
typedef enum mproc__stage_e {
    MPROC__STAGE_NONE,  /* mproc_initialize() was not called */
    MPROC__STAGE_BIRTH, /* a child, before its target */
    MPROC__STAGE_READY
} mproc__stage_e;

typedef struct mproc__family_t {
    _Atomic int stage;
    atomic_flag busy;
    int cancel; /* of who holds it: whether it may be cancelled */
    mproc_process_t *children; /* started and not settled */
    mproc_process_t self;
    mproc_process_t *parent;     /* NULL in the main process */
    unsigned created;            /* processes, counted */
    mproc_start_method_e method; /* DEFAULT: not fixed */
    const char *executable;      /* NULL: this program */
    int argc;                    /* the user's */
    const char *const *argv;
} mproc__family_t;

extern mproc__family_t mproc__family;

/* ------------------------------------------------------------- family.c */

/* Who has the lock cannot be cancelled. */
void mproc__family_lock(void);
void mproc__family_unlock(void);

/* In a forked child: nothing of the parent's is ours. Done by lock too. */
void mproc__family_renew(void);

/* Have the main process's description ready. */
void mproc__family_main(void);

/* Put a started process on the list; the lock is held. */
void mproc__family_add(mproc_process_t *process);

/* Collect those children that have ended; the lock is held. */
void mproc__family_reap(void);

/* The same for who does not have it. */
void mproc__family_look(void);

/* Work with a process unlocked: its object and record stay until drop. */
void mproc__process_take(mproc_process_t *process); /* the lock is held */
void mproc__process_drop(mproc_process_t *process);

/* One owner less; without any it goes as soon as it has ended. */
void mproc__process_disown(mproc_process_t *process);

/* Look whether a started process has ended; if so settle it. May wait a
 * moment for the fork server. The caller has taken it or owns it. */
int mproc__process_settle(mproc_process_t *process);

/* Wait for it. */
apr_status_t mproc__process_wait(mproc_process_t *process, apr_time_t deadline);

/* Give back its record and its handle. */
void mproc__process_release(mproc_process_t *process);

/* The key of this process; makes one in the main process. */
apr_status_t mproc__family_key(void);

/* ------------------------------------------------------------- create.c */

/* Make an object with its record; no pool owns it yet. */
apr_status_t mproc__process_new(mproc_process_t **process,
                                mproc_target_fn_t target,
                                const mproc_process_options_t *options,
                                const mproc__record_plan_t *plan, int hidden);

/* ------------------------------------------------------------ process.c */

/* MPROC_ESTATE with a sentence unless it is a started child of the calling
 * process. `verb` as in "cannot join". */
apr_status_t mproc__process_started(const mproc_process_t *process,
                                    const char *verb);

/* -------------------------------------------------------------- start.c */

/* Start it by its method; on the list when it has been. */
apr_status_t mproc__process_launch(mproc_process_t *process);

/* The pool whose copy a forked child takes, or NULL; and in that child. */
apr_pool_t *mproc__fork_pool(void);
void mproc__fork_pool_taken(void);

/* -------------------------------------------------------------- child.c */

/* What a new process begins with. */
typedef struct mproc__birth_t {
    mproc__handle_t handle; /* of its record */
    apr_int64_t parent_pid;
    apr_int64_t parent_handle;
    mproc_target_fn_t target; /* NULL: to be found */
    apr_uint32_t ticket;      /* from a fork server; 0: from none */
    mproc__record_t *record;  /* of that handle; NULL: to be found */
    apr_pool_t *pool;         /* for good; NULL: to be made */
    const char *directory;    /* to change into first; NULL: none */
    apr_file_t *stream[3];
    apr_int64_t received[3]; /* handles to close when the streams are set */
    int received_count;
    int forked;
} mproc__birth_t;

/* Be the child: never returns. */
_Noreturn void mproc__child_run(const mproc__birth_t *birth);

/* End with a sentence on stderr, and in the record if there is one. */
_Noreturn void mproc__child_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* -------------------------------------------------------- bootstrap.c */

/* The arguments of a child to be spawned. */
const char *const *mproc__child_argv(const char *program,
                                     mproc__handle_t handle,
                                     const mproc_plat_proc_t *self,
                                     apr_pool_t *pool);

/* --------------------------------------------------------- forkserver.c */

/* Start a process by the fork server, which is launched when there is none.
 * Its record is filled. */
apr_status_t mproc__forkserver_start(mproc_process_t *process,
                                     apr_pool_t *pool);

/* Whether the server that made a process may still tell how it ended. */
int mproc__forkserver_lives(apr_uint64_t maker);

/* End the server. */
void mproc__forkserver_stop(void);

/* In a forked child: the server is the parent's. */
void mproc__forkserver_forget(void);

/* ------------------------------------------------------------ server.c */

/* Be the fork server; returns its exit code. */
int mproc__server_run(mproc__record_t *record, const mproc_plat_proc_t *parent,
                      apr_pool_t *pool);

/* ----------------------------------------------------------- watcher.c */

/* Have this process end when its parent ends. */
apr_status_t mproc__watch_parent(void);

/* In a forked child: the watcher is the parent's. */
void mproc__watch_forget(void);

/* ---------------------------------------------------------- shutdown.c */

/* In a forked child: the hooks are the parent's. */
void mproc__shutdown_forget(void);

/* Register what runs at exit(). */
apr_status_t mproc__shutdown_register(void);

#endif
