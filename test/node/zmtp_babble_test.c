/* Senseless conversations in ZMTP with a whole node, of fixed seeds: peers of every socket type say what is framed well
 * and means little, read or do not, break off and come again; the node stops in the middle.  It must live, and give all
 * its memory back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "rig/rig.h"
#include "rig/seeds.h"
#include "wire/zmtp.h"

enum { SEEDS = 150, DEEDS = 150, PEERS = 6, BYTES_MAX = 128 * 1024 };

struct babble {
    struct rig *rig;
    struct prng prng;
    size_t len;
    uint8_t bytes[BYTES_MAX];
};

static unsigned
below(struct babble *b, unsigned n)
{
    return (unsigned)prng_below(&b->prng, n);
}

static void
add(struct babble *b, const void *bytes, size_t n)
{
    assert_true(b->len + n <= sizeof(b->bytes));
    memcpy(b->bytes + b->len, bytes, n);
    b->len += n;
}

static void
add_frame(struct babble *b, unsigned flags, struct view body)
{
    uint8_t head[ZMTP_FRAME_HEAD_MAX];
    add(b, head, zmtp_frame_head(head, flags, body.len));
    add(b, body.data, body.len);
}

static struct view
word(struct babble *b)
{
    static const char *const words[] = { "", "a/b", "a.b", "a/", "$SYS/x", "\1a", "job", "x#", "/" };
    static uint8_t tag[4], large[40000];
    unsigned which = below(b, COUNT_OF(words) + 3);
    if (which < COUNT_OF(words))
        return view_str(words[which]);
    if (which == COUNT_OF(words))
        return view_of(large, below(b, sizeof(large)));
    tag[3] = (uint8_t)(1 + below(b, 4)); /* as the requests to a REP are numbered */
    return view_of(tag, sizeof(tag));
}

static void
add_message(struct babble *b)
{
    unsigned parts = 1 + below(b, 4);
    for (unsigned i = 1; i <= parts; i++)
        add_frame(b, i < parts ? ZMTP_MORE : 0, word(b));
}

static void
add_command(struct babble *b)
{
    static const char *const names[] = { "SUBSCRIBE", "SUBSCRIBE", "CANCEL", "PING", "PONG", "PONG", "JOIN", "ERROR" };
    uint8_t number[4] = { 0, 0, 0, (uint8_t)(1 + below(b, 5)) };
    const char *name = names[below(b, COUNT_OF(names))];
    struct view data = strcmp(name, "PONG") == 0 ? view_of(number, 4) : word(b);
    if (b->len + data.len + 64 > sizeof(b->bytes))
        return;
    b->len += zmtp_command_write(b->bytes + b->len, name, data, view_of(NULL, 0));
}

static void
greet(struct babble *b)
{
    static const char *const resources[] = { "", "", "", "jobs", "rpc", "amqp", "mqtt", "nowhere", "full" };
    uint8_t greeting[ZMTP_GREETING_BYTES], data[128];
    enum zmtp_pattern pattern = below(b, ZMTP_PATTERNS);
    struct view resource = view_str(resources[below(b, COUNT_OF(resources))]);
    zmtp_greeting_write(greeting, ZMTP_NULL, false);
    greeting[ZMTP_VERSION_BYTES] = (uint8_t)(below(b, 4) > 0); /* 3.1 or 3.0 */
    add(b, greeting, sizeof(greeting));
    size_t n = zmtp_property_write(data, "Socket-Type", view_str(zmtp_pattern_name(pattern)));
    if (resource.len > 0)
        n += zmtp_property_write(data + n, "Resource", resource);
    b->len += zmtp_command_write(b->bytes + b->len, "READY", view_of(data, n), view_of(NULL, 0));
}

static void
do_something(struct babble *b)
{
    unsigned i = below(b, PEERS), what = below(b, 20);
    b->len = 0;
    if (!raw_lives(b->rig, i)) {
        raw_open(b->rig, i);
        greet(b);
    }
    for (unsigned n = below(b, 4); n > 0 && b->len < sizeof(b->bytes) / 4; n--) {
        if (below(b, 3) == 0)
            add_command(b);
        else if (b->len < 1024)
            add_message(b);
    }
    if (what == 0 && b->len > 0)
        b->bytes[below(b, (unsigned)b->len)] ^= (uint8_t)(1 << below(b, 8));
    raw_send(b->rig, i, view_of(b->bytes, what == 1 ? b->len / 2 : b->len));
    if (what == 2)
        raw_cut(b->rig, i);
    else if (what == 3)
        raw_deafen(b->rig, i);
    else if (what == 4)
        raw_listen(b->rig, i);
    rig_wait(b->rig, what == 5 ? 20000 : below(b, 30));
}

struct kind {
    enum tier tier;
    unsigned shards;
};

static void
play(void *arg, uint64_t seed)
{
    const struct kind *kind = arg;
    struct rig *rig = rig_new();
    static struct babble b;
    b = (struct babble){ .rig = rig };
    prng_init(&b.prng, seed);
    snprintf(rig->settings.zmtp.push, sizeof(rig->settings.zmtp.push), "jobs");
    snprintf(rig->settings.zmtp.pull, sizeof(rig->settings.zmtp.pull), "jobs");
    snprintf(rig->settings.zmtp.req, sizeof(rig->settings.zmtp.req), "rpc");
    snprintf(rig->settings.zmtp.rep, sizeof(rig->settings.zmtp.rep), "rpc");
    rig->settings.zmtp_prefetch = 1 + seed % 3;
    rig->settings.queue_count_max = 20;
    rig->settings.outbox_bytes_max = 64 * 1024;
    rig->settings.tier = kind->tier;
    rig->settings.shards = kind->shards;
    assert_true(rig_boot(rig));
    for (unsigned n = 0; n < DEEDS; n++)
        do_something(&b);
    if (seed % 2 == 0)
        node_stop(rig->node); /* with whatever is kept, held and unread */
    rig_wait(rig, 5000);
    rig_die(rig, SIM_KILL);
    rig_free(rig);
}

static void
in_memory(void **state)
{
    (void)state;
    seeds_each(SEEDS, play, &(struct kind){ TIER_MEMORY, 1 });
}

static void
on_the_log(void **state)
{
    (void)state;
    seeds_each(SEEDS, play, &(struct kind){ TIER_SYNCED, 1 });
}

static void
on_two_shards(void **state)
{
    (void)state;
    seeds_each(SEEDS, play, &(struct kind){ TIER_SYNCED, 2 });
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_memory),
        cmocka_unit_test(on_the_log),
        cmocka_unit_test(on_two_shards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
