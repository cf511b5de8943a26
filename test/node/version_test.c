/* A node opens the data directory of an older version of the format, finds there all that was acknowledged, and goes
 * on.
 *
 * test/node/version_1 was written by this program (`node_version_test DIR`), built with the last code that wrote
 * version 1.  Its segments end after their last byte that is not zero: what follows has no meaning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig/amqp_script.h"

enum { FILE_BYTES_MAX = 64 * 1024, NAME_BYTES = 64, NAMES = 25, MQTT_PEER = 7 };

#define OPEN  "open\n1 > channel.open\n1 < channel.open-ok\n"
#define HELLO "10 < (MQTT) 05 00 0000 < 11 ffffffff > (s) >" /* for ever */
#define FIFTY "..................................................."

struct scene {
    struct rig *rig;
    struct amqp_stage *stage;
};

static void
play(struct scene *scene, const char *script)
{
    if (!amqp_play(scene->stage, script))
        fail_msg("%s", amqp_stage_complaint(scene->stage));
}

/* ---- files --------------------------------------------------------------------------------------------------- */

/* Of a data directory: the i-th that may be there. */
static void
name_file(unsigned i, char ret[NAME_BYTES])
{
    if (i == 0)
        snprintf(ret, NAME_BYTES, "node");
    else
        snprintf(ret, NAME_BYTES, i % 2 == 0 ? "shard-0/%010u.seg" : "shard-0/checkpoint-%010u", i / 2);
}

static int64_t
now(struct io *io, struct io_job job, int64_t *retfile)
{
    int64_t rc = io_now(io, &job);
    if (retfile != NULL)
        *retfile = job.file;
    return rc;
}

static void
lay_file(struct io *io, const char *path, struct view bytes)
{
    int64_t file;
    assert_int_equal(now(io, (struct io_job){ .op = IO_OPEN, .path = path, .flags = IO_FLAG_CREATE }, &file), 0);
    struct io_job write = { .op = IO_WRITE_SYNC, .file = file, .view_count = 1 };
    write.views[0] = bytes;
    assert_int_equal(now(io, write, NULL), 0);
    assert_int_equal(now(io, (struct io_job){ .op = IO_CLOSE, .file = file }, NULL), 0);
}

/* The files of the directory `arg` become those of the simulated machine. */
static void
lay_files(struct io *io, const void *arg)
{
    static uint8_t bytes[FILE_BYTES_MAX];
    unsigned files = 0;
    (void)now(io, (struct io_job){ .op = IO_MKDIR, .path = "data" }, NULL);
    (void)now(io, (struct io_job){ .op = IO_MKDIR, .path = "data/shard-0" }, NULL);
    for (unsigned i = 0; i < NAMES; i++) {
        char name[NAME_BYTES], path[NAME_BYTES + 8], source[1024];
        name_file(i, name);
        snprintf(path, sizeof(path), "data/%s", name);
        snprintf(source, sizeof(source), "%s/%s", (const char *)arg, name);
        FILE *file = fopen(source, "rb");
        if (file == NULL)
            continue;
        lay_file(io, path, view_of(bytes, fread(bytes, 1, sizeof(bytes), file)));
        fclose(file);
        files++;
    }
    assert_true(files > 2);
}

/* The other way. */
static void
save_files(struct rig *rig, const char *dir)
{
    static uint8_t bytes[FILE_BYTES_MAX];
    for (unsigned i = 0; i < NAMES; i++) {
        char name[NAME_BYTES], path[NAME_BYTES + 8], to[1024];
        name_file(i, name);
        snprintf(path, sizeof(path), "data/%s", name);
        snprintf(to, sizeof(to), "%s/%s", dir, name);
        int64_t n = sim_file_peek(rig->node_machine, path, 0, bytes, sizeof(bytes));
        while (n > 0 && i % 2 == 0 && bytes[n - 1] == 0)
            n--;
        FILE *file = n > 0 ? fopen(to, "wb") : NULL;
        if (n <= 0)
            continue;
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, (size_t)n, file), n);
        fclose(file);
    }
}

/* ---- what is kept -------------------------------------------------------------------------------------------- */

static struct rig *
new_rig(void)
{
    struct rig *rig = rig_new();
    rig->settings.tier = TIER_SYNCED;
    rig->settings.checkpoint_bytes = KIB(2);
    return rig;
}

/* One session that waits, for QoS 1 and 2, and a value that is retained. */
static void
fill_mqtt(struct rig *rig)
{
    assert_true(raw_meet(rig, MQTT_PEER, HELLO));
    raw_say(rig, MQTT_PEER, "82 < 0001 <> (t) 02 >");
    assert_true(raw_hears(rig, MQTT_PEER, "90 < 0001 <> 02 >"));
    raw_cut(rig, MQTT_PEER);
    assert_true(raw_meet(rig, MQTT_PEER, "10 < (MQTT) 05 02 0000 <> (p) >"));
    raw_say(rig, MQTT_PEER, "32 < (t) 0001 < 26 (k) (v) > [one] > 34 < (t) 0002 < 02 7fffffff > [two] > 62 < 0002 >");
    raw_say(rig, MQTT_PEER, "33 < (r) 0003 <> [kept] > 32 < (t) 0004 <> [three] >");
    assert_true(raw_lives(rig, MQTT_PEER));
    raw_cut(rig, MQTT_PEER);
}

/* Two queues: settled in part, published to by transactions, one message in both. */
static void
fill_amqp(struct scene *scene)
{
    play(scene, OPEN "1 > queue.declare queue=q durable\n1 < queue.declare-ok queue=q\n"
                     "1 > queue.declare queue=d durable arguments={x-max-priority=2}\n1 < queue.declare-ok queue=d\n"
                     "1 > exchange.declare exchange=x type=fanout durable\n1 < exchange.declare-ok\n"
                     "1 > queue.bind queue=q exchange=x\n1 < queue.bind-ok\n"
                     "1 > queue.bind queue=d exchange=x\n1 < queue.bind-ok\n");
    for (unsigned i = 0; i < 40; i++) {
        char line[256];
        snprintf(line, sizeof(line), "1 > basic.publish routing-key=q delivery-mode=2 '%02u " FIFTY "'\n", i);
        play(scene, line);
    }
    char script[2048] = "wait 200\n1 > basic.consume queue=q consumer-tag=c no-wait\n";
    for (unsigned i = 0; i < 40; i++)
        strcat(script, "1 < basic.deliver *\n");
    play(scene, script);
    play(scene, "1 > basic.ack delivery-tag=37 multiple\nwait 200\ncut\nwait 200\n" OPEN
                "1 > tx.select\n1 < tx.select-ok\n1 > basic.publish exchange=x routing-key=k delivery-mode=2 "
                "headers={a=b} 'both'\n1 > basic.publish routing-key=d delivery-mode=2 priority=2 'first'\n"
                "1 > tx.commit\n1 < tx.commit-ok\ncut\nwait 200\n");
}

static void
fill(struct scene *scene)
{
    fill_mqtt(scene->rig);
    fill_amqp(scene);
}

static void
drain_mqtt(struct rig *rig)
{
    raw_open(rig, MQTT_PEER);
    raw_say(rig, MQTT_PEER, HELLO);
    raw_say(rig, MQTT_PEER, "82 < 0002 <> (r) 00 >");
    rig_wait(rig, 100);
    assert_int_equal(raw_counts(rig, MQTT_PEER, "one"), 1);
    assert_int_equal(raw_counts(rig, MQTT_PEER, "two"), 1);
    assert_int_equal(raw_counts(rig, MQTT_PEER, "three"), 1);
    assert_int_equal(raw_counts(rig, MQTT_PEER, "kept"), 1);
    raw_cut(rig, MQTT_PEER);
}

static void
drain_amqp(struct scene *scene)
{
    play(scene,
         OPEN "1 > basic.get queue=q\n1 < basic.get-ok delivery-tag=1 redelivered routing-key=q message-count=3 "
              "delivery-mode=2 '37 " FIFTY "'\n1 > basic.get queue=q\n1 < basic.get-ok delivery-tag=2 redelivered "
              "routing-key=q message-count=2 delivery-mode=2 '38 " FIFTY "'\n"
              "1 > basic.get queue=q\n1 < basic.get-ok delivery-tag=3 redelivered * '39 " FIFTY "'\n"
              "1 > basic.get queue=q\n1 < basic.get-ok delivery-tag=4 exchange=x routing-key=k headers={a=b} "
              "delivery-mode=2 'both'\n1 > basic.get queue=q\n1 < basic.get-empty\n"
              "1 > basic.get queue=d\n1 < basic.get-ok delivery-tag=5 routing-key=d message-count=1 delivery-mode=2 "
              "priority=2 'first'\n1 > basic.get queue=d\n1 < basic.get-ok delivery-tag=6 exchange=x routing-key=k "
              "headers={a=b} delivery-mode=2 'both'\n1 > basic.get queue=d\n1 < basic.get-empty\n");
}

static void
find_all(struct scene *scene)
{
    drain_mqtt(scene->rig);
    drain_amqp(scene);
    play(scene, "wait 200\n"); /* the connections end, and what was not acknowledged goes back */
}

static struct scene
open_scene(const char *dir)
{
    struct scene scene = { .rig = new_rig() };
    scene.rig->before = dir == NULL ? NULL : lay_files;
    scene.rig->before_arg = dir;
    assert_true(rig_boot(scene.rig));
    scene.rig->before = NULL;
    scene.stage = amqp_stage_new(scene.rig);
    return scene;
}

static void
close_scene(struct scene *scene)
{
    amqp_stage_free(scene->stage);
    rig_free(scene->rig);
}

/* ---- tests --------------------------------------------------------------------------------------------------- */

static void
what_is_written_now_is_found(void **state)
{
    (void)state;
    struct scene scene = open_scene(NULL);
    fill(&scene);
    play(&scene, "power\n");
    find_all(&scene);
    close_scene(&scene);
}

static void
what_version_1_wrote_is_found(void **state)
{
    (void)state;
    struct scene scene = open_scene(VERSION_1);
    find_all(&scene);
    close_scene(&scene);
}

/* New segments and checkpoints stand beside old ones. */
static void
a_log_of_both_versions_is_found(void **state)
{
    (void)state;
    struct scene scene = open_scene(VERSION_1);
    play(&scene, OPEN "1 > queue.declare queue=n durable\n1 < queue.declare-ok queue=n\n"
                      "1 > basic.publish routing-key=n delivery-mode=2 'new'\nwait 200\npower\n" OPEN
                      "1 > basic.get queue=n no-ack\n1 < basic.get-ok delivery-tag=1 * 'new'\ncut\n");
    for (unsigned i = 0; i < 60; i++)
        play(&scene, OPEN "1 > basic.publish routing-key=n delivery-mode=2 '" FIFTY FIFTY "'\nwait 50\ncut\n");
    play(&scene, "kill\n");
    find_all(&scene);
    close_scene(&scene);
}

int
main(int argc, char **argv)
{
    if (argc > 1) {
        struct scene scene = open_scene(NULL);
        fill(&scene);
        save_files(scene.rig, argv[1]);
        close_scene(&scene);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_now_is_found),
        cmocka_unit_test(what_version_1_wrote_is_found),
        cmocka_unit_test(a_log_of_both_versions_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
