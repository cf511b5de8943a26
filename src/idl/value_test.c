/* JSON to XDR and back: every type, every refusal with its path, and random bytes by random trees. */
#include "idl/value.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "base/prng.h"
#include "guard.h"
#include "idl/idl_rig.h"

/* One interface for all: each row names a type of it. */
static const char interface[] =
    "typedef bool t_bool; typedef char t_char; typedef unsigned char t_uchar; typedef short t_short; typedef int t_int;"
    "typedef unsigned t_uint; typedef hyper t_hyper; typedef unsigned hyper t_uhyper; typedef float t_float;"
    "typedef double t_double; typedef string t_string<5>; typedef opaque t_fixed[3]; typedef opaque t_bytes<4>;"
    "typedef int t_array[2]; typedef int t_vector<3>; typedef int *t_pointer; typedef string strings<>;"
    "typedef strings t_strings<>; enum color { RED = 1, GREEN = 2, VERDE = 2, BLUE = -1 };"
    "struct point { int x; int y; point *next; };"
    "struct path { string name<>; point points<2>; };"
    "union result switch (color c) { case RED: int a; case GREEN: void; case BLUE: point b; };"
    "union maybe switch (bool there) { case TRUE: t_vector v; default: void; };"
    "union wide switch (unsigned n) { case 0xffffffff: int a; };"
    "struct tree { tree kids<>; };"
    "struct byte { opaque b<>; };\n"
    "%#include <time.h>\nstruct c { struct timespec t; };"
    "program P { version V { void NONE(void) = 0; int ONE(point) = 1; int TWO(int a, string) = 2; int OPT(t_pointer) = "
    "3; } = 1; } = 1;";

static int
setup(void **state)
{
    static struct idl_rig rig;
    idl_rig_read(&rig, interface);
    *state = &rig;
    return rig.rc;
}

static int
teardown(void **state)
{
    idl_rig_fini(*state);
    return 0;
}

static struct idl_decl
decl_of(const struct idl_rig *rig, const char *name)
{
    return (struct idl_decl){
        .type = {.kind = IDL_NAMED, .def = idl_rig_def(rig, name)}
    };
}

static json_t *
json_of(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (json == NULL)
        fail_msg("%s: %s", text, error.text);
    return json;
}

static size_t
print_hex(struct view bytes, char *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes.len; i++)
        n += (size_t)sprintf(ret + n, i > 0 && i % 4 == 0 ? " %02x" : "%02x", bytes.data[i]);
    ret[n] = '\0';
    return n;
}

static size_t
take_hex(const char *hex, uint8_t *ret)
{
    size_t n = 0;
    for (unsigned byte; *hex != '\0'; hex += 2) {
        hex += *hex == ' ';
        must(sscanf(hex, "%2x", &byte) == 1);
        ret[n++] = (uint8_t)byte;
    }
    return n;
}

static void
encodes(const struct idl_rig *rig, const char *type, const char *text, const char *hex)
{
    struct idl_decl decl = decl_of(rig, type);
    struct tambo_xdr_out out;
    char said[500];
    json_t *json = json_of(text);
    tambo_xdr_out_init(&out, 1 << 20);
    if (idl_value_encode(&decl, json, &out) != 0) {
        tambo_xdr_why(&out.fault, said, sizeof(said));
        fail_msg("%s %s: %s", type, text, said);
    }
    assert_int_equal(out.depth, 0);
    print_hex(view_of(out.start, tambo_xdr_out_len(&out)), said);
    assert_string_equal(said, hex);
    tambo_xdr_out_free(&out);
    json_decref(json);
}

static void
decodes(const struct idl_rig *rig, const char *type, const char *hex, const char *text)
{
    struct idl_decl decl = decl_of(rig, type);
    uint8_t bytes[200];
    struct tambo_xdr_in in;
    json_t *json;
    tambo_xdr_in_init(&in, bytes, take_hex(hex, bytes), NULL);
    assert_int_equal(idl_value_decode(&decl, &in, &json), 0);
    assert_ptr_equal(in.at, in.end);
    assert_int_equal(in.depth, 0);
    char *said = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
    assert_string_equal(said, text);
    free(said);
    json_decref(json);
}

static void
both(const struct idl_rig *rig, const char *type, const char *text, const char *hex)
{
    encodes(rig, type, text, hex);
    decodes(rig, type, hex, text);
}

static void
numbers(void **state)
{
    both(*state, "t_bool", "true", "00000001");
    both(*state, "t_bool", "false", "00000000");
    both(*state, "t_char", "-128", "ffffff80");
    both(*state, "t_uchar", "255", "000000ff");
    both(*state, "t_short", "-1", "ffffffff");
    both(*state, "t_int", "-2147483648", "80000000");
    both(*state, "t_uint", "4294967295", "ffffffff");
    both(*state, "t_hyper", "-9223372036854775808", "80000000 00000000");
    both(*state, "t_hyper", "9007199254740993", "00200000 00000001");
    both(*state, "t_uhyper", "9223372036854775807", "7fffffff ffffffff");
    both(*state, "t_uhyper", "\"18446744073709551615\"", "ffffffff ffffffff");
    encodes(*state, "t_uhyper", "\"1\"", "00000000 00000001");
    both(*state, "t_float", "1.5", "3fc00000");
    both(*state, "t_float", "\"Infinity\"", "7f800000");
    both(*state, "t_double", "-0.125", "bfc00000 00000000");
    both(*state, "t_double", "\"-Infinity\"", "fff00000 00000000");
    encodes(*state, "t_double", "2", "40000000 00000000");
    decodes(*state, "t_double", "7ff80000 00000000", "\"NaN\"");
    both(*state, "color", "\"RED\"", "00000001");
    both(*state, "color", "\"BLUE\"", "ffffffff");
    encodes(*state, "color", "\"VERDE\"", "00000002");
    encodes(*state, "color", "-1", "ffffffff");
    both(*state, "color", "77", "0000004d");
}

static void
bytes(void **state)
{
    both(*state, "t_string", "\"abcde\"", "00000005 61626364 65000000");
    both(*state, "t_string", "\"\"", "00000000");
    both(*state, "t_string", "{\"base64\":\"/w==\"}", "00000001 ff000000");
    both(*state, "t_fixed", "\"AQID\"", "01020300");
    both(*state, "t_bytes", "\"AQIDBA==\"", "00000004 01020304");
    both(*state, "t_bytes", "\"AQ==\"", "00000001 01000000");
    both(*state, "t_bytes", "\"\"", "00000000");
}

static void
put_together(void **state)
{
    both(*state, "t_array", "[1,2]", "00000001 00000002");
    both(*state, "t_vector", "[1,2,3]", "00000003 00000001 00000002 00000003");
    both(*state, "t_vector", "[]", "00000000");
    both(*state, "t_strings", "[\"a\",\"\"]", "00000002 00000001 61000000 00000000");
    both(*state, "t_pointer", "null", "00000000");
    both(*state, "t_pointer", "7", "00000001 00000007");
    both(*state, "path", "{\"name\":\"n\",\"points\":[{\"x\":1,\"y\":2,\"next\":{\"x\":3,\"y\":4,\"next\":null}}]}",
         "00000001 6e000000 00000001 00000001 00000002 00000001 00000003 00000004 00000000");
    encodes(*state, "point", "{\"y\":2,\"x\":1}", "00000001 00000002 00000000");
    both(*state, "result", "{\"discriminant\":\"RED\",\"arm\":5}", "00000001 00000005");
    both(*state, "result", "{\"discriminant\":\"GREEN\"}", "00000002");
    encodes(*state, "result", "{\"discriminant\":2,\"arm\":null}", "00000002");
    both(*state, "result", "{\"discriminant\":\"BLUE\",\"arm\":{\"x\":1,\"y\":2,\"next\":null}}",
         "ffffffff 00000001 00000002 00000000");
    both(*state, "maybe", "{\"discriminant\":true,\"arm\":[9]}", "00000001 00000001 00000009");
    both(*state, "maybe", "{\"discriminant\":false}", "00000000");
    both(*state, "wide", "{\"discriminant\":4294967295,\"arm\":-1}", "ffffffff ffffffff");
    both(*state, "tree", "{\"kids\":[{\"kids\":[]},{\"kids\":[]}]}", "00000002 00000000 00000000");
}

/* ---- refusals -------------------------------------------------------------------------------------------------- */

static const struct {
    const char *type, *text, *said;
} bad_json[] = {
    {"t_bool",    "1",                                                                  "true or false was expected"                            },
    { "t_int",    "\"1\"",                                                              "an integer was expected"                               },
    { "t_int",    "1.0",                                                                "an integer was expected"                               },
    { "t_int",    "2147483648",                                                         "out of the range of its type"                          },
    { "t_int",    "-2147483649",                                                        "out of the range of its type"                          },
    { "t_uint",   "-1",                                                                 "out of the range of its type"                          },
    { "t_char",   "128",                                                                "out of the range of its type"                          },
    { "t_uchar",  "256",                                                                "out of the range of its type"                          },
    { "t_uhyper", "-1",                                                                 "out of the range of its type"                          },
    { "t_uhyper", "\"18446744073709551616\"",                                           "digits were expected"                                  },
    { "t_uhyper", "\"-1\"",                                                             "digits were expected"                                  },
    { "t_uhyper", "\"\"",                                                               "digits were expected"                                  },
    { "t_hyper",  "\"1\"",                                                              "an integer was expected"                               },
    { "t_float",  "1e300",                                                              "out of the range of its type"                          },
    { "t_float",  "\"inf\"",                                                            "a number was expected"                                 },
    { "t_double", "null",                                                               "a number was expected"                                 },
    { "color",    "\"PINK\"",                                                           "the enum has no such name"                             },
    { "color",    "2147483648",                                                         "out of the range of its type"                          },
    { "color",    "true",                                                               "the name of an enumerator or its number was expected"  },
    { "t_string", "\"abcdef\"",                                                         "longer than its limit"                                 },
    { "t_string", "\"a\\u0000b\"",                                                      "a string has a NUL inside"                             },
    { "t_string", "{\"base64\":\"AQIDBAUG\"}",                                          "longer than its limit"                                 },
    { "t_string", "{\"base64\":\"AQ==\",\"x\":1}",                                      "a string was expected"                                 },
    { "t_string", "7",                                                                  "a string was expected"                                 },
    { "t_bytes",  "\"AQIDBAU=\"",                                                       "longer than its limit"                                 },
    { "t_bytes",  "\"A\"",                                                              "not base64"                                            },
    { "t_bytes",  "\"A*==\"",                                                           "not base64"                                            },
    { "t_bytes",  "[1]",                                                                "a string in base64 was expected"                       },
    { "t_fixed",  "\"AQI=\"",                                                           "not as long as it must be"                             },
    { "t_fixed",  "\"AQ*D\"",                                                           "not base64"                                            },
    { "t_array",  "[1]",                                                                "not as long as it must be"                             },
    { "t_vector", "[1,2,3,4]",                                                          "longer than its limit"                                 },
    { "t_vector", "{}",                                                                 "an array was expected"                                 },
    { "t_vector", "[1,true]",                                                           "[1]: an integer was expected"                          },
    { "point",    "[]",                                                                 "an object was expected"                                },
    { "point",    "{\"x\":1}",                                                          "y: it is missing"                                      },
    { "point",    "{\"x\":1,\"y\":2,\"z\":3}",                                          "z: there is no such field"                             },
    { "point",    "{\"x\":1,\"y\":2,\"next\":{\"x\":1,\"y\":\"\"}}",                    "next.y: an integer was expected"                       },
    { "path",     "{\"name\":\"\",\"points\":[{\"x\":1,\"y\":2},{\"x\":1.5,\"y\":2}]}",
     "points[1].x: an integer was expected"                                                                                                     },
    { "result",   "7",                                                                  "an object of \"discriminant\" and \"arm\" was expected"},
    { "result",   "{\"arm\":5}",                                                        "an object of \"discriminant\" and \"arm\" was expected"},
    { "result",   "{\"discriminant\":\"RED\",\"arm\":5,\"x\":1}",
     "an object of \"discriminant\" and \"arm\" was expected"                                                                                   },
    { "result",   "{\"discriminant\":\"RED\"}",                                         "arm: it is missing"                                    },
    { "result",   "{\"discriminant\":\"RED\",\"arm\":\"\"}",                            "arm: an integer was expected"                          },
    { "result",   "{\"discriminant\":\"GREEN\",\"arm\":1}",                             "arm: nothing was expected"                             },
    { "result",   "{\"discriminant\":\"PINK\"}",                                        "discriminant: the enum has no such name"               },
    { "result",   "{\"discriminant\":5}",                                               "discriminant: the union has no such case"              },
    { "c",        "{\"t\":1}",                                                          "t: a type that only C knows"                           },
};

static void
refuses_json(void **state)
{
    for (size_t i = 0; i < COUNT_OF(bad_json); i++) {
        struct idl_decl decl = decl_of(*state, bad_json[i].type);
        struct tambo_xdr_out out;
        char said[300];
        json_t *json = json_of(bad_json[i].text);
        tambo_xdr_out_init(&out, 1 << 20);
        assert_int_equal(idl_value_encode(&decl, json, &out), -ERR_ARGUMENTS);
        tambo_xdr_why(&out.fault, said, sizeof(said));
        assert_string_equal(said, bad_json[i].said);
        tambo_xdr_out_free(&out);
        json_decref(json);
    }
}

static void
refuses_bytes(void **state)
{
    static const struct {
        const char *type, *hex, *said;
    } rows[] = {
        {"t_bool",     "00000002",                                              "neither true nor false"                  },
        { "t_int",     "000000",                                                "the input ends before it"                },
        { "t_hyper",   "00000000 000000",                                       "the input ends before it"                },
        { "t_char",    "00000080",                                              "does not fit its type"                   },
        { "t_uchar",   "ffffffff",                                              "does not fit its type"                   },
        { "t_string",  "00000006 61616161 61610000",                            "longer than its limit"                   },
        { "t_string",  "00000002 61000000",                                     "a string has a NUL inside"               },
        { "t_string",  "00000001 61000001",                                     "its padding is not zero"                 },
        { "t_string",  "00000005 61616161",                                     "the input ends before it"                },
        { "t_fixed",   "01020301",                                              "its padding is not zero"                 },
        { "t_bytes",   "ffffffff",                                              "longer than its limit"                   },
        { "t_array",   "00000001",                                              "the input ends before its elements"      },
        { "t_vector",  "00000004 00000001 00000001 00000001 00000001",          "longer than its limit"                   },
        { "t_vector",  "00000003 00000001 00000001",                            "the input ends before its elements"      },
        { "t_strings", "00000002 00000001 61000000 00000001",                   "[1]: the input ends before it"           },
        { "t_pointer", "00000002",                                              "neither true nor false"                  },
        { "path",      "00000000 00000001 00000001 00000002 00000001 00000003",
         "points[0].next.y: the input ends before it"                                                                     },
        { "result",    "00000005",                                              "discriminant: the union has no such case"},
        { "result",    "00000001",                                              "arm: the input ends before it"           },
        { "c",         "00000000",                                              "t: a type that only C knows"             },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct idl_decl decl = decl_of(*state, rows[i].type);
        struct tambo_xdr_in in;
        uint8_t room[200];
        char said[300];
        json_t *json = NULL;
        tambo_xdr_in_init(&in, room, take_hex(rows[i].hex, room), NULL);
        assert_int_equal(idl_value_decode(&decl, &in, &json), -ERR_PROTOCOL);
        assert_null(json);
        tambo_xdr_why(&in.fault, said, sizeof(said));
        assert_string_equal(said, rows[i].said);
    }
}

/* A list of so many elements. */
static json_t *
list_of(unsigned n)
{
    json_t *list = json_null();
    for (unsigned i = 0; i < n; i++)
        list = json_pack("{si,si,so}", "x", 1, "y", 2, "next", list);
    return list;
}

static void
depths(void **state)
{
    struct idl_decl decl = decl_of(*state, "point");
    struct tambo_xdr_out out;
    struct tambo_xdr_in in;
    json_t *list = list_of(IDL_VALUE_DEPTH_MAX), *longer = list_of(IDL_VALUE_DEPTH_MAX + 1), *json = NULL;
    tambo_xdr_out_init(&out, 1 << 20);
    assert_int_equal(idl_value_encode(&decl, list, &out), 0);
    tambo_xdr_in_init(&in, out.start, tambo_xdr_out_len(&out), NULL);
    assert_int_equal(idl_value_decode(&decl, &in, &json), 0);
    assert_true(json_equal(json, list));
    char *said = json_dumps(json, 0);
    assert_non_null(said);
    free(said);
    json_decref(json);
    assert_int_equal(idl_value_encode(&decl, longer, &out), -ERR_ARGUMENTS);
    assert_string_equal(out.fault.text, "nested too deeply");
    assert_int_equal(out.depth, 0);
    tambo_xdr_out_free(&out);
    json_decref(list);
    json_decref(longer);

    /* Every list says that another one follows. */
    uint8_t ones[(IDL_VALUE_DEPTH_MAX + 1) * 12];
    for (size_t i = 0; i < sizeof(ones); i++)
        ones[i] = i % 4 == 3;
    tambo_xdr_in_init(&in, ones, sizeof(ones), NULL);
    assert_int_equal(idl_value_decode(&decl, &in, &json), -ERR_PROTOCOL);
    assert_string_equal(in.fault.text, "nested too deeply");
}

static void
arguments_are(const struct idl_procedure *procedure, const char *text, const char *hex, const char *back)
{
    struct tambo_xdr_out out;
    struct tambo_xdr_in in;
    char said[300];
    json_t *json = text == NULL ? NULL : json_of(text);
    tambo_xdr_out_init(&out, 1 << 20);
    assert_int_equal(idl_arguments_encode(procedure, json, &out), 0);
    print_hex(view_of(out.start, tambo_xdr_out_len(&out)), said);
    assert_string_equal(said, hex);
    json_decref(json);
    tambo_xdr_in_init(&in, out.start, tambo_xdr_out_len(&out), NULL);
    assert_int_equal(idl_arguments_decode(procedure, &in, &json), 0);
    char *dump = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
    assert_string_equal(dump, back);
    free(dump);
    json_decref(json);
    tambo_xdr_out_free(&out);
}

static void
arguments_fail(const struct idl_procedure *procedure, const char *text, const char *why)
{
    struct tambo_xdr_out out;
    char said[300];
    json_t *json = text == NULL ? NULL : json_of(text);
    tambo_xdr_out_init(&out, 1 << 20);
    assert_int_equal(idl_arguments_encode(procedure, json, &out), -ERR_ARGUMENTS);
    tambo_xdr_why(&out.fault, said, sizeof(said));
    assert_string_equal(said, why);
    json_decref(json);
    tambo_xdr_out_free(&out);
}

static void
arguments(void **state)
{
    const struct idl_procedure *none = idl_rig_def(*state, "P")->program.versions->procedures, *one = none->next,
                               *two = one->next, *opt = two->next;
    arguments_are(none, NULL, "", "null");
    arguments_are(none, "null", "", "null");
    arguments_are(none, "{}", "", "null");
    arguments_are(none, "[]", "", "null");
    arguments_are(one, "{\"x\":1,\"y\":2}", "00000001 00000002 00000000", "{\"x\":1,\"y\":2,\"next\":null}");
    arguments_are(two, "{\"a\":1,\"arg2\":\"b\"}", "00000001 00000001 62000000", "{\"a\":1,\"arg2\":\"b\"}");
    arguments_are(two, "[1,\"b\"]", "00000001 00000001 62000000", "{\"a\":1,\"arg2\":\"b\"}");
    arguments_are(opt, NULL, "00000000", "null");
    arguments_fail(none, "1", "the procedure takes no arguments");
    arguments_fail(none, "[1]", "the procedure takes no arguments");
    arguments_fail(one, NULL, "the procedure takes an argument");
    arguments_fail(one, "1", "an object was expected");
    arguments_fail(two, "1", "an array or an object of the arguments was expected");
    arguments_fail(two, "[1]", "arg2: it is missing");
    arguments_fail(two, "{\"arg2\":\"\"}", "a: it is missing");
    arguments_fail(two, "{\"a\":\"\",\"arg2\":\"\"}", "a: an integer was expected");
    arguments_fail(two, "[1,\"\",3]", "more than the arguments were given");
    arguments_fail(two, "{\"a\":1,\"arg2\":\"\",\"b\":1}", "more than the arguments were given");
}

static int
no_room(struct tambo_xdr_out *out, size_t n)
{
    (void)out;
    (void)n;
    return -ERR_NO_MEMORY;
}

/* Room that ends anywhere is an error of its own, input that ends anywhere is a fault; neither is overrun. */
static void
cut_at_every_byte(void **state)
{
    static const char text[] = "{\"name\":\"four\",\"points\":[{\"x\":1,\"y\":2,\"next\":{\"x\":3,\"y\":4}}]}";
    struct idl_decl decl = decl_of(*state, "path");
    json_t *json = json_of(text), *back = NULL;
    struct guard guard;
    guard_init(&guard, 200);
    size_t whole = 0;
    for (size_t n = 0; whole == 0; n++) {
        struct view room = guard_place(&guard, view_of("................................................", n));
        struct tambo_xdr_out out = {
            .at = (uint8_t *)room.data, .start = (uint8_t *)room.data, .end = guard.end, .more = no_room
        };
        int rc = idl_value_encode(&decl, json, &out);
        assert_true(rc == 0 || rc == -ERR_NO_MEMORY);
        whole = rc == 0 ? n : 0;
    }
    assert_int_equal(whole, 36);
    uint8_t encoded[36];
    memcpy(encoded, guard.end - whole, whole);
    for (size_t n = 0; n <= whole; n++) {
        struct view input = guard_place(&guard, view_of(encoded, n));
        struct tambo_xdr_in in;
        tambo_xdr_in_init(&in, input.data, input.len, NULL);
        assert_int_equal(idl_value_decode(&decl, &in, &back), n == whole ? 0 : -ERR_PROTOCOL);
    }
    json_decref(back);
    json_decref(json);
    guard_fini(&guard);
}

/* ---- at random ------------------------------------------------------------------------------------------------- */

/* What decodes encodes to the same bytes: XDR has one form, and JSON loses none of it. */
static void
check_random(const struct idl_decl *decl, struct prng *prng, const struct guard *guard)
{
    uint8_t noise[64], copy[64];
    size_t len = 4 * prng_below(prng, 17);
    prng_fill(prng, noise, sizeof(noise));
    for (size_t i = 0; i < len; i++)
        noise[i] = i % 4 == 3 ? (uint8_t)prng_below(prng, 4) : prng_once_in(prng, 20) ? noise[i] : 0;
    memcpy(copy, noise, len);
    struct view bytes_in = guard_place(guard, view_of(noise, len));
    struct tambo_xdr_in in;
    struct tambo_xdr_out out;
    json_t *json;
    tambo_xdr_in_init(&in, bytes_in.data, bytes_in.len, NULL);
    int rc = idl_value_decode(decl, &in, &json);
    assert_true(rc == 0 || rc == -ERR_PROTOCOL);
    if (rc < 0)
        return;
    size_t used = len - (size_t)(in.end - in.at);
    tambo_xdr_out_init(&out, 1 << 20);
    assert_int_equal(idl_value_encode(decl, json, &out), 0);
    assert_int_equal(tambo_xdr_out_len(&out), used);
    assert_memory_equal(out.start == NULL ? noise : out.start, copy, used);
    tambo_xdr_out_free(&out);
    json_decref(json);
}

static void
random_bytes(void **state)
{
    static const char *const types[] = { "t_bool",  "t_char",   "t_uhyper",  "t_string", "t_fixed", "t_bytes",
                                         "t_array", "t_vector", "t_pointer", "color",    "point",   "path",
                                         "result",  "maybe",    "wide",      "tree",     "byte",    "t_strings" };
    struct prng prng;
    struct guard guard;
    guard_init(&guard, 64);
    prng_init(&prng, 4506);
    for (unsigned i = 0; i < 20000; i++) {
        struct idl_decl decl = decl_of(*state, types[prng_below(&prng, COUNT_OF(types))]);
        check_random(&decl, &prng, &guard);
    }
    guard_fini(&guard);
}

/* ---- without memory -------------------------------------------------------------------------------------------- */

static size_t left;

static void *
take(size_t n)
{
    if (left == 0)
        return NULL;
    left--;
    return malloc(n);
}

/* jansson's memory ends at every allocation. */
static void
without_memory(void **state)
{
    struct idl_decl decls[] = { decl_of(*state, "path"), decl_of(*state, "t_strings"), decl_of(*state, "byte"),
                                decl_of(*state, "result") };
    static const char *const inputs[] = {
        "00000001 6e000000 00000001 00000001 00000002 00000001 00000003 00000004 00000000",
        "00000002 00000001 ff000000 00000001 61000000",
        "00000002 01020000",
        "00000001 00000005",
    };
    json_malloc_t before;
    json_free_t drop;
    json_get_alloc_funcs(&before, &drop);
    for (size_t i = 0; i < COUNT_OF(decls); i++) {
        int rc = -ERR_NO_MEMORY;
        for (size_t n = 0; rc == -ERR_NO_MEMORY; n++) {
            uint8_t room[100];
            struct tambo_xdr_in in;
            json_t *json;
            tambo_xdr_in_init(&in, room, take_hex(inputs[i], room), NULL);
            left = n;
            json_set_alloc_funcs(take, free);
            rc = idl_value_decode(&decls[i], &in, &json);
            json_set_alloc_funcs(before, drop);
            if (rc == 0)
                json_decref(json);
            assert_true(n < 1000);
        }
        assert_int_equal(rc, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),       cmocka_unit_test(bytes),
        cmocka_unit_test(put_together),  cmocka_unit_test(refuses_json),
        cmocka_unit_test(refuses_bytes), cmocka_unit_test(depths),
        cmocka_unit_test(arguments),     cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(random_bytes),  cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
