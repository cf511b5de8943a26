/* RabbitMQ's definitions, out and in; lists; and memory that runs out. */
#include "base/limits.h"
#include "catalog/catalog_rig.h"

static const char definitions[] =
    "{\"rabbit_version\": \"3.10.8\", \"users\": [], \"vhosts\": [{\"name\": \"/\"}],"
    "\"policies\": [{\"vhost\": \"/\", \"name\": \"p\", \"pattern\": \"^w\", \"apply-to\": \"queues\","
    " \"definition\": {\"max-length\": 5}, \"priority\": 1}],"
    "\"queues\": [{\"name\": \"work\", \"vhost\": \"/\", \"durable\": true, \"auto_delete\": false,"
    " \"arguments\": {\"x-message-ttl\": 60000, \"x-dead-letter-exchange\": \"dead\"}},"
    " {\"name\": \"elsewhere\", \"vhost\": \"other\", \"durable\": true, \"auto_delete\": false, \"arguments\": {}}],"
    "\"exchanges\": [{\"name\": \"dead\", \"vhost\": \"/\", \"type\": \"topic\", \"durable\": true,"
    " \"auto_delete\": false, \"internal\": false, \"arguments\": {}}],"
    "\"bindings\": [{\"source\": \"dead\", \"vhost\": \"/\", \"destination\": \"work\","
    " \"destination_type\": \"queue\", \"routing_key\": \"#\", \"arguments\": {\"l\": [1, \"t\", true, null,"
    " {\"d\": 1.5}]}}]}";

static int
import(struct catalog_rig *rig, const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    int rc = catalog_import(rig->vhost, json, &rig->why);
    json_decref(json);
    return rc;
}

static void
what_goes_in_comes_out(void **state)
{
    (void)state;
    static char first[RIG_TEXT];
    struct catalog_rig *rig = catalog_rig_new(false), *other = catalog_rig_new(true);
    assert_int_equal(import(rig, definitions), 0);
    assert_int_equal(import(rig, definitions), 0); /* what is there already is fine */
    assert_null(mq_find(rig->vhost, view_str("elsewhere")));
    assert_int_equal(rig_queue(rig, "mine", "x", NULL), 0);
    snprintf(first, sizeof(first), "%s", rig_json(rig, catalog_export(rig->vhost)));
    assert_int_equal(import(other, first), 0);
    assert_string_equal(rig_json(other, catalog_export(other->vhost)), first);
    catalog_rig_restart(other);
    assert_string_equal(rig_json(other, catalog_export(other->vhost)), first);
    assert_string_equal(rig_route(other, "dead", "a.b", NULL), "work ");
    catalog_rig_free(rig);
    catalog_rig_free(other);
}

/* One bad item, and nothing of the rest has come in. */
static void
bad_definitions_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
        unsigned code;
    } rows[] = {
        {"\"queues\": 7",                                          "definitions: 'queues' is not an array",                             406},
        { "\"queues\": [{\"name\": 7}]",                           "definitions: queues[0]: 'name' is not a text of 255 bytes at most", 406},
        { "\"queues\": [{\"name\": \"q\", \"durable\": \"y\"}]",
         "definitions: queues[0] 'q': 'durable' is not true or false",                                                                  406},
        { "\"queues\": [{\"name\": \"q\", \"arguments\": 1}]",
         "definitions: queues[0] 'q': 'arguments' is not an object of settings",                                                        406},
        { "\"exchanges\": [{\"name\": \"x\", \"type\": \"odd\"}]",
         "definitions: exchanges[0] 'x': unknown exchange type 'odd'",                                                                  503},
        { "\"bindings\": [{\"source\": \"good\", \"destination\": \"none\", \"destination_type\": \"queue\","
          " \"routing_key\": \"\"}]",                     "definitions: bindings[0]: no queue 'none' in vhost '/'",            404},
        { "\"bindings\": [{\"source\": \"none\", \"destination\": \"good\", \"destination_type\": \"queue\","
          " \"routing_key\": \"\"}]",                     "definitions: bindings[0]: no exchange 'none' in vhost '/'",         404},
        { "\"policies\": [{\"name\": \"p\", \"pattern\": \"a\"}]",
         "definitions: policies[0] 'p': 'definition' is not an object of settings",                                                     406},
    };
    struct catalog_rig *rig = catalog_rig_new(false);
    static char before[RIG_TEXT], text[RIG_TEXT];
    snprintf(before, sizeof(before), "%s", rig_json(rig, catalog_export(rig->vhost)));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        snprintf(text, sizeof(text),
                 "{\"queues\": [{\"name\": \"good\"}], \"exchanges\": [{\"name\": \"good\", "
                 "\"type\": \"direct\"}], %s}",
                 rows[i].json);
        /* The later of two keys of the same name holds: the section under test. */
        EXPECT_REFUSED(rig, import(rig, text), rows[i].code, rows[i].text);
        assert_string_equal(rig_json(rig, catalog_export(rig->vhost)), before);
    }
    EXPECT_REFUSED(rig, import(rig, "[]"), 406, "definitions: not an object");
    catalog_rig_free(rig);
}

/* What only making it finds fault with: all before it is undone, a policy is what it was. */
static const char *const flawed[][2] = {
    {"\"queues\": [{\"name\": \"q\"}, {\"name\": \"q\", \"durable\": true}]",
     "definitions: queues[1] 'q': inequivalent arg 'durable'"                                                                                                                        },
    { "\"exchanges\": [{\"name\": \"x\", \"type\": \"fanout\"}, {\"name\": \"x\", \"type\": \"topic\"}]",
     "definitions: exchanges[1] 'x': inequivalent arg 'type'"                                                                                                                        },
    { "\"queues\": [{\"name\": \"q\", \"durable\": true}], \"exchanges\": [{\"name\": \"h\", \"durable\": true, "
      "\"type\": "
      "\"x-consistent-hash\"}], \"bindings\": [{\"source\": \"h\", \"destination\": \"q\", \"destination_type\": "
      "\"queue\", \"routing_key\": \"2\"}, {\"source\": \"auto\", \"destination\": \"kept\", \"destination_type\": "
      "\"queue\", \"routing_key\": \"k\"}, {\"source\": \"h\", \"destination\": \"kept\", \"destination_type\": "
      "\"queue\", \"routing_key\": \"heavy\"}]",                                                     "definitions: bindings[2]: "                                               },
    { "\"bindings\": [{\"source\": \"\", \"destination\": \"kept\", \"destination_type\": \"queue\", \"routing_key\": "
      "\"\"}]",                                                                                      "definitions: bindings[0]: operation not permitted on the default exchange"},
};

static void
what_fails_midway_is_undone(void **state)
{
    (void)state;
    static char before[RIG_TEXT], text[RIG_TEXT];
    struct catalog_rig *rig = catalog_rig_new(true);
    assert_int_equal(import(rig, "{\"policies\": [{\"name\": \"p\", \"pattern\": \"^k\", \"definition\": "
                                 "{\"max-length\": 7}}], \"queues\": [{\"name\": \"kept\", \"durable\": true}]}"),
                     0);
    assert_int_equal(rig_exchange(rig, "auto", "direct", "ad", NULL), 0);
    snprintf(before, sizeof(before), "%s", rig_json(rig, catalog_export(rig->vhost)));
    for (size_t i = 0; i < sizeof(flawed) / sizeof(flawed[0]); i++) {
        snprintf(text, sizeof(text),
                 "{\"policies\": [{\"name\": \"p\", \"pattern\": \"^k\", \"definition\": {\"max-length\": 1}}, "
                 "{\"name\": \"new\", \"pattern\": \".\", \"definition\": {\"max-length\": 1}}], %s}",
                 flawed[i][0]);
        assert_true(import(rig, text) < 0);
        assert_memory_equal(rig->why.text, flawed[i][1], strlen(flawed[i][1]));
        assert_string_equal(rig_json(rig, catalog_export(rig->vhost)), before);
    }
    catalog_rig_restart(rig);
    assert_string_equal(rig_json(rig, catalog_export(rig->vhost)), before);
    catalog_rig_free(rig);
}

/* Every allocation of an import fails in turn. */
static void
an_import_without_memory_changes_nothing(void **state)
{
    (void)state;
    static char before[RIG_TEXT];
    bool reached = true;
    for (uint64_t n = 1; reached; n++) {
        struct catalog_rig *rig = catalog_rig_new(true);
        snprintf(before, sizeof(before), "%s", rig_json(rig, catalog_export(rig->vhost)));
        rig->mem.calls = 0;
        rig->mem.fail_at = n;
        int rc = import(rig, definitions);
        rig->mem.fail_at = 0;
        reached = rig->mem.calls >= n;
        assert_true(rc == 0 || strncmp(rig->why.text, "definitions: ", strlen("definitions: ")) == 0);
        if (rc < 0)
            assert_string_equal(rig_json(rig, catalog_export(rig->vhost)), before);
        catalog_rig_free(rig);
    }
}

static void
lists_have_rabbitmqs_names(void **state)
{
    (void)state;
    struct catalog_rig *rig = catalog_rig_new(false);
    assert_int_equal(rig_queue(rig, "q", "", "{\"x-max-length\": 3}"), 0);
    assert_int_equal(rig_bind(rig, "amq.direct", "q", "k", NULL), 0);
    assert_int_equal(rig_publish(rig, "", "q", NULL), 0);
    assert_string_equal(rig_json(rig, catalog_list_bindings(rig->vhost)),
                        "[{\"arguments\":{},\"destination\":\"q\",\"destination_type\":\"queue\",\"routing_key\":\"q\","
                        "\"source\":\"\",\"vhost\":\"/\"},{\"arguments\":{},\"destination\":\"q\",\"destination_type\":"
                        "\"queue\",\"routing_key\":\"k\",\"source\":\"amq.direct\",\"vhost\":\"/\"}]");
    json_t *queues = catalog_list_queues(rig->vhost), *q = json_array_get(queues, 0);
    assert_int_equal(json_integer_value(json_object_get(q, "messages_ready")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(q, "arguments"), "x-max-length")), 3);
    assert_string_equal(json_string_value(json_object_get(q, "type")), "classic");
    json_decref(queues);
    json_t *exchanges = catalog_list_exchanges(rig->vhost);
    assert_int_equal(json_array_size(exchanges), 7);
    assert_string_equal(json_string_value(json_object_get(json_array_get(exchanges, 3), "type")), "topic");
    json_decref(exchanges);
    catalog_rig_free(rig);
}

static void
names_that_are_no_text(void **state)
{
    (void)state;
    struct catalog_rig *rig = catalog_rig_new(false);
    assert_int_equal(rig_queue(rig, "bad\xff", "", NULL), 0);
    json_t *queues = catalog_list_queues(rig->vhost);
    assert_string_equal(json_string_value(json_object_get(json_array_get(queues, 0), "name")), "bad?");
    json_decref(queues);
    catalog_rig_free(rig);
}

/* ---- memory ---------------------------------------------------------------------------------------------------------
 */

/* Everything that asks for memory, in one go.  0: nothing was refused. */
static int
play(struct catalog_rig *rig)
{
    int rc = rig_queue(rig, "q", "d", NULL);
    if (rc == 0)
        rc = rig_exchange(rig, "t", "topic", "d", "{\"alternate-exchange\": \"y\"}");
    if (rc == 0)
        rc = rig_exchange(rig, "h", "x-consistent-hash", "d", "{\"hash-header\": \"a\"}");
    if (rc == 0)
        rc = rig_bind(rig, "t", "q", "a.#", NULL);
    if (rc == 0)
        rc = rig_bind(rig, "amq.topic", ">t", "a.*", NULL);
    if (rc == 0)
        rc = rig_bind(rig, "h", "q", "20", NULL);
    if (rc == 0)
        rc = rig_bind(rig, "amq.direct", "q", "k", NULL);
    return rc == 0 ? rig_publish(rig, "amq.topic", "a.b", "{\"BCC\": [\"a.c\"]}") : rc;
}

static void
refused_memory_leaves_nothing_half_done(void **state)
{
    (void)state;
    unsigned refused = 0;
    bool reached = true;
    for (uint64_t n = 1; reached; n++) {
        struct catalog_rig *rig = catalog_rig_new(true);
        rig->mem.calls = 0;
        rig->mem.fail_at = n;
        int rc = play(rig);
        rig->mem.fail_at = 0;
        reached = rig->mem.calls >= n;
        refused += rc != 0;
        assert_true(rc == 0 || rc == -ERR_NO_MEMORY || rc == -ERR_REFUSED);
        assert_int_equal(play(rig), 0);
        catalog_rig_restart(rig);
        assert_int_equal(play(rig), 0);
        catalog_rig_free(rig);
    }
    assert_true(refused > 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(bad_definitions_change_nothing),
        cmocka_unit_test(what_fails_midway_is_undone),
        cmocka_unit_test(an_import_without_memory_changes_nothing),
        cmocka_unit_test(lists_have_rabbitmqs_names),
        cmocka_unit_test(names_that_are_no_text),
        cmocka_unit_test(refused_memory_leaves_nothing_half_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
