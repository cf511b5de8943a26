/* The levels of a queue's priorities, and their records on a full disk (mq_rig.h). */
#include "catalog/mq_rig.h"

/* A full disk refuses the record of a new priority; with room again, the message that is taken then is found. */
static void
test_a_priority_that_was_refused_is_recorded_later(void **state)
{
    (void)state;
    struct rig *rig = rig_new(true);
    assert_non_null(rig_declare(rig, "q", DURABLE, "x-max-priority I 5"));
    sim_disk_capacity(rig->machine, 1);
    for (unsigned i = 0; i < 2000 && rig_send(rig, "q", "filler", &(struct letter_head){ 0, -1, NULL }) == 0; i++)
        rig_pass(rig, 1);
    assert_int_not_equal(rig_send(rig, "q", "5", &(struct letter_head){ 5, -1, NULL }), 0);
    sim_disk_capacity(rig->machine, 0);
    rig_pass(rig, 3000);
    assert_int_equal(rig_send(rig, "q", "5", &(struct letter_head){ 5, -1, NULL }), 0);
    rig_pass(rig, 100);
    uint64_t ready = rig_ready(rig, "q");
    rig_restart(rig);
    assert_int_equal(rig_ready(rig, "q"), ready);
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_priority_that_was_refused_is_recorded_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
