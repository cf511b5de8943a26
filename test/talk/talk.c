#include "talk.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/mqtt.h"

enum {
    ACTORS_MAX = 16,
    HEARD_BYTES = 64 * 1024,
    INBOX_BYTES = 4 * 1024 * 1024,
    FRAME_BYTES = 2 * 1024 * 1024,
    MOMENT_MS = 300,
    PACE_MS = 20
};

struct actor {
    struct talk *talk;
    char name[32];
    struct io_stream *stream;
    bool show, leaving, mumbling, introduced;
    uint8_t version;
    uint16_t next_id;
    size_t inbox_bytes;
    uint8_t *inbox;
    size_t heard_bytes;
    char heard[HEARD_BYTES];
};

struct talk {
    struct mem world, node_mem, client_mem;
    struct sim *sim;
    struct sim_machine *node_machine, *client_machine;
    struct talk_setup setup;
    struct settings settings;
    struct node *node;
    struct io *clients;
    struct actor *actors[ACTORS_MAX];
    unsigned actor_count;
    char said[HEARD_BYTES];
};

/* ---- what clients hear -------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void
hear(struct actor *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(a->heard + a->heard_bytes, sizeof(a->heard) - a->heard_bytes, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < sizeof(a->heard) - a->heard_bytes);
    a->heard_bytes += (size_t)n;
}

static void
hear_text(struct actor *a, const char *name, struct view text)
{
    hear(a, " %s=%.*s", name, (int)text.len, (const char *)text.data);
}

static void
hear_limits(struct actor *a, const struct mqtt_properties *p)
{
    if (mqtt_has(p, MQTT_RECEIVE_MAXIMUM))
        hear(a, " receive=%u", p->receive_maximum);
    if (mqtt_has(p, MQTT_MAXIMUM_PACKET_SIZE))
        hear(a, " max=%u", p->maximum_packet_size);
    if (mqtt_has(p, MQTT_TOPIC_ALIAS_MAXIMUM))
        hear(a, " alias=%u", p->topic_alias_maximum);
    if (mqtt_has(p, MQTT_REASON_STRING))
        hear(a, " why=\"%.*s\"", (int)p->reason_string.len, (const char *)p->reason_string.data);
}

static void
hear_props(struct actor *a, const struct mqtt_properties *p)
{
    if (a->show)
        hear_limits(a, p);
    if (mqtt_has(p, MQTT_SESSION_EXPIRY))
        hear(a, " expiry=%u", p->session_expiry_s);
    if (mqtt_has(p, MQTT_SERVER_KEEP_ALIVE))
        hear(a, " keep=%u", p->server_keep_alive_s);
    if (mqtt_has(p, MQTT_ASSIGNED_CLIENT_ID))
        hear(a, " assigned=%u", (unsigned)p->assigned_client_id.len);
    if (mqtt_has(p, MQTT_RESPONSE_INFO))
        hear_text(a, "response", p->response_info);
    if (mqtt_has(p, MQTT_RETAIN_AVAILABLE))
        hear(a, " retain=%u", p->retain_available);
    if (mqtt_has(p, MQTT_AUTH_METHOD))
        hear_text(a, "method", p->auth_method);
    if (mqtt_has(p, MQTT_AUTH_DATA))
        hear_text(a, "data", p->auth_data);
}

static void
hear_message_props(struct actor *a, const struct mqtt_properties *p)
{
    struct cursor raw = cursor_of(p->raw);
    struct mqtt_property_item item;
    while (mqtt_property_next(&raw, &item)) {
        if (item.id == MQTT_MESSAGE_EXPIRY)
            hear(a, " expiry=%u", item.number);
        else if (item.id == MQTT_TOPIC_ALIAS)
            hear(a, " alias=%u", item.number);
        else if (item.id == MQTT_SUBSCRIPTION_ID)
            hear(a, " sub=%u", item.number);
        else if (item.id == MQTT_USER_PROPERTY)
            hear(a, " user=%.*s:%.*s", (int)item.text.len, (const char *)item.text.data, (int)item.value.len,
                 (const char *)item.value.data);
        else if (item.id == MQTT_PAYLOAD_FORMAT)
            hear(a, " format=%u", item.number);
        else if (item.id == MQTT_CONTENT_TYPE || item.id == MQTT_RESPONSE_TOPIC || item.id == MQTT_CORRELATION_DATA)
            hear_text(a,
                      item.id == MQTT_CONTENT_TYPE     ? "content"
                      : item.id == MQTT_RESPONSE_TOPIC ? "response"
                                                       : "corr",
                      item.text.len > 0 ? item.text : item.value);
        else
            hear(a, " prop=%02x", item.id);
    }
}

static void
hear_publish(struct actor *a, const struct mqtt_publish *p)
{
    enum { SHOWN_MAX = 60 };
    hear(a, "PUBLISH %.*s", (int)p->topic.len, (const char *)p->topic.data);
    if (p->qos > 0)
        hear(a, " qos=%u id=%u", p->qos, p->packet_id);
    hear(a, "%s%s", p->dup ? " dup" : "", p->retain ? " retain" : "");
    hear_message_props(a, &p->properties);
    if (p->payload.len <= SHOWN_MAX)
        hear(a, " '%.*s'\n", (int)p->payload.len, (const char *)p->payload.data);
    else
        hear(a, " <%zu bytes>\n", p->payload.len);
}

static void
hear_ack(struct actor *a, enum mqtt_type type, const struct mqtt_ack *ack)
{
    hear(a, "%s", mqtt_type_text(type));
    if (ack->packet_id != 0)
        hear(a, " %u", ack->packet_id);
    if (type == MQTT_SUBACK || type == MQTT_UNSUBACK) {
        hear(a, " [");
        for (size_t i = 0; i < ack->codes.len; i++)
            hear(a, "%s%02x", i > 0 ? " " : "", ack->codes.data[i]);
        hear(a, "]");
    } else if (ack->reason != 0 || ack->packet_id == 0) {
        hear(a, " %02x", ack->reason);
    }
    hear_props(a, &ack->properties);
    hear(a, "\n");
}

static void
hear_packet(struct actor *a, const struct mqtt_packet *packet)
{
    switch (packet->type) {
    case MQTT_CONNACK:
        hear(a, "CONNACK %02x%s", packet->connack.reason, packet->connack.session_present ? " present" : "");
        hear_props(a, &packet->connack.properties);
        hear(a, "\n");
        break;
    case MQTT_PUBLISH: hear_publish(a, &packet->publish); break;
    case MQTT_PINGRESP: hear(a, "PINGRESP\n"); break;
    default: hear_ack(a, packet->type, &packet->ack); break;
    }
}

static void
on_read(void *arg, struct view bytes)
{
    struct actor *a = arg;
    struct mqtt_dialect dialect = { .version = a->version, .from = MQTT_FROM_SERVER, .packet_bytes_max = INBOX_BYTES };
    assert_true(a->inbox_bytes + bytes.len <= INBOX_BYTES);
    memcpy(a->inbox + a->inbox_bytes, bytes.data, bytes.len);
    a->inbox_bytes += bytes.len;
    for (;;) {
        struct mqtt_packet packet;
        struct fault why;
        ptrdiff_t n = mqtt_decode(view_of(a->inbox, a->inbox_bytes), &dialect, &packet, &why);
        if (n < 0)
            fail_msg("%s was sent a bad packet: [%s] %s", a->name, why.clause, why.text);
        if (n == 0)
            return;
        hear_packet(a, &packet);
        a->inbox_bytes -= (size_t)n;
        memmove(a->inbox, a->inbox + n, a->inbox_bytes);
    }
}

static void
on_opened(void *arg, int rc)
{
    struct actor *a = arg;
    if (rc < 0)
        hear(a, "UNREACHED %s\n", err_text(rc));
}

static void
on_ended(void *arg, int rc)
{
    struct actor *a = arg;
    (void)rc;
    if (!a->leaving)
        hear(a, "CLOSED\n");
    a->leaving = false;
    io_close(a->stream);
    a->stream = NULL;
}

static void
on_closed(void *arg)
{
    (void)arg;
}

static const struct io_stream_on on = { .opened = on_opened, .read = on_read, .ended = on_ended, .closed = on_closed };

/* ---- what clients say --------------------------------------------------------------------------------------- */

enum { WORDS_MAX = 24, WORD_BYTES = 256 };

struct command {
    unsigned count;
    bool paced;
    char words[WORDS_MAX][WORD_BYTES];
};

/* The value of `name=`, or NULL. */
static const char *
value(const struct command *c, const char *name)
{
    size_t n = strlen(name);
    for (unsigned i = 1; i < c->count; i++)
        if (strncmp(c->words[i], name, n) == 0 && c->words[i][n] == '=')
            return c->words[i] + n + 1;
    return NULL;
}

static uint32_t
number(const struct command *c, const char *name, uint32_t otherwise)
{
    const char *text = value(c, name);
    return text == NULL ? otherwise : (uint32_t)strtoul(text, NULL, 10);
}

static uint8_t
reason(const struct command *c, uint8_t otherwise)
{
    const char *text = value(c, "r");
    return text == NULL ? otherwise : (uint8_t)strtoul(text, NULL, 16);
}

static struct view
text_or(const struct command *c, const char *name, const char *otherwise)
{
    const char *text = value(c, name);
    return view_str(text != NULL ? text : otherwise);
}

/* The `i`-th word that is no option, from 1; NULL past the last. */
static const char *
plain(const struct command *c, unsigned i)
{
    for (unsigned w = 1; w < c->count; w++)
        if (strchr(c->words[w], '=') == NULL && --i == 0)
            return c->words[w];
    return NULL;
}

static void
put_number(struct pen *p, const struct command *c, const char *name, enum mqtt_property id, unsigned bytes)
{
    if (value(c, name) == NULL)
        return;
    uint32_t x = number(c, name, 0);
    if (bytes == 1)
        mqtt_put_u8(p, id, (uint8_t)x);
    else if (bytes == 2)
        mqtt_put_u16(p, id, (uint16_t)x);
    else if (bytes == 4)
        mqtt_put_u32(p, id, x);
    else
        mqtt_put_varint(p, id, x);
}

static void
put_text(struct pen *p, const struct command *c, const char *name, enum mqtt_property id)
{
    if (value(c, name) != NULL)
        mqtt_put_text(p, id, view_str(value(c, name)));
}

static void
put_user(struct pen *p, const struct command *c)
{
    for (unsigned i = 1; i < c->count; i++) {
        const char *text = strncmp(c->words[i], "user=", 5) == 0 ? c->words[i] + 5 : "", *colon = strchr(text, ':');
        if (colon != NULL)
            mqtt_put_pair(p, view_of(text, (size_t)(colon - text)), view_str(colon + 1));
    }
}

static struct view
inked(const struct pen *p, const uint8_t *room)
{
    assert_false(p->torn);
    return view_of(room, (size_t)(p->at - room));
}

static void
utter(struct actor *a, const uint8_t *frame, size_t n)
{
    assert_true(n > 0 || a->mumbling);
    if (a->stream != NULL && n > 0)
        assert_int_equal(io_put(a->stream, view_of(frame, n)), 0);
}

static uint8_t frame[FRAME_BYTES];

static void
open_stream(struct actor *a)
{
    struct io_address address = { .kind = IO_TCP, .host = "n1", .port = 1883 };
    a->inbox_bytes = 0;
    a->next_id = 0;
    a->introduced = false;
    assert_int_equal(io_connect(a->talk->clients, &address, &on, a, &a->stream), 0);
    talk_wait(a->talk, 10);
}

static void
say_connect(struct actor *a, const struct command *c)
{
    uint8_t props[512], will_props[64];
    struct pen p = pen_of(props, sizeof(props)), w = pen_of(will_props, sizeof(will_props));
    uint8_t version = (uint8_t)number(c, "v", 5);
    put_number(&p, c, "expiry", MQTT_SESSION_EXPIRY, 4);
    put_number(&p, c, "receive", MQTT_RECEIVE_MAXIMUM, 2);
    put_number(&p, c, "max", MQTT_MAXIMUM_PACKET_SIZE, 4);
    put_number(&p, c, "alias", MQTT_TOPIC_ALIAS_MAXIMUM, 2);
    put_number(&p, c, "problem", MQTT_REQUEST_PROBLEM_INFO, 1);
    put_number(&p, c, "response", MQTT_REQUEST_RESPONSE_INFO, 1);
    put_text(&p, c, "method", MQTT_AUTH_METHOD);
    put_text(&p, c, "data", MQTT_AUTH_DATA);
    put_number(&w, c, "wdelay", MQTT_WILL_DELAY, 4);
    put_number(&w, c, "wexpiry", MQTT_MESSAGE_EXPIRY, 4);
    put_user(&w, c);
    struct mqtt_connect connect = {
        .version = version,
        .clean_start = number(c, "clean", 1),
        .keep_alive_s = (uint16_t)number(c, "keep", 0),
        .client_id = text_or(c, "id", a->name),
        .has_will = value(c, "will") != NULL,
        .will_topic = text_or(c, "will", ""),
        .will_payload = text_or(c, "wmsg", ""),
        .will_qos = (uint8_t)number(c, "wqos", 0),
        .will_retain = number(c, "wretain", 0),
        .properties.raw = inked(&p, props),
        .will_properties.raw = inked(&w, will_props),
    };
    if (a->stream == NULL)
        open_stream(a);
    if (!a->introduced)
        a->version = version; /* a second CONNECT does not change how the node speaks */
    a->introduced = true;
    utter(a, frame, mqtt_write_connect(frame, sizeof(frame), &connect));
}

static uint16_t
packet_id(struct actor *a, const struct command *c)
{
    return value(c, "pid") != NULL ? (uint16_t)number(c, "pid", 0) : ++a->next_id;
}

static void
say_subscribe(struct actor *a, const struct command *c)
{
    struct mqtt_filter filters[8];
    uint8_t props[16];
    struct pen p = pen_of(props, sizeof(props));
    unsigned n = 0;
    put_number(&p, c, "sub", MQTT_SUBSCRIPTION_ID, 0);
    for (const char *filter = plain(c, 1); filter != NULL; filter = plain(c, n + 1))
        filters[n++] = (struct mqtt_filter){
            .filter = view_str(filter),
            .qos = (uint8_t)number(c, "qos", 0),
            .retain_handling = (uint8_t)number(c, "rh", 0),
            .no_local = number(c, "nl", 0),
            .retain_as_published = number(c, "rap", 0),
        };
    utter(a, frame,
          mqtt_write_subscribe(frame, sizeof(frame), a->version, packet_id(a, c), filters, n, inked(&p, props)));
}

static void
say_unsubscribe(struct actor *a, const struct command *c)
{
    struct view filters[8];
    unsigned n = 0;
    for (const char *filter = plain(c, 1); filter != NULL; filter = plain(c, n + 1))
        filters[n++] = view_str(filter);
    utter(a, frame,
          mqtt_write_unsubscribe(frame, sizeof(frame), a->version, packet_id(a, c), filters, n, view_of(NULL, 0)));
}

static void
put_message_props(struct pen *p, const struct command *c)
{
    put_number(p, c, "format", MQTT_PAYLOAD_FORMAT, 1);
    put_text(p, c, "content", MQTT_CONTENT_TYPE);
    put_text(p, c, "response", MQTT_RESPONSE_TOPIC);
    put_text(p, c, "corr", MQTT_CORRELATION_DATA);
    put_user(p, c);
}

static void
say_publish(struct actor *a, const struct command *c)
{
    uint8_t props[512];
    struct pen p = pen_of(props, sizeof(props));
    const char *topic = plain(c, 1);
    struct view payload = text_or(c, "msg", "");
    size_t size = number(c, "size", (uint32_t)payload.len);
    put_message_props(&p, c);
    struct mqtt_publish_head head = {
        .version = a->version,
        .dup = number(c, "dup", 0),
        .retain = number(c, "retain", 0),
        .qos = (uint8_t)number(c, "qos", 0),
        .alias = (uint16_t)number(c, "alias", 0),
        .expiry_s = number(c, "expiry", UINT32_MAX),
        .topic = view_str(strcmp(topic, "-") == 0 ? "" : topic),
        .props = inked(&p, props),
        .payload_bytes = size,
    };
    if (head.qos > 0)
        head.packet_id = packet_id(a, c);
    size_t n = mqtt_write_publish_head(frame, sizeof(frame), &head);
    assert_true(n > 0 && n + size <= sizeof(frame));
    memset(frame + n, 'x', size);
    memcpy(frame + n, payload.data, payload.len);
    utter(a, frame, n + size);
}

static void
say_ack(struct actor *a, const struct command *c)
{
    static const enum mqtt_type types[] = { MQTT_PUBACK, MQTT_PUBREC, MQTT_PUBREL, MQTT_PUBCOMP };
    static const char *const names[] = { "puback", "pubrec", "pubrel", "pubcomp" };
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (strcmp(c->words[0], names[i]) == 0)
            utter(a, frame,
                  mqtt_write_ack(frame, sizeof(frame), a->version, types[i], (uint16_t)strtoul(plain(c, 1), NULL, 10),
                                 reason(c, 0), view_of(NULL, 0)));
}

static void
say_bye(struct actor *a, const struct command *c)
{
    uint8_t props[512];
    struct pen p = pen_of(props, sizeof(props));
    bool auth = strcmp(c->words[0], "auth") == 0;
    put_number(&p, c, "expiry", MQTT_SESSION_EXPIRY, 4);
    put_text(&p, c, "method", MQTT_AUTH_METHOD);
    put_text(&p, c, "data", MQTT_AUTH_DATA);
    utter(a, frame,
          mqtt_write_bye(frame, sizeof(frame), a->version, auth ? MQTT_AUTH : MQTT_DISCONNECT,
                         reason(c, auth ? 0x18 : 0), inked(&p, props)));
    a->leaving = !auth;
    talk_wait(a->talk, auth ? 0 : 20);
    a->leaving = false;
}

static void
say_ping(struct actor *a, const struct command *c)
{
    (void)c;
    utter(a, frame, mqtt_write_ping(frame, sizeof(frame), MQTT_PINGREQ));
}

static void
say_raw(struct actor *a, const struct command *c)
{
    size_t n = 0;
    a->version = (uint8_t)number(c, "v", a->version);
    for (unsigned w = 1; w < c->count; w++)
        for (const char *hex = strchr(c->words[w], '=') != NULL ? "" : c->words[w]; hex[0] != 0 && hex[1] != 0;
             hex += 2)
            frame[n++] = (uint8_t)strtoul((char[]){ hex[0], hex[1], 0 }, NULL, 16);
    if (a->stream == NULL)
        open_stream(a);
    utter(a, frame, n);
}

static void
do_cut(struct actor *a, const struct command *c)
{
    (void)c;
    if (a->stream != NULL)
        io_abort(a->stream);
    a->stream = NULL;
}

/* The client reads nothing any more, and its peer feels it. */
static void
do_deaf(struct actor *a, const struct command *c)
{
    (void)c;
    io_read_pause(a->stream);
}

static void
do_listen(struct actor *a, const struct command *c)
{
    (void)c;
    io_read_resume(a->stream);
}

static void
do_show(struct actor *a, const struct command *c)
{
    (void)c;
    a->show = true;
}

/* clang-format off */
static const struct verb {
    const char *name;
    void (*say)(struct actor *a, const struct command *c);
} verbs[] = {
    { "connect",     say_connect },     { "subscribe", say_subscribe }, { "unsubscribe", say_unsubscribe },
    { "publish",     say_publish },     { "puback",    say_ack },       { "pubrec",      say_ack },
    { "pubrel",      say_ack },         { "pubcomp",   say_ack },       { "ping",        say_ping },
    { "disconnect",  say_bye },         { "auth",      say_bye },       { "raw",         say_raw },
    { "cut",         do_cut },          { "deaf",      do_deaf },       { "listen",      do_listen },
    { "show",        do_show },
};
/* clang-format on */

static void
say_one(struct actor *a, const struct command *c)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (strcmp(c->words[0], verbs[i].name) == 0) {
            verbs[i].say(a, c);
            return;
        }
    fail_msg("no such command: %s", c->words[0]);
}

/* One command up to its end; returns where the next begins. */
static const char *
take_command(const char *line, struct command *ret)
{
    ret->count = 0;
    while (strchr(";&", *line) == NULL) {
        size_t n = strcspn(line, " ;&");
        assert_true(n < WORD_BYTES && ret->count < WORDS_MAX);
        if (n > 0) {
            memcpy(ret->words[ret->count], line, n);
            ret->words[ret->count++][n] = 0;
        }
        line += n + (line[n] == ' ');
    }
    ret->paced = *line == ';';
    return *line == 0 ? line : line + 1;
}

/* ---- the stage ---------------------------------------------------------------------------------------------- */

static struct actor *
actor_of(struct talk *talk, const char *name)
{
    for (unsigned i = 0; i < talk->actor_count; i++)
        if (strcmp(talk->actors[i]->name, name) == 0)
            return talk->actors[i];
    assert_true(talk->actor_count < ACTORS_MAX);
    struct actor *a = MEM_NEW(&talk->world, struct actor);
    a->talk = talk;
    a->version = MQTT_V5;
    a->inbox = mem_raw(&talk->world, INBOX_BYTES);
    snprintf(a->name, sizeof(a->name), "%s", name);
    talk->actors[talk->actor_count++] = a;
    return a;
}

void
talk_wait(struct talk *talk, uint64_t ms)
{
    sim_run_for(talk->sim, ms * SIM_NS_A_MS);
}

void
talk_say(struct talk *talk, const char *who, const char *line)
{
    struct actor *a = actor_of(talk, who);
    while (*line != 0) {
        static struct command command;
        line = take_command(line, &command);
        if (command.count > 0)
            say_one(a, &command);
        talk_wait(talk, command.paced ? PACE_MS : 0);
    }
    talk_wait(talk, MOMENT_MS);
}

void
talk_mumble(struct talk *talk, const char *who, const char *line)
{
    struct actor *a = actor_of(talk, who);
    a->mumbling = true;
    talk_say(talk, who, line);
    a->mumbling = false;
    a->heard_bytes = 0;
}

const char *
talk_heard(struct talk *talk, const char *who)
{
    struct actor *a = actor_of(talk, who);
    memcpy(talk->said, a->heard, a->heard_bytes);
    talk->said[a->heard_bytes] = 0;
    a->heard_bytes = 0;
    return talk->said;
}

void
talk_hear(struct talk *talk, const char *who, const char *want)
{
    assert_string_equal(talk_heard(talk, who), want);
}

static void
on_line(void *arg, const struct line *line)
{
    char text[1024];
    struct talk *talk = arg;
    size_t n = line_print(line, LINE_TEXT, text, sizeof(text) - 1);
    text[n] = 0;
    sim_note(talk->sim, "%s", text);
    if (getenv("TALK_LINES") != NULL)
        fputs(text, stderr);
}

static void
on_stopped(void *arg)
{
    struct talk *talk = arg;
    io_stop(sim_machine_io(talk->node_machine));
}

static void
on_term(void *arg)
{
    struct talk *talk = arg;
    node_stop(talk->node);
}

static int
start_node(void *arg, struct io *io)
{
    struct talk *talk = arg;
    struct settings_fault fault;
    if (talk->setup.start != NULL)
        return talk->setup.start(io);
    struct node_owner owner = { .arg = talk, .say = on_line, .stopped = on_stopped };
    int rc = node_new(io, &talk->settings, &owner, &talk->node);
    if (rc == 0)
        rc = node_open(talk->node, 1, &fault);
    if (rc == 0)
        rc = node_start(talk->node);
    if (rc == 0)
        rc = io_on_signal(io, SIGTERM, on_term, talk);
    return rc;
}

static void
node_died(void *arg, enum sim_death how)
{
    struct talk *talk = arg;
    (void)how;
    if (talk->setup.died != NULL)
        talk->setup.died();
    node_free(talk->node);
    talk->node = NULL;
}

static int
start_clients(void *arg, struct io *io)
{
    struct talk *talk = arg;
    talk->clients = io;
    return 0;
}

static void
set(struct talk *talk)
{
    struct settings *s = &talk->settings;
    settings_default(s);
    s->shards = talk->setup.shards == 0 ? 1 : talk->setup.shards;
    s->tier = talk->setup.durable ? TIER_SYNCED : TIER_MEMORY;
    s->segment_bytes = 1024 * 1024;
    s->disk_free_bytes_min = 0;
    s->sys_interval_s = 0;
    snprintf(s->data, sizeof(s->data), "data");
    s->listen[0] = (struct io_address){ .kind = IO_TCP, .host = "*", .port = 1883 };
    s->listen_count = 1;
    if (talk->setup.settings != NULL)
        talk->setup.settings(s);
}

static void
boot(struct talk *talk)
{
    sim_boot(talk->node_machine);
    talk_wait(talk, 2 * MOMENT_MS);
}

struct talk *
talk_open(const struct talk_setup *setup)
{
    struct talk *talk = calloc(1, sizeof(*talk));
    assert_non_null(talk);
    talk->setup = *setup;
    set(talk);
    assert_int_equal(sim_new(&talk->world, 1, NULL, &talk->sim), 0);
    struct sim_program node = { .start = start_node, .died = node_died, .arg = talk, .mem = &talk->node_mem };
    struct sim_program clients = { .start = start_clients, .arg = talk, .mem = &talk->client_mem };
    assert_int_equal(sim_machine_new(talk->sim, "n1", &node, &talk->node_machine), 0);
    assert_int_equal(sim_machine_new(talk->sim, "c", &clients, &talk->client_machine), 0);
    sim_boot(talk->client_machine);
    boot(talk);
    talk->node_mem.fail_at = setup->mem_fail_at == 0 ? 0 : talk->node_mem.calls + setup->mem_fail_at;
    return talk;
}

void
talk_close(struct talk *talk)
{
    sim_free(talk->sim);
    for (unsigned i = 0; i < talk->actor_count; i++) {
        mem_free(&talk->world, talk->actors[i]->inbox);
        mem_free(&talk->world, talk->actors[i]);
    }
    assert_int_equal(talk->node_mem.used_bytes, 0);
    assert_int_equal(talk->world.used_bytes, 0);
    free(talk);
}

void
talk_restart(struct talk *talk, enum sim_death how)
{
    if (how == SIM_POWER)
        sim_power_cut(talk->node_machine);
    else
        sim_kill(talk->node_machine);
    talk_wait(talk, MOMENT_MS);
    boot(talk);
}

void
talk_stop_and_start(struct talk *talk)
{
    sim_signal(talk->node_machine, SIGTERM);
    talk_wait(talk, 10 * MOMENT_MS);
    assert_false(sim_machine_up(talk->node_machine));
    boot(talk);
}

void
talk_disk(struct talk *talk, uint64_t bytes)
{
    sim_disk_capacity(talk->node_machine, bytes);
}

struct io *
talk_clients(struct talk *talk)
{
    return talk->clients;
}

struct mem *
talk_mem(struct talk *talk)
{
    return &talk->node_mem;
}

struct counters
talk_counters(struct talk *talk)
{
    struct shard_stats stats;
    shard_stats(node_shard(talk->node, 0), &stats);
    return stats.counters;
}
