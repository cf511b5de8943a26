/* Which queues a publication reaches: each kind of exchange, and all of them together against a naive oracle. */
#include "base/limits.h"
#include "catalog/catalog_rig.h"

/* ---- one kind each ------------------------------------------------------------------------------------------------
 */

static struct catalog_rig *
rig_with_queues(void)
{
    struct catalog_rig *rig = catalog_rig_new(false);
    static const char *const names[] = { "a", "b", "c", "d" };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(rig_queue(rig, names[i], "", NULL), 0);
    return rig;
}

static void
bind(struct catalog_rig *rig, const char *source, const char *destination, const char *key)
{
    assert_int_equal(rig_bind(rig, source, destination, key, NULL), 0);
}

static void
default_and_direct(void **state)
{
    (void)state;
    struct catalog_rig *rig = rig_with_queues();
    assert_string_equal(rig_route(rig, "", "a", NULL), "a ");
    assert_string_equal(rig_route(rig, "", "none", NULL), "");
    bind(rig, "amq.direct", "a", "k");
    bind(rig, "amq.direct", "b", "k");
    bind(rig, "amq.direct", "c", "k");
    bind(rig, "amq.direct", "d", "other");
    assert_string_equal(rig_route(rig, "amq.direct", "k", NULL), "a b c ");
    static const char *const order[] = { "b", "a", "c" }; /* in the middle, at the head, the last */
    static const char *const left[] = { "a c ", "c ", "" };
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(rig_unbind(rig, "amq.direct", order[i], "k", NULL), 0);
        assert_string_equal(rig_route(rig, "amq.direct", "k", NULL), left[i]);
    }
    assert_string_equal(rig_route(rig, "amq.direct", "other", NULL), "d ");
    catalog_rig_free(rig);
}

static void
further_keys(void **state)
{
    (void)state;
    struct catalog_rig *rig = rig_with_queues();
    assert_string_equal(rig_route(rig, "", "a", "{\"CC\": [\"b\", \"a\", 7, \"none\"]}"), "a b ");
    assert_string_equal(rig_route(rig, "", "a", "{\"BCC\": [\"c\"], \"CC\": [\"d\"], \"n\": 1}"), "a c d ");
    assert_int_equal(rig_publish(rig, "", "a", "{\"CC\": \"b\"}"), -ERR_INVALID);
    assert_int_equal(rig_publish(rig, "", "a", "{\"BCC\": 1}"), -ERR_INVALID);
    assert_string_equal(rig_got(rig), "");
    catalog_rig_free(rig);
}

/* The queue has the message without it, and with all else. */
static void
bcc_is_taken_out(void **state)
{
    (void)state;
    struct catalog_rig *rig = rig_with_queues();
    uint8_t room[256];
    struct pen pen = pen_of(room, sizeof(room));
    uint8_t *mark;
    struct view exchange, stripped;
    struct amqp_properties p = { .present = 1 << AMQP_HEADERS | 1 << AMQP_PRIORITY, .priority = 4 }, got;
    struct amqp_value v;
    uint8_t table[128];
    struct pen t = pen_of(table, sizeof(table));
    amqp_put_name(&t, view_str("BCC"), 'A');
    amqp_put_table_open(&t, &mark);
    amqp_put_item(&t, &(struct amqp_value){ .type = 'S', .bytes = view_str("b") });
    amqp_put_table_close(&t, mark);
    amqp_put_value(&t, view_str("n"), &(struct amqp_value){ .type = 'b', .number = -3 });
    p.headers = view_of(table, (size_t)(t.at - table));
    put_u8(&pen, 1);
    put_bytes(&pen, view_str("x"));
    amqp_properties_put(&pen, &p);
    struct envelope env = { .props = view_of(room, (size_t)(pen.at - room)), .encoding = ENCODING_AMQP091 };
    assert_int_equal(props_without_bcc(rig->catalog, &env, &stripped), 0);
    env.props = stripped;
    assert_true(envelope_properties(&env, &exchange, &got));
    assert_true(view_is(exchange, "x") && got.priority == 4);
    assert_false(amqp_table_find(got.headers, "BCC", &v));
    assert_true(amqp_table_find(got.headers, "n", &v) && v.type == 'b' && v.number == -3);
    catalog_rig_free(rig);
}

static void
exchanges_of_exchanges_end(void **state)
{
    (void)state;
    struct catalog_rig *rig = rig_with_queues();
    assert_int_equal(rig_exchange(rig, "x", "fanout", "", NULL), 0);
    assert_int_equal(rig_exchange(rig, "y", "fanout", "", NULL), 0);
    bind(rig, "x", ">y", "");
    bind(rig, "y", ">x", "");
    bind(rig, "y", ">y", "");
    bind(rig, "x", "a", "");
    bind(rig, "y", "a", "");
    bind(rig, "y", "b", "");
    bind(rig, "amq.topic", ">x", "go.#");
    bind(rig, "y", ">amq.topic", "");
    bind(rig, "amq.topic", "c", "go.*");
    assert_string_equal(rig_route(rig, "x", "", NULL), "a b ");
    assert_string_equal(rig_route(rig, "amq.topic", "go.now", NULL), "a b c ");
    assert_int_equal(rig_publish_mqtt(rig, "go/now"), 0);
    assert_string_equal(rig_got(rig), "a b c ");
    assert_string_equal(rig_route(rig, "y", "go.x", NULL), "a b c ");
    catalog_rig_free(rig);
}

static void
alternates_take_what_nothing_matches(void **state)
{
    (void)state;
    struct catalog_rig *rig = rig_with_queues();
    json_t *policy = json_pack("{s:s, s:s, s:{s:s}}", "pattern", "^x", "apply-to", "exchanges", "definition",
                               "alternate-exchange", "amq.fanout");
    assert_int_equal(rig_exchange(rig, "x", "direct", "", "{\"alternate-exchange\": \"y\"}"), 0);
    assert_int_equal(rig_exchange(rig, "x2", "direct", "", NULL), 0);
    assert_int_equal(rig_exchange(rig, "y", "direct", "", "{\"alternate-exchange\": \"x\"}"), 0);
    bind(rig, "x", "a", "a");
    bind(rig, "y", "b", "b");
    bind(rig, "amq.fanout", "c", "");
    assert_string_equal(rig_route(rig, "x", "a", NULL), "a ");
    assert_string_equal(rig_route(rig, "x", "b", NULL), "b ");
    assert_string_equal(rig_route(rig, "x", "none", NULL), ""); /* a circle */
    assert_string_equal(rig_route(rig, "x2", "none", NULL), "");
    assert_int_equal(policy_set(rig->vhost, view_str("p"), policy, &rig->why), 0);
    assert_string_equal(rig_route(rig, "x2", "none", NULL), "c ");
    assert_string_equal(rig_route(rig, "x", "none", NULL), ""); /* the argument says more */
    assert_int_equal(policy_clear(rig->vhost, view_str("p"), &rig->why), 0);
    assert_string_equal(rig_route(rig, "x2", "none", NULL), "");
    json_decref(policy);
    catalog_rig_free(rig);
}

static void
amq_topic_is_the_trie(void **state)
{
    (void)state;
    struct catalog_rig *rig = rig_with_queues();
    bind(rig, "amq.topic", "a", "s.*.t");
    bind(rig, "amq.topic", "b", "s.*.t");
    bind(rig, "amq.topic", "c", "#.x/y.#");
    assert_string_equal(rig->bound, "+s/*/t +#/x%2Fy/# ");
    assert_int_equal(rig_publish_mqtt(rig, "s/1/t"), 0);
    assert_string_equal(rig_got(rig), "a b ");
    assert_int_equal(rig_publish_mqtt(rig, "s/1.2/t"), 0);
    assert_string_equal(rig_got(rig), "a b ");
    assert_string_equal(rig_route(rig, "amq.topic", "s.1%2E2.t", NULL), "a b ");
    assert_string_equal(rig_route(rig, "amq.topic", "k.x/y", NULL), "c ");
    assert_int_equal(rig_publish_mqtt(rig, "k/x%2Fy"), 0);
    assert_string_equal(rig_got(rig), "c ");
    rig->bound[0] = '\0';
    assert_int_equal(rig_unbind(rig, "amq.topic", "a", "s.*.t", NULL), 0);
    assert_string_equal(rig->bound, "");
    rig_queue_delete(rig, "b");
    assert_string_equal(rig->bound, "-s/*/t ");
    catalog_rig_free(rig);
}

/* An MQTT topic goes on under its routing key. */
static void
topics_go_on_as_keys(void **state)
{
    (void)state;
    struct catalog_rig *rig = rig_with_queues();
    assert_int_equal(rig_exchange(rig, "x", "direct", "", NULL), 0);
    bind(rig, "amq.topic", ">x", "#");
    bind(rig, "x", "a", "k.l");
    bind(rig, "x", "b", "k%2El");
    assert_int_equal(rig_publish_mqtt(rig, "k/l"), 0);
    assert_string_equal(rig_got(rig), "a ");
    assert_int_equal(rig_publish_mqtt(rig, "k.l"), 0);
    assert_string_equal(rig_got(rig), "b ");
    catalog_rig_free(rig);
}

static void
hashes_share_by_weight(void **state)
{
    (void)state;
    enum { MESSAGES = 4000 };
    struct catalog_rig *rig = rig_with_queues();
    unsigned got[4] = { 0 }, stayed = 0;
    char first[MESSAGES];
    assert_int_equal(rig_exchange(rig, "h", "x-consistent-hash", "", NULL), 0);
    assert_string_equal(rig_route(rig, "h", "k", NULL), "");
    bind(rig, "h", "a", "1");
    bind(rig, "h", "b", "3");
    for (unsigned i = 0; i < MESSAGES; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%u", i);
        first[i] = rig_route(rig, "h", key, NULL)[0];
        got[first[i] - 'a']++;
    }
    assert_in_range(got[0], MESSAGES / 4 - 200, MESSAGES / 4 + 200);
    bind(rig, "h", "c", "4");
    for (unsigned i = 0; i < MESSAGES; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%u", i);
        char now = rig_route(rig, "h", key, NULL)[0];
        assert_true(now == first[i] || now == 'c'); /* nothing moves but to the new one */
        stayed += now == first[i];
    }
    assert_in_range(stayed, MESSAGES / 2 - 200, MESSAGES / 2 + 200);
    assert_int_equal(rig_exchange(rig, "by", "x-consistent-hash", "", "{\"hash-header\": \"n\"}"), 0);
    bind(rig, "by", "a", "5");
    bind(rig, "by", "b", "5");
    char one = rig_route(rig, "by", "1", "{\"n\": \"same\"}")[0];
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(rig_route(rig, "by", i % 2 ? "2" : "3", "{\"n\": \"same\"}")[0], one);
    catalog_rig_free(rig);
}

static void
delayed_messages_come_later(void **state)
{
    (void)state;
    struct catalog_rig *rig = catalog_rig_new(true);
    assert_int_equal(rig_exchange(rig, "l", "x-delayed-message", "d", "{\"x-delayed-type\": \"direct\"}"), 0);
    assert_int_equal(rig_queue(rig, "a", "d", NULL), 0);
    assert_int_equal(rig_queue(rig, "b", "d", NULL), 0);
    bind(rig, "l", "a", "k");
    bind(rig, "l", "b", "hidden");
    assert_string_equal(rig_route(rig, "l", "k", NULL), "a ");
    assert_string_equal(rig_route(rig, "l", "k", "{\"x-delay\": -5000}"), "a ");
    assert_string_equal(rig_route(rig, "l", "k", "{\"x-delay\": 5000, \"BCC\": [\"hidden\"]}"), "");
    assert_int_equal(delayed_count(rig->delayed), 1);
    catalog_rig_pass(rig, 3000);
    assert_string_equal(rig_got(rig), "");
    catalog_rig_pass(rig, 3000);
    assert_string_equal(rig_got(rig), "a b ");
    assert_string_equal(rig_route(rig, "l", "k", "{\"x-delay\": 20000}"), "");
    assert_string_equal(rig_route(rig, "l", "hidden", "{\"x-delay\": 20000}"), "");
    catalog_rig_checkpoint(rig, 1000);
    catalog_rig_restart(rig);
    assert_int_equal(delayed_count(rig->delayed), 2);
    catalog_rig_pass(rig, 30000);
    assert_string_equal(rig_got(rig), "a b ");
    catalog_rig_free(rig);
}

/* ---- headers ------------------------------------------------------------------------------------------------------
 */

static void
headers_of_each_mode(void **state)
{
    (void)state;
    struct catalog_rig *rig = rig_with_queues();
    assert_int_equal(rig_bind(rig, "amq.match", "a", "", "{\"x-match\": \"all\", \"n\": 1, \"s\": \"t\"}"), 0);
    assert_int_equal(rig_bind(rig, "amq.match", "b", "", "{\"x-match\": \"any\", \"n\": 1, \"s\": \"t\"}"), 0);
    assert_int_equal(rig_bind(rig, "amq.match", "c", "", "{\"x-match\": \"all-with-x\", \"x-v\": null}"), 0);
    assert_int_equal(rig_bind(rig, "amq.match", "d", "", "{\"x-match\": \"any-with-x\", \"x-v\": 2}"), 0);
    assert_string_equal(rig_route(rig, "amq.match", "", NULL), "");
    assert_string_equal(rig_route(rig, "amq.match", "", "{\"n\": 1}"), "b ");
    assert_string_equal(rig_route(rig, "amq.match", "", "{\"n\": 1, \"s\": \"t\", \"more\": 0}"), "a b ");
    assert_string_equal(rig_route(rig, "amq.match", "", "{\"n\": 2, \"s\": \"u\"}"), "");
    assert_string_equal(rig_route(rig, "amq.match", "", "{\"x-v\": 1}"), "c ");
    assert_string_equal(rig_route(rig, "amq.match", "", "{\"x-v\": 2}"), "c d ");
    assert_int_equal(rig_bind(rig, "amq.headers", "a", "", "{\"x-only\": 1}"), 0); /* nothing asked: everything */
    assert_string_equal(rig_route(rig, "amq.headers", "", NULL), "a ");
    catalog_rig_free(rig);
}

/* ---- the oracle -----------------------------------------------------------------------------------------------------
 */

enum { XCHGS = 8, QUEUES = 6, BINDINGS = 60, ROUNDS = 1500, NAME_ROOM = 16 };

struct edge {
    bool in;
    unsigned source, to; /* from XCHGS on: queues */
    char key[16], arguments[64];
};

struct world {
    struct catalog_rig *rig;
    struct prng prng;
    const char *types[XCHGS];
    int alternate[XCHGS]; /* -1: none */
    struct edge edges[BINDINGS];
};

static void
name_of(unsigned node, char ret[static NAME_ROOM])
{
    snprintf(ret, NAME_ROOM, "%s%u", node < XCHGS ? "x" : "q", node < XCHGS ? node : node - XCHGS);
}

static void
random_key(struct prng *prng, bool wild, char ret[static 16])
{
    static const char *const words[] = { "a", "b", "", "*", "#" };
    size_t levels = 1 + prng_below(prng, 3), n = 0;
    for (size_t i = 0; i < levels; i++)
        n += (size_t)snprintf(ret + n, 16 - n, "%s%s", i > 0 ? "." : "", words[prng_below(prng, wild ? 5 : 3)]);
}

static void
random_table(struct prng *prng, bool binding, char ret[static 64])
{
    static const char *const modes[] = { "", "\"x-match\": \"all\", ", "\"x-match\": \"any\", " };
    static const char *const values[] = { "1", "\"v\"", "null", "true" };
    snprintf(ret, 64, "{%s\"%s\": %s, \"%s\": %s}", binding ? modes[prng_below(prng, 3)] : "",
             prng_once_in(prng, 2) ? "h" : "i", values[prng_below(prng, 4)], prng_once_in(prng, 2) ? "j" : "x-k",
             values[prng_below(prng, 4)]);
}

/* On JSON, which the exchange has never seen. */
static bool
headers_fit(const char *arguments, const char *headers)
{
    json_t *want = json_loads(arguments, 0, NULL), *has = json_loads(headers, 0, NULL), *value;
    const char *mode = json_string_value(json_object_get(want, "x-match")), *key;
    bool any = mode != NULL && strcmp(mode, "any") == 0, all = true, some = false;
    json_object_foreach(want, key, value)
    {
        if (strncmp(key, "x-", 2) == 0)
            continue;
        const json_t *other = json_object_get(has, key);
        bool fits = other != NULL && (json_is_null(value) || json_equal(value, other));
        all = all && fits;
        some = some || fits;
    }
    json_decref(want);
    json_decref(has);
    return any ? some : all;
}

static bool
edge_fits(const struct world *w, const struct edge *e, const char *key, const char *headers)
{
    const char *type = w->types[e->source];
    if (strcmp(type, "fanout") == 0)
        return true;
    if (strcmp(type, "headers") == 0)
        return headers_fit(e->arguments, headers);
    if (strcmp(type, "topic") == 0)
        return route_matches(ROUTE_AMQP, view_str(e->key), view_str(key));
    return strcmp(e->key, key) == 0;
}

/* By recursion, the simplest way to say it. */
static void
oracle(const struct world *w, unsigned x, const char *key, const char *headers, bool *seen)
{
    bool any = false;
    if (seen[x])
        return;
    seen[x] = true;
    for (unsigned i = 0; x < XCHGS && i < BINDINGS; i++) {
        const struct edge *e = &w->edges[i];
        if (!e->in || e->source != x || !edge_fits(w, e, key, headers))
            continue;
        any = true;
        oracle(w, e->to, key, headers, seen);
    }
    if (x < XCHGS && !any && w->alternate[x] >= 0)
        oracle(w, (unsigned)w->alternate[x], key, headers, seen);
}

static void
change_edge(struct world *w)
{
    struct edge *e = &w->edges[prng_below(&w->prng, BINDINGS)];
    char source[NAME_ROOM], to[NAME_ROOM + 1] = ">";
    if (!e->in) {
        e->source = (unsigned)prng_below(&w->prng, XCHGS);
        e->to = (unsigned)prng_below(&w->prng, XCHGS + QUEUES);
        random_key(&w->prng, strcmp(w->types[e->source], "topic") == 0, e->key);
        random_table(&w->prng, true, e->arguments);
    }
    for (unsigned i = 0; i < BINDINGS; i++) {
        const struct edge *other = &w->edges[i];
        if (!e->in && other->in && other->source == e->source && other->to == e->to &&
            strcmp(other->key, e->key) == 0 && strcmp(other->arguments, e->arguments) == 0)
            return; /* it is bound already */
    }
    name_of(e->source, source);
    name_of(e->to, to + 1);
    const char *destination = e->to < XCHGS ? to : to + 1;
    if (e->in)
        assert_int_equal(rig_unbind(w->rig, source, destination, e->key, e->arguments), 0);
    else
        assert_int_equal(rig_bind(w->rig, source, destination, e->key, e->arguments), 0);
    e->in = !e->in;
}

static void
compare(struct world *w)
{
    bool seen[XCHGS + QUEUES] = { false };
    char key[16], headers[64], name[NAME_ROOM], want[QUEUES * NAME_ROOM] = "";
    unsigned x = (unsigned)prng_below(&w->prng, XCHGS);
    random_key(&w->prng, false, key);
    random_table(&w->prng, false, headers);
    oracle(w, x, key, headers, seen);
    for (unsigned q = XCHGS; q < XCHGS + QUEUES; q++) {
        name_of(q, name);
        if (seen[q])
            strcat(strcat(want, name), " ");
    }
    name_of(x, name);
    assert_string_equal(rig_route(w->rig, name, key, headers), want);
}

static void
world_new(struct world *w, uint64_t seed)
{
    static const char *const types[] = { "direct", "fanout", "topic", "headers" };
    *w = (struct world){ .rig = catalog_rig_new(false) };
    prng_init(&w->prng, seed);
    for (unsigned i = 0; i < XCHGS + QUEUES; i++) {
        char name[NAME_ROOM], arguments[48];
        name_of(i, name);
        if (i >= XCHGS) {
            assert_int_equal(rig_queue(w->rig, name, "", NULL), 0);
            continue;
        }
        w->types[i] = types[prng_below(&w->prng, 4)];
        w->alternate[i] = prng_once_in(&w->prng, 2) ? (int)prng_below(&w->prng, XCHGS) : -1;
        snprintf(arguments, sizeof(arguments), "{\"alternate-exchange\": \"x%d\"}", w->alternate[i]);
        assert_int_equal(rig_exchange(w->rig, name, w->types[i], "", w->alternate[i] < 0 ? NULL : arguments), 0);
    }
}

static void
any_topology_routes_as_defined(void **state)
{
    (void)state;
    static struct world w;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        world_new(&w, seed);
        for (unsigned i = 0; i < ROUNDS; i++) {
            if (i < BINDINGS || prng_once_in(&w.prng, 4))
                change_edge(&w);
            compare(&w);
        }
        catalog_rig_free(w.rig);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_and_direct),
        cmocka_unit_test(further_keys),
        cmocka_unit_test(bcc_is_taken_out),
        cmocka_unit_test(exchanges_of_exchanges_end),
        cmocka_unit_test(alternates_take_what_nothing_matches),
        cmocka_unit_test(amq_topic_is_the_trie),
        cmocka_unit_test(topics_go_on_as_keys),
        cmocka_unit_test(hashes_share_by_weight),
        cmocka_unit_test(delayed_messages_come_later),
        cmocka_unit_test(headers_of_each_mode),
        cmocka_unit_test(any_topology_routes_as_defined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
