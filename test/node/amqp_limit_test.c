/* Limits of the node over AMQP: each is reached, refused in the protocol's own way, and leaves room again; peers that
 * are slow, silent or too fast cost only themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "rig/amqp_script.h"
#include "rig/amqp_text.h"
#include "wire/amqp.h"

enum { A, B };

struct scene {
    struct rig *rig;
    struct amqp_stage *stage;
};

static struct scene
open_scene(void (*choose)(struct settings *settings))
{
    struct scene scene = { .rig = rig_new() };
    if (choose != NULL)
        choose(&scene.rig->settings);
    assert_true(rig_boot(scene.rig));
    scene.stage = amqp_stage_new(scene.rig);
    return scene;
}

static void
close_scene(struct scene *scene)
{
    amqp_stage_free(scene->stage);
    rig_free(scene->rig);
}

static void
play(struct scene *scene, const char *script)
{
    if (!amqp_play(scene->stage, script))
        fail_msg("%s", amqp_stage_complaint(scene->stage));
}

#define OPEN   "open\n1 > channel.open\n1 < channel.open-ok\n"
#define B_OPEN "b open\nb 1 > channel.open\nb 1 < channel.open-ok\n"

/* ---- how many ------------------------------------------------------------------------------------------------- */

static void
three_of_each(struct settings *settings)
{
    settings->queues_max = 3;
    settings->bindings_max = 3;
    settings->consumers_max = 3;
}

static void
queues_max(void **state)
{
    struct scene scene = open_scene(three_of_each);
    (void)state;
    play(&scene, OPEN
         "1 > queue.declare queue=1 no-wait\n1 > queue.declare queue=2 no-wait\n1 > queue.declare queue=3 no-wait\n"
         "1 > queue.declare queue=3\n1 < queue.declare-ok queue=3\n1 > queue.declare queue=4\n"
         "1 < channel.close reply-code=4* reply-text=*limit*\n1 > channel.close-ok\n1 > channel.open\n"
         "1 < channel.open-ok\n1 > queue.delete queue=1\n1 < queue.delete-ok\n1 > queue.declare queue=4\n"
         "1 < queue.declare-ok queue=4\n");
    close_scene(&scene);
}

static void
bindings_max(void **state)
{
    struct scene scene = open_scene(three_of_each);
    (void)state;
    play(&scene,
         OPEN "1 > queue.declare queue=q no-wait\n1 > queue.bind queue=q exchange=amq.direct routing-key=1 no-wait\n"
              "1 > queue.bind queue=q exchange=amq.topic routing-key=2 no-wait\n"
              "1 > queue.bind queue=q exchange=amq.fanout no-wait\n1 > queue.bind queue=q exchange=amq.fanout\n"
              "1 < queue.bind-ok\n1 > queue.bind queue=q exchange=amq.direct routing-key=4\n"
              "1 < channel.close reply-code=4* reply-text=*limit*\n1 > channel.close-ok\n1 > channel.open\n"
              "1 < channel.open-ok\n1 > queue.unbind queue=q exchange=amq.topic routing-key=2\n1 < queue.unbind-ok\n"
              "1 > queue.bind queue=q exchange=amq.direct routing-key=4\n1 < queue.bind-ok\n");
    close_scene(&scene);
}

static void
consumers_max(void **state)
{
    struct scene scene = open_scene(three_of_each);
    (void)state;
    play(&scene, OPEN
         "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n1 > basic.consume queue=q consumer-tag=1 no-wait\n"
         "1 > basic.consume queue=q consumer-tag=2 no-wait\n1 > basic.consume queue=q consumer-tag=3 no-wait\n"
         "1 > basic.cancel consumer-tag=2\n1 < basic.cancel-ok consumer-tag=2\n"
         "1 > basic.consume queue=q consumer-tag=4\n1 < basic.consume-ok consumer-tag=4\n"
         "1 > basic.consume queue=q consumer-tag=5\n0 < connection.close reply-code=530 *\n0 > connection.close-ok\n"
         "< closed\n" OPEN "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n");
    close_scene(&scene);
}

static void
channels_without_end(void **state)
{
    struct scene scene = open_scene(NULL);
    char line[64];
    (void)state;
    play(&scene, "open\n");
    for (unsigned n = 1; n <= 2047; n++) {
        snprintf(line, sizeof(line), "%u > channel.open\n%u < channel.open-ok\n", n, n);
        play(&scene, line);
    }
    uint64_t full = scene.rig->node_mem.used_bytes;
    assert_true(full < MIB(8));
    play(&scene,
         "2048 > channel.open\n0 < connection.close reply-code=530 *\n0 > connection.close-ok\n< closed\n" OPEN);
    assert_true(scene.rig->node_mem.used_bytes < full);
    close_scene(&scene);
}

static void
queues_by_the_hundred(void **state)
{
    struct scene scene = open_scene(NULL);
    char line[64];
    (void)state;
    play(&scene, OPEN);
    for (unsigned n = 1; n <= 300; n++) {
        snprintf(line, sizeof(line), "1 > queue.declare queue=%u no-wait\n", n);
        play(&scene, line);
    }
    play(&scene, "1 > queue.declare queue=300 passive\n1 < queue.declare-ok queue=300\n");
    close_scene(&scene);
}

/* ---- how much ------------------------------------------------------------------------------------------------- */

static void
small_messages(struct settings *settings)
{
    settings->message_bytes_max = 4096;
    settings->frame_bytes_max = 8192;
}

/* A header that says much is refused before a byte of it has come, and takes no memory. */
static void
messages_too_large_cost_nothing(void **state)
{
    struct scene scene = open_scene(small_messages);
    (void)state;
    play(&scene, "open frame-max=8192\n1 > channel.open\n1 < channel.open-ok\n");
    uint64_t before = scene.rig->node_mem.peak_bytes;
    play(&scene,
         "1 > basic.publish routing-key=q\n1 > header body-size=18446744073709551615\n"
         "1 < channel.close reply-code=406 reply-text=*larger than configured max size 4096* class-id=60 method-id=40\n"
         "1 > body 'what follows is passed over'\nquiet\n1 > channel.close-ok\n1 > channel.open\n1 < channel.open-ok\n"
         "1 > queue.declare queue=q no-wait\n1 > basic.publish routing-key=q size=4096\n1 > basic.get queue=q no-ack\n"
         "1 < basic.get-ok delivery-tag=1 routing-key=q size=4096\n");
    assert_true(scene.rig->node_mem.peak_bytes < before + KIB(256));
    close_scene(&scene);
}

/* A frame that says it is large is refused by its head. */
static void
frames_too_large_are_not_waited_for(void **state)
{
    struct scene scene = open_scene(small_messages);
    (void)state;
    play(&scene, "open frame-max=8192\nraw 01 0000 ffffffff 00\n0 < connection.close reply-code=501 *\n< closed\n"
                 "dial\nraw [AMQP] 00000901\n0 < connection.start *\nraw 01 0000 00ffffff 00\n< closed\n"
                 "open frame-max=8192\nraw 03 0001 00001ff9 00\n0 < connection.close reply-code=501 *\n< closed\n");
    assert_true(scene.rig->node_mem.peak_bytes < MIB(4));
    close_scene(&scene);
}

/* ---- how fast, how slow --------------------------------------------------------------------------------------- */

enum { BUDGET_BYTES = 16 * 1024 * 1024, BODY_BYTES = 16 * 1024, PUBLISHED = 2000 };

static void
tight_budget(struct settings *settings)
{
    settings->node_memory_bytes_max = BUDGET_BYTES;
    settings->outbox_bytes_max = KIB(512);
}

static void
publish_much(struct scene *scene, unsigned i, unsigned messages)
{
    static uint8_t frames[BODY_BYTES + 200];
    char line[64];
    snprintf(line, sizeof(line), "1 basic.publish routing-key=q size=%u", BODY_BYTES);
    size_t n = amqp_text_frames(line, 131072, frames, sizeof(frames));
    for (unsigned m = 0; m < messages; m++) {
        amqp_say_bytes(scene->stage, i, view_of(frames, n));
        if (m % 50 == 49)
            rig_wait(scene->rig, 50);
    }
}

static void
say(struct scene *scene, unsigned i, const char *line)
{
    uint8_t frames[512];
    amqp_say_bytes(scene->stage, i, view_of(frames, amqp_text_frames(line, 4096, frames, sizeof(frames))));
}

/* How many messages there were in q. */
static unsigned
purge(struct scene *scene)
{
    say(scene, B, "1 queue.purge queue=q");
    const char *count = strstr(amqp_heard(scene->stage, B), "message-count=");
    return count == NULL ? 0 : (unsigned)strtoul(count + strlen("message-count="), NULL, 10);
}

/* Memory runs out, so publishers are told and held; others make room, and they go on.  Nothing is lost meanwhile. */
static void
a_publisher_that_outruns_is_blocked(void **state)
{
    struct scene scene = open_scene(tight_budget);
    (void)state;
    play(&scene, OPEN "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n");
    publish_much(&scene, A, PUBLISHED);
    const char *heard = amqp_heard(scene.stage, A);
    assert_non_null(strstr(heard, "0 connection.blocked reason=\"low on memory\""));
    assert_null(strstr(heard, "close"));
    assert_true(scene.rig->node_mem.peak_bytes <= BUDGET_BYTES);
    play(&scene, B_OPEN);
    unsigned purged = 0;
    for (unsigned n = 0; n < 20; n++)
        purged += purge(&scene);
    assert_int_equal(purged, PUBLISHED);
    say(&scene, A, "1 queue.declare queue=q passive");
    heard = amqp_heard(scene.stage, A);
    assert_non_null(strstr(heard, "0 connection.unblocked\n"));
    assert_non_null(strstr(heard, "1 queue.declare-ok queue=q\n"));
    assert_true(scene.rig->node_mem.peak_bytes <= BUDGET_BYTES);
    close_scene(&scene);
}

/* It takes what it is given and reads nothing: it is given up, and its messages are another's. */
static void
a_consumer_that_never_reads(void **state)
{
    struct scene scene = open_scene(tight_budget);
    (void)state;
    play(&scene, OPEN "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n");
    play(&scene, B_OPEN "b 1 > basic.consume queue=q consumer-tag=c\nb 1 < basic.consume-ok consumer-tag=c\nb deaf\n");
    publish_much(&scene, A, 300);
    play(&scene, "1 > channel.flow active\n1 < channel.flow-ok active\nb skip closed\n");
    assert_true(scene.rig->node_mem.peak_bytes <= BUDGET_BYTES);
    raw_cut(scene.rig, B);
    rig_wait(scene.rig, 1000);
    amqp_mumble(scene.stage, "wait 100\n");
    play(&scene, "1 > queue.declare queue=q passive\n1 < queue.declare-ok queue=q message-count=300\n");
    close_scene(&scene);
}

#define PART    "1 > body size=130000\n"
#define B_PART  "b " PART
#define LARGE   "1 > header body-size=1300000\n" PART PART PART PART PART PART PART PART PART PART
#define B_LARGE "b 1 > header body-size=1300000\n" B_PART B_PART B_PART B_PART B_PART B_PART B_PART B_PART B_PART B_PART

/* One that is larger than all that a connection may owe still goes out: by basic.get, to two consumers of a connection,
 * and back to its publisher. */
static void
messages_larger_than_the_outbox(void **state)
{
    struct scene scene = open_scene(tight_budget);
    (void)state;
    play(&scene, OPEN "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n" B_OPEN);
    for (unsigned n = 0; n < 4; n++)
        play(&scene, "1 > basic.publish routing-key=q\n" LARGE "1 > channel.flow active\n1 < channel.flow-ok active\n");
    amqp_mumble(scene.stage, "b 1 > basic.get queue=q no-ack\nwait 1000\n");
    amqp_mumble(scene.stage, "b 1 > basic.consume queue=q consumer-tag=c no-ack\n"
                             "b 1 > basic.consume queue=q consumer-tag=d no-ack\nwait 1000\n");
    amqp_mumble(scene.stage, "b 1 > basic.publish routing-key=none mandatory\n" B_LARGE "wait 1000\n");
    play(&scene, "b 1 > channel.flow active\nb 1 < channel.flow-ok active\n"
                 "1 > queue.declare queue=q passive\n1 < queue.declare-ok queue=q consumer-count=2\n");
    assert_true(scene.rig->node_mem.peak_bytes <= BUDGET_BYTES);
    close_scene(&scene);
}

/* It asks and never reads the answers: it is not read from any more, then given up. */
static void
answers_that_nobody_reads(void **state)
{
    struct scene scene = open_scene(tight_budget);
    (void)state;
    play(&scene, OPEN "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n" B_OPEN "b deaf\n");
    for (unsigned n = 0; n < 20000 && raw_lives(scene.rig, B); n++) {
        amqp_mumble(scene.stage,
                    "b 1 > queue.declare queue=q passive\nb 1 > basic.publish routing-key=none mandatory size=200");
        if (n % 500 == 0)
            play(&scene, "1 > channel.flow active\n1 < channel.flow-ok active\nb skip closed\n");
    }
    assert_true(scene.rig->node_mem.peak_bytes <= BUDGET_BYTES);
    play(&scene, "1 > channel.flow active\n1 < channel.flow-ok active\nb skip closed\n");
    close_scene(&scene);
}

static void
say_slowly(struct scene *scene, unsigned i, const char *line, unsigned ms)
{
    uint8_t frames[512];
    size_t n = amqp_text_frames(line, 4096, frames, sizeof(frames));
    for (size_t at = 0; at < n; at++) {
        amqp_say_bytes(scene->stage, i, view_of(frames + at, 1));
        rig_wait(scene->rig, ms);
    }
}

/* A handshake at a byte a second does not outlast connect_s_max; what is open may take its time. */
static void
a_byte_a_second(void **state)
{
    struct scene scene = open_scene(NULL);
    (void)state;
    play(&scene, "dial\nraw [AMQP] 00000901\n0 < connection.start *\n");
    say_slowly(&scene, A, "0 connection.start-ok mechanism=PLAIN response=\\00guest\\00guest locale=en_US", 1000);
    play(&scene, "< closed\n" OPEN "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n");
    say_slowly(&scene, A, "1 basic.publish routing-key=q delivery-mode=2 'slowly'", 1000);
    play(&scene,
         "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 routing-key=q delivery-mode=2 'slowly'\n");
    close_scene(&scene);
}

/* A connection whose peer is gone without a word: heartbeats find out, and what it held goes back. */
static void
half_open(void **state)
{
    struct scene scene = open_scene(NULL);
    (void)state;
    play(&scene,
         OPEN "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n1 > basic.publish routing-key=q 'x'\n"
              "b open heartbeat=4\nb 1 > channel.open\nb 1 < channel.open-ok\nb 1 > basic.get queue=q\n"
              "b 1 < basic.get-ok delivery-tag=1 routing-key=q 'x'\nwait 15000\nb skip 0 heartbeat\nb < closed\n"
              "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 redelivered routing-key=q 'x'\n");
    close_scene(&scene);
}

/* An interval of one second: two are missed, and no more than three go by. */
static void
half_open_for_seconds(void **state)
{
    struct scene scene = open_scene(NULL);
    (void)state;
    play(&scene, "open heartbeat=1\nwait 1500\nskip 0 heartbeat\n0 > heartbeat\nwait 1900\nskip 0 heartbeat\nquiet\n"
                 "wait 1500\nskip 0 heartbeat\n< closed\n");
    close_scene(&scene);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(queues_max),
        cmocka_unit_test(bindings_max),
        cmocka_unit_test(consumers_max),
        cmocka_unit_test(channels_without_end),
        cmocka_unit_test(queues_by_the_hundred),
        cmocka_unit_test(messages_too_large_cost_nothing),
        cmocka_unit_test(frames_too_large_are_not_waited_for),
        cmocka_unit_test(a_publisher_that_outruns_is_blocked),
        cmocka_unit_test(a_consumer_that_never_reads),
        cmocka_unit_test(messages_larger_than_the_outbox),
        cmocka_unit_test(answers_that_nobody_reads),
        cmocka_unit_test(a_byte_a_second),
        cmocka_unit_test(half_open),
        cmocka_unit_test(half_open_for_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
