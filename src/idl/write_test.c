/* idl/write_test.c - the writer of stubs: where lines are broken, what is refused, memory and files that run out.  That
 * what it writes compiles and works is test/rpcgen's and test/interop/test_rpcgen.py's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "idl/write.h"

enum { FILES_MAX = 8, FILE_BYTES_MAX = 256 * 1024 };

static const char interface[] = "/* Where things are. */\n"
                                "struct point { int x; bool there; };\n"
                                "union choice switch (int kind) { case 1: point at; default: void; };\n"
                                "typedef point route<10>;\n"
                                "struct node { string name<20>; node *next; };\n"
                                "program MAP_PROG {\n"
                                "    version MAP_VERS {\n"
                                "        /* How far it is. */\n"
                                "        double DISTANCE(point, route, node, choice) = 3;\n"
                                "        node FIRST(void) = 1;\n"
                                "    } = 1;\n"
                                "} = 0x20000011;\n";

/* Keeps what is written; the file with the number `fail_at` cannot be. */
struct shelf {
    char names[FILES_MAX][64];
    char *texts[FILES_MAX];
    unsigned count, fail_at;
};

static int
keep(void *arg, const char *name, struct view text)
{
    struct shelf *shelf = arg;

    if (shelf->count + 1 == shelf->fail_at)
        return -ERR_DISK_FULL;
    assert_true(shelf->count < FILES_MAX && text.len < FILE_BYTES_MAX);
    snprintf(shelf->names[shelf->count], sizeof(shelf->names[0]), "%s", name);
    shelf->texts[shelf->count] = strndup((const char *)text.data, text.len);
    shelf->count++;
    return 0;
}

static void
clear(struct shelf *shelf)
{
    for (unsigned i = 0; i < shelf->count; i++)
        free(shelf->texts[i]);
    *shelf = (struct shelf){ .count = 0 };
}

static const char *
file_of(const struct shelf *shelf, const char *name)
{
    for (unsigned i = 0; i < shelf->count; i++)
        if (strcmp(shelf->names[i], name) == 0)
            return shelf->texts[i];
    fail_msg("%s was not written", name);
    return "";
}

static int
write_all(const char *text, struct tambo_arena *arena, struct shelf *shelf, struct idl_fault *why)
{
    struct idl_sink sink = { .file = keep, .arg = shelf };
    struct idl idl;
    int rc = idl_parse(view_str(text), "dir/map.x", arena, &idl, why);

    if (rc == 0)
        rc = idl_write(&idl, "map", arena, &sink, why);
    if (rc == 0)
        rc = idl_write_sample(&idl, "map", arena, &sink, why);
    return rc;
}

/* ---- files -------------------------------------------------------------------------------------------------- */

static void
test_files(void **state)
{
    struct tambo_arena arena = { 0 };
    struct shelf shelf = { .count = 0 };
    struct idl_fault why;

    (void)state;
    assert_int_equal(write_all(interface, &arena, &shelf, &why), 0);
    assert_int_equal(shelf.count, 7);
    const char *header = file_of(&shelf, "map.h");
    assert_non_null(strstr(header, "\n/* Where things are. */\nstruct point {\n    int32_t x;\n    bool there;\n};\n"));
    assert_non_null(strstr(header, "    /* How far it is. */\n    int (*distance)("));
    assert_non_null(strstr(
        header, "int map_first(struct tambo_rpc_client *client, struct tambo_arena *arena, struct node *ret);\n"));
    /* By number, not in the source's order. */
    const char *server = file_of(&shelf, "map_server.c");
    assert_true(strstr(server, ".name = \"FIRST\"") < strstr(server, ".name = \"DISTANCE\""));
    assert_non_null(strstr(server, "\"program MAP_PROG {\\n\"\n"));
    /* A point is flat, and asked for once in an array. */
    assert_non_null(strstr(file_of(&shelf, "map_xdr.c"), "p = tambo_xdr_room(out, (size_t)value->count * 8);"));
    file_of(&shelf, "map_client.c");
    file_of(&shelf, "map_client_main.c");
    file_of(&shelf, "map_server_main.c");
    file_of(&shelf, "map.mk");
    clear(&shelf);
    tambo_arena_free(&arena);
}

static void
test_files_that_cannot_be_written(void **state)
{
    (void)state;
    for (unsigned fail_at = 1; fail_at <= 7; fail_at++) {
        struct tambo_arena arena = { 0 };
        struct shelf shelf = { .fail_at = fail_at };
        struct idl_fault why;
        assert_int_equal(write_all(interface, &arena, &shelf, &why), -ERR_DISK_FULL);
        assert_int_equal(shelf.count, fail_at - 1);
        clear(&shelf);
        tambo_arena_free(&arena);
    }
}

static void
test_memory_that_ends(void **state)
{
    int rc = -ERR_NO_MEMORY;

    (void)state;
    for (size_t bytes_max = 1000; rc != 0; bytes_max += 1000) {
        struct tambo_arena arena = { .bytes_max = bytes_max };
        struct shelf shelf = { .count = 0 };
        struct idl_fault why;
        rc = write_all(interface, &arena, &shelf, &why);
        assert_true(rc == 0 || rc == -ERR_NO_MEMORY);
        clear(&shelf);
        tambo_arena_free(&arena);
    }
}

/* ---- what is refused ---------------------------------------------------------------------------------------- */

static void
test_what_has_no_c(void **state)
{
    static const struct {
        const char *text, *why;
        unsigned line, column;
    } rows[] = {
        {"%#include <a.h>\nstruct a {\n    foreign x; };",
         "only C knows the type 'foreign': its fields are needed here",                                                   3, 13},
        { "%#include <a.h>\ntypedef foreign x;",           "only C knows the type 'foreign': its fields are needed here", 2, 17},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tambo_arena arena = { 0 };
        struct shelf shelf = { .count = 0 };
        struct idl_fault why;
        assert_int_equal(write_all(rows[i].text, &arena, &shelf, &why), -ERR_INVALID);
        assert_string_equal(why.text, rows[i].why);
        assert_int_equal(why.place.line, rows[i].line);
        assert_int_equal(why.place.column, rows[i].column);
        assert_int_equal(shelf.count, 0);
        tambo_arena_free(&arena);
    }
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

static void
assert_text(const struct idl_text *text, const char *expected)
{
    assert_false(text->torn);
    assert_int_equal(text->len, strlen(expected));
    assert_memory_equal(text->bytes, expected, text->len);
}

/* A list goes on in a new line only where it must, below its first item; what follows the last one counts. */
static void
test_lists(void **state)
{
    struct tambo_arena arena = { 0 };
    char item[128];

    (void)state;
    for (int width = 105; width <= 110; width++) {
        struct idl_text text = idl_text_of(&arena);
        char expected[300];
        snprintf(item, sizeof(item), "%0*d", width, 0);
        idl_text_list(&text, "int f(");
        idl_text_item(&text, "a");
        idl_text_item(&text, "%s", item);
        idl_text_close(&text, ");\n");
        /* "int f(a, " and ");": 11 characters besides. */
        snprintf(expected, sizeof(expected), "int f(a,%s%s);\n", width + 11 <= 120 ? " " : "\n      ", item);
        assert_text(&text, expected);
    }
    struct idl_text text = idl_text_of(&arena);
    text.indent = 1;
    idl_text_list(&text, "f(");
    idl_text_close(&text, ");\n");
    assert_text(&text, "    f();\n");
    tambo_arena_free(&arena);
}

static void
test_comments(void **state)
{
    static const struct {
        const char *comment, *expected;
    } rows[] = {
        {"",                               ""                                                 },
        { "/* one */",                     "    /* one */\n"                                  },
        { "// one\n  // two",              "    // one\n    // two\n"                         },
        { "/*\n\t * one\n *\n * two\n */", "    /*\n     * one\n     *\n     * two\n     */\n"},
        { "/* one\ntwo */",                "    /* one\n       two */\n"                      },
    };
    struct tambo_arena arena = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct idl_text text = idl_text_of(&arena);
        text.indent = 1;
        idl_text_comment(&text, view_str(rows[i].comment));
        assert_text(&text, rows[i].expected);
    }
    /* Too long: broken at a blank. */
    char comment[400], *at = comment;
    at += sprintf(at, "/*");
    for (unsigned i = 0; i < 40; i++)
        at += sprintf(at, " word%u", i);
    sprintf(at, " */");
    struct idl_text text = idl_text_of(&arena);
    idl_text_comment(&text, view_str(comment));
    size_t column = 0;
    for (size_t i = 0; i < text.len; i++) {
        column = text.bytes[i] == '\n' ? 0 : column + 1;
        assert_true(column <= IDL_TEXT_COLUMN_MAX);
    }
    tambo_arena_free(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_files_that_cannot_be_written),
        cmocka_unit_test(test_memory_that_ends),
        cmocka_unit_test(test_what_has_no_c),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_comments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
