/* client/socket_option.c - options: their ranges, and what a connection is told of them. */
#include "base/err.h"
#include "client/pattern.h"
#include "wire/z85.h"

/* The text is what a user may write, not what the library does with it. */
static const struct option {
    int64_t initial, low, high;
} options[] = {
#define OPTION_ROW(name, value, least, most, what) [TAMBO_##name] = { value, least, most },
    TAMBO_OPTIONS(OPTION_ROW)
#undef OPTION_ROW
};

static const size_t text_bytes_max[TEXTS] = {
#define TEXT_ROW(name, bytes_max, what) [TAMBO_##name - TAMBO_ROUTING_ID] = bytes_max,
    TAMBO_TEXTS(TEXT_ROW)
#undef TEXT_ROW
};

enum { PARTS_MAX = 1 << 20, Z85_KEY_CHARS = 40 };

void
socket_defaults(struct socket *socket)
{
    for (size_t i = 0; i < COUNT_OF(options); i++)
        socket->options[i] = options[i].initial;
}

enum tambo_policy
socket_policy(const struct socket *socket)
{
    int64_t policy = socket_option(socket, TAMBO_SEND_POLICY);
    if (policy >= 0)
        return (enum tambo_policy)policy;
    if (socket->kind == ZMTP_ROUTER)
        return socket_option(socket, TAMBO_ROUTER_MANDATORY) != 0 ? TAMBO_BLOCK : TAMBO_DROP_NEW;
    return socket->kind == ZMTP_PUB || socket->kind == ZMTP_XPUB ? TAMBO_DROP_NEW : TAMBO_BLOCK;
}

/* What is looked at whenever it is needed. */
static bool
is_live(enum tambo_option option)
{
    return option == TAMBO_LINGER_MS || option == TAMBO_RESEND_MS || option == TAMBO_SEND_POLICY ||
           option == TAMBO_ROUTER_MANDATORY || option == TAMBO_ROUTER_HANDOVER || option == TAMBO_XPUB_VERBOSE;
}

int
socket_set(struct socket *socket, enum tambo_option option, int64_t value)
{
    if ((size_t)option >= COUNT_OF(options) || value < options[option].low || value > options[option].high)
        return -ERR_INVALID;
    if (socket->is_fixed && !is_live(option))
        return -ERR_STATE;
    socket->options[option] = value;
    return 0;
}

int
socket_get(const struct socket *socket, enum tambo_option option, int64_t *ret)
{
    if ((size_t)option >= COUNT_OF(options))
        return -ERR_INVALID;
    *ret = socket->options[option];
    return 0;
}

static struct view
text_of(const struct socket *socket, enum tambo_option option)
{
    const struct text *text = &socket->texts[option - TAMBO_ROUTING_ID];
    return view_of(text->bytes, text->len);
}

static bool
is_key(enum tambo_option option)
{
    return option == TAMBO_CURVE_SECRET_KEY || option == TAMBO_CURVE_PUBLIC_KEY || option == TAMBO_CURVE_SERVER_KEY;
}

static int
set_key(struct text *to, struct view text)
{
    uint8_t key[ZMTP_KEY_BYTES];
    if (text.len == Z85_KEY_CHARS && z85_decode(text, key))
        text = view_of(key, sizeof key);
    if (text.len != ZMTP_KEY_BYTES)
        return -ERR_INVALID;
    memcpy(to->bytes, text.data, text.len);
    to->len = ZMTP_KEY_BYTES;
    return 0;
}

int
socket_set_text(struct socket *socket, enum tambo_option option, struct view text)
{
    if (option < TAMBO_ROUTING_ID || option > TAMBO_CURVE_SERVER_KEY)
        return -ERR_INVALID;
    struct text *to = &socket->texts[option - TAMBO_ROUTING_ID];
    if (text.len > text_bytes_max[option - TAMBO_ROUTING_ID])
        return -ERR_INVALID;
    if (option == TAMBO_ROUTING_ID && (text.len == 0 || text.data[0] == 0))
        return -ERR_INVALID;
    if (socket->is_fixed)
        return -ERR_STATE;
    if (is_key(option))
        return set_key(to, text);
    if (text.len > 0)
        memcpy(to->bytes, text.data, text.len);
    to->len = (uint8_t)text.len;
    return 0;
}

static uint32_t
option_u32(const struct socket *socket, enum tambo_option option)
{
    return (uint32_t)socket_option(socket, option);
}

static void
copy_key(const struct socket *socket, enum tambo_option option, uint8_t ret[ZMTP_KEY_BYTES])
{
    struct view key = text_of(socket, option);
    if (key.len > 0)
        memcpy(ret, key.data, ZMTP_KEY_BYTES);
}

/* Which mechanism is meant; -ERR_INVALID when a key is missing, or two are. */
static int
secure(struct socket *socket)
{
    struct zmtp_side *side = &socket->side;
    bool is_plain_server = socket_option(socket, TAMBO_PLAIN_SERVER) != 0;
    bool is_curve_server = socket_option(socket, TAMBO_CURVE_SERVER) != 0;
    bool is_plain = is_plain_server || text_of(socket, TAMBO_PLAIN_USER).len > 0;
    bool is_curve = is_curve_server || text_of(socket, TAMBO_CURVE_SECRET_KEY).len > 0;
    bool has_keys = text_of(socket, TAMBO_CURVE_SECRET_KEY).len > 0 &&
                    (is_curve_server || (text_of(socket, TAMBO_CURVE_PUBLIC_KEY).len > 0 &&
                                         text_of(socket, TAMBO_CURVE_SERVER_KEY).len > 0));
    if ((is_plain && is_curve) || (is_curve && !has_keys))
        return -ERR_INVALID;
    side->mechanism = is_curve ? ZMTP_CURVE : is_plain ? ZMTP_PLAIN : ZMTP_NULL;
    side->as_server = is_plain_server || is_curve_server;
    side->user = text_of(socket, TAMBO_PLAIN_USER);
    side->password = text_of(socket, TAMBO_PLAIN_PASSWORD);
    copy_key(socket, TAMBO_CURVE_SECRET_KEY, side->secret_key);
    copy_key(socket, TAMBO_CURVE_PUBLIC_KEY, side->public_key);
    copy_key(socket, TAMBO_CURVE_SERVER_KEY, side->server_key);
    return 0;
}

int
socket_fix(struct socket *socket)
{
    if (socket->is_fixed)
        return 0;
    socket->side = (struct zmtp_side){
        .pattern = socket->kind,
        .identity = text_of(socket, TAMBO_ROUTING_ID),
        .message_bytes_max = (uint64_t)socket_option(socket, TAMBO_MESSAGE_BYTES_MAX),
        .parts_max = PARTS_MAX,
        .subscriptions_max = option_u32(socket, TAMBO_SUBSCRIPTIONS_MAX),
        .handshake_ms = option_u32(socket, TAMBO_HANDSHAKE_MS),
        .heartbeat_ms = option_u32(socket, TAMBO_HEARTBEAT_MS),
        .heartbeat_timeout_ms = option_u32(socket, TAMBO_HEARTBEAT_TIMEOUT_MS),
    };
    int rc = secure(socket);
    socket->is_fixed = rc == 0;
    return rc;
}
