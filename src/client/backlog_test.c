/* client/backlog_test.c - a backlog against a plain queue of messages, whoever holds on to what was taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/prng.h"
#include "client/backlog.h"
#include "client/outgoing.h"

enum { STEPS = 30000, HELD = 8 };

struct oracle {
    struct prng prng;
    struct mem mem;
    struct backlog backlog;
    uint32_t put, taken;
    uint64_t bytes;
    struct zmtp_slice held[HELD]; /* of what was taken lately */
    uint32_t held_numbers[HELD];
};

/* The n-th message: its number, and so many bytes of it. */
static void
message_of(uint32_t number, uint8_t body[4096], struct tambo_part parts[2])
{
    uint64_t len = (number * UINT64_C(2654435761) >> 7) % (number % 17 == 0 ? 4000 : 100);
    memset(body, (uint8_t)number, 4096);
    parts[0] = (struct tambo_part){ .data = body, .len = len };
    parts[1] = (struct tambo_part){ .data = body, .len = number % 300 };
}

static size_t
encode(uint32_t number, uint8_t *ret)
{
    uint8_t body[4096];
    struct tambo_part parts[2];
    struct outgoing message;
    message_of(number, body, parts);
    must(outgoing_parts(&message, parts, 2) == 0);
    outgoing_write(&message, ret);
    return message.len;
}

static void
check(struct view got, uint32_t number)
{
    uint8_t want[8192];
    assert_true(view_equal(got, view_of(want, encode(number, want))));
}

static void
put(struct oracle *oracle)
{
    static uint8_t run[8 * 8192];
    uint32_t count = 1 + (uint32_t)prng_below(&oracle->prng, 8);
    size_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        n += encode(oracle->put++, run + n);
    oracle->bytes += n;
    if (prng_once_in(&oracle->prng, 3)) {
        struct zmtp_chunk *chunk = zmtp_chunk_new(&oracle->mem, n);
        memcpy(chunk->bytes, run, n);
        must(backlog_refer(&oracle->backlog, chunk, view_of(chunk->bytes, n), count) == 0);
        zmtp_chunk_unref(chunk);
    } else {
        must(backlog_copy(&oracle->backlog, view_of(run, n), count) == 0);
    }
}

static void
take(struct oracle *oracle)
{
    struct view front = backlog_front(&oracle->backlog);
    size_t at = oracle->taken % HELD;
    oracle->bytes -= front.len;
    check(front, oracle->taken);
    if (oracle->held[at].chunk != NULL)
        check(oracle->held[at].run, oracle->held_numbers[at]);
    zmtp_chunk_unref(oracle->held[at].chunk);
    oracle->held[at] = backlog_take(&oracle->backlog, front);
    oracle->held_numbers[at] = oracle->taken++;
}

static void
take_piece(struct oracle *oracle)
{
    uint32_t count;
    const struct zmtp_slice *slice = backlog_first(&oracle->backlog, &count);
    oracle->bytes -= slice->run.len;
    oracle->taken += count;
    backlog_drop_first(&oracle->backlog);
}

static void
keeps_order_and_count(void **state)
{
    struct oracle oracle = { 0 };
    (void)state;
    prng_init(&oracle.prng, 7);
    backlog_init(&oracle.backlog, &oracle.mem);
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned what = (unsigned)prng_below(&oracle.prng, 20);
        if (what < 3)
            put(&oracle);
        else if (!backlog_empty(&oracle.backlog) && what == 3)
            take_piece(&oracle);
        else if (!backlog_empty(&oracle.backlog))
            take(&oracle);
        assert_int_equal(oracle.backlog.messages, oracle.put - oracle.taken);
        assert_int_equal(oracle.backlog.bytes, oracle.bytes);
    }
    put(&oracle);
    backlog_clear(&oracle.backlog);
    for (size_t i = 0; i < HELD; i++)
        zmtp_chunk_unref(oracle.held[i].chunk);
    assert_int_equal(oracle.mem.used_bytes, 0);
}

static void
small_messages_share_a_chunk(void **state)
{
    struct mem mem = { 0 };
    struct backlog backlog;
    (void)state;
    backlog_init(&backlog, &mem);
    for (unsigned i = 0; i < 1000; i++)
        must(backlog_copy(&backlog, view_of("\0\4abcd", 6), 1) == 0);
    assert_true(mem.calls < 40);
    backlog_clear(&backlog);
    assert_int_equal(mem.used_bytes, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_count),
        cmocka_unit_test(small_messages_share_a_chunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
