/*
 * mproc-inspect.c: look at a running tree from a shell.
 *
 *   mproc-inspect PID [--json | --all]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_getopt.h>
#include <apr_strings.h>

#include <mproc/error.h>
#include <mproc/inspect.h>
#include <mproc/version.h>

#define EXIT_NONE 1 /* not found, not permitted */
#define EXIT_USAGE 2

static const char help[] =
    "usage: mproc-inspect PID [--json | --all]\n"
    "\n"
    "Look at the processes of a program that uses mproc: deadlocks first, who\n"
    "sleeps in which call, what is held by whom, who waits for it, memory.\n"
    "PID is any process of the tree. It may run, hang or be stopped: it is\n"
    "only read, and goes on unharmed.\n"
    "\n"
    "  -a, --all      list what is idle too, and cut no list\n"
    "  -j, --json     for programs: one JSON object with everything\n"
    "  -h, --help     this\n"
    "  -V, --version  the version\n"
    "\n"
    "Exit status: 0, a picture was printed; 1, there is no such process, it\n"
    "uses no mproc, or it is another user's; 2, wrong usage.\n";

static const apr_getopt_option_t options[] = {{"all", 'a', 0, NULL},
                                              {"json", 'j', 0, NULL},
                                              {"help", 'h', 0, NULL},
                                              {"version", 'V', 0, NULL},
                                              {NULL, 0, 0, NULL}};

typedef struct arguments_t {
    apr_int64_t pid;
    int all;
    int json;
} arguments_t;

static int
usage_wrong(const char *what, const char *which)
{
    fprintf(stderr,
            "mproc-inspect: %s%s\n"
            "usage: mproc-inspect PID [--json | --all]; --help tells more\n",
            what, which);
    return EXIT_USAGE;
}

/* A whole number above 0, or 0. */
static apr_int64_t
pid_read(const char *text)
{
    char *end;
    apr_int64_t pid = apr_strtoi64(text, &end, 10);

    return *text >= '0' && *text <= '9' && *end == '\0' ? pid : 0;
}

/* Returns an exit code, or -1 to go on. */
static int
arguments_read(arguments_t *arguments, int argc, const char *const *argv,
               apr_pool_t *pool)
{
    const char *value;
    apr_getopt_t *state;
    apr_status_t rv;
    int letter;

    if (apr_getopt_init(&state, pool, argc, argv) != APR_SUCCESS) {
        return EXIT_NONE;
    }
    state->interleave = 1;
    while ((rv = apr_getopt_long(state, options, &letter, &value)) ==
           APR_SUCCESS) {
        switch (letter) {
        case 'a':
            arguments->all = 1;
            break;
        case 'j':
            arguments->json = 1;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_SUCCESS;
        default:
            printf("mproc-inspect %s\n", MPROC_VERSION_STRING);
            return EXIT_SUCCESS;
        }
    }
    if (rv != APR_EOF) {
        return EXIT_USAGE; /* APR has said why. */
    }
    if (state->ind + 1 != argc) {
        return usage_wrong(state->ind < argc ? "one PID at a time"
                                             : "which process? give its PID",
                           "");
    }
    /* APR has put the options first, in an array of its own. */
    arguments->pid = pid_read(state->argv[state->ind]);
    if (arguments->pid <= 0) {
        return usage_wrong("this is no PID: ", state->argv[state->ind]);
    }
    return -1;
}

static int
picture_print(const arguments_t *arguments, apr_pool_t *pool)
{
    mproc_inspect_t *picture;
    char *text;
    apr_status_t rv = mproc_inspect_take(&picture, arguments->pid, pool);

    if (rv != APR_SUCCESS) {
        char reason[128];
        const char *sentence = mproc_error_detail();
        fprintf(stderr, "mproc-inspect: %s\n",
                *sentence != '\0' ? sentence
                                  : mproc_strerror(rv, reason, sizeof reason));
        return EXIT_NONE;
    }
    rv = arguments->json
             ? mproc_inspect_json(&text, picture, pool)
             : mproc_inspect_text(&text, picture, arguments->all, pool);
    if (rv != APR_SUCCESS || fputs(text, stdout) < 0 || fflush(stdout) != 0) {
        fputs("mproc-inspect: the picture cannot be printed\n", stderr);
        return EXIT_NONE;
    }
    return EXIT_SUCCESS;
}

int
main(int argc, const char *const *argv)
{
    arguments_t arguments = {0};
    apr_pool_t *pool;

    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        fputs("mproc-inspect: memory is short\n", stderr);
        return EXIT_NONE;
    }
    int code = arguments_read(&arguments, argc, argv, pool);
    if (code < 0) {
        code = picture_print(&arguments, pool);
    }
    apr_terminate();
    return code;
}
