/* tools/conformance - writes docs/conformance-mqtt.md: each statement of MQTT 5.0, the tests that show that we keep it,
 * and what those tests said.
 *
 *     conformance FILE...
 *
 * The files are what the test programs printed.  A vector is looked up under its name for the decoder and under
 * "session:" and its name for a running session; a proof of test/conformance/mqtt_rules.h as it is named, or as a
 * vector. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "conformance/mqtt_vector.h"

enum who { CLIENT, SERVER, EITHER };
enum shown { DECODER, SESSION, OURS, INTEROP, NOTHING };

struct rule {
    const char *id;
    enum who who;
    enum shown shown;
    const char *text;
    const char *proofs; /* or the reason for NOTHING */
};

static const struct rule rules[] = {
#define RULE(id, who, shown, text, proofs) { id, who, shown, text, proofs },
#include "conformance/mqtt_rules.h"
#undef RULE
};

/* ---- what the tests said ------------------------------------------------------------------------------------ */

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

static void
note_result(struct results *results, const char *name, bool passed)
{
    must(results->count < RESULTS_MAX);
    struct result *row = &results->rows[results->count++];
    snprintf(row->name, sizeof(row->name), "%.*s", (int)strcspn(name, "\r\n"), name);
    row->passed = passed;
}

/* cmocka's lines. */
static void
read_results(struct results *results, FILE *file)
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
static void
look_up(const struct results *results, const char *prefix, struct view name, struct tally *ret)
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

static const char *
verdict_of(struct tally tally, const char *pending)
{
    if (tally.failed > 0)
        return "**FAILED**";
    if (tally.missing > 0)
        return pending;
    return tally.passed > 0 ? "passed" : "-";
}

/* ---- one statement ------------------------------------------------------------------------------------------- */

/* The next name out of `*proofs`; false at the end. */
static bool
next_proof(const char **proofs, struct view *ret)
{
    *proofs += strspn(*proofs, " ");
    *ret = view_of(*proofs, strcspn(*proofs, " "));
    *proofs += ret->len;
    return ret->len > 0;
}

static void
tally_vector(const struct results *results, const struct mqtt_vector *v, struct tally *decoder, struct tally *session)
{
    look_up(results, "", view_str(v->name), decoder);
    if (v->setup != FROM_SERVER)
        look_up(results, "session:", view_str(v->name), session);
}

static void
print_vectors(const struct results *results, const char *clause, struct tally *decoder, struct tally *session)
{
    for (const struct mqtt_vectors *const *table = mqtt_vector_tables; *table != NULL; table++)
        for (size_t i = 0; i < (*table)->count; i++) {
            const struct mqtt_vector *v = &(*table)->rows[i];
            if (strcmp(v->clause, clause) != 0)
                continue;
            tally_vector(results, v, decoder, session);
            printf(" %s", v->name);
        }
}

static bool
is_vector(struct view name)
{
    for (const struct mqtt_vectors *const *table = mqtt_vector_tables; *table != NULL; table++)
        for (size_t i = 0; i < (*table)->count; i++)
            if (view_is(name, (*table)->rows[i].name))
                return true;
    return false;
}

static void
print_proofs(const struct results *results, const struct rule *rule, struct tally *session)
{
    const char *proofs = rule->proofs;
    struct view name;
    while (next_proof(&proofs, &name)) {
        look_up(results, is_vector(name) ? "session:" : "", name, session);
        printf(" %.*s", (int)name.len, (const char *)name.data);
    }
}

static const char *
pending_of(enum shown shown)
{
    static const char *const texts[] = {
        [DECODER] = "pending: session",
        [SESSION] = "pending: session",
        [OURS] = "pending: client",
        [INTEROP] = "pending: interop",
    };
    return texts[shown];
}

static void
print_rule(const struct results *results, const struct rule *rule)
{
    static const char *const whos[] = { "client", "server", "either" };
    struct tally decoder = { 0 }, session = { 0 };
    printf("| %s | %s | %s |", rule->id, whos[rule->who], rule->text);
    if (rule->shown == NOTHING) {
        printf(" | - | not testable: %s |\n", rule->proofs);
        return;
    }
    print_vectors(results, rule->id, &decoder, &session);
    print_proofs(results, rule, &session);
    bool unproven = rule->shown != DECODER && session.passed + session.failed + session.missing == 0;
    printf(" | %s | %s |\n", verdict_of(decoder, "not run"),
           unproven ? pending_of(rule->shown) : verdict_of(session, pending_of(rule->shown)));
}

/* ---- what has no number -------------------------------------------------------------------------------------- */

static bool
is_numbered(const char *clause)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        if (strcmp(rules[i].id, clause) == 0)
            return true;
    return false;
}

static void
print_unnumbered(const struct results *results, const struct mqtt_vector *v)
{
    struct tally decoder = { 0 }, session = { 0 };
    if (is_numbered(v->clause))
        return;
    tally_vector(results, v, &decoder, &session);
    printf("| %s | %s | `%s` |", v->clause, v->name, v->sends);
    if (v->answer == ANSWER_REFUSAL)
        printf(" 0x%02X, %s |", v->code, mqtt_reason_text(v->code));
    else
        printf(" %s |", v->answer == ANSWER_NONE ? "accepted" : v->expects);
    printf(" %s | %s |\n", verdict_of(decoder, "not run"), verdict_of(session, "pending: session"));
}

static void
print_page(const struct results *results)
{
    printf("# Conformance to MQTT 5.0\n\n"
           "Generated by `tools/conformance/write` from `test/conformance` and what the tests printed; not edited by "
           "hand.\n\n"
           "Every numbered statement of the specification (%zu of them), in our words: who can break it, which tests "
           "show that\n"
           "we keep it, and what they said. *Decoder* is the codec alone: it must name the rule and the reason code.\n"
           "*Session* is a running session, which must say so to its peer. Tests are named as in "
           "`test/conformance/vectors_*.c`\n"
           "and as the test programs print them.\n\n"
           "| statement | broken by | what it says | tests | decoder | session |\n|---|---|---|---|---|---|\n",
           COUNT_OF(rules));
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        print_rule(results, &rules[i]);
    printf("\n## Rules without a number\n\nWhat the text of a section demands, and what only 3.1 or 3.1.1 says.\n\n"
           "| section | test | sent (`test/rig/notation.h`) | answer | decoder | session "
           "|\n|---|---|---|---|---|---|\n");
    for (const struct mqtt_vectors *const *table = mqtt_vector_tables; *table != NULL; table++)
        for (size_t i = 0; i < (*table)->count; i++)
            print_unnumbered(results, &(*table)->rows[i]);
}

int
main(int argc, char **argv)
{
    struct mem mem = { 0 };
    struct results results = { .rows = mem_new(&mem, RESULTS_MAX * sizeof(struct result)) };
    must(results.rows != NULL);
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");
        if (file == NULL) {
            perror(argv[i]);
            mem_free(&mem, results.rows);
            return 1;
        }
        read_results(&results, file);
        fclose(file);
    }
    print_page(&results);
    mem_free(&mem, results.rows);
    return 0;
}
