/* cmd/visit.c - see visit.h. */
#include "cmd/visit.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/must.h"
#include "cmd/cmd.h"

enum { PORT_DEFAULT = 5672, HEARTBEAT_DEFAULT = 60 };

/* ---- options ---------------------------------------------------------------------------------------------- */

static int
parse_url(void *into, char *const *words, struct complaint *complaint)
{
    struct visit *visit = into;
    struct url url = { visit->host, visit->username, visit->password, NULL, visit->port };
    size_t n = strlen(words[0]);

    if (n >= sizeof visit->url)
        return complain(complaint, "--url: longer than %zu bytes", sizeof visit->url - 1);
    memcpy(visit->url, words[0], n + 1);
    if (strncmp(visit->url, "amqp://", 7) != 0)
        return complain(complaint, "--url: '%s' is not amqp://[USER[:PASSWORD]@]HOST[:PORT][/VHOST]", words[0]);
    int rc = url_cut(visit->url + 7, &url, complaint);
    if (rc < 0)
        return rc;
    if (url.path != NULL && url_unescape((char *)(uintptr_t)url.path) < 0)
        return complain(complaint, "--url: a %% must be followed by two hexadecimal digits");
    visit->host = url.host;
    visit->username = url.username;
    visit->password = url.password;
    visit->port = url.port;
    visit->vhost = url.path != NULL ? url.path : visit->vhost;
    return 0;
}

#define AT(member) .offset = offsetof(struct visit, member)

/* clang-format off */
static const struct option_row rows[] = {
    { 'h', "host", "HOST", "server to connect to (127.0.0.1)", OPTION_TEXT, AT(host) },
    { 'p', "port", "PORT", "its port (5672)", OPTION_NUMBER, AT(port), 1, UINT16_MAX },
    { 'L', "url", "URL", "amqp://[USER[:PASSWORD]@]HOST[:PORT][/VHOST], %2F for the vhost '/'", OPTION_CALL, .parse = parse_url },
    { 0, "unix", "PATH", "connect to a Unix socket", OPTION_TEXT, AT(unix_path) },
    { 'u', "username", "NAME", "user name (guest)", OPTION_TEXT, AT(username) },
    { 'P', "pw", "PASSWORD", "password (guest)", OPTION_TEXT, AT(password) },
    { 'v', "vhost", "NAME", "virtual host (/)", OPTION_TEXT, AT(vhost) },
    { 0, "heartbeat", "SECONDS", "heartbeat asked for; 0 turns it off (60)", OPTION_NUMBER, AT(heartbeat_s), 0, UINT16_MAX },
};
/* clang-format on */

void
visit_init(struct visit *visit, const char *command)
{
    *visit = (struct visit){
        .command = command,
        .host = "127.0.0.1",
        .username = "guest",
        .password = "guest",
        .vhost = "/",
        .port = PORT_DEFAULT,
        .heartbeat_s = HEARTBEAT_DEFAULT,
    };
}

struct option_group
visit_options(struct visit *visit)
{
    return (struct option_group){ "Server", rows, COUNT_OF(rows), visit };
}

/* ---- the end ---------------------------------------------------------------------------------------------- */

void
visit_leave(struct visit *visit)
{
    if (visit->leaving)
        return;
    visit->leaving = true;
    if (visit->dialed)
        amqp_client_close(visit->client);
    else
        io_stop(visit->io);
}

void
visit_fail(struct visit *visit, const char *format, ...)
{
    va_list args;

    if (visit->exit_code == 0 && !visit->leaving) {
        va_start(args, format);
        vsnprintf(visit->complaint.text, sizeof visit->complaint.text, format, args);
        va_end(args);
        visit->exit_code = 1;
    }
    visit_leave(visit);
}

static void
on_closed(void *arg, const struct amqp_client_end *end)
{
    struct visit *visit = arg;

    if (end->why != AMQP_CLIENT_LEFT && visit->exit_code == 0) {
        amqp_client_end_print(end, visit->complaint.text, sizeof visit->complaint.text);
        visit->exit_code = 1;
    }
    visit->dialed = false;
    visit->leaving = true;
    io_stop(visit->io);
}

/* RabbitMQ's reply text says it all: "NOT_FOUND - no queue 'q' in vhost '/'". */
static void
on_channel_closed(void *arg, uint16_t channel, unsigned code, struct view text)
{
    (void)channel;
    (void)code;
    visit_fail(arg, "%.*s", (int)text.len, (const char *)text.data);
}

static void
on_signal(void *arg)
{
    struct visit *visit = arg;

    if (visit->interrupted != NULL)
        visit->interrupted(visit);
    else
        visit_leave(visit);
}

/* A reader that has gone is no failure: `tambo get q -n 0 | head`. */
static void
on_turn(void *arg)
{
    struct visit *visit = arg;

    if (visit->leaving)
        return;
    if (fflush(stdout) != 0) {
        if (errno == EPIPE)
            visit_leave(visit);
        else
            visit_fail(visit, "standard output: %s", strerror(errno));
    } else if (visit->flushed != NULL && visit->dialed) {
        visit->flushed(visit);
    }
}

/* ---- the start -------------------------------------------------------------------------------------------- */

void
visit_call(struct visit *visit, const struct amqp_method *m, uint64_t token)
{
    int rc = visit->leaving ? 0 : amqp_client_call(visit->client, VISIT_CHANNEL, m, token);

    if (rc < 0)
        visit_fail(visit, "%s: %s", amqp_method_name(m->id), err_text(rc));
}

static void
on_opened(void *arg)
{
    struct visit *visit = arg;

    visit_call(visit, &(struct amqp_method){ .id = AMQP_CHANNEL_OPEN }, 0);
    if (!visit->leaving)
        visit->begin(visit);
}

int
visit_open(struct visit *visit)
{
    int rc = io_uv_new(&visit->mem, &visit->io);
    if (rc == 0)
        return 0;
    complain(&visit->complaint, "%s", err_text(rc));
    return cmd_fail(visit->command, &visit->complaint);
}

int
visit_dial(struct visit *visit, const struct amqp_client_on *on, void (*begin)(void *arg))
{
    struct io_address address;
    int rc = url_address(visit->host, visit->unix_path, visit->port, &address, &visit->complaint);
    if (rc < 0)
        return rc;
    visit->begin = begin;
    visit->on = *on;
    visit->on.opened = on_opened;
    visit->on.closed = on_closed;
    if (visit->on.channel_closed == NULL)
        visit->on.channel_closed = on_channel_closed;
    visit->settings = (struct amqp_client_settings){
        .vhost = view_str(visit->vhost),
        .username = view_str(visit->username == NULL ? "" : visit->username),
        .password = view_str(visit->password == NULL ? "" : visit->password),
        .connection_name = visit->command,
        .heartbeat_s = (uint16_t)visit->heartbeat_s,
    };
    rc = amqp_client_new(visit->io, &visit->settings, &visit->on, visit, &visit->client);
    if (rc == 0)
        rc = amqp_client_connect(visit->client, &address);
    visit->dialed = rc == 0;
    return rc < 0 ? complain(&visit->complaint, "cannot connect: %s", err_text(rc)) : 0;
}

int
visit_finish(struct visit *visit, int rc)
{
    if (rc < 0)
        visit->exit_code = 1;
    if (visit->exit_code == 0) {
        io_on_signal(visit->io, SIGINT, on_signal, visit);
        io_on_signal(visit->io, SIGTERM, on_signal, visit);
        io_on_turn(visit->io, on_turn, visit);
        io_run(visit->io);
    }
    if (fflush(stdout) != 0 && errno != EPIPE && visit->exit_code == 0) {
        complain(&visit->complaint, "standard output: %s", strerror(errno));
        visit->exit_code = 1;
    }
    if (visit->exit_code != 0 && visit->complaint.text[0] != '\0')
        cmd_fail(visit->command, &visit->complaint);
    amqp_client_free(visit->client);
    io_free(visit->io);
    return visit->exit_code;
}
