/* What is declared, refused, deleted, and what is still there after a restart. */
#include "catalog/catalog_rig.h"
#include "queue/record.h"

/* ---- refusals --------------------------------------------------------------------------------------------------- */

static void
exchanges_are_equivalent_or_refused(void **state)
{
    (void)state;
    struct catalog_rig *rig = catalog_rig_new(false);
    assert_int_equal(rig_exchange(rig, "x", "direct", "d", NULL), 0);
    assert_int_equal(rig_exchange(rig, "x", "direct", "d", NULL), 0);
    EXPECT_REFUSED(rig, rig_exchange(rig, "x", "fanout", "d", NULL), 406,
                   "inequivalent arg 'type' for exchange 'x' in vhost '/': received 'fanout' but current is 'direct'");
    EXPECT_REFUSED(rig, rig_exchange(rig, "x", "direct", "", NULL), 406,
                   "inequivalent arg 'durable' for exchange 'x' in vhost '/': received 'false' but current is 'true'");
    EXPECT_REFUSED(rig, rig_exchange(rig, "x", "direct", "da", NULL), 406,
                   "inequivalent arg 'auto_delete' for exchange 'x' in vhost '/': received 'true' but current is "
                   "'false'");
    EXPECT_REFUSED(rig, rig_exchange(rig, "x", "direct", "di", NULL), 406,
                   "inequivalent arg 'internal' for exchange 'x' in vhost '/': received 'true' but current is 'false'");
    EXPECT_REFUSED(
        rig, rig_exchange(rig, "x", "direct", "d", "{\"alternate-exchange\": \"y\"}"), 406,
        "inequivalent arg 'alternate-exchange' for exchange 'x' in vhost '/': received the value 'y' of type "
        "'longstr' but current is none");
    assert_int_equal(rig_exchange(rig, "z", "direct", "", "{\"alternate-exchange\": \"y\"}"), 0);
    EXPECT_REFUSED(rig, rig_exchange(rig, "w", "direct", "", "{\"alternate-exchange\": 7}"), 406,
                   "invalid type 'long' for arg 'alternate-exchange' in exchange 'w' in vhost '/'");
    EXPECT_REFUSED(rig, rig_exchange(rig, "z", "direct", "", "{\"alternate-exchange\": \"w\"}"), 406,
                   "inequivalent arg 'alternate-exchange' for exchange 'z' in vhost '/': received 'w' but current is "
                   "'y'");
    catalog_rig_free(rig);
}

static void
exchanges_that_cannot_be(void **state)
{
    (void)state;
    struct catalog_rig *rig = catalog_rig_new(false);
    EXPECT_REFUSED(rig, rig_exchange(rig, "x", "odd", "", NULL), 503, "unknown exchange type 'odd'");
    EXPECT_REFUSED(rig, rig_exchange(rig, "amq.x", "direct", "", NULL), 403,
                   "exchange name 'amq.x' contains reserved prefix 'amq.*'");
    assert_int_equal(rig_exchange(rig, "amq.direct", "direct", "d", NULL), 0); /* it is there */
    EXPECT_REFUSED(rig, rig_exchange(rig, "", "direct", "d", NULL), 403,
                   "operation not permitted on the default exchange");
    EXPECT_REFUSED(rig, rig_exchange(rig, "x", "x-delayed-message", "", NULL), 406,
                   "Invalid argument, 'x-delayed-type' must be an existing exchange type");
    EXPECT_REFUSED(
        rig,
        rig_exchange(rig, "x", "x-consistent-hash", "", "{\"hash-header\": \"a\", \"hash-property\": \"message_id\"}"),
        406, "hash-header and hash-property are mutually exclusive");
    EXPECT_REFUSED(rig, rig_exchange(rig, "x", "x-consistent-hash", "", "{\"hash-property\": \"app_id\"}"), 406,
                   "Unsupported property: app_id");
    rig->settings.exchanges_max = 8;
    assert_int_equal(rig_exchange(rig, "x", "direct", "", NULL), 0);
    EXPECT_REFUSED(rig, rig_exchange(rig, "y", "direct", "", NULL), 406,
                   "cannot declare exchange 'y' in vhost '/': exchange limit of 8 is reached");
    catalog_rig_free(rig);
}

static void
deletions(void **state)
{
    (void)state;
    struct catalog_rig *rig = catalog_rig_new(false);
    assert_int_equal(rig_exchange(rig, "x", "direct", "", NULL), 0);
    assert_int_equal(rig_queue(rig, "q", "", NULL), 0);
    assert_int_equal(rig_bind(rig, "x", "q", "k", NULL), 0);
    EXPECT_REFUSED(rig, rig_exchange_delete(rig, "x", true), 406, "exchange 'x' in vhost '/' in use");
    EXPECT_REFUSED(rig, rig_exchange_delete(rig, "", false), 403, "operation not permitted on the default exchange");
    EXPECT_REFUSED(rig, rig_exchange_delete(rig, "amq.topic", false), 403,
                   "deletion of system exchange 'amq.topic' in vhost '/' not allowed");
    assert_int_equal(rig_exchange_delete(rig, "x", false), 0);
    assert_int_equal(rig_exchange_delete(rig, "x", false), 0); /* as RabbitMQ: what is not there is gone */
    assert_null(xchg_find(rig->vhost, view_str("x")));
    assert_true(list_empty(&mq_find(rig->vhost, view_str("q"))->bindings));
    catalog_rig_free(rig);
}

static void
bindings_that_cannot_be(void **state)
{
    (void)state;
    struct catalog_rig *rig = catalog_rig_new(false);
    static const char default_text[] = "operation not permitted on the default exchange";
    assert_int_equal(rig_queue(rig, "q", "", NULL), 0);
    EXPECT_REFUSED(rig, rig_bind(rig, "none", "q", "k", NULL), 404, "no exchange 'none' in vhost '/'");
    EXPECT_REFUSED(rig, rig_bind(rig, "amq.direct", "none", "k", NULL), 404, "no queue 'none' in vhost '/'");
    EXPECT_REFUSED(rig, rig_bind(rig, "amq.direct", ">none", "k", NULL), 404, "no exchange 'none' in vhost '/'");
    EXPECT_REFUSED(rig, rig_bind(rig, "", "q", "k", NULL), 403, default_text);
    EXPECT_REFUSED(rig, rig_bind(rig, "amq.direct", ">", "k", NULL), 403, default_text);
    EXPECT_REFUSED(rig, rig_unbind(rig, "", "q", "q", NULL), 403, default_text);
    assert_int_equal(rig_unbind(rig, "none", "q", "k", NULL), 0);
    assert_int_equal(rig_unbind(rig, "amq.direct", "q", "k", NULL), 0);
    EXPECT_REFUSED(rig, rig_bind(rig, "amq.headers", "q", "", "{\"x-match\": \"most\"}"), 406,
                   "Invalid x-match field value <<\"most\">>; expected all, any, all-with-x, or any-with-x");
    assert_int_equal(rig_exchange(rig, "h", "x-consistent-hash", "", NULL), 0);
    EXPECT_REFUSED(rig, rig_bind(rig, "h", "q", "much", NULL), 406, "The binding key must be an integer: <<\"much\">>");
    EXPECT_REFUSED(rig, rig_bind(rig, "h", "q", "0", NULL), 406,
                   "The binding key must be greater than 0, and 10000 at most");
    rig->settings.bindings_max = 1;
    assert_int_equal(rig_bind(rig, "amq.direct", "q", "a", NULL), 0);
    assert_int_equal(rig_bind(rig, "amq.direct", "q", "a", NULL), 0);
    EXPECT_REFUSED(rig, rig_bind(rig, "amq.direct", "q", "b", NULL), 406,
                   "cannot bind in vhost '/': binding limit of 1 is reached");
    catalog_rig_free(rig);
}

/* ---- what goes with what ------------------------------------------------------------------------------------------
 */

static bool
there(struct catalog_rig *rig, const char *exchange)
{
    return xchg_find(rig->vhost, view_str(exchange)) != NULL;
}

static void
auto_delete_follows_the_last_binding(void **state)
{
    (void)state;
    struct catalog_rig *rig = catalog_rig_new(false);
    assert_int_equal(rig_queue(rig, "q", "", NULL), 0);
    assert_int_equal(rig_exchange(rig, "a", "fanout", "a", NULL), 0);
    assert_int_equal(rig_exchange(rig, "b", "fanout", "a", NULL), 0);
    assert_int_equal(rig_exchange(rig, "c", "fanout", "a", NULL), 0);
    assert_int_equal(rig_bind(rig, "a", ">b", "", NULL), 0);
    assert_int_equal(rig_bind(rig, "b", ">c", "", NULL), 0);
    assert_int_equal(rig_bind(rig, "c", "q", "1", NULL), 0);
    assert_int_equal(rig_bind(rig, "c", "q", "2", NULL), 0);
    assert_int_equal(rig_unbind(rig, "c", "q", "1", NULL), 0);
    assert_true(there(rig, "c"));
    rig_queue_delete(rig, "q"); /* the whole chain */
    assert_false(there(rig, "a") || there(rig, "b") || there(rig, "c"));
    catalog_rig_free(rig);
}

static void
a_circle_of_exchanges_goes_once(void **state)
{
    (void)state;
    struct catalog_rig *rig = catalog_rig_new(false);
    assert_int_equal(rig_exchange(rig, "a", "fanout", "a", NULL), 0);
    assert_int_equal(rig_exchange(rig, "b", "fanout", "a", NULL), 0);
    assert_int_equal(rig_bind(rig, "a", ">a", "", NULL), 0);
    assert_int_equal(rig_bind(rig, "a", ">b", "", NULL), 0);
    assert_int_equal(rig_bind(rig, "b", ">a", "", NULL), 0);
    assert_int_equal(rig_exchange_delete(rig, "a", false), 0);
    assert_false(there(rig, "a") || there(rig, "b"));
    catalog_rig_free(rig);
}

static void
virtual_hosts_are_apart(void **state)
{
    (void)state;
    struct catalog_rig *rig = catalog_rig_new(false);
    struct vhost *home = rig->vhost, *other;
    struct catalog_stats stats;
    assert_int_equal(catalog_vhost_new(rig->catalog, view_str("/"), false, &other), -ERR_EXISTS);
    assert_int_equal(catalog_vhost_new(rig->catalog, view_str(""), false, &other), -ERR_INVALID);
    assert_int_equal(catalog_vhost_new(rig->catalog, view_str("other"), false, &other), 0);
    assert_int_equal(rig_queue(rig, "q", "", NULL), 0);
    rig->vhost = other;
    EXPECT_REFUSED(rig, rig_bind(rig, "amq.topic", "q", "#", NULL), 404, "no queue 'q' in vhost 'other'");
    assert_int_equal(rig_queue(rig, "q", "", NULL), 0);
    assert_int_equal(rig_bind(rig, "amq.topic", "q", "#", NULL), 0);
    assert_string_equal(rig_route(rig, "amq.topic", "a.b", NULL), "q ");
    assert_string_equal(rig->bound, ""); /* its amq.topic is its own */
    rig->vhost = home;
    assert_string_equal(rig_got(rig), "");
    catalog_stats(rig->catalog, &stats);
    assert_true(stats.vhosts == 2 && stats.exchanges == 14 && stats.queues == 2 && stats.bindings == 1);
    assert_int_equal(catalog_vhost_end(other), 0);
    assert_null(catalog_vhost(rig->catalog, view_str("other")));
    catalog_rig_free(rig);
}

/* ---- the log --------------------------------------------------------------------------------------------------------
 */

static void
declare_much(struct catalog_rig *rig)
{
    json_t *policy = json_pack("{s:s, s:s, s:i, s:{s:i}}", "pattern", "^q", "apply-to", "queues", "priority", 3,
                               "definition", "max-length", 10);
    assert_int_equal(rig_queue(rig, "q1", "d", "{\"x-max-priority\": 5}"), 0);
    assert_int_equal(rig_queue(rig, "q2", "da", NULL), 0);
    assert_int_equal(rig_queue(rig, "gone", "d", NULL), 0);
    assert_int_equal(rig_queue(rig, "fleeting", "", NULL), 0);
    assert_int_equal(rig_exchange(rig, "x", "topic", "di", "{\"alternate-exchange\": \"amq.fanout\"}"), 0);
    assert_int_equal(rig_exchange(rig, "later", "x-delayed-message", "d", "{\"x-delayed-type\": \"direct\"}"), 0);
    assert_int_equal(rig_exchange(rig, "fleeting", "direct", "", NULL), 0);
    assert_int_equal(rig_exchange(rig, "auto", "direct", "da", NULL), 0);
    assert_int_equal(rig_bind(rig, "amq.topic", ">x", "a.#", NULL), 0);
    assert_int_equal(rig_bind(rig, "amq.topic", "q2", "b/c.*", NULL), 0);
    assert_int_equal(rig_bind(rig, "x", "q1", "*.b", "{\"n\": 1}"), 0);
    assert_int_equal(rig_bind(rig, "x", "fleeting", "#", NULL), 0);
    assert_int_equal(rig_bind(rig, "x", "gone", "#", NULL), 0);
    assert_int_equal(rig_bind(rig, "amq.direct", "q1", "k", NULL), 0);
    assert_int_equal(rig_bind(rig, "amq.direct", "q2", "k", NULL), 0);
    assert_int_equal(rig_bind(rig, "amq.direct", "q2", "gone", NULL), 0);
    assert_int_equal(rig_bind(rig, "auto", "gone", "k", NULL), 0);
    assert_int_equal(policy_set(rig->vhost, view_str("p"), policy, &rig->why), 0);
    assert_int_equal(policy_set(rig->vhost, view_str("gone"), policy, &rig->why), 0);
    assert_int_equal(policy_clear(rig->vhost, view_str("gone"), &rig->why), 0);
    assert_int_equal(rig_unbind(rig, "amq.direct", "q2", "gone", NULL), 0);
    rig_queue_delete(rig, "gone"); /* and the exchange "auto" with it */
    assert_false(there(rig, "auto"));
    json_decref(policy);
}

/* What a restart keeps: everything but what says that it is fleeting. */
static void
snapshot(struct catalog_rig *rig, char ret[static RIG_TEXT])
{
    snprintf(ret, RIG_TEXT, "%s", rig_json(rig, catalog_export(rig->vhost)));
}

static void
expect_declared(struct catalog_rig *rig)
{
    struct mq_facts facts;
    assert_null(mq_find(rig->vhost, view_str("fleeting")));
    assert_null(mq_find(rig->vhost, view_str("gone")));
    assert_false(there(rig, "fleeting") || there(rig, "auto"));
    assert_string_equal(rig_route(rig, "amq.direct", "k", NULL), "q1 q2 ");
    assert_string_equal(rig_route(rig, "amq.direct", "gone", NULL), "");
    assert_string_equal(rig_route(rig, "amq.topic", "a.b", NULL), "q1 ");
    assert_string_equal(rig_route(rig, "amq.topic", "b/c.d", NULL), "q2 ");
    mq_facts(mq_find(rig->vhost, view_str("q1")), &facts);
    assert_true(view_is(facts.policy, "p") && facts.priorities == 5 && facts.durable);
}

static void
definitions_outlive_power(void **state)
{
    (void)state;
    static char before[RIG_TEXT], after[RIG_TEXT];
    struct catalog_rig *rig = catalog_rig_new(true);
    declare_much(rig);
    catalog_rig_restart(rig);
    expect_declared(rig);
    assert_string_equal(rig->bound, "+a/# +b%2Fc/* ");
    snapshot(rig, before);
    catalog_rig_restart(rig);
    snapshot(rig, after);
    assert_string_equal(before, after);
    catalog_rig_free(rig);
}

/* Facts of the log are replayed over a checkpoint that knows them. */
static void
checkpoints_tell_the_same(void **state)
{
    (void)state;
    static char before[RIG_TEXT], after[RIG_TEXT];
    for (unsigned most = 1; most < 40; most += 12) {
        struct catalog_rig *rig = catalog_rig_new(true);
        declare_much(rig);
        catalog_rig_restart(rig);
        snapshot(rig, before);
        catalog_rig_checkpoint(rig, most);
        catalog_rig_restart(rig);
        snapshot(rig, after);
        assert_string_equal(before, after);
        expect_declared(rig);
        assert_int_equal(rig_exchange_delete(rig, "x", false), 0);
        rig_queue_delete(rig, "q1");
        assert_int_equal(rig_queue(rig, "q1", "d", NULL), 0); /* another of that name, without bindings */
        assert_int_equal(rig_exchange(rig, "x", "fanout", "d", NULL), 0);
        assert_int_equal(rig_publish(rig, "", "q1", NULL), 0);
        catalog_rig_restart(rig);
        assert_string_equal(rig_got(rig), "q1 ");
        assert_string_equal(rig_route(rig, "amq.direct", "k", NULL), "q2 ");
        assert_int_equal(rig_exchange(rig, "x", "fanout", "d", NULL), 0);
        catalog_rig_free(rig);
    }
}

/* What comes and goes while a checkpoint is written. */
static void
a_checkpoint_may_be_overtaken(void **state)
{
    (void)state;
    struct catalog_rig *rig = catalog_rig_new(true);
    uint64_t at = 0;
    declare_much(rig);
    catalog_rig_settle(rig);
    assert_true(log_checkpoint_begin(rig->log) != 0);
    for (unsigned i = 0; catalog_checkpoint(rig->catalog, &at, 1) == 1; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%u", i);
        if (i == 3) {
            rig_queue_delete(rig, "q2");
            assert_int_equal(rig_exchange_delete(rig, "x", false), 0);
        }
        if (i < 50) /* else it would never end */
            assert_int_equal(rig_queue(rig, name, "d", NULL), 0);
    }
    assert_true(at > 50);
    log_checkpoint_abandon(rig->log);
    catalog_rig_checkpoint(rig, 1000);
    catalog_rig_restart(rig);
    assert_string_equal(rig_route(rig, "amq.direct", "k", NULL), "q1 ");
    assert_string_equal(rig_route(rig, "", "n49", NULL), "n49 ");
    assert_false(there(rig, "x"));
    catalog_rig_free(rig);
}

static void
torn_records_are_damage(void **state)
{
    (void)state;
    struct catalog_rig *rig = catalog_rig_new(false);
    uint8_t bytes[] = { 0, 1, '/', 0, 1, 'x', 0, 6, 'd', 'i', 'r', 'e', 'c', 't', 0, 0, 0, 0, 0 };
    rig->catalog->restoring = true;
    for (size_t n = 0; n < sizeof(bytes); n++)
        assert_int_equal(catalog_restore(rig->catalog, RECORD_XCHG, view_of(bytes, n)), -ERR_DAMAGED);
    assert_int_equal(catalog_restore(rig->catalog, RECORD_XCHG, view_of(bytes, sizeof(bytes))), 0);
    assert_int_equal(catalog_restore(rig->catalog, RECORD_XCHG, view_of(bytes, sizeof(bytes))), 0);
    assert_true(there(rig, "x"));
    assert_int_equal(catalog_restore(rig->catalog, RECORD_POLICY_END + 1, view_of(bytes, sizeof(bytes))), -ERR_FORMAT);
    catalog_rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchanges_are_equivalent_or_refused),
        cmocka_unit_test(exchanges_that_cannot_be),
        cmocka_unit_test(deletions),
        cmocka_unit_test(bindings_that_cannot_be),
        cmocka_unit_test(auto_delete_follows_the_last_binding),
        cmocka_unit_test(a_circle_of_exchanges_goes_once),
        cmocka_unit_test(virtual_hosts_are_apart),
        cmocka_unit_test(definitions_outlive_power),
        cmocka_unit_test(checkpoints_tell_the_same),
        cmocka_unit_test(a_checkpoint_may_be_overtaken),
        cmocka_unit_test(torn_records_are_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
