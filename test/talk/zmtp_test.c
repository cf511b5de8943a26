/* ZMTP's peers at a node: queues, topics, requests; crossing with AMQP and MQTT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "amqp_talk.h"
#include "zmtp_talk.h"

static void
served(struct settings *settings)
{
    snprintf(settings->zmtp.push, sizeof(settings->zmtp.push), "jobs");
    snprintf(settings->zmtp.pull, sizeof(settings->zmtp.pull), "jobs");
    snprintf(settings->zmtp.req, sizeof(settings->zmtp.req), "rpc");
    snprintf(settings->zmtp.rep, sizeof(settings->zmtp.rep), "rpc");
    settings->zmtp_prefetch = 2;
}

static const struct talk_setup in_memory = { .settings = served };
static const struct talk_setup durable = { .settings = served, .durable = true };

static struct talk *
begin(const struct talk_setup *setup)
{
    amqp_forget();
    return talk_open(setup);
}

static void
end(struct talk *talk)
{
    zmtp_hang_up(talk);
    talk_close(talk);
}

/* ---- queues ------------------------------------------------------------------------------------------------------ */

static void
a_push_fills_what_a_pull_drains(void **state)
{
    (void)state;
    struct talk *talk = begin(&in_memory);
    zmtp_say(talk, "pusher", "PUSH; send one; send two+-+three; send -");
    zmtp_hear(talk, "pusher", "ready\n");
    amqp_say(talk, "ana", "open; queue jobs passive=1");
    amqp_hear(talk, "ana", "queue.declare-ok jobs 3 0\n");
    zmtp_say(talk, "puller", "PULL");
    zmtp_hear(talk, "puller", "ready\none\ntwo+-+three\n-\n");
    amqp_say(talk, "ana", "queue jobs passive=1");
    amqp_hear(talk, "ana", "queue.declare-ok jobs 0 1\n");
    end(talk);
}

/* What AMQP sees of it: one part as it is, several as frames with a content type; and how it is durable. */
static void
parts_are_a_body(void **state)
{
    (void)state;
    struct talk *talk = begin(&in_memory);
    zmtp_say(talk, "pusher", "PUSH; send one; send a+b");
    amqp_say(talk, "ana", "open; get jobs noack=1; get jobs noack=1");
    amqp_hear(talk, "ana",
              "basic.get-ok 1 - jobs left=1 mode=2 'one'\n"
              "basic.get-ok 2 - jobs left=0 mode=2 content=application/x-zmtp '\1\1a'\n");
    end(talk);
}

/* Requests keep their place when who was given them is gone before it has read them. */
static void
unread_messages_go_back(void **state)
{
    (void)state;
    struct talk *talk = begin(&in_memory);
    zmtp_say(talk, "puller", "PULL; deaf");
    zmtp_say(talk, "pusher", "PUSH; send one; send two; send three");
    amqp_say(talk, "ana", "open; queue jobs passive=1");
    amqp_hear(talk, "ana", "queue.declare-ok jobs 1 1\n"); /* prefetch is 2 */
    zmtp_say(talk, "puller", "cut");
    amqp_say(talk, "ana", "queue jobs passive=1; get jobs noack=1");
    amqp_hear(talk, "ana", "queue.declare-ok jobs 3 0\nbasic.get-ok 1 - jobs left=2 again mode=2 'one'\n");
    end(talk);
}

static void
names_are_checked(void **state)
{
    (void)state;
    struct talk *talk = begin(&in_memory);
    amqp_say(talk, "ana", "open; queue other; queue own exclusive=1");
    zmtp_say(talk, "a", "PUSH other; send x");
    zmtp_hear(talk, "a", "ready\n");
    zmtp_say(talk, "b", "PUSH nothing");
    zmtp_hear(talk, "b", "closed: refused by the peer: there-is-no-queue-of-this-name\n");
    zmtp_say(talk, "c", "PULL own");
    zmtp_hear(talk, "c", "closed: refused by the peer: the-queue-is-a-connection's-own\n");
    zmtp_say(talk, "d", "PAIR");
    zmtp_hear(talk, "d", "closed: refused by the peer: this-socket-type-is-not-served-here\n");
    zmtp_say(talk, "e", "SUB latin");
    zmtp_hear(talk, "e", "closed: refused by the peer: topics-are-spelt-mqtt-or-amqp\n");
    amqp_say(talk, "ana", "get other noack=1");
    amqp_hear(talk, "ana",
              "queue.declare-ok other 0 0\nqueue.declare-ok own 0 0\nbasic.get-ok 1 - other left=0 mode=1 'x'\n");
    end(talk);
}

/* A full queue holds its PUSHes back, and loses nothing. */
static void
a_full_queue_is_waited_for(void **state)
{
    (void)state;
    struct talk *talk = begin(&in_memory);
    amqp_say(talk, "ana", "open; queue small x-max-length:2 x-overflow:reject-publish");
    zmtp_say(talk, "pusher", "PUSH small; send 1; send 2; send 3; send 4; send 5");
    zmtp_say(talk, "gone", "PUSH small; send 6; cut");
    amqp_say(talk, "ana", "get small noack=1; get small noack=1; get small noack=1");
    zmtp_say(talk, "puller", "PULL small");
    zmtp_hear(talk, "puller", "ready\n6\n4\n5\n");
    end(talk);
}

/* What can never have room is not waited for. */
static void
what_never_fits_is_dropped(void **state)
{
    (void)state;
    struct talk *talk = begin(&in_memory);
    amqp_say(talk, "ana", "open; queue tiny x-max-length-bytes:100 x-overflow:reject-publish; queue dead");
    amqp_say(talk, "ana",
             "queue letters x-max-length:1 x-overflow:reject-publish-dlx x-dead-letter-exchange: "
             "x-dead-letter-routing-key:dead");
    zmtp_say(talk, "a", "PUSH tiny; many x 1; send 1");
    zmtp_say(talk, "b", "PUSH letters; send 1; send 2; send 3");
    (void)amqp_heard(talk, "ana");
    amqp_say(talk, "ana", "get tiny noack=1; queue letters passive=1; queue dead passive=1");
    amqp_hear(talk, "ana",
              "basic.get-ok 1 - tiny left=0 mode=1 '1'\nqueue.declare-ok letters 1 0\nqueue.declare-ok dead 2 0\n");
    assert_int_equal(talk_counters(talk).publishes_refused, 1);
    end(talk);
}

static void
queues_that_are_deleted(void **state)
{
    (void)state;
    struct talk *talk = begin(&in_memory);
    amqp_say(talk, "ana", "open; queue other");
    zmtp_say(talk, "a", "PUSH");
    zmtp_say(talk, "b", "PUSH other");
    zmtp_say(talk, "c", "PULL other");
    amqp_say(talk, "ana", "unqueue other; unqueue jobs");
    zmtp_hear(talk, "c", "ready\nclosed: connection lost: end of stream\n");
    zmtp_say(talk, "a", "send again");
    zmtp_say(talk, "b", "send lost");
    zmtp_hear(talk, "a", "ready\n");
    zmtp_hear(talk, "b", "ready\nclosed: connection lost: end of stream\n");
    amqp_say(talk, "ana", "get jobs noack=1");
    amqp_hear(talk, "ana",
              "queue.declare-ok other 0 0\nqueue.delete-ok 0\nqueue.delete-ok 0\nbasic.get-ok 1 - jobs left=0 "
              "mode=2 'again'\n");
    end(talk);
}

/* A stream is read from where it ends, and keeps what was read. */
static void
a_stream_is_drained_by_nobody(void **state)
{
    (void)state;
    struct talk *talk = begin(&durable);
    amqp_say(talk, "ana", "open; queue s durable=1 x-queue-type:stream");
    zmtp_say(talk, "early", "PUSH s; send before");
    zmtp_say(talk, "one", "PULL s");
    zmtp_say(talk, "two", "PULL s");
    zmtp_say(talk, "pusher", "PUSH s; send 1; send 2; send 3; send 4; send 5");
    zmtp_hear(talk, "one", "ready\n1\n2\n3\n4\n5\n");
    zmtp_hear(talk, "two", "ready\n1\n2\n3\n4\n5\n");
    end(talk);
}

/* Who is silent is gone, but for one that was given something: it may have its hands full. */
static void
the_silent_are_left(void **state)
{
    (void)state;
    struct talk *talk = begin(&in_memory);
    amqp_say(talk, "ana", "open; queue other");
    zmtp_say(talk, "pusher", "PUSH; deaf");
    zmtp_say(talk, "puller", "PULL; deaf");
    zmtp_say(talk, "idle", "PULL other; deaf");
    zmtp_say(talk, "lively", "PUSH; send much");
    talk_wait(talk, 60000);
    zmtp_say(talk, "pusher", "listen");
    zmtp_say(talk, "puller", "listen");
    zmtp_say(talk, "idle", "listen");
    zmtp_hear(talk, "pusher", "ready\nclosed: connection lost: connection reset by peer\n");
    zmtp_hear(talk, "idle", "ready\nclosed: connection lost: connection reset by peer\n");
    zmtp_say(talk, "lively", "send more");
    zmtp_hear(talk, "puller", "ready\nmuch\nmore\n");
    end(talk);
}

static void
what_was_taken_in_survives(void **state)
{
    (void)state;
    struct talk *talk = begin(&durable);
    zmtp_say(talk, "pusher", "PUSH; send one; send a+b");
    talk_restart(talk, SIM_POWER);
    zmtp_say(talk, "puller", "PULL");
    zmtp_hear(talk, "puller", "ready\none\na+b\n");
    end(talk);
}

/* ---- topics ------------------------------------------------------------------------------------------------------ */

static void
topics_meet_mqtt_and_amqp(void **state)
{
    (void)state;
    struct talk *talk = begin(&in_memory);
    talk_say(talk, "bo", "connect v=5; subscribe a/#");
    (void)talk_heard(talk, "bo");
    amqp_say(talk, "ana", "open; queue q; bind q amq.topic a.#");
    zmtp_say(talk, "sub", "SUB; sub a/b; sub a/bc; sub $SYS/none");
    zmtp_say(talk, "keys", "SUB amqp; sub a.b");
    zmtp_say(talk, "pub", "PUB; send a/b+one; send a/bcd+two+three; send a/c+no; send a/b");
    zmtp_say(talk, "pubkeys", "PUB amqp; send a.b.c+four");
    talk_say(talk, "bo", "publish a/b/x msg=five");
    amqp_say(talk, "ana", "publish amq.topic a.b.y msg=six");
    zmtp_hear(talk, "pub", "ready\nsubscribed \n");
    zmtp_hear(talk, "sub", "ready\na/b+one\na/bcd+two+three\na/b\na/b/c+four\na/b/x+five\na/b/y+six\n");
    zmtp_hear(talk, "keys", "ready\na.b+one\na.bcd+two+three\na.b\na.b.c+four\na.b.x+five\na.b.y+six\n");
    zmtp_say(talk, "sub", "unsub a/bc; unsub a/b");
    zmtp_say(talk, "pub", "send a/b+seven");
    zmtp_hear(talk, "sub", "");
    talk_hear(talk, "bo",
              "PUBLISH a/b 'one'\n"
              "PUBLISH a/bcd content=application/x-zmtp '\1\3two'\n"
              "PUBLISH a/c 'no'\n"
              "PUBLISH a/b content=application/x-zmtp ''\n"
              "PUBLISH a/b/c 'four'\n"
              "PUBLISH a/b/x 'five'\n"
              "PUBLISH a/b/y 'six'\n"
              "PUBLISH a/b 'seven'\n");
    amqp_say(talk, "ana", "get q noack=1; get q noack=1; get q noack=1");
    amqp_hear(talk, "ana",
              "queue.declare-ok q 0 0\n"
              "basic.get-ok 1 amq.topic a.b left=7 mode=1 'one'\n"
              "basic.get-ok 2 amq.topic a.bcd left=6 mode=1 content=application/x-zmtp '\1\3two'\n"
              "basic.get-ok 3 amq.topic a.c left=5 mode=1 'no'\n");
    end(talk);
}

static void
what_is_no_topic_is_dropped(void **state)
{
    (void)state;
    struct talk *talk = begin(&in_memory);
    zmtp_say(talk, "sub", "SUB; sub ");
    zmtp_say(talk, "pub", "PUB; send a/#+no; send $SYS/x+no; send -+no; send ok+yes");
    zmtp_hear(talk, "sub", "ready\nok+yes\n");
    assert_int_equal(talk_counters(talk).publishes_refused, 3);
    end(talk);
}

static void
a_slow_sub_loses(void **state)
{
    (void)state;
    struct talk *talk = begin(&in_memory);
    zmtp_say(talk, "slow", "SUB; sub x; deaf");
    zmtp_say(talk, "quick", "SUB; sub x");
    zmtp_say(talk, "pub", "PUB; many x 400");
    talk_wait(talk, 2000);
    uint64_t dropped = talk_counters(talk).publishes_dropped;
    assert_true(dropped > 100 && dropped < 300);
    zmtp_say(talk, "slow", "listen");
    talk_wait(talk, 2000);
    assert_int_equal(zmtp_count("quick"), 400);
    assert_int_equal(zmtp_count("slow"), 400 - dropped);
    end(talk);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static void
a_request_waits_for_a_worker(void **state)
{
    (void)state;
    struct talk *talk = begin(&in_memory);
    zmtp_say(talk, "req", "REQ; send -+how+much");
    zmtp_say(talk, "dealer", "DEALER; send id+-+what; send bare");
    amqp_say(talk, "ana", "open; queue rpc passive=1");
    amqp_hear(talk, "ana", "queue.declare-ok rpc 3 0\n");
    zmtp_say(talk, "rep", "REP");
    zmtp_hear(talk, "rep", "ready\nhow+much\n"); /* one at a time */
    zmtp_say(talk, "rep", "answer so+much; answer that; answer naked");
    zmtp_hear(talk, "rep", "what\nbare\n");
    zmtp_hear(talk, "req", "ready\n-+so+much\n");
    zmtp_hear(talk, "dealer", "ready\nid+-+that\nnaked\n");
    end(talk);
}

/* Workers of AMQP answer as they answer each other, and ask as well. */
static void
requests_cross(void **state)
{
    (void)state;
    struct talk *talk = begin(&in_memory);
    amqp_say(talk, "ana", "open; queue back; consume rpc tag=w noack=1");
    zmtp_say(talk, "req", "REQ; send -+hello");
    const char *heard = amqp_heard(talk, "ana");
    char id[64], back[64], line[256];
    assert_non_null(strstr(heard, "'hello'"));
    assert_int_equal(sscanf(strstr(heard, "corr="), "corr=%63s", id), 1);
    assert_int_equal(sscanf(strstr(heard, "reply="), "reply=%63s", back), 1);
    snprintf(line, sizeof(line), "publish - %s msg=hi corr=%s; publish - %s msg=bare", back, id, back);
    amqp_say(talk, "ana", line);
    zmtp_hear(talk, "req", "ready\n-+hi\n-+bare\n");
    amqp_say(talk, "ana", "cancel w; publish - rpc msg=ping reply=back corr=7; publish - rpc msg=mute");
    zmtp_say(talk, "rep", "REP; answer pong; answer nobody; answer astray");
    zmtp_hear(talk, "rep", "ready\nping\nmute\n");
    (void)amqp_heard(talk, "ana");
    amqp_say(talk, "ana", "get back noack=1; queue rpc passive=1");
    amqp_hear(talk, "ana", "basic.get-ok 2 - back left=0 mode=2 corr=7 'pong'\nqueue.declare-ok rpc 0 1\n");
    amqp_say(talk, "ana",
             "consume amq.rabbitmq.reply-to tag=r noack=1; publish - rpc msg=fast reply=amq.rabbitmq.reply-to corr=8");
    zmtp_say(talk, "rep", "answer faster");
    assert_non_null(strstr(amqp_heard(talk, "ana"), "'faster'"));
    end(talk);
}

static void
who_leaves_unanswered_releases_it(void **state)
{
    (void)state;
    struct talk *talk = begin(&in_memory);
    zmtp_say(talk, "req", "REQ; send -+hello");
    zmtp_say(talk, "first", "REP");
    zmtp_say(talk, "second", "REP");
    zmtp_hear(talk, "first", "ready\nhello\n");
    zmtp_hear(talk, "second", "ready\n");
    zmtp_say(talk, "first", "cut");
    zmtp_hear(talk, "second", "hello\n");
    zmtp_say(talk, "second", "answer here");
    zmtp_hear(talk, "req", "ready\n-+here\n");
    zmtp_say(talk, "req", "send -+again; cut");
    zmtp_say(talk, "second", "answer nobody");
    zmtp_hear(talk, "second", "again\n");
    assert_int_equal(talk_counters(talk).publishes_dropped, 1);
    end(talk);
}

#define CASE(f) cmocka_unit_test(f)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_push_fills_what_a_pull_drains),
        CASE(parts_are_a_body),
        CASE(unread_messages_go_back),
        CASE(names_are_checked),
        CASE(a_full_queue_is_waited_for),
        CASE(what_never_fits_is_dropped),
        CASE(queues_that_are_deleted),
        CASE(a_stream_is_drained_by_nobody),
        CASE(the_silent_are_left),
        CASE(what_was_taken_in_survives),
        CASE(topics_meet_mqtt_and_amqp),
        CASE(what_is_no_topic_is_dropped),
        CASE(a_slow_sub_loses),
        CASE(a_request_waits_for_a_worker),
        CASE(requests_cross),
        CASE(who_leaves_unanswered_releases_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
