/* cmd/pub.c - tambo pub: publish messages, in the manner of mosquitto_pub. */
#include <signal.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "cmd/cmd.h"
#include "cmd/dial.h"
#include "cmd/input.h"

enum { INFLIGHT_V3 = 20 };

struct pub {
    struct dial dial;
    const char *topic, *message, *file;
    bool null, whole_stdin, lines, retain;
    uint64_t qos, inflight_max, repeat, repeat_delay_ns;

    struct mem mem;
    struct io *io;
    struct mqtt_client *client;
    struct mqtt_client_settings settings;
    struct io_address address;
    struct input input;
    struct io_timer timer;
    uint64_t sent;
    bool waiting; /* for the timer */
    bool dialed, leaving;
    int exit_code;
    struct complaint complaint;
};

#define AT(member) .offset = offsetof(struct pub, member)

/* clang-format off */
static const struct option_row rows[] = {
    { 't', "topic", "TOPIC", "topic to publish on", OPTION_TEXT, AT(topic) },
    { 'm', "message", "TEXT", "the payload", OPTION_TEXT, AT(message) },
    { 'f', "file", "FILE", "the payload is what FILE holds", OPTION_TEXT, AT(file) },
    { 's', "stdin-file", NULL, "the payload is all of standard input", OPTION_FLAG, AT(whole_stdin) },
    { 'l', "stdin-line", NULL, "every line of standard input is a message", OPTION_FLAG, AT(lines) },
    { 'n', "null-message", NULL, "an empty payload", OPTION_FLAG, AT(null) },
    { 'q', "qos", "QOS", "quality of service (0)", OPTION_NUMBER, AT(qos), 0, 2 },
    { 'r', "retain", NULL, "retain the message", OPTION_FLAG, AT(retain) },
    { 'M', "max-inflight", "N", "messages of QoS 1 and 2 in flight (MQTT 5: as the server allows, to 1024; 3.x: 20)",
      OPTION_NUMBER, AT(inflight_max), 1, 65000 },
    { 0, "repeat", "N", "publish it N times (1)", OPTION_NUMBER, AT(repeat), 1 },
    { 0, "repeat-delay", "SECONDS", "wait so long between two (0)", OPTION_SECONDS, AT(repeat_delay_ns) },
};
/* clang-format on */

/* ---- the end ---------------------------------------------------------------------------------------------- */

static void
leave(struct pub *pub)
{
    if (pub->leaving)
        return;
    pub->leaving = true;
    mqtt_client_disconnect(pub->client, MQTT_SUCCESS, property_view(&pub->dial.properties, PROPERTY_DISCONNECT));
}

static void
give_up(struct pub *pub)
{
    pub->exit_code = 1;
    leave(pub);
}

/* At once, from wherever it stands. */
static void
quit(struct pub *pub)
{
    pub->exit_code = 1;
    if (pub->dialed)
        mqtt_client_abort(pub->client);
    else
        io_stop(pub->io);
}

static void
on_closed(void *arg, const struct mqtt_client_end *end)
{
    struct pub *pub = arg;

    /* Who disconnects with a complaint of its own keeps it. */
    if (end->why != MQTT_CLIENT_LEFT && pub->exit_code == 0) {
        mqtt_client_end_print(end, pub->complaint.text, sizeof pub->complaint.text);
        pub->exit_code = 1;
    }
    pub->dialed = false;
    io_stop(pub->io);
}

/* ---- publishing ------------------------------------------------------------------------------------------- */

static void
refuse(struct pub *pub, int rc)
{
    if (rc == -ERR_INVALID)
        complain(&pub->complaint, "'%s' is not a topic to publish on", pub->topic);
    else if (rc == -ERR_DENIED)
        complain(&pub->complaint, "the server does not take this QoS, retained messages, or this topic alias");
    else if (rc == -ERR_TOO_LARGE)
        complain(&pub->complaint, "the message is larger than the server takes");
    else
        complain(&pub->complaint, "cannot publish: %s", err_text(rc));
    give_up(pub);
}

static int
publish(struct pub *pub, struct view payload)
{
    struct mqtt_publish message = {
        .qos = (uint8_t)pub->qos,
        .retain = pub->retain,
        .topic = view_str(pub->topic),
        .payload = payload,
    };
    message.properties.raw = property_view(&pub->dial.properties, PROPERTY_PUBLISH);
    message.properties.topic_alias = pub->dial.properties.topic_alias;

    int rc = mqtt_client_publish(pub->client, &message, pub->sent);
    if (rc == 0) {
        pub->sent++;
        dial_debug(&pub->dial, "published %s: %zu bytes, QoS %u%s", pub->topic, payload.len, message.qos,
                   message.retain ? ", retained" : "");
    } else if (rc != -ERR_AGAIN) {
        refuse(pub, rc);
    }
    return rc;
}

static void push(void *arg);

static void
on_timer(void *arg)
{
    struct pub *pub = arg;
    pub->waiting = false;
    push(pub);
}

/* 0 when the next may follow at once. */
static int
wait_between(struct pub *pub)
{
    if (pub->repeat_delay_ns == 0 || pub->sent == pub->repeat)
        return 0;
    int rc = io_timer_set(pub->io, &pub->timer, io_now_ns(pub->io) + pub->repeat_delay_ns, on_timer, pub);
    if (rc < 0) {
        complain(&pub->complaint, "%s", err_text(rc));
        give_up(pub);
        return rc;
    }
    pub->waiting = true;
    return 1;
}

static void
push_repeated(struct pub *pub)
{
    struct view payload = pub->message != NULL ? view_str(pub->message) : input_all(&pub->input);

    while (!pub->waiting && !pub->leaving && pub->sent < pub->repeat) {
        if (publish(pub, payload) < 0 || wait_between(pub) != 0)
            return;
    }
}

static void
push_lines(struct pub *pub)
{
    struct view line;

    while (!pub->leaving && input_line(&pub->input, &line)) {
        if (publish(pub, line) < 0) {
            input_pause(&pub->input, true);
            return;
        }
        input_took(&pub->input, line);
    }
    input_pause(&pub->input, false);
}

static bool
all_sent(const struct pub *pub)
{
    if (pub->lines)
        return pub->input.ended && input_all(&pub->input).len == 0;
    return pub->sent == pub->repeat;
}

/* Publishes what is due and fits, and leaves when everything is settled. */
static void
push(void *arg)
{
    struct pub *pub = arg;

    if (pub->leaving || !mqtt_client_is_connected(pub->client))
        return;
    if (pub->lines)
        push_lines(pub);
    else
        push_repeated(pub);
    if (!pub->leaving && all_sent(pub) && mqtt_client_inflight(pub->client) == 0)
        leave(pub);
}

static void
on_connected(void *arg, const struct mqtt_connack *connack)
{
    struct pub *pub = arg;

    dial_debug(&pub->dial, "connected%s", connack->session_present ? ", session resumed" : "");
    push(pub);
}

static void
on_settled(void *arg, uint64_t token, int rc)
{
    struct pub *pub = arg;

    dial_debug(&pub->dial, "message %llu: %s", (unsigned long long)token + 1,
               rc < 0 ? err_text(rc) : mqtt_reason_text((unsigned)rc));
    if (rc >= MQTT_UNSPECIFIED_ERROR && !pub->leaving) {
        complain(&pub->complaint, "message refused by the server: %s", mqtt_reason_text((unsigned)rc));
        give_up(pub);
    }
    push(pub);
}

static const struct mqtt_client_on client_on = {
    .connected = on_connected,
    .settled = on_settled,
    .ready = push,
    .closed = on_closed,
};

/* ---- the start -------------------------------------------------------------------------------------------- */

static void
dial_up(struct pub *pub)
{
    int rc = mqtt_client_connect(pub->client, &pub->address);

    pub->dialed = rc == 0;
    if (pub->dialed)
        return;
    complain(&pub->complaint, "cannot connect: %s", err_text(rc));
    quit(pub);
}

static bool
input_failed(struct pub *pub)
{
    if (pub->input.failed == 0)
        return false;
    if (pub->exit_code == 0)
        complain(&pub->complaint, "standard input: %s", err_text(pub->input.failed));
    pub->exit_code = 1;
    return true;
}

static void
on_input(void *arg)
{
    struct pub *pub = arg;

    if (pub->lines) {
        if (input_failed(pub))
            leave(pub);
        push(pub);
    } else if (pub->input.ended) {
        if (input_failed(pub))
            quit(pub);
        else
            dial_up(pub);
    }
}

static int
check(struct pub *pub)
{
    int sources = (pub->message != NULL) + (pub->file != NULL) + pub->whole_stdin + pub->lines + pub->null;

    if (pub->topic == NULL)
        pub->topic = pub->dial.topic;
    if (pub->topic == NULL)
        return complain(&pub->complaint, "no topic: say one with -t");
    if (sources != 1)
        return complain(&pub->complaint, "say what to publish by exactly one of -m, -f, -s, -l and -n");
    if (pub->lines && (pub->repeat > 1 || pub->repeat_delay_ns > 0))
        return complain(&pub->complaint, "--repeat and --stdin-line do not go together");
    return 0;
}

static int
start(struct pub *pub)
{
    int rc = pub->file == NULL ? 0 : input_file(&pub->input, pub->file, &pub->complaint);
    if (rc < 0)
        return rc;
    /* 3.x has no receive maximum to tell what a server bears; 20 is what everyone's client keeps to. */
    pub->settings.inflight_max = (unsigned)pub->inflight_max;
    if (pub->inflight_max == 0 && pub->settings.connect.version != MQTT_V5)
        pub->settings.inflight_max = INFLIGHT_V3;
    rc = mqtt_client_new(pub->io, &pub->settings, &client_on, pub, &pub->client);
    if (rc == 0 && (pub->lines || pub->whole_stdin))
        rc = input_stdin(&pub->input, on_input, pub);
    if (rc < 0)
        return complain(&pub->complaint, "%s", err_text(rc));
    if (!pub->whole_stdin)
        dial_up(pub);
    return 0;
}

static void
on_signal(void *arg)
{
    struct pub *pub = arg;

    complain(&pub->complaint, "interrupted with %u messages unconfirmed", mqtt_client_inflight(pub->client));
    quit(pub);
}

static int
run(struct pub *pub)
{
    int rc = check(pub);
    if (rc == 0)
        rc = dial_settle(&pub->dial, pub->io, &pub->settings, &pub->address, &pub->complaint);
    if (rc == 0)
        rc = start(pub);
    if (rc < 0)
        return 1;
    io_on_signal(pub->io, SIGINT, on_signal, pub);
    io_on_signal(pub->io, SIGTERM, on_signal, pub);
    if (pub->exit_code == 0)
        io_run(pub->io);
    return pub->exit_code;
}

int
cmd_pub(int argc, char *const *argv)
{
    struct pub pub = { .repeat = 1 };
    dial_init(&pub.dial, &pub.mem);
    struct option_group groups[] = {
        {"Messages", rows, COUNT_OF(rows), &pub},
        dial_server_options(&pub.dial), dial_session_options(&pub.dial)
    };
    struct option_spec spec = {
        .usage = "tambo pub [OPTION]... -t TOPIC {-m TEXT | -f FILE | -s | -l | -n}",
        .about = "Publishes messages on a topic of an MQTT server and exits when the server has confirmed them.",
        .groups = groups,
        .group_count = COUNT_OF(groups),
    };
    int code;

    if (cmd_options("pub", &spec, argc, argv, &code) != 0)
        goto out;
    int rc = io_uv_new(&pub.mem, &pub.io);
    if (rc < 0) {
        complain(&pub.complaint, "%s", err_text(rc));
        code = cmd_fail("pub", &pub.complaint);
        goto out;
    }
    input_init(&pub.input, pub.io);
    code = run(&pub);
    if (code != 0)
        cmd_fail("pub", &pub.complaint);
    mqtt_client_free(pub.client);
    io_free(pub.io);
    input_fini(&pub.input);
out:
    dial_fini(&pub.dial);
    return code;
}
