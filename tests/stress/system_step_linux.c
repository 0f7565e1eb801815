/*
 * system_step_linux.c: single steps by ptrace, x86-64 and aarch64.
 *
 * Two things make it fast. What happens outside of our own program (the C
 * library, system calls) is run through to the return, with a breakpoint:
 * it changes nothing that is shared but by one system call. And the first
 * walk through an operation is remembered, so that a later one can leap by a
 * breakpoint to the place from where the fewest steps are left.
 *
 * On aarch64 a step within a load-exclusive ... store-exclusive pair makes it
 * fail for ever, so such a pair counts as one instruction.
 */
#define _GNU_SOURCE 1
#include "system.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <elf.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* The program's text, as the linker says. */
extern char __executable_start, etext;

#define WALK_MOST 1000000
#define LEAP_REACH 4000
#define CATCH_ROUNDS 50000
#define SLEEPS 60000 /* microseconds in one call: it sleeps */

static struct {
    unsigned long pc[WALK_MOST];
    unsigned occurrence[WALK_MOST]; /* of the same pc before */
    apr_uint64_t length;
    int known;
} walk;

static apr_uint64_t made;
static unsigned long where;

/* It was stopped in its sleep, and is to come back to our program first. */
static int caught;

/* The child sleeps; these words are to be put back. */
static int asleep;
static struct {
    unsigned long at, word;
} planted[2];

/* The child's two marks; distinct, so that they are not made one. */
static volatile int mark;

static __attribute__((noinline)) void
step_begin(void (*run)(void *), void *baton)
{
    mark = 1;
    run(baton);
    mark = 2;
}

static __attribute__((noinline)) void
step_end(void)
{
    mark = 3;
}

/* ---------------------------------------------------------------- registers */

#if defined __x86_64__
typedef struct user_regs_struct registers_t;
#define BREAK 0xccul
#define BREAK_MASK 0xfful
#define BREAK_SIZE 1
#define PC(r) ((r).rip)
#elif defined __aarch64__
typedef struct user_regs_struct registers_t;
#define BREAK 0xd4200000ul
#define BREAK_MASK 0xfffffffful
#define BREAK_SIZE 0 /* it stays at the breakpoint */
#define PC(r) ((r).pc)
#endif

#ifdef BREAK

static void
die(const char *what)
{
    perror(what);
    exit(2);
}

static void
registers_get(pid_t pid, registers_t *r)
{
    struct iovec vector = {r, sizeof *r};

    if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &vector) != 0) {
        die("mproc-stress: registers");
    }
}

static void
registers_set(pid_t pid, registers_t *r)
{
    struct iovec vector = {r, sizeof *r};

    if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &vector) != 0) {
        die("mproc-stress: registers");
    }
}

static unsigned long
word_get(pid_t pid, unsigned long at)
{
    return (unsigned long)ptrace(PTRACE_PEEKDATA, pid, at, NULL);
}

static void
word_set(pid_t pid, unsigned long at, unsigned long word)
{
    if (ptrace(PTRACE_POKEDATA, pid, at, word) != 0) {
        die("mproc-stress: poke");
    }
}

static int
is_ours(unsigned long pc)
{
    return pc >= (unsigned long)&__executable_start &&
           pc < (unsigned long)&etext;
}

static void
alarm_handler(int signal)
{
    (void)signal;
}

static int
is_asleep(pid_t pid)
{
    char path[64], text[256] = "", *end;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    if (fgets(text, sizeof text, file) == NULL) {
        text[0] = '\0';
    }
    fclose(file);
    end = strrchr(text, ')');
    return end != NULL && end[1] == ' ' && end[2] == 'S';
}

/* Wait for a stop; 0 when it sleeps instead, in a call out of our program. */
static int
stop_await(pid_t pid, int *status, int how)
{
    struct itimerval timer = {{0, SLEEPS}, {0, SLEEPS}};
    struct itimerval none = {{0, 0}, {0, 0}};
    pid_t got;
    int slept = 0;

    if (how == PTRACE_SINGLESTEP) {
        return waitpid(pid, status, 0) == pid;
    }
    setitimer(ITIMER_REAL, &timer, NULL);
    do {
        got = waitpid(pid, status, 0);
        slept = got < 0 && errno == EINTR && is_asleep(pid);
    } while (got < 0 && errno == EINTR && !slept);
    setitimer(ITIMER_REAL, &none, NULL);
    asleep = slept;
    return got == pid;
}

/* Go on until it stops with SIGTRAP. 0 when it ended or sleeps instead. */
static int
go(pid_t pid, int how)
{
    int status, signal = 0;

    for (;;) {
        if (ptrace((enum __ptrace_request)how, pid, NULL, signal) != 0 ||
            !stop_await(pid, &status, how) || !WIFSTOPPED(status)) {
            return 0;
        }
        if (WSTOPSIG(status) == SIGTRAP) {
            return 1;
        }
        signal = WSTOPSIG(status) == SIGSTOP ? 0 : WSTOPSIG(status);
    }
}

/* In the opposite order of planting: the words may overlap. */
static void
planted_remove(pid_t pid)
{
    int i;
    for (i = 0; i < 2; i++) {
        if (planted[i].at != 0) {
            word_set(pid, planted[i].at, planted[i].word);
        }
    }
}

/* Run to the first of two places, either may be 0. Where it stands, or 0. */
static unsigned long
run_to(pid_t pid, unsigned long a, unsigned long b)
{
    unsigned long old_a = a ? word_get(pid, a) : 0, old_b;
    registers_t r;
    int rv;

    asleep = 0;
    if (a != 0) {
        word_set(pid, a, (old_a & ~BREAK_MASK) | BREAK);
    }
    old_b = b ? word_get(pid, b) : 0;
    if (b != 0) {
        word_set(pid, b, (old_b & ~BREAK_MASK) | BREAK);
    }
    rv = go(pid, PTRACE_CONT);
    made++;
    planted[0].at = b;
    planted[0].word = old_b;
    planted[1].at = a;
    planted[1].word = old_a;
    if (!rv) {
        return 0;
    }
    planted_remove(pid);
    registers_get(pid, &r);
    PC(r) -= BREAK_SIZE;
    if (BREAK_SIZE != 0) {
        registers_set(pid, &r);
    }
    return PC(r);
}

/* The address to which a call out of our program will return; 0 when it
 * cannot be seen. */
static unsigned long
return_address(pid_t pid, registers_t *r)
{
#if defined __x86_64__
    int i;
    /* The dynamic linker may have put up to two words more there. */
    for (i = 0; i < 3; i++) {
        unsigned long word = word_get(pid, r->rsp + 8ul * (unsigned)i);
        if (is_ours(word)) {
            return word;
        }
    }
    return 0;
#else
    (void)pid;
    return is_ours(r->regs[30]) ? r->regs[30] : 0;
#endif
}

/* Behind an exclusive pair that begins here, or 0. */
static unsigned long
exclusive_end(pid_t pid, unsigned long pc)
{
#if defined __aarch64__
    int i;
    if ((word_get(pid, pc) & 0x3fe00000ul) != 0x08400000ul) {
        return 0;
    }
    for (i = 1; i < 16; i++) {
        unsigned long code = word_get(pid, pc + 4ul * (unsigned)i);
        if ((code & 0x3fe00000ul) == 0x08000000ul) {
            return pc + 4ul * (unsigned)i + 4;
        }
    }
#else
    (void)pid;
    (void)pc;
#endif
    return 0;
}

/* The other way out of the pair: a branch in it that leads further. */
static unsigned long
exclusive_exit(pid_t pid, unsigned long pc, unsigned long end)
{
    unsigned long at;
    for (at = pc; at < end; at += 4) {
        unsigned long code = word_get(pid, at) & 0xfffffffful;
        /* b.cond, cbz, cbnz: 19 bits of words. */
        if ((code & 0xff000010ul) == 0x54000000ul ||
            (code & 0x7e000000ul) == 0x34000000ul) {
            long offset = (long)(code >> 5 & 0x7fffful);
            offset = offset >= 0x40000 ? offset - 0x80000 : offset;
            if (at + 4ul * (unsigned long)offset >= end) {
                return at + 4ul * (unsigned long)offset;
            }
        }
    }
    return 0;
}

/* One instruction of ours further. Returns where, 0 when it ended. */
static unsigned long
step_one(pid_t pid, unsigned long from)
{
    unsigned long end = exclusive_end(pid, from);
    registers_t r;

    if (end != 0) {
        return run_to(pid, end, exclusive_exit(pid, from, end));
    }
    if (!go(pid, PTRACE_SINGLESTEP)) {
        return 0;
    }
    made++;
    registers_get(pid, &r);
    while (!is_ours(PC(r))) {
        unsigned long back = return_address(pid, &r);
        if (back != 0) {
            return run_to(pid, back, 0);
        }
        if (!go(pid, PTRACE_SINGLESTEP)) {
            return 0;
        }
        made++;
        registers_get(pid, &r);
    }
    return PC(r);
}

/* ------------------------------------------------------------------- leaps */

/* From which remembered place the fewest stops lead to `count`. */
static apr_uint64_t
leap_choose(apr_uint64_t count)
{
    apr_uint64_t best = 0, least = count, i;
    apr_uint64_t low = count > LEAP_REACH ? count - LEAP_REACH : 1;

    for (i = count; i >= low; i--) {
        apr_uint64_t cost = count - i + 2 * walk.occurrence[i] + 2;
        if (cost < least) {
            least = cost;
            best = i;
        }
    }
    return best;
}

/* Returns the pc there; 0 when it was missed. */
static unsigned long
leap(pid_t pid, apr_uint64_t to)
{
    unsigned long end = (unsigned long)&step_end, pc = 0;
    unsigned left = walk.occurrence[to];

    for (;;) {
        pc = run_to(pid, walk.pc[to], end);
        if (pc == 0 || pc == end) {
            return 0;
        }
        if (left-- == 0) {
            return pc;
        }
        pc = step_one(pid, pc);
        if (pc == 0 || pc == end) { /* It may sleep there. */
            return 0;
        }
    }
}

static int
pc_order(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    if (walk.pc[x] != walk.pc[y]) {
        return walk.pc[x] < walk.pc[y] ? -1 : 1;
    }
    return (x > y) - (x < y);
}

/* Count how often each place was passed before. */
static void
walk_finish(apr_uint64_t length)
{
    unsigned *order = malloc((length + 1) * sizeof *order);
    apr_uint64_t i;

    if (order == NULL) {
        die("mproc-stress: malloc");
    }
    for (i = 0; i <= length; i++) {
        order[i] = (unsigned)i;
    }
    qsort(order, length + 1, sizeof *order, pc_order);
    for (i = 0; i <= length; i++) {
        walk.occurrence[order[i]] =
            i > 0 && walk.pc[order[i]] == walk.pc[order[i - 1]]
                ? walk.occurrence[order[i - 1]] + 1
                : 0;
    }
    free(order);
    walk.length = length;
    walk.known = 1;
}

/* ---------------------------------------------------------------- contract */

int
system_step_works(void)
{
    static int works = -1;
    pid_t pid;
    int status;

    if (works < 0) {
        struct sigaction action = {.sa_handler = alarm_handler};
        sigaction(SIGALRM, &action, NULL);
        pid = fork();
        if (pid == 0) {
            _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 1);
        }
        works = pid > 0 && waitpid(pid, &status, 0) == pid &&
                WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return works;
}

apr_int64_t
system_step_fork(void (*ready)(void *), void (*run)(void *), void *baton)
{
    pid_t pid;
    int status;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        ready(baton);
        raise(SIGSTOP);
        step_begin(run, baton);
        step_end();
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
        WSTOPSIG(status) != SIGSTOP) {
        die("mproc-stress: the child did not come to its mark");
    }
    where = run_to(pid, (unsigned long)&step_begin, 0);
    return pid;
}

void
system_step_free(apr_int64_t pid)
{
    ptrace(PTRACE_CONT, (pid_t)pid, NULL, NULL);
}

void
system_step_catch(apr_int64_t pid)
{
    struct timespec pause = {.tv_nsec = 20 * 1000};
    int status, i;

    for (i = 0; i < CATCH_ROUNDS && !is_asleep((pid_t)pid); i++) {
        nanosleep(&pause, NULL);
    }
    kill((pid_t)pid, SIGSTOP);
    if (waitpid((pid_t)pid, &status, 0) != pid || !WIFSTOPPED(status)) {
        die("mproc-stress: the child is not to be stopped");
    }
    caught = 1;
}

/* Step by step, as nobody knows where a call that was cut short returns. */
static unsigned long
step_home(pid_t pid)
{
    registers_t r;

    caught = 0;
    for (;;) {
        registers_get(pid, &r);
        if (is_ours(PC(r))) {
            return PC(r);
        }
        if (!go(pid, PTRACE_SINGLESTEP)) {
            return 0;
        }
        made++;
    }
}

int
system_step(apr_int64_t pid, apr_uint64_t count, int leaps)
{
    unsigned long pc = caught ? step_home((pid_t)pid) : where,
                  end = (unsigned long)&step_end;
    int remember = !walk.known;
    apr_uint64_t i = 0;

    if (leaps && walk.known && count <= walk.length &&
        (i = leap_choose(count)) > 0) {
        pc = leap((pid_t)pid, i);
        if (pc == 0) {
            return -1;
        }
    }
    for (; pc != end && pc != 0; i++) {
        if (remember && i < WALK_MOST - 1) {
            walk.pc[i] = pc;
            walk.length = i;
        }
        if (i >= count) {
            where = pc;
            return 1;
        }
        pc = step_one((pid_t)pid, pc);
    }
    if (remember) {
        walk_finish(walk.length);
    }
    where = pc;
    return asleep ? 2 : 0;
}

void
system_step_resume(apr_int64_t pid)
{
    int status;

    if (asleep) {
        kill((pid_t)pid, SIGSTOP);
        if (waitpid((pid_t)pid, &status, 0) != pid || !WIFSTOPPED(status)) {
            return;
        }
        planted_remove((pid_t)pid);
        asleep = 0;
        if (WSTOPSIG(status) == SIGTRAP) { /* It had come out just then. */
            registers_t r;
            registers_get((pid_t)pid, &r);
            PC(r) -= BREAK_SIZE;
            registers_set((pid_t)pid, &r);
            /* The stop is still to come. */
            ptrace(PTRACE_CONT, (pid_t)pid, NULL, NULL);
            waitpid((pid_t)pid, &status, 0);
        }
    }
    ptrace(PTRACE_DETACH, (pid_t)pid, NULL, NULL);
    kill((pid_t)pid, SIGCONT);
}

const char *
system_step_where(void)
{
    static char text[256];
    char command[128], name[160] = "?";
    FILE *pipe;

    snprintf(
        command, sizeof command,
        "addr2line -s -f -e /proc/%ld/exe 0x%lx 2>/dev/null | tr '\\n' ' '",
        (long)getpid(), where - (unsigned long)&__executable_start);
    pipe = popen(command, "r");
    if (pipe != NULL) {
        if (fgets(name, sizeof name, pipe) == NULL) {
            strcpy(name, "?");
        }
        pclose(pipe);
    }
    snprintf(text, sizeof text, "%s(0x%lx)", name,
             where - (unsigned long)&__executable_start);
    return text;
}

#else /* Another processor. */

int
system_step_works(void)
{
    return 0;
}

apr_int64_t
system_step_fork(void (*ready)(void *), void (*run)(void *), void *baton)
{
    (void)ready;
    (void)run;
    (void)baton;
    return 0;
}

int
system_step(apr_int64_t pid, apr_uint64_t count, int leaps)
{
    (void)pid;
    (void)count;
    (void)leaps;
    return 0;
}

void
system_step_free(apr_int64_t pid)
{
    (void)pid;
}

void
system_step_catch(apr_int64_t pid)
{
    (void)pid;
}

void
system_step_resume(apr_int64_t pid)
{
    (void)pid;
}

const char *
system_step_where(void)
{
    return "nowhere";
}

#endif

apr_uint64_t
system_step_length(void)
{
    return walk.length;
}

void
system_step_forget(void)
{
    walk.known = 0;
    walk.length = 0;
}

apr_uint64_t
system_step_made(void)
{
    return made;
}
