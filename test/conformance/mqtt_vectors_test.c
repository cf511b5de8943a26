/* Every conformance vector against the decoder: each is a test of its own.  A packet is first fed cut at every byte,
 * and must not be judged before it is whole, always ending at a guard page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "conformance/guard.h"
#include "conformance/mqtt_vector.h"
#include "rig/notation.h"

/* The fixed header alone shows these, so they need not wait for the rest. */
static bool
is_of_framing(const struct fault *fault)
{
    return strcmp(fault->clause, "1.5.5") == 0 || fault->code == MQTT_PACKET_TOO_LARGE;
}

/* What mqtt_decode says of the packet in front, having said of every shorter piece that it needs more. */
static ptrdiff_t
decode_cut(const struct guard *guard, struct view in, const struct mqtt_dialect *dialect, struct mqtt_packet *ret,
           struct fault *reterr)
{
    ptrdiff_t whole = mqtt_decode(guard_place(guard, in), dialect, ret, reterr);
    size_t size = whole > 0 ? (size_t)whole : in.len;
    for (size_t n = 0; n < size; n++) {
        struct mqtt_packet packet;
        struct fault fault = { 0 };
        ptrdiff_t rc = mqtt_decode(guard_place(guard, view_of(in.data, n)), dialect, &packet, &fault);
        if (rc == 0)
            continue;
        assert_int_equal(rc, whole);
        assert_true(is_of_framing(&fault));
        break;
    }
    return mqtt_decode(guard_place(guard, in), dialect, ret, reterr);
}

static struct mqtt_dialect
dialect_of(const struct mqtt_vector *v)
{
    return (struct mqtt_dialect){
        .version = v->setup == FRESH ? 0 : (uint8_t)v->version,
        .from = v->setup == FROM_SERVER ? MQTT_FROM_SERVER : MQTT_FROM_CLIENT,
        .packet_bytes_max = VECTOR_PACKET_BYTES_MAX,
    };
}

/* Decodes packet after packet: 0 at the end of the bytes, or the first refusal. */
static ptrdiff_t
decode_all(const struct guard *guard, const struct mqtt_vector *v, struct fault *reterr)
{
    uint8_t bytes[VECTOR_BYTES_MAX];
    struct view in = view_of(bytes, notation_bytes(v->sends, bytes, sizeof(bytes)));
    struct mqtt_dialect dialect = dialect_of(v);
    while (in.len > 0) {
        struct mqtt_packet packet;
        ptrdiff_t rc = decode_cut(guard, in, &dialect, &packet, reterr);
        if (rc < 0)
            return rc;
        assert_true(rc > 0);
        if (packet.type == MQTT_CONNECT) {
            assert_int_equal(packet.connect.version, v->version);
            dialect.version = packet.connect.version;
        }
        in = view_from(in, (size_t)rc);
    }
    return 0;
}

static void
decoder_agrees(void **state)
{
    const struct mqtt_vector *v = *state;
    struct fault fault = { 0 };
    struct guard guard;
    guard_init(&guard, VECTOR_BYTES_MAX);
    ptrdiff_t rc = decode_all(&guard, v, &fault);
    guard_fini(&guard);
    if (v->seen == NULL) {
        assert_int_equal(rc, 0);
        return;
    }
    assert_int_equal(rc, v->code == MQTT_PACKET_TOO_LARGE ? -ERR_TOO_LARGE : -ERR_PROTOCOL);
    assert_string_equal(fault.clause, v->seen);
    assert_int_equal(fault.code, v->code);
    assert_true(strlen(fault.text) > 0);
}

static size_t
count_rows(void)
{
    size_t n = 0;
    for (const struct mqtt_vectors *const *table = mqtt_vector_tables; *table != NULL; table++)
        n += (*table)->count;
    return n;
}

int
main(void)
{
    size_t n = 0, count = count_rows();
    struct CMUnitTest *tests = calloc(count, sizeof(*tests));
    must(tests != NULL);
    for (const struct mqtt_vectors *const *table = mqtt_vector_tables; *table != NULL; table++)
        for (size_t i = 0; i < (*table)->count; i++) {
            const struct mqtt_vector *row = &(*table)->rows[i];
            tests[n++] = (struct CMUnitTest){
                .name = row->name,
                .test_func = decoder_agrees,
                .initial_state = (void *)(uintptr_t)row,
            };
        }
    int failed = _cmocka_run_group_tests("mqtt_vectors", tests, count, NULL, NULL);
    free(tests);
    return failed;
}
