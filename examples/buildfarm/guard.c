/*
 * guard.c: a process that starts the commands of one worker, one after
 * another, and takes them with it when the worker goes.
 *
 * It leads a process group of its own (where there are such), in which its
 * commands run. Its standard input brings commands, and is its life line: at
 * the end of it, be it that the worker gave a command up or that it was
 * killed, the whole group is ended, the guard with it. So no command is left
 * behind by the death of any process but the guard, and then by its worker
 * (command.c).
 *
 * Two threads: the first reads and starts, the second waits for the command
 * and reports. `running` is between them, under the mutex; there is one
 * command at a time, for the worker sends the next after the report.
 */
#include "guard.h"

#include <stdio.h>
#include <string.h>

#include <apr_env.h>
#include <apr_general.h>
#include <apr_signal.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

/* For commands that want to say a last word after SIGTERM. */
#define GRACE (apr_time_from_msec(500))
#define FRAME_MOST ((apr_uint32_t)16 << 20)

typedef struct guard_t {
    apr_pool_t *pool;
    apr_file_t *in, *out;
    char *directory; /* that it was started in */
    int leads;       /* a group of its own */
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *changed;
    int running;
    apr_proc_t process; /* while running */
} guard_t;

/* What one command needs, all from its pool. */
typedef struct command_t {
    const char *output, *directory;
    mproc_datum_t *arguments, *environment;
    int shell;
} command_t;

/* ------------------------------------------------------------------- frames */

apr_status_t
frame_write(apr_file_t *file, mproc_bytes_t bytes)
{
    apr_uint32_t size = (apr_uint32_t)bytes.size;
    struct iovec parts[2] = {{&size, sizeof size},
                             {(void *)bytes.data, bytes.size}};

    return bytes.size > FRAME_MOST ? MPROC_ETOOBIG
                                   : apr_file_writev_full(file, parts, 2, NULL);
}

apr_status_t
frame_read(mproc_bytes_t *bytes, apr_file_t *file, apr_pool_t *pool)
{
    apr_uint32_t size;
    apr_status_t rv = apr_file_read_full(file, &size, sizeof size, NULL);
    void *data;

    if (rv != APR_SUCCESS || size > FRAME_MOST) {
        return rv == APR_SUCCESS ? MPROC_EFORMAT : rv;
    }
    data = apr_palloc(pool, size);
    bytes->data = data;
    bytes->size = size;
    return apr_file_read_full(file, data, size, NULL);
}

static void
guard_report(guard_t *guard, int ended, int code, const char *why,
             apr_pool_t *pool)
{
    mproc_bytes_t bytes;

    if (mproc_pack(&bytes, pool, GUARD_REPORT, ended, code, why) ==
        APR_SUCCESS) {
        frame_write(guard->out, bytes);
    }
}

/* ----------------------------------------------------------------- the ends */

static void *APR_THREAD_FUNC
commands_wait(apr_thread_t *thread, void *baton)
{
    guard_t *guard = baton;
    apr_proc_t process;
    apr_exit_why_e why;
    apr_pool_t *pool;
    int code;

    if (apr_pool_create(&pool, guard->pool) != APR_SUCCESS) {
        return NULL;
    }
    for (;;) {
        apr_pool_clear(pool);
        apr_thread_mutex_lock(guard->mutex);
        while (!guard->running) {
            apr_thread_cond_wait(guard->changed, guard->mutex);
        }
        process = guard->process;
        apr_thread_mutex_unlock(guard->mutex);
        apr_proc_wait(&process, &code, &why, APR_WAIT);
        apr_thread_mutex_lock(guard->mutex);
        guard->running = 0;
        apr_thread_cond_broadcast(guard->changed);
        apr_thread_mutex_unlock(guard->mutex);
        guard_report(guard,
                     APR_PROC_CHECK_EXIT(why) ? ENDED_EXIT : ENDED_SIGNAL, code,
                     "", pool);
    }
    return thread;
}

/* End whatever there is, the guard too. */
static int
guard_end(guard_t *guard)
{
    apr_proc_t group = {0}; /* pid 0 is one's own */
    apr_time_t until = apr_time_now() + GRACE, now;

    apr_thread_mutex_lock(guard->mutex);
    if (!guard->leads) {
        if (guard->running) {
            apr_proc_kill(&guard->process, SIGNAL_KILL);
        }
    }
    else if (guard->running) {
        apr_proc_kill(&group, SIGTERM);
        while (guard->running && (now = apr_time_now()) < until) {
            apr_thread_cond_timedwait(guard->changed, guard->mutex,
                                      until - now);
        }
    }
    apr_thread_mutex_unlock(guard->mutex);
    if (guard->leads) {
        apr_proc_kill(&group, SIGNAL_KILL);
    }
    return 0;
}

/* --------------------------------------------------------------- the starts */

/* Set variables, and note what they were; called again with what it noted, it
 * sets them back. NULL stands for one that is not there. */
static void
environment_swap(apr_array_header_t *pairs, apr_pool_t *pool)
{
    int i;

    for (i = pairs->nelts; i > 0; i -= 2) {
        const char *name = APR_ARRAY_IDX(pairs, i - 2, const char *);
        const char *value = APR_ARRAY_IDX(pairs, i - 1, const char *);
        char *old = NULL;

        apr_env_get(&old, name, pool);
        APR_ARRAY_IDX(pairs, i - 1, const char *) = old;
        if (value != NULL) {
            apr_env_set(name, value, pool);
        }
        else {
            apr_env_delete(name, pool);
        }
    }
}

static apr_array_header_t *
environment_pairs(const mproc_datum_t *environment, apr_pool_t *pool)
{
    apr_array_header_t *pairs = apr_array_make(pool, 8, sizeof(const char *));
    const char *text, *equals;
    apr_size_t i;

    for (i = 0; i < mproc_datum_size(environment); i++) {
        if (mproc_datum_as_text(mproc_datum_at(environment, i), &text) ==
                APR_SUCCESS &&
            (equals = strchr(text, '=')) != NULL) {
            APR_ARRAY_PUSH(pairs, const char *) =
                apr_pstrmemdup(pool, text, (apr_size_t)(equals - text));
            APR_ARRAY_PUSH(pairs, const char *) = equals + 1;
        }
    }
    return pairs;
}

static const char **
arguments_of(const mproc_datum_t *list, apr_pool_t *pool)
{
    apr_size_t i, count = mproc_datum_size(list);
    const char **arguments = apr_pcalloc(pool, (count + 1) * sizeof *arguments);

    for (i = 0; i < count; i++) {
        mproc_datum_as_text(mproc_datum_at(list, i), arguments + i);
    }
    return arguments;
}

static const char **
words_of(const char *line, apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 16, sizeof(const char *));
    char *word, *state, *copy = apr_pstrdup(pool, line);

    for (word = apr_strtok(copy, " \t", &state); word != NULL;
         word = apr_strtok(NULL, " \t", &state)) {
        APR_ARRAY_PUSH(words, const char *) = word;
    }
    APR_ARRAY_PUSH(words, const char *) = NULL;
    return (const char **)words->elts;
}

/* Would a shell do nothing but split it, and start the program at the path that
 * it begins with? */
static int
line_is_plain(const char *line, const char *program, apr_pool_t *pool)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ \t+,-./:=@_";
    apr_finfo_t info;

    return line[strspn(line, plain)] == '\0' && strchr(program, '/') != NULL &&
           strchr(program, '=') == NULL &&
           apr_stat(&info, program, APR_FINFO_TYPE | APR_FINFO_PROT, pool) ==
               APR_SUCCESS &&
           info.filetype == APR_REG &&
           (info.protection & APR_FPROT_UEXECUTE) != 0;
}

/* Nothing to read, and both outputs into the file. */
static apr_status_t
program_start(apr_proc_t *process, const char **arguments, apr_cmdtype_e type,
              const char *directory, apr_file_t *output, apr_pool_t *pool)
{
    apr_procattr_t *attributes;
    apr_status_t rv = apr_procattr_create(&attributes, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_procattr_io_set(attributes, APR_FULL_BLOCK, APR_NO_PIPE,
                                 APR_NO_PIPE);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_procattr_child_out_set(attributes, output, NULL);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_procattr_child_err_set(attributes, output, NULL);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_procattr_dir_set(attributes, directory);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_procattr_cmdtype_set(attributes, type);
    }
    if (rv == APR_SUCCESS) {
        /* A line for the shell would be taken for a program's name. */
        apr_procattr_error_check_set(attributes, type == APR_PROGRAM_PATH);
        rv = apr_proc_create(process, arguments[0], arguments, NULL, attributes,
                             pool);
    }
    if (rv == APR_SUCCESS) {
        apr_file_close(process->in);
    }
    return rv;
}

/* A line has the directory that the guard has. Windows' shell, which COMSPEC
 * names, is given words, for APR puts quotes around each argument with blanks.
 */
static apr_status_t
command_create(apr_proc_t *process, const command_t *command,
               const char *directory, apr_file_t *output, apr_pool_t *pool)
{
    const char **arguments = arguments_of(command->arguments, pool);
    const char **words;
    char *shell;

    if (!command->shell) {
        return program_start(process, arguments, APR_PROGRAM_PATH, directory,
                             output, pool);
    }
    words = words_of(arguments[0], pool);
    if (apr_env_get(&shell, "COMSPEC", pool) == APR_SUCCESS) {
        return program_start(process, words, APR_SHELLCMD_ENV, directory,
                             output, pool);
    }
    if (line_is_plain(arguments[0], words[0], pool)) {
        return program_start(process, words, APR_PROGRAM_PATH, directory,
                             output, pool);
    }
    return program_start(process, arguments, APR_SHELLCMD_ENV, directory,
                         output, pool);
}

static void
command_start(guard_t *guard, const command_t *command, apr_pool_t *pool)
{
    apr_array_header_t *pairs = environment_pairs(command->environment, pool);
    const char *directory =
        command->directory[0] != '\0' ? command->directory : guard->directory;
    apr_proc_t process = {0};
    apr_file_t *output;
    char text[200];
    apr_status_t rv =
        apr_file_open(&output, command->output,
                      APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_APPEND,
                      APR_FPROT_UREAD | APR_FPROT_UWRITE, pool);

    if (rv == APR_SUCCESS) {
        environment_swap(pairs, pool);
        rv = command_create(&process, command, directory, output, pool);
        environment_swap(pairs, pool);
        apr_file_close(output);
    }
    if (rv != APR_SUCCESS) {
        guard_report(guard, ENDED_NOT_STARTED, 0,
                     apr_strerror(rv, text, sizeof text), pool);
        return;
    }
    apr_thread_mutex_lock(guard->mutex);
    guard->process = process;
    guard->running = 1;
    apr_thread_cond_broadcast(guard->changed);
    apr_thread_mutex_unlock(guard->mutex);
}

static void
commands_start(guard_t *guard)
{
    apr_interval_time_t limit;
    mproc_bytes_t bytes;
    command_t command;
    apr_pool_t *pool;

    if (apr_pool_create(&pool, guard->pool) != APR_SUCCESS) {
        return;
    }
    while (frame_read(&bytes, guard->in, pool) == APR_SUCCESS &&
           mproc_unpack(bytes, pool, GUARD_COMMAND, &command.output,
                        &command.shell, &command.directory, &command.arguments,
                        &command.environment, &limit) == APR_SUCCESS) {
        command_start(guard, &command, pool);
        apr_pool_clear(pool);
    }
}

/* A handler, for what is ignored would be ignored by the commands too. */
static void
signal_pass(int number)
{
    (void)number;
}

/* The pipes are duplicated, for who leaves the session of its parent is given
 * the null device for its standard streams. */
static apr_status_t
guard_init(guard_t *guard)
{
    apr_file_t *in, *out;
    apr_thread_t *thread;
    apr_pool_t *pool = guard->pool;
    apr_status_t rv = apr_file_open_stdin(&in, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_file_open_stdout(&out, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_dup(&guard->in, in, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_dup(&guard->out, out, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_filepath_get(&guard->directory, 0, pool);
    }
    if (rv == APR_SUCCESS) {
        guard->leads =
            apr_proc_detach(APR_PROC_DETACH_FOREGROUND) == APR_SUCCESS;
        apr_signal(SIGTERM, signal_pass);
        rv = apr_thread_mutex_create(&guard->mutex, APR_THREAD_MUTEX_DEFAULT,
                                     pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&guard->changed, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_thread_create(&thread, NULL, commands_wait, guard, pool);
    }
    return rv;
}

int
guard_main(void)
{
    static guard_t guard; /* the second thread goes on while this one ends */

    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&guard.pool, NULL) != APR_SUCCESS ||
        guard_init(&guard) != APR_SUCCESS) {
        return 1;
    }
    commands_start(&guard);
    return guard_end(&guard);
}
