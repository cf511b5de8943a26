/* Our client answers in the order in which it was sent things (MQTT 5, 4.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/world.h"

static void
meet(struct client_world *world)
{
    world_open(world, NULL);
    world_meet(world, false, view_of(NULL, 0));
    world_forget(world);
}

static void
pubacks_in_the_order_of_publish(void **state)
{
    struct client_world world;
    (void)state;
    meet(&world);
    WORLD_SAY(&world, "\x32\x06\x00\x01t\x00\x09\x00\x32\x06\x00\x01t\x00\x03\x00\x32\x06\x00\x01t\x00\x05\x00");
    world_expect(&world, "message t qos=1 id=9 ''\nmessage t qos=1 id=3 ''\nmessage t qos=1 id=5 ''\n"
                         "> PUBACK id=9\n> PUBACK id=3\n> PUBACK id=5\n");
    world_close(&world);
}

static void
pubrecs_in_the_order_of_publish(void **state)
{
    struct client_world world;
    (void)state;
    meet(&world);
    WORLD_SAY(&world, "\x34\x06\x00\x01t\x00\x09\x00\x34\x06\x00\x01t\x00\x03\x00\x34\x06\x00\x01t\x00\x05\x00");
    world_expect(&world, "message t qos=2 id=9 ''\nmessage t qos=2 id=3 ''\nmessage t qos=2 id=5 ''\n"
                         "> PUBREC id=9\n> PUBREC id=3\n> PUBREC id=5\n");
    world_close(&world);
}

static void
pubrels_in_the_order_of_pubrec(void **state)
{
    struct client_world world;
    (void)state;
    meet(&world);
    for (uint64_t token = 1; token <= 3; token++)
        assert_int_equal(world_put(&world, 2, "t", "", token), 0);
    world_forget(&world);
    WORLD_SAY(&world, "\x50\x02\x00\x02\x50\x02\x00\x03\x50\x02\x00\x01");
    world_expect(&world, "> PUBREL id=2\n> PUBREL id=3\n> PUBREL id=1\n");
    world_close(&world);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pubacks_in_the_order_of_publish),
        cmocka_unit_test(pubrecs_in_the_order_of_publish),
        cmocka_unit_test(pubrels_in_the_order_of_pubrec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
