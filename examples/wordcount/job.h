/* job.h: the whole job, as the parent sees it. */
#ifndef WORDCOUNT_JOB_H
#define WORDCOUNT_JOB_H

#include <mproc.h>

#include "table.h"

typedef struct job_t job_t;

/* A job without files; NULL when there is no memory. */
job_t *job_create(apr_pool_t *pool);

/* Free what is not the pool's. */
void job_destroy(job_t *job);

/* Add a file, or the files below a folder. */
void job_add(job_t *job, const char *name);

/* Count the words of all files. */
apr_status_t job_run(job_t *job, const mproc_pool_options_t *workers);

/* The words counted. */
const table_t *job_table(const job_t *job);

/* How many files and folders could not be read; each was told on stderr. */
int job_failures(const job_t *job);

#endif
