/* RECORD_PUBLISH and RECORD_PAGE as bytes: there is one way to write each, both versions are read, and nothing that was
 * cut or changed is taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/prng.h"
#include "queue/page_record.h"
#include "queue/record.h"

enum { ROOM = 512, TARGETS = 8, PAGE_BYTES_1_MAX = 12 + 64 + PAGE_ENTRIES * 24 };

/* ---- RECORD_PUBLISH ------------------------------------------------------------------------------------------ */

struct publication_on_disk {
    struct receipt receipt;
    uint32_t targets;
    struct record_target target[TARGETS];
};

/* Before the envelope. */
static size_t
write_head(const struct publication_on_disk *p, uint8_t room[static ROOM])
{
    struct pen pen = pen_of(room, ROOM);
    record_publish_begin(&pen, &p->receipt, p->targets);
    for (uint32_t i = 0; i < p->targets; i++)
        record_put_target(&pen, p->target[i]);
    assert_false(pen.torn);
    size_t n = (size_t)(pen.at - room);
    assert_true(n <= record_publish_head_bytes_max(p->targets));
    return n;
}

static size_t
write_publish(const struct publication_on_disk *p, uint8_t room[static ROOM])
{
    const struct envelope env = { .topic = view_str("k"), .body = view_str("body"), .qos = 1 };
    size_t n = write_head(p, room);
    n += envelope_head(&env, room + n);
    memcpy(room + n, "kbody", 5);
    return n + 5;
}

static void
assert_reads(const struct publication_on_disk *p, struct view record)
{
    struct record_publish back;
    struct record_target target;
    struct envelope env;
    assert_int_equal(record_publish_parse(record, &back, &env), 0);
    assert_true(view_is(env.topic, "k") && view_is(env.body, "body"));
    assert_int_equal(back.receipt.session, p->receipt.session);
    assert_int_equal(back.receipt.packet_id, p->receipt.packet_id);
    assert_int_equal(back.receipt.shard, p->receipt.shard);
    assert_int_equal(back.targets, p->targets);
    for (uint32_t i = 0; i < p->targets; i++) {
        assert_true(record_target_next(&back, &target));
        assert_int_equal(target.queue, p->target[i].queue);
        assert_int_equal(target.seq, p->target[i].seq);
        assert_int_equal(target.meta, p->target[i].meta);
    }
    assert_false(record_target_next(&back, &target));
}

/* From the heap, so that a read past the end is seen. */
static int
parse_exact(const uint8_t *bytes, size_t n)
{
    struct record_publish publish;
    struct envelope env;
    uint8_t *exact = malloc(n + 1);
    assert_non_null(exact);
    memcpy(exact + 1, bytes, n);
    int rc = record_publish_parse(view_of(exact + 1, n), &publish, &env);
    (void)record_envelope(view_of(exact + 1, n));
    free(exact);
    return rc;
}

static struct publication_on_disk
draw_publication(struct prng *prng)
{
    static const uint64_t seqs[] = { 1, 127, 128, 1000000, UINT64_C(1) << 40, UINT64_MAX };
    static const uint32_t queues[] = { 1, 63, 64, 70000, UINT32_MAX };
    static const uint32_t metas[] = { RECORD_META_PLAIN, 0, 5, 2u << 28, UINT32_MAX };
    struct publication_on_disk p = { .targets = (uint32_t)prng_below(prng, TARGETS + 1) };
    if (prng_below(prng, 2) == 0)
        p.receipt = (struct receipt){ .session = queues[prng_below(prng, 5)], .packet_id = 7, .shard = 3 };
    for (uint32_t i = 0; i < p.targets; i++)
        p.target[i] = (struct record_target){ .queue = queues[prng_below(prng, 5)],
                                              .seq = seqs[prng_below(prng, 6)],
                                              .meta = metas[prng_below(prng, 5)] };
    return p;
}

static void
publish_comes_back(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 1);
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t room[ROOM];
        struct publication_on_disk p = draw_publication(&prng);
        size_t n = write_publish(&p, room);
        assert_reads(&p, view_of(room, n));
        for (size_t cut = 0; cut < n - 4; cut++)
            assert_int_equal(parse_exact(room, cut), -ERR_DAMAGED);
    }
}

/* These bytes must be readable for ever. */
static void
publish_on_disk(void **state)
{
    (void)state;
    static const struct {
        struct publication_on_disk p;
        uint8_t bytes[32];
        size_t len;
    } rows[] = {
        {{ .targets = 1, .target = { { 5, 1000000, RECORD_META_PLAIN } } },          { 0x82, 0x0a, 0xc0, 0x84, 0x3d }, 5},
        { { .targets = 1, .target = { { 5, 1, 7 } } },                               { 0x82, 0x0b, 0x01, 0x07 },       4},
        { { .receipt = { 1, 2, 3 } },                                                { 0x81, 0, 0, 0, 1, 0, 2, 3, 0 }, 9},
        { { .targets = 2, .target = { { 64, 1, RECORD_META_PLAIN }, { 1, 2, 0 } } },
         { 0x80, 2, 0x80, 0x01, 1, 3, 2, 0 },
         8                                                                                                              },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t room[ROOM];
        assert_int_equal(write_head(&rows[i].p, room), rows[i].len);
        assert_memory_equal(room, rows[i].bytes, rows[i].len);
    }
}

/* Envelope and all as it was written before there was a shorter one. */
static void
publish_of_version_1(void **state)
{
    (void)state;
    static const uint8_t disk[] = {
        0, 0, 0, 9, 0, 8, 7, 0, 2,                                                         /* receipt, targets */
        0, 0, 0, 5, 0, 0, 0, 0, 0,   0,   1,   0,   0x10, 0, 0, 0,                         /* queue, seq, meta */
        0, 0, 0, 6, 0, 0, 0, 0, 0,   0,   0,   1,   0x20, 0, 0, 4,                         /* another */
        1, 0, 1, 0, 0, 0, 0, 1, 0,   0,   0,   0,   0,    0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, /* envelope */
        0, 0, 0, 0, 0, 0, 0, 3, 'k', 'b', 'o', 'd', 'y',
    };
    const struct publication_on_disk p = {
        .receipt = {9,  8,                   7 },
          .targets = 2, .target = { { 5, 256, 1 << 28 }, { 6, 1, 0x20000004 }}
    };
    assert_reads(&p, view_of(disk, sizeof(disk)));
    for (size_t cut = 0; cut < sizeof(disk); cut++)
        assert_int_equal(parse_exact(disk, cut), -ERR_DAMAGED);
}

static void
publish_has_one_form(void **state)
{
    (void)state;
    static const uint8_t env[] = { 0x81, 0, 0, 0, 0, 0, 1, 0, 'k', 'b' };
    static const struct {
        uint8_t head[16];
        size_t len;
    } bad[] = {
        {{ 0x86, 0x0a, 1 },                                3 }, /* an unknown flag */
        { { 0x80, 1, 0x0a, 1 },                            4 }, /* one target, counted */
        { { 0x82, 0x0b, 1, 0x80, 0x80, 0x80, 0x80, 0x01 }, 8 }, /* the plain meta, told */
        { { 0x83, 0, 0, 0, 0, 0, 0, 0, 0x0a, 1 },          10}, /* a receipt of nobody */
        { { 0x82, 0x8a, 0x00, 1 },                         4 }, /* a number longer than need be */
        { { 0x82, 0x80, 0x80, 0x80, 0x80, 0x40, 1 },       7 }, /* a queue beyond 32 bits */
        { { 0x80, 0xff, 0xff, 0x03, 0x0a, 1 },             6 }, /* more targets than there are bytes */
    };
    uint8_t room[64] = { 0x82, 0x0a, 1 };
    memcpy(room + 3, env, sizeof(env));
    assert_int_equal(parse_exact(room, 3 + sizeof(env)), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memcpy(room, bad[i].head, bad[i].len);
        memcpy(room + bad[i].len, env, sizeof(env));
        assert_int_equal(parse_exact(room, bad[i].len + sizeof(env)), -ERR_DAMAGED);
    }
}

/* ---- RECORD_PAGE --------------------------------------------------------------------------------------------- */

/* Mostly as a busy queue has them: one after the other, alike. */
static void
draw_image(struct prng *prng, struct image *ret)
{
    memset(ret, 0, sizeof(*ret));
    unsigned gaps = (unsigned)prng_below(prng, 3), expiring = (unsigned)prng_below(prng, 3);
    struct entry entry = { .ref = UINT64_C(7) << 32 | 4128, .bytes = 136, .meta = RECORD_META_PLAIN };
    for (unsigned i = 0; i < PAGE_ENTRIES; i++) {
        if (gaps > 0 && prng_below(prng, 4) == 0)
            continue;
        ret->live[i / 8] |= (uint8_t)(1u << (i % 8));
        ret->entries[i] = entry;
        if (expiring == 2 && prng_below(prng, 2) == 0)
            ret->expires_ms[i] = UINT64_C(1795000000000) + prng_below(prng, 100000);
        entry.ref += prng_below(prng, 20) > 0 ? 148 : prng_next(prng) >> 1;
        entry.bytes = prng_below(prng, 10) > 0 ? entry.bytes : (uint32_t)prng_next(prng);
        entry.meta = prng_below(prng, 30) > 0 ? entry.meta : (uint32_t)prng_next(prng);
    }
}

static void
assert_same(const struct image *a, const struct image *b)
{
    assert_memory_equal(a->live, b->live, sizeof(a->live));
    for (unsigned i = 0; i < PAGE_ENTRIES; i++) {
        if (!image_has(a, i))
            continue;
        assert_int_equal(a->entries[i].ref, b->entries[i].ref);
        assert_int_equal(a->entries[i].bytes, b->entries[i].bytes);
        assert_int_equal(a->entries[i].meta, b->entries[i].meta);
        assert_int_equal(a->expires_ms[i], b->expires_ms[i]);
    }
}

static size_t
write_page_1(uint32_t queue, uint64_t no, const struct image *image, bool expiring, uint8_t *room)
{
    struct pen p = pen_of(room, PAGE_BYTES_1_MAX);
    put_u32(&p, queue);
    put_u64(&p, page_first_seq(no));
    put_bytes(&p, view_of(image->live, sizeof(image->live)));
    for (unsigned i = 0; i < PAGE_ENTRIES; i++)
        if (image_has(image, i)) {
            put_u64(&p, image->entries[i].ref);
            put_u32(&p, image->entries[i].bytes);
            put_u32(&p, image->entries[i].meta);
        }
    for (unsigned i = 0; expiring && i < PAGE_ENTRIES; i++)
        if (image_has(image, i))
            put_u64(&p, image->expires_ms[i]);
    assert_false(p.torn);
    return (size_t)(p.at - room);
}

static int
parse_page(struct view record, struct image *ret)
{
    uint8_t *exact = malloc(record.len + 1);
    assert_non_null(exact);
    if (record.len > 0)
        memcpy(exact + 1, record.data, record.len);
    int rc = page_record_parse(9, 3, view_of(exact + 1, record.len), ret);
    free(exact);
    return rc;
}

static void
page_comes_back(void **state)
{
    (void)state;
    struct prng prng;
    struct image image, back;
    uint8_t room[PAGE_RECORD_BYTES_MAX];
    prng_init(&prng, 2);
    for (unsigned i = 0; i < 50; i++) {
        draw_image(&prng, &image);
        struct view record = page_record_draw(9, 3, &image, room);
        assert_int_equal(record_page_queue(record), 9);
        assert_int_equal(page_record_first(record), page_first_seq(3));
        assert_int_equal(page_record_parse(9, 3, record, &back), 0);
        assert_same(&image, &back);
        assert_int_equal(page_record_parse(8, 3, record, &back), -ERR_DAMAGED);
        assert_int_equal(page_record_parse(9, 4, record, &back), -ERR_DAMAGED);
        for (size_t cut = 0; cut < record.len; cut += i < 5 ? 1 : 97)
            assert_int_equal(parse_page(view_of(record.data, cut), &back), -ERR_DAMAGED);
    }
}

static void
page_of_a_busy_queue_is_small(void **state)
{
    (void)state;
    struct image image = { 0 };
    uint8_t room[PAGE_RECORD_BYTES_MAX];
    memset(image.live, 0xff, sizeof(image.live));
    for (unsigned i = 0; i < PAGE_ENTRIES; i++)
        image.entries[i] = (struct entry){ (UINT64_C(1) << 32) + 4128 + UINT64_C(148) * i, 136, RECORD_META_PLAIN };
    assert_true(page_record_draw(9, 3, &image, room).len < PAGE_ENTRIES + 20);
}

static void
page_of_version_1_is_read(void **state)
{
    (void)state;
    struct prng prng;
    struct image image, back;
    uint8_t room[PAGE_BYTES_1_MAX];
    prng_init(&prng, 3);
    for (unsigned i = 0; i < 20; i++) {
        draw_image(&prng, &image);
        bool expiring = i % 2 == 0;
        if (!expiring)
            memset(image.expires_ms, 0, sizeof(image.expires_ms));
        struct view record = view_of(room, write_page_1(9, 3, &image, expiring, room));
        assert_int_equal(record_page_queue(record), 9);
        assert_int_equal(page_record_first(record), page_first_seq(3));
        assert_int_equal(page_record_parse(9, 3, record, &back), 0);
        assert_same(&image, &back);
        record.len--;
        assert_int_equal(parse_page(record, &back), -ERR_DAMAGED);
    }
}

/* Whatever is accepted is written again as the very same bytes. */
static void
page_has_one_form(void **state)
{
    (void)state;
    struct prng prng;
    struct image image, back;
    static uint8_t room[PAGE_RECORD_BYTES_MAX], again[PAGE_RECORD_BYTES_MAX];
    unsigned accepted = 0;
    prng_init(&prng, 4);
    for (unsigned i = 0; i < 3000; i++) {
        draw_image(&prng, &image);
        struct view record = page_record_draw(9, 3, &image, room);
        for (uint64_t hits = 1 + prng_below(&prng, 3); hits > 0; hits--)
            room[prng_below(&prng, record.len)] = (uint8_t)prng_next(&prng);
        if (!(room[0] & PAGE_SHORT_FORM) || page_record_parse(9, 3, record, &back) < 0)
            continue;
        accepted++;
        assert_true(view_equal(page_record_draw(9, 3, &back, again), record));
    }
    assert_true(accepted > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publish_comes_back),        cmocka_unit_test(publish_on_disk),
        cmocka_unit_test(publish_of_version_1),      cmocka_unit_test(publish_has_one_form),
        cmocka_unit_test(page_comes_back),           cmocka_unit_test(page_of_a_busy_queue_is_small),
        cmocka_unit_test(page_of_version_1_is_read), cmocka_unit_test(page_has_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
