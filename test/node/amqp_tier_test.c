/* What a confirm means, a queue: x-tambo-tier memory, written and synced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig/amqp_script.h"
#include "rig/amqp_text.h"

#define OPEN                                                                               \
    "open\n1 > channel.open\n1 < channel.open-ok\n2 > channel.open\n2 < channel.open-ok\n" \
    "1 > confirm.select\n1 < confirm.select-ok\n2 > confirm.select\n2 < confirm.select-ok\n"
#define QUEUE(name, tier)                                                          \
    "1 > queue.declare queue=" name " durable arguments={x-tambo-tier=" tier "}\n" \
    "1 < queue.declare-ok queue=" name "\n"
#define QUEUES            QUEUE("w", "written") QUEUE("s", "synced") QUEUE("m", "memory")
#define PUT(channel, key) channel " basic.publish routing-key=" key " delivery-mode=2 'x'"
#define SAY(channel, key) channel " > basic.publish routing-key=" key " delivery-mode=2 'x'\n"
#define HAS(key)          "1 > basic.get queue=" key " no-ack\n1 < basic.get-ok * 'x'\n"
#define EMPTY(key)        "1 > basic.get queue=" key "\n1 < basic.get-empty\n"

struct scene {
    struct rig *rig;
    struct amqp_stage *stage;
};

static struct scene
open_scene(void)
{
    struct scene scene = { .rig = rig_new() };
    scene.rig->settings.tier = TIER_SYNCED;
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

/* In one turn. */
static void
say_both(struct scene *scene, const char *first, const char *second)
{
    uint8_t bytes[1000];
    size_t n = amqp_text_frames(first, 4096, bytes, sizeof(bytes));
    n += amqp_text_frames(second, 4096, bytes + n, sizeof(bytes) - n);
    amqp_say_bytes(scene->stage, 0, view_of(bytes, n));
}

static void
written_is_confirmed_before_synced(void **state)
{
    struct scene scene = open_scene();
    (void)state;
    play(&scene, OPEN QUEUES);
    say_both(&scene, PUT("1", "s"), PUT("2", "w"));
    play(&scene, "2 < basic.ack delivery-tag=1\n1 < basic.ack delivery-tag=1\n");
    close_scene(&scene);
}

/* On one channel confirms keep their order; what both sorts of queues take waits for the sync. */
static void
the_longest_wait_counts(void **state)
{
    struct scene scene = open_scene();
    (void)state;
    play(&scene, OPEN QUEUES "1 > queue.bind queue=w exchange=amq.fanout\n1 < queue.bind-ok\n"
                             "1 > queue.bind queue=s exchange=amq.fanout\n1 < queue.bind-ok\n");
    say_both(&scene, PUT("1", "w"), PUT("1", "s"));
    play(&scene, "1 < basic.ack delivery-tag=1\n1 < basic.ack delivery-tag=2\n");
    say_both(&scene, PUT("1", "s"), PUT("1", "w"));
    play(&scene, "1 < basic.ack delivery-tag=4 multiple\n");
    say_both(&scene, "1 basic.publish exchange=amq.fanout delivery-mode=2 'x'", PUT("2", "w"));
    play(&scene, "2 < basic.ack delivery-tag=1\n1 < basic.ack delivery-tag=5\n");
    close_scene(&scene);
}

/* The process dies before anything could be synced. */
static void
written_outlives_the_process(void **state)
{
    struct scene scene = open_scene();
    (void)state;
    play(&scene, OPEN QUEUES);
    sim_disk_fail(scene.rig->node_machine, IO_SYNC, 1000);
    play(&scene, SAY("1", "w") "1 < basic.ack delivery-tag=1\n");
    sim_disk_fail(scene.rig->node_machine, IO_SYNC, 0);
    play(&scene, "kill\n" OPEN HAS("w") EMPTY("w"));
    close_scene(&scene);
}

static void
memory_waits_for_nothing_and_outlives_nothing(void **state)
{
    struct scene scene = open_scene();
    (void)state;
    play(&scene, OPEN QUEUES);
    say_both(&scene, PUT("1", "w"), PUT("2", "m"));
    play(&scene, "2 < basic.ack delivery-tag=1\n1 < basic.ack delivery-tag=1\n" HAS("m"));
    play(&scene, SAY("2", "m") "2 < basic.ack delivery-tag=2\nwait 1000\nkill\n" OPEN EMPTY("m") HAS("w"));
    close_scene(&scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_is_confirmed_before_synced),
        cmocka_unit_test(the_longest_wait_counts),
        cmocka_unit_test(written_outlives_the_process),
        cmocka_unit_test(memory_waits_for_nothing_and_outlives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
