/* Each allocation of an AMQP client's life fails in turn: the work at hand is refused, or its connection closed; the
 * node lives, and nothing is leaked. */
#include "amqp_talk.h"
#include "life.h"

static void
live(struct talk *talk)
{
    amqp_forget();
    amqp_say(talk, "ana",
             "open; queue q durable=1 x-max-priority:3; exchange x topic durable=1; bind q x a.# & confirm");
    amqp_say(talk, "bo",
             "open; consume q tag=c; qos 10; queue - exclusive=1; queue dead; queue d x-dead-letter-exchange: "
             "x-dead-letter-routing-key:dead");
    amqp_say(talk, "ana",
             "publish x a.b mode=2 msg=1 corr=5; publish x a size=40000; publish - nobody mandatory=1 msg=2");
    amqp_say(talk, "bo", "ack 1; reject 2; publish - d msg=3; get d; reject 1 requeue=0; get dead; cancel c; recover");
    amqp_say(talk, "bo",
             "channel ch=2; tx ch=2; publish - q mode=2 msg=4 ch=2; get q ch=2; commit ch=2; consume "
             "amq.rabbitmq.reply-to tag=r noack=1 ch=2; publish - $tambo reply=amq.rabbitmq.reply-to "
             "msg={\"do\":\"export\"} ch=2; commit ch=2");
    amqp_say(talk, "ana", "unqueue d; queue q passive=1 ch=7");
    talk_wait(talk, 1000);
}

static void
still_works(struct talk *talk)
{
    amqp_forget();
    amqp_say(talk, "probe", "open; queue probe; publish - probe msg=alive; get probe noack=1");
    amqp_hear(talk, "probe", "queue.declare-ok probe 0 0\nbasic.get-ok 1 - probe left=0 'alive'\n");
}

int
main(void)
{
    static const struct life life = { .live = live, .still_works = still_works };
    return life_main(&life);
}
