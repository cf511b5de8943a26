/* Enhanced authentication with a mechanism plugged in, on a server with a host of its own: the least that sessions
 * need. */
#include "talk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "session/mqtt.h"

/* ---- a host ------------------------------------------------------------------------------------------------- */

static struct stand {
    struct session_host host;
    struct mqtt_settings settings;
    struct mqtt_server *server;
    struct io_listener *listener;
    unsigned ended; /* states that the mechanism was told to end */
    unsigned begun;
} stand;

static unsigned
owner(struct session_host *host, struct view client_id)
{
    (void)host, (void)client_id;
    return 0;
}

static int
publish(struct session_host *host, struct outgoing *out)
{
    return exchange_publish(&host->exchange, out);
}

static void
filter_changed(struct session_host *host, struct view filter, struct view group, uint32_t members, uint32_t online)
{
    (void)host, (void)filter, (void)group, (void)members, (void)online;
}

static bool
group_here(struct session_host *host, struct view filter, struct view group, const struct outgoing *out)
{
    (void)host, (void)filter, (void)group, (void)out;
    return true;
}

static void
say(struct session_host *host, enum severity severity, const char *event, const char *text)
{
    (void)host, (void)severity, (void)event, (void)text;
}

static const struct session_host_ops ops = {
    .owner = owner, .publish = publish, .filter_changed = filter_changed, .group_here = group_here, .say = say
};

/* ---- a mechanism: the password is "open", "sesame", or "again" and then "sesame" ---------------------------- */

static uint8_t
step(void *arg, void **state, struct view data, uint8_t *ret, size_t room, size_t *retlen)
{
    (void)arg, (void)room;
    if (*state == NULL) {
        stand.begun++;
        *state = &stand;
    }
    if (view_is(data, "open")) {
        memcpy(ret, "welcome", *retlen = 7);
        return MQTT_SUCCESS;
    }
    if (view_is(data, "again")) {
        memcpy(ret, "what?", *retlen = 5);
        return MQTT_CONTINUE_AUTHENTICATION;
    }
    return view_is(data, "sesame") ? MQTT_SUCCESS : MQTT_NOT_AUTHORIZED;
}

static void
end(void *arg, void *state)
{
    (void)arg;
    stand.ended += state == &stand;
}

static const struct mqtt_auth_mechanism mechanisms[] = {
    {.method = "DOOR", .step = step, .end = end}
};

/* ---- a life ------------------------------------------------------------------------------------------------- */

static void
on_turn(void *arg)
{
    (void)arg;
    mqtt_server_turn(stand.server);
    queue_host_turn(&stand.host.queues);
    stand.host.epoch++;
}

/* The first bytes are a CONNECT's: nobody else comes here. */
static void
on_accept(void *arg, struct io_stream *stream)
{
    (void)arg;
    assert_int_equal(mqtt_server_accept(stand.server, stream, view_of(NULL, 0)), 0);
}

static void
on_due(void *arg, uint64_t id, const struct envelope *env)
{
    (void)arg, (void)id, (void)env;
}

static int
start(struct io *io)
{
    struct session_host *host = &stand.host;
    struct io_address address = { .kind = IO_TCP, .host = "*", .port = 1883 };
    stand = (struct stand){ 0 };
    stand.settings = (struct mqtt_settings){
        .retain_available = true,
        .packet_bytes_max = 1 << 20,
        .receive_max = 10,
        .inflight_max = 10,
        .keepalive_s_max = 65535,
        .connect_s_max = 5,
        .subscriptions_max = 10,
        .topic_levels_max = 10,
        .client_id_bytes_max = 100,
        .session_expiry_s_max = UINT32_MAX,
        .outbox_bytes_max = 1 << 20,
        .queue = {.count_max = 1000, .bytes_max = 1 << 20, .ttl_ms = UINT64_MAX},
    };
    *host = (struct session_host){ .ops = &ops, .shards = 1, .mem = io_mem(io), .io = io, .epoch = 1, .next_id = 1 };
    list_init(&host->holders);
    wheel_init(&host->wheel, host_wall_s(host));
    assert_int_equal(route_new(host->mem, &host->route), 0);
    queue_host_init(&host->queues, host->mem, io, NULL);
    exchange_init(&host->exchange, host->mem, host->route, &host->queues);
    assert_int_equal(retained_new(host->mem, NULL, &host->wheel, &host->retained), 0);
    assert_int_equal(delayed_new(host->mem, io, NULL, on_due, NULL, &host->delayed), 0);
    assert_int_equal(mqtt_server_new(host, &stand.settings, mechanisms, COUNT_OF(mechanisms), &stand.server), 0);
    mqtt_server_restored(stand.server);
    io_on_turn(io, on_turn, NULL);
    return io_listen(io, &address, on_accept, NULL, &stand.listener);
}

static void
died(void)
{
    mqtt_server_free(stand.server);
    delayed_free(stand.host.delayed);
    retained_free(stand.host.retained);
    exchange_fini(&stand.host.exchange);
    queue_host_fini(&stand.host.queues);
    route_free(stand.host.route);
    assert_int_equal(stand.begun, stand.ended);
}

static struct talk *
open_door(void)
{
    return talk_open(&(struct talk_setup){ .start = start, .died = died });
}

static void
a_one_step(void **state)
{
    (void)state;
    struct talk *talk = open_door();
    talk_say(talk, "ana", "connect method=DOOR data=open; ping");
    talk_hear(talk, "ana", "CONNACK 00 method=DOOR data=welcome\nPINGRESP\n");
    talk_close(talk);
}

static void
b_many_steps(void **state)
{
    (void)state;
    struct talk *talk = open_door();
    talk_say(talk, "ana",
             "connect method=DOOR data=again; auth method=DOOR data=again; auth method=DOOR data=sesame; ping");
    talk_hear(talk, "ana",
              "AUTH 18 method=DOOR data=what?\nAUTH 18 method=DOOR data=what?\nCONNACK 00 method=DOOR\nPINGRESP\n");
    talk_close(talk);
}

static void
c_refused(void **state)
{
    (void)state;
    struct talk *talk = open_door();
    talk_say(talk, "ana", "connect method=DOOR data=please");
    talk_hear(talk, "ana", "CONNACK 87\nCLOSED\n");
    talk_say(talk, "ana", "connect method=DOOR data=again; auth method=DOOR data=please");
    talk_hear(talk, "ana", "AUTH 18 method=DOOR data=what?\nCONNACK 87\nCLOSED\n");
    talk_say(talk, "ana", "connect method=WINDOW");
    talk_hear(talk, "ana", "CONNACK 8c\nCLOSED\n");
    talk_close(talk);
}

static void
d_nobody_without_a_method(void **state)
{
    (void)state;
    struct talk *talk = open_door();
    talk_say(talk, "ana", "connect");
    talk_hear(talk, "ana", "CONNACK 87\nCLOSED\n");
    talk_close(talk);
}

static void
e_packets_out_of_order(void **state)
{
    (void)state;
    struct talk *talk = open_door();
    talk_say(talk, "ana", "connect method=DOOR data=again; ping");
    talk_hear(talk, "ana", "AUTH 18 method=DOOR data=what?\nCONNACK 82\nCLOSED\n");
    talk_say(talk, "ana", "connect method=DOOR data=again; auth method=OTHER data=sesame");
    talk_hear(talk, "ana", "AUTH 18 method=DOOR data=what?\nCONNACK 82\nCLOSED\n");
    talk_say(talk, "ana", "connect method=DOOR data=open; auth method=DOOR data=open");
    talk_hear(talk, "ana", "CONNACK 00 method=DOOR data=welcome\nDISCONNECT 82\nCLOSED\n");
    talk_close(talk);
}

static void
f_again_while_connected(void **state)
{
    (void)state;
    struct talk *talk = open_door();
    talk_say(talk, "ana",
             "connect method=DOOR data=open; auth r=19 method=DOOR data=again; ping; auth method=DOOR data=open");
    talk_hear(talk, "ana",
              "CONNACK 00 method=DOOR data=welcome\nAUTH 18 method=DOOR data=what?\nPINGRESP\nAUTH 00 method=DOOR "
              "data=welcome\n");
    talk_say(talk, "ana", "auth r=19 method=DOOR data=no");
    talk_hear(talk, "ana", "DISCONNECT 87\nCLOSED\n");
    talk_close(talk);
}

static void
g_left_in_the_middle(void **state)
{
    (void)state;
    struct talk *talk = open_door();
    talk_say(talk, "ana", "connect method=DOOR data=again; cut");
    talk_wait(talk, 1000);
    talk_say(talk, "bo", "connect method=DOOR data=again");
    talk_close(talk);
}

/* MQTT-4.12.1-1: authenticating again is done with the method of the CONNECT. */
static void
h_again_with_another_method(void **state)
{
    (void)state;
    struct talk *talk = open_door();
    talk_say(talk, "ana", "connect method=DOOR data=open; auth r=19 method=OTHER data=open");
    talk_hear(talk, "ana", "CONNACK 00 method=DOOR data=welcome\nDISCONNECT 82\nCLOSED\n");
    talk_close(talk);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_one_step),
        cmocka_unit_test(b_many_steps),
        cmocka_unit_test(c_refused),
        cmocka_unit_test(d_nobody_without_a_method),
        cmocka_unit_test(e_packets_out_of_order),
        cmocka_unit_test(f_again_while_connected),
        cmocka_unit_test(g_left_in_the_middle),
        cmocka_unit_test(h_again_with_another_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
