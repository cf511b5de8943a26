/* Settings: every number's limits, what is wrong in a file and where, and what a reload may change. */
#include "node/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

static const struct knob {
    const char *name;
    uint64_t standard, low, high;
    size_t at;
    enum knob_when when;
} knobs[] = {
#define KNOB_ROW(name, standard, low, high, when, help) \
    { #name, (standard), (low), (high), offsetof(struct settings, name), (when) },
    KNOBS(KNOB_ROW)
#undef KNOB_ROW
};

static uint64_t *
value_of(struct settings *settings, const struct knob *knob)
{
    return (uint64_t *)(void *)((char *)settings + knob->at);
}

/* Reads the text over the defaults. */
static int
parse(const char *yaml, struct settings *ret, struct settings_fault *retfault)
{
    struct mem mem = { 0 };
    settings_default(ret);
    int rc = settings_parse(&mem, view_str(yaml), ret, retfault);
    assert_int_equal(mem.used_bytes, 0);
    return rc;
}

/* Refused, at this line, for this setting, with a text that says `why`; and nothing was changed. */
static void
expect_refused(const char *yaml, unsigned line, const char *setting, const char *why)
{
    struct settings settings, standard;
    struct settings_fault fault;
    settings_default(&standard);
    assert_int_equal(parse(yaml, &settings, &fault), -ERR_INVALID);
    assert_string_equal(fault.setting, setting);
    assert_int_equal(fault.line, line);
    if (strstr(fault.text, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", fault.text, why);
    assert_memory_equal(&settings, &standard, sizeof(settings));
}

/* ---- numbers ------------------------------------------------------------------------------------------------- */

static void
every_number_has_its_default(void **state)
{
    struct settings settings;
    struct settings_fault fault;
    (void)state;
    assert_int_equal(parse("tier: synced\n", &settings, &fault), 0);
    for (size_t i = 0; i < COUNT_OF(knobs); i++) {
        assert_int_equal(*value_of(&settings, &knobs[i]), knobs[i].standard);
        assert_true(knobs[i].low <= knobs[i].standard && knobs[i].standard <= knobs[i].high);
    }
}

static void
every_number_goes_down_to_low_and_up_to_high(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(knobs); i++) {
        const uint64_t values[] = { knobs[i].low, knobs[i].high };
        for (size_t k = 0; k < COUNT_OF(values); k++) {
            struct settings settings;
            struct settings_fault fault;
            char yaml[128];
            snprintf(yaml, sizeof(yaml), "%s: %llu\n", knobs[i].name, (unsigned long long)values[k]);
            assert_int_equal(parse(yaml, &settings, &fault), 0);
            assert_int_equal(*value_of(&settings, &knobs[i]), values[k]);
        }
    }
}

static void
no_number_goes_below_low_or_above_high(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(knobs); i++) {
        char yaml[128], range[128];
        snprintf(range, sizeof(range), "is outside %llu .. %llu", (unsigned long long)knobs[i].low,
                 (unsigned long long)knobs[i].high);
        snprintf(yaml, sizeof(yaml), "tier: memory\n\n%s: %llu\n", knobs[i].name,
                 (unsigned long long)knobs[i].high + 1);
        expect_refused(yaml, 3, knobs[i].name, range);
        snprintf(yaml, sizeof(yaml), "%s: %llu\n", knobs[i].name, (unsigned long long)knobs[i].low - 1);
        if (knobs[i].low > 0)
            expect_refused(yaml, 1, knobs[i].name, range);
    }
}

static void
no_number_is_negative_or_a_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(knobs); i++) {
        static const char *const values[] = { "-1", "many", "1.5", "[1]", "{a: 1}", "99999999999999999999999" };
        for (size_t k = 0; k < COUNT_OF(values); k++) {
            char yaml[128];
            snprintf(yaml, sizeof(yaml), "# first\n%s: %s\n", knobs[i].name, values[k]);
            expect_refused(yaml, 2, knobs[i].name, "");
        }
    }
}

/* ---- everything else ----------------------------------------------------------------------------------------- */

static void
texts_and_lists_are_read(void **state)
{
    struct settings s;
    struct settings_fault fault;
    (void)state;
    assert_int_equal(parse("data: /var/lib/tambo\n"
                           "listen: [\"tcp://*\", 'tcp://[::1]:2883', unix:/run/t.sock]\n"
                           "tier: written\n"
                           "queue_overflow: drop_oldest\n"
                           "log_format: json\n"
                           "log_level: error\n"
                           "retain_available: false\n",
                           &s, &fault),
                     0);
    assert_string_equal(s.data, "/var/lib/tambo");
    assert_int_equal(s.tier, TIER_WRITTEN);
    assert_int_equal(s.queue_overflow, QUEUE_DROP_OLDEST);
    assert_int_equal(s.log_format, LINE_JSON);
    assert_int_equal(s.log_level, LOG_ERROR);
    assert_false(s.retain_available);
    assert_int_equal(s.listen_count, 3);
    assert_int_equal(s.listen[0].port, 1883);
    assert_string_equal(s.listen[1].host, "::1");
    assert_int_equal(s.listen[1].port, 2883);
    assert_int_equal(s.listen[2].kind, IO_UNIX);
    assert_string_equal(s.listen[2].host, "/run/t.sock");
}

static void
a_file_without_settings_changes_nothing(void **state)
{
    static const char *const empty[] = { "", "\n\n", "# nothing yet\n", "{}\n" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(empty); i++) {
        struct settings settings, standard;
        struct settings_fault fault;
        settings_default(&standard);
        assert_int_equal(parse(empty[i], &settings, &fault), 0);
        assert_memory_equal(&settings, &standard, sizeof(settings));
    }
}

static void
what_is_not_named_stays(void **state)
{
    struct mem mem = { 0 };
    struct settings settings;
    struct settings_fault fault;
    (void)state;
    assert_int_equal(parse("receive_max: 7\ndata: elsewhere\n", &settings, &fault), 0);
    assert_int_equal(settings_parse(&mem, view_str("inflight_max: 8\n"), &settings, &fault), 0);
    assert_int_equal(settings.receive_max, 7);
    assert_int_equal(settings.inflight_max, 8);
    assert_string_equal(settings.data, "elsewhere");
}

static void
an_unknown_setting_is_named(void **state)
{
    (void)state;
    expect_refused("tier: memory\nrecieve_max: 10\n", 2, "recieve_max", "");
}

static void
words_out_of_a_list_only(void **state)
{
    (void)state;
    expect_refused("\n\ntier: sync\n", 3, "tier", "");
    expect_refused("queue_overflow: explode\n", 1, "queue_overflow", "");
    expect_refused("tier: memory\nlog_format: xml\n", 2, "log_format", "");
    expect_refused("log_level: loud\n", 1, "log_level", "");
    expect_refused("retain_available: [yes]\n", 1, "retain_available", "");
    expect_refused("data: {a: b}\n", 1, "data", "");
    expect_refused("data: ''\n", 1, "data", "");
}

static void
addresses_are_checked(void **state)
{
    (void)state;
    expect_refused("tier: memory\nlisten: [tcp://127.0.0.1:1883, 'ftp://there']\n", 2, "listen", "'ftp://there'");
    expect_refused("listen:\n  - tcp://127.0.0.1:99999\n", 1, "listen", "99999");
    expect_refused("listen: tcp://127.0.0.1\n", 1, "listen", "");
    expect_refused("listen: []\n", 1, "listen", "");
}

static void
at_most_sixteen_listeners(void **state)
{
    struct settings settings;
    struct settings_fault fault;
    char yaml[1024] = "listen:\n";
    (void)state;
    for (int i = 0; i < LISTENERS_MAX; i++)
        strcat(yaml, "  - tcp://*:2000\n");
    assert_int_equal(parse(yaml, &settings, &fault), 0);
    assert_int_equal(settings.listen_count, LISTENERS_MAX);
    strcat(yaml, "  - tcp://*:2000\n");
    assert_int_equal(parse(yaml, &settings, &fault), -ERR_INVALID);
    assert_string_equal(fault.setting, "listen");
}

static void
queues_and_topics_of_zmtp(void **state)
{
    struct settings s;
    struct settings_fault fault;
    (void)state;
    assert_int_equal(parse("zmtp: {push: {queue: jobs}, rep: {queue: rpc}, sub: {topics: amqp}}\n", &s, &fault), 0);
    assert_string_equal(s.zmtp.push, "jobs");
    assert_string_equal(s.zmtp.pull, "");
    assert_string_equal(s.zmtp.rep, "rpc");
    assert_int_equal(s.zmtp.pub, ZMTP_AS_MQTT);
    assert_int_equal(s.zmtp.sub, ZMTP_AS_AMQP);
    expect_refused("tier: memory\nzmtp:\n  push: {topic: a}\n", 3, "topic", "Unexpected key");
    expect_refused("tier: memory\nzmtp:\n  pair:\n    queue: a\n", 3, "pair", "Unexpected key");
    expect_refused("zmtp:\n  push:\n    queue: [a]\n", 3, "queue", "");
    expect_refused("zmtp:\n  sub:\n    topics: latin\n", 3, "topics", "");
    expect_refused("zmtp:\n  pull: {}\n", 2, "queue", "");
    expect_refused("tier: memory\nzmtp: {push: {queue: amq.x}}\n", 2, "zmtp", "the node's own");
    expect_refused("zmtp: jobs\n", 1, "zmtp", "");
}

static void
bad_yaml_has_a_line(void **state)
{
    static const char *const bad[] = { "tier: memory\ndata: \"unclosed\n", "tier: memory\nlisten: [tcp://*\n" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct settings settings;
        struct settings_fault fault;
        assert_int_equal(parse(bad[i], &settings, &fault), -ERR_INVALID);
        assert_true(strlen(fault.text) > 0);
        assert_int_equal(fault.line, 2);
    }
}

static void
not_even_a_mapping(void **state)
{
    struct settings settings;
    struct settings_fault fault;
    (void)state;
    assert_int_equal(parse("just a text\n", &settings, &fault), -ERR_INVALID);
    assert_string_equal(fault.text, "Expecting MAPPING, got event: SCALAR");
    assert_int_equal(parse("- a\n- b\n", &settings, &fault), -ERR_INVALID);
    assert_string_equal(fault.text, "Expecting MAPPING, got event: SEQUENCE_START");
}

static void
each_allocation_may_fail(void **state)
{
    static const char yaml[] = "data: here\nlisten: [tcp://*:1, unix:/x]\ntier: memory\nreceive_max: 5\n";
    struct mem mem = { 0 };
    struct settings settings;
    struct settings_fault fault;
    (void)state;
    settings_default(&settings);
    assert_int_equal(settings_parse(&mem, view_str(yaml), &settings, &fault), 0);
    uint64_t calls = mem.calls;
    assert_true(calls > 4);
    for (uint64_t i = 1; i <= calls; i++) {
        struct mem failing = { .fail_at = i };
        struct settings standard;
        settings_default(&standard);
        settings = standard;
        assert_int_equal(settings_parse(&failing, view_str(yaml), &settings, &fault), -ERR_NO_MEMORY);
        assert_memory_equal(&settings, &standard, sizeof(settings));
        assert_int_equal(failing.used_bytes, 0);
    }
}

/* ---- reload and print ---------------------------------------------------------------------------------------- */

struct names {
    unsigned count;
    char last[64];
};

static void
note_name(void *arg, const char *name)
{
    struct names *names = arg;
    names->count++;
    snprintf(names->last, sizeof(names->last), "%s", name);
}

static void
a_reload_takes_what_is_live(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(knobs); i++) {
        struct settings settings, news;
        struct names names = { 0 };
        settings_default(&settings);
        settings_default(&news);
        uint64_t other = knobs[i].standard == knobs[i].low ? knobs[i].high : knobs[i].low;
        *value_of(&news, &knobs[i]) = other;
        settings_reload(&settings, &news, note_name, &names);
        bool live = knobs[i].when == LIVE;
        assert_int_equal(*value_of(&settings, &knobs[i]), live ? other : knobs[i].standard);
        assert_int_equal(names.count, live ? 0 : 1);
        assert_string_equal(names.last, live ? "" : knobs[i].name);
    }
}

static void
a_reload_of_texts(void **state)
{
    struct settings settings, news;
    struct names names = { 0 };
    struct settings_fault fault;
    (void)state;
    settings_default(&settings);
    assert_int_equal(parse("log_level: debug\nlog_format: json\nqueue_overflow: drop_newest\nretain_available: false\n"
                           "zmtp: {pull: {queue: jobs}}\n",
                           &news, &fault),
                     0);
    settings_reload(&settings, &news, note_name, &names);
    assert_int_equal(names.count, 0);
    assert_int_equal(settings.log_level, LOG_DEBUG);
    assert_int_equal(settings.log_format, LINE_JSON);
    assert_int_equal(settings.queue_overflow, QUEUE_DROP_NEWEST);
    assert_false(settings.retain_available);
    assert_string_equal(settings.zmtp.pull, "jobs");
    static const char *const fixed[][2] = {
        {"tier: memory\n",       "tier"  },
        { "data: elsewhere\n",   "data"  },
        { "listen: [tcp://*]\n", "listen"}
    };
    for (size_t i = 0; i < COUNT_OF(fixed); i++) {
        assert_int_equal(parse(fixed[i][0], &news, &fault), 0);
        settings_reload(&settings, &news, note_name, &names);
        assert_int_equal(names.count, i + 1);
        assert_string_equal(names.last, fixed[i][1]);
    }
    assert_string_equal(settings.data, "./data");
    assert_int_equal(settings.tier, TIER_SYNCED);
    assert_int_equal(settings.listen_count, 0);
}

struct page {
    size_t len;
    char text[16 * 1024];
};

static void
add_line(void *arg, const char *line)
{
    struct page *page = arg;
    page->len += (size_t)snprintf(page->text + page->len, sizeof(page->text) - page->len, "%s\n", line);
    assert_true(page->len < sizeof(page->text));
}

static void
what_is_printed_can_be_read(void **state)
{
    struct settings settings, again;
    struct settings_fault fault;
    struct page page = { 0 };
    (void)state;
    assert_int_equal(parse("data: there\nlisten: [tcp://*:2883, unix:/run/t]\ntier: written\nlog_format: json\n"
                           "log_level: warning\nreceive_max: 77\nqueue_overflow: drop_newest\n"
                           "zmtp: {push: {queue: \"it's: a #1\"}, sub: {topics: amqp}}\n",
                           &settings, &fault),
                     0);
    settings_print(&settings, add_line, &page);
    assert_int_equal(parse(page.text, &again, &fault), 0);
    assert_memory_equal(&settings, &again, sizeof(settings));
    for (size_t i = 0; i < COUNT_OF(knobs); i++)
        assert_non_null(strstr(page.text, knobs[i].name));
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_has_its_default),
        cmocka_unit_test(every_number_goes_down_to_low_and_up_to_high),
        cmocka_unit_test(no_number_goes_below_low_or_above_high),
        cmocka_unit_test(no_number_is_negative_or_a_word),
        cmocka_unit_test(texts_and_lists_are_read),
        cmocka_unit_test(a_file_without_settings_changes_nothing),
        cmocka_unit_test(what_is_not_named_stays),
        cmocka_unit_test(an_unknown_setting_is_named),
        cmocka_unit_test(words_out_of_a_list_only),
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(at_most_sixteen_listeners),
        cmocka_unit_test(queues_and_topics_of_zmtp),
        cmocka_unit_test(bad_yaml_has_a_line),
        cmocka_unit_test(not_even_a_mapping),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(a_reload_takes_what_is_live),
        cmocka_unit_test(a_reload_of_texts),
        cmocka_unit_test(what_is_printed_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
