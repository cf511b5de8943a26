/* cmd/options_test.c - option syntax, values, complaints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "base/must.h"
#include "cmd/options.h"

struct into {
    bool verbose, debug;
    const char *host;
    uint64_t qos, delay_ns;
    unsigned version;
    unsigned calls;
    char words[128];
};

static int
parse_words(void *arg, char *const *words, struct complaint *complaint)
{
    struct into *into = arg;
    if (strcmp(words[0], "bad") == 0)
        return complain(complaint, "-D: bad");
    into->calls++;
    strcat(into->words, words[0]);
    strcat(into->words, words[1]);
    return 0;
}

static int
two_words(char *const *words, int left)
{
    (void)words;
    (void)left;
    return 2;
}

static int
parse_operand(void *arg, char *const *words, struct complaint *complaint)
{
    struct into *into = arg;
    (void)complaint;
    strcat(into->words, words[0]);
    return 0;
}

#define AT(member) .offset = offsetof(struct into, member)

/* clang-format off */
static const struct option_row rows[] = {
    { 'v', "verbose", NULL, "a flag", OPTION_FLAG, AT(verbose) },
    { 'd', NULL, NULL, "a flag without a name", OPTION_FLAG, AT(debug) },
    { 'h', "host", "HOST", "a text", OPTION_TEXT, AT(host) },
    { 'q', "qos", "QOS", "a number", OPTION_NUMBER, AT(qos), 0, 2 },
    { 0, "delay", "SECONDS", "seconds", OPTION_SECONDS, AT(delay_ns) },
    { 'V', "version", "V", "a choice", OPTION_CHOICE, AT(version), .choices = "3.1|3.1.1|5" },
    { 'D', "pair", "A B", "two words", OPTION_CALL, .parse = parse_words, .count = two_words },
};
/* clang-format on */

enum { ARGS_MAX = 16 };

/* Parses the words of `line`, cut at blanks in place. */
static int
parse(struct into *into, char *line, bool operands, struct complaint *complaint)
{
    struct option_group group = { "Options", rows, COUNT_OF(rows), into };
    struct option_spec spec = {
        .usage = "x",
        .about = "y",
        .operand = operands ? "WORD" : NULL,
        .on_operand = parse_operand,
        .operand_into = into,
        .groups = &group,
        .group_count = 1,
    };
    char *argv[ARGS_MAX];
    int argc = 0;

    *into = (struct into){ 0 };
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    return options_parse(&spec, argc, argv, complaint);
}

static void
expect_complaint(const char *line, const char *text)
{
    char copy[128];
    struct into into;
    struct complaint complaint = { "" };

    strcpy(copy, line);
    assert_int_equal(parse(&into, copy, false, &complaint), -ERR_INVALID);
    assert_string_equal(complaint.text, text);
}

static void
takes_every_spelling(void **state)
{
    char lines[][40] = { "-q1 -h a", "-q 1 -ha", "--qos 1 --host a", "--qos=1 --host=a", "-vq1 -h a" };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct into into;
        struct complaint complaint;
        assert_int_equal(parse(&into, lines[i], false, &complaint), OPTIONS_DONE);
        assert_int_equal(into.qos, 1);
        assert_string_equal(into.host, "a");
    }
}

static void
joins_flags(void **state)
{
    char line[] = "-vd";
    struct into into;
    struct complaint complaint;
    (void)state;

    assert_int_equal(parse(&into, line, false, &complaint), OPTIONS_DONE);
    assert_true(into.verbose && into.debug);
}

static void
takes_values_that_look_like_options(void **state)
{
    char line[] = "-h -v --delay 1.25 -V 5";
    struct into into;
    struct complaint complaint;
    (void)state;

    assert_int_equal(parse(&into, line, false, &complaint), OPTIONS_DONE);
    assert_string_equal(into.host, "-v");
    assert_false(into.verbose);
    assert_int_equal(into.delay_ns, 1250000000);
    assert_int_equal(into.version, 2);
}

static void
gives_a_call_its_words(void **state)
{
    char line[] = "-D a b --pair c d";
    struct into into;
    struct complaint complaint;
    (void)state;

    assert_int_equal(parse(&into, line, false, &complaint), OPTIONS_DONE);
    assert_int_equal(into.calls, 2);
    assert_string_equal(into.words, "abcd");
}

static void
ends_options_at_two_dashes(void **state)
{
    char line[] = "a -v -- -q b -";
    struct into into;
    struct complaint complaint;
    (void)state;

    assert_int_equal(parse(&into, line, true, &complaint), OPTIONS_DONE);
    assert_true(into.verbose);
    assert_string_equal(into.words, "a-qb-");
}

static void
finds_help_first(void **state)
{
    char line[] = "--nonsense --help", after[] = "-- --help";
    struct into into;
    struct complaint complaint;
    (void)state;

    assert_int_equal(parse(&into, line, false, &complaint), OPTIONS_HELP);
    assert_int_equal(parse(&into, after, true, &complaint), OPTIONS_DONE);
}

static void
complains_precisely(void **state)
{
    (void)state;
    expect_complaint("--nonsense=3", "unknown option --nonsense");
    expect_complaint("--qo 1", "unknown option --qo");
    expect_complaint("-vx", "unknown option -x");
    expect_complaint("--host", "--host wants HOST");
    expect_complaint("-q 3", "--qos: '3' is not a number from 0 to 2");
    expect_complaint("-q 1x", "--qos: '1x' is not a number from 0 to 2");
    expect_complaint("-q=1", "--qos: '=1' is not a number from 0 to 2");
    expect_complaint("--verbose=yes", "--verbose takes no value");
    expect_complaint("--delay 1.x", "--delay: '1.x' is not a number of seconds");
    expect_complaint("-V 4", "--version: '4' is not one of 3.1|3.1.1|5");
    expect_complaint("-V 3.1|", "--version: '3.1|' is not one of 3.1|3.1.1|5");
    expect_complaint("-D a", "--pair wants A B");
    expect_complaint("-Da b", "--pair wants its words apart: A B");
    expect_complaint("-D bad b", "-D: bad");
    expect_complaint("word", "unexpected argument 'word'");
}

static void
reads_numbers_to_the_last(void **state)
{
    uint64_t n = 7;
    (void)state;

    assert_int_equal(parse_number("18446744073709551615", 0, UINT64_MAX, &n), 0);
    assert_true(n == UINT64_MAX);
    assert_int_equal(parse_number("18446744073709551616", 0, UINT64_MAX, &n), -ERR_INVALID);
    assert_int_equal(parse_number("", 0, 9, &n), -ERR_INVALID);
    assert_int_equal(parse_number("-1", 0, 9, &n), -ERR_INVALID);
    assert_true(n == UINT64_MAX);
}

static void
reads_seconds_to_the_nanosecond(void **state)
{
    uint64_t ns = 0;
    (void)state;

    assert_int_equal(parse_seconds("0.000000001", &ns), 0);
    assert_int_equal(ns, 1);
    assert_int_equal(parse_seconds("90", &ns), 0);
    assert_true(ns == UINT64_C(90000000000));
    assert_int_equal(parse_seconds(".5", &ns), -ERR_INVALID);
    assert_int_equal(parse_seconds("1.2.3", &ns), -ERR_INVALID);
    assert_int_equal(parse_seconds("123456789012345678901234567890", &ns), -ERR_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_spelling),
        cmocka_unit_test(joins_flags),
        cmocka_unit_test(takes_values_that_look_like_options),
        cmocka_unit_test(gives_a_call_its_words),
        cmocka_unit_test(ends_options_at_two_dashes),
        cmocka_unit_test(finds_help_first),
        cmocka_unit_test(complains_precisely),
        cmocka_unit_test(reads_numbers_to_the_last),
        cmocka_unit_test(reads_seconds_to_the_nanosecond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
