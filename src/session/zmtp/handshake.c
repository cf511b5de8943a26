/* session/zmtp/handshake.c - from the first byte to ready: greetings, and the commands that a mechanism awaits.
 *
 *     both send      signature, 3           and wait for the other's version
 *     to 3.x         1, mechanism, ...      then commands, as the mechanism's table says
 *     to 2.0         socket type, identity  and that is all
 *
 * It reads byte by byte if it must: never more is asked for than is needed to go on. */
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "session/zmtp/inner.h"

enum { GREETING_2_BYTES = 12 };

enum stage { AWAITS_VERSION, AWAITS_GREETING, AWAITS_IDENTITY, AWAITS_COMMANDS };

struct zmtp_shake {
    enum stage stage;
    unsigned major; /* the peer's */
    unsigned at;    /* in the part's commands */
    struct zmtp_curve *curve;
    uint8_t resource_len;
    uint8_t resource[];
};

int
zmtp_shake_new(struct zmtp_peer *peer, struct view resource)
{
    struct zmtp_shake *shake = mem_new(io_mem(peer->io), sizeof(*shake) + resource.len);
    if (shake == NULL)
        return -ERR_NO_MEMORY;
    shake->resource_len = (uint8_t)resource.len;
    if (resource.len > 0)
        memcpy(shake->resource, resource.data, resource.len);
    peer->shake = shake;
    return 0;
}

void
zmtp_shake_free(struct zmtp_peer *peer)
{
    if (peer->shake != NULL)
        zmtp_curve_free(io_mem(peer->io), peer->shake->curve);
    mem_free(io_mem(peer->io), peer->shake);
    peer->shake = NULL;
}

struct zmtp_curve **
zmtp_shake_curve(struct zmtp_peer *peer)
{
    return &peer->shake->curve;
}

bool
zmtp_shake_commands(const struct zmtp_peer *peer)
{
    return peer->shake != NULL && peer->shake->stage == AWAITS_COMMANDS;
}

/* ---- mechanisms ------------------------------------------------------------------------------------------------- */

static const struct zmtp_part *
part_of(const struct zmtp_side *side)
{
    static const struct zmtp_part *const parts[][2] = {
  /*              as client           as server */
        [ZMTP_NULL] = {&zmtp_null,          &zmtp_null        },
        [ZMTP_PLAIN] = { &zmtp_plain_client, &zmtp_plain_server},
        [ZMTP_CURVE] = { &zmtp_curve_client, &zmtp_curve_server},
    };
    return parts[side->mechanism][side->as_server];
}

/* ---- what leaves ------------------------------------------------------------------------------------------------ */

static int
put(struct zmtp_peer *peer, struct view bytes)
{
    return io_put(peer->stream, bytes) < 0 ? io_refusal(peer->stream) : 0;
}

static int
put_greeting(struct zmtp_peer *peer, size_t from, size_t to)
{
    uint8_t greeting[ZMTP_GREETING_BYTES];
    bool as_server = peer->side->as_server && peer->side->mechanism != ZMTP_NULL; /* 37/3.8 */
    zmtp_greeting_write(greeting, peer->side->mechanism, as_server);
    return put(peer, view_of(greeting + from, to - from));
}

/* What ZMTP 2.0 has for a greeting's rest: our pattern and our identity. */
static int
put_greeting_2(struct zmtp_peer *peer)
{
    uint8_t bytes[1 + ZMTP_FRAME_HEAD_MAX + UINT8_MAX];
    struct view identity = peer->side->identity;
    must(identity.len <= UINT8_MAX);
    bytes[0] = peer->own;
    size_t n = 1 + zmtp_frame_head(bytes + 1, 0, identity.len);
    if (identity.len > 0)
        memcpy(bytes + n, identity.data, identity.len);
    return put(peer, view_of(bytes, n + identity.len));
}

static bool
tells_identity(unsigned pattern)
{
    return pattern == ZMTP_REQ || pattern == ZMTP_DEALER || pattern == ZMTP_ROUTER;
}

struct view
zmtp_shake_metadata(const struct zmtp_peer *peer, uint8_t *ret)
{
    const struct zmtp_shake *shake = peer->shake;
    size_t n = zmtp_property_write(ret, "Socket-Type", view_str(zmtp_pattern_name(peer->own)));
    if (tells_identity(peer->own) && peer->side->identity.len > 0)
        n += zmtp_property_write(ret + n, "Identity", peer->side->identity);
    if (shake->resource_len > 0)
        n += zmtp_property_write(ret + n, "Resource", view_of(shake->resource, shake->resource_len));
    must(n <= METADATA_BYTES_MAX);
    return view_of(ret, n);
}

int
zmtp_shake_put_metadata(struct zmtp_peer *peer, const char *name)
{
    uint8_t metadata[METADATA_BYTES_MAX];
    return zmtp_put_command(peer, name, zmtp_shake_metadata(peer, metadata));
}

/* ---- what the other side is ------------------------------------------------------------------------------------- */

static int
keep(struct zmtp_peer *peer, struct view identity, struct view resource)
{
    if (identity.len + resource.len == 0)
        return 0;
    struct zmtp_known *known = mem_raw(io_mem(peer->io), sizeof(*known) + identity.len + resource.len);
    if (known == NULL)
        return -ERR_NO_MEMORY;
    known->identity_len = (uint8_t)identity.len;
    known->resource_len = (uint16_t)resource.len;
    if (identity.len > 0)
        memcpy(known->bytes, identity.data, identity.len);
    if (resource.len > 0)
        memcpy(known->bytes + identity.len, resource.data, resource.len);
    peer->known = known;
    return 0;
}

static int
meet(struct zmtp_peer *peer, const struct zmtp_metadata *metadata, struct fault *why)
{
    if (metadata->pattern < 0)
        return zmtp_peer_breach(why, PEER_NO_PATTERN);
    int rc = keep(peer, metadata->identity, metadata->resource);
    if (rc < 0)
        return rc;
    peer->pattern = (uint8_t)metadata->pattern;
    if (peer->on->pattern != NULL) {
        const char *reason = NULL;
        int own = peer->on->pattern(peer->arg, peer, &reason);
        if (own < 0)
            return zmtp_peer_not_served(why, reason);
        peer->own = (uint8_t)own;
    }
    return zmtp_patterns_fit(peer->own, peer->pattern) ? 0 : zmtp_peer_breach(why, PEER_MISFIT);
}

int
zmtp_shake_meet(struct zmtp_peer *peer, struct view metadata, struct fault *why)
{
    struct zmtp_metadata m;
    int rc = zmtp_metadata_parse(metadata, &m, why);
    return rc < 0 ? rc : meet(peer, &m, why);
}

/* ---- what comes ------------------------------------------------------------------------------------------------- */

static void
become_ready(struct zmtp_peer *peer)
{
    if (peer->phase != ZMTP_SHAKING) /* a callback has left it */
        return;
    zmtp_shake_free(peer);
    peer->phase = ZMTP_READY;
    zmtp_beat_start(peer);
    if (peer->phase == ZMTP_READY && peer->on->ready != NULL)
        peer->on->ready(peer->arg);
}

static int
on_version(struct zmtp_peer *peer, unsigned major, struct fault *why)
{
    peer->shake->major = major;
    peer->shake->stage = AWAITS_GREETING;
    if (major >= 3)
        return put_greeting(peer, ZMTP_VERSION_BYTES, ZMTP_GREETING_BYTES);
    if (peer->side->mechanism != ZMTP_NULL)
        return zmtp_peer_breach(why, PEER_NO_SECURITY);
    return peer->on->pattern == NULL ? put_greeting_2(peer) : 0;
}

int
zmtp_shake_greeted(struct zmtp_peer *peer)
{
    const struct zmtp_part *part = part_of(peer->side);
    peer->shake->stage = AWAITS_COMMANDS;
    return part->begin == NULL ? 0 : part->begin(peer);
}

static int
on_greeting_3(struct zmtp_peer *peer, const struct zmtp_greeting *greeting, struct fault *why)
{
    const struct zmtp_side *side = peer->side;
    if (!view_is(greeting->mechanism, zmtp_mechanism_name(side->mechanism)))
        return zmtp_peer_breach(why, PEER_MECHANISM);
    if (side->mechanism != ZMTP_NULL && side->as_server && greeting->as_server)
        return zmtp_peer_breach(why, PEER_TWO_SERVERS);
    return zmtp_shake_greeted(peer);
}

static int
on_greeting(struct zmtp_peer *peer, const struct zmtp_greeting *greeting, struct fault *why)
{
    peer->major = (uint8_t)greeting->major;
    peer->minor = (uint8_t)greeting->minor;
    if (greeting->major >= 3)
        return on_greeting_3(peer, greeting, why);
    peer->pattern = (uint8_t)greeting->pattern;
    peer->shake->stage = AWAITS_IDENTITY;
    return 0;
}

static int
on_identity(struct zmtp_peer *peer, struct view identity, struct fault *why)
{
    struct zmtp_metadata m = { .pattern = peer->pattern, .identity = identity };
    int rc = meet(peer, &m, why);
    if (rc == 0 && peer->on->pattern != NULL)
        rc = put_greeting_2(peer);
    if (rc == 0)
        become_ready(peer);
    return rc;
}

static int
on_command(struct zmtp_peer *peer, const struct zmtp_command *command, struct fault *why)
{
    const struct zmtp_part *part = part_of(peer->side);
    struct zmtp_shake *shake = peer->shake;
    if (view_is(command->name, "ERROR"))
        return zmtp_take_error(peer, command->data, why);
    if (!view_is(command->name, part->awaits[shake->at].name))
        return zmtp_peer_breach(why, PEER_UNAWAITED);
    int rc = part->awaits[shake->at].on(peer, command->data, why);
    if (rc == 0 && part->awaits[++shake->at].name == NULL)
        become_ready(peer);
    return rc;
}

/* libzmq's PLAIN (4.2 to 4.3.5) misspells it: "\x5e" for the length and the first letter. */
static bool
is_error_of_libzmq(struct view body)
{
    return view_starts(body, "^RROR");
}

static int
on_frame(struct zmtp_peer *peer, const struct zmtp_frame *frame, struct fault *why)
{
    struct zmtp_command command;
    if ((frame->flags & ZMTP_COMMAND) == 0)
        return zmtp_peer_breach(why, PEER_EARLY_MESSAGE);
    if (is_error_of_libzmq(frame->body))
        return zmtp_take_error(peer, view_from(frame->body, strlen("^RROR")), why);
    int rc = zmtp_command_parse(frame->body, &command, why);
    return rc < 0 ? rc : on_command(peer, &command, why);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* Each takes one thing from `have`: its bytes, or 0 when more have to come: *retneed in all. */
typedef int64_t take_fn(struct zmtp_peer *peer, struct view have, uint64_t *retneed, struct fault *why);

static int64_t
take_version(struct zmtp_peer *peer, struct view have, uint64_t *retneed, struct fault *why)
{
    unsigned major;
    int rc = zmtp_version_parse(have, &major, why);
    *retneed = have.len < ZMTP_SIGNATURE_BYTES ? have.len + 1 : ZMTP_VERSION_BYTES;
    if (rc <= 0)
        return rc;
    *retneed = major >= 3 ? ZMTP_GREETING_BYTES : GREETING_2_BYTES; /* the version is a part of what follows */
    return on_version(peer, major, why);
}

static int64_t
take_greeting(struct zmtp_peer *peer, struct view have, uint64_t *retneed, struct fault *why)
{
    struct zmtp_greeting greeting;
    int n = zmtp_greeting_parse(have, &greeting, why);
    *retneed = peer->shake->major >= 3 ? ZMTP_GREETING_BYTES : GREETING_2_BYTES;
    if (n <= 0)
        return n;
    int rc = on_greeting(peer, &greeting, why);
    return rc < 0 ? rc : n;
}

static int64_t
take_identity(struct zmtp_peer *peer, struct view have, uint64_t *retneed, struct fault *why)
{
    struct view identity;
    int n = zmtp_identity_parse(have, &identity, why);
    if (n < 0)
        return n;
    *retneed = ZMTP_FRAME_HEAD_MIN + (have.len < ZMTP_FRAME_HEAD_MIN ? 0 : have.data[1]); /* a short frame */
    if (n == 0)
        return 0;
    int rc = on_identity(peer, identity, why);
    return rc < 0 ? rc : n;
}

static int64_t
take_frame(struct zmtp_peer *peer, struct view have, uint64_t *retneed, struct fault *why)
{
    struct zmtp_frame frame;
    int64_t n = zmtp_frame_parse(have, HANDSHAKE_BYTES_MAX, true, &frame, retneed, why);
    if (n == -ERR_TOO_LARGE)
        return zmtp_peer_breach(why, PEER_HANDSHAKE_SIZE);
    if (n <= 0)
        return n;
    int rc = on_frame(peer, &frame, why);
    return rc < 0 ? rc : n;
}

static take_fn *const takes[] = {
    [AWAITS_VERSION] = take_version,
    [AWAITS_GREETING] = take_greeting,
    [AWAITS_IDENTITY] = take_identity,
    [AWAITS_COMMANDS] = take_frame,
};

void
zmtp_shake_begin(struct zmtp_peer *peer)
{
    int rc = put_greeting(peer, 0, ZMTP_VERSION_BYTES);
    if (rc < 0)
        zmtp_fail(peer, rc, NULL);
}

void
zmtp_shake_read(struct zmtp_peer *peer, struct view *in)
{
    while (peer->phase == ZMTP_SHAKING) {
        struct fault why = { 0 };
        uint64_t need = 0;
        int64_t n = takes[peer->shake->stage](peer, zmtp_gathered(&peer->gather), &need, &why);
        if (n > 0)
            zmtp_gather_cut(&peer->gather);
        if (n == 0 && in->len == 0)
            return;
        if (n == 0)
            n = zmtp_gather_add(&peer->gather, io_mem(peer->io), in, need);
        if (n < 0)
            zmtp_fail(peer, (int)n, &why);
    }
    if (peer->phase == ZMTP_READY)
        zmtp_gather_clear(&peer->gather);
}
