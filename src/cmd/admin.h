/* cmd/admin.h - commands that ask a server for one thing: `tambo queue VERB`, `tambo bind` and their like.
 *
 * A verb is a row: how many words it takes and what it begins with.  It either calls one method of AMQP, which any
 * server answers, or sends a request of ours: JSON to the default exchange under the key `$tambo`, answered by direct
 * reply-to (session/amqp/management.c).  Embed it first, as the visit is in it. */
#ifndef TAMBO_CMD_ADMIN_H
#define TAMBO_CMD_ADMIN_H

#include <jansson.h>

#include "cmd/field.h"
#include "cmd/visit.h"

enum { ADMIN_WORDS_MAX = 4, ADMIN_COLUMNS_MAX = 8 };

struct admin;

struct admin_verb {
    const char *name;  /* NULL: the command itself is the verb */
    const char *words; /* "QUEUE"; "" for none */
    unsigned words_min, words_max;
    void (*begin)(void *arg);
};

struct admin {
    struct visit visit;
    const char *words[ADMIN_WORDS_MAX]; /* without the verb */
    unsigned word_count;
    bool json;
    struct field_table arguments; /* --arg, --arg-string */

    void (*done)(struct admin *admin, const struct amqp_method *m); /* NULL: nothing is printed */
    void (*answer)(struct admin *admin, const json_t *ok);
    json_t *request;
};

struct admin_spec {
    const char *about;
    const struct admin_verb *verbs;
    unsigned verb_count;
    const struct option_group *options; /* the command's own; count 0: none */
};

/* Sets up `admin`, parses, connects, does what the verb says; returns the exit code. */
int admin_run(struct admin *admin, const char *command, const struct admin_spec *spec, int argc, char *const *argv);

/* For `begin`.  One method; `done` sees its answer. */
void admin_call(struct admin *admin, const struct amqp_method *m);
/* One request, which it takes; `answer` sees what "ok" holds. */
void admin_ask(struct admin *admin, json_t *request, void (*answer)(struct admin *admin, const json_t *ok));

/* For `answer`.  A list of objects as a table of these columns, or a line of JSON each with --json. */
struct admin_column {
    const char *key, *title;
};
void admin_print_list(const struct admin *admin, const json_t *list, const struct admin_column *columns,
                      unsigned count);
/* An object as lines of key and value, or as a line of JSON. */
void admin_print_object(struct admin *admin, const json_t *object);

#endif
