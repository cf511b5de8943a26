/* Every conversation of AMQP's conformance against a node: each is a test of its own, named amqp:VECTOR.  It is played
 * as it stands and once more byte by byte, each time with a node of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/must.h"
#include "conformance/amqp_vector.h"
#include "rig/amqp_script.h"

static void
play(const struct amqp_vector *v, bool dribble)
{
    char complaint[4096] = "";
    struct rig *rig = rig_new();
    rig->settings.tier = TIER_SYNCED;
    rig->settings.message_bytes_max = 4096;
    must(rig_boot(rig));
    struct amqp_stage *stage = amqp_stage_new(rig);
    amqp_stage_dribble(stage, dribble);
    bool fine = amqp_play(stage, v->script);
    if (!fine)
        snprintf(complaint, sizeof(complaint), "%s", amqp_stage_complaint(stage));
    amqp_stage_free(stage);
    rig_free(rig);
    if (!fine)
        fail_msg("%s%s", dribble ? "byte by byte: " : "", complaint);
}

static void
session_agrees(void **state)
{
    play(*state, false);
    play(*state, true);
}

static size_t
count_rows(void)
{
    size_t n = 0;
    for (const struct amqp_vectors *const *table = amqp_vector_tables; *table != NULL; table++)
        n += (*table)->count;
    return n;
}

static const char *
name_of(const struct amqp_vector *v)
{
    size_t n = strlen("amqp:") + strlen(v->name) + 1;
    char *name = malloc(n);
    must(name != NULL);
    snprintf(name, n, "amqp:%s", v->name);
    return name;
}

int
main(void)
{
    size_t n = 0, count = count_rows();
    struct CMUnitTest *tests = calloc(count, sizeof(*tests));
    const char *only = getenv("VECTOR");
    must(tests != NULL);
    for (const struct amqp_vectors *const *table = amqp_vector_tables; *table != NULL; table++)
        for (size_t i = 0; i < (*table)->count; i++) {
            const struct amqp_vector *row = &(*table)->rows[i];
            if (only != NULL && strcmp(only, row->name) != 0)
                continue;
            tests[n++] = (struct CMUnitTest){
                .name = name_of(row),
                .test_func = session_agrees,
                .initial_state = (void *)(uintptr_t)row,
            };
        }
    int failed = _cmocka_run_group_tests("amqp_session", tests, n, NULL, NULL);
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)tests[i].name);
    free(tests);
    return failed;
}
