/* client/amqp_greet.c - the handshake: who we are, what we can, what both sides agree on (AMQP 0-9-1, 2.2.4). */
#include "base/err.h"
#include "base/limits.h"
#include "base/must.h"
#include "client/amqp_core.h"

enum { PROPERTIES_ROOM = 1024, RESPONSE_ROOM = 8192 + 2 };

#define NS_A_SECOND UINT64_C(1000000000)

int
amqp_client_greet(struct amqp_client *client)
{
    int rc = io_put(client->stream, view_of(AMQP_PROTOCOL_HEADER, AMQP_PROTOCOL_HEADER_BYTES));

    if (rc < 0) {
        amqp_client_lose(client, rc);
        return rc;
    }
    /* Until the server has said its own, frames are bounded by what is usual. */
    client->frame_max = client->settings.frame_max;
    if (client->frame_max < FRAME_BYTES_MAX_DEFAULT)
        client->frame_max = FRAME_BYTES_MAX_DEFAULT;
    client->channel_max = 0;
    client->sent_ns = client->heard_ns = io_now_ns(client->io);
    client->phase = PHASE_GREETED;
    return 0;
}

/* ---- start ------------------------------------------------------------------------------------------------ */

static void
put_text(struct pen *p, const char *key, const char *text)
{
    amqp_put_value(p, view_str(key), &(struct amqp_value){ .type = 'S', .bytes = view_str(text) });
}

static void
put_capabilities(struct pen *p)
{
    static const char *const names[] = {
        "publisher_confirms",     "exchange_exchange_bindings", "basic.nack",
        "consumer_cancel_notify", "connection.blocked",         "authentication_failure_close",
    };
    uint8_t *mark;

    amqp_put_name(p, view_str("capabilities"), 'F');
    amqp_put_table_open(p, &mark);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        amqp_put_value(p, view_str(names[i]), &(struct amqp_value){ .type = 't', .boolean = true });
    amqp_put_table_close(p, mark);
}

static struct view
client_properties(const struct amqp_client *client, uint8_t *room)
{
    struct pen p = pen_of(room, PROPERTIES_ROOM);

    put_text(&p, "product", "tambo");
    put_text(&p, "version", TAMBO_VERSION);
    put_text(&p, "platform", "C");
    put_capabilities(&p);
    if (client->settings.connection_name != NULL)
        put_text(&p, "connection_name", client->settings.connection_name);
    must(!p.torn);
    return view_of(room, (size_t)(p.at - room));
}

int
amqp_client_on_start(struct amqp_client *client, const struct amqp_connection_start *start)
{
    uint8_t properties[PROPERTIES_ROOM], response[RESPONSE_ROOM];
    struct pen p = pen_of(response, sizeof response);
    struct amqp_method m = { .id = AMQP_CONNECTION_START_OK };

    if (start->version_major != 0 || start->version_minor != 9)
        return amqp_client_breach(
            client, &(struct fault){ .clause = "2.2.4", .text = "the server speaks another version of the protocol" });
    put_u8(&p, 0);
    put_bytes(&p, client->settings.username);
    put_u8(&p, 0);
    put_bytes(&p, client->settings.password);
    must(!p.torn);
    m.connection_start_ok = (struct amqp_connection_start_ok){
        .client_properties = client_properties(client, properties),
        .mechanism = view_str("PLAIN"),
        .response = view_of(response, (size_t)(p.at - response)),
        .locale = view_str("en_US"),
    };
    client->phase = PHASE_NAMED;
    return amqp_client_reply(client, 0, &m);
}

/* ---- tune, open ------------------------------------------------------------------------------------------- */

/* The lower of both; 0 sets no bound. */
static uint32_t
lower(uint32_t a, uint32_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

int
amqp_client_on_tune(struct amqp_client *client, const struct amqp_connection_tune *tune)
{
    uint16_t offered_s = client->settings.heartbeat_s;
    uint16_t heartbeat_s = tune->heartbeat < offered_s ? tune->heartbeat : offered_s;
    struct amqp_method tune_ok = { .id = AMQP_CONNECTION_TUNE_OK };
    struct amqp_method open = { .id = AMQP_CONNECTION_OPEN };

    client->frame_max = lower(client->settings.frame_max, tune->frame_max);
    client->channel_max = (uint16_t)lower(UINT16_MAX, tune->channel_max);
    client->heartbeat_ns = heartbeat_s * NS_A_SECOND;
    if (client->frame_max != 0 && client->frame_max < AMQP_FRAME_MIN_SIZE)
        return amqp_client_breach(client, &(struct fault){ .clause = "4.2.3", .text = "frame_max below 4096" });
    tune_ok.connection_tune_ok = (struct amqp_connection_tune_ok){
        .channel_max = client->channel_max,
        .frame_max = client->frame_max,
        .heartbeat = heartbeat_s,
    };
    open.connection_open.virtual_host = client->settings.vhost;
    client->phase = PHASE_TUNED;
    int rc = amqp_client_reply(client, 0, &tune_ok);
    return rc < 0 ? rc : amqp_client_reply(client, 0, &open);
}

int
amqp_client_on_open_ok(struct amqp_client *client)
{
    client->phase = PHASE_OPEN;
    amqp_client_keep_alive(client);
    if (client->on.opened != NULL)
        client->on.opened(client->arg);
    amqp_client_pump(client);
    return 0;
}
