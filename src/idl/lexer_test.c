/* Tokens, their places, the comments around them, marks and verbatim lines. */
#include "idl/lexer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/must.h"
#include "guard.h"

static void
put(struct pen *p, const char *text)
{
    put_bytes(p, view_str(text));
}

/* "NAME(before|text|trail)" with a place before each: what is empty is left out. */
static void
put_token(struct pen *p, const struct idl_token *token)
{
    static const char *const kinds[] = { "end", "bad", "name", "number", "text", "verbatim" };
    char place[32];
    snprintf(place, sizeof(place), "%u:%u ", token->place.line, token->place.column);
    put(p, place);
    put(p, token->kind < TOKEN_END ? "" : token->kind >= WORD_BOOL ? "word" : kinds[token->kind - TOKEN_END]);
    put(p, "[");
    put_bytes(p, token->text);
    put(p, "]");
    if (token->trail.len > 0) {
        put(p, " trail ");
        put_bytes(p, token->trail);
    }
    if (token->before.len > 0) {
        put(p, " before ");
        put_bytes(p, token->before);
    }
    put(p, "\n");
}

static void
expect(const char *text, const char *tokens)
{
    struct tambo_arena arena = { 0 };
    struct idl_lexer lexer;
    struct idl_token token;
    char said[4096];
    struct pen p = pen_of(said, sizeof(said) - 1);
    idl_lexer_init(&lexer, view_str(text), "f.x", &arena);
    do {
        idl_lexer_next(&lexer, &token);
        put_token(&p, &token);
    } while (token.kind != TOKEN_END);
    *p.at = '\0';
    assert_string_equal(said, tokens);
    tambo_arena_free(&arena);
}

static void
words_names_and_marks(void **state)
{
    (void)state;
    expect("struct Int int_;", "1:1 word[struct]\n1:8 name[Int]\n1:12 name[int_]\n1:16 [;]\n1:17 end[]\n");
    expect("{}()[]<>=,:*", "1:1 [{]\n1:2 [}]\n1:3 [(]\n1:4 [)]\n1:5 [[]\n1:6 []]\n1:7 [<]\n1:8 [>]\n1:9 [=]\n1:10 [,]\n"
                           "1:11 [:]\n1:12 [*]\n1:13 end[]\n");
    expect("", "1:1 end[]\n");
    expect("\n\t \f\v\r\n", "3:1 end[]\n");
}

static int64_t
number_of(const char *text)
{
    struct idl_lexer lexer;
    struct idl_token token;
    idl_lexer_init(&lexer, view_str(text), "f.x", NULL);
    idl_lexer_next(&lexer, &token);
    assert_int_equal(token.kind, TOKEN_NUMBER);
    assert_true(view_is(token.text, text));
    return token.number;
}

static void
numbers(void **state)
{
    (void)state;
    assert_int_equal(number_of("0"), 0);
    assert_int_equal(number_of("10"), 10);
    assert_int_equal(number_of("-14"), -14);
    assert_int_equal(number_of("0x20000001"), 0x20000001);
    assert_int_equal(number_of("0XfF"), 255);
    assert_int_equal(number_of("-0x10"), -16);
    assert_int_equal(number_of("017"), 15);
    assert_int_equal(number_of("10UL"), 10);
    assert_int_equal(number_of("9223372036854775807"), INT64_MAX);
    assert_int_equal(number_of("'a'"), 'a');
    assert_int_equal(number_of("'\\n'"), '\n');
    assert_int_equal(number_of("'\\''"), '\'');
    assert_int_equal(number_of("'\\0'"), 0);
}

static const char *
problem_of(const char *text)
{
    struct idl_lexer lexer;
    struct idl_token token;
    idl_lexer_init(&lexer, view_str(text), "f.x", NULL);
    idl_lexer_next(&lexer, &token);
    assert_int_equal(token.kind, TOKEN_BAD);
    return token.problem;
}

static void
bad_tokens(void **state)
{
    (void)state;
    assert_string_equal(problem_of("9223372036854775808"), "this number is too large");
    assert_string_equal(problem_of("0x1ffffffffffffffff"), "this number is too large");
    assert_string_equal(problem_of("089"), "not a number: one that begins with 0 is octal");
    assert_string_equal(problem_of("12ab"), "not a number");
    assert_string_equal(problem_of("0x"), "not a number");
    assert_string_equal(problem_of("0xg"), "not a number");
    assert_string_equal(problem_of("\"abc"), "this text does not end on its line");
    assert_string_equal(problem_of("\"abc\n\""), "this text does not end on its line");
    assert_string_equal(problem_of("\"abc\\"), "this text does not end on its line");
    assert_string_equal(problem_of("'ab'"), "a quote goes around a single character: 'a', '\\n'");
    assert_string_equal(problem_of("'"), "a quote goes around a single character: 'a', '\\n'");
    assert_string_equal(problem_of("'\\"), "a quote goes around a single character: 'a', '\\n'");
    assert_string_equal(problem_of("/* abc *"), "this comment does not end");
    assert_string_equal(problem_of("%a\\"), "this line goes on behind the end of the file");
    assert_string_equal(problem_of("@"), "this character means nothing here");
    assert_string_equal(problem_of("-a"), "this character means nothing here");
    assert_string_equal(problem_of("\xff"), "this character means nothing here");
    assert_string_equal(problem_of("#define A 1"),
                        "this line is for the preprocessor: put the file through cpp first, as 'tambo rpcgen' does");
    assert_non_null(strstr(problem_of(" #include <a.x>"), "preprocessor"));
    assert_non_null(strstr(problem_of("#line"), "preprocessor"));
}

static void
comments(void **state)
{
    (void)state;
    expect("/* a */ x /* b */ ; // c\n/* d */\n// e\ny", "1:9 name[x] before /* a */\n"
                                                         "1:19 [;] trail /* b */\n"
                                                         "4:1 name[y] trail // c before /* d */\n// e\n"
                                                         "4:2 end[]\n");
    expect("a /* b\n c */ /* d */ e", "1:1 name[a]\n2:15 name[e] trail /* b\n c */ before /* d */\n2:16 end[]\n");
    expect("/**/a/***/", "1:5 name[a] before /**/\n1:11 end[] trail /***/\n");
    expect("a /* b */ /* c */\nd", "1:1 name[a]\n2:1 name[d] trail /* b */ /* c */\n2:2 end[]\n");
}

static void
marks(void **state)
{
    (void)state;
    expect("# 7 \"g.x\"\na\n#line 20\nb\n# 1 \"h.x\" 1 3 4\nc\n#pragma x\n#\nd",
           "7:1 name[a]\n20:1 name[b]\n1:1 name[c]\n4:1 name[d]\n4:2 end[]\n");
    expect("/* a */\n# 3\n/* b */ c", "3:9 name[c] before /* b */\n3:10 end[]\n");
}

static void
files(void **state)
{
    (void)state;
    struct tambo_arena arena = { 0 };
    struct idl_lexer lexer;
    struct idl_token token;
    idl_lexer_init(&lexer, view_str("# 0 \"dir/\\\"m\\\".x\"\na\n# 1 \"i.x\" 1\nb\n# 2 \"dir/\\\"m\\\".x\" 2\nc"),
                   "f.x", &arena);
    idl_lexer_next(&lexer, &token);
    assert_string_equal(token.place.file, "dir/\"m\".x");
    assert_false(token.is_included);
    idl_lexer_next(&lexer, &token);
    assert_string_equal(token.place.file, "i.x");
    assert_true(token.is_included);
    idl_lexer_next(&lexer, &token);
    assert_false(token.is_included);

    /* Without a mark at the top, the file that was asked for is the one. */
    idl_lexer_init(&lexer, view_str("a\n# 1 \"i.x\"\nb\n# 1 \"f.x\"\nc"), "f.x", &arena);
    for (unsigned i = 0; i < 3; i++) {
        idl_lexer_next(&lexer, &token);
        assert_int_equal(token.is_included, i == 1);
    }
    tambo_arena_free(&arena);
}

static void
verbatim_lines(void **state)
{
    (void)state;
    expect("%#include <a.h>\n%\n%a\\\nb\nc", "1:1 verbatim[#include <a.h>]\n2:1 verbatim[]\n3:1 verbatim[a\\\nb]\n"
                                             "5:1 name[c]\n5:2 end[]\n");
    expect("/* a */\n%b\n/* c */\nd", "2:1 verbatim[b] before /* a */\n4:1 name[d] before /* c */\n4:2 end[]\n");
    assert_string_equal(problem_of(" %a"), "this character means nothing here");
}

/* At every length, with nothing behind it. */
static void
cut_at_every_byte(void **state)
{
    (void)state;
    static const char text[] =
        "# 1 \"f.x\" 1\n/* a */ struct a { // b\nint x[-0x1fUL]; string y<'\\n'>; };\n"
        "%#define A \\\n1\nconst B = \"a\\\"b\";\n#line 3 \"a\\\\b\"\nconst C = 017 'a' -1 /* c */";
    struct guard guard;
    guard_init(&guard, sizeof(text));
    for (size_t n = 0; n < sizeof(text); n++) {
        struct tambo_arena arena = { 0 };
        struct idl_lexer lexer;
        struct idl_token token;
        idl_lexer_init(&lexer, guard_place(&guard, view_of(text, n)), "f.x", &arena);
        do
            idl_lexer_next(&lexer, &token);
        while (token.kind != TOKEN_END);
        tambo_arena_free(&arena);
    }
    guard_fini(&guard);
}

static void
words_of_faults(void **state)
{
    (void)state;
    char said[80];
    idl_kind_print(';', said, sizeof(said));
    assert_string_equal(said, "';'");
    idl_kind_print(WORD_VOID, said, sizeof(said));
    assert_string_equal(said, "'void'");
    idl_kind_print(TOKEN_END, said, sizeof(said));
    assert_string_equal(said, "the end of the file");
    idl_kind_print(TOKEN_NAME, said, sizeof(said));
    assert_string_equal(said, "a name");
    idl_token_print(&(struct idl_token){ .kind = TOKEN_TEXT, .text = view_str("\"a\"") }, said, sizeof(said));
    assert_string_equal(said, "the text \"a\"");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_names_and_marks),
        cmocka_unit_test(numbers),
        cmocka_unit_test(bad_tokens),
        cmocka_unit_test(comments),
        cmocka_unit_test(marks),
        cmocka_unit_test(files),
        cmocka_unit_test(verbatim_lines),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(words_of_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
