/* cmd/zmq_socket.c - see zmq_socket.h. */
#include "cmd/zmq_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "cmd/cmd.h"
#include "cmd/input.h"
#include "io/io.h"

#define NS_A_MS     UINT64_C(1000000)
#define NS_A_SECOND UINT64_C(1000000000)
#define UNSET       UINT64_MAX

enum { SLICE_MS = 50 }; /* how late an event may be told where it cannot be waited for */

/* ---- options ---------------------------------------------------------------------------------------------- */

#define AT(member) .offset = offsetof(struct zmq_socket, member)

/* clang-format off */
static const struct option_row rows[] = {
    { 'b', "bind", NULL, "bind to the endpoints instead of connecting to them", OPTION_FLAG, AT(bind) },
    { 'W', "timeout", "SECONDS", "give up when nothing could be sent or received for so long", OPTION_SECONDS, AT(timeout_ns) },
    { 0, "linger", "SECONDS", "how long to wait at the end for messages to leave (30)", OPTION_SECONDS, AT(linger_ns) },
    { 0, "events", NULL, "tell on standard error what happens to connections", OPTION_FLAG, AT(events) },
    { 0, "id", "TEXT", "the routing id that a ROUTER knows us by", OPTION_TEXT, AT(routing_id) },
    { 0, "send-max", "N", "messages that may wait for one peer (1000)", OPTION_NUMBER, AT(send_max), 1, 1 << 30 },
    { 0, "recv-max", "N", "messages of one peer that may wait here (1000)", OPTION_NUMBER, AT(recv_max), 1, 1 << 30 },
    { 0, "message-max", "BYTES", "the longest message received (1 GiB); who sends a longer one is left", OPTION_NUMBER,
      AT(message_bytes_max), 1, INT64_MAX },
    { 0, "heartbeat", "SECONDS", "a PING after so much silence; 0 turns it off (10)", OPTION_SECONDS, AT(heartbeat_ns) },
    { 0, "plain-user", "NAME", "PLAIN: the user", OPTION_TEXT, AT(plain_user) },
    { 0, "plain-password", "TEXT", "PLAIN: the password", OPTION_TEXT, AT(plain_password) },
    { 0, "plain-server", NULL, "PLAIN: let in who knows that user and password", OPTION_FLAG, AT(plain_server) },
    { 0, "curve-server", NULL, "CURVE: be the server", OPTION_FLAG, AT(curve_server) },
    { 0, "curve-secret-key", "KEY", "CURVE: our secret key: 40 characters, or a file with them; see tambo zmq keypair",
      OPTION_TEXT, AT(curve_secret_key) },
    { 0, "curve-public-key", "KEY", "CURVE: our public key", OPTION_TEXT, AT(curve_public_key) },
    { 0, "curve-server-key", "KEY", "CURVE: the server's public key", OPTION_TEXT, AT(curve_server_key) },
};
/* clang-format on */

void
zmq_socket_init(struct zmq_socket *zmq, const char *command)
{
    *zmq = (struct zmq_socket){ .command = command, .timeout_ns = UNSET, .linger_ns = UNSET, .heartbeat_ns = UNSET };
}

struct option_group
zmq_socket_options(struct zmq_socket *zmq)
{
    return (struct option_group){ "Socket", rows, COUNT_OF(rows), zmq };
}

/* ---- setting up ------------------------------------------------------------------------------------------- */

static int
fail(struct zmq_socket *zmq, int rc, const char *what)
{
    complain(&zmq->complaint, "%s: %s", what, tambo_error_text(rc));
    return rc;
}

static int
set_number(struct zmq_socket *zmq, enum tambo_option option, const char *name, uint64_t value)
{
    int rc = tambo_set(zmq->socket, option, (int64_t)value);
    return rc < 0 ? fail(zmq, rc, name) : 0;
}

static int
set_text(struct zmq_socket *zmq, enum tambo_option option, const char *name, const char *text)
{
    int rc = tambo_set_text(zmq->socket, option, text, strlen(text));
    return rc < 0 ? fail(zmq, rc, name) : 0;
}

/* A key as it is, or from a file: a command line can be read by everybody. */
static int
set_key(struct zmq_socket *zmq, enum tambo_option option, const char *name, const char *key)
{
    struct input input;
    int rc = -TAMBO_ERR_INVALID;

    if (strlen(key) == ZMQ_KEY_CHARS)
        return set_text(zmq, option, name, key);
    input_init(&input, zmq->io);
    if (input_file(&input, key, &zmq->complaint) == 0) {
        struct view text = input_all(&input);
        while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
            text.len--;
        rc = text.len == ZMQ_KEY_CHARS ? tambo_set_text(zmq->socket, option, text.data, text.len) : rc;
        if (rc < 0)
            complain(&zmq->complaint, "%s: %s does not hold a key of %d characters", name, key, ZMQ_KEY_CHARS);
    }
    input_fini(&input);
    return rc;
}

static int
set_limits(struct zmq_socket *zmq)
{
    const struct {
        enum tambo_option option;
        const char *name;
        uint64_t value; /* UNSET or 0: as it is */
    } numbers[] = {
        {TAMBO_SEND_MESSAGES_MAX,  "--send-max",    zmq->send_max                                         },
        { TAMBO_RECV_MESSAGES_MAX, "--recv-max",    zmq->recv_max                                         },
        { TAMBO_MESSAGE_BYTES_MAX, "--message-max", zmq->message_bytes_max                                },
        { TAMBO_LINGER_MS,         "--linger",      zmq->linger_ns == UNSET ? 0 : zmq->linger_ns / NS_A_MS},
    };
    int rc = 0;

    for (size_t i = 0; i < COUNT_OF(numbers) && rc == 0; i++) {
        if (numbers[i].value != 0)
            rc = set_number(zmq, numbers[i].option, numbers[i].name, numbers[i].value);
    }
    if (rc == 0 && zmq->linger_ns == 0)
        rc = set_number(zmq, TAMBO_LINGER_MS, "--linger", 0);
    if (rc == 0 && zmq->heartbeat_ns != UNSET)
        rc = set_number(zmq, TAMBO_HEARTBEAT_MS, "--heartbeat", zmq->heartbeat_ns / NS_A_MS);
    return rc;
}

static int
set_texts(struct zmq_socket *zmq)
{
    const struct {
        enum tambo_option option;
        const char *name, *text;
        int (*set)(struct zmq_socket *zmq, enum tambo_option option, const char *name, const char *text);
    } texts[] = {
        {TAMBO_ROUTING_ID,        "--id",               zmq->routing_id,       set_text},
        { TAMBO_PLAIN_USER,       "--plain-user",       zmq->plain_user,       set_text},
        { TAMBO_PLAIN_PASSWORD,   "--plain-password",   zmq->plain_password,   set_text},
        { TAMBO_CURVE_SECRET_KEY, "--curve-secret-key", zmq->curve_secret_key, set_key },
        { TAMBO_CURVE_PUBLIC_KEY, "--curve-public-key", zmq->curve_public_key, set_key },
        { TAMBO_CURVE_SERVER_KEY, "--curve-server-key", zmq->curve_server_key, set_key },
    };
    int rc = 0;

    for (size_t i = 0; i < COUNT_OF(texts) && rc == 0; i++) {
        if (texts[i].text != NULL)
            rc = texts[i].set(zmq, texts[i].option, texts[i].name, texts[i].text);
    }
    return rc;
}

static bool
same(const char *text, const void *bytes, size_t len)
{
    return text != NULL && strlen(text) == len && memcmp(text, bytes, len) == 0;
}

/* PLAIN's one user.  CURVE proves itself. */
static int
admit(void *arg, const char *mechanism, const void *name, size_t name_len, const void *password, size_t password_len,
      const char *peer)
{
    const struct zmq_socket *zmq = arg;
    (void)peer;

    if (strcmp(mechanism, "PLAIN") != 0)
        return 0;
    bool known = same(zmq->plain_user, name, name_len) && same(zmq->plain_password, password, password_len);
    return known ? 0 : -TAMBO_ERR_DENIED;
}

static int
set_security(struct zmq_socket *zmq)
{
    int rc = 0;

    if (zmq->plain_server)
        rc = set_number(zmq, TAMBO_PLAIN_SERVER, "--plain-server", 1);
    if (rc == 0 && zmq->plain_server)
        rc = tambo_on_admit(zmq->socket, admit, zmq);
    if (rc == 0 && zmq->curve_server)
        rc = set_number(zmq, TAMBO_CURVE_SERVER, "--curve-server", 1);
    return rc;
}

/* They are kept from the first time that they are asked for. */
static int
begin_events(struct zmq_socket *zmq)
{
    struct tambo_event event;
    int rc = zmq->events ? tambo_event(zmq->socket, &event, 0) : 0;
    return rc == -TAMBO_ERR_AGAIN ? 0 : rc;
}

int
zmq_socket_open(struct zmq_socket *zmq, enum tambo_pattern pattern)
{
    int rc = io_uv_new(&zmq->mem, &zmq->io);

    if (rc == 0)
        rc = tambo_new(&zmq->context);
    if (rc == 0)
        rc = tambo_socket(zmq->context, pattern, &zmq->socket);
    if (rc == 0)
        rc = begin_events(zmq);
    if (rc < 0)
        return fail(zmq, rc, "cannot make a socket");
    /* What cannot reach anybody is not taken off our hands, and what was taken is not dropped. */
    rc = set_number(zmq, TAMBO_CONNECTED_ONLY, "connected only", 1);
    if (rc == 0)
        rc = set_number(zmq, TAMBO_SEND_POLICY, "send policy", TAMBO_BLOCK);
    if (rc == 0)
        rc = set_limits(zmq);
    if (rc == 0)
        rc = set_texts(zmq);
    return rc == 0 ? set_security(zmq) : rc;
}

int
zmq_socket_join(struct zmq_socket *zmq)
{
    if (zmq->endpoint_count == 0) {
        complain(&zmq->complaint, "no endpoint: say one, such as tcp://127.0.0.1:5555");
        return -TAMBO_ERR_INVALID;
    }
    for (unsigned i = 0; i < zmq->endpoint_count; i++) {
        const char *endpoint = zmq->endpoints[i];
        int rc = zmq->bind ? tambo_bind(zmq->socket, endpoint) : tambo_connect(zmq->socket, endpoint);
        if (rc < 0)
            return fail(zmq, rc, endpoint);
    }
    return 0;
}

/* ---- waiting ---------------------------------------------------------------------------------------------- */

static void
tell_event(const struct tambo_event *e)
{
    fprintf(stderr, "%s: %s", e->endpoint[0] == '\0' ? "-" : e->endpoint, tambo_event_text(e->kind));
    if (e->peer[0] != '\0')
        fprintf(stderr, " [%s]", e->peer);
    if (e->value != 0)
        fprintf(stderr, " (%lld)", (long long)e->value);
    if (e->text[0] != '\0' || e->error != 0)
        fprintf(stderr, ": %s", e->text[0] != '\0' ? e->text : tambo_error_text(e->error));
    fputc('\n', stderr);
}

/* All that have come; the first one is waited for. */
static void
take_events(struct zmq_socket *zmq, int wait_ms)
{
    struct tambo_event e;

    for (; tambo_event(zmq->socket, &e, wait_ms) == 0; wait_ms = 0) {
        if (zmq->events)
            tell_event(&e);
    }
}

static void
tell_events(struct zmq_socket *zmq)
{
    if (zmq->events)
        take_events(zmq, 0);
}

/* When a wait that begins now and may take `ns` is over. */
static uint64_t
deadline_of(const struct zmq_socket *zmq, uint64_t ns)
{
    return ns == UNSET ? UNSET : io_exact_ns(zmq->io) + ns;
}

static int
left_ms(const struct zmq_socket *zmq, uint64_t deadline)
{
    uint64_t now = io_exact_ns(zmq->io);

    if (deadline == UNSET)
        return TAMBO_FOREVER;
    uint64_t ms = now >= deadline ? 0 : (deadline - now + NS_A_MS - 1) / NS_A_MS;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static bool
is_over(int rc)
{
    return rc == -TAMBO_ERR_TIMEOUT || rc == -TAMBO_ERR_AGAIN;
}

/* For one more look at the events on the way. */
static int
slice_ms(const struct zmq_socket *zmq, uint64_t deadline)
{
    int ms = left_ms(zmq, deadline);
    return zmq->events && (ms < 0 || ms > SLICE_MS) ? SLICE_MS : ms;
}

/* A call that waited `rc`'s slice: is it to be called again? */
static bool
goes_on(struct zmq_socket *zmq, int rc, uint64_t deadline)
{
    tell_events(zmq);
    return is_over(rc) && left_ms(zmq, deadline) != 0;
}

/* The complaint, and one name for being over. */
static int
result(struct zmq_socket *zmq, int rc, const char *what)
{
    if (rc >= 0)
        return 0;
    return fail(zmq, is_over(rc) ? -TAMBO_ERR_TIMEOUT : rc, what);
}

int
zmq_socket_await_peers(struct zmq_socket *zmq, unsigned count)
{
    uint64_t deadline = deadline_of(zmq, zmq->timeout_ns);
    int rc;

    if (count == 0)
        return 0;
    do
        rc = tambo_wait_peers(zmq->socket, count, slice_ms(zmq, deadline));
    while (goes_on(zmq, rc, deadline));
    return result(zmq, rc, "waiting for peers");
}

int
zmq_socket_send(struct zmq_socket *zmq, const struct tambo_part *parts, size_t count)
{
    uint64_t deadline = deadline_of(zmq, zmq->timeout_ns);
    int rc;

    do
        rc = tambo_send_parts(zmq->socket, parts, count, slice_ms(zmq, deadline));
    while (goes_on(zmq, rc, deadline));
    return result(zmq, rc, "cannot send");
}

int
zmq_socket_recv(struct zmq_socket *zmq, struct tambo_message **ret)
{
    uint64_t deadline = deadline_of(zmq, zmq->timeout_ns);
    int rc = tambo_recv_message(zmq->socket, ret, 0);

    if (rc == -TAMBO_ERR_AGAIN)
        fflush(stdout);
    while (goes_on(zmq, rc, deadline))
        rc = tambo_recv_message(zmq->socket, ret, slice_ms(zmq, deadline));
    return result(zmq, rc, "cannot receive");
}

int
zmq_socket_await_input(struct zmq_socket *zmq)
{
    struct pollfd fds[2] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        { .fd = -1,          .events = POLLIN}
    };

    if (!zmq->events)
        return 0; /* the read waits */
    fds[1].fd = tambo_fd(zmq->socket, TAMBO_HAS_EVENT);
    if (fds[1].fd < 0)
        return fail(zmq, fds[1].fd, "cannot wait for events");
    while (fds[0].revents == 0) {
        if (poll(fds, COUNT_OF(fds), -1) < 0 && errno != EINTR)
            return fail(zmq, -TAMBO_ERR_IO, "standard input");
        tell_events(zmq);
    }
    return 0;
}

int
zmq_socket_drain(struct zmq_socket *zmq)
{
    uint64_t deadline = deadline_of(zmq, zmq->linger_ns == UNSET ? 30 * NS_A_SECOND : zmq->linger_ns);
    struct tambo_stats stats;
    int rc;

    while ((rc = tambo_stats(zmq->socket, &stats)) == 0 && stats.waiting_send > 0 && left_ms(zmq, deadline) != 0)
        take_events(zmq, SLICE_MS);
    if (rc < 0 || stats.waiting_send == 0)
        return rc;
    complain(&zmq->complaint, "%llu messages could not be handed over", (unsigned long long)stats.waiting_send);
    return -TAMBO_ERR_TIMEOUT;
}

int
zmq_socket_finish(struct zmq_socket *zmq, int rc)
{
    if (zmq->socket != NULL)
        tell_events(zmq);
    if (rc < 0)
        (void)cmd_fail(zmq->command, &zmq->complaint);
    if (rc < 0 && zmq->socket != NULL)
        (void)tambo_set(zmq->socket, TAMBO_LINGER_MS, 0); /* it has failed: waiting on helps nobody */
    tambo_close(zmq->socket);
    tambo_free(zmq->context);
    io_free(zmq->io);
    return rc < 0 ? 1 : 0;
}
