/* Who must wait is not dropped, and loses nothing: publishers without confirms for room, basic.get for the outbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig/amqp_script.h"
#include "rig/amqp_text.h"

enum { A, B };
enum { BUDGET_BYTES = 16 * 1024 * 1024, BODY_BYTES = 16 * 1024, FRAME_MAX = 8192 };

#define PART   "1 > body size=5000\n"
#define BODY   "1 > body size=130000\n"
#define OPEN   "open\n1 > channel.open\n1 < channel.open-ok\n"
#define B_OPEN "b open\nb 1 > channel.open\nb 1 < channel.open-ok\n"

struct scene {
    struct rig *rig;
    struct amqp_stage *stage;
};

static struct scene
open_scene(enum tier tier)
{
    struct scene scene = { .rig = rig_new() };
    scene.rig->settings.node_memory_bytes_max = BUDGET_BYTES;
    scene.rig->settings.tier = tier;
    assert_true(rig_boot(scene.rig));
    scene.stage = amqp_stage_new(scene.rig);
    return scene;
}

static void
close_scene(struct scene *scene)
{
    assert_true(scene->rig->node_mem.peak_bytes <= BUDGET_BYTES);
    amqp_stage_free(scene->stage);
    rig_free(scene->rig);
}

static void
play(struct scene *scene, const char *script)
{
    if (!amqp_play(scene->stage, script))
        fail_msg("%s", amqp_stage_complaint(scene->stage));
}

/* Says a line so many times. */
static void
say_often(struct scene *scene, unsigned i, const char *line, unsigned times)
{
    static uint8_t frames[2 * BODY_BYTES];
    size_t n = amqp_text_frames(line, FRAME_MAX, frames, sizeof(frames));
    for (unsigned m = 0; m < times; m++) {
        amqp_say_bytes(scene->stage, i, view_of(frames, n));
        if (m % 50 == 49)
            rig_wait(scene->rig, 50);
    }
    rig_wait(scene->rig, 200);
}

static void
say(struct scene *scene, unsigned i, const char *line)
{
    say_often(scene, i, line, 1);
}

static void
publish_much(struct scene *scene, unsigned i, const char *queue, unsigned messages)
{
    char line[64];
    snprintf(line, sizeof(line), "1 basic.publish routing-key=%s size=%u", queue, BODY_BYTES);
    say_often(scene, i, line, messages);
}

/* How many there were in the queue. */
static unsigned
purge(struct scene *scene, const char *queue)
{
    char line[64];
    snprintf(line, sizeof(line), "1 queue.purge queue=%s", queue);
    say(scene, B, line);
    const char *count = strstr(amqp_heard(scene->stage, B), "message-count=");
    return count == NULL ? 0 : (unsigned)strtoul(count + strlen("message-count="), NULL, 10);
}

static unsigned
purge_all(struct scene *scene, const char *queue)
{
    unsigned all = 0;
    for (unsigned n = 0; n < 20; n++)
        all += purge(scene, queue);
    return all;
}

/* ---- room ----------------------------------------------------------------------------------------------------- */

/* It holds a message of its own, so it is read from for what it may settle. */
static void
nothing_of_a_publisher_that_consumes_is_lost(void **state)
{
    enum { PUBLISHED = 2000 };
    struct scene scene = open_scene(TIER_MEMORY);
    (void)state;
    play(&scene, OPEN "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n1 > queue.declare queue=mine\n"
                      "1 < queue.declare-ok queue=mine\n1 > basic.publish routing-key=mine 'x'\n"
                      "1 > basic.get queue=mine\n1 < basic.get-ok * 'x'\n" B_OPEN);
    publish_much(&scene, A, "q", PUBLISHED);
    const char *heard = amqp_heard(scene.stage, A);
    assert_non_null(strstr(heard, "0 connection.blocked reason=\"low on memory\""));
    assert_null(strstr(heard, "close"));
    assert_int_equal(purge_all(&scene, "q"), PUBLISHED);
    say(&scene, A, "1 basic.ack delivery-tag=1");
    say(&scene, A, "1 queue.declare queue=q passive");
    heard = amqp_heard(scene.stage, A);
    assert_non_null(strstr(heard, "0 connection.unblocked\n"));
    assert_non_null(strstr(heard, "1 queue.declare-ok queue=q\n"));
    close_scene(&scene);
}

/* Nobody else makes room: what it settles behind its publications is heard all the same. */
static void
its_settlements_make_room(void **state)
{
    enum { HELD = 500, PUBLISHED = 360 };
    struct scene scene = open_scene(TIER_MEMORY);
    (void)state;
    play(&scene, OPEN "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n1 > queue.declare queue=mine\n"
                      "1 < queue.declare-ok queue=mine\n");
    publish_much(&scene, A, "mine", HELD);
    amqp_mumble(scene.stage, "1 > basic.consume queue=mine consumer-tag=c\nwait 1000\n");
    publish_much(&scene, A, "q", PUBLISHED);
    assert_non_null(strstr(amqp_heard(scene.stage, A), "0 connection.blocked reason=\"low on memory\""));
    say(&scene, A, "1 basic.ack delivery-tag=500 multiple");
    rig_wait(scene.rig, 1000);
    assert_non_null(strstr(amqp_heard(scene.stage, A), "0 connection.unblocked\n"));
    play(&scene, B_OPEN);
    assert_int_equal(purge(&scene, "q"), PUBLISHED);
    assert_int_equal(purge(&scene, "mine"), 0);
    close_scene(&scene);
}

/* What it asks for behind them, the end of its connection too, is done after them. */
static void
the_end_waits_too(void **state)
{
    enum { PUBLISHED = 1000 };
    struct scene scene = open_scene(TIER_MEMORY);
    (void)state;
    play(&scene, OPEN "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n" B_OPEN);
    publish_much(&scene, A, "q", PUBLISHED);
    say(&scene, A, "1 basic.publish routing-key=q 'last'");
    say(&scene, A, "0 connection.close reply-code=200");
    assert_null(strstr(amqp_heard(scene.stage, A), "close"));
    assert_int_equal(purge_all(&scene, "q"), PUBLISHED + 1);
    assert_non_null(strstr(amqp_heard(scene.stage, A), "0 connection.close-ok\n"));
    close_scene(&scene);
}

/* Publishes `said` when memory is short, and sees what comes of it when there is room again. */
static void
goes_through(struct scene *scene, const char *said, const char *heard)
{
    char line[256];
    say_often(scene, A, "2 basic.publish routing-key=q size=16384", 1000); /* confirmed: what is too much is refused */
    assert_non_null(strstr(amqp_heard(scene->stage, A), "2 basic.nack"));
    play(scene, said);
    play(scene, "b 1 > basic.get queue=r no-ack\nb 1 < basic.get-ok * 'first'\nb 1 > basic.get queue=r\n"
                "b 1 < basic.get-empty\nb 1 > queue.purge queue=q\nb 1 < queue.purge-ok *\nwait 1000\nskip 0 "
                "connection.unblocked\n");
    snprintf(line, sizeof(line), "b 1 > basic.get queue=r no-ack\nb 1 < basic.get-ok * routing-key=r %s\n", heard);
    play(scene, line);
}

/* Bodies of several frames, empty ones, and properties are the same afterwards. */
static void
what_waited_is_as_it_was(void **state)
{
    static const char *const said[] = {
        "1 > basic.publish routing-key=r headers={k=v} type=t ''\n",
        "1 > basic.publish routing-key=r mandatory\n1 > header body-size=20000\n" PART PART PART PART,
        "1 > basic.publish routing-key=r correlation-id=7 'x'\n"
    };
    static const char *const heard[] = { "headers={k=v} type=t ''", "size=20000", "correlation-id=7 'x'" };
    struct scene scene = open_scene(TIER_MEMORY);
    (void)state;
    play(&scene, "open frame-max=8192\n1 > channel.open\n1 < channel.open-ok\n2 > channel.open\n2 < channel.open-ok\n2 "
                 "> confirm.select\n2 < confirm.select-ok\n"
                 "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n1 > queue.declare queue=r\n"
                 "1 < queue.declare-ok queue=r\n1 > queue.declare queue=mine\n1 < queue.declare-ok queue=mine\n"
                 "1 > basic.publish routing-key=mine 'x'\n1 > basic.get queue=mine\n1 < basic.get-ok * 'x'\n" B_OPEN);
    for (size_t i = 0; i < 3; i++) {
        play(&scene, "1 > basic.publish routing-key=r 'first'\n");
        goes_through(&scene, said[i], heard[i]);
    }
    close_scene(&scene);
}

/* Where a publication alone would have to wait, a transaction has the room that it asked for, or is not begun. */
static void
a_transaction_is_whole(void **state)
{
    struct scene scene = open_scene(TIER_MEMORY);
    (void)state;
    play(&scene, OPEN "2 > channel.open\n2 < channel.open-ok\n2 > confirm.select\n2 < confirm.select-ok\n"
                      "1 > tx.select\n1 < tx.select-ok\n1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n"
                      "1 > queue.declare queue=r\n1 < queue.declare-ok queue=r\n2 > basic.publish routing-key=r 'x'\n"
                      "2 < basic.ack delivery-tag=1\n"
                      "2 > basic.publish routing-key=r 'z'\n2 < basic.ack delivery-tag=2\n2 > basic.get queue=r\n2 < "
                      "basic.get-ok * 'x'\n" B_OPEN);
    say_often(&scene, A, "2 basic.publish routing-key=q size=16384", 1000);
    assert_non_null(strstr(amqp_heard(scene.stage, A), "2 basic.nack"));
    say_often(&scene, A, "1 basic.publish routing-key=r 'y'", 3);
    say(&scene, A, "1 tx.commit");
    assert_non_null(strstr(amqp_heard(scene.stage, A), "1 tx.commit-ok"));
    play(&scene, "b 1 > queue.declare queue=r\nb 1 < queue.declare-ok queue=r message-count=4\n");
    say_often(&scene, A, "1 basic.publish routing-key=r size=16384", 50);
    say(&scene, A, "1 tx.commit");
    assert_non_null(strstr(amqp_heard(scene.stage, A), "1 channel.close reply-code=406"));
    play(&scene, "b 1 > queue.declare queue=r\nb 1 < queue.declare-ok queue=r message-count=4\n");
    close_scene(&scene);
}

/* The disk is full for a while. */
static void
nothing_is_lost_for_want_of_disk(void **state)
{
    struct scene scene = open_scene(TIER_SYNCED);
    (void)state;
    play(&scene, OPEN "1 > queue.declare queue=q durable\n1 < queue.declare-ok queue=q\n");
    sim_disk_capacity(scene.rig->node_machine, MIB(4));
    say_often(&scene, A, "1 basic.publish routing-key=q delivery-mode=2 size=16384", 400);
    assert_non_null(strstr(amqp_heard(scene.stage, A), "0 connection.blocked reason=\"low on disk\""));
    sim_disk_capacity(scene.rig->node_machine, 0);
    rig_wait(scene.rig, 60000);
    assert_non_null(strstr(amqp_heard(scene.stage, A), "0 connection.unblocked\n"));
    play(&scene, B_OPEN "b 1 > queue.declare queue=q durable\nb 1 < queue.declare-ok queue=q message-count=400\n");
    close_scene(&scene);
}

/* ---- the outbox ------------------------------------------------------------------------------------------------ */

#define GET "1 basic.get queue=q no-ack"

/* All are asked for at once, and come one after the other as there is room. */
static void
gets_come_all(struct scene *scene, unsigned messages)
{
    play(scene, B_OPEN);
    raw_forget(scene->rig, B);
    say_often(scene, B, GET, messages + 1);
    for (unsigned n = 0; n < messages && raw_lives(scene->rig, B); n++)
        rig_wait(scene->rig, 50);
    amqp_mumble(scene->stage, "wait 1\n");
    play(scene, "b 1 > queue.declare queue=q passive durable\nb 1 < queue.declare-ok queue=q\n");
}

static void
publish_large(struct scene *scene, unsigned messages)
{
    for (unsigned n = 0; n < messages; n++)
        play(scene,
             "1 > basic.publish routing-key=q delivery-mode=2\n1 > header body-size=520000 delivery-mode=2\n" BODY BODY
                 BODY BODY "1 > channel.flow active\n1 < channel.flow-ok active\n");
}

static void
gets_wait_for_the_outbox(void **state)
{
    struct scene scene = open_scene(TIER_MEMORY);
    (void)state;
    scene.rig->settings.outbox_bytes_max = KIB(64);
    play(&scene, OPEN "1 > queue.declare queue=q durable\n1 < queue.declare-ok queue=q\n");
    publish_large(&scene, 20);
    gets_come_all(&scene, 20);
    close_scene(&scene);
}

static void
gets_of_what_is_on_disk_wait_too(void **state)
{
    struct scene scene = open_scene(TIER_SYNCED);
    (void)state;
    play(&scene, OPEN "1 > queue.declare queue=q durable\n1 < queue.declare-ok queue=q\n");
    publish_large(&scene, 60);
    play(&scene, "kill\n");
    gets_come_all(&scene, 60);
    close_scene(&scene);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_a_publisher_that_consumes_is_lost),
        cmocka_unit_test(its_settlements_make_room),
        cmocka_unit_test(the_end_waits_too),
        cmocka_unit_test(what_waited_is_as_it_was),
        cmocka_unit_test(a_transaction_is_whole),
        cmocka_unit_test(nothing_is_lost_for_want_of_disk),
        cmocka_unit_test(gets_wait_for_the_outbox),
        cmocka_unit_test(gets_of_what_is_on_disk_wait_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
