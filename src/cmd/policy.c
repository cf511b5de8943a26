/* cmd/policy.c - tambo policy: set, clear, list; tambo definitions: export, import. */
#include <stdio.h>

#include "base/err.h"
#include "base/must.h"
#include "cmd/admin.h"
#include "cmd/cmd.h"
#include "cmd/input.h"

/* ---- policies --------------------------------------------------------------------------------------------- */

struct policy {
    struct admin admin;
    unsigned apply_to;
    uint64_t priority;
};

#define APPLY_TO "all|queues|exchanges"

/* clang-format off */
static const struct option_row rows[] = {
    { 0, "apply-to", "WHAT", "set: all, queues or exchanges (all)", OPTION_CHOICE,
      .offset = offsetof(struct policy, apply_to), .choices = APPLY_TO },
    { 0, "priority", "N", "set: of those that match, the highest is applied (0)", OPTION_NUMBER,
      .offset = offsetof(struct policy, priority), 0, INT32_MAX },
};
/* clang-format on */

static void
begin_set(void *arg)
{
    static const char *const reaches[] = { "all", "queues", "exchanges" };
    struct policy *policy = arg;
    const char *const *words = policy->admin.words;
    json_t *definition = json_loads(words[2], 0, NULL);

    if (!json_is_object(definition)) {
        json_decref(definition);
        visit_fail(&policy->admin.visit, "the definition is not a JSON object such as '{\"max-length\": 10}'");
        return;
    }
    admin_ask(&policy->admin,
              json_pack("{s:s, s:s, s:{s:s, s:s, s:I, s:o}}", "do", "set-policy", "name", words[0], "policy", "pattern",
                        words[1], "apply-to", reaches[policy->apply_to], "priority", (json_int_t)policy->priority,
                        "definition", definition),
              NULL);
}

static void
begin_clear(void *arg)
{
    struct admin *admin = arg;
    admin_ask(admin, json_pack("{s:s, s:s}", "do", "clear-policy", "name", admin->words[0]), NULL);
}

static void
on_list(struct admin *admin, const json_t *ok)
{
    static const struct admin_column columns[] = {
        {"name",        "NAME"      },
        { "pattern",    "PATTERN"   },
        { "apply-to",   "APPLY-TO"  },
        { "priority",   "PRIORITY"  },
        { "definition", "DEFINITION"},
    };
    admin_print_list(admin, ok, columns, COUNT_OF(columns));
}

static void
begin_list(void *arg)
{
    admin_ask(arg, json_pack("{s:s}", "do", "list-policies"), on_list);
}

int
cmd_policy(int argc, char *const *argv)
{
    static const struct admin_verb verbs[] = {
        {"list",   "",                        0, 0, begin_list },
        { "set",   "NAME PATTERN DEFINITION", 3, 3, begin_set  },
        { "clear", "NAME",                    1, 1, begin_clear},
    };
    struct policy policy = { 0 };
    struct option_group options = { "Policy", rows, COUNT_OF(rows), &policy };
    struct admin_spec spec = {
        "Sets, clears and lists policies of a Tambo: settings for all queues and exchanges whose "
        "names match a pattern.",
        verbs, COUNT_OF(verbs), &options
    };
    return admin_run(&policy.admin, "policy", &spec, argc, argv);
}

/* ---- definitions ------------------------------------------------------------------------------------------ */

static void
on_exported(struct admin *admin, const json_t *ok)
{
    json_dumpf(ok, stdout, admin->json ? JSON_COMPACT : JSON_INDENT(2));
    putchar('\n');
}

static void
begin_export(void *arg)
{
    admin_ask(arg, json_pack("{s:s}", "do", "export"), on_exported);
}

static void
import(struct admin *admin, struct view text)
{
    json_error_t why;
    json_t *definitions = json_loadb((const char *)text.data, text.len, 0, &why);

    if (definitions == NULL)
        visit_fail(&admin->visit, "%s:%d:%d: %s", admin->words[0], why.line, why.column, why.text);
    else
        admin_ask(admin, json_pack("{s:s, s:o}", "do", "import", "definitions", definitions), NULL);
}

static void
begin_import(void *arg)
{
    struct admin *admin = arg;
    struct complaint complaint;
    struct input input;

    input_init(&input, admin->visit.io);
    if (input_file(&input, admin->words[0], &complaint) < 0)
        visit_fail(&admin->visit, "%s", complaint.text);
    else
        import(admin, input_all(&input));
    input_fini(&input);
}

int
cmd_definitions(int argc, char *const *argv)
{
    static const struct admin_verb verbs[] = {
        {"export",  "",     0, 0, begin_export},
        { "import", "FILE", 1, 1, begin_import},
    };
    struct admin admin = { 0 };
    struct admin_spec spec = {
        "Prints what a virtual host of a Tambo is made of (exchanges, queues, bindings, policies) "
        "as RabbitMQ's definitions, or takes them in.",
        verbs, COUNT_OF(verbs), NULL
    };
    return admin_run(&admin, "definitions", &spec, argc, argv);
}
