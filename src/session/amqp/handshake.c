/* From the protocol header to connection.open-ok, also across shards; and connection.close.
 *
 * The record of a handshake, which goes from shard to shard, big-endian:
 *
 *     u8 0x01 "AMQP" | u32 frame_max | u16 channel_max, heartbeat_s | u8 capabilities
 *     | short user | short virtual host | the bytes that came behind connection.open
 *
 * No protocol's first bytes begin so, and only what came by a lane is read as one. */
#include "session/amqp/inner.h"

static const char handed_over[] = "\x01"
                                  "AMQP";
enum { RECORD_FIXED_BYTES = 5 + 4 + 2 + 2 + 1 + 2 + 2 };

/* ---- start -------------------------------------------------------------------------------------------------- */

static void
put_text(struct pen *p, const char *key, const char *text)
{
    amqp_put_value(p, view_str(key), &(struct amqp_value){ .type = 'S', .bytes = view_str(text) });
}

static struct view
server_properties(uint8_t *room, size_t n)
{
    static const char *const capabilities[] = {
        "publisher_confirms",           "exchange_exchange_bindings", "basic.nack",
        "consumer_cancel_notify",       "connection.blocked",         "consumer_priorities",
        "authentication_failure_close", "per_consumer_qos",           "direct_reply_to"
    };
    struct pen p = pen_of(room, n);
    uint8_t *mark;
    amqp_put_name(&p, view_str("capabilities"), 'F');
    amqp_put_table_open(&p, &mark);
    for (size_t i = 0; i < COUNT_OF(capabilities); i++)
        amqp_put_value(&p, view_str(capabilities[i]), &(struct amqp_value){ .type = 't', .boolean = true });
    amqp_put_table_close(&p, mark);
    /* Whose rules are followed: clients choose by this (decisions/15). */
    put_text(&p, "product", "RabbitMQ");
    put_text(&p, "version", "3.10.8");
    put_text(&p, "platform", "Tambo " TAMBO_VERSION);
    put_text(&p, "information", "Licensed under the MIT licence.");
    must(!p.torn);
    return view_of(room, n - pen_left(&p));
}

void
handshake_start(struct conn *c)
{
    uint8_t room[512];
    struct amqp_method m = { .id = AMQP_CONNECTION_START };
    m.connection_start = (struct amqp_connection_start){
        .version_major = 0,
        .version_minor = 9,
        .server_properties = server_properties(room, sizeof(room)),
        .mechanisms = view_str(c->server->settings->allow_anonymous ? "PLAIN AMQPLAIN ANONYMOUS" : "PLAIN AMQPLAIN"),
        .locales = view_str("en_US"),
    };
    conn_write(c, 0, &m);
    c->phase = PHASE_START;
}

/* ---- who it is ---------------------------------------------------------------------------------------------- */

/* RFC 4616: [authorization identity] NUL user NUL password. */
static bool
plain_user(struct view response, struct view *ret)
{
    const uint8_t *first = response.len == 0 ? NULL : memchr(response.data, 0, response.len);
    if (first == NULL)
        return false;
    struct view rest = view_from(response, (size_t)(first - response.data) + 1);
    const uint8_t *second = rest.len == 0 ? NULL : memchr(rest.data, 0, rest.len);
    if (second == NULL)
        return false;
    *ret = view_of(rest.data, (size_t)(second - rest.data));
    return true;
}

static bool
amqplain_user(struct view response, struct view *ret)
{
    struct fault fault;
    struct amqp_value login, password;
    if (amqp_table_check(response, &fault) < 0 || !amqp_table_find(response, "LOGIN", &login) ||
        !amqp_table_find(response, "PASSWORD", &password) || login.type != 'S')
        return false;
    *ret = login.bytes;
    return true;
}

static bool
anonymous_user(struct view response, struct view *ret)
{
    (void)response;
    *ret = view_str("guest");
    return true;
}

static const struct mechanism {
    const char *name;
    bool (*user)(struct view response, struct view *ret);
    bool anonymous;
} mechanisms[] = {
    {"PLAIN",      plain_user,     false},
    { "AMQPLAIN",  amqplain_user,  false},
    { "ANONYMOUS", anonymous_user, true },
};

static int
identify(struct conn *c, const struct amqp_connection_start_ok *ok, struct refusal *why)
{
    const struct mechanism *mechanism = NULL;
    for (size_t i = 0; i < COUNT_OF(mechanisms); i++)
        if (view_is(ok->mechanism, mechanisms[i].name))
            mechanism = &mechanisms[i];
    int shown = (int)(ok->mechanism.len < 64 ? ok->mechanism.len : 64);
    if (mechanism == NULL || (mechanism->anonymous && !c->server->settings->allow_anonymous))
        return deny(why, AMQP_COMMAND_INVALID, "unknown authentication mechanism '%.*s'", shown, ok->mechanism.data);
    struct view user;
    if (!mechanism->user(ok->response, &user) || user.len > AMQP_SHORTSTR_MAX)
        return deny(why, AMQP_ACCESS_REFUSED,
                    "Login was refused using authentication mechanism %s. For details see the broker logfile.",
                    mechanism->name);
    c->user = mem_raw(c->server->host->mem, user.len + 1);
    if (c->user == NULL)
        return deny_rc(why, -ERR_NO_MEMORY);
    memcpy(c->user, user.data, user.len);
    c->user_bytes = (uint8_t)user.len;
    return 0;
}

static uint8_t
capabilities_of(struct view client_properties)
{
    static const struct {
        const char *name;
        enum capability bit;
    } known[] = {
        {"connection.blocked",            CAN_BLOCK                },
        { "consumer_cancel_notify",       CAN_CANCEL_NOTIFY        },
        { "authentication_failure_close", CAN_CLOSE_ON_AUTH_FAILURE}
    };
    struct amqp_value table, value;
    uint8_t can = 0;
    if (!amqp_table_find(client_properties, "capabilities", &table) || table.type != 'F')
        return 0;
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (amqp_table_find(table.bytes, known[i].name, &value) && value.type == 't' && value.boolean)
            can |= (uint8_t)known[i].bit;
    return can;
}

int
on_start_ok(struct conn *c, const struct amqp_method *m, struct view rest, struct refusal *why)
{
    (void)rest;
    const struct amqp_settings *settings = c->server->settings;
    c->can = capabilities_of(m->connection_start_ok.client_properties);
    int rc = identify(c, &m->connection_start_ok, why);
    if (rc < 0 && why->code == AMQP_ACCESS_REFUSED && !(c->can & CAN_CLOSE_ON_AUTH_FAILURE)) {
        conn_close(c);
        return 0;
    }
    if (rc < 0)
        return rc;
    struct amqp_method tune = { .id = AMQP_CONNECTION_TUNE };
    tune.connection_tune = (struct amqp_connection_tune){ .channel_max = settings->channel_max,
                                                          .frame_max = settings->frame_max,
                                                          .heartbeat = settings->heartbeat_s };
    conn_write(c, 0, &tune);
    c->phase = PHASE_TUNE;
    return 0;
}

/* ---- tune --------------------------------------------------------------------------------------------------- */

/* What was offered may be lowered, and 0 is no limit. */
static int
check_tuned(const char *name, uint32_t asked, uint32_t least, uint32_t offered, struct refusal *why)
{
    if (asked != 0 && asked < least)
        return deny(why, AMQP_NOT_ALLOWED, "negotiated %s = %u is lower than the minimum allowed value (%u)", name,
                    asked, least);
    if (offered != 0 && (asked == 0 || asked > offered))
        return deny(why, AMQP_NOT_ALLOWED, "negotiated %s = %u%s is higher than the maximum allowed value (%u)", name,
                    asked, asked == 0 ? " (no limit)" : "", offered);
    return 0;
}

int
on_tune_ok(struct conn *c, const struct amqp_method *m, struct view rest, struct refusal *why)
{
    (void)rest;
    const struct amqp_settings *settings = c->server->settings;
    const struct amqp_connection_tune_ok *ok = &m->connection_tune_ok;
    int rc = check_tuned("frame_max", ok->frame_max, AMQP_FRAME_MIN_SIZE, settings->frame_max, why);
    if (rc == 0)
        rc = check_tuned("channel_max", ok->channel_max, 1, settings->channel_max, why);
    if (rc < 0)
        return rc;
    c->frame_max = ok->frame_max;
    c->channel_max = ok->channel_max == 0 ? UINT16_MAX : ok->channel_max;
    c->heartbeat_s = ok->heartbeat;
    c->phase = PHASE_OPEN;
    return 0;
}

/* ---- open --------------------------------------------------------------------------------------------------- */

static int
open_here(struct conn *c, struct view name, struct refusal *why)
{
    struct vhost *vhost = catalog_vhost(c->server->catalog, name);
    if (vhost == NULL)
        return deny(why, AMQP_NOT_ALLOWED, "vhost %.*s not found", (int)name.len, name.data);
    if (c->server->connection_count > c->server->settings->connections_max)
        return deny(why, AMQP_NOT_ALLOWED,
                    "access to vhost '%.*s' refused for user '%.*s': connection limit (%u) is "
                    "reached",
                    (int)name.len, name.data, c->user_bytes, c->user, c->server->settings->connections_max);
    c->vhost = vhost;
    c->phase = PHASE_RUNNING;
    c->server->host->counters.connects++;
    conn_write(c, 0, &(struct amqp_method){ .id = AMQP_CONNECTION_OPEN_OK });
    conn_arm(c);
    return 0;
}

static int
hand_over(struct conn *c, unsigned shard, struct view name, struct view rest, struct refusal *why)
{
    struct session_host *host = c->server->host;
    size_t room = RECORD_FIXED_BYTES + c->user_bytes + name.len + rest.len;
    uint8_t *record = server_buffer(c->server, &c->server->out, room);
    io_flush(c->stream); /* what has not left cannot go along */
    if (record == NULL || io_unsent(c->stream) > 0)
        return deny(why, AMQP_INTERNAL_ERROR, "the connection could not be handed over");
    struct pen p = pen_of(record, room);
    put_bytes(&p, view_str(handed_over));
    put_u32(&p, c->frame_max);
    put_u16(&p, c->channel_max);
    put_u16(&p, c->heartbeat_s);
    put_u8(&p, c->can);
    put_short(&p, conn_user(c));
    put_short(&p, name);
    put_bytes(&p, rest);
    must(!p.torn && pen_left(&p) == 0);
    int rc = host->ops->migrate(host, shard, c->stream, view_of(record, room));
    if (rc < 0)
        return deny_rc(why, rc);
    conn_free(c);
    return HANDLER_GONE;
}

int
on_open(struct conn *c, const struct amqp_method *m, struct view rest, struct refusal *why)
{
    struct session_host *host = c->server->host;
    struct view name = m->connection_open.virtual_host;
    unsigned shard = host->ops->owner(host, name);
    return shard == host->shard ? open_here(c, name, why) : hand_over(c, shard, name, rest, why);
}

bool
amqp_handed_over(struct view bytes)
{
    return view_starts(bytes, handed_over);
}

static int
take_record(struct conn *c, struct view bytes, struct view *retname, struct view *retrest)
{
    struct cursor in = cursor_of(view_from(bytes, strlen(handed_over)));
    c->frame_max = take_u32(&in);
    c->channel_max = take_u16(&in);
    c->heartbeat_s = take_u16(&in);
    c->can = take_u8(&in);
    struct view user = take_short(&in);
    *retname = take_short(&in);
    *retrest = take_rest(&in);
    must(!in.torn);
    c->user = mem_raw(c->server->host->mem, user.len + 1);
    if (c->user == NULL)
        return -ERR_NO_MEMORY;
    memcpy(c->user, user.data, user.len);
    c->user_bytes = (uint8_t)user.len;
    return 0;
}

int
amqp_server_adopt(struct amqp_server *server, struct io_stream *stream, struct view bytes)
{
    struct view name, rest;
    struct refusal why;
    struct conn *c = conn_new(server, stream, PHASE_OPEN);
    if (c == NULL)
        return -ERR_NO_MEMORY;
    int rc = take_record(c, bytes, &name, &rest);
    if (rc < 0) {
        conn_free(c);
        return rc;
    }
    conn_take(c, stream);
    if (open_here(c, name, &why) < 0)
        conn_fail(c, &why, AMQP_CONNECTION_OPEN);
    else if (rest.len > 0)
        amqp_stream_on()->read(c, rest);
    return 0;
}

/* ---- close, and what else there is on channel 0 ------------------------------------------------------------- */

int
on_conn_close(struct conn *c, const struct amqp_method *m, struct view rest, struct refusal *why)
{
    (void)m, (void)rest, (void)why;
    conn_write(c, 0, &(struct amqp_method){ .id = AMQP_CONNECTION_CLOSE_OK });
    conn_close(c);
    return 0;
}

int
on_conn_close_ok(struct conn *c, const struct amqp_method *m, struct view rest, struct refusal *why)
{
    (void)m, (void)rest, (void)why;
    conn_close(c);
    return 0;
}

/* Nobody's secret runs out here: the new one is as good as the old one. */
int
on_update_secret(struct conn *c, const struct amqp_method *m, struct view rest, struct refusal *why)
{
    (void)m, (void)rest, (void)why;
    conn_write(c, 0, &(struct amqp_method){ .id = AMQP_CONNECTION_UPDATE_SECRET_OK });
    return 0;
}
