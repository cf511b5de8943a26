/* Every conformance vector against a node: each is a test of its own, named session:VECTOR.  It is said twice by a raw
 * connection, at once and byte by byte, and must be answered the same (how, is told in mqtt_vector.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/must.h"
#include "conformance/mqtt_vector.h"
#include "rig/notation.h"
#include "rig/rig.h"

enum { ANSWER_MS = 500, PACKETS_MAX = 8 };

/* ---- what came back ------------------------------------------------------------------------------------------- */

struct answers {
    struct mqtt_packet packets[PACKETS_MAX];
    unsigned count;
};

static struct answers
read_answers(struct view bytes, uint8_t version)
{
    struct answers answers = { 0 };
    const struct mqtt_dialect dialect = { .version = version,
                                          .from = MQTT_FROM_SERVER,
                                          .packet_bytes_max = VECTOR_PACKET_BYTES_MAX };
    while (bytes.len > 0) {
        struct fault fault;
        assert_true(answers.count < PACKETS_MAX);
        ptrdiff_t n = mqtt_decode(bytes, &dialect, &answers.packets[answers.count++], &fault);
        if (n < 0)
            fail_msg("the node answered with a bad packet: [%s] %s", fault.clause, fault.text);
        assert_true(n > 0);
        bytes = view_from(bytes, (size_t)n);
    }
    return answers;
}

/* The return code of 3.1.1's table 3.1 for a reason; 0: there is none. */
static unsigned
return_code(unsigned reason)
{
    switch (reason) {
    case MQTT_UNSUPPORTED_PROTOCOL_VERSION: return 1;
    case MQTT_CLIENT_ID_NOT_VALID: return 2;
    case MQTT_SERVER_UNAVAILABLE: return 3;
    case MQTT_BAD_USER_NAME_OR_PASSWORD: return 4;
    case MQTT_NOT_AUTHORIZED: return 5;
    default: return 0;
    }
}

/* Do the first bytes name MQTT?  If not, nobody knows in which version to answer: the closing is all. */
static bool
names_mqtt(const struct mqtt_vector *v)
{
    uint8_t bytes[VECTOR_BYTES_MAX];
    struct cursor c = cursor_of(view_of(bytes, notation_bytes(v->sends, bytes, sizeof(bytes))));
    bool connect = take_u8(&c) == MQTT_CONNECT << 4;
    (void)take_varint(&c);
    struct view name = take_short(&c);
    return connect && (view_is(name, "MQTT") || view_is(name, "MQIsdp"));
}

/* Answers to before the breach: the CONNACK of a CONNECT that was accepted. */
static unsigned
skip_connack(const struct answers *a)
{
    return a->count > 0 && a->packets[0].type == MQTT_CONNACK && a->packets[0].connack.reason == 0;
}

static void
expect_refusal_5(const struct mqtt_vector *v, const struct answers *a)
{
    bool connected = v->setup == CONNECTED || skip_connack(a) == 1;
    unsigned at = skip_connack(a);
    assert_int_equal(a->count, at + 1);
    const struct mqtt_packet *last = &a->packets[at];
    assert_int_equal(last->type, connected ? MQTT_DISCONNECT : MQTT_CONNACK);
    assert_int_equal(connected ? last->ack.reason : last->connack.reason, v->code);
}

static void
expect_refusal_3(const struct mqtt_vector *v, const struct answers *a)
{
    unsigned code = v->setup == FRESH ? return_code(v->code) : 0;
    assert_int_equal(a->count, code != 0 ? 1 : 0);
    if (code == 0)
        return;
    assert_int_equal(a->packets[0].type, MQTT_CONNACK);
    assert_int_equal(a->packets[0].connack.reason, v->code);
}

static void
expect_refused(struct rig *rig, const struct mqtt_vector *v)
{
    struct answers a = read_answers(raw_got(rig, 0), (uint8_t)v->version);
    if (v->setup == FRESH && !names_mqtt(v))
        assert_int_equal(a.count, 0);
    else if (v->version == MQTT_V5)
        expect_refusal_5(v, &a);
    else
        expect_refusal_3(v, &a);
    assert_false(raw_lives(rig, 0));
}

/* Properties beyond what is expected (a reason string) are the node's own business. */
static void
expect_bytes(struct rig *rig, const struct mqtt_vector *v)
{
    uint8_t bytes[VECTOR_BYTES_MAX];
    struct view wanted = view_of(bytes, notation_bytes(v->expects, bytes, sizeof(bytes)));
    struct answers want = read_answers(wanted, (uint8_t)v->version);
    struct answers got = read_answers(raw_got(rig, 0), (uint8_t)v->version);
    assert_int_equal(got.count, want.count);
    for (unsigned i = 0; i < want.count; i++) {
        assert_int_equal(got.packets[i].type, want.packets[i].type);
        if (want.packets[i].type == MQTT_CONNACK || want.packets[i].type == MQTT_PINGRESP)
            continue;
        assert_int_equal(got.packets[i].ack.packet_id, want.packets[i].ack.packet_id);
        assert_int_equal(got.packets[i].ack.reason, want.packets[i].ack.reason);
        assert_true(view_equal(got.packets[i].ack.codes, want.packets[i].ack.codes));
    }
    assert_true(v->version == MQTT_V5 || view_equal(raw_got(rig, 0), wanted));
    raw_forget(rig, 0);
}

static void
expect_accepted(struct rig *rig, const struct mqtt_vector *v)
{
    struct answers a = read_answers(raw_got(rig, 0), (uint8_t)v->version);
    assert_int_equal(a.count, v->setup == FRESH ? 1 : 0);
    assert_int_equal(skip_connack(&a), a.count);
    raw_forget(rig, 0);
}

static void
expect_open(struct rig *rig)
{
    assert_true(raw_lives(rig, 0));
    raw_say(rig, 0, "c0 00");
    assert_true(raw_hears(rig, 0, "d0 00"));
}

/* ---- a vector ------------------------------------------------------------------------------------------------- */

static struct rig *
open_rig(const struct mqtt_vector *v)
{
    static const char *const hellos[] = {
        [MQTT_V31] = "10 < (MQIsdp) 03 02 003c (c) >",
        [MQTT_V311] = "10 < (MQTT) 04 02 003c (c) >",
        [MQTT_V5] = "10 < (MQTT) 05 02 003c <> (c) >",
    };
    struct rig *rig = rig_new();
    rig->settings.packet_bytes_max = VECTOR_PACKET_BYTES_MAX;
    assert_true(rig_boot(rig));
    raw_open(rig, 0);
    if (v->setup == FRESH)
        return rig;
    raw_say(rig, 0, hellos[v->version]);
    struct answers a = read_answers(raw_got(rig, 0), (uint8_t)v->version);
    assert_int_equal(a.count, 1);
    assert_int_equal(skip_connack(&a), 1);
    raw_forget(rig, 0);
    return rig;
}

static void
say_at_once(struct rig *rig, struct view bytes)
{
    raw_send(rig, 0, bytes);
}

static void
say_bytewise(struct rig *rig, struct view bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        raw_send(rig, 0, view_of(bytes.data + i, 1));
        rig_wait(rig, 1);
    }
}

static void
converse(const struct mqtt_vector *v, void (*say)(struct rig *rig, struct view bytes))
{
    uint8_t bytes[VECTOR_BYTES_MAX];
    struct rig *rig = open_rig(v);
    say(rig, view_of(bytes, notation_bytes(v->sends, bytes, sizeof(bytes))));
    rig_wait(rig, ANSWER_MS);
    if (v->answer == ANSWER_REFUSAL)
        expect_refused(rig, v);
    else if (v->answer == ANSWER_BYTES)
        expect_bytes(rig, v);
    else
        expect_accepted(rig, v);
    if (v->answer != ANSWER_REFUSAL)
        expect_open(rig);
    rig_free(rig);
}

static void
node_agrees(void **state)
{
    converse(*state, say_at_once);
    converse(*state, say_bytewise);
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

struct named {
    char name[128];
};

static size_t
list_tests(struct CMUnitTest *tests, struct named *names)
{
    size_t n = 0;
    for (const struct mqtt_vectors *const *table = mqtt_vector_tables; *table != NULL; table++)
        for (size_t i = 0; i < (*table)->count; i++) {
            const struct mqtt_vector *row = &(*table)->rows[i];
            if (row->setup == FROM_SERVER)
                continue;
            if (tests != NULL) {
                snprintf(names[n].name, sizeof(names[n].name), "session:%s", row->name);
                tests[n] = (struct CMUnitTest){ .name = names[n].name,
                                                .test_func = node_agrees,
                                                .initial_state = (void *)(uintptr_t)row };
            }
            n++;
        }
    return n;
}

int
main(void)
{
    size_t count = list_tests(NULL, NULL);
    struct CMUnitTest *tests = calloc(count, sizeof(*tests));
    struct named *names = calloc(count, sizeof(*names));
    must(tests != NULL && names != NULL);
    list_tests(tests, names);
    int failed = _cmocka_run_group_tests("mqtt_session", tests, count, NULL, NULL);
    free(tests);
    free(names);
    return failed;
}
