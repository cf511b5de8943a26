/* AMQP conversations: publish, consume, settle, confirm, transactions, replies; and MQTT beside it. */
#include "amqp_talk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct talk *
open_plain(unsigned shards, bool durable)
{
    amqp_forget();
    return talk_open(&(struct talk_setup){ .shards = shards, .durable = durable });
}

static void
a_message_goes_through_a_queue(void **state)
{
    (void)state;
    struct talk *talk = open_plain(1, false);
    amqp_say(talk, "ana",
             "open; queue q; publish - q msg=one corr=7; publish - q msg=two mode=2; get q; get q noack=1; get q");
    amqp_hear(talk, "ana",
              "queue.declare-ok q 0 0\nbasic.get-ok 1 - q left=1 corr=7 'one'\n"
              "basic.get-ok 2 - q left=0 mode=2 'two'\nbasic.get-empty\n");
    amqp_say(talk, "ana", "reject 1; get q; ack 3; get q; bye");
    amqp_hear(talk, "ana", "basic.get-ok 3 - q left=0 again corr=7 'one'\nbasic.get-empty\nCLOSED\n");
    talk_close(talk);
}

/* Bodies of several frames, both ways, by copy and by reference. */
static void
b_a_large_message_is_cut_into_frames(void **state)
{
    (void)state;
    struct talk *talk = open_plain(1, false);
    amqp_say(talk, "ana", "open; queue q; publish - q size=5000; publish - q size=100000; consume q tag=c noack=1");
    amqp_hear(talk, "ana",
              "queue.declare-ok q 0 0\nbasic.deliver c 1 - q <5000 bytes>\n"
              "basic.deliver c 2 - q <100000 bytes>\n");
    talk_close(talk);
}

static void
c_prefetch_is_a_window(void **state)
{
    (void)state;
    struct talk *talk = open_plain(1, false);
    amqp_say(talk, "ana",
             "open; queue q; publish - q msg=1; publish - q msg=2; publish - q msg=3; qos 2; consume q tag=c");
    amqp_hear(talk, "ana", "queue.declare-ok q 0 0\nbasic.deliver c 1 - q '1'\nbasic.deliver c 2 - q '2'\n");
    amqp_say(talk, "ana", "nack 1");
    amqp_hear(talk, "ana", "basic.deliver c 3 - q again '1'\n");
    amqp_say(talk, "ana", "ack 3 multiple=1");
    amqp_hear(talk, "ana", "basic.deliver c 4 - q '3'\n");
    amqp_say(talk, "ana", "cancel c; ack 4; queue q");
    amqp_hear(talk, "ana", "queue.declare-ok q 0 0\n");
    talk_close(talk);
}

/* One window for two consumers, of which one's queue is empty. */
static void
d_a_global_prefetch_is_the_channels(void **state)
{
    (void)state;
    struct talk *talk = open_plain(1, false);
    amqp_say(talk, "ana", "open; queue a; queue b; qos 1 global=1; consume a tag=a; consume b tag=b");
    amqp_say(talk, "ana", "publish - b msg=1; publish - b msg=2; publish - a msg=3; ack 1; ack 2");
    amqp_hear(talk, "ana",
              "queue.declare-ok a 0 0\nqueue.declare-ok b 0 0\nbasic.deliver b 1 - b '1'\n"
              "basic.deliver a 2 - a '3'\nbasic.deliver b 3 - b '2'\n");
    talk_close(talk);
}

static void
e_confirms_are_coalesced_and_durable(void **state)
{
    (void)state;
    struct talk *talk = open_plain(1, true);
    amqp_say(talk, "ana",
             "open; queue q durable=1; confirm; publish - q mode=2 msg=1 & publish - q mode=2 msg=2 & "
             "publish - q mode=2 msg=3");
    amqp_say(talk, "ana", "publish - nobody mandatory=1 msg=4");
    amqp_hear(talk, "ana",
              "queue.declare-ok q 0 0\nbasic.ack 3 multiple\n"
              "basic.return 312 NO_ROUTE - nobody '4'\nbasic.ack 4\n");
    amqp_forget();
    talk_restart(talk, SIM_POWER);
    amqp_say(talk, "bo", "open; queue q passive=1; get q noack=1");
    amqp_hear(talk, "bo", "queue.declare-ok q 3 0\nbasic.get-ok 1 - q left=2 mode=2 '1'\n");
    talk_close(talk);
}

static void
f_who_is_gone_gives_back(void **state)
{
    (void)state;
    struct talk *talk = open_plain(1, false);
    amqp_say(talk, "ana", "open; queue q; queue mine exclusive=1; publish - q msg=1; consume q tag=c; bye");
    amqp_hear(talk, "ana", "queue.declare-ok q 0 0\nqueue.declare-ok mine 0 0\nbasic.deliver c 1 - q '1'\nCLOSED\n");
    amqp_say(talk, "bo", "open; get q; queue mine passive=1");
    amqp_hear(talk, "bo",
              "basic.get-ok 1 - q left=0 again '1'\n"
              "channel.close NOT_FOUND - no queue 'mine' in vhost '/' 50.10\n");
    talk_close(talk);
}

static void
g_a_consumer_hears_that_its_queue_is_gone(void **state)
{
    (void)state;
    struct talk *talk = open_plain(1, false);
    amqp_say(talk, "ana", "open; queue q; consume q tag=c; publish - q msg=1");
    amqp_say(talk, "bo", "open; unqueue q");
    amqp_say(talk, "ana", "ack 1; queue q");
    amqp_hear(talk, "ana",
              "queue.declare-ok q 0 0\nbasic.deliver c 1 - q '1'\nbasic.cancel c\nqueue.declare-ok q 0 0\n");
    amqp_hear(talk, "bo", "queue.delete-ok 0\n");
    talk_close(talk);
}

static void
h_a_transaction_is_all_or_nothing(void **state)
{
    (void)state;
    struct talk *talk = open_plain(1, true);
    amqp_say(talk, "ana",
             "open; queue q durable=1; tx; publish - q mode=2 msg=1; publish - q mode=2 msg=2; queue q durable=1");
    amqp_say(talk, "ana", "rollback; queue q durable=1; publish - q mode=2 msg=3; commit; queue q durable=1");
    amqp_hear(talk, "ana",
              "queue.declare-ok q 0 0\nqueue.declare-ok q 0 0\nqueue.declare-ok q 0 0\ntx.commit-ok\n"
              "queue.declare-ok q 1 0\n");
    amqp_say(talk, "ana", "get q; ack 1; rollback; ack 1; commit; queue q durable=1; close; channel; get q");
    amqp_hear(talk, "ana",
              "basic.get-ok 1 - q left=0 mode=2 '3'\ntx.commit-ok\nqueue.declare-ok q 0 0\n"
              "channel.close-ok\nbasic.get-empty\n");
    talk_close(talk);
}

static void
i_a_request_is_answered_directly(void **state)
{
    (void)state;
    struct talk *talk = open_plain(1, true);
    amqp_say(talk, "ana", "open; consume amq.rabbitmq.reply-to tag=r noack=1");
    amqp_say(talk, "ana", "publish - $tambo corr=5 reply=amq.rabbitmq.reply-to msg={\"do\":\"list-policies\"}");
    amqp_say(talk, "ana",
             "publish - $tambo corr=6 reply=amq.rabbitmq.reply-to msg={\"do\":\"add-vhost\",\"name\":\"w\"}");
    const char *heard = amqp_heard(talk, "ana");
    assert_non_null(strstr(heard, " corr=5 content=application/json '{\"ok\":[]}'\n"));
    assert_non_null(strstr(heard, " corr=6 content=application/json '{\"ok\":true}'\n"));
    amqp_say(talk, "bo", "open vhost=w; queue q");
    amqp_hear(talk, "bo", "queue.declare-ok q 0 0\n");
    amqp_say(talk, "ana",
             "publish - $tambo corr=7 reply=amq.rabbitmq.reply-to msg={\"do\":\"delete-vhost\",\"name\":\"w\"}");
    assert_non_null(strstr(amqp_heard(talk, "bo"), "CONNECTION_FORCED"));
    talk_close(talk);
}

/* The virtual host lives on one shard; connections come in on all. */
static void
j_connections_move_to_their_virtual_host(void **state)
{
    (void)state;
    struct talk *talk = open_plain(4, false);
    amqp_say(talk, "ana", "open; queue q; publish - q msg=1");
    amqp_say(talk, "bo", "open; queue q; get q noack=1");
    amqp_hear(talk, "bo", "queue.declare-ok q 1 0\nbasic.get-ok 1 - q left=0 '1'\n");
    talk_close(talk);
}

static void
k_mqtt_and_amqp_meet(void **state)
{
    (void)state;
    struct talk *talk = open_plain(2, false);
    amqp_say(talk, "ana", "open; queue q; bind q amq.topic house.*.temp; consume q tag=c noack=1");
    talk_say(talk, "sensor", "connect; publish house/attic/temp qos=1 msg=21; subscribe house/#");
    amqp_say(talk, "ana", "publish amq.topic house.cellar.temp msg=9");
    amqp_hear(talk, "ana",
              "queue.declare-ok q 0 0\nbasic.deliver c 1 amq.topic house.attic.temp mode=2 '21'\n"
              "basic.deliver c 2 amq.topic house.cellar.temp '9'\n");
    talk_hear(talk, "sensor", "CONNACK 00\nPUBACK 1\nSUBACK 2 [00]\nPUBLISH house/cellar/temp '9'\n");
    talk_close(talk);
}

/* Publishers wait and are told, consumers drain, and then it goes on by itself. */
static void
l_a_full_disk_blocks_publishers(void **state)
{
    (void)state;
    struct talk *talk = open_plain(1, true);
    amqp_say(talk, "ana", "open; queue q durable=1; confirm");
    amqp_say(talk, "bo", "open; qos 1");
    amqp_hear(talk, "ana", "queue.declare-ok q 0 0\n");
    talk_disk(talk, 4096);
    for (unsigned i = 0; i < 40; i++)
        amqp_say(talk, "ana", "publish - q mode=2 size=100000");
    assert_non_null(strstr(amqp_heard(talk, "ana"), "connection.blocked low on disk\n"));
    amqp_say(talk, "bo", "get q noack=1");
    assert_non_null(strstr(amqp_heard(talk, "bo"), "basic.get-ok 1 - q"));
    talk_disk(talk, 0);
    talk_wait(talk, 30000);
    amqp_say(talk, "ana", "publish - q mode=2 msg=on");
    const char *heard = amqp_heard(talk, "ana");
    assert_non_null(strstr(heard, "connection.unblocked\n"));
    assert_non_null(strstr(heard, "basic.ack 41"));
    talk_close(talk);
}

static void
m_who_is_silent_is_dropped(void **state)
{
    (void)state;
    struct talk *talk = open_plain(1, false);
    amqp_say(talk, "ana", "open beats=4; queue q exclusive=1");
    talk_wait(talk, 7000);
    amqp_say(talk, "ana", "beat");
    talk_wait(talk, 7000);
    const char *heard = amqp_heard(talk, "ana");
    assert_non_null(strstr(heard, "heartbeat\n"));
    assert_null(strstr(heard, "CLOSED\n"));
    talk_wait(talk, 7000);
    assert_non_null(strstr(amqp_heard(talk, "ana"), "CLOSED\n"));
    talk_close(talk);
}

/* Who does not read is given a megabyte and something; what it was not given is there for others. */
static void
n_a_deaf_consumer_gets_no_more(void **state)
{
    (void)state;
    struct talk *talk = open_plain(1, false);
    amqp_say(talk, "deaf", "open; queue q; consume q tag=c; deaf");
    amqp_say(talk, "ana", "open");
    for (unsigned i = 0; i < 60; i++)
        amqp_say(talk, "ana", "publish - q size=100000 & publish - q size=100000 &");
    amqp_say(talk, "ana", "queue q passive=1; unqueue q");
    const char *heard = amqp_heard(talk, "ana");
    assert_null(strstr(heard, "queue.declare-ok q 0 1"));
    assert_non_null(strstr(heard, "queue.declare-ok q "));
    talk_close(talk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_goes_through_a_queue),
        cmocka_unit_test(b_a_large_message_is_cut_into_frames),
        cmocka_unit_test(c_prefetch_is_a_window),
        cmocka_unit_test(d_a_global_prefetch_is_the_channels),
        cmocka_unit_test(e_confirms_are_coalesced_and_durable),
        cmocka_unit_test(f_who_is_gone_gives_back),
        cmocka_unit_test(g_a_consumer_hears_that_its_queue_is_gone),
        cmocka_unit_test(h_a_transaction_is_all_or_nothing),
        cmocka_unit_test(i_a_request_is_answered_directly),
        cmocka_unit_test(j_connections_move_to_their_virtual_host),
        cmocka_unit_test(k_mqtt_and_amqp_meet),
        cmocka_unit_test(l_a_full_disk_blocks_publishers),
        cmocka_unit_test(m_who_is_silent_is_dropped),
        cmocka_unit_test(n_a_deaf_consumer_gets_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
