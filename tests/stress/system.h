/*
 * system.h: what the killer asks of the operating system; system_NAME.c
 * implements it. Single steps are in system_step_NAME.c.
 */
#ifndef MPROC_TESTS_STRESS_SYSTEM_H
#define MPROC_TESTS_STRESS_SYSTEM_H

#include <apr.h>
#include <apr_time.h>

/* Memory that all processes forked from now on share, zeroed. */
void *system_share(apr_size_t size);

/* Fork; the child calls the function, and ends at once when it returns. */
apr_int64_t system_fork(void (*child)(void *), void *baton);

apr_int64_t system_pid(void);

void system_kill(apr_int64_t pid);
void system_stop(apr_int64_t pid);
void system_continue(apr_int64_t pid);

/* Wait for a child until the deadline, on mproc_clock(). Returns 1 when it
 * has ended; *crash is the signal that ended it, or 0. */
int system_reap(apr_int64_t pid, apr_time_t deadline, int *crash);

/* Lead a group of processes; end all of it; show where all its threads
 * are, where a debugger is installed. */
void system_group_lead(void);
void system_group_kill(apr_int64_t pid);
void system_group_show(apr_int64_t pid);

/* From now on orphans that descend from this process become its children. */
void system_adopt(void);

/* Collect children that have ended; returns whether any are left. */
int system_family_left(void);

/* End whatever descends from this process; show where its threads are. */
void system_family_kill(void);
void system_family_show(void);

/* Run this program again, with a folder for its temporary files. */
apr_int64_t system_run_self(const char *const *argv, const char *folder);

/* Names in a folder that begin with a prefix, counted. */
int system_names(const char *folder, const char *prefix);

/* Where shared memory has names, or NULL. */
extern const char *const system_shared_names;

/* ------------------------------------------------------------ single steps */

/* Whether this system can. */
int system_step_works(void);

/* Fork a child that calls ready(baton), and stop it before the first
 * instruction of run(baton). */
apr_int64_t system_step_fork(void (*ready)(void *), void (*run)(void *),
                             void *baton);

/*
 * Have the child run `count` instructions of ours further; a call out of our
 * program counts as one. The first walk of an operation is remembered, so
 * that later ones can leap; system_step_forget() forgets it.
 * @return 1 when it stands there; 0 when the operation ended before; 2 when
 *         it sleeps in a system call, and will not go on by itself soon; -1
 *         when the leap missed: begin again with leap 0
 */
int system_step(apr_int64_t pid, apr_uint64_t count, int leap);

/* Let it run freely up to where it will sleep, then stop it in its sleep: what
 * is stepped next begins when it has been woken. */
void system_step_free(apr_int64_t pid);
void system_step_catch(apr_int64_t pid);

/* Let it go on freely, wherever it stands. */
void system_step_resume(apr_int64_t pid);

/* Instructions of the first walk. */
apr_uint64_t system_step_length(void);
void system_step_forget(void);

/* Single steps made by this process. */
apr_uint64_t system_step_made(void);

/* Where the child stood last, as text. */
const char *system_step_where(void);

#endif
