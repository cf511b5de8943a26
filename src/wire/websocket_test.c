/* WebSocket: the RFCs' own vectors for digests, keys and masks; heads of every size, written as they are read and cut
 * at every byte; the client's half of the upgrade.  What a server refuses: test/zmtp/web_test.c. */
#include "wire/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "wire/sha1.h"

static void
digests(void **state)
{
    static const struct {
        const char *text, *hex;
        size_t times;
    } rows[] = {
        {"",                                                                  "da39a3ee5e6b4b0d3255bfef95601890afd80709", 1      },
        { "abc",                                                              "a9993e364706816aba3e25717850c26c9cd0d89d", 1      },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",         "84983e441c3bd26ebaae4aa1f95129e5e54670f1", 1      },
        { "0123456701234567012345670123456701234567012345670123456701234567",
         "dea356a2cddd90c7a7ecedc5ebb563934f460452",                                                                      10     },
        { "a",                                                                "34aa973cd4c4daa4f61eeb2bdbad27316534016f", 1000000},
    };
    static char text[1000000];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t len = strlen(rows[i].text);
        uint8_t digest[SHA1_BYTES];
        char hex[2 * SHA1_BYTES + 1];
        for (size_t at = 0; at < rows[i].times; at++)
            memcpy(text + at * len, rows[i].text, len);
        sha1(view_of(text, len * rows[i].times), digest);
        for (size_t at = 0; at < SHA1_BYTES; at++)
            snprintf(hex + 2 * at, 3, "%02x", digest[at]);
        assert_string_equal(hex, rows[i].hex);
    }
}

static void
keys(void **state)
{
    char key[WEBSOCKET_KEY_CHARS + 1], accept[WEBSOCKET_ACCEPT_CHARS + 1];
    (void)state;
    websocket_key((const uint8_t *)"the sample nonce", key);
    assert_string_equal(key, "dGhlIHNhbXBsZSBub25jZQ==");
    websocket_accept(view_str(key), accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

/* RFC 6455, 5.7: "Hello", masked. */
static void
masks(void **state)
{
    static const uint8_t mask[] = { 0x37, 0xfa, 0x21, 0x3d };
    uint8_t bytes[] = { 0x7f, 0x9f, 0x4d, 0x51, 0x58 };
    (void)state;
    websocket_mask(bytes, 3, mask, 0);
    websocket_mask(bytes + 3, 2, mask, 3);
    assert_memory_equal(bytes, "Hello", 5);
}

static void
heads_are_written_as_they_are_read(void **state)
{
    static const uint64_t sizes[] = { 0, 1, 125, 126, 65535, 65536, INT64_MAX };
    static const uint8_t mask[] = { 1, 2, 3, 4 };
    (void)state;
    for (size_t i = 0; i < 2 * COUNT_OF(sizes); i++) {
        bool masked = i % 2 == 1;
        uint8_t bytes[WEBSOCKET_HEAD_MAX];
        struct websocket_head head;
        struct fault why;
        size_t n = websocket_head_write(bytes, WEBSOCKET_BINARY, sizes[i / 2], masked ? mask : NULL);
        assert_int_equal(n, websocket_head_bytes(sizes[i / 2], masked));
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(websocket_head_parse(view_of(bytes, cut), masked, &head, &why), 0);
        assert_int_equal(websocket_head_parse(view_of(bytes, n), masked, &head, &why), n);
        assert_int_equal(head.opcode, WEBSOCKET_BINARY);
        assert_int_equal(head.size, sizes[i / 2]);
        assert_memory_equal(head.mask, masked ? mask : (const uint8_t[4]){ 0 }, 4);
        assert_int_equal(websocket_head_parse(view_of(bytes, n), !masked, &head, &why), -ERR_PROTOCOL);
    }
}

/* ---- the upgrade -------------------------------------------------------------------------------------------- */

static const char sample[] = "dGhlIHNhbXBsZSBub25jZQ==";

static void
both_halves_fit(void **state)
{
    char text[1024];
    struct websocket_request request;
    struct fault why;
    (void)state;
    websocket_request_write(text, sizeof(text), "a:80", view_str("/jobs?x=1"), sample, "ZWS2.0/PLAIN");
    for (size_t cut = 0; cut < strlen(text); cut++)
        assert_int_equal(websocket_request_parse(view_of(text, cut), "ZWS2.0/PLAIN", &request, &why), -ERR_PROTOCOL);
    assert_int_equal(websocket_request_parse(view_str(text), "ZWS2.0/PLAIN", &request, &why), 0);
    assert_true(view_is(request.path, "/jobs?x=1"));
    assert_true(view_is(request.key, sample));
    websocket_response_write(text, sizeof(text), view_str(sample), "ZWS2.0/PLAIN");
    for (size_t cut = 0; cut < strlen(text); cut++)
        assert_int_equal(websocket_response_parse(view_of(text, cut), sample, "ZWS2.0/PLAIN", &why), -ERR_PROTOCOL);
    assert_int_equal(websocket_response_parse(view_str(text), sample, "ZWS2.0/PLAIN", &why), 0);
}

#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE   "upgrade: WebSocket\r\nconnection: upgrade\r\n"
#define ACCEPT    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define PROTOCOL  "Sec-WebSocket-Protocol: ZWS2.0/NULL\r\n"

static void
answers_that_are_none(void **state)
{
    static const char *const wrong[] = {
        "",
        "SSH-2.0-x\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        SWITCHING "\r\n",
        SWITCHING UPGRADE PROTOCOL "\r\n",
        SWITCHING UPGRADE ACCEPT "\r\n",
        SWITCHING ACCEPT PROTOCOL "\r\n",
        SWITCHING UPGRADE "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=\r\n" PROTOCOL "\r\n",
        SWITCHING UPGRADE ACCEPT "Sec-WebSocket-Protocol: ZWS2.0\r\n\r\n",
        SWITCHING UPGRADE ACCEPT PROTOCOL "bad name: x\r\n\r\n",
        SWITCHING UPGRADE ACCEPT PROTOCOL "no colon\r\n\r\n",
        SWITCHING UPGRADE ACCEPT PROTOCOL "lf: alone\n\r\n",
        SWITCHING UPGRADE ACCEPT PROTOCOL "\r\nmore",
    };
    struct fault why;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(websocket_response_parse(view_str(wrong[i]), sample, "ZWS2.0/NULL", &why), -ERR_PROTOCOL);
    static const char right[] = SWITCHING UPGRADE ACCEPT PROTOCOL "Empty:\r\n\r\n";
    assert_int_equal(websocket_response_parse(view_str(right), sample, "ZWS2.0/NULL", &why), 0);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests),         cmocka_unit_test(keys),
        cmocka_unit_test(masks),           cmocka_unit_test(heads_are_written_as_they_are_read),
        cmocka_unit_test(both_halves_fit), cmocka_unit_test(answers_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
