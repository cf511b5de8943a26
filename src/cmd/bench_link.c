/* cmd/bench_link.c - see bench_link.h. */
#include "cmd/bench_link.h"

#include "base/err.h"
#include "base/limits.h"

/* Enough for the fixed part of CONNECT. */
enum { CONNECT_SLACK_BYTES = 64, UNSENT_HIGH = 256 * 1024, UNSENT_LOW = 64 * 1024 };

static void
end(struct link *link, const struct mqtt_client_end *why)
{
    if (link->leaving)
        return;
    link->end = *why;
    link->leaving = true;
    io_close(link->stream);
}

void
link_fail(struct link *link, const char *text)
{
    end(link, &(struct mqtt_client_end){
                  .why = MQTT_CLIENT_BREACH, .fault = {.clause = "bench", .text = text}
    });
}

static int
greet(struct link *link)
{
    struct mqtt_connect c = { 0 };
    link->on->greet(link->arg, &c);
    link->version = c.version;
    size_t n = CONNECT_SLACK_BYTES + c.client_id.len + c.username.len + c.password.len + c.properties.raw.len;
    uint8_t *at = io_put_room(link->stream, n);

    if (at == NULL)
        return -ERR_NO_MEMORY;
    io_put_done(link->stream, mqtt_write_connect(at, n, &c));
    return 0;
}

static void
on_opened(void *arg, int rc)
{
    struct link *link = arg;

    if (rc == 0)
        rc = greet(link);
    if (rc < 0)
        end(link, &(struct mqtt_client_end){ .why = MQTT_CLIENT_UNREACHED, .rc = rc });
}

static void
take_connack(struct link *link, struct view frame)
{
    struct mqtt_dialect dialect = { link->version, MQTT_FROM_SERVER, PACKET_BYTES_MAX_HIGH };
    struct mqtt_client_end why = { .why = MQTT_CLIENT_BREACH };
    struct mqtt_packet packet;

    if (mqtt_decode(frame, &dialect, &packet, &why.fault) <= 0) {
        end(link, &why);
    } else if (packet.type != MQTT_CONNACK) {
        link_fail(link, "a first packet that is no CONNACK");
    } else if (packet.connack.reason != MQTT_SUCCESS) {
        end(link, &(struct mqtt_client_end){ .why = MQTT_CLIENT_REFUSED, .reason = packet.connack.reason });
    } else {
        link->is_open = true;
        link->on->opened(link->arg, packet.connack.session_present);
    }
}

static void
take(struct link *link, struct view frame)
{
    if (!link->is_open)
        take_connack(link, frame);
    else if (frame.data[0] >> 4 == MQTT_DISCONNECT)
        end(link,
            &(struct mqtt_client_end){ .why = MQTT_CLIENT_DISMISSED, .reason = frame.len > 2 ? frame.data[2] : 0 });
    else
        link->on->frame(link->arg, frame);
}

static void
on_read(void *arg, struct view bytes)
{
    struct link *link = arg;
    struct mqtt_client_end why = { .why = MQTT_CLIENT_BREACH };
    struct view frame;
    int rc = 0;

    while (!link->leaving && (rc = carry_next(&link->carry, &bytes, PACKET_BYTES_MAX_HIGH, &frame, &why.fault)) > 0)
        take(link, frame);
    if (rc < 0)
        end(link, rc == -ERR_NO_MEMORY ? &(struct mqtt_client_end){ .why = MQTT_CLIENT_LOST, .rc = rc } : &why);
}

static void
on_ended(void *arg, int rc)
{
    end(arg, &(struct mqtt_client_end){ .why = MQTT_CLIENT_LOST, .rc = rc });
}

/* The loop takes a turn, and the scenario fills outboxes at the end of each. */
static void
on_drained(void *arg)
{
    (void)arg;
}

static void
on_closed(void *arg)
{
    struct link *link = arg;

    carry_clear(&link->carry);
    link->stream = NULL;
    link->is_open = false;
    link->on->closed(link->arg, &link->end);
}

static const struct io_stream_on stream_on = {
    .opened = on_opened,
    .read = on_read,
    .ended = on_ended,
    .drained = on_drained,
    .closed = on_closed,
};

int
link_open(struct link *link, struct io *io, const struct io_address *address, const struct link_on *on, void *arg)
{
    *link = (struct link){ .io = io, .on = on, .arg = arg };
    carry_init(&link->carry, io_mem(io), mqtt_frame);
    int rc = io_connect(io, address, &stream_on, link, &link->stream);
    if (rc < 0)
        return rc;
    io_marks(link->stream, UNSENT_HIGH, UNSENT_LOW);
    return 0;
}

void
link_fini(struct link *link)
{
    if (link->io != NULL)
        carry_clear(&link->carry);
}

void
link_close(struct link *link)
{
    uint8_t *at = link->leaving || !link->is_open ? NULL : io_put_room(link->stream, CONNECT_SLACK_BYTES);

    if (at != NULL)
        io_put_done(link->stream, mqtt_write_bye(at, CONNECT_SLACK_BYTES, link->version, MQTT_DISCONNECT, MQTT_SUCCESS,
                                                 view_of(NULL, 0)));
    end(link, &(struct mqtt_client_end){ .why = MQTT_CLIENT_LEFT });
}
