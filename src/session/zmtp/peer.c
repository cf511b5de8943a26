/* session/zmtp/peer.c - a connection's life: how it begins, what its stream tells, why it ended. */
#include "session/zmtp/peer.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "session/zmtp/inner.h"

#define NS_A_MS UINT64_C(1000000)

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static enum zmtp_why
why_of(const struct zmtp_peer *peer, int rc)
{
    switch (rc) {
    case -ERR_PROTOCOL: return ZMTP_BREACH;
    case -ERR_DENIED: return ZMTP_DENIED;
    default: return peer->phase == ZMTP_DIALING ? ZMTP_UNREACHED : ZMTP_LOST;
    }
}

/* The reason is characters without spaces (37/3.8); or a code, as ZAP has it. */
static void
put_error(struct zmtp_peer *peer, const struct fault *fault)
{
    char reason[1 + UINT8_MAX];
    int n = fault->code != 0 ? snprintf(reason + 1, UINT8_MAX, "%u", fault->code)
                             : snprintf(reason + 1, UINT8_MAX, "%s", fault->text);
    must(n < UINT8_MAX);
    reason[0] = (char)n;
    for (int i = 1; i <= n; i++)
        reason[i] = reason[i] == ' ' ? '-' : reason[i];
    (void)zmtp_put_command(peer, "ERROR", view_of(reason, 1 + (size_t)n)); /* it is left in any case */
}

/* What was put still leaves. */
static void
hang_up(struct zmtp_peer *peer)
{
    static const uint16_t codes[] = { [ZMTP_LEFT] = 1000,    [ZMTP_UNREACHED] = 1000, [ZMTP_LOST] = 1000,
                                      [ZMTP_REFUSED] = 1000, [ZMTP_DENIED] = 1008,    [ZMTP_BREACH] = 1002 };
    if (peer->web != NULL)
        zmtp_web_close(peer, codes[peer->why]);
    io_close(peer->stream);
}

static void
leave(struct zmtp_peer *peer, enum zmtp_why why, int rc)
{
    peer->phase = ZMTP_CLOSING;
    peer->why = (uint8_t)why;
    peer->rc = rc;
    io_timer_cut(peer->io, &peer->timer);
}

void
zmtp_fail(struct zmtp_peer *peer, int rc, const struct fault *fault)
{
    if (peer->phase == ZMTP_CLOSING)
        return;
    enum zmtp_why why = why_of(peer, rc);
    bool tell = peer->phase == ZMTP_SHAKING && zmtp_shake_commands(peer);
    leave(peer, why, rc);
    if (why != ZMTP_BREACH && why != ZMTP_DENIED) {
        if (rc == -ERR_EOF)
            hang_up(peer);
        else
            io_abort(peer->stream);
        return;
    }
    peer->fault = *fault;
    if (tell)
        put_error(peer, fault);
    hang_up(peer);
}

void
zmtp_refused(struct zmtp_peer *peer, struct view reason)
{
    if (peer->phase == ZMTP_CLOSING)
        return;
    peer->said = mem_raw(io_mem(peer->io), reason.len + 1); /* without memory it has said nothing */
    if (peer->said != NULL) {
        memcpy(peer->said, reason.data, reason.len);
        peer->said[reason.len] = '\0';
    }
    leave(peer, ZMTP_REFUSED, -ERR_DENIED);
    hang_up(peer);
}

void
zmtp_end_print(const struct zmtp_end *end, char *ret, size_t len)
{
    static const char *const texts[] = {
        [ZMTP_LEFT] = "disconnected",          [ZMTP_UNREACHED] = "cannot connect",
        [ZMTP_LOST] = "connection lost",       [ZMTP_REFUSED] = "refused by the peer",
        [ZMTP_DENIED] = "the peer was denied", [ZMTP_BREACH] = "the peer broke the protocol",
    };
    switch (end->why) {
    case ZMTP_LEFT: snprintf(ret, len, "%s", texts[end->why]); break;
    case ZMTP_UNREACHED:
    case ZMTP_LOST: snprintf(ret, len, "%s: %s", texts[end->why], err_text(end->rc)); break;
    case ZMTP_REFUSED: snprintf(ret, len, "%s: %s", texts[end->why], end->said); break;
    case ZMTP_DENIED:
    case ZMTP_BREACH: snprintf(ret, len, "%s: %s [%s]", texts[end->why], end->fault.text, end->fault.clause); break;
    }
}

static void
free_parts(struct zmtp_peer *peer)
{
    struct mem *mem = io_mem(peer->io);
    io_timer_cut(peer->io, &peer->timer);
    zmtp_shake_free(peer);
    zmtp_box_free(peer);
    zmtp_web_free(peer);
    zmtp_gather_clear(&peer->gather);
    mem_free(mem, peer->known);
    mem_free(mem, peer->said);
}

void
zmtp_peer_free(struct zmtp_peer *peer)
{
    if (peer == NULL)
        return;
    free_parts(peer);
    mem_free(io_mem(peer->io), peer);
}

/* ---- what the stream tells -------------------------------------------------------------------------------------- */

void
zmtp_take(struct zmtp_peer *peer, struct view bytes, struct zmtp_chunk *chunk)
{
    if (peer->phase == ZMTP_SHAKING)
        zmtp_shake_read(peer, &bytes);
    if (peer->phase != ZMTP_READY)
        return;
    if (peer->box != NULL)
        zmtp_box_read(peer, bytes);
    else
        zmtp_read(peer, bytes, chunk);
}

static void
take(struct zmtp_peer *peer, struct view bytes)
{
    peer->heard_ns = io_now_ns(peer->io);
    if (peer->web != NULL)
        zmtp_web_read(peer, bytes);
    else
        zmtp_take(peer, bytes, NULL);
}

static void
on_read(void *arg, struct view bytes)
{
    take(arg, bytes);
}

static void
on_ended(void *arg, int rc)
{
    zmtp_fail(arg, rc, NULL);
}

static void
on_drained(void *arg)
{
    struct zmtp_peer *peer = arg;
    if (peer->phase == ZMTP_READY && peer->on->drained != NULL)
        peer->on->drained(peer->arg);
}

static void
on_closed(void *arg)
{
    struct zmtp_peer *peer = arg;
    struct zmtp_end end = {
        .why = peer->why,
        .rc = peer->rc,
        .fault = peer->fault,
        .unsent = io_lost(peer->stream),
    };
    if (peer->said != NULL)
        snprintf(end.said, sizeof(end.said), "%s", peer->said);
    free_parts(peer);
    peer->stream = NULL;
    peer->known = NULL;
    peer->on->closed(peer->arg, &end);
    mem_free(io_mem(peer->io), peer);
}

/* ---- the beginning ---------------------------------------------------------------------------------------------- */

static void
on_timer(void *arg)
{
    struct zmtp_peer *peer = arg;
    if (peer->phase == ZMTP_READY)
        zmtp_beat(peer);
    else
        zmtp_fail(peer, -ERR_TIMEOUT, NULL);
}

void
zmtp_set_timer(struct zmtp_peer *peer, uint64_t at_ns)
{
    int rc = io_timer_set(peer->io, &peer->timer, at_ns, on_timer, peer);
    if (rc < 0)
        zmtp_fail(peer, rc, NULL);
}

static uint64_t
deadline_ns(const struct zmtp_peer *peer)
{
    return io_now_ns(peer->io) + peer->side->handshake_ms * NS_A_MS;
}

static void
begin(struct zmtp_peer *peer)
{
    peer->phase = ZMTP_SHAKING;
    zmtp_set_timer(peer, deadline_ns(peer));
    if (peer->phase == ZMTP_SHAKING && peer->web != NULL)
        zmtp_web_begin(peer);
    else if (peer->phase == ZMTP_SHAKING)
        zmtp_shake_begin(peer);
}

static void
on_opened(void *arg, int rc)
{
    struct zmtp_peer *peer = arg;
    if (peer->phase != ZMTP_DIALING)
        return;
    if (rc < 0) {
        zmtp_fail(peer, rc, NULL);
        return;
    }
    begin(peer);
    if (peer->phase == ZMTP_SHAKING && peer->on->connected != NULL)
        peer->on->connected(peer->arg);
}

static const struct io_stream_on stream_on = {
    .opened = on_opened,
    .read = on_read,
    .ended = on_ended,
    .drained = on_drained,
    .closed = on_closed,
};

/* With its timer set, so that this cannot fail later. */
static struct zmtp_peer *
make(struct io *io, struct view resource, const struct zmtp_side *side, const struct zmtp_peer_on *on, void *arg)
{
    struct zmtp_peer *peer = MEM_NEW(io_mem(io), struct zmtp_peer);
    if (peer == NULL)
        return NULL;
    peer->io = io;
    peer->side = side;
    peer->on = on;
    peer->arg = arg;
    peer->own = (uint8_t)side->pattern;
    if (zmtp_shake_new(peer, resource) < 0 || io_timer_set(io, &peer->timer, deadline_ns(peer), on_timer, peer) < 0) {
        zmtp_peer_free(peer);
        return NULL;
    }
    return peer;
}

/* `bytes` of it have come. */
static void
accept_stream(struct zmtp_peer *peer, struct io_stream *stream, struct view bytes)
{
    peer->stream = stream;
    io_accept(stream, &stream_on, peer);
    begin(peer);
    if (bytes.len > 0)
        take(peer, bytes);
}

int
zmtp_peer_accept(struct io *io, struct io_stream *stream, struct view bytes, const struct zmtp_side *side,
                 const struct zmtp_peer_on *on, void *arg, struct zmtp_peer **ret)
{
    struct zmtp_peer *peer = make(io, view_of(NULL, 0), side, on, arg);
    if (peer == NULL)
        return -ERR_NO_MEMORY;
    *ret = peer;
    accept_stream(peer, stream, bytes);
    return 0;
}

int
zmtp_peer_accept_web(struct io *io, struct io_stream *stream, struct view path, const struct zmtp_side *side,
                     const struct zmtp_peer_on *on, void *arg, struct zmtp_peer **ret)
{
    struct zmtp_peer *peer = make(io, view_of(NULL, 0), side, on, arg);
    if (peer == NULL || zmtp_web_new(peer, NULL, path) < 0) {
        zmtp_peer_free(peer);
        return -ERR_NO_MEMORY;
    }
    *ret = peer;
    accept_stream(peer, stream, view_of(NULL, 0));
    return 0;
}

/* Or it is freed. */
static int
connect_stream(struct zmtp_peer *peer, const struct io_address *address, struct zmtp_peer **ret)
{
    int rc = io_connect(peer->io, address, &stream_on, peer, &peer->stream);
    if (rc < 0)
        zmtp_peer_free(peer);
    else
        *ret = peer;
    return rc;
}

int
zmtp_peer_connect(struct io *io, const struct io_address *address, struct view resource, const struct zmtp_side *side,
                  const struct zmtp_peer_on *on, void *arg, struct zmtp_peer **ret)
{
    if (resource.len > RESOURCE_BYTES_MAX)
        return -ERR_TOO_LARGE;
    struct zmtp_peer *peer = make(io, resource, side, on, arg);
    if (peer == NULL)
        return -ERR_NO_MEMORY;
    return connect_stream(peer, address, ret);
}

int
zmtp_peer_connect_web(struct io *io, const struct io_address *address, struct view path, const struct zmtp_side *side,
                      const struct zmtp_peer_on *on, void *arg, struct zmtp_peer **ret)
{
    char host[sizeof(address->host) + sizeof("tcp://[]:65535")];
    if (path.len > ZMTP_PATH_MAX)
        return -ERR_TOO_LARGE;
    struct zmtp_peer *peer = make(io, view_of(NULL, 0), side, on, arg);
    if (peer == NULL)
        return -ERR_NO_MEMORY;
    io_address_print(address, host, sizeof(host));
    if (zmtp_web_new(peer, host + strlen("tcp://"), path) < 0) {
        zmtp_peer_free(peer);
        return -ERR_NO_MEMORY;
    }
    return connect_stream(peer, address, ret);
}

/* ---- what its user asks ----------------------------------------------------------------------------------------- */

void
zmtp_peer_close(struct zmtp_peer *peer)
{
    if (peer->phase == ZMTP_CLOSING)
        return;
    leave(peer, ZMTP_LEFT, 0);
    hang_up(peer);
}

void
zmtp_peer_abort(struct zmtp_peer *peer)
{
    if (peer->phase != ZMTP_CLOSING)
        leave(peer, ZMTP_LEFT, 0);
    if (peer->stream != NULL)
        io_abort(peer->stream);
}

enum zmtp_pattern
zmtp_peer_pattern(const struct zmtp_peer *peer)
{
    return peer->pattern;
}

struct view
zmtp_peer_identity(const struct zmtp_peer *peer)
{
    const struct zmtp_known *known = peer->known;
    return known == NULL ? view_of(NULL, 0) : view_of(known->bytes, known->identity_len);
}

struct view
zmtp_peer_resource(const struct zmtp_peer *peer)
{
    const struct zmtp_known *known = peer->known;
    return known == NULL ? view_of(NULL, 0) : view_of(known->bytes + known->identity_len, known->resource_len);
}

unsigned
zmtp_peer_minor(const struct zmtp_peer *peer)
{
    return peer->minor;
}

bool
zmtp_peer_can_ping(const struct zmtp_peer *peer)
{
    return peer->major >= 3 && peer->minor >= 1;
}

void
zmtp_peer_address(const struct zmtp_peer *peer, char *ret, size_t len)
{
    if (peer->stream == NULL)
        snprintf(ret, len, "?");
    else
        io_peer(peer->stream, ret, len);
}

size_t
zmtp_peer_unsent(const struct zmtp_peer *peer)
{
    return peer->stream == NULL ? 0 : io_unsent(peer->stream);
}

void
zmtp_peer_marks(struct zmtp_peer *peer, size_t high, size_t low)
{
    io_marks(peer->stream, high, low);
}
