/* rpcgen/trip_test.c - the stubs of whole interfaces: values that are drawn by the tree alone are decoded and encoded
 * by generated code to the same bytes; cut off anywhere, or with any byte changed, they are refused or are another
 * value.
 *
 *     trip_test FILE.x...    each with its table of types (types.h) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/must.h"
#include "conformance/guard.h"
#include "idl/value.h"
#include "rpcgen/draw.h"
#include "rpcgen/types.h"

enum { ROUNDS = 200, TEXT_BYTES_MAX = 1 << 20, VALUE_BYTES_MAX = 1 << 20 };

static const struct rpcgen_types *const tables[] = { &every_types, &date_types };

struct world {
    char **paths;
    int path_count;
    struct tambo_arena arena;
    struct idl idl; /* of the interface that is looked at */
};

static void
read_interface(struct world *world, const char *path)
{
    char *bytes = tambo_arena_take(&world->arena, TEXT_BYTES_MAX);
    FILE *file = fopen(path, "r");
    struct idl_fault why;

    assert_non_null(file);
    size_t len = fread(bytes, 1, TEXT_BYTES_MAX, file);
    fclose(file);
    assert_int_equal(idl_parse(view_of(bytes, len), path, &world->arena, &world->idl, &why), 0);
}

static void
read_interface_of(struct world *world, const struct rpcgen_types *types)
{
    for (int i = 0; i < world->path_count; i++) {
        const char *slash = strrchr(world->paths[i], '/');
        if (strcmp(slash == NULL ? world->paths[i] : slash + 1, types->file) == 0) {
            read_interface(world, world->paths[i]);
            return;
        }
    }
    fail_msg("%s is not among the arguments", types->file);
}

/* ---- one value ---------------------------------------------------------------------------------------------- */

/* Decodes; when that is a whole value, it is encoded to the same bytes. */
static int
trip(const struct rpcgen_type *type, struct view bytes)
{
    struct tambo_arena arena = { .bytes_max = VALUE_BYTES_MAX };
    struct tambo_xdr_out out;
    struct tambo_xdr_in in;
    void *value = calloc(1, type->size);
    int rc;

    tambo_xdr_in_init(&in, bytes.data, bytes.len, &arena);
    tambo_xdr_out_init(&out, VALUE_BYTES_MAX);
    rc = type->decode(&in, value);
    assert_int_equal(in.depth == 0 || rc < 0, true);
    if (rc == 0) {
        size_t used = (size_t)(in.at - bytes.data);
        assert_int_equal(type->encode(&out, value), 0);
        assert_int_equal(tambo_xdr_out_len(&out), used);
        assert_memory_equal(out.start, bytes.data, used);
        assert_int_equal(out.depth, 0);
    }
    tambo_xdr_out_free(&out);
    tambo_arena_free(&arena);
    free(value);
    return rc < 0 ? rc : (int)(in.end - in.at);
}

/* JSON by the tree takes and refuses what the stub does, and as many bytes of it.  (A NaN may have other bits again.)
 */
static void
tree_agrees(const struct idl_def *def, struct view bytes, int left)
{
    struct idl_decl decl = {
        .type = {.kind = IDL_NAMED, .def = (struct idl_def *)(uintptr_t)def}
    };
    struct tambo_xdr_out out;
    struct tambo_xdr_in in;
    json_t *value;

    tambo_xdr_in_init(&in, bytes.data, bytes.len, NULL);
    int rc = idl_value_decode(&decl, &in, &value);
    assert_int_equal(rc < 0 ? rc : in.end - in.at, left);
    if (rc < 0)
        return;
    tambo_xdr_out_init(&out, VALUE_BYTES_MAX);
    assert_int_equal(idl_value_encode(&decl, value, &out), 0);
    assert_int_equal(tambo_xdr_out_len(&out), in.at - bytes.data);
    tambo_xdr_out_free(&out);
    json_decref(value);
}

static void
cut_and_change(const struct rpcgen_type *type, const struct idl_def *def, struct prng *prng, const struct guard *guard,
               struct view bytes)
{
    struct view place = guard_place(guard, bytes);
    uint8_t *at = (uint8_t *)(uintptr_t)place.data;

    for (unsigned i = 0; i < 8; i++) {
        at[prng_below(prng, place.len)] ^= (uint8_t)(1U << prng_below(prng, 8));
        tree_agrees(def, place, trip(type, place));
    }
    for (unsigned i = 0; i < 8; i++)
        assert_true(trip(type, guard_place(guard, view_of(bytes.data, prng_below(prng, bytes.len)))) < 0);
}

static void
try_type(const struct world *world, const struct rpcgen_type *type, const struct guard *guard)
{
    const struct idl_def *def = idl_find(&world->idl, view_str(type->name));
    struct tambo_xdr_out out;
    struct prng prng;

    assert_non_null(def);
    prng_init(&prng, 1);
    tambo_xdr_out_init(&out, VALUE_BYTES_MAX);
    for (unsigned round = 0; round < ROUNDS; round++) {
        out.at = out.start;
        draw_def(&prng, def, &out);
        struct view bytes = view_of(out.start, tambo_xdr_out_len(&out));
        assert_int_equal(trip(type, guard_place(guard, bytes)), 0);
        tree_agrees(def, bytes, 0);
        if (bytes.len > 0)
            cut_and_change(type, def, &prng, guard, bytes);
    }
    tambo_xdr_out_free(&out);
}

static void
test_every_type(void **state)
{
    struct world *world = *state;
    struct guard guard;

    guard_init(&guard, VALUE_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        read_interface_of(world, tables[i]);
        for (size_t j = 0; j < tables[i]->count; j++)
            try_type(world, &tables[i]->types[j], &guard);
    }
    guard_fini(&guard);
}

/* ---- lists and trees ------------------------------------------------------------------------------------------ */

static const struct rpcgen_type *
type_of(const char *name)
{
    for (size_t i = 0; i < every_types.count; i++)
        if (strcmp(every_types.types[i].name, name) == 0)
            return &every_types.types[i];
    return NULL;
}

/* A list has no end that a stack would have. */
static void
test_long_list(void **state)
{
    enum { LONG = 50000 };
    struct tambo_xdr_out out;

    (void)state;
    tambo_xdr_out_init(&out, 1 << 24);
    for (unsigned i = 0; i < LONG; i++) {
        assert_int_equal(tambo_xdr_put_string(&out, "x", 1), 0);
        assert_int_equal(tambo_xdr_put_u32(&out, i), 0);
        assert_int_equal(tambo_xdr_put_u32(&out, i + 1 < LONG), 0);
    }
    struct tambo_arena arena = { 0 };
    struct tambo_xdr_in in;
    void *entry = tambo_arena_take(&arena, type_of("entry")->size);
    tambo_xdr_in_init(&in, out.start, tambo_xdr_out_len(&out), &arena);
    assert_int_equal(type_of("entry")->decode(&in, entry), 0);
    assert_ptr_equal(in.at, in.end);
    struct tambo_xdr_out again;
    tambo_xdr_out_init(&again, 1 << 24);
    assert_int_equal(type_of("entry")->encode(&again, entry), 0);
    assert_int_equal(tambo_xdr_out_len(&again), tambo_xdr_out_len(&out));
    assert_memory_equal(again.start, out.start, tambo_xdr_out_len(&out));
    tambo_xdr_out_free(&again);
    tambo_xdr_out_free(&out);
    tambo_arena_free(&arena);
}

/* A tree of arrays, each with one child: it ends where depth does, not where the stack does. */
static void
test_deep_tree(void **state)
{
    struct tambo_arena arena = { 0 };
    struct tambo_xdr_out out;
    struct tambo_xdr_in in;
    char why[512];

    (void)state;
    tambo_xdr_out_init(&out, 1 << 24);
    for (unsigned i = 0; i < 100000; i++) {
        assert_int_equal(tambo_xdr_put_u32(&out, i), 0);
        assert_int_equal(tambo_xdr_put_u32(&out, 1), 0);
    }
    void *tree = tambo_arena_take(&arena, type_of("tree")->size);
    tambo_xdr_in_init(&in, out.start, tambo_xdr_out_len(&out), &arena);
    assert_int_equal(type_of("tree")->decode(&in, tree), -TAMBO_ERR_PROTOCOL);
    tambo_xdr_why(&in.fault, why, sizeof(why));
    assert_non_null(strstr(why, "children[0].children: nested too deeply"));
    tambo_xdr_out_free(&out);
    tambo_arena_free(&arena);
}

/* The field that is wrong is told from the outside in. */
static void
test_paths(void **state)
{
    static const struct {
        const char *type;
        size_t len;
        const char *bytes, *why;
    } rows[] = {
        {"titles",  12, "\0\0\0\2\0\0\0\0\0\0\0\25",                "[1]: longer than its limit"            },
        { "titles", 4,  "\0\0\0\4",                                 "longer than its limit"                 },
        { "strict", 8,  "\0\0\0\2\0\0\0\1",                         "level: no arm has this number"         },
        { "maybe",  4,  "\0\0\0\2",                                 "there: neither true nor false"         },
        { "answer", 16, "\0\0\0\1\0\0\0\1a\0\0\1",                  "reason: its padding is not zero"       },
        { "line",   16, "\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0",         "names.number: the input ends before it"},
        { "line",   20, "\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1", "names.next: the input ends before it"  },
        { "entry",  20, "\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\25",        "next[1].name: longer than its limit"   },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tambo_arena arena = { 0 };
        const struct rpcgen_type *type = type_of(rows[i].type);
        void *value = tambo_arena_take(&arena, type->size);
        struct tambo_xdr_in in;
        char why[256];
        tambo_xdr_in_init(&in, rows[i].bytes, rows[i].len, &arena);
        assert_int_equal(type->decode(&in, value), -TAMBO_ERR_PROTOCOL);
        tambo_xdr_why(&in.fault, why, sizeof(why));
        assert_string_equal(why, rows[i].why);
        tambo_arena_free(&arena);
    }
}

int
main(int argc, char **argv)
{
    struct world world = { .paths = argv + 1, .path_count = argc - 1 };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_every_type, &world),
        cmocka_unit_test(test_long_list),
        cmocka_unit_test(test_deep_tree),
        cmocka_unit_test(test_paths),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tambo_arena_free(&world.arena);
    return failed;
}
