/* cmd/sub.c - tambo sub: subscribe and print what comes, in the manner of mosquitto_sub. */
#include <errno.h>
#include <signal.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "cmd/cmd.h"
#include "cmd/dial.h"
#include "cmd/filter.h"
#include "cmd/json.h"
#include "cmd/print.h"

/* Options that may be given several times. */
struct words {
    const char **at;
    unsigned count;
};

struct sub {
    struct dial dial;
    struct words topics, filtered_out, unsubscribes;
    const char *format;
    uint64_t qos, count, timeout_ns, retain_handling;
    bool json, verbose, no_newline, no_stale, retained_only, no_local, as_published, line_buffered, subscribe_only;

    struct mem mem;
    struct io *io;
    struct mqtt_client *client;
    struct mqtt_client_settings settings;
    struct io_address address;
    struct io_timer timer;
    uint64_t printed;
    unsigned answers_due;
    bool leaving;
    int exit_code;
    struct complaint complaint;
};

/* ---- options ---------------------------------------------------------------------------------------------- */

static int
add_word(struct sub *sub, struct words *words, const char *word, struct complaint *complaint)
{
    const char **at = mem_grow(&sub->mem, words->at, (words->count + 1) * sizeof *at);
    if (at == NULL)
        return complain(complaint, "%s", err_text(-ERR_NO_MEMORY));
    words->at = at;
    words->at[words->count++] = word;
    return 0;
}

static int
parse_topic(void *into, char *const *words, struct complaint *complaint)
{
    struct sub *sub = into;
    return add_word(sub, &sub->topics, words[0], complaint);
}

static int
parse_filter_out(void *into, char *const *words, struct complaint *complaint)
{
    struct sub *sub = into;
    return add_word(sub, &sub->filtered_out, words[0], complaint);
}

static int
parse_unsubscribe(void *into, char *const *words, struct complaint *complaint)
{
    struct sub *sub = into;
    return add_word(sub, &sub->unsubscribes, words[0], complaint);
}

#define AT(member) .offset = offsetof(struct sub, member)

/* clang-format off */
static const struct option_row subscription_rows[] = {
    { 't', "topic", "FILTER", "topic filter to subscribe to; repeatable", OPTION_CALL, .parse = parse_topic },
    { 'q', "qos", "QOS", "highest quality of service wanted (0)", OPTION_NUMBER, AT(qos), 0, 2 },
    { 'U', "unsubscribe", "FILTER", "unsubscribe from FILTER first; repeatable", OPTION_CALL, .parse = parse_unsubscribe },
    { 0, "no-local", NULL, "nothing that this client published itself (MQTT 5)", OPTION_FLAG, AT(no_local) },
    { 0, "retain-as-published", NULL, "keep the publisher's retain flag (MQTT 5)", OPTION_FLAG, AT(as_published) },
    { 0, "retain-handling", "0|1|2", "retained messages: send, send when new, do not send (MQTT 5)", OPTION_NUMBER,
      AT(retain_handling), 0, 2 },
    { 'E', "subscribe-only", NULL, "exit once the server has answered", OPTION_FLAG, AT(subscribe_only) },
};
/* clang-format on */

/* clang-format off */
static const struct option_row output_rows[] = {
    { 'T', "filter-out", "FILTER", "do not print topics that match FILTER; repeatable", OPTION_CALL,
      .parse = parse_filter_out },
    { 'R', "no-retained", NULL, "do not print stale (retained) messages", OPTION_FLAG, AT(no_stale) },
    { 0, "retained-only", NULL, "exit at the first message that is not retained", OPTION_FLAG, AT(retained_only) },
    { 'C', "count", "N", "exit after N messages", OPTION_NUMBER, AT(count), 1 },
    { 'W', "timeout", "SECONDS", "exit after so long; with -C, 1 when not all N came", OPTION_SECONDS, AT(timeout_ns) },
    { 'v', "verbose", NULL, "print the topic before the payload", OPTION_FLAG, AT(verbose) },
    { 'N', "no-newline", NULL, "no end of line after the payload", OPTION_FLAG, AT(no_newline) },
    { 'F', "format", "FORMAT", "print each message by FORMAT; see tambo-sub(1)", OPTION_TEXT, AT(format) },
    { 0, "json", NULL, "print each message as a JSON object on a line", OPTION_FLAG, AT(json) },
    { 0, "line-buffered", NULL, "write out every message at once, not a turn's messages together", OPTION_FLAG,
      AT(line_buffered) },
};
/* clang-format on */

/* ---- the end ---------------------------------------------------------------------------------------------- */

static void
leave(struct sub *sub)
{
    if (sub->leaving)
        return;
    sub->leaving = true;
    mqtt_client_disconnect(sub->client, MQTT_SUCCESS, property_view(&sub->dial.properties, PROPERTY_DISCONNECT));
}

static void
give_up(struct sub *sub)
{
    sub->exit_code = 1;
    leave(sub);
}

static void
on_closed(void *arg, const struct mqtt_client_end *end)
{
    struct sub *sub = arg;

    if (end->why != MQTT_CLIENT_LEFT && sub->exit_code == 0) {
        mqtt_client_end_print(end, sub->complaint.text, sizeof sub->complaint.text);
        sub->exit_code = 1;
    }
    io_stop(sub->io);
}

static void
on_timeout(void *arg)
{
    struct sub *sub = arg;

    if (sub->count > 0 && !sub->leaving) {
        complain(&sub->complaint, "timed out after %llu of %llu messages", (unsigned long long)sub->printed,
                 (unsigned long long)sub->count);
        give_up(sub);
    }
    leave(sub);
}

static void
on_signal(void *arg)
{
    leave(arg);
}

/* A reader that has gone is no failure: `tambo sub | head`. */
static void
flush(void *arg)
{
    struct sub *sub = arg;

    if (fflush(stdout) == 0 || sub->leaving)
        return;
    if (errno != EPIPE) {
        complain(&sub->complaint, "standard output: %s", strerror(errno));
        sub->exit_code = 1;
    }
    leave(sub);
}

/* ---- printing --------------------------------------------------------------------------------------------- */

static void
print(struct sub *sub, const struct mqtt_publish *message)
{
    struct print print = { .to = stdout, .mem = &sub->mem, .message = message, .wall_ms = io_wall_ms(sub->io) };

    if (sub->json)
        json_print(stdout, &sub->mem, message, print.wall_ms, JSON_TEXT);
    else if (sub->format != NULL)
        print_format(&print, sub->format);
    else
        print_format(&print, sub->verbose ? "%t %p" : "%p");
    if (!sub->no_newline)
        putchar('\n');
    if (sub->line_buffered)
        flush(sub);
}

static bool
wanted(const struct sub *sub, const struct mqtt_publish *message)
{
    if (message->retain && sub->no_stale)
        return false;
    for (unsigned i = 0; i < sub->filtered_out.count; i++) {
        if (filter_matches(view_str(sub->filtered_out.at[i]), message->topic))
            return false;
    }
    return true;
}

static void
on_message(void *arg, const struct mqtt_publish *message)
{
    struct sub *sub = arg;

    dial_debug(&sub->dial, "message on %.*s: %zu bytes, QoS %u%s", (int)message->topic.len,
               (const char *)message->topic.data, message->payload.len, message->qos,
               message->retain ? ", retained" : "");
    if (sub->retained_only && !message->retain) {
        leave(sub);
        return;
    }
    if (!wanted(sub, message))
        return;
    print(sub, message);
    if (++sub->printed == sub->count)
        leave(sub);
}

/* ---- subscribing ------------------------------------------------------------------------------------------ */

static void
asked(struct sub *sub, const char *what, int rc)
{
    if (rc > 0) {
        sub->answers_due++;
        return;
    }
    complain(&sub->complaint, "cannot %s: %s", what, err_text(rc));
    give_up(sub);
}

static void
ask_to_unsubscribe(struct sub *sub)
{
    struct view props = property_view(&sub->dial.properties, PROPERTY_UNSUBSCRIBE);

    for (unsigned i = 0; i < sub->unsubscribes.count && !sub->leaving; i++) {
        struct view filter = view_str(sub->unsubscribes.at[i]);
        asked(sub, "unsubscribe", mqtt_client_unsubscribe(sub->client, &filter, 1, props));
    }
}

/* A packet for each filter, so that each answer names its filter. */
static void
ask_to_subscribe(struct sub *sub)
{
    struct view props = property_view(&sub->dial.properties, PROPERTY_SUBSCRIBE);

    for (unsigned i = 0; i < sub->topics.count && !sub->leaving; i++) {
        struct mqtt_filter filter = {
            .filter = view_str(sub->topics.at[i]),
            .qos = (uint8_t)sub->qos,
            .retain_handling = (uint8_t)sub->retain_handling,
            .no_local = sub->no_local,
            .retain_as_published = sub->as_published,
        };
        asked(sub, "subscribe", mqtt_client_subscribe(sub->client, &filter, 1, props));
    }
}

static void
on_connected(void *arg, const struct mqtt_connack *connack)
{
    struct sub *sub = arg;

    dial_debug(&sub->dial, "connected%s", connack->session_present ? ", session resumed" : "");
    ask_to_unsubscribe(sub);
    ask_to_subscribe(sub);
}

static void
on_granted(void *arg, const struct mqtt_ack *ack)
{
    struct sub *sub = arg;
    unsigned code = ack->codes.len == 0 ? MQTT_SUCCESS : ack->codes.data[0];

    dial_debug(&sub->dial, "request %u: %s", ack->packet_id, mqtt_reason_text(code));
    if (code >= MQTT_UNSPECIFIED_ERROR && !sub->leaving) {
        complain(&sub->complaint, "refused by the server: %s", mqtt_reason_text(code));
        give_up(sub);
    }
    if (--sub->answers_due == 0 && sub->subscribe_only)
        leave(sub);
}

static const struct mqtt_client_on client_on = {
    .connected = on_connected,
    .message = on_message,
    .granted = on_granted,
    .closed = on_closed,
};

/* ---- the start -------------------------------------------------------------------------------------------- */

static int
check(struct sub *sub)
{
    bool v5 = sub->settings.connect.version == MQTT_V5;

    if (sub->topics.count == 0 && sub->unsubscribes.count == 0)
        return complain(&sub->complaint, "no topic: say one with -t");
    if ((sub->no_local || sub->as_published || sub->retain_handling != 0) && !v5)
        return complain(&sub->complaint, "--no-local, --retain-as-published and --retain-handling need MQTT 5");
    if ((sub->json + (sub->format != NULL) + sub->verbose) > 1)
        return complain(&sub->complaint, "--json, --format and --verbose do not go together");
    return sub->format == NULL ? 0 : print_check(sub->format, &sub->complaint);
}

static int
start(struct sub *sub)
{
    int rc = mqtt_client_new(sub->io, &sub->settings, &client_on, sub, &sub->client);
    if (rc == 0 && sub->timeout_ns > 0)
        rc = io_timer_set(sub->io, &sub->timer, io_now_ns(sub->io) + sub->timeout_ns, on_timeout, sub);
    if (rc == 0)
        rc = mqtt_client_connect(sub->client, &sub->address);
    return rc < 0 ? complain(&sub->complaint, "cannot connect: %s", err_text(rc)) : 0;
}

static int
run(struct sub *sub)
{
    int rc = 0;

    if (sub->topics.count == 0 && sub->dial.topic != NULL)
        rc = add_word(sub, &sub->topics, sub->dial.topic, &sub->complaint);
    if (rc == 0)
        rc = dial_settle(&sub->dial, sub->io, &sub->settings, &sub->address, &sub->complaint);
    if (rc == 0)
        rc = check(sub);
    if (rc == 0)
        rc = start(sub);
    if (rc < 0)
        return 1;
    io_on_signal(sub->io, SIGINT, on_signal, sub);
    io_on_signal(sub->io, SIGTERM, on_signal, sub);
    io_on_turn(sub->io, flush, sub);
    io_run(sub->io);
    return sub->exit_code;
}

static int
serve_out(struct sub *sub)
{
    int rc = io_uv_new(&sub->mem, &sub->io);
    if (rc < 0) {
        complain(&sub->complaint, "%s", err_text(rc));
        return cmd_fail("sub", &sub->complaint);
    }
    int code = run(sub);
    if (code != 0)
        cmd_fail("sub", &sub->complaint);
    mqtt_client_free(sub->client);
    io_free(sub->io);
    return code;
}

int
cmd_sub(int argc, char *const *argv)
{
    struct sub sub = { 0 };
    dial_init(&sub.dial, &sub.mem);
    struct option_group groups[] = {
        {"Subscriptions", subscription_rows, COUNT_OF(subscription_rows), &sub},
        { "Output",       output_rows,       COUNT_OF(output_rows),       &sub},
        dial_server_options(&sub.dial),
        dial_session_options(&sub.dial),
    };
    struct option_spec spec = {
        .usage = "tambo sub [OPTION]... -t FILTER...",
        .about = "Subscribes to topics of an MQTT server and prints the messages that come.",
        .groups = groups,
        .group_count = COUNT_OF(groups),
    };
    int code;

    if (cmd_options("sub", &spec, argc, argv, &code) == 0)
        code = serve_out(&sub);
    mem_free(&sub.mem, sub.topics.at);
    mem_free(&sub.mem, sub.filtered_out.at);
    mem_free(&sub.mem, sub.unsubscribes.at);
    dial_fini(&sub.dial);
    return code;
}
