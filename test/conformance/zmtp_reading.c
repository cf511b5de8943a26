/* What the codec says of bytes, in words. */
#include <stdarg.h>
#include <stdio.h>

#include "base/must.h"
#include "conformance/zmtp_vector.h"
#include "wire/zmtp.h"

enum { QUOTED_MAX = 40 };

typedef int64_t read_fn(struct view in, struct zmtp_said *ret, struct fault *why);

__attribute__((format(printf, 2, 3))) static void
say(struct zmtp_said *said, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(said->text + said->len, sizeof(said->text) - said->len, format, args);
    va_end(args);
    must(n >= 0 && said->len + (size_t)n < sizeof(said->text));
    said->len += (size_t)n;
}

static void
say_value(struct zmtp_said *said, struct view v)
{
    if (v.len > QUOTED_MAX) {
        say(said, "%zu bytes", v.len);
        return;
    }
    say(said, "'");
    for (size_t i = 0; i < v.len; i++)
        say(said, v.data[i] >= ' ' && v.data[i] <= '~' ? "%c" : "\\%02x", v.data[i]);
    say(said, "'");
}

/* ---- greetings and frames -------------------------------------------------------------------------------------- */

static int64_t
read_version(struct view in, struct zmtp_said *ret, struct fault *why)
{
    unsigned major;
    int n = zmtp_version_parse(in, &major, why);
    if (n > 0)
        say(ret, "%u", major);
    return n;
}

static int64_t
read_greeting(struct view in, struct zmtp_said *ret, struct fault *why)
{
    struct zmtp_greeting g;
    int n = zmtp_greeting_parse(in, &g, why);
    if (n <= 0)
        return n;
    say(ret, "%u.%u ", g.major, g.minor);
    if (g.major == 2)
        say(ret, "%s", zmtp_pattern_name(g.pattern));
    else
        say(ret, "%.*s%s", (int)g.mechanism.len, (const char *)g.mechanism.data, g.as_server ? " server" : "");
    return n;
}

static int64_t
read_identity(struct view in, struct zmtp_said *ret, struct fault *why)
{
    struct view identity;
    int n = zmtp_identity_parse(in, &identity, why);
    if (n > 0)
        say_value(ret, identity);
    return n;
}

static void
say_frame(struct zmtp_said *ret, const struct zmtp_frame *frame)
{
    say(ret, "%s%s ", ret->len > 0 ? ", " : "",
        (frame->flags & ZMTP_COMMAND) != 0 ? "command"
        : (frame->flags & ZMTP_MORE) != 0  ? "more"
                                           : "last");
    say_value(ret, frame->body);
}

/* One; asked for more, it must ask for more than there is. */
static int64_t
read_frame(struct view in, bool commands, struct zmtp_said *ret, struct fault *why)
{
    struct zmtp_frame frame;
    uint64_t need = 0;
    int64_t n = zmtp_frame_parse(in, ZMTP_VECTOR_BODY_MAX, commands, &frame, &need, why);
    must(n != 0 || (need > in.len && need <= ZMTP_FRAME_HEAD_MAX + ZMTP_VECTOR_BODY_MAX));
    if (n > 0)
        say_frame(ret, &frame);
    return n;
}

static int64_t
read_frame_3(struct view in, struct zmtp_said *ret, struct fault *why)
{
    return read_frame(in, true, ret, why);
}

static int64_t
read_frame_2(struct view in, struct zmtp_said *ret, struct fault *why)
{
    return read_frame(in, false, ret, why);
}

/* ---- commands -------------------------------------------------------------------------------------------------- */

static int64_t
read_command(struct view in, struct zmtp_said *ret, struct fault *why)
{
    struct zmtp_command c;
    int rc = zmtp_command_parse(in, &c, why);
    if (rc < 0)
        return rc;
    say(ret, "%.*s ", (int)c.name.len, (const char *)c.name.data);
    say_value(ret, c.data);
    return 0;
}

static int64_t
read_properties(struct view in, struct zmtp_said *ret, struct fault *why)
{
    struct zmtp_property p;
    int rc;
    while ((rc = zmtp_property_next(&in, &p, why)) > 0) {
        say(ret, "%s%.*s ", ret->len > 0 ? ", " : "", (int)p.name.len, (const char *)p.name.data);
        say_value(ret, p.value);
    }
    return rc;
}

static int64_t
read_metadata(struct view in, struct zmtp_said *ret, struct fault *why)
{
    struct zmtp_metadata m;
    int rc = zmtp_metadata_parse(in, &m, why);
    if (rc < 0)
        return rc;
    say(ret, "%s identity ", m.pattern < 0 ? "-" : zmtp_pattern_name((enum zmtp_pattern)m.pattern));
    say_value(ret, m.identity);
    say(ret, " resource ");
    say_value(ret, m.resource);
    return 0;
}

static int64_t
read_ping(struct view in, struct zmtp_said *ret, struct fault *why)
{
    struct zmtp_ping ping;
    int rc = zmtp_ping_parse(in, &ping, why);
    if (rc < 0)
        return rc;
    say(ret, "%u ", ping.ttl_ds);
    say_value(ret, ping.context);
    return 0;
}

static int64_t
read_pong(struct view in, struct zmtp_said *ret, struct fault *why)
{
    struct view context;
    int rc = zmtp_pong_parse(in, &context, why);
    if (rc == 0)
        say_value(ret, context);
    return rc;
}

static int64_t
read_error(struct view in, struct zmtp_said *ret, struct fault *why)
{
    struct view reason;
    int rc = zmtp_error_parse(in, &reason, why);
    if (rc == 0)
        say_value(ret, reason);
    return rc;
}

static int64_t
read_hello(struct view in, struct zmtp_said *ret, struct fault *why)
{
    struct view user, password;
    int rc = zmtp_hello_parse(in, &user, &password, why);
    if (rc < 0)
        return rc;
    say_value(ret, user);
    say(ret, " ");
    say_value(ret, password);
    return 0;
}

static int64_t
read_welcome(struct view in, struct zmtp_said *ret, struct fault *why)
{
    (void)ret;
    return zmtp_welcome_parse(in, why);
}

/* ---- CURVE ----------------------------------------------------------------------------------------------------- */

static int64_t
say_box(int rc, const struct zmtp_curve_box *box, struct zmtp_said *ret)
{
    if (rc == 0)
        say(ret, "front %zu, nonce %zu, box %zu", box->front.len, box->nonce.len, box->box.len);
    return rc;
}

#define READ_BOX(noun)                                                                   \
    static int64_t read_##noun(struct view in, struct zmtp_said *ret, struct fault *why) \
    {                                                                                    \
        struct zmtp_curve_box box = { 0 };                                               \
        return say_box(zmtp_##noun##_parse(in, &box, why), &box, ret);                   \
    }
READ_BOX(curve_hello)
READ_BOX(curve_welcome)
READ_BOX(curve_initiate)
READ_BOX(curve_ready)
READ_BOX(curve_message)

static int64_t
read_payload(struct view in, struct zmtp_said *ret, struct fault *why)
{
    struct zmtp_frame frame;
    int rc = zmtp_curve_payload_parse(in, &frame, why);
    if (rc == 0)
        say_frame(ret, &frame);
    return rc;
}

static read_fn *const readers[ZMTP_READ_KINDS] = {
    [ZMTP_READ_VERSION] = read_version,
    [ZMTP_READ_GREETING] = read_greeting,
    [ZMTP_READ_IDENTITY] = read_identity,
    [ZMTP_READ_FRAMES] = read_frame_3,
    [ZMTP_READ_FRAMES_2] = read_frame_2,
    [ZMTP_READ_COMMAND] = read_command,
    [ZMTP_READ_PROPERTIES] = read_properties,
    [ZMTP_READ_METADATA] = read_metadata,
    [ZMTP_READ_PING] = read_ping,
    [ZMTP_READ_PONG] = read_pong,
    [ZMTP_READ_ERROR] = read_error,
    [ZMTP_READ_HELLO] = read_hello,
    [ZMTP_READ_WELCOME] = read_welcome,
    [ZMTP_READ_CURVE_HELLO] = read_curve_hello,
    [ZMTP_READ_CURVE_WELCOME] = read_curve_welcome,
    [ZMTP_READ_CURVE_INITIATE] = read_curve_initiate,
    [ZMTP_READ_CURVE_READY] = read_curve_ready,
    [ZMTP_READ_CURVE_MESSAGE] = read_curve_message,
    [ZMTP_READ_PAYLOAD] = read_payload,
};

bool
zmtp_kind_is_stream(enum zmtp_kind kind)
{
    return kind <= ZMTP_READ_FRAMES_2;
}

int64_t
zmtp_vector_read(enum zmtp_kind kind, struct view in, struct zmtp_said *ret, struct fault *why)
{
    return readers[kind](in, ret, why);
}
