/*
 * test.h: how a unit test is written.
 *
 * A test file has one suite: a table of cases. CTest runs each case in a
 * process of its own, with its own timeout; those of a suite with `methods`
 * once for every start method that the system has. After each case the
 * runner checks that no process, descriptor, file or shared block is left.
 */
#ifndef MPROC_TESTS_TEST_H
#define MPROC_TESTS_TEST_H

#include <CUnit/CUnit.h>

#include <mproc.h>

/* A case. The pool is destroyed after it, then leaks are looked for. */
typedef struct test_case_t {
    const char *name;
    void (*run)(apr_pool_t *pool);
} test_case_t;

#define MANAGERS 2

/* A suite, named suite_NOUN in test_NOUN.c and listed in suites.h. */
typedef struct test_suite_t {
    const char *name;
    int methods; /* 1: run every case under each start method; MANAGERS:
                    likewise, with objects that are a manager's (reach.h) */
    const test_case_t *cases; /* ends with {NULL, NULL} */
} test_suite_t;

/* Checks, for the parent process only. REQUIRE ends the case. */
#define CHECK(expression) CU_ASSERT(expression)
#define REQUIRE(expression) CU_ASSERT_FATAL(expression)
#define CHECK_STATUS(expected, call)                                           \
    ((void)test_status((expected), (call), #call, __FILE__, __LINE__, 0))
#define REQUIRE_STATUS(expected, call)                                         \
    ((void)test_status((expected), (call), #call, __FILE__, __LINE__, 1))
#define CHECK_INT(expected, actual)                                            \
    ((void)test_int((long long)(expected), (long long)(actual), #actual,       \
                    __FILE__, __LINE__))
#define CHECK_TEXT(expected, actual)                                           \
    ((void)test_text((expected), (actual), #actual, __FILE__, __LINE__))
/* The detail of this thread's last failure contains the text. */
#define CHECK_DETAIL(part) CHECK(strstr(mproc_error_detail(), (part)) != NULL)

int test_status(apr_status_t expected, apr_status_t actual, const char *call,
                const char *file, int line, int fatal);
int test_int(long long expected, long long actual, const char *what,
             const char *file, int line);
int test_text(const char *expected, const char *actual, const char *what,
              const char *file, int line);

/* Paths of what is built from tests/helpers: of NAME.c, and of NAME.c whose
 * name ends with "module"; of the launcher mproc-host, and of mproc-inspect. */
const char *test_program(const char *name, apr_pool_t *pool);
const char *test_module(const char *name, apr_pool_t *pool);
const char *test_host(void);
const char *test_inspect(void);

/* The start method that this run is for; SPAWN in suites without. */
mproc_start_method_e test_method(void);

/* Whether objects are to be a manager's; the pool of the case. */
int test_is_far(void);
apr_pool_t *test_pool(void);

/* End the case as skipped, with the reason. */
void test_skip(const char *reason);

/* Long enough for what must happen; a wait that takes this long failed. The
 * factor for slow places (Wine, valgrind) is in it. */
apr_interval_time_t test_deadline(void);

/* So many where there is time; fewer, at least one, in slow places. */
int test_scaled(int count);

/* This platform's way for tests that need what no public call offers: kill a
 * process as the system would (SIGKILL, TerminateProcess), stop it, go on. */
void test_kill(apr_int64_t pid);
void test_stop(apr_int64_t pid);
void test_continue(apr_int64_t pid);
/* Lead a group of processes, of who is started from now on; send it what Ctrl-C
 * in a terminal sends. 0: there is no such thing here. */
int test_group_lead(void);
void test_group_interrupt(apr_int64_t leader);
/* Whether a process with this pid exists and is no zombie. */
int test_pid_exists(apr_int64_t pid);
/* Run it in a thread that has been cancelled already, and so ends in the first
 * call in which it may; wait for the thread. 0: there is no such thing here. */
int test_cancelled(void (*run)(void *baton), void *baton);
/* A terminal, so many columns wide: what is written to it can be read from the
 * screen, which does not wait. APR_ENOTIMPL where there are none. */
apr_status_t test_terminal(apr_file_t **terminal, apr_file_t **screen,
                           int columns, apr_pool_t *pool);

/* Descriptors or handles that this process has open. */
int test_handles(void);
/* Wait, as a foreign event loop would, until at least one of the handles is
 * ready; `ready`, which may be NULL, tells of each. Returns how many are, 0
 * when the time is over, -1 when one is none. On Unix by poll(), and every
 * other call by epoll where that is. */
int test_handles_wait(const apr_int64_t *handles, int count, int *ready,
                      apr_interval_time_t timeout);
/* Whether this is not Windows but Wine, which lacks some of it. */
int test_is_wine(void);
/* Let it open so many more; -1: as before. 0: they cannot be limited here. */
int test_handles_limit(int more);

#endif
