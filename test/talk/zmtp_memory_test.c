/* Each allocation of the lives of ZMTP's peers fails in turn: the connection at hand ends, or a message waits; the node
 * lives, and nothing is leaked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
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
}

static void
still_works(struct talk *talk)
{
    zmtp_hang_up(talk);
    zmtp_say(talk, "sub", "SUB; sub alive");
    zmtp_say(talk, "pub", "PUB; send alive+yes");
    zmtp_hear(talk, "sub", "ready\nalive+yes\n");
    zmtp_hang_up(talk);
}

static void
each_fails(bool durable)
{
    struct talk_setup setup = { .durable = durable, .settings = served };
    struct talk *talk = talk_open(&setup);
    uint64_t before = talk_mem(talk)->calls;
    live(talk);
    uint64_t n = talk_mem(talk)->calls - before;
    zmtp_hang_up(talk);
    talk_close(talk);
    assert_true(n > 50);
    for (uint64_t i = 1; i <= n; i++) {
        setup.mem_fail_at = i;
        talk = talk_open(&setup);
        live(talk);
        still_works(talk);
        talk_close(talk);
    }
}

static void
each_allocation_fails_in_memory(void **state)
{
    (void)state;
    each_fails(false);
}

static void
each_allocation_fails_on_the_log(void **state)
{
    (void)state;
    each_fails(true);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails_in_memory),
        cmocka_unit_test(each_allocation_fails_on_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
