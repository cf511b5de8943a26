/* libFuzzer target: the ZMTP codec.
 *
 * The bytes are read as a greeting and as frames, and each body, as well as the whole, as everything that a body can
 * be. What decodes is written again and must be the same bytes, where there is one way to write it; and nothing that
 * was decoded may lie outside of the input. */
#include "base/err.h"
#include "base/must.h"
#include "wire/zmtp.h"

enum { INPUT_BYTES_MAX = 4096, ROOM = INPUT_BYTES_MAX + 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What may be said of bytes: success, or a refusal that names its rule. */
static bool
is_read(int64_t rc, const struct fault *why)
{
    must(rc >= 0 || (rc == -ERR_PROTOCOL && why->clause != NULL && why->text != NULL));
    return rc >= 0;
}

static void
check_within(struct view v, struct view in)
{
    must(v.len == 0 || (v.data >= in.data && v.data + v.len <= in.data + in.len));
}

/* ---- greetings -------------------------------------------------------------------------------------------------- */

static void
read_greeting(struct view in)
{
    struct zmtp_greeting g;
    struct view identity;
    struct fault why = { 0 };
    unsigned major = 0;
    int64_t version = zmtp_version_parse(in, &major, &why), n;
    must(!is_read(version, &why) || version == 0 || (zmtp_sniff(in) == 1 && (major == 2 || major == 3)));
    n = zmtp_greeting_parse(in, &g, &why);
    if (is_read(n, &why) && n > 0) {
        must(version > 0 && g.major == major && n <= (int64_t)in.len);
        check_within(g.mechanism, in);
        must(major == 2 || g.mechanism.len > 0);
        must(major == 3 || zmtp_pattern_name(g.pattern) != NULL);
    }
    n = zmtp_identity_parse(in, &identity, &why);
    if (is_read(n, &why) && n > 0)
        check_within(identity, in);
}

/* ---- bodies ----------------------------------------------------------------------------------------------------- */

/* Names are without zeros, so they are strings. */
static const char *
string_of(struct view name, char ret[ZMTP_NAME_MAX + 1])
{
    memcpy(ret, name.data, name.len);
    ret[name.len] = '\0';
    must(strlen(ret) == name.len);
    return ret;
}

static void
read_metadata(struct view in)
{
    uint8_t room[ROOM];
    char name[ZMTP_NAME_MAX + 1];
    struct view rest = in;
    struct zmtp_metadata m;
    struct zmtp_property p;
    struct fault why = { 0 };
    size_t written = 0;
    int rc;
    while ((rc = zmtp_property_next(&rest, &p, &why)) > 0) {
        written += zmtp_property_write(room + written, string_of(p.name, name), p.value);
        must(zmtp_property_is(p.name, name));
    }
    is_read(rc, &why);
    must(view_equal(view_of(room, written), view_of(in.data, in.len - rest.len)));
    int all = zmtp_metadata_parse(in, &m, &why);
    must(!is_read(all, &why) || rc == 0);
}

static void
read_small(struct view in)
{
    struct zmtp_ping ping;
    struct view one, other;
    struct fault why = { 0 };
    if (is_read(zmtp_ping_parse(in, &ping, &why), &why))
        must(ping.context.len <= ZMTP_PING_CONTEXT_MAX && ping.context.len + 2 == in.len);
    if (is_read(zmtp_pong_parse(in, &one, &why), &why))
        must(view_equal(one, in));
    if (is_read(zmtp_error_parse(in, &one, &why), &why))
        check_within(one, in);
    if (is_read(zmtp_hello_parse(in, &one, &other, &why), &why))
        must(one.len + other.len + 2 == in.len);
    is_read(zmtp_welcome_parse(in, &why), &why);
}

static void
read_boxes(struct view in)
{
    typedef int parse_fn(struct view data, struct zmtp_curve_box * ret, struct fault * why);
    static parse_fn *const parsers[] = { zmtp_curve_hello_parse, zmtp_curve_welcome_parse, zmtp_curve_initiate_parse,
                                         zmtp_curve_ready_parse, zmtp_curve_message_parse };
    struct zmtp_frame frame;
    struct fault why = { 0 };
    for (size_t i = 0; i < COUNT_OF(parsers); i++) {
        struct zmtp_curve_box box = { 0 };
        if (!is_read(parsers[i](in, &box, &why), &why))
            continue;
        check_within(box.front, in);
        must(box.front.len + box.nonce.len + box.box.len <= in.len);
        must(box.box.data + box.box.len == in.data + in.len);
    }
    if (is_read(zmtp_curve_payload_parse(in, &frame, &why), &why))
        must(zmtp_curve_payload_flags(frame.flags) == in.data[0] && frame.body.len + 1 == in.len);
}

static void
read_body(struct view in)
{
    struct zmtp_command c;
    struct fault why = { 0 };
    read_metadata(in);
    read_small(in);
    read_boxes(in);
    if (!is_read(zmtp_command_parse(in, &c, &why), &why))
        return;
    uint8_t room[ROOM];
    char name[ZMTP_NAME_MAX + 1];
    size_t n = zmtp_command_write(room, string_of(c.name, name), c.data, view_of(NULL, 0));
    must(n >= in.len && view_equal(view_of(room + n - in.len, in.len), in));
    read_metadata(c.data);
    read_small(c.data);
    read_boxes(c.data);
}

/* ---- frames ----------------------------------------------------------------------------------------------------- */

/* Frame after frame, and then as a run that is known to be whole. */
static void
read_frames(struct view in, bool commands)
{
    struct view rest = in;
    struct zmtp_frame frame, again;
    struct fault why = { 0 };
    uint64_t need = 0;
    int64_t n;
    while ((n = zmtp_frame_parse(rest, INPUT_BYTES_MAX / 2, commands, &frame, &need, &why)) > 0) {
        struct view run = rest;
        must(n <= (int64_t)rest.len);
        must(zmtp_frame_next(&run, &again) && run.data == rest.data + n);
        must(again.flags == frame.flags && view_equal(again.body, frame.body));
        must((frame.flags & ZMTP_MORE) != 0 || zmtp_message_bytes(rest) == (size_t)n);
        read_body(frame.body);
        rest = view_from(rest, (size_t)n);
    }
    must(n != 0 || (need > rest.len && need <= ZMTP_FRAME_HEAD_MAX + INPUT_BYTES_MAX / 2));
    if (n != -ERR_TOO_LARGE)
        is_read(n, &why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_BYTES_MAX)
        return 0;
    struct view in = view_of(data, size);
    read_greeting(in);
    read_frames(in, true);
    read_frames(in, false);
    read_body(in);
    return 0;
}
