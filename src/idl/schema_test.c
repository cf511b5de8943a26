/* The schema's form, and that it takes what decoding gives: a small validator reads it. */
#include "idl/schema.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/must.h"
#include "base/prng.h"
#include "idl/idl_rig.h"
#include "idl/value.h"

static const char interface[] = "/* Which\n * way.\n */\nenum way { UP, DOWN };\n"
                                "/* One place\n\n   of many */\nstruct place { int x; /* to the right */ unsigned char "
                                "y; hyper z; unsigned hyper w; };\n"
                                "struct s { bool a; float b; string c<5>; string d<>; opaque e[4]; opaque f<5>; place "
                                "g[2]; way h<3>; s *next; void_like i; };\n"
                                "union void_like switch (way w) { case UP: int n; case DOWN: void; };\n"
                                "union other switch (int w) { case 1: case 2: string t<>; default: s *p; };\n"
                                "union flag switch (bool f) { case TRUE: int n; case FALSE: void; };\n"
                                "typedef other others<>;\n"
                                "program P { version V {\n/* nothing at all */ void NONE(void) = 0; place ONE(place) = "
                                "1; flag TWO(int a, string, s *more) = 2; } = 3; } = 0x20000001;\n";

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

/* ---- form ------------------------------------------------------------------------------------------------------ */

static void
is(const json_t *json, const char *text)
{
    char *said = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_string_equal(said, text);
    free(said);
}

static const json_t *
at(const json_t *json, const char *a, const char *b)
{
    return json_object_get(json_object_get(json, a), b);
}

static void
forms(void **state)
{
    json_t *schema = idl_schema(&((struct idl_rig *)*state)->idl);
    is(json_object_get(schema, "$schema"), "\"https://json-schema.org/draft/2020-12/schema\"");
    is(at(schema, "$defs", "way"),
       "{\"anyOf\":[{\"enum\":[\"UP\",\"DOWN\"]},{\"type\":\"integer\"}],\"description\":\"Which\\nway.\"}");
    is(at(schema, "$defs", "place"),
       "{\"type\":\"object\",\"properties\":{"
       "\"x\":{\"type\":\"integer\",\"minimum\":-2147483648,\"maximum\":2147483647,\"description\":\"to the right\"},"
       "\"y\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":255},"
       "\"z\":{\"type\":\"integer\",\"minimum\":-9223372036854775808,\"maximum\":9223372036854775807},"
       "\"w\":{\"anyOf\":[{\"type\":\"integer\",\"minimum\":0,\"maximum\":9223372036854775807},"
       "{\"type\":\"string\",\"pattern\":\"^[0-9]{1,20}$\"}]}},"
       "\"required\":[\"x\",\"y\",\"z\",\"w\"],\"additionalProperties\":false,\"description\":\"One place\\nof "
       "many\"}");
    const json_t *fields = at(at(schema, "$defs", "s"), "properties", "e");
    is(fields, "{\"type\":\"string\",\"contentEncoding\":\"base64\",\"maxLength\":8,\"minLength\":8}");
    is(at(at(schema, "$defs", "s"), "properties", "g"),
       "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/place\"},\"minItems\":2,\"maxItems\":2}");
    is(at(at(schema, "$defs", "s"), "properties", "next"),
       "{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#/$defs/s\"}]}");
    is(json_object_get(at(schema, "$defs", "s"), "required"),
       "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]");
    is(at(schema, "$defs", "flag"),
       "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"discriminant\":{\"enum\":[true]},"
       "\"arm\":{\"type\":\"integer\",\"minimum\":-2147483648,\"maximum\":2147483647}},\"required\":[\"discriminant\","
       "\"arm\"],"
       "\"additionalProperties\":false,\"title\":\"n\"},"
       "{\"type\":\"object\",\"properties\":{\"discriminant\":{\"enum\":[false]},\"arm\":{\"type\":\"null\"}},"
       "\"required\":[\"discriminant\"],\"additionalProperties\":false}]}");
    is(json_object_get(json_array_get(json_object_get(at(schema, "$defs", "void_like"), "oneOf"), 0), "title"),
       "\"n\"");
    json_decref(schema);
}

static void
programs(void **state)
{
    json_t *schema = idl_schema(&((struct idl_rig *)*state)->idl);
    const json_t *program = at(schema, "programs", "P"), *version = at(program, "versions", "V");
    is(json_object_get(program, "number"), "536870913");
    is(json_object_get(version, "number"), "3");
    is(at(version, "procedures", "NONE"), "{\"number\":0,\"arguments\":{\"type\":\"null\"},\"result\":{\"type\":"
                                          "\"null\"},\"description\":\"nothing at all\"}");
    is(at(version, "procedures", "ONE"),
       "{\"number\":1,\"arguments\":{\"$ref\":\"#/$defs/place\"},\"result\":{\"$ref\":\"#/$defs/place\"}}");
    const json_t *two = json_object_get(at(version, "procedures", "TWO"), "arguments");
    is(json_object_get(json_array_get(json_object_get(two, "anyOf"), 0), "required"), "[\"a\",\"arg2\"]");
    assert_int_equal(json_array_size(json_object_get(json_array_get(json_object_get(two, "anyOf"), 1), "prefixItems")),
                     3);
    json_decref(schema);
}

/* ---- a validator, for the words that a schema of ours has ------------------------------------------------------- */

static bool fits(const json_t *root, const json_t *schema, const json_t *value);

static bool
is_of_type(const json_t *value, const char *type)
{
    static const struct {
        const char *name;
        json_type a, b;
    } rows[] = {
        {"object",   JSON_OBJECT,  JSON_OBJECT },
        { "array",   JSON_ARRAY,   JSON_ARRAY  },
        { "string",  JSON_STRING,  JSON_STRING },
        { "integer", JSON_INTEGER, JSON_INTEGER},
        { "number",  JSON_INTEGER, JSON_REAL   },
        { "boolean", JSON_TRUE,    JSON_FALSE  },
        { "null",    JSON_NULL,    JSON_NULL   },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].name, type) == 0)
            return json_typeof(value) == rows[i].a || json_typeof(value) == rows[i].b;
    fail_msg("no such type: %s", type);
    return false;
}

static size_t
count_fitting(const json_t *root, const json_t *schemas, const json_t *value)
{
    size_t n = 0, i;
    json_t *schema;
    json_array_foreach(schemas, i, schema) n += fits(root, schema, value);
    return n;
}

static bool
is_among(const json_t *values, const json_t *value)
{
    size_t i;
    json_t *other;
    json_array_foreach(values, i, other) if (json_equal(other, value)) return true;
    return false;
}

static bool
fits_object(const json_t *root, const json_t *schema, const json_t *object)
{
    const char *key;
    size_t i;
    json_t *value, *name;
    json_object_foreach((json_t *)object, key, value)
    {
        const json_t *property = at(schema, "properties", key);
        if (property == NULL || !fits(root, property, value))
            return false;
    }
    json_array_foreach(json_object_get(schema, "required"), i,
                       name) if (json_object_get(object, json_string_value(name)) == NULL) return false;
    return true;
}

static bool
fits_array(const json_t *root, const json_t *schema, const json_t *array)
{
    const json_t *min = json_object_get(schema, "minItems"), *max = json_object_get(schema, "maxItems");
    json_int_t n = (json_int_t)json_array_size(array);
    size_t i;
    json_t *value;
    json_array_foreach(array, i, value) if (!fits(root, json_object_get(schema, "items"), value)) return false;
    return (min == NULL || n >= json_integer_value(min)) && (max == NULL || n <= json_integer_value(max));
}

static bool
fits_limits(const json_t *schema, const json_t *value)
{
    const json_t *min = json_object_get(schema, json_is_string(value) ? "minLength" : "minimum");
    const json_t *max = json_object_get(schema, json_is_string(value) ? "maxLength" : "maximum");
    json_int_t x = json_is_string(value) ? (json_int_t)json_string_length(value) : json_integer_value(value);
    return (min == NULL || x >= json_integer_value(min)) && (max == NULL || x <= json_integer_value(max));
}

static bool
fits(const json_t *root, const json_t *schema, const json_t *value)
{
    const json_t *type = json_object_get(schema, "type"), *ref = json_object_get(schema, "$ref");
    const json_t *any = json_object_get(schema, "anyOf"), *one = json_object_get(schema, "oneOf");
    const json_t *all = json_object_get(schema, "allOf"), *not = json_object_get(schema, "not");
    const json_t *among = json_object_get(schema, "enum");
    if (ref != NULL)
        return fits(root, at(root, "$defs", json_string_value(ref) + strlen("#/$defs/")), value);
    if (type != NULL && !is_of_type(value, json_string_value(type)))
        return false;
    if ((any != NULL && count_fitting(root, any, value) == 0) || (one != NULL && count_fitting(root, one, value) != 1))
        return false;
    if ((all != NULL && count_fitting(root, all, value) != json_array_size(all)) ||
        (not != NULL && fits(root, not, value)))
        return false;
    if (among != NULL && !is_among(among, value))
        return false;
    if (type != NULL && json_is_object(value))
        return fits_object(root, schema, value);
    if (type != NULL && json_is_array(value))
        return fits_array(root, schema, value);
    return fits_limits(schema, value);
}

/* What is decoded of random bytes fits the schema; what the schema refuses does not encode. */
static void
it_takes_what_decoding_gives(void **state)
{
    static const char *const types[] = { "way", "place", "s", "void_like", "other", "flag", "others" };
    json_t *schema = idl_schema(&((struct idl_rig *)*state)->idl);
    struct prng prng;
    unsigned decoded = 0;
    prng_init(&prng, 5531);
    for (unsigned i = 0; i < 20000; i++) {
        const char *type = types[prng_below(&prng, COUNT_OF(types))];
        struct idl_decl decl = {
            .type = {.kind = IDL_NAMED, .def = idl_rig_def(*state, type)}
        };
        uint8_t noise[120];
        struct tambo_xdr_in in;
        json_t *value;
        for (size_t k = 0; k < sizeof(noise); k++)
            noise[k] = k % 4 == 3 ? (uint8_t)prng_below(&prng, 3) : 0;
        tambo_xdr_in_init(&in, noise, sizeof(noise), NULL);
        if (idl_value_decode(&decl, &in, &value) < 0)
            continue;
        if (!fits(schema, at(schema, "$defs", type), value))
            fail_msg("%s: %s", type, json_dumps(value, JSON_ENCODE_ANY));
        json_decref(value);
        decoded++;
    }
    assert_true(decoded > 2000);
    json_decref(schema);
}

static void
what_neither_takes(void **state)
{
    static const char *const rows[][2] = {
        {"place",      "{\"x\":1,\"y\":256,\"z\":0,\"w\":0}"      },
        { "place",     "{\"x\":1,\"y\":1,\"z\":0}"                },
        { "place",     "{\"x\":1,\"y\":1,\"z\":0,\"w\":0,\"v\":0}"},
        { "way",       "\"LEFT\""                                 },
        { "void_like", "{\"discriminant\":\"UP\"}"                },
        { "void_like", "{\"discriminant\":\"DOWN\",\"arm\":1}"    },
        { "other",     "{\"discriminant\":1,\"arm\":null}"        },
        { "flag",      "{\"discriminant\":1}"                     },
        { "others",    "{}"                                       },
        { "other",     "{\"discriminant\":7,\"arm\":\"\"}"        },
    };
    json_t *schema = idl_schema(&((struct idl_rig *)*state)->idl);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct idl_decl decl = {
            .type = {.kind = IDL_NAMED, .def = idl_rig_def(*state, rows[i][0])}
        };
        struct tambo_xdr_out out;
        json_t *value = json_loads(rows[i][1], JSON_DECODE_ANY, NULL);
        tambo_xdr_out_init(&out, 1000);
        assert_true(idl_value_encode(&decl, value, &out) < 0);
        assert_false(fits(schema, at(schema, "$defs", rows[i][0]), value));
        tambo_xdr_out_free(&out);
        json_decref(value);
    }
    json_decref(schema);
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

static void
without_memory(void **state)
{
    json_t *schema = NULL;
    json_malloc_t before;
    json_free_t drop;
    json_get_alloc_funcs(&before, &drop);
    for (size_t n = 0; schema == NULL; n++) {
        left = n;
        json_set_alloc_funcs(take, free);
        schema = idl_schema(&((struct idl_rig *)*state)->idl);
        json_set_alloc_funcs(before, drop);
        assert_true(n < 10000);
    }
    json_decref(schema);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(programs),
        cmocka_unit_test(it_takes_what_decoding_gives),
        cmocka_unit_test(what_neither_takes),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
