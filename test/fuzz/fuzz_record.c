/* libFuzzer target: the payloads of records with messages, and of pages, as any bytes at all.
 *
 * The first byte of the input says what the rest is.  What is accepted in the present form must be written again as the
 * very same bytes. */
#include "base/cursor.h"
#include "base/must.h"
#include "queue/page_record.h"
#include "queue/record.h"

enum { PUBLISH, ENVELOPE, PAGE, KINDS, ROOM = 64 * 1024, QUEUE = 1, PAGE_NO = 0, SHORT_FORM = 0x80 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_envelope(struct pen *p, const struct envelope *env)
{
    uint8_t head[ENVELOPE_HEAD_BYTES_MAX];
    put_bytes(p, view_of(head, envelope_head(env, head)));
    put_bytes(p, env->topic);
    put_bytes(p, env->props);
    put_bytes(p, env->body);
}

/* The envelope in it may be of either format. */
static void
try_publish(struct view in, uint8_t *room)
{
    struct record_publish publish;
    struct record_target target;
    struct envelope env;
    struct pen p = pen_of(room, ROOM);
    if (record_publish_parse(in, &publish, &env) < 0)
        return;
    record_publish_begin(&p, &publish.receipt, publish.targets);
    while (record_target_next(&publish, &target))
        record_put_target(&p, target);
    put_bytes(&p, record_envelope(in));
    must(!p.torn);
    must(!(in.data[0] & SHORT_FORM) || view_equal(view_of(room, (size_t)(p.at - room)), in));
}

static void
try_envelope(struct view in, uint8_t *room)
{
    struct envelope env;
    struct pen p = pen_of(room, ROOM);
    if (envelope_parse(in, &env) < 0)
        return;
    put_envelope(&p, &env);
    must(!p.torn);
    must(!(in.data[0] & SHORT_FORM) || view_equal(view_of(room, (size_t)(p.at - room)), in));
}

static void
try_page(struct view in, uint8_t *room)
{
    struct image image;
    uint32_t queue = record_page_queue(in);
    if (page_record_parse(QUEUE, PAGE_NO, in, &image) < 0)
        return;
    must(queue == QUEUE && page_record_first(in) == page_first_seq(PAGE_NO));
    must(!(in.data[0] & SHORT_FORM) || view_equal(page_record_draw(QUEUE, PAGE_NO, &image, room), in));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[ROOM];
    static void (*const tries[])(
        struct view in, uint8_t * room) = { [PUBLISH] = try_publish, [ENVELOPE] = try_envelope, [PAGE] = try_page };
    if (size > 0 && size < ROOM / 2)
        tries[data[0] % KINDS](view_of(data + 1, size - 1), room);
    return 0;
}
