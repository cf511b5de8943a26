#include "rig/amqp_babble.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/cursor.h"
#include "base/must.h"

enum { PHRASES_MAX = 96, LINE_BYTES = 1024, PEOPLE = 3 };

/* %u takes a small number, %b a bit by the name behind it, %q a queue, %x an exchange, %k a key, %a a queue's
 * arguments, %p some properties. */
static const char *const phrases[] = {
    "open",
    "open frame-max=4096 heartbeat=1",
    "open can=",
    "1 > channel.open",
    "2 > channel.open",
    "%u > channel.close reply-code=200",
    "%u > channel.close-ok",
    "%u > queue.declare queue=%q arguments={%a}",
    "%u > queue.declare queue=%q durable arguments={%a}",
    "%u > queue.declare queue=%q durable",
    "%u > queue.declare %bexclusive; %bauto-delete; %bdurable; queue=%q",
    "%u > queue.declare",
    "%u > queue.declare queue=%q passive",
    "%u > exchange.declare exchange=%x type=%t %bdurable; %bauto-delete; %binternal;",
    "%u > exchange.declare exchange=%x type=%t arguments={alternate-exchange=%x}",
    "%u > exchange.declare exchange=l type=x-delayed-message arguments={x-delayed-type=%t}",
    "%u > exchange.delete exchange=%x %bif-unused;",
    "%u > exchange.bind destination=%x source=%x routing-key=%k",
    "%u > exchange.unbind destination=%x source=%x routing-key=%k",
    "%u > queue.bind queue=%q exchange=%x routing-key=%k",
    "%u > queue.bind queue=%q exchange=%x arguments={x-match=any a=%u}",
    "%u > queue.unbind queue=%q exchange=%x routing-key=%k",
    "%u > queue.purge queue=%q",
    "%u > queue.delete queue=%q %bif-unused; %bif-empty;",
    "%u > basic.qos prefetch-count=%u %bglobal;",
    "%u > basic.consume queue=%q consumer-tag=%k %bno-ack; %bexclusive;",
    "%u > basic.consume queue=%q arguments={x-priority=%u x-stream-offset=first}",
    "%u > basic.consume queue=amq.rabbitmq.reply-to no-ack",
    "%u > basic.cancel consumer-tag=%k",
    "%u > basic.publish exchange=%x routing-key=%k %bmandatory; %p 'x'",
    "%u > basic.publish routing-key=%q %bmandatory; %p 'y'",
    "%u > basic.publish routing-key=%q delivery-mode=2 'z'",
    "%u > basic.publish exchange=%x routing-key=%k size=%u000 %p",
    "%u > basic.publish routing-key=%q size=40000",
    "%u > basic.publish exchange=l routing-key=%k headers={x-delay=%u00} 'd'",
    "%u > basic.publish routing-key=%q",
    "%u > header body-size=%u %p",
    "%u > body 'ab'",
    "%u > basic.get queue=%q %bno-ack;",
    "%u > basic.get queue=%q",
    "%u > basic.ack delivery-tag=%u %bmultiple;",
    "%u > basic.ack multiple",
    "%u > basic.nack delivery-tag=%u %bmultiple; %brequeue;",
    "%u > basic.reject delivery-tag=%u %brequeue;",
    "%u > basic.nack multiple",
    "%u > basic.recover requeue",
    "%u > confirm.select",
    "%u > tx.select",
    "%u > tx.commit",
    "%u > tx.rollback",
    "%u > channel.flow active",
    "0 > connection.close reply-code=200",
    "0 > heartbeat",
    "cut",
    "deaf",
    "listen",
    "wait %u000",
    "wait 50",
};

static const char *const queues[] = { "q", "r", "d", "p" };
static const char *const exchanges[] = { "x", "y", "amq.direct", "amq.topic", "amq.fanout", "amq.headers" };
static const char *const keys[] = { "q", "r", "a.b", "a.*", "#", "a.#.c" };
static const char *const types[] = { "direct", "fanout", "topic", "headers", "x-consistent-hash" };
static const char *const arguments[] = {
    "",
    "x-max-length=%u x-overflow=reject-publish",
    "x-max-length=%u x-dead-letter-exchange=%x",
    "x-message-ttl=%u00 x-dead-letter-exchange=\"\" x-dead-letter-routing-key=%q",
    "x-expires=%u001",
    "x-max-priority=%u",
    "x-single-active-consumer=true",
    "x-delivery-limit=%u x-dead-letter-exchange=%x",
    "x-queue-type=quorum",
    "x-queue-type=stream",
    "x-max-length-bytes=%u00 x-overflow=reject-publish-dlx x-dead-letter-exchange=%x",
    "x-max-priority=3 x-message-ttl=%u000 x-max-length=%u",
};
static const char *const properties[] = {
    "",
    "delivery-mode=2",
    "delivery-mode=2 priority=%u",
    "expiration=%u00",
    "headers={a=%u}",
    "headers={CC:A=[q r] BCC:A=[d]}",
    "reply-to=amq.rabbitmq.reply-to",
    "delivery-mode=2 expiration=%u000 message-id=m headers={x-death:A=[] n:F={k=v}}",
};

static void fill(char *line, const char *phrase, struct cursor *c);

__attribute__((format(printf, 2, 3))) static void
append(char *line, const char *format, ...)
{
    va_list args;
    size_t n = strlen(line);
    va_start(args, format);
    int more = vsnprintf(line + n, LINE_BYTES - n, format, args);
    va_end(args);
    must(more >= 0 && n + (size_t)more < LINE_BYTES);
}

#define PICK(texts, c) (texts)[take_u8(c) % COUNT_OF(texts)]

/* %bNAME; is the name or nothing.  Returns where it goes on. */
static const char *
fill_bit(char *line, const char *at, struct cursor *c)
{
    size_t n = strcspn(at, ";");
    if (take_u8(c) & 1)
        append(line, "%.*s", (int)n, at);
    return at + n;
}

static const char *
fill_one(char *line, const char *at, struct cursor *c)
{
    switch (*at) {
    case 'u': append(line, "%u", take_u8(c) % 4u); break;
    case 'q': append(line, "%s", PICK(queues, c)); break;
    case 'x': append(line, "%s", PICK(exchanges, c)); break;
    case 'k': append(line, "%s", PICK(keys, c)); break;
    case 't': append(line, "%s", PICK(types, c)); break;
    case 'a': fill(line, PICK(arguments, c), c); break;
    case 'p': fill(line, PICK(properties, c), c); break;
    default: return fill_bit(line, at + 1, c);
    }
    return at;
}

static void
fill(char *line, const char *phrase, struct cursor *c)
{
    for (const char *at = phrase; *at != '\0'; at++)
        if (*at == '%')
            at = fill_one(line, at + 1, c);
        else
            append(line, "%c", *at);
}

static void
babble_phrase(struct amqp_stage *stage, struct cursor *c)
{
    char line[LINE_BYTES];
    uint8_t who = take_u8(c);
    snprintf(line, sizeof(line), "%c ", 'a' + who % PEOPLE);
    fill(line, PICK(phrases, c), c);
    if (who & 0x80)
        append(line, "\nwait 20");
    amqp_mumble(stage, line);
}

static void
step(struct amqp_stage *stage, struct cursor *c)
{
    uint8_t what = take_u8(c);
    if (what == 255)
        amqp_mumble(stage, "kill");
    else if (what == 254)
        amqp_mumble(stage, "power");
    else
        babble_phrase(stage, c);
}

void
amqp_probe(struct amqp_stage *stage, struct rig *rig)
{
    for (unsigned i = 0; i < RAWS_MAX; i++)
        raw_cut(rig, i);
    amqp_mumble(stage, "wait 100");
    must(sim_machine_up(rig->node_machine));
    bool served = amqp_play(stage, "g open\ng 1 > channel.open\ng 1 < channel.open-ok\ng 1 > queue.declare exclusive\n"
                                   "g 1 < queue.declare-ok queue=amq.gen-*\ng 1 > basic.get\ng 1 < basic.get-empty\n"
                                   "g 1 > queue.delete\ng 1 < queue.delete-ok\n");
    if (!served)
        fprintf(stderr, "%s\n", amqp_stage_complaint(stage));
    must(served);
}

/* The first byte: on the log or in memory, one shard or two.  Everybody is there, with two channels, to begin with. */
void
amqp_babble(struct view bytes)
{
    struct cursor c = cursor_of(bytes);
    uint8_t kind = take_u8(&c);
    struct rig *rig = rig_new();
    rig->settings.tier = kind & 1 ? TIER_SYNCED : TIER_MEMORY;
    rig->settings.shards = 1 + (kind >> 1 & 1);
    rig->settings.message_bytes_max = 64 * 1024;
    must(rig_boot(rig));
    struct amqp_stage *stage = amqp_stage_new(rig);
    amqp_mumble(stage,
                "a open\na 1 > channel.open\na 2 > channel.open\nb open\nb 1 > channel.open\nb 2 > channel.open");
    for (unsigned i = 0; i < PHRASES_MAX && cursor_left(&c) > 0; i++)
        step(stage, &c);
    amqp_probe(stage, rig);
    amqp_stage_free(stage);
    rig_free(rig);
}
