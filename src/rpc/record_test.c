/* Messages out of marked fragments: however they are cut, whatever their marks claim. */
#include "rpc/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "guard.h"
#include "notation.h"

enum { ROOM = 4096, BYTES_MAX = 64, TEXT = 1024 };

/* Reads the stream in pieces of these sizes; messages as text, each behind a comma, and the error, if there is one. */
static void
read_in(const struct guard *guard, struct view stream, size_t first, size_t piece, char *ret)
{
    struct mem mem = { 0 };
    struct rpc_record record = { 0 };
    struct view message;
    char *at = ret;
    int rc = 0;
    *at = '\0';
    for (size_t n = first; stream.len > 0 && rc == 0; n = piece) {
        n = n < stream.len ? n : stream.len;
        struct view in = guard_place(guard, view_of(stream.data, n));
        while ((rc = rpc_record_next(&record, &mem, BYTES_MAX, &in, &message)) > 0)
            at += snprintf(at, (size_t)(ret + TEXT - at), "%.*s,", (int)message.len, (const char *)message.data);
        assert_true(rc < 0 || in.len == 0);
        assert_true(mem.used_bytes <= BYTES_MAX);
        stream = view_from(stream, n);
    }
    if (rc < 0)
        snprintf(at, (size_t)(ret + TEXT - at), "%s", err_text(rc));
    rpc_record_fini(&record, &mem);
    assert_int_equal(mem.used_bytes, 0);
}

static void
check(const char *notation, const char *want)
{
    uint8_t bytes[ROOM];
    char got[TEXT];
    struct guard guard;
    struct view stream = view_of(bytes, notation_bytes(notation, bytes, sizeof(bytes)));
    guard_init(&guard, ROOM);
    for (size_t first = 1; first <= stream.len; first++) {
        read_in(&guard, stream, first, stream.len, got); /* cut at each byte */
        assert_string_equal(got, want);
    }
    for (size_t piece = 1; piece < stream.len; piece++) {
        read_in(&guard, stream, piece, piece, got);
        assert_string_equal(got, want);
    }
    guard_fini(&guard);
}

static void
records_of_one_fragment(void **state)
{
    (void)state;
    check("80000005 [hello]", "hello,");
    check("80000005 [hello] 80000005 [world] 80000000 80000001 [!]", "hello,world,,!,");
    check("80000005 [hello] 80000005 [wor]", "hello,");
}

static void
records_of_many_fragments(void **state)
{
    (void)state;
    check("00000002 [he] 80000003 [llo]", "hello,");
    check("00000001 [h] 00000000 00000001 [e] 00000002 [ll] 80000001 [o] 80000001 [!]", "hello,!,");
    check("00000005 [hello] 80000000 00000000 80000005 [world]", "hello,world,");
    check("00000000 00000000 80000000 80000001 [x]", ",x,");
}

#define EIGHT_EMPTY "00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 "

static void
empty_fragments_come_to_an_end(void **state)
{
    char want[TEXT];
    (void)state;
    snprintf(want, sizeof(want), "%s", err_text(-ERR_PROTOCOL));
    check(EIGHT_EMPTY EIGHT_EMPTY "80000001 [x]", "x,");
    check(EIGHT_EMPTY EIGHT_EMPTY "80000001 [x]" EIGHT_EMPTY EIGHT_EMPTY "80000001 [y]", "x,y,");
    check(EIGHT_EMPTY EIGHT_EMPTY "00000000 80000001 [x]", want);
    check(EIGHT_EMPTY "00000001 [x]" EIGHT_EMPTY "00000000 80000001 [x]", want);
}

#define THIRTY_TWO "0123456789abcdef0123456789abcdef"

static void
claims_cost_nothing(void **state)
{
    char too_large[TEXT], others[TEXT];
    (void)state;
    snprintf(too_large, sizeof(too_large), "%s", err_text(-ERR_TOO_LARGE));
    snprintf(others, sizeof(others), "x,%s", err_text(-ERR_TOO_LARGE));
    check("ffffffff", too_large);
    check("7fffffff [x]", too_large);
    check("80000041 [x]", too_large);
    check("80000001 [x] 80000041", others);
    check("00000020 [" THIRTY_TWO "] 80000020 [" THIRTY_TWO "]", THIRTY_TWO THIRTY_TWO ",");
    check("00000020 [" THIRTY_TWO "] 80000021", too_large);
    check("00000020 [" THIRTY_TWO "] ffffffff", too_large);
}

static void
memory_is_for_what_has_come(void **state)
{
    static const uint8_t mark[] = { 0x80, 0x10, 0, 0 }; /* a megabyte */
    static const uint8_t bytes[1000];
    struct mem mem = { 0 };
    struct rpc_record record = { 0 };
    struct view in = view_of(mark, sizeof(mark)), message;
    (void)state;
    assert_int_equal(rpc_record_next(&record, &mem, 1 << 24, &in, &message), 0);
    assert_int_equal(mem.used_bytes, 0);
    for (size_t come = 0; come < 100000; come += sizeof(bytes)) {
        in = view_of(bytes, sizeof(bytes));
        assert_int_equal(rpc_record_next(&record, &mem, 1 << 24, &in, &message), 0);
        assert_true(mem.used_bytes <= 2 * (come + sizeof(bytes)));
    }
    rpc_record_fini(&record, &mem);
}

static void
without_memory_it_says_so(void **state)
{
    struct mem mem = { .fail_at = 1 };
    struct rpc_record record = { 0 };
    static const uint8_t bytes[] = { 0x80, 0, 0, 2, 'x' };
    struct view in = view_of(bytes, sizeof(bytes)), message;
    (void)state;
    assert_int_equal(rpc_record_next(&record, &mem, BYTES_MAX, &in, &message), -ERR_NO_MEMORY);
    rpc_record_fini(&record, &mem);
    assert_int_equal(mem.used_bytes, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_one_fragment),        cmocka_unit_test(records_of_many_fragments),
        cmocka_unit_test(empty_fragments_come_to_an_end), cmocka_unit_test(claims_cost_nothing),
        cmocka_unit_test(memory_is_for_what_has_come),    cmocka_unit_test(without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
