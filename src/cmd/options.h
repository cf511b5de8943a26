/* cmd/options.h - command line options: tables in, a struct and --help out.
 *
 * A command describes its options as groups of rows; each group fills its own struct.  Syntax is GNU's: -v, -vd, -q1,
 * -q 1, --qos 1, --qos=1, and -- ends the options.  Every command has --help.  Errors are one line that names the
 * option and what is wrong with it. */
#ifndef TAMBO_CMD_OPTIONS_H
#define TAMBO_CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line for stderr. */
struct complaint {
    char text[256];
};
/* Always -ERR_INVALID, so that a parser can return it. */
int complain(struct complaint *complaint, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What an option's value is stored as, at `offset` in its group's struct. */
enum option_kind {
    OPTION_FLAG,    /* bool */
    OPTION_TEXT,    /* const char *, borrowed from argv */
    OPTION_NUMBER,  /* uint64_t, between min and max */
    OPTION_SECONDS, /* uint64_t nanoseconds; written as seconds with a decimal point */
    OPTION_CHOICE,  /* unsigned: which of the words in `choices` ("fill|drain|both") */
    OPTION_CALL,    /* given to `parse` */
};

/* `words` are the option's `value_count` values, 1 unless `parse_count` says otherwise. */
typedef int option_parse_fn(void *into, char *const *words, struct complaint *complaint);
/* How many words an OPTION_CALL takes, seeing all that is left (`left` of them). */
typedef int option_count_fn(char *const *words, int left);

struct option_row {
    char letter;       /* 0: none */
    const char *name;  /* long, without dashes; NULL: none */
    const char *value; /* "HOST"; NULL for a flag */
    const char *help;
    enum option_kind kind;
    size_t offset;
    uint64_t min, max;
    const char *choices;
    option_parse_fn *parse;
    option_count_fn *count; /* NULL: one word */
};

struct option_group {
    const char *title; /* "Connection"; NULL: goes on with the group before */
    const struct option_row *rows;
    unsigned count;
    void *into;
};

struct option_spec {
    const char *usage;   /* "tambo pub [OPTION]... -t TOPIC -m TEXT" */
    const char *about;   /* a sentence or two below it */
    const char *operand; /* what an argument that is no option is called; NULL: there may be none */
    option_parse_fn *on_operand;
    void *operand_into;
    const struct option_group *groups;
    unsigned group_count;
};

enum options_end { OPTIONS_DONE, OPTIONS_HELP };

/* `argv` without the command's own name.  OPTIONS_DONE, OPTIONS_HELP (nothing else was looked at), or -ERR_INVALID with
 * a complaint. */
int options_parse(const struct option_spec *spec, int argc, char *const *argv, struct complaint *complaint);
/* The text of --help, on stdout. */
void options_help(const struct option_spec *spec);

/* For parsers of one word. */
int parse_number(const char *word, uint64_t min, uint64_t max, uint64_t *ret);
int parse_seconds(const char *word, uint64_t *ret_ns);

#endif
