/* What rpcbind says: values there and back, against bytes that were written by hand from RFC 1833; each value cut at
 * every byte before a guard page; universal addresses. */
#include "wire/rpcbind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/must.h"
#include "guard.h"

enum { ROOM = 1024 };

static char tcp[] = "tcp", uaddr[] = "127.0.0.1.3.4", owner[] = "root";

static struct view
encoded(tambo_xdr_encode_fn *encode, const void *value, struct tambo_xdr_out *out)
{
    tambo_xdr_out_init(out, ROOM);
    assert_int_equal(encode(out, value), 0);
    return view_of(out->start, tambo_xdr_out_len(out));
}

/* Decodes all of `bytes`; 0 or the error. */
static int
decoded(tambo_xdr_decode_fn *decode, struct view bytes, struct tambo_arena *arena, void *ret)
{
    struct tambo_xdr_in in;
    tambo_xdr_in_init(&in, bytes.data, bytes.len, arena);
    int rc = decode(&in, ret);
    if (rc == 0)
        assert_ptr_equal(in.at, in.end);
    return rc;
}

/* ---- the RFC's layout ----------------------------------------------------------------------------------------- */

static void
a_mapping_of_version_2_is_four_words(void **state)
{
    static const uint8_t bytes[] = { 0, 1, 0x86, 0xa3, 0, 0, 0, 3, 0, 0, 0, 17, 0, 0, 8, 1 };
    const struct rpcbind_pmap value = { 100003, 3, 17, 2049 };
    struct rpcbind_pmap back;
    struct tambo_xdr_out out;
    (void)state;
    struct view got = encoded(rpcbind_encode_pmap, &value, &out);
    assert_int_equal(got.len, sizeof(bytes));
    assert_memory_equal(got.data, bytes, sizeof(bytes));
    assert_int_equal(decoded(rpcbind_decode_pmap, got, NULL, &back), 0);
    assert_memory_equal(&back, &value, sizeof(value));
    tambo_xdr_out_free(&out);
}

static void
a_list_says_before_each_that_one_more_comes(void **state)
{
    static const uint8_t bytes[] = { 0,   0, 0, 1, 0, 1,  0x86, 0xa0, 0,   0,   0,   4,   0,   0,   0,   3,   't', 'c',
                                     'p', 0, 0, 0, 0, 13, '1',  '2',  '7', '.', '0', '.', '0', '.', '1', '.', '3', '.',
                                     '4', 0, 0, 0, 0, 0,  0,    4,    'r', 'o', 'o', 't', 0,   0,   0,   0 };
    struct rpcbind_mapping item = { 100000, 4, tcp, uaddr, owner };
    const struct rpcbind_mappings value = { &item, 1 };
    struct rpcbind_mappings back;
    struct tambo_arena arena = { 0 };
    struct tambo_xdr_out out;
    (void)state;
    struct view got = encoded(rpcbind_encode_mappings, &value, &out);
    assert_int_equal(got.len, sizeof(bytes));
    assert_memory_equal(got.data, bytes, sizeof(bytes));
    assert_int_equal(decoded(rpcbind_decode_mappings, got, &arena, &back), 0);
    assert_int_equal(back.count, 1);
    assert_int_equal(back.items[0].version, 4);
    assert_string_equal(back.items[0].address, uaddr);
    assert_string_equal(back.items[0].owner, owner);
    tambo_arena_free(&arena);
    tambo_xdr_out_free(&out);
}

static void
entries_and_counts_are_laid_out_as_the_RFC_has_them(void **state)
{
    static const uint8_t bytes[] = {
        0, 0, 0, 1, 0, 0, 0,   1,   'a', 0,   0, 0, 0, 0, 0,   3,   't', 'c', 'p', 0, 0, 0,
        0, 3, 0, 0, 0, 4, 'i', 'n', 'e', 't', 0, 0, 0, 3, 't', 'c', 'p', 0,   0,   0, 0, 0
    };
    char a[] = "a", inet[] = "inet";
    struct rpcbind_entry item = { a, tcp, 3, inet, tcp };
    const struct rpcbind_entries list = { &item, 1 };
    struct rpcbind_stat stat = { 0 };
    struct tambo_xdr_out out;
    (void)state;
    struct view got = encoded(rpcbind_encode_entries, &list, &out);
    assert_int_equal(got.len, sizeof(bytes));
    assert_memory_equal(got.data, bytes, sizeof(bytes));
    tambo_xdr_out_free(&out);

    stat.versions[2].procedures[RPCBIND_GETSTAT] = 7;
    stat.versions[2].set = 8;
    got = encoded(rpcbind_encode_stat, &stat, &out);
    assert_int_equal(got.len, 3 * (RPCBIND_PROCEDURES + 4) * 4);
    assert_int_equal(tambo_xdr_read_u32(got.data + got.len - 20), 7);
    assert_int_equal(tambo_xdr_read_u32(got.data + got.len - 16), 8);
    tambo_xdr_out_free(&out);
}

/* ---- there and back ------------------------------------------------------------------------------------------- */

static const uint8_t some[] = { 1, 2, 3, 4, 5 };

static struct rpcbind_mapping items[20];
static const struct rpcbind_mapping mapping = { 0x20000001, 2, tcp, uaddr, owner };
static const struct rpcbind_mappings mappings = { items, COUNT_OF(items) };
static struct rpcbind_pmap pmap_items[20];
static const struct rpcbind_pmaps pmaps = { pmap_items, COUNT_OF(pmap_items) };
static const struct rpcbind_call call = {
    100001, 3, 1, {some, sizeof(some)}
};
static const struct rpcbind_pmap_result pmap_result = {
    40000, {some, sizeof(some)}
};
static const struct rpcbind_result result = {
    uaddr, {some, sizeof(some)}
};
static const struct rpcbind_netbuf netbuf = {
    16, {some, sizeof(some)}
};

#define KIND(noun)                                          \
    {                                                       \
        &noun, rpcbind_encode_##noun, rpcbind_decode_##noun \
    }
static const struct kind {
    const void *value;
    tambo_xdr_encode_fn *encode;
    tambo_xdr_decode_fn *decode;
} kinds[] = {
    KIND(mapping), KIND(mappings), KIND(pmaps), KIND(call), KIND(pmap_result), KIND(result), KIND(netbuf),
};

/* Decoded values hold pointers: what they are encoded to again is compared. */
static void
each_value_there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        union {
            struct rpcbind_mapping mapping;
            struct rpcbind_result result;
        } room;
        struct tambo_arena arena = { 0 };
        struct tambo_xdr_out out, again;
        struct view bytes = encoded(kinds[i].encode, kinds[i].value, &out);
        assert_int_equal(decoded(kinds[i].decode, bytes, &arena, &room), 0);
        assert_true(view_equal(encoded(kinds[i].encode, &room, &again), bytes));
        tambo_arena_free(&arena);
        tambo_xdr_out_free(&out);
        tambo_xdr_out_free(&again);
    }
}

static void
what_is_cut_off_is_refused(void **state)
{
    struct guard guard;
    (void)state;
    guard_init(&guard, 4096);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        union {
            struct rpcbind_mapping mapping;
            struct rpcbind_result result;
        } room;
        struct tambo_xdr_out out;
        struct view bytes = encoded(kinds[i].encode, kinds[i].value, &out);
        for (size_t n = 0; n < bytes.len; n++) {
            struct tambo_arena arena = { 0 };
            struct view cut = guard_place(&guard, view_of(bytes.data, n));
            assert_int_equal(decoded(kinds[i].decode, cut, &arena, &room), -TAMBO_ERR_PROTOCOL);
            tambo_arena_free(&arena);
        }
        tambo_xdr_out_free(&out);
    }
    guard_fini(&guard);
}

static void
a_list_takes_no_more_memory_than_its_arena_may(void **state)
{
    struct tambo_arena arena = { .bytes_max = 512 };
    struct rpcbind_pmaps back;
    struct tambo_xdr_out out;
    (void)state;
    struct view bytes = encoded(rpcbind_encode_pmaps, &pmaps, &out);
    assert_int_equal(decoded(rpcbind_decode_pmaps, bytes, &arena, &back), -TAMBO_ERR_NO_MEMORY);
    tambo_arena_free(&arena);
    tambo_xdr_out_free(&out);
}

static void
texts_that_are_too_long_are_refused(void **state)
{
    char text[RPCBIND_TEXT_MAX + 2], *pointer = text;
    struct tambo_xdr_out out;
    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    tambo_xdr_out_init(&out, ROOM);
    assert_true(rpcbind_encode_text(&out, &pointer) < 0);
    tambo_xdr_out_free(&out);
}

/* ---- addresses ------------------------------------------------------------------------------------------------ */

static void
universal_addresses(void **state)
{
    static const struct {
        const char *host, *text;
        uint16_t port;
        unsigned family;
    } rows[] = {
        {"127.0.0.1",       "127.0.0.1.3.4",      772,   4},
        { "0.0.0.0",        "0.0.0.0.0.111",      111,   4},
        { "::",             "::.255.255",         65535, 6},
        { "fe80::1",        "fe80::1.0.0",        0,     6},
        { "::ffff:1.2.3.4", "::ffff:1.2.3.4.8.1", 2049,  6},
    };
    char text[RPCBIND_TEXT_MAX + 1], host[RPCBIND_HOST_MAX];
    uint16_t port;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(rpcbind_address_print(rows[i].host, rows[i].port, text, sizeof(text)), 0);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(rpcbind_address_parse(text, host, &port), 0);
        assert_string_equal(host, rows[i].host);
        assert_int_equal(port, rows[i].port);
        assert_int_equal(rpcbind_host_family(host), rows[i].family);
    }
}

static void
what_is_no_universal_address(void **state)
{
    static const char *const texts[] = { "",
                                         ".",
                                         "1.2",
                                         "1.2.3.4",
                                         "1.2.3.4.5",
                                         "1.2.3.4.5.",
                                         "1.2.3.4.5.256",
                                         "1.2.3.4.256.1",
                                         "1.2.3.4.-1.1",
                                         "1.2.3.4.0x1.1",
                                         "localhost.3.4",
                                         "/run/rpcbind.sock",
                                         "1.2.3.4.5.6.7",
                                         "1.2.3.4.0001.1" };
    char host[RPCBIND_HOST_MAX], room[8], long_one[300];
    uint16_t port;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_int_equal(rpcbind_address_parse(texts[i], host, &port), -TAMBO_ERR_ADDRESS);
    memset(long_one, '1', sizeof(long_one) - 1);
    long_one[sizeof(long_one) - 1] = '\0';
    assert_int_equal(rpcbind_address_parse(long_one, host, &port), -TAMBO_ERR_ADDRESS);
    assert_int_equal(rpcbind_address_print("localhost", 1, long_one, sizeof(long_one)), -TAMBO_ERR_ADDRESS);
    assert_int_equal(rpcbind_address_print("127.0.0.1", 1, room, sizeof(room)), -TAMBO_ERR_ADDRESS);
}

static void
netids(void **state)
{
    (void)state;
    assert_string_equal(rpcbind_netid_of(4, 6)->name, "tcp");
    assert_string_equal(rpcbind_netid_of(6, 17)->name, "udp6");
    assert_null(rpcbind_netid_of(4, 1));
    assert_int_equal(rpcbind_netid_find("udp")->semantics, 1);
    assert_null(rpcbind_netid_find("ticlts"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mapping_of_version_2_is_four_words),
        cmocka_unit_test(a_list_says_before_each_that_one_more_comes),
        cmocka_unit_test(entries_and_counts_are_laid_out_as_the_RFC_has_them),
        cmocka_unit_test(each_value_there_and_back),
        cmocka_unit_test(what_is_cut_off_is_refused),
        cmocka_unit_test(a_list_takes_no_more_memory_than_its_arena_may),
        cmocka_unit_test(texts_that_are_too_long_are_refused),
        cmocka_unit_test(universal_addresses),
        cmocka_unit_test(what_is_no_universal_address),
        cmocka_unit_test(netids),
    };
    for (size_t i = 0; i < COUNT_OF(items); i++)
        items[i] = (struct rpcbind_mapping){ (uint32_t)i, 1, tcp, uaddr, owner };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
