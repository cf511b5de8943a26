/* Bytes into packets, and packets to their handlers.
 *
 * What a read holds whole is decoded where it lies; only a packet that straddles reads is copied together first. */
#include "session/mqtt_inner.h"

#include "base/must.h"

/* What a server accepts, and when.  A packet that is not here is a breach (the codec has refused what only a server may
 * send). */
enum { O = PHASE_OPENING, U = PHASE_AUTHENTICATING, A = PHASE_ACTIVE };
/* clang-format off */
static const struct row {
    handler_fn *on;
    unsigned phases;
} rows[16] = {
    /*                     handler         phases */
    [MQTT_CONNECT]     = { on_connect,     O     },
    [MQTT_PUBLISH]     = { on_publish,     A     },
    [MQTT_PUBACK]      = { on_puback,      A     },
    [MQTT_PUBREC]      = { on_pubrec,      A     },
    [MQTT_PUBREL]      = { on_pubrel,      A     },
    [MQTT_PUBCOMP]     = { on_pubcomp,     A     },
    [MQTT_SUBSCRIBE]   = { on_subscribe,   A     },
    [MQTT_UNSUBSCRIBE] = { on_unsubscribe, A     },
    [MQTT_PINGREQ]     = { on_pingreq,     A     },
    [MQTT_DISCONNECT]  = { on_disconnect,  U | A },
    [MQTT_AUTH]        = { on_auth,        U | A },
};
/* clang-format on */

/* A packet that came in part. */
struct carry {
    size_t len, room;
    size_t need; /* the whole packet; 0: its length has not come yet */
    uint8_t *bytes;
};

enum { HEAD_BYTES_MAX = 5 };

int
connection_breach(struct fault *why, uint8_t reason, const char *clause, const char *text)
{
    *why = (struct fault){ .code = reason, .clause = clause, .text = text };
    return -ERR_PROTOCOL;
}

/* ---- packets ------------------------------------------------------------------------------------------------ */

static struct mqtt_dialect
dialect_of(const struct connection *c)
{
    size_t most = c->server->settings->packet_bytes_max;
    if (c->phase != PHASE_ACTIVE && most > CONNECT_BYTES_MAX)
        most = CONNECT_BYTES_MAX;
    return (struct mqtt_dialect){ .version = c->version, .from = MQTT_FROM_CLIENT, .packet_bytes_max = most };
}

static void
fault(struct connection *c, const struct fault *why)
{
    struct mqtt_server *server = c->server;
    char peer[64];
    io_peer(c->stream, peer, sizeof(peer));
    server->host->counters.protocol_errors++;
    host_say(server->host, LOG_WARNING, "breach", "%s client=%.*s [%s] %s", peer,
             c->session == NULL ? 0 : session_name_bytes(c->session),
             c->session == NULL ? "" : (const char *)c->session->client_id, why->clause, why->text);
    connection_dismiss(c, (uint8_t)why->code, why->text);
}

static int
dispatch(struct connection *c, const struct mqtt_packet *packet, struct fault *why)
{
    const struct row *row = &rows[packet->type];
    if (row->on == NULL || !(row->phases & c->phase))
        return connection_breach(why, MQTT_PROTOCOL_ERROR, "MQTT-3.1.4-6", "this packet may not come now");
    return row->on(c, packet, why);
}

/* One packet from the front of `in`, behind which `after` came; returns its bytes, 0 when it is not whole, or -1 when
 * the connection has ended. */
static ptrdiff_t
consume(struct connection *c, struct view in, struct view after)
{
    struct mqtt_server *server = c->server;
    struct mqtt_dialect dialect = dialect_of(c);
    struct mqtt_packet packet;
    struct fault why;
    ptrdiff_t n = mqtt_decode(in, &dialect, &packet, &why);
    if (n == 0)
        return 0;
    if (n < 0) {
        if (c->phase == PHASE_OPENING)
            c->version = mqtt_connect_version(in);
        fault(c, &why);
        return -1;
    }
    server->host->counters.packets_in++;
    server->packet = view_of(in.data, (size_t)n);
    server->rest = in.len > (size_t)n ? view_from(in, (size_t)n) : after;
    int rc = dispatch(c, &packet, &why);
    if (rc == HANDLER_GONE)
        return -1;
    if (rc < 0)
        fault(c, &why);
    return c->phase == PHASE_CLOSED ? -1 : n;
}

/* The bytes of a packet whose length is known grow with what has come of it, so that a length alone costs nothing. */
static bool
reserve(struct connection *c, struct carry *carry, size_t more)
{
    size_t least = carry->len + more, most = carry->need > 0 ? carry->need : HEAD_BYTES_MAX;
    if (least <= carry->room)
        return true;
    size_t room = carry->room * 2 > CARRY_BYTES ? carry->room * 2 : CARRY_BYTES;
    room = room < least ? least : room;
    room = room > most ? most : room;
    uint8_t *bytes = mem_grow(c->server->host->mem, carry->bytes, room);
    if (bytes == NULL)
        return false;
    carry->bytes = bytes;
    carry->room = room;
    return true;
}

void
carry_drop(struct connection *c)
{
    if (c->carry == NULL)
        return;
    mem_free(c->server->host->mem, c->carry->bytes);
    mem_free(c->server->host->mem, c->carry);
    c->carry = NULL;
}

static void
carry_more(struct connection *c, struct view bytes)
{
    if (!reserve(c, c->carry, bytes.len)) {
        connection_dismiss(c, MQTT_QUOTA_EXCEEDED, "no memory for this packet");
        return;
    }
    memcpy(c->carry->bytes + c->carry->len, bytes.data, bytes.len);
    c->carry->len += bytes.len;
}

/* Keeps what came of a packet that is not whole: `bytes` is all there is. */
static void
begin_carry(struct connection *c, struct view bytes)
{
    struct fault why;
    ptrdiff_t need = mqtt_frame(bytes, dialect_of(c).packet_bytes_max, &why);
    must(need >= 0 && bytes.len < (need == 0 ? HEAD_BYTES_MAX : (size_t)need));
    c->carry = MEM_NEW(c->server->host->mem, struct carry);
    if (c->carry == NULL) {
        connection_dismiss(c, MQTT_QUOTA_EXCEEDED, "no memory for this packet");
        return;
    }
    c->carry->need = (size_t)need;
    carry_more(c, bytes);
}

/* Packets that lie whole in the buffer are decoded where they are. */
static void
read_in_place(struct connection *c, struct view bytes)
{
    while (bytes.len > 0) {
        ptrdiff_t n = consume(c, bytes, view_of(NULL, 0));
        if (n < 0)
            return;
        if (n == 0) {
            begin_carry(c, bytes);
            return;
        }
        bytes = view_from(bytes, (size_t)n);
    }
}

/* The length of the packet has not come yet: a byte at a time, of five at most.  A bad one is consume's to refuse. */
static struct view
read_head(struct connection *c, struct view bytes)
{
    struct carry *carry = c->carry;
    struct fault why;
    while (carry->need == 0 && bytes.len > 0) {
        must(carry->len < HEAD_BYTES_MAX);
        carry->bytes[carry->len++] = bytes.data[0];
        bytes = view_from(bytes, 1);
        ptrdiff_t need = mqtt_frame(view_of(carry->bytes, carry->len), dialect_of(c).packet_bytes_max, &why);
        carry->need = need < 0 ? carry->len : (size_t)need;
    }
    return bytes;
}

static void
read_carried(struct connection *c, struct view bytes)
{
    struct carry *carry = c->carry;
    bytes = read_head(c, bytes);
    if (carry->need == 0)
        return;
    size_t missing = carry->need - carry->len;
    struct view part = view_of(bytes.data, bytes.len < missing ? bytes.len : missing);
    carry_more(c, part);
    if (c->phase == PHASE_CLOSED || carry->len < carry->need)
        return;
    c->carry = NULL;
    bytes = view_from(bytes, part.len);
    struct mem *mem = c->server->host->mem;
    bool alive = consume(c, view_of(carry->bytes, carry->len), bytes) > 0;
    mem_free(mem, carry->bytes);
    mem_free(mem, carry);
    if (alive)
        read_in_place(c, bytes);
}

void
connection_read(struct connection *c, struct view bytes)
{
    if (c->carry != NULL)
        read_carried(c, bytes);
    else
        read_in_place(c, bytes);
}
