/* cmd/options.c - parsing by table; see options.h. */
#include "cmd/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define NS_A_SECOND UINT64_C(1000000000)

int
complain(struct complaint *complaint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(complaint->text, sizeof complaint->text, format, args);
    va_end(args);
    return -ERR_INVALID;
}

/* ---- words ------------------------------------------------------------------------------------------------ */

int
parse_number(const char *word, uint64_t min, uint64_t max, uint64_t *ret)
{
    uint64_t n = 0;

    if (*word == '\0')
        return -ERR_INVALID;
    for (; *word != '\0'; word++) {
        if (*word < '0' || *word > '9')
            return -ERR_INVALID;
        uint64_t digit = (uint64_t)(*word - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return -ERR_INVALID;
        n = n * 10 + digit;
    }
    if (n < min || n > max)
        return -ERR_INVALID;
    *ret = n;
    return 0;
}

int
parse_seconds(const char *word, uint64_t *ret_ns)
{
    char whole[24];
    const char *point = strchr(word, '.');
    size_t n = point == NULL ? strlen(word) : (size_t)(point - word);
    uint64_t seconds, ns = 0, unit = NS_A_SECOND;

    if (n >= sizeof whole)
        return -ERR_INVALID;
    memcpy(whole, word, n);
    whole[n] = '\0';
    if (parse_number(whole, 0, UINT32_MAX, &seconds) < 0)
        return -ERR_INVALID;
    for (const char *at = point == NULL ? "" : point + 1; *at != '\0'; at++) {
        if (*at < '0' || *at > '9')
            return -ERR_INVALID;
        unit /= 10;
        ns += unit * (uint64_t)(*at - '0');
    }
    *ret_ns = seconds * NS_A_SECOND + ns;
    return 0;
}

/* Which of the words in "one|two|three"; -1: none. */
static int
parse_choice(const char *word, const char *choices)
{
    size_t len = strlen(word);

    for (int i = 0;; i++) {
        size_t n = strcspn(choices, "|");
        if (n == len && memcmp(choices, word, n) == 0)
            return i;
        if (choices[n] == '\0')
            return -1;
        choices += n + 1;
    }
}

/* ---- values ----------------------------------------------------------------------------------------------- */

/* How the user wrote the option, for complaints. */
struct spelling {
    char text[64];
};

static struct spelling
spell(const struct option_row *row)
{
    struct spelling s;
    if (row->name != NULL)
        snprintf(s.text, sizeof s.text, "--%s", row->name);
    else
        snprintf(s.text, sizeof s.text, "-%c", row->letter);
    return s;
}

static int
store_number(const struct option_row *row, uint64_t *at, const char *word, struct complaint *complaint)
{
    uint64_t max = row->max == 0 ? UINT64_MAX : row->max;

    if (parse_number(word, row->min, max, at) == 0)
        return 0;
    if (row->max == 0)
        return complain(complaint, "%s: '%s' is not a number%s", spell(row).text, word,
                        row->min > 0 ? " greater than 0" : "");
    return complain(complaint, "%s: '%s' is not a number from %llu to %llu", spell(row).text, word,
                    (unsigned long long)row->min, (unsigned long long)row->max);
}

static int
store_choice(const struct option_row *row, unsigned *at, const char *word, struct complaint *complaint)
{
    int choice = parse_choice(word, row->choices);

    if (choice < 0)
        return complain(complaint, "%s: '%s' is not one of %s", spell(row).text, word, row->choices);
    *at = (unsigned)choice;
    return 0;
}

static int
store(const struct option_row *row, void *into, char *const *words, struct complaint *complaint)
{
    void *at = (char *)into + row->offset;

    switch (row->kind) {
    case OPTION_FLAG: *(bool *)at = true; return 0;
    case OPTION_TEXT: *(const char **)at = words[0]; return 0;
    case OPTION_NUMBER: return store_number(row, at, words[0], complaint);
    case OPTION_CHOICE: return store_choice(row, at, words[0], complaint);
    case OPTION_CALL: return row->parse(into, words, complaint);
    case OPTION_SECONDS:
        if (parse_seconds(words[0], at) == 0)
            return 0;
        return complain(complaint, "%s: '%s' is not a number of seconds", spell(row).text, words[0]);
    }
    return -ERR_INVALID;
}

/* ---- finding rows ----------------------------------------------------------------------------------------- */

struct match {
    const struct option_row *row;
    void *into;
};

static bool
row_is(const struct option_row *row, char letter, const char *name, size_t len)
{
    if (name == NULL)
        return row->letter == letter;
    return row->name != NULL && strlen(row->name) == len && memcmp(row->name, name, len) == 0;
}

static bool
find(const struct option_spec *spec, char letter, const char *name, size_t len, struct match *ret)
{
    for (unsigned g = 0; g < spec->group_count; g++) {
        const struct option_group *group = &spec->groups[g];
        for (unsigned i = 0; i < group->count; i++) {
            if (row_is(&group->rows[i], letter, name, len)) {
                *ret = (struct match){ .row = &group->rows[i], .into = group->into };
                return true;
            }
        }
    }
    return false;
}

/* ---- walking argv ----------------------------------------------------------------------------------------- */

struct walk {
    const struct option_spec *spec;
    char *const *argv;
    int argc, at;
    struct complaint *complaint;
};

/* Takes the values of an option: `attached` ("--qos=1", "-q1") or NULL, and as many further words as it wants. */
static int
take_values(struct walk *walk, struct match match, char *attached)
{
    const struct option_row *row = match.row;
    int left = walk->argc - walk->at;

    if (attached != NULL && row->count != NULL)
        return complain(walk->complaint, "%s wants its words apart: %s", spell(row).text, row->value);
    if (attached != NULL)
        return store(row, match.into, &attached, walk->complaint);
    int want = row->count == NULL ? 1 : row->count(walk->argv + walk->at, left);
    if (want > left)
        return complain(walk->complaint, "%s wants %s", spell(row).text, row->value);
    char *const *words = walk->argv + walk->at;
    walk->at += want;
    return store(row, match.into, words, walk->complaint);
}

static int
take_long(struct walk *walk, char *word)
{
    char *equals = strchr(word, '=');
    size_t len = equals == NULL ? strlen(word) : (size_t)(equals - word);
    struct match match;

    if (!find(walk->spec, 0, word, len, &match))
        return complain(walk->complaint, "unknown option --%.*s", (int)len, word);
    if (match.row->kind != OPTION_FLAG)
        return take_values(walk, match, equals == NULL ? NULL : equals + 1);
    if (equals != NULL)
        return complain(walk->complaint, "--%s takes no value", match.row->name);
    return store(match.row, match.into, NULL, walk->complaint);
}

/* "-vdq1": flags, and at the end perhaps an option with its value. */
static int
take_letters(struct walk *walk, char *letters)
{
    struct match match;

    for (char *at = letters; *at != '\0'; at++) {
        if (!find(walk->spec, *at, NULL, 0, &match))
            return complain(walk->complaint, "unknown option -%c", *at);
        if (match.row->kind != OPTION_FLAG)
            return take_values(walk, match, at[1] == '\0' ? NULL : at + 1);
        store(match.row, match.into, NULL, walk->complaint);
    }
    return 0;
}

static int
take_operand(struct walk *walk, char *word)
{
    if (walk->spec->operand == NULL)
        return complain(walk->complaint, "unexpected argument '%s'", word);
    return walk->spec->on_operand(walk->spec->operand_into, &word, walk->complaint);
}

static bool
wants_help(int argc, char *const *argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return true;
    }
    return false;
}

int
options_parse(const struct option_spec *spec, int argc, char *const *argv, struct complaint *complaint)
{
    struct walk walk = { .spec = spec, .argv = argv, .argc = argc, .complaint = complaint };
    bool only_operands = false;
    int rc = 0;

    if (wants_help(argc, argv))
        return OPTIONS_HELP;
    while (rc == 0 && walk.at < argc) {
        char *word = argv[walk.at++];
        if (only_operands || word[0] != '-' || word[1] == '\0')
            rc = take_operand(&walk, word);
        else if (strcmp(word, "--") == 0)
            only_operands = true;
        else if (word[1] == '-')
            rc = take_long(&walk, word + 2);
        else
            rc = take_letters(&walk, word + 1);
    }
    return rc < 0 ? rc : OPTIONS_DONE;
}

/* ---- help ------------------------------------------------------------------------------------------------- */

enum { HELP_COLUMN = 30, HELP_WIDTH = 80 };

/* Prints `text` word by word from the column where the cursor stands, broken before HELP_WIDTH. */
static void
print_wrapped(const char *text, int indent)
{
    int column = indent;

    while (*text != '\0') {
        int n = (int)strcspn(text, " ");
        if (column > indent && column + 1 + n > HELP_WIDTH) {
            printf("\n%*s", indent, "");
            column = indent;
        }
        column += printf("%s%.*s", column > indent ? " " : "", n, text);
        text += n + (text[n] == ' ');
    }
    putchar('\n');
}

static void
print_row(const struct option_row *row)
{
    char left[80];
    int n = snprintf(left, sizeof left, "  ");

    if (row->letter != 0)
        n += snprintf(left + n, sizeof left - (size_t)n, "-%c%s", row->letter, row->name != NULL ? ", " : "");
    else
        n += snprintf(left + n, sizeof left - (size_t)n, "    ");
    if (row->name != NULL)
        n += snprintf(left + n, sizeof left - (size_t)n, "--%s", row->name);
    if (row->value != NULL)
        n += snprintf(left + n, sizeof left - (size_t)n, " %s", row->value);
    printf("%-*s", HELP_COLUMN, left);
    if (n >= HELP_COLUMN)
        printf("\n%*s", HELP_COLUMN, "");
    print_wrapped(row->help, HELP_COLUMN);
}

void
options_help(const struct option_spec *spec)
{
    printf("Usage: %s\n\n", spec->usage);
    print_wrapped(spec->about, 0);
    for (unsigned g = 0; g < spec->group_count; g++) {
        const struct option_group *group = &spec->groups[g];
        if (group->title != NULL)
            printf("\n%s:\n", group->title);
        for (unsigned i = 0; i < group->count; i++)
            print_row(&group->rows[i]);
    }
    printf("\n  %-*s%s\n", HELP_COLUMN - 2, "    --help", "this text");
}
