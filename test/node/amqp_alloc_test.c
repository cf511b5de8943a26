/* Each allocation of publishers and consumers at work over AMQP fails in turn, and then power is cut: what was
 * confirmed, committed or made dead is there.  A commit that finds no memory for a message says so: 406, partial tx
 * completion.
 *
 * (That the node lives and leaks nothing: test/talk/amqp_memory_test.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rig/amqp_script.h"
#include "rig/amqp_text.h"

enum { CONFIRMED, COMMITTED, DEAD, STEPS };

struct scene {
    struct rig *rig;
    struct amqp_stage *stage;
};

#define OPEN "open\n1 > channel.open\n1 < channel.open-ok\n"

/* Each on a connection of its own: what an earlier one broke is not its matter.  The last line is the promise. */
static const char *const steps[STEPS] = {
    [CONFIRMED] =
        OPEN "1 > confirm.select\n1 < confirm.select-ok\n1 > basic.publish routing-key=q delivery-mode=2 'confirmed'\n"
             "1 < basic.ack delivery-tag=1\n",
    [COMMITTED] = OPEN "1 > tx.select\n1 < tx.select-ok\n1 > basic.publish routing-key=q delivery-mode=2 'first'\n"
                       "1 > basic.publish routing-key=r delivery-mode=2 'second'\n1 > tx.commit\n1 < tx.commit-ok\n",
    [DEAD] = OPEN "1 > basic.get queue=s\n1 < basic.get-ok * 'dying'\n1 > basic.nack delivery-tag=1\nwait 500\n"
                  "1 > basic.get queue=d\n1 < basic.get-ok * 'dying'\n",
};

static void
open_scene(struct scene *ret)
{
    ret->rig = rig_new();
    ret->rig->settings.tier = TIER_SYNCED;
    assert_true(rig_boot(ret->rig));
    ret->stage = amqp_stage_new(ret->rig);
    bool fine =
        amqp_play(ret->stage,
                  OPEN "1 > queue.declare queue=q durable no-wait\n1 > queue.declare queue=r durable no-wait\n"
                       "1 > queue.declare queue=d durable no-wait\n1 > queue.declare queue=s durable no-wait "
                       "arguments={x-dead-letter-exchange=\"\" x-dead-letter-routing-key=d}\n1 > confirm.select\n1 < "
                       "confirm.select-ok\n"
                       "1 > basic.publish routing-key=s delivery-mode=2 'dying'\n1 < basic.ack delivery-tag=1\ncut\n");
    assert_true(fine);
}

static void
close_scene(struct scene *scene)
{
    amqp_stage_free(scene->stage);
    rig_free(scene->rig);
}

static void
work(struct scene *scene, bool promised[STEPS])
{
    for (unsigned i = 0; i < STEPS; i++) {
        promised[i] = amqp_play(scene->stage, steps[i]);
        raw_cut(scene->rig, 0);
        amqp_mumble(scene->stage, "wait 200");
        (void)amqp_heard(scene->stage, 0);
    }
}

/* All that there is in the queues, a line a message. */
static const char *
read_all(struct scene *scene)
{
    (void)amqp_play(scene->stage, "power\n");
    bool fine = amqp_play(scene->stage, OPEN);
    if (!fine)
        fail_msg("%s", amqp_stage_complaint(scene->stage));
    static const char *const lines[] = {
        "1 basic.consume queue=q no-ack",
        "1 basic.consume queue=r no-ack",
        "1 basic.consume queue=d no-ack",
        "1 basic.consume queue=s no-ack",
    };
    uint8_t frame[256];
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        amqp_say_bytes(scene->stage, 0, view_of(frame, amqp_text_frames(lines[i], 4096, frame, sizeof(frame))));
    return amqp_heard(scene->stage, 0);
}

static void
check(struct scene *scene, const bool promised[STEPS], uint64_t i)
{
    const char *heard = read_all(scene);
    if (promised[CONFIRMED] && strstr(heard, "'confirmed'") == NULL)
        fail_msg("allocation %llu: what was confirmed is lost", (unsigned long long)i);
    if (promised[COMMITTED] && (strstr(heard, "'first'") == NULL || strstr(heard, "'second'") == NULL))
        fail_msg("allocation %llu: of what was committed, something is lost", (unsigned long long)i);
    if (strstr(heard, "'dying'") == NULL)
        fail_msg("allocation %llu: a dead letter is lost\n%s", (unsigned long long)i, heard);
}

static void
each_allocation_fails(void **state)
{
    struct scene scene;
    bool promised[STEPS];
    (void)state;
    open_scene(&scene);
    uint64_t before = scene.rig->node_mem.calls;
    work(&scene, promised);
    uint64_t n = scene.rig->node_mem.calls - before;
    for (unsigned i = 0; i < STEPS; i++)
        assert_true(promised[i]);
    check(&scene, promised, 0);
    close_scene(&scene);
    assert_true(n > 20);
    for (uint64_t i = 1; i <= n; i++) {
        unsigned kept = 0;
        open_scene(&scene);
        scene.rig->node_mem.fail_at = scene.rig->node_mem.calls + i;
        work(&scene, promised);
        for (unsigned step = 0; step < STEPS; step++)
            kept += promised[step];
        assert_true(kept >= STEPS - 1); /* one failure is one's failure */
        check(&scene, promised, i);
        close_scene(&scene);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(each_allocation_fails) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
