/* Each allocation of the lives of ZMTP's peers fails in turn: the connection at hand ends, or a message waits; the node
 * lives, and nothing is leaked. */
#include <stdio.h>

#include "life.h"
#include "zmtp_talk.h"

static void
served(struct settings *settings)
{
    snprintf(settings->zmtp.push, sizeof(settings->zmtp.push), "jobs");
    snprintf(settings->zmtp.pull, sizeof(settings->zmtp.pull), "jobs");
    snprintf(settings->zmtp.req, sizeof(settings->zmtp.req), "rpc");
    snprintf(settings->zmtp.rep, sizeof(settings->zmtp.rep), "rpc");
}

static void
live(struct talk *talk)
{
    zmtp_say(talk, "push", "PUSH; send one; send a+b; many x 2");
    zmtp_say(talk, "pull", "PULL; cut; PULL");
    zmtp_say(talk, "req", "REQ; send -+ask; send -+again");
    zmtp_say(talk, "rep", "REP; answer so; cut");
    zmtp_say(talk, "sub", "SUB amqp; sub a.b; sub a; unsub a");
    zmtp_say(talk, "pub", "PUB; send a/bc+one; send a/b; many a/b 1; cut");
    talk_wait(talk, 1000);
    zmtp_hang_up(talk);
}

static void
still_works(struct talk *talk)
{
    zmtp_say(talk, "sub", "SUB; sub alive");
    zmtp_say(talk, "pub", "PUB; send alive+yes");
    zmtp_hear(talk, "sub", "ready\nalive+yes\n");
    zmtp_hang_up(talk);
}

int
main(void)
{
    static const struct life life = { .settings = served, .live = live, .still_works = still_works };
    return life_main(&life);
}
