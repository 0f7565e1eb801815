/*
 * job.c: the whole job, as the parent sees it.
 *
 * All files together are one stream, as `cat` would give it. It is cut into
 * pieces without a look at what is in them; workers count the pieces, and
 * this process adds their tallies up and joins the words that were cut. Not
 * more than one round of pieces is in memory at a time.
 */
#include "job.h"
#include "files.h"
#include "piece.h"

#include <apr_file_io.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((apr_size_t)1 << 20)

/* Input in one round, at most: its tallies take half as much again. */
#define ROUND_SIZE (32 * MIB)
#define PIECE_LEAST ((apr_size_t)64 << 10)
/* Room for the paths of one round. */
#define ROUND_PATHS (256 << 10)

struct job_t {
    apr_pool_t *pool;
    apr_array_header_t *files; /* of file_t */
    apr_uint64_t total;        /* bytes of all files */
    int next_file;             /* where the next piece begins: the file, */
    apr_off_t next_byte;       /* and the byte in it */

    apr_size_t piece_size;
    int pieces_most;      /* in a round */
    mproc_value_t *round; /* pieces_most pieces, then the paths */
    mproc_value_t *tallies;
    apr_size_t paths_used;
    int last_path_file; /* whose path was written last; -1: none */
    apr_size_t last_path;

    table_t *table;
    char *cut; /* the letters of a word that may go on */
    apr_size_t cut_size, cut_room;
    int started;       /* some byte has been seen */
    int complained_of; /* the last file that was complained of */
    int failures;

    int progress; /* whether to show it */
    int percent;
    apr_uint64_t bytes_before, bytes_now; /* of rounds done, of this one */
};

/* ------------------------------------------------------------- the rounds */

/* Where the path of a file lies, in bytes from the first piece; 0 when the
 * round has no room for it. */
static apr_size_t
round_path(job_t *job, int number)
{
    const char *path = APR_ARRAY_IDX(job->files, number, file_t).path;
    apr_size_t size = strlen(path) + 1;
    char *base = mproc_value_data(job->round);

    if (number != job->last_path_file) {
        if (size > mproc_value_size(job->round) - job->paths_used) {
            return 0;
        }
        memcpy(base + job->paths_used, path, size);
        job->last_path = job->paths_used;
        job->last_path_file = number;
        job->paths_used += size;
    }
    return job->last_path;
}

/* Put the next bytes of the stream into a piece, until it is full. Returns 0
 * when the round has no more room for paths. */
static int
piece_fill(piece_t *piece, job_t *job)
{
    while (job->next_file < job->files->nelts && piece->parts < PIECE_PARTS &&
           piece->size < job->piece_size) {
        apr_off_t size = APR_ARRAY_IDX(job->files, job->next_file, file_t).size;
        apr_off_t left = size - job->next_byte;
        apr_size_t room = job->piece_size - piece->size;
        apr_size_t path = round_path(job, job->next_file);
        part_t *part = piece->part + piece->parts;

        if (path == 0) {
            return 0;
        }
        part->start = job->next_byte;
        part->length = left < (apr_off_t)room ? (apr_size_t)left : room;
        part->path = (apr_uint32_t)path;
        part->file = (apr_uint32_t)job->next_file;
        piece->size += part->length;
        piece->parts++;
        job->next_byte += (apr_off_t)part->length;
        if (job->next_byte >= size) {
            job->next_file++;
            job->next_byte = 0;
        }
    }
    return 1;
}

/* Describe the next round; returns how many pieces it has. */
static int
round_fill(job_t *job)
{
    piece_t *piece = mproc_value_data(job->round);
    int count = 0, room = 1;

    job->paths_used = (apr_size_t)job->pieces_most * sizeof *piece;
    job->last_path_file = -1;
    job->bytes_now = 0;
    while (room && count < job->pieces_most &&
           job->next_file < job->files->nelts) {
        piece[count].index = (apr_uint32_t)count;
        piece[count].parts = 0;
        piece[count].size = 0;
        room = piece_fill(piece + count, job);
        job->bytes_now += piece[count].size;
        count += piece[count].parts > 0;
    }
    return count;
}

/* ------------------------------------------------------------- the tallies */

static int
cut_append(job_t *job, const unsigned char *letters, apr_size_t length)
{
    if (length > job->cut_room - job->cut_size) {
        apr_size_t room = 2 * job->cut_room + length;
        char *cut = realloc(job->cut, room);
        if (cut == NULL) {
            return 0;
        }
        job->cut = cut;
        job->cut_room = room;
    }
    if (length > 0) {
        memcpy(job->cut + job->cut_size, letters, length);
        job->cut_size += length;
    }
    return 1;
}

/* The word that may have gone on does not. */
static int
cut_end(job_t *job)
{
    apr_size_t size = job->cut_size;

    job->cut_size = 0;
    return size == 0 || table_add(job->table, job->cut, size, 1);
}

static int
tally_add(job_t *job, const tally_t *tally)
{
    const unsigned char *at = tally->data + tally->head + tally->tail;
    const char *word;
    apr_size_t length, i;
    apr_uint64_t count;

    if (tally->size == 0) {
        return 1;
    }
    /* The pipeline prints one empty line when the stream does not begin with
     * a letter; tr squeezes all others. */
    if (!job->started && tally->head == 0 && !table_add(job->table, "", 0, 1)) {
        return 0;
    }
    job->started = 1;
    if (!cut_append(job, tally->data, tally->head)) {
        return 0;
    }
    if (tally->head == tally->size) {
        return 1;
    }
    for (i = 0; i < tally->words; i++) {
        at = tally_next(at, &word, &length, &count);
        if (!table_add(job->table, word, length, count)) {
            return 0;
        }
    }
    return cut_end(job) &&
           cut_append(job, tally->data + tally->head, tally->tail);
}

static apr_status_t
round_add(job_t *job, int count)
{
    const piece_t *piece = mproc_value_data(job->round);
    const char *tallies = mproc_value_data(job->tallies);
    apr_uint32_t k;
    int i;

    for (i = 0; i < count; i++) {
        const tally_t *tally = (const void *)tallies;
        for (k = 0; k < piece[i].parts; k++) {
            int number = (int)piece[i].part[k].file;
            if (tally->failed[k] != APR_SUCCESS &&
                number != job->complained_of) {
                file_complain(APR_ARRAY_IDX(job->files, number, file_t).path,
                              tally->failed[k]);
                job->complained_of = number;
                job->failures++;
            }
        }
        if (tally->status != APR_SUCCESS || !tally_add(job, tally)) {
            return APR_ENOMEM;
        }
        tallies += TALLY_ROOM(job->piece_size);
    }
    return APR_SUCCESS;
}

/* ------------------------------------------------------------- the job */

static void
progress_show(apr_size_t done, apr_size_t count, void *baton)
{
    job_t *job = baton;
    double bytes = (double)job->bytes_before +
                   (double)job->bytes_now * (double)done / (double)count;
    int percent =
        job->total == 0 ? 100 : (int)(100 * bytes / (double)job->total);

    if (percent != job->percent) {
        job->percent = percent;
        fprintf(stderr, "\rwordcount: %3d%% of %.1f MiB", percent,
                (double)job->total / (double)MIB);
        fflush(stderr);
    }
}

static void
progress_erase(job_t *job)
{
    if (job->percent >= 0) {
        fprintf(stderr, "\r%*s\r", 50, "");
        job->percent = -1;
    }
}

/* APR cannot ask for a terminal; a character device is near enough: the
 * others of that kind show nothing. */
static int
stderr_is_terminal(apr_pool_t *pool)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t rv;

    if (apr_file_open_stderr(&file, pool) != APR_SUCCESS) {
        return 0;
    }
    rv = apr_file_info_get(&info, APR_FINFO_TYPE, file);
    return (rv == APR_SUCCESS || rv == APR_INCOMPLETE) &&
           info.filetype == APR_CHR;
}

/* Small inputs in pieces small enough for all workers to have some. */
static apr_status_t
job_size(job_t *job, int processes)
{
    apr_size_t share = 4 * (apr_size_t)processes, most;
    apr_status_t rv;

    job->piece_size = ROUND_SIZE / share < MIB ? ROUND_SIZE / share : MIB;
    if (job->total / share < job->piece_size) {
        job->piece_size = (apr_size_t)(job->total / share);
    }
    if (job->piece_size < PIECE_LEAST) {
        job->piece_size = PIECE_LEAST;
    }
    most = (apr_size_t)job->files->nelts / PIECE_PARTS + 2 +
           (apr_size_t)(job->total / job->piece_size) * 2;
    if (most > ROUND_SIZE / job->piece_size) {
        most = ROUND_SIZE / job->piece_size;
    }
    job->pieces_most = (int)most;
    rv = mproc_value_create(&job->round, most * sizeof(piece_t) + ROUND_PATHS,
                            NULL, job->pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return mproc_value_create(&job->tallies, most * TALLY_ROOM(job->piece_size),
                              NULL, job->pool);
}

static apr_status_t
job_rounds(job_t *job, mproc_pool_t *workers)
{
    mproc_map_options_t options = {0};
    apr_status_t rv = APR_SUCCESS;
    int count;

    options.chunk = 1;
    options.retries = 10;
    options.progress = job->progress ? progress_show : NULL;
    options.progress_baton = job;
    while (rv == APR_SUCCESS && (count = round_fill(job)) > 0) {
        rv = mproc_pool_map_array(
            workers, piece_count, mproc_value_data(job->round),
            (apr_size_t)count, sizeof(piece_t), mproc_value_data(job->tallies),
            TALLY_ROOM(job->piece_size), &options);
        progress_erase(job);
        if (rv == APR_SUCCESS) {
            rv = round_add(job, count);
        }
        job->bytes_before += job->bytes_now;
    }
    if (rv == APR_SUCCESS && !cut_end(job)) {
        rv = APR_ENOMEM;
    }
    return rv;
}

static apr_status_t
job_count(job_t *job, const mproc_pool_options_t *options, int processes)
{
    mproc_pool_t *workers;
    apr_status_t rv = job_size(job, processes);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc_pool_create(&workers, options, job->pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = job_rounds(job, workers);
    if (rv == APR_SUCCESS) {
        rv = mproc_pool_close(workers);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_pool_join(workers, MPROC_FOREVER);
    }
    return rv;
}

apr_status_t
job_run(job_t *job, const mproc_pool_options_t *workers)
{
    int processes = workers->processes;

    if (job->files->nelts == 0) {
        return APR_SUCCESS;
    }
    if (processes == 0) {
        processes = mproc_cpu_count();
    }
    return job_count(job, workers, processes);
}

job_t *
job_create(apr_pool_t *pool)
{
    job_t *job = apr_pcalloc(pool, sizeof *job);

    job->pool = pool;
    job->files = apr_array_make(pool, 64, sizeof(file_t));
    job->complained_of = -1;
    job->percent = -1;
    job->progress = stderr_is_terminal(pool);
    job->table = table_create();
    return job->table == NULL ? NULL : job;
}

void
job_destroy(job_t *job)
{
    if (job != NULL) {
        table_destroy(job->table);
        free(job->cut);
    }
}

void
job_add(job_t *job, const char *name)
{
    int i = job->files->nelts;

    job->failures += files_collect(job->files, name, job->pool);
    for (; i < job->files->nelts; i++) {
        job->total += (apr_uint64_t)APR_ARRAY_IDX(job->files, i, file_t).size;
    }
}

const table_t *
job_table(const job_t *job)
{
    return job->table;
}

int
job_failures(const job_t *job)
{
    return job->failures;
}
