/* cmd/dial.c - see dial.h. */
#include "cmd/dial.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/must.h"
#include "cmd/url.h"

enum { KEEPALIVE_S_DEFAULT = 60, PORT_DEFAULT = 1883 };

static const uint8_t versions[] = { [DIAL_V31] = MQTT_V31, [DIAL_V311] = MQTT_V311, [DIAL_V5] = MQTT_V5 };

/* ---- the URL ---------------------------------------------------------------------------------------------- */

static int
take_url(struct dial *dial, char *rest, struct complaint *complaint)
{
    struct url url = { dial->host, dial->username, dial->password, dial->topic, dial->port };
    int rc = url_cut(rest, &url, complaint);

    dial->host = url.host;
    dial->username = url.username;
    dial->password = url.password;
    dial->topic = url.path;
    dial->port = url.port;
    return rc;
}

static int
parse_url(void *into, char *const *words, struct complaint *complaint)
{
    struct dial *dial = into;
    const char *url = words[0];

    if (strlen(url) >= sizeof dial->url)
        return complain(complaint, "--url: longer than %zu bytes", sizeof dial->url - 1);
    memcpy(dial->url, url, strlen(url) + 1);
    if (strncmp(url, "unix:", 5) == 0) {
        dial->unix_path = dial->url + 5;
        return 0;
    }
    if (strncmp(url, "mqtt://", 7) == 0)
        return take_url(dial, dial->url + 7, complaint);
    return complain(complaint, "--url: '%s' is neither mqtt://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC] nor unix:PATH",
                    url);
}

/* ---- the table -------------------------------------------------------------------------------------------- */

static int
parse_property(void *into, char *const *words, struct complaint *complaint)
{
    struct dial *dial = into;
    return property_parse(&dial->properties, words, complaint);
}

#define AT(member) .offset = offsetof(struct dial, member)

/* clang-format off */
static const struct option_row server_rows[] = {
    { 'h', "host", "HOST", "server to connect to (localhost)", OPTION_TEXT, AT(host) },
    { 'p', "port", "PORT", "its port (1883)", OPTION_NUMBER, AT(port), 1, UINT16_MAX },
    { 'L', "url", "URL", "mqtt://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC], or unix:PATH", OPTION_CALL, .parse = parse_url },
    { 0, "unix", "PATH", "connect to a Unix socket", OPTION_TEXT, AT(unix_path) },
    { 'V', "protocol-version", "VERSION", "3.1, 3.1.1 or 5", OPTION_CHOICE, AT(version), .choices = "3.1|3.1.1|5" },
    { 'u', "username", "NAME", "user name", OPTION_TEXT, AT(username) },
    { 'P', "pw", "PASSWORD", "password", OPTION_TEXT, AT(password) },
};

static const struct option_row session_rows[] = {
    { 'i', "id", "ID", "client id (chosen by the server)", OPTION_TEXT, AT(id) },
    { 'c', "keep-session", NULL, "resume the session of this id, and keep it", OPTION_FLAG, AT(keep) },
    { 'x', "session-expiry", "SECONDS", "keep the session so long after the connection, or 'never' to expire (MQTT 5)",
      OPTION_TEXT, AT(expiry) },
    { 'k', "keepalive", "SECONDS", "keep-alive; 0 turns it off (60)", OPTION_NUMBER, AT(keepalive_s), 0, UINT16_MAX },
    { 'D', "property", "PACKET NAME VALUE",
      "a property of connect, will, publish, subscribe, unsubscribe or disconnect; user-property is followed by a name "
      "and a value of its own; repeatable (MQTT 5)",
      OPTION_CALL, .parse = parse_property, .count = property_words },
    { 0, "will-topic", "TOPIC", "topic of a will", OPTION_TEXT, AT(will_topic) },
    { 0, "will-payload", "TEXT", "its payload", OPTION_TEXT, AT(will_payload) },
    { 0, "will-qos", "QOS", "its QoS (0)", OPTION_NUMBER, AT(will_qos), 0, 2 },
    { 0, "will-retain", NULL, "retain it", OPTION_FLAG, AT(will_retain) },
    { 'd', "debug", NULL, "tell on stderr what happens", OPTION_FLAG, AT(debug) },
};
/* clang-format on */

void
dial_init(struct dial *dial, struct mem *mem)
{
    *dial = (struct dial){
        .host = "localhost",
        .port = PORT_DEFAULT,
        .keepalive_s = KEEPALIVE_S_DEFAULT,
        .version = DIAL_V5,
    };
    property_sets_init(&dial->properties, mem);
}

void
dial_fini(struct dial *dial)
{
    property_sets_fini(&dial->properties);
}

struct option_group
dial_server_options(struct dial *dial)
{
    return (struct option_group){ "Server", server_rows, COUNT_OF(server_rows), dial };
}

struct option_group
dial_session_options(struct dial *dial)
{
    return (struct option_group){ "Session", session_rows, COUNT_OF(session_rows), dial };
}

/* ---- together --------------------------------------------------------------------------------------------- */

static int
settle_expiry(struct dial *dial, struct complaint *complaint)
{
    uint64_t seconds = UINT32_MAX;
    bool never = dial->expiry == NULL || strcmp(dial->expiry, "never") == 0 || strcmp(dial->expiry, "-1") == 0;
    bool given = dial->properties.of[PROPERTY_CONNECT].has >> MQTT_SESSION_EXPIRY & 1;

    if (dial->expiry == NULL && (!dial->keep || given || dial->version != DIAL_V5))
        return 0;
    if (given)
        return complain(complaint, "--session-expiry and -D connect session-expiry-interval are the same");
    if (!never && parse_number(dial->expiry, 0, UINT32_MAX, &seconds) < 0)
        return complain(complaint, "--session-expiry: '%s' is neither a number of seconds nor 'never'", dial->expiry);
    return property_put_number(&dial->properties, PROPERTY_CONNECT, MQTT_SESSION_EXPIRY, (uint32_t)seconds);
}

static int
check_together(const struct dial *dial, struct complaint *complaint)
{
    bool v5 = dial->version == DIAL_V5;

    if (dial->keep && dial->id == NULL)
        return complain(complaint, "--keep-session wants a client id (-i)");
    if (dial->expiry != NULL && !v5)
        return complain(complaint, "--session-expiry needs MQTT 5");
    for (unsigned i = 0; i < PROPERTY_PACKETS; i++) {
        if (dial->properties.of[i].has != 0 && !v5)
            return complain(complaint, "-D needs MQTT 5");
    }
    if (dial->will_topic == NULL && (dial->will_payload != NULL || dial->will_qos != 0 || dial->will_retain ||
                                     dial->properties.of[PROPERTY_WILL].has != 0))
        return complain(complaint, "a will needs --will-topic");
    if (dial->password != NULL && dial->username == NULL && !v5)
        return complain(complaint, "a password without a user name needs MQTT 5");
    return 0;
}

/* 3.1 wants an id of 1 to 23 characters from the client. */
static struct view
client_id(struct dial *dial, struct io *io)
{
    uint64_t chance;

    if (dial->id != NULL || dial->version != DIAL_V31)
        return view_str(dial->id == NULL ? "" : dial->id);
    io_random(io, &chance, sizeof chance);
    snprintf(dial->made_id, sizeof dial->made_id, "tambo-%016llx", (unsigned long long)chance);
    return view_str(dial->made_id);
}

static struct view
text_or_none(const char *text)
{
    return view_str(text == NULL ? "" : text);
}

static void
fill_connect(struct dial *dial, struct io *io, struct mqtt_connect *ret)
{
    *ret = (struct mqtt_connect){
        .version = versions[dial->version],
        .clean_start = !dial->keep,
        .has_will = dial->will_topic != NULL,
        .will_retain = dial->will_retain,
        .has_username = dial->username != NULL,
        .has_password = dial->password != NULL,
        .will_qos = (uint8_t)dial->will_qos,
        .keep_alive_s = (uint16_t)dial->keepalive_s,
        .client_id = client_id(dial, io),
        .will_topic = text_or_none(dial->will_topic),
        .will_payload = text_or_none(dial->will_payload),
        .username = text_or_none(dial->username),
        .password = text_or_none(dial->password),
    };
    ret->properties.raw = property_view(&dial->properties, PROPERTY_CONNECT);
    ret->will_properties.raw = property_view(&dial->properties, PROPERTY_WILL);
}

int
dial_address(const struct dial *dial, struct io_address *ret, struct complaint *complaint)
{
    return url_address(dial->host, dial->unix_path, dial->port, ret, complaint);
}

int
dial_settle(struct dial *dial, struct io *io, struct mqtt_client_settings *ret, struct io_address *retaddress,
            struct complaint *complaint)
{
    int rc = check_together(dial, complaint);
    if (rc == 0)
        rc = settle_expiry(dial, complaint);
    if (rc == 0)
        rc = dial_address(dial, retaddress, complaint);
    if (rc < 0)
        return rc;
    *ret = (struct mqtt_client_settings){ 0 };
    fill_connect(dial, io, &ret->connect);
    return 0;
}

void
dial_debug(const struct dial *dial, const char *format, ...)
{
    va_list args;

    if (!dial->debug)
        return;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}
