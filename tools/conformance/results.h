/* conformance/results.h - What test programs said, as cmocka prints it. */
#ifndef TAMBO_CONFORMANCE_RESULTS_H
#define TAMBO_CONFORMANCE_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/view.h"

enum { NAME_MAX_BYTES = 128, RESULTS_MAX = 16384 };

struct result {
    char name[NAME_MAX_BYTES];
    bool passed;
};

struct results {
    struct result *rows;
    size_t count;
};

/* How many of some tests passed, failed, and have not been run. */
struct tally {
    unsigned passed, failed, missing;
};

void results_read(struct results *results, FILE *file);
/* Adds what is known of the test called `prefix` and `name`. */
void results_tally(const struct results *results, const char *prefix, struct view name, struct tally *ret);
/* Prints the names in `tests`, which stand in results as they are and are shown without `prefix`, and adds them up. */
void results_print(const struct results *results, const char *prefix, const char *tests, struct tally *ret);
/* A word for it; `pending` when something was not run. */
const char *verdict_of(struct tally tally, const char *pending);
/* The next name out of `*names`; false at the end. */
bool names_next(const char **names, struct view *ret);

/* How binding a rule is; DOC binds nobody. */
enum level { MUST, SHOULD, MAY, DOC };
const char *level_name(enum level level);

void print_mqtt_page(const struct results *results);
void print_amqp_page(const struct results *results);
void print_zmtp_page(const struct results *results);

#endif
