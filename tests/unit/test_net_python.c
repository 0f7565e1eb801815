/*
 * test_net_python.c: Python's multiprocessing.connection at the other side (W1
 * to W13). PYENV_VERSION, or PATH, chooses the python3.
 */
#include <stdio.h>

#include "net.h"
#include "python.h"

#define SCRIPT_BEGIN                                                           \
    "import sys, struct\n"                                                     \
    "from multiprocessing.connection import Client, Listener\n"                \
    "kind, rest = sys.argv[1].split(':', 1)\n"                                 \
    "host, port = rest.rsplit(':', 1) if kind == 'tcp' else (None, 0)\n"       \
    "where = (host, int(port)) if kind == 'tcp' else rest\n"                   \
    "key = b'" KEY "'\n"

static const char client_script[] =
    SCRIPT_BEGIN "c = Client(where, authkey=key)\n"
                 "while True:\n"
                 "    try:\n"
                 "        c.send_bytes(c.recv_bytes())\n"
                 "    except EOFError:\n"
                 "        break\n"
                 "print('done')\n";

static const char listener_script[] =
    SCRIPT_BEGIN "with Listener(where, authkey=key) as l:\n"
                 "    print('PORT=%d' % (l.address[1] if kind == 'tcp' else "
                 "1), flush=True)\n"
                 "    c = l.accept()\n"
                 "    while True:\n"
                 "        try:\n"
                 "            c.send_bytes(c.recv_bytes())\n"
                 "        except EOFError:\n"
                 "            break\n"
                 "print('done')\n";

/* Small ones, none, 1 MiB. */
static void
echo_check(mproc_connection_t *connection, apr_pool_t *pool)
{
    static const apr_size_t sizes[] = {5, 0, 1, 16384, 16385, 1 << 20, 3};
    char *data = apr_palloc(pool, 1 << 20);
    mproc_bytes_t in;
    unsigned i;
    for (i = 0; i < 1 << 20; i++) {
        data[i] = (char)(i * 31 + i / 1000);
    }
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_set_timeout(connection, test_deadline()));
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        mproc_bytes_t out = {data, sizes[i]};
        REQUIRE_STATUS(APR_SUCCESS, mproc_connection_send(connection, out));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_connection_recv(connection, &in, pool));
        REQUIRE(in.size == out.size);
        CHECK(memcmp(in.data, data, in.size) == 0);
    }
}

static mproc_net_options_t
python_options(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    options.auth_legacy_md5 = python_is_old(pool);
    return options;
}

static void
python_connects_to(const char *address, apr_pool_t *pool)
{
    mproc_net_options_t options = python_options(pool);
    mproc_listener_t *listener;
    mproc_connection_t *here;
    program_t program;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, address, &options, pool));
    python_start(&program, client_script, mproc_listener_address(listener),
                 pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, &here,
                                                      test_deadline(), pool));
    echo_check(here, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(here));
    CHECK_INT(0, program_end(&program));
    CHECK(strstr(program.text, "done") != NULL);
}

static void
python_is_a_client(apr_pool_t *pool)
{
    python_connects_to(LOCAL, pool);
    python_connects_to(NULL, pool);
}

static void
python_has_another_key(apr_pool_t *pool)
{
    mproc_net_options_t options = python_options(pool);
    mproc_listener_t *listener;
    mproc_connection_t *here;
    program_t program;
    options.authkey = text_bytes("open sesame");
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, LOCAL, &options, pool));
    python_start(&program, client_script, mproc_listener_address(listener),
                 pool);
    CHECK_STATUS(MPROC_EAUTH,
                 mproc_listener_accept(listener, &here, test_deadline(), pool));
    CHECK_INT(1, program_end(&program));
    CHECK(strstr(program.text, "AuthenticationError") != NULL);
}

static void
python_is_a_listener_at(const char *address, apr_pool_t *pool)
{
    mproc_net_options_t options = python_options(pool);
    mproc_net_options_t wrong = options;
    mproc_connection_t *connection;
    program_t program;
    apr_int64_t port;
    int unix_path = strncmp(address, "unix:", 5) == 0;
    wrong.authkey = text_bytes("open sesame");
    python_start(&program, listener_script, address, pool);
    program_await(&program, "PORT=");
    program_await(&program, "\n");
    port = program_number(&program, "PORT=");
    REQUIRE(port > 0);
    if (!unix_path) {
        address = apr_psprintf(pool, "tcp:127.0.0.1:%d", (int)port);
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_client_connect(&connection, address, &options, pool));
    echo_check(connection, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(connection));
    CHECK_INT(0, program_end(&program));
    CHECK(strstr(program.text, "done") != NULL);
    python_start(&program, listener_script, address, pool);
    program_await(&program, "\n");
    CHECK_STATUS(MPROC_EAUTH,
                 mproc_client_connect(&connection, address, &wrong, pool));
    CHECK_INT(1, program_end(&program));
    CHECK(strstr(program.text, "AuthenticationError") != NULL);
}

static void
python_is_a_listener(apr_pool_t *pool)
{
    mproc__address_t where;
    const char *path =
        apr_pstrcat(pool, "unix:", path_make("python", pool), NULL);
    python_is_a_listener_at("tcp:127.0.0.1:0", pool);
    if (mproc__address_parse(&where, path, "test", pool) == APR_SUCCESS) {
        python_is_a_listener_at(path, pool);
    }
}

static const test_case_t cases[] = {
    {"python_is_a_client", python_is_a_client},
    {"python_has_another_key", python_has_another_key},
    {"python_is_a_listener", python_is_a_listener},
    {NULL, NULL}};

const test_suite_t suite_net_python = {"net_python", 0, cases};
