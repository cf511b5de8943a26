/* Each allocation of a whole life (connect, subscribe, publish, part, come back) fails in turn: the work at hand is
 * refused, the node lives, and nothing is leaked. */
#include "life.h"

static void
live(struct talk *talk)
{
    talk_say(talk, "sub",
             "connect expiry=100 alias=2 will=w wmsg=gone wdelay=1; subscribe a/+ qos=2 sub=3; subscribe r w "
             "$share/g/s qos=1");
    talk_say(talk, "old", "connect v=4 clean=0; subscribe a/# qos=1; subscribe r");
    talk_say(talk, "pub",
             "connect alias=5; publish r retain=1 qos=1 msg=kept; publish a/b alias=1 msg=0; publish - alias=1 qos=1 "
             "msg=1 user=k:v");
    talk_say(talk, "pub",
             "publish a/c qos=2 msg=2 expiry=50; pubrel 3; publish s qos=1 msg=shared; publish a/d size=40000 qos=1");
    talk_say(talk, "sub", "puback 1; puback 2; pubrec 3; pubcomp 3; cut");
    talk_say(talk, "pub", "publish a/e qos=2 pid=9 msg=3; pubrel 9");
    talk_say(talk, "late", "connect will=w; subscribe r qos=1; cut");
    talk_say(talk, "sub", "connect clean=0 expiry=100; unsubscribe a/+; disconnect");
    talk_wait(talk, 2000);
}

static void
still_works(struct talk *talk)
{
    talk_say(talk, "probe", "connect; subscribe probe qos=1; publish probe qos=1 msg=alive");
    talk_hear(talk, "probe", "CONNACK 00\nSUBACK 1 [01]\nPUBLISH probe qos=1 id=1 'alive'\nPUBACK 2\n");
}

int
main(void)
{
    static const struct life life = { .live = live, .still_works = still_works };
    return life_main(&life);
}
