/* libFuzzer target: the AMQP 0-9-1 codec.
 *
 * The bytes are read as frames, and each as the payload of a method, as a content header and as a field table besides.
 * What decodes is written again, and what was written must decode to the same bytes once more: then nothing was lost on
 * the way. */
#include "base/must.h"
#include "wire/amqp.h"

/* A string's length may take more room than what it was cut out of: never more than twice as much. */
enum { INPUT_BYTES_MAX = 4096, ROOM = 2 * INPUT_BYTES_MAX, CHANNEL = 1 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_fault(const struct fault *why)
{
    must(why->clause != NULL && why->text != NULL && amqp_reply_is_hard(why->code));
}

/* ---- tables ------------------------------------------------------------------------------------------------- */

/* All fields, or items, as far as they are whole; true if all are. */
static bool
copy_values(struct view in, char type, struct pen *p)
{
    struct cursor c = cursor_of(in);
    struct amqp_value v;
    struct view key;
    if (type == 'F')
        while (amqp_table_next(&c, &key, &v))
            amqp_put_value(p, key, &v);
    else
        while (amqp_array_next(&c, &v))
            amqp_put_item(p, &v);
    must(!p->torn);
    return !c.torn;
}

/* Once written, a bool is 0 or 1 and a signalling NaN may be quiet: from then on nothing changes. */
static void
check_values(struct view in, char type)
{
    uint8_t once[ROOM], twice[ROOM];
    struct pen p = pen_of(once, sizeof(once)), q = pen_of(twice, sizeof(twice));
    bool whole = copy_values(in, type, &p);
    struct view written = view_of(once, (size_t)(p.at - once));
    must(written.len <= in.len && (!whole || written.len == in.len));
    must(copy_values(written, type, &q));
    must(view_equal(written, view_of(twice, (size_t)(q.at - twice))));
}

static void
read_table(struct view in)
{
    struct fault why = { 0 };
    struct amqp_value v;
    check_values(in, 'A');
    check_values(in, 'F');
    if (amqp_table_check(in, &why) < 0)
        check_fault(&why);
    else if (amqp_table_find(in, "k", &v) && v.type != 'f' && v.type != 'd')
        must(amqp_value_equal(&v, &v));
}

/* ---- methods and content headers ------------------------------------------------------------------------------ */

static void
read_method(struct view payload)
{
    uint8_t once[ROOM], twice[ROOM];
    struct amqp_method m, again;
    struct amqp_frame frame;
    struct fault why = { 0 };
    size_t need;
    if (amqp_method_parse(payload, &m, &why) < 0) {
        check_fault(&why);
        return;
    }
    must(amqp_method_name(m.id) != NULL);
    size_t n = amqp_method_write(once, sizeof(once), CHANNEL, &m);
    must(n > 0 && n == amqp_method_size(&m) && n <= payload.len + AMQP_FRAME_OVERHEAD);
    must(amqp_frame_parse(view_of(once, n), (uint32_t)n, &frame, &need, &why) == (int64_t)n);
    must(frame.type == AMQP_FRAME_METHOD && frame.channel == CHANNEL);
    must(amqp_method_parse(frame.payload, &again, &why) == 0 && again.id == m.id);
    must(amqp_method_write(twice, sizeof(twice), CHANNEL, &again) == n && memcmp(once, twice, n) == 0);
    must(amqp_method_write(twice, n - 1, CHANNEL, &again) == 0);
}

/* The hot writer says what the general one says. */
static void
check_head(const struct amqp_header *h, struct view text)
{
    static const uint32_t frame_max = AMQP_FRAME_MIN_SIZE;
    uint8_t one[ROOM], other[ROOM];
    struct view tag = view_of(text.data, text.len < AMQP_SHORTSTR_MAX ? text.len : AMQP_SHORTSTR_MAX);
    struct amqp_method m = { .id = AMQP_BASIC_DELIVER };
    m.basic_deliver = (struct amqp_basic_deliver){ .consumer_tag = tag, .delivery_tag = h->body_size };
    size_t n = amqp_content_head(one, sizeof(one), CHANNEL, &m, h->props, h->body_size, frame_max);
    must(n > 0 && n <= amqp_content_head_size(&m, h->props));
    must(amqp_deliver_head(other, sizeof(other), CHANNEL, &m.basic_deliver, h->props, h->body_size, frame_max) == n);
    must(memcmp(one, other, n) == 0);
}

static void
read_header(struct view payload)
{
    uint8_t once[ROOM];
    struct amqp_header h;
    struct amqp_properties props;
    struct fault why = { 0 };
    if (amqp_header_parse(payload, &h, &why) < 0) {
        check_fault(&why);
        return;
    }
    check_head(&h, payload);
    if (amqp_properties_parse(h.props, &props, &why) < 0) {
        check_fault(&why);
        return;
    }
    struct pen p = pen_of(once, sizeof(once));
    amqp_properties_put(&p, &props);
    must(!p.torn && view_equal(h.props, view_of(once, (size_t)(p.at - once))));
}

static void
read_frames(struct view in)
{
    while (in.len > 0) {
        struct amqp_frame frame;
        struct fault why = { 0 };
        size_t need = 0;
        int64_t n = amqp_frame_parse(in, INPUT_BYTES_MAX, &frame, &need, &why);
        must(n <= (int64_t)in.len);
        must(n != 0 || (need > in.len && need <= INPUT_BYTES_MAX));
        if (n < 0)
            check_fault(&why);
        if (n <= 0)
            return;
        if (frame.type == AMQP_FRAME_METHOD)
            read_method(frame.payload);
        else if (frame.type == AMQP_FRAME_HEADER)
            read_header(frame.payload);
        in = view_from(in, (size_t)n);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_BYTES_MAX)
        return 0;
    struct view in = view_of(data, size);
    read_frames(in);
    read_method(in);
    read_header(in);
    read_table(in);
    return 0;
}
