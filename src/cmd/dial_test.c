/* cmd/dial_test.c - where to connect to, as whom, with which properties. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "cmd/dial.h"

enum { ARGS_MAX = 32 };

struct parsed {
    struct mem mem;
    struct dial dial;
    char line[256];
    struct complaint complaint;
    struct mqtt_client_settings settings;
    struct io_address address;
};

/* Parses the words of `line`, and puts them together.  The client id never needs chance here. */
static int
parse(struct parsed *parsed, const char *line)
{
    char *argv[ARGS_MAX];
    int argc = 0;

    *parsed = (struct parsed){ 0 };
    dial_init(&parsed->dial, &parsed->mem);
    strcpy(parsed->line, line);
    for (char *word = strtok(parsed->line, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    struct option_group groups[] = { dial_server_options(&parsed->dial), dial_session_options(&parsed->dial) };
    struct option_spec spec = { .usage = "x", .about = "y", .groups = groups, .group_count = COUNT_OF(groups) };
    int rc = options_parse(&spec, argc, argv, &parsed->complaint);
    if (rc == OPTIONS_DONE)
        rc = dial_settle(&parsed->dial, NULL, &parsed->settings, &parsed->address, &parsed->complaint);
    return rc;
}

static void
done(struct parsed *parsed)
{
    dial_fini(&parsed->dial);
    assert_int_equal(parsed->mem.used_bytes, 0);
}

static void
expect_address(const char *line, const char *want)
{
    struct parsed parsed;
    char text[128];

    assert_int_equal(parse(&parsed, line), 0);
    io_address_print(&parsed.address, text, sizeof text);
    assert_string_equal(text, want);
    done(&parsed);
}

static void
expect_complaint(const char *line, const char *want)
{
    struct parsed parsed;

    assert_int_equal(parse(&parsed, line), -ERR_INVALID);
    assert_string_equal(parsed.complaint.text, want);
    done(&parsed);
}

static void
knows_addresses(void **state)
{
    (void)state;
    expect_address("", "tcp://localhost:1883");
    expect_address("-h example.org -p 99", "tcp://example.org:99");
    expect_address("-h ::1", "tcp://[::1]:1883");
    expect_address("-L mqtt://example.org", "tcp://example.org:1883");
    expect_address("-L mqtt://u:p@[::1]:77/t", "tcp://[::1]:77");
    expect_address("-L unix:/run/x", "unix:/run/x");
    expect_address("--unix /run/x", "unix:/run/x");
}

static void
takes_urls_apart(void **state)
{
    struct parsed parsed;
    (void)state;

    assert_int_equal(parse(&parsed, "-L mqtt://an%40na:p:%3aw@h:1/a/b"), 0);
    assert_string_equal(parsed.dial.username, "an@na");
    assert_string_equal(parsed.dial.password, "p::w");
    assert_string_equal(parsed.dial.topic, "a/b");
    assert_true(parsed.settings.connect.has_username && parsed.settings.connect.has_password);
    done(&parsed);
}

static void
refuses_urls(void **state)
{
    (void)state;
    expect_complaint("-L http://h",
                     "--url: 'http://h' is neither mqtt://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC] nor unix:PATH");
    expect_complaint("-L mqtt://h:0", "--url: '0' is not a port");
    expect_complaint("-L mqtt://h:99999/t", "--url: '99999' is not a port");
    expect_complaint("-L mqtt://u%4:p@h", "--url: a % must be followed by two hexadecimal digits");
    expect_complaint("-L mqtt://u%00:p@h", "--url: a % must be followed by two hexadecimal digits");
}

static void
composes_connect(void **state)
{
    struct parsed parsed;
    (void)state;

    assert_int_equal(parse(&parsed, "-i me -c -k 5 -u u --will-topic w --will-payload bye --will-qos 1 --will-retain "
                                    "-D will will-delay-interval 9 -D connect receive-maximum 3"),
                     0);
    const struct mqtt_connect *c = &parsed.settings.connect;
    assert_int_equal(c->version, MQTT_V5);
    assert_true(view_is(c->client_id, "me") && view_is(c->will_topic, "w") && view_is(c->will_payload, "bye"));
    assert_true(c->has_will && c->will_retain && !c->clean_start && c->has_username && !c->has_password);
    assert_int_equal(c->will_qos, 1);
    assert_int_equal(c->keep_alive_s, 5);
    assert_true(view_equal(c->will_properties.raw, view_of("\x18\0\0\0\x09", 5)));
    /* A kept session expires never, unless -x says when. */
    assert_true(view_equal(c->properties.raw, view_of("\x21\0\x03\x11\xff\xff\xff\xff", 8)));
    done(&parsed);
}

static void
knows_when_a_session_expires(void **state)
{
    struct parsed parsed;
    (void)state;

    assert_int_equal(parse(&parsed, "-i me -x 60"), 0);
    assert_true(view_equal(parsed.settings.connect.properties.raw, view_of("\x11\0\0\0\x3c", 5)));
    done(&parsed);
    assert_int_equal(parse(&parsed, "-i me -x never"), 0);
    assert_true(view_equal(parsed.settings.connect.properties.raw, view_of("\x11\xff\xff\xff\xff", 5)));
    done(&parsed);
    assert_int_equal(parse(&parsed, "-i me -c -V 3.1.1"), 0);
    assert_int_equal(parsed.settings.connect.properties.raw.len, 0);
    done(&parsed);
}

static void
refuses_what_does_not_go_together(void **state)
{
    (void)state;
    expect_complaint("-c", "--keep-session wants a client id (-i)");
    expect_complaint("-x 1 -V 3.1.1", "--session-expiry needs MQTT 5");
    expect_complaint("-x soon", "--session-expiry: 'soon' is neither a number of seconds nor 'never'");
    expect_complaint("-D connect receive-maximum 1 -V 3.1", "-D needs MQTT 5");
    expect_complaint("--will-payload x", "a will needs --will-topic");
    expect_complaint("-P secret -V 3.1.1", "a password without a user name needs MQTT 5");
    expect_complaint("-x 1 -D connect session-expiry-interval 2",
                     "--session-expiry and -D connect session-expiry-interval are the same");
}

static void
encodes_properties(void **state)
{
    struct parsed parsed;
    (void)state;

    assert_int_equal(parse(&parsed,
                           "-D publish user-property k v -D publish content-type ct -D publish user-property k w "
                           "-D publish topic-alias 7 -D subscribe subscription-identifier 300"),
                     0);
    assert_true(view_equal(property_view(&parsed.dial.properties, PROPERTY_PUBLISH),
                           view_of("\x26\0\1k\0\1v\x03\0\2ct\x26\0\1k\0\1w", 19)));
    assert_int_equal(parsed.dial.properties.topic_alias, 7);
    assert_true(view_equal(property_view(&parsed.dial.properties, PROPERTY_SUBSCRIBE), view_of("\x0b\xac\x02", 3)));
    done(&parsed);
}

static void
refuses_properties(void **state)
{
    (void)state;
    expect_complaint("-D connack reason-string x", "-D: 'connack' is not a packet with properties");
    expect_complaint("-D publish colour red", "-D: there is no property 'colour'");
    expect_complaint("-D publish receive-maximum 3", "-D: a client's publish has no receive-maximum");
    expect_complaint("-D publish content-type a -D publish content-type b", "-D: publish has content-type twice");
    expect_complaint("-D publish topic-alias 0", "-D: topic-alias is a number from 1 to 65535, not '0'");
    expect_complaint("-D publish topic-alias 1 -D publish topic-alias 1", "-D: publish has topic-alias twice");
    expect_complaint("-D publish content-type", "--property wants PACKET NAME VALUE");
    expect_complaint("-D publish user-property k", "--property wants PACKET NAME VALUE");
}

static void
bears_the_loss_of_memory(void **state)
{
    char *words[] = { "publish", "content-type", "ct" };
    struct mem mem = { .fail_at = 1 };
    struct property_sets sets;
    struct complaint complaint;
    (void)state;

    property_sets_init(&sets, &mem);
    assert_int_equal(property_parse(&sets, words, &complaint), -ERR_NO_MEMORY);
    property_sets_fini(&sets);
    assert_int_equal(mem.used_bytes, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_addresses),
        cmocka_unit_test(takes_urls_apart),
        cmocka_unit_test(refuses_urls),
        cmocka_unit_test(composes_connect),
        cmocka_unit_test(knows_when_a_session_expires),
        cmocka_unit_test(refuses_what_does_not_go_together),
        cmocka_unit_test(encodes_properties),
        cmocka_unit_test(refuses_properties),
        cmocka_unit_test(bears_the_loss_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
