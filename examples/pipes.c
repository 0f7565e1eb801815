/*
 * pipes.c: pipes between processes.
 *
 * Sections: s7, a duplex pipe and four children, who use its ends in turn;
 * s27, a question and an answer; s34, every call once; s43, a pipe for each
 * child, and a child that dies.
 */
#include <mproc.h>

#include <stdio.h>
#include <string.h>

#include "support/seed.h"

enum {
    CHILDREN = 3,
    MESSAGES = 4
};

static mproc_bytes_t
text_of(const char *text)
{
    mproc_bytes_t bytes = {text, strlen(text)};
    return bytes;
}

static int
text_is(mproc_bytes_t bytes, const char *text)
{
    return bytes.size == strlen(text) &&
           memcmp(bytes.data, text, bytes.size) == 0;
}

/* ----------------------------------------------- s7: four children in turn */

static int
info_send(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_connection_t *end;
    const char *info;

    return mproc_unpack(args, pool, "o s *", &end, &info) != APR_SUCCESS ||
           mproc_connection_sendf(end, "s", info) != APR_SUCCESS;
}

/* Read until nothing has come for two seconds. Main has the other end, so it
 * is no end of file. */
static int
info_read(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_connection_t *end;
    apr_int64_t patience;
    const char *expected, *info;
    apr_status_t rv;
    int count = 0;

    if (mproc_unpack(args, pool, "o s I", &end, &expected, &patience) !=
        APR_SUCCESS) {
        return 1;
    }
    while ((rv = mproc_connection_poll(end, patience)) == APR_SUCCESS) {
        if (mproc_connection_recvf(end, pool, "s", &info) != APR_SUCCESS ||
            strcmp(info, expected) != 0) {
            return 2;
        }
        printf("child: %s\n", info);
        count++;
    }
    return rv != APR_TIMEUP || count != 1;
}

/* Run a child at an end, from its start to its end. Returns how long. */
static apr_interval_time_t
run_at(mproc_target_fn_t target, mproc_connection_t *end, const char *info,
       apr_pool_t *pool)
{
    apr_time_t began = mproc_clock();
    mproc_process_t *process;

    CHECK_OK(mproc_process_create(&process, target, NULL, pool, "o s I", end,
                                  info, seed_seconds(2)));
    CHECK_OK(mproc_process_start(process));
    process_expect(process, 0);
    return mproc_clock() - began;
}

static void
section_s7(apr_pool_t *pool)
{
    const char *up = "send_info_from_child", *down = "send_info_from_parent";
    mproc_connection_t *parent, *child;

    CHECK_OK(mproc_pipe_create(&parent, &child, 1, pool));
    run_at(info_send, child, up, pool);
    CHECK(run_at(info_read, parent, up, pool) >= seed_seconds(2));
    run_at(info_send, parent, down, pool);
    CHECK(run_at(info_read, child, down, pool) >= seed_seconds(2));
    seed_say("both were read, and two seconds waited for more");
    CHECK_OK(mproc_connection_close(parent));
    CHECK_OK(mproc_connection_close(child));
}

/* ----------------------------------------------- s27: a question, an answer */

static int
child_talk(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_connection_t *parent;
    const char *answer;

    if (mproc_unpack(args, pool, "o", &parent) != APR_SUCCESS ||
        mproc_connection_sendf(parent, "s", "hello, I am your child") !=
            APR_SUCCESS ||
        mproc_connection_recvf(parent, pool, "s", &answer) != APR_SUCCESS) {
        return 1;
    }
    printf("child: %s\n", answer);
    return strcmp(answer, "hello, child") != 0;
}

static void
section_s27(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    mproc_process_t *process;
    const char *line;

    CHECK_OK(mproc_pipe_create(&here, &there, 1, pool));
    CHECK_OK(
        mproc_process_create(&process, child_talk, NULL, pool, "o", there));
    CHECK_OK(mproc_process_start(process));
    CHECK_OK(mproc_connection_recvf(here, pool, "s", &line));
    seed_say("%s", line);
    CHECK(strcmp(line, "hello, I am your child") == 0);
    CHECK_OK(mproc_connection_sendf(here, "s", "hello, child"));
    process_expect(process, 0);
}

/* ---------------------------------------------------- s34: every call once */

static void
everything_received(mproc_connection_t *in, mproc_connection_t *out,
                    apr_pool_t *pool)
{
    static const char digits[] = "0123456789";
    char buffer[] = "..........";
    mproc_bytes_t message;
    apr_size_t length;
    int number;

    CHECK(mproc_connection_poll(in, MPROC_NOWAIT) == APR_TIMEUP);
    CHECK(mproc_connection_poll(in, 1000) == APR_TIMEUP);
    /* Bytes: all, a part of them, none. */
    CHECK_OK(mproc_connection_send(out, text_of(digits)));
    CHECK_OK(mproc_connection_send(out, (mproc_bytes_t){digits + 2, 3}));
    CHECK_OK(mproc_connection_send(out, (mproc_bytes_t){NULL, 0}));
    CHECK_OK(mproc_connection_poll(in, MPROC_FOREVER));
    CHECK_OK(mproc_connection_recv(in, &message, pool));
    CHECK(text_is(message, digits));
    CHECK_OK(mproc_connection_recv(in, &message, pool));
    CHECK(text_is(message, "234"));
    CHECK_OK(mproc_connection_recv(in, &message, pool));
    CHECK(message.size == 0);
    /* Values. */
    CHECK_OK(mproc_connection_sendf(out, "i", 42));
    CHECK_OK(mproc_connection_recvf(in, pool, "i", &number));
    CHECK(number == 42);
    /* Into a buffer, at a place in it; what does not fit stays. */
    CHECK_OK(mproc_connection_send(out, text_of("abc")));
    CHECK(mproc_connection_recv_into(in, buffer, 2, &length) == MPROC_ETOOBIG);
    CHECK(length == 3);
    CHECK_OK(mproc_connection_recv_into(in, buffer + 4, 6, &length));
    CHECK(length == 3 && strcmp(buffer, "....abc...") == 0);
    /* No longer than four bytes: what is longer is dropped. */
    CHECK_OK(mproc_connection_set_limit(in, 4));
    CHECK_OK(mproc_connection_send(out, text_of("12345")));
    CHECK_OK(mproc_connection_send(out, text_of("1234")));
    CHECK(mproc_connection_recv(in, &message, pool) == MPROC_ETOOBIG);
    CHECK_OK(mproc_connection_recv(in, &message, pool));
    CHECK(text_is(message, "1234"));
    /* No longer than a millisecond. */
    CHECK_OK(mproc_connection_set_timeout(in, 1000));
    CHECK(mproc_connection_recv(in, &message, pool) == APR_TIMEUP);
}

static void
section_s34(apr_pool_t *pool)
{
    mproc_connection_t *a, *b;
    mproc_bytes_t message;

    CHECK_OK(mproc_pipe_create(&a, &b, 1, pool));
    CHECK(mproc_connection_readable(a) && mproc_connection_writable(a));
    everything_received(a, b, pool);
    everything_received(b, a, pool);
    mproc_connection_destroy(a);
    mproc_connection_destroy(b);

    CHECK_OK(mproc_pipe_create(&a, &b, 0, pool));
    CHECK(mproc_connection_readable(a) && !mproc_connection_writable(a));
    CHECK(mproc_connection_writable(b) && !mproc_connection_readable(b));
    CHECK(mproc_connection_send(a, text_of("no")) == MPROC_ESTATE);
    CHECK(mproc_connection_recv(b, &message, pool) == MPROC_ESTATE);
    everything_received(a, b, pool);
    /* What was sent before the close comes, then the end, again and again. */
    CHECK_OK(mproc_connection_send(b, text_of("last")));
    CHECK_OK(mproc_connection_close(b));
    CHECK(mproc_connection_closed(b));
    CHECK(mproc_connection_send(b, text_of("no")) == MPROC_ECLOSED);
    CHECK_OK(mproc_connection_recv(a, &message, pool));
    CHECK(text_is(message, "last"));
    CHECK_OK(mproc_connection_poll(a, MPROC_FOREVER));
    CHECK(mproc_connection_recv(a, &message, pool) == APR_EOF);
    CHECK(mproc_connection_recv(a, &message, pool) == APR_EOF);
    CHECK_OK(mproc_connection_close(a));
    CHECK_OK(mproc_connection_close(a));
    seed_say("every call did what it must");
}

/* ------------------------------------------- s43: a pipe for each child */

/* Sends what it found out; the last child waits before its last message for
 * what nobody sends. */
static int
child_report(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_connection_t *parent;
    mproc_bytes_t never;
    int self, i;

    if (mproc_unpack(args, pool, "o i", &parent, &self) != APR_SUCCESS) {
        return 1;
    }
    for (i = 0; i < MESSAGES; i++) {
        if (self == CHILDREN - 1 && i == MESSAGES - 1) {
            mproc_connection_recv(parent, &never, pool);
        }
        if (mproc_connection_sendf(parent, "i", 10 * self + i) != APR_SUCCESS) {
            return 2;
        }
    }
    return 0;
}

/* Receive as many as are known to come. Returns how many did. */
static int
reports_receive(mproc_connection_t *child, int self, int count,
                apr_pool_t *pool)
{
    int i, number;

    for (i = 0; i < count; i++) {
        if (!CHECK_OK(mproc_connection_recvf(child, pool, "i", &number))) {
            return i;
        }
        CHECK(number == 10 * self + i);
    }
    seed_say("child %d: %d messages", self, count);
    return count;
}

static void
section_s43(apr_pool_t *pool)
{
    mproc_process_t *process[CHILDREN];
    mproc_connection_t *here[CHILDREN], *there;
    int i, number, last = CHILDREN - 1, all = 0;

    for (i = 0; i < CHILDREN; i++) {
        CHECK_OK(mproc_pipe_create(&here[i], &there, 1, pool));
        CHECK_OK(mproc_process_create(&process[i], child_report, NULL, pool,
                                      "o i", there, i));
        CHECK_OK(mproc_process_start(process[i]));
        /* It is the child's alone now, so its end is the pipe's end. */
        CHECK_OK(mproc_connection_close(there));
    }
    for (i = 0; i < last; i++) {
        all += reports_receive(here[i], i, MESSAGES, pool);
        process_expect(process[i], 0);
    }
    CHECK(all == last * MESSAGES);
    CHECK(reports_receive(here[last], last, MESSAGES - 1, pool) ==
          MESSAGES - 1);
    CHECK_OK(mproc_process_terminate(process[last]));
    CHECK(mproc_connection_recvf(here[last], pool, "i", &number) == APR_EOF);
    seed_say("child %d died, and that is the end of its pipe", last);
    process_expect(process[last], -15);
}

int
main(int argc, const char *const *argv)
{
    static const seed_section_t sections[] = {{"s7", section_s7},
                                              {"s27", section_s27},
                                              {"s34", section_s34},
                                              {"s43", section_s43},
                                              {NULL, NULL}};

    mproc_initialize(argc, argv);
    return seed_run(argc, argv, MPROC_START_SPAWN, sections);
}
