/* rpc/replay_test.c - what is remembered, against a naive list that remembers everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/prng.h"
#include "rpc/replay.h"

enum { KEEP_NS = 1000 };
/* Stands for a request: never looked into. */
static uint8_t something;
#define REQUEST ((struct rpc_request *)(void *)&something)

static const uint8_t ana[REPLAY_CLIENT_BYTES] = "ana", bo[REPLAY_CLIENT_BYTES] = "bo";

static struct replay_key
key_of(const uint8_t *client, uint64_t sequence, uint64_t settled)
{
    struct replay_key key;
    replay_key_client(&key, client, sequence, settled);
    return key;
}

static enum replay_verdict
look(const struct replay *replay, const uint8_t *client, uint64_t sequence)
{
    struct replay_key key = key_of(client, sequence, 0);
    struct replay_entry *entry;
    return replay_look(replay, &key, &entry);
}

static struct replay_entry *
begin(struct replay *replay, const uint8_t *client, uint64_t sequence, uint64_t settled)
{
    struct replay_key key = key_of(client, sequence, settled);
    struct replay_entry *entry;
    assert_int_equal(replay_begin(replay, &key, REQUEST, 0, &entry), 0);
    return entry;
}

static void
call(struct replay *replay, const uint8_t *client, uint64_t sequence, const char *reply, uint64_t now_ns)
{
    replay_end(replay, begin(replay, client, sequence, 0), view_str(reply), now_ns);
}

static void
open_replay(struct replay *replay, struct mem *mem, size_t count_max, size_t bytes_max)
{
    *mem = (struct mem){ 0 };
    replay_init(replay, mem);
    replay_limit(replay, count_max, bytes_max, KEEP_NS);
}

static void
close_replay(struct replay *replay)
{
    struct mem *mem = replay->mem;
    replay_fini(replay);
    assert_int_equal(mem->used_bytes, 0);
}

static void
a_call_is_new_then_under_way_then_answered(void **state)
{
    struct mem mem;
    struct replay replay;
    struct replay_entry *entry, *found = NULL;
    (void)state;
    open_replay(&replay, &mem, 10, 1 << 20);
    assert_int_equal(look(&replay, ana, 1), REPLAY_NEW);
    entry = begin(&replay, ana, 1, 0);
    assert_int_equal(look(&replay, ana, 1), REPLAY_UNDER_WAY);
    assert_int_equal(look(&replay, bo, 1), REPLAY_NEW);
    replay_end(&replay, entry, view_str("reply"), 0);
    struct replay_key key = key_of(ana, 1, 0);
    assert_int_equal(replay_look(&replay, &key, &found), REPLAY_ANSWERED);
    assert_memory_equal(found->reply, "reply", 5);
    assert_int_equal(look(&replay, ana, 2), REPLAY_NEW);
    close_replay(&replay);
}

static void
what_a_client_has_settled_is_let_go(void **state)
{
    struct mem mem;
    struct replay replay;
    (void)state;
    open_replay(&replay, &mem, 10, 1 << 20);
    for (uint64_t i = 1; i <= 4; i++)
        call(&replay, ana, i, "r", 0);
    struct replay_entry *slow = begin(&replay, ana, 5, 3);
    assert_int_equal(look(&replay, ana, 1), REPLAY_SETTLED);
    assert_int_equal(look(&replay, ana, 2), REPLAY_SETTLED);
    assert_int_equal(look(&replay, ana, 3), REPLAY_ANSWERED);
    /* Settled while it is under way: it is known until it ends, and then settled. */
    replay_end(&replay, begin(&replay, ana, 6, 6), view_str("r"), 0);
    assert_int_equal(look(&replay, ana, 5), REPLAY_UNDER_WAY);
    replay_end(&replay, slow, view_str("r"), 0);
    assert_int_equal(look(&replay, ana, 5), REPLAY_SETTLED);
    assert_int_equal(look(&replay, ana, 6), REPLAY_ANSWERED);
    assert_int_equal(replay.answered_count, 1);
    close_replay(&replay);
}

static void
the_oldest_reply_goes_first_and_is_not_taken_for_new(void **state)
{
    struct mem mem;
    struct replay replay;
    (void)state;
    open_replay(&replay, &mem, 2, 1 << 20);
    struct replay_entry *slow = begin(&replay, ana, 1, 0);
    for (uint64_t i = 2; i <= 4; i++)
        call(&replay, ana, i, "r", i);
    assert_int_equal(look(&replay, ana, 1), REPLAY_UNDER_WAY);
    assert_int_equal(look(&replay, ana, 2), REPLAY_FORGOTTEN);
    assert_int_equal(look(&replay, ana, 3), REPLAY_ANSWERED);
    assert_int_equal(look(&replay, ana, 4), REPLAY_ANSWERED);
    assert_int_equal(look(&replay, ana, 5), REPLAY_NEW);
    replay_end(&replay, slow, view_str("r"), 5);
    assert_int_equal(look(&replay, ana, 1), REPLAY_ANSWERED);
    assert_int_equal(look(&replay, ana, 3), REPLAY_FORGOTTEN);
    close_replay(&replay);
}

static void
bytes_are_bounded(void **state)
{
    static const char large[1650] = "large";
    struct mem mem;
    struct replay replay;
    struct replay_entry *entry, *other;
    struct replay_key key = key_of(bo, 7, 0);
    (void)state;
    open_replay(&replay, &mem, 1000, 2000);
    for (uint64_t i = 1; i <= 50; i++) {
        call(&replay, ana, i, "0123456789", i);
        assert_true(replay.bytes <= 2000);
    }
    assert_int_equal(look(&replay, ana, 1), REPLAY_FORGOTTEN);
    assert_int_equal(look(&replay, ana, 50), REPLAY_ANSWERED);
    /* One that fits only without the others. */
    entry = begin(&replay, bo, 1, 0);
    replay_end(&replay, entry, view_of(large, sizeof(large)), 60);
    assert_int_equal(look(&replay, ana, 50), REPLAY_FORGOTTEN);
    assert_int_equal(look(&replay, bo, 1), REPLAY_ANSWERED);
    /* One that does not fit at all. */
    entry = begin(&replay, bo, 2, 0);
    other = begin(&replay, bo, 3, 0);
    replay_end(&replay, entry, view_of(large, sizeof(large)), 61);
    assert_int_equal(look(&replay, bo, 2), REPLAY_FORGOTTEN);
    replay_end(&replay, other, view_of(NULL, 0), 61);
    /* Calls under way cannot be let go. */
    for (uint64_t i = 4; replay_begin(&replay, &key, REQUEST, 62, &other) == 0; i++)
        key = key_of(bo, 4 + i, 0);
    assert_int_equal(replay_begin(&replay, &key, REQUEST, 62, &other), -ERR_OVERLOADED);
    close_replay(&replay);
}

static void
nothing_is_remembered_where_a_limit_is_zero(void **state)
{
    struct mem mem;
    struct replay replay;
    struct replay_key key = key_of(ana, 1, 0);
    struct replay_entry *entry;
    (void)state;
    open_replay(&replay, &mem, 0, 1 << 20);
    assert_false(replay_is_on(&replay));
    assert_int_equal(replay_begin(&replay, &key, REQUEST, 0, &entry), -ERR_OVERLOADED);
    close_replay(&replay);
}

static void
replies_and_clients_grow_old(void **state)
{
    struct mem mem;
    struct replay replay;
    (void)state;
    open_replay(&replay, &mem, 10, 1 << 20);
    assert_int_equal(replay_due_ns(&replay), UINT64_MAX);
    call(&replay, ana, 1, "r", 100);
    call(&replay, bo, 1, "r", 200);
    assert_int_equal(replay_due_ns(&replay), 100 + KEEP_NS);
    replay_expire(&replay, 100 + KEEP_NS);
    assert_int_equal(look(&replay, ana, 1), REPLAY_FORGOTTEN);
    assert_int_equal(look(&replay, bo, 1), REPLAY_ANSWERED);
    assert_int_equal(replay_due_ns(&replay), 200 + KEEP_NS);
    replay_expire(&replay, 200 + KEEP_NS);
    assert_int_equal(look(&replay, bo, 1), REPLAY_FORGOTTEN);
    assert_int_equal(replay_due_ns(&replay), 100 + 2 * KEEP_NS);
    replay_expire(&replay, 200 + 2 * KEEP_NS);
    assert_int_equal(replay_due_ns(&replay), UINT64_MAX);
    assert_int_equal(replay.bytes, 0);
    assert_int_equal(look(&replay, ana, 1), REPLAY_NEW);
    close_replay(&replay);
}

static void
datagrams_differ_in_each_part_of_their_key(void **state)
{
    const struct io_remote one = { .bytes = { 1, 2, 3 }, .len = 3 }, two = { .bytes = { 1, 2, 4 }, .len = 3 };
    const struct replay_datagram rows[] = {
        {&one,  1, 2, 3, 4, { (const uint8_t *)"ab", 2 }},
        { &two, 1, 2, 3, 4, { (const uint8_t *)"ab", 2 }},
        { &one, 9, 2, 3, 4, { (const uint8_t *)"ab", 2 }},
        { &one, 1, 9, 3, 4, { (const uint8_t *)"ab", 2 }},
        { &one, 1, 2, 9, 4, { (const uint8_t *)"ab", 2 }},
        { &one, 1, 2, 3, 9, { (const uint8_t *)"ab", 2 }},
        { &one, 1, 2, 3, 4, { (const uint8_t *)"ac", 2 }},
    };
    struct mem mem;
    struct replay replay;
    struct replay_entry *entry;
    (void)state;
    open_replay(&replay, &mem, 100, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct replay_key key;
        replay_key_datagram(&key, &rows[i]);
        assert_int_equal(replay_look(&replay, &key, &entry), REPLAY_NEW);
        assert_int_equal(replay_begin(&replay, &key, REQUEST, 0, &entry), 0);
        assert_int_equal(replay_look(&replay, &key, &entry), REPLAY_UNDER_WAY);
        replay_end(&replay, entry, view_str("r"), 0);
        assert_int_equal(replay_look(&replay, &key, &entry), REPLAY_ANSWERED);
    }
    /* Of a foreigner nothing stays. */
    replay_expire(&replay, KEEP_NS);
    assert_int_equal(replay.bytes, 0);
    close_replay(&replay);
}

/* ---- against everything that ever was -------------------------------------------------------------------------- */

enum { CLIENTS = 4, CALLS = 64, STEPS = 20000 };

enum fate { UNSEEN, UNDER_WAY, EXECUTED };
struct oracle {
    enum fate fates[CLIENTS][CALLS];
    uint64_t settled[CLIENTS];
    struct replay_entry *entries[CLIENTS][CALLS];
};

/* What was executed is never new again, what is under way is known, what was never seen is not under way or answered.
 */
static void
agree(const struct oracle *oracle, const struct replay *replay, unsigned c, unsigned i, const uint8_t *id)
{
    enum replay_verdict verdict = look(replay, id, i);
    switch (oracle->fates[c][i]) {
    case UNSEEN: assert_true(verdict != REPLAY_UNDER_WAY && verdict != REPLAY_ANSWERED); break;
    case UNDER_WAY: assert_int_equal(verdict, REPLAY_UNDER_WAY); break;
    case EXECUTED: assert_true(verdict != REPLAY_NEW && verdict != REPLAY_UNDER_WAY); break;
    }
    if (verdict == REPLAY_SETTLED)
        assert_true(i < oracle->settled[c]);
}

static void
do_something(struct oracle *oracle, struct replay *replay, struct prng *prng, uint64_t now_ns)
{
    unsigned c = (unsigned)prng_below(prng, CLIENTS), i = (unsigned)prng_below(prng, CALLS);
    uint8_t id[REPLAY_CLIENT_BYTES] = { (uint8_t)(c + 1) };
    static const uint8_t reply[256];
    agree(oracle, replay, c, i, id);
    if (oracle->fates[c][i] == UNDER_WAY) {
        replay_end(replay, oracle->entries[c][i], view_of(reply, prng_below(prng, sizeof(reply))), now_ns);
        oracle->fates[c][i] = EXECUTED;
    } else if (look(replay, id, i) == REPLAY_NEW) {
        if (oracle->settled[c] < i && prng_below(prng, 4) == 0)
            oracle->settled[c] += prng_below(prng, i - oracle->settled[c] + 1);
        struct replay_key key = key_of(id, i, oracle->settled[c]);
        if (replay_begin(replay, &key, REQUEST, now_ns, &oracle->entries[c][i]) == 0)
            oracle->fates[c][i] = UNDER_WAY;
    }
    agree(oracle, replay, c, i, id);
}

static void
nothing_is_executed_twice_whatever_is_let_go(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct prng prng;
        struct oracle oracle = { 0 };
        struct mem mem;
        struct replay replay;
        prng_init(&prng, seed);
        open_replay(&replay, &mem, 1 + prng_below(&prng, 40), 2000 + prng_below(&prng, 20000));
        replay.keep_ns = UINT64_MAX / 2;
        for (uint64_t step = 0; step < STEPS; step++) {
            do_something(&oracle, &replay, &prng, step);
            assert_true(replay.bytes <= replay.bytes_max && replay.answered_count <= replay.count_max);
        }
        close_replay(&replay);
    }
}

static void
without_memory_it_is_refused_and_nothing_lost(void **state)
{
    (void)state;
    for (uint64_t fail_at = 1; fail_at < 20; fail_at++) {
        struct mem mem;
        struct replay replay;
        struct replay_entry *entry;
        open_replay(&replay, &mem, 100, 1 << 20);
        mem.fail_at = fail_at;
        for (uint64_t i = 1; i <= 10; i++) {
            struct replay_key key = key_of(i % 2 == 0 ? ana : bo, i, 0);
            int rc = replay_begin(&replay, &key, REQUEST, 0, &entry);
            assert_true(rc == 0 || rc == -ERR_NO_MEMORY);
            if (rc < 0) {
                assert_int_equal(look(&replay, i % 2 == 0 ? ana : bo, i), REPLAY_NEW);
                continue;
            }
            replay_end(&replay, entry, view_str("reply"), 0);
            assert_true(look(&replay, i % 2 == 0 ? ana : bo, i) >= REPLAY_ANSWERED);
        }
        close_replay(&replay);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_new_then_under_way_then_answered),
        cmocka_unit_test(what_a_client_has_settled_is_let_go),
        cmocka_unit_test(the_oldest_reply_goes_first_and_is_not_taken_for_new),
        cmocka_unit_test(bytes_are_bounded),
        cmocka_unit_test(nothing_is_remembered_where_a_limit_is_zero),
        cmocka_unit_test(replies_and_clients_grow_old),
        cmocka_unit_test(datagrams_differ_in_each_part_of_their_key),
        cmocka_unit_test(nothing_is_executed_twice_whatever_is_let_go),
        cmocka_unit_test(without_memory_it_is_refused_and_nothing_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
