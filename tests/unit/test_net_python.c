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
    if (mproc__address_parse(&where, path, test_far(), "test", pool) ==
        APR_SUCCESS) {
        python_is_a_listener_at(path, pool);
    }
}

/* As Python of either age proves a key, whatever its own age. */
#define FORM_BEGIN                                                             \
    "import sys, os, hmac\n"                                                   \
    "from multiprocessing import AuthenticationError, connection\n"            \
    "form, where = sys.argv[1].split(' ', 1)\n"                                \
    "kind, rest = where.split(':', 1)\n"                                       \
    "host, port = rest.rsplit(':', 1)\n"                                       \
    "new = form == 'sha256'\n"                                                 \
    "def mac(key, m, name):\n"                                                 \
    "    return hmac.new(key, m, name).digest()\n"                             \
    "def answer(c, key):\n"                                                    \
    "    m = c.recv_bytes(256)\n"                                              \
    "    assert m[:11] == b'#CHALLENGE#'\n"                                    \
    "    m = m[11:]\n"                                                         \
    "    c.send_bytes(b'{sha256}' + mac(key, m, 'sha256') if new\n"            \
    "                 else mac(key, m, 'md5'))\n"                              \
    "    if c.recv_bytes(256) != b'#WELCOME#':\n"                              \
    "        raise AuthenticationError('rejected')\n"                          \
    "def deliver(c, key):\n"                                                   \
    "    m = b'{sha256}' + os.urandom(40) if new else os.urandom(20)\n"        \
    "    c.send_bytes(b'#CHALLENGE#' + m)\n"                                   \
    "    good = (b'{sha256}' if new else b'') + mac(key, m, form)\n"           \
    "    if c.recv_bytes(256) != good:\n"                                      \
    "        c.send_bytes(b'#FAILURE#')\n"                                     \
    "        raise AuthenticationError('wrong')\n"                             \
    "    c.send_bytes(b'#WELCOME#')\n"                                         \
    "connection.answer_challenge = answer\n"                                   \
    "connection.deliver_challenge = deliver\n"

static const char form_client[] =
    FORM_BEGIN "c = connection.Client((host, int(port)), authkey=b'" KEY "')\n"
               "c.send_bytes(c.recv_bytes())\n"
               "print('done')\n";

static const char form_listener[] =
    FORM_BEGIN "l = connection.Listener((host, 0), authkey=b'" KEY "')\n"
               "print('PORT=%d' % l.address[1], flush=True)\n"
               "c = l.accept()\n"
               "c.send_bytes(c.recv_bytes())\n"
               "print('done')\n";

static void
echo_short(mproc_connection_t *connection, apr_pool_t *pool)
{
    mproc_bytes_t in;
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_set_timeout(connection, test_deadline()));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_send(connection, text_bytes("hello")));
    REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(connection, &in, pool));
    CHECK_INT(5, in.size);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(connection));
}

static void
form_of_client(const char *form, int legacy, int good, apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    mproc_listener_t *listener;
    mproc_connection_t *here;
    program_t program;
    options.auth_legacy_md5 = legacy;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, LOCAL, &options, pool));
    python_start(
        &program, form_client,
        apr_pstrcat(pool, form, " ", mproc_listener_address(listener), NULL),
        pool);
    CHECK_STATUS(good ? APR_SUCCESS : MPROC_EAUTH,
                 mproc_listener_accept(listener, &here, test_deadline(), pool));
    if (here != NULL) {
        echo_short(here, pool);
    }
    CHECK_INT(!good, program_end(&program));
    CHECK(good == (strstr(program.text, "done") != NULL));
}

static void
form_of_listener(const char *form, int legacy, int good, apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    mproc_connection_t *there;
    program_t program;
    options.auth_legacy_md5 = legacy;
    python_start(&program, form_listener,
                 apr_pstrcat(pool, form, " ", LOCAL, NULL), pool);
    program_await(&program, "PORT=");
    program_await(&program, "\n");
    CHECK_STATUS(good ? APR_SUCCESS : MPROC_EAUTH,
                 mproc_client_connect(
                     &there,
                     apr_psprintf(pool, "tcp:127.0.0.1:%d",
                                  (int)program_number(&program, "PORT=")),
                     &options, pool));
    if (there != NULL) {
        echo_short(there, pool);
    }
    CHECK_INT(!good, program_end(&program));
}

/* W7 to W11: both forms of the proof, and the old one only where it may be. */
static void
both_forms_of_the_digest(apr_pool_t *pool)
{
    form_of_client("sha256", 0, 1, pool);
    form_of_client("sha256", 1, 1, pool);
    form_of_client("md5", 1, 1, pool);
    form_of_client("md5", 0, 0, pool);
    form_of_listener("sha256", 0, 1, pool);
    form_of_listener("sha256", 1, 1, pool);
    form_of_listener("md5", 1, 1, pool);
    form_of_listener("md5", 0, 0, pool);
}

static const char long_script[] =
    SCRIPT_BEGIN "c = Client(where, authkey=key)\n"
                 "for size in (5, 0, 100000):\n"
                 "    c._send(struct.pack('!iQ', -1, size) + b'x' * size)\n"
                 "c._send(struct.pack('!iQ', -1, 1 << 40) + b'x')\n"
                 "assert c.recv_bytes() == b'enough'\n"
                 "print('done')\n";

/* W1, W3: what Python sends from 2 GiB on, but for the size. */
static void
python_sends_long_heads(apr_pool_t *pool)
{
    static const apr_size_t sizes[] = {5, 0, 100000};
    mproc_net_options_t options = python_options(pool);
    mproc_listener_t *listener;
    mproc_connection_t *here;
    program_t program;
    mproc_bytes_t in;
    int i;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, LOCAL, &options, pool));
    python_start(&program, long_script, mproc_listener_address(listener), pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, &here,
                                                      test_deadline(), pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_set_timeout(here, test_deadline()));
    for (i = 0; i < 3; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, pool));
        CHECK_INT(sizes[i], in.size);
    }
    /* Told from the head alone. */
    CHECK_STATUS(MPROC_ETOOBIG, mproc_connection_recv(here, &in, pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_send(here, text_bytes("enough")));
    CHECK_INT(0, program_end(&program));
    CHECK(strstr(program.text, "done") != NULL);
}

static const test_case_t cases[] = {
    {"both_forms_of_the_digest", both_forms_of_the_digest},
    {"python_sends_long_heads", python_sends_long_heads},
    {"python_is_a_client", python_is_a_client},
    {"python_has_another_key", python_has_another_key},
    {"python_is_a_listener", python_is_a_listener},
    {NULL, NULL}};

const test_suite_t suite_net_python = {"net_python", 0, cases};
