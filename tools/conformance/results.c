#include "results.h"

#include <string.h>

#include "base/must.h"

static void
note_result(struct results *results, const char *name, bool passed)
{
    must(results->count < RESULTS_MAX);
    struct result *row = &results->rows[results->count++];
    snprintf(row->name, sizeof(row->name), "%.*s", (int)strcspn(name, "\r\n"), name);
    row->passed = passed;
}

/* cmocka's lines. */
void
results_read(struct results *results, FILE *file)
{
    static const char ok[] = "[       OK ] ", bad[] = "[  FAILED  ] ";
    char line[512];
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, ok, strlen(ok)) == 0)
            note_result(results, line + strlen(ok), true);
        else if (strncmp(line, bad, strlen(bad)) == 0)
            note_result(results, line + strlen(bad), false);
    }
}

/* Failing once is failing: cmocka lists its failures twice, and two builds may have run. */
void
results_tally(const struct results *results, const char *prefix, struct view name, struct tally *ret)
{
    unsigned passed = 0, failed = 0;
    for (size_t i = 0; i < results->count; i++) {
        const char *at = results->rows[i].name;
        if (strncmp(at, prefix, strlen(prefix)) != 0 || !view_is(name, at + strlen(prefix)))
            continue;
        passed += results->rows[i].passed;
        failed += !results->rows[i].passed;
    }
    ret->failed += failed > 0;
    ret->passed += failed == 0 && passed > 0;
    ret->missing += failed == 0 && passed == 0;
}

const char *
verdict_of(struct tally tally, const char *pending)
{
    if (tally.failed > 0)
        return "**FAILED**";
    if (tally.missing > 0)
        return pending;
    return tally.passed > 0 ? "passed" : "-";
}

bool
names_next(const char **names, struct view *ret)
{
    *names += strspn(*names, " ");
    *ret = view_of(*names, strcspn(*names, " "));
    *names += ret->len;
    return ret->len > 0;
}

void
results_print(const struct results *results, const char *prefix, const char *tests, struct tally *ret)
{
    struct view name;
    while (names_next(&tests, &name)) {
        results_tally(results, "", name, ret);
        struct view shown = view_starts(name, prefix) ? view_from(name, strlen(prefix)) : name;
        printf(" %.*s", (int)shown.len, (const char *)shown.data);
    }
}

const char *
level_name(enum level level)
{
    static const char *const names[] = { "MUST", "SHOULD", "MAY", "-" };
    return names[level];
}
