/* A client that does not give up. */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/must.h"
#include "base/prng.h"
#include "trial/stage.h"

enum {
    MQTT_PORT = 1883,
    WINDOW = 8,
    KEEP_ALIVE_S = 5,
    SESSION_EXPIRY_S = 100000,
    BODY_BYTES_MAX = 700,
    PAUSE_STEPS = 6, /* between two bursts, on average: a publisher takes its time, so that faults find it at work */
    STAY_STEPS = 16, /* a member of a group, on average, until it goes or changes its mind */
    AWAY_MS_MAX = 200,
    MEMBER_AWAY_MS_MAX = 500,
};

static void connect_again(void *arg);

static void
later(struct actor *a, uint64_t ms)
{
    (void)io_timer_set(a->io, &a->timer, io_now_ns(a->io) + ms * SIM_NS_A_MS, connect_again, a);
}

static void
connect_again(void *arg)
{
    struct actor *a = arg;
    struct io_address address = { .kind = IO_TCP, .port = MQTT_PORT };
    snprintf(address.host, sizeof(address.host), "%s", a->station->name);
    if (mqtt_client_connect(a->client, &address) < 0)
        later(a, 100);
}

/* ---- publishing ------------------------------------------------------------------------------------------------ */

/* The body is "INDEX SEQ " and filler. */
static int
send_one(struct actor *a, uint32_t seq)
{
    bool keeper = a->role == ROLE_KEEPER;
    char topic[24], body[BODY_BYTES_MAX];
    int n = snprintf(body, sizeof(body), "%u %u ", a->index, seq);
    size_t len = (size_t)n + prng_below(&a->prng, sizeof(body) - (size_t)n);
    memset(body + n, '.', sizeof(body) - (size_t)n);
    snprintf(topic, sizeof(topic), keeper ? "r/%u" : "t/%u", a->index);
    const struct mqtt_publish message = {
        .qos = a->qos,
        .retain = keeper,
        .topic = view_str(topic),
        .payload = view_of(body, keeper && seq % VERSION_DELETES == 0 ? 0 : len),
    };
    int rc = mqtt_client_publish(a->client, &message, seq);
    if (rc < 0)
        return rc;
    if (keeper && seq > a->trial->ledger.kept_attempted[a->index])
        a->trial->ledger.kept_attempted[a->index] = seq;
    if (!keeper)
        ledger_attempted(&a->trial->ledger, a->index, seq);
    return 0;
}

/* A keeper sends one version at a time, so that versions are confirmed in order. */
static unsigned
window(const struct actor *a)
{
    return a->role == ROLE_KEEPER ? 1 : WINDOW;
}

static void
publish(struct actor *a)
{
    if (!a->trial->publishing || !prng_once_in(&a->prng, PAUSE_STEPS))
        return;
    for (uint64_t n = 1 + prng_below(&a->prng, window(a)); n > 0 && mqtt_client_inflight(a->client) < window(a); n--) {
        bool again = a->again_count > 0;
        uint32_t seq = again ? a->again[0] : a->next_seq;
        if (seq > a->trial->plan->messages || send_one(a, seq) < 0)
            return;
        if (!again)
            a->next_seq++;
        else
            memmove(a->again, a->again + 1, --a->again_count * sizeof(a->again[0]));
    }
}

static void
on_settled(void *arg, uint64_t token, int rc)
{
    struct actor *a = arg;
    struct ledger *ledger = &a->trial->ledger;
    uint32_t seq = (uint32_t)token;
    if (rc == -ERR_CANCELED && !ledger->damaged)
        ledger_violated(ledger, "forgotten", "%s's session was gone with message %u in flight", a->name, seq);
    /* A PUBCOMP with "packet identifier not found" ends an exchange whose PUBCOMP was lost: the message has long
     * arrived. */
    bool refused = rc < 0 || (rc >= MQTT_UNSPECIFIED_ERROR && rc != MQTT_PACKET_ID_NOT_FOUND);
    if (refused) {
        /* Refused: nobody has it, so it is sent again. */
        if (a->role == ROLE_PUBLISHER)
            ledger->accounts[a->index].refused = true;
        must(a->again_count < COUNT_OF(a->again));
        a->again[a->again_count++] = seq;
    } else if (a->role == ROLE_KEEPER) {
        ledger->kept_confirmed[a->index] = seq;
    } else {
        ledger_confirmed(ledger, a->index, seq);
    }
}

/* ---- subscribing ----------------------------------------------------------------------------------------------- */

static unsigned
group_of(const struct actor *a)
{
    return a->index / a->trial->plan->members;
}

/* Subscribes or unsubscribes, as it wants. */
static void
ask(struct actor *a)
{
    const char *plain = a->role == ROLE_READER ? "r/#" : a->index % 2 ? "t/+" : "t/#";
    char text[32];
    if (a->role == ROLE_MEMBER)
        snprintf(text, sizeof(text), "$share/g%u/t/%s", group_of(a), group_of(a) % 2 ? "+" : "#");
    else
        snprintf(text, sizeof(text), "%s", plain);
    const struct mqtt_filter filter = { .filter = view_str(text), .qos = a->qos };
    const struct view none = view_of(NULL, 0);
    int rc = a->wants ? mqtt_client_subscribe(a->client, &filter, 1, none)
                      : mqtt_client_unsubscribe(a->client, &filter.filter, 1, none);
    if (rc < 0)
        mqtt_client_abort(a->client);
}

/* The first of a group stays its member, so that there is always one to whom messages are owed. */
static void
come_and_go(struct actor *a)
{
    bool stays = a->index % a->trial->plan->members == 0;
    if (!a->trial->restless || a->wants != a->subscribed || !prng_once_in(&a->prng, STAY_STEPS))
        return;
    switch (prng_below(&a->prng, stays ? 2 : 3)) {
    case 0: mqtt_client_disconnect(a->client, MQTT_SUCCESS, view_of(NULL, 0)); break;
    case 1: mqtt_client_abort(a->client); break;
    default: a->wants = !a->wants; ask(a);
    }
}

void
actor_prompt(struct actor *a)
{
    if (a->client == NULL || !mqtt_client_is_connected(a->client))
        return;
    if (a->role == ROLE_PUBLISHER || a->role == ROLE_KEEPER)
        publish(a);
    else if (a->role == ROLE_MEMBER)
        come_and_go(a);
}

static void
on_granted(void *arg, const struct mqtt_ack *ack)
{
    struct actor *a = arg;
    if (!a->wants)
        a->subscribed = false;
    else if (ack->codes.len == 1 && ack->codes.data[0] == a->qos)
        a->subscribed = true;
    else
        mqtt_client_abort(a->client);
}

static void
on_message(void *arg, const struct mqtt_publish *message)
{
    struct actor *a = arg;
    char text[32] = { 0 };
    unsigned index, seq;
    memcpy(text, message->payload.data,
           message->payload.len < sizeof(text) - 1 ? message->payload.len : sizeof(text) - 1);
    if (sscanf(text, "%u %u", &index, &seq) != 2) {
        ledger_violated(&a->trial->ledger, "invented", "%s got a body that nobody wrote", a->name);
        return;
    }
    sim_note(a->trial->sim, "%s got %u/%u", a->name, index, seq);
    if (a->role == ROLE_SUBSCRIBER)
        ledger_received(&a->trial->ledger, a->index, index, seq);
    else if (a->role == ROLE_MEMBER)
        ledger_received(&a->trial->ledger, a->trial->ledger.size.subscribers + group_of(a), index, seq);
    else if (a->role == ROLE_READER && index < a->trial->ledger.size.keepers)
        a->trial->ledger.kept_seen[index] = seq;
}

/* ---- its connection -------------------------------------------------------------------------------------------- */

static void
on_connected(void *arg, const struct mqtt_connack *connack)
{
    struct actor *a = arg;
    if (!connack->session_present)
        a->subscribed = false;
    if (a->met && !connack->session_present && !a->trial->ledger.damaged)
        ledger_violated(&a->trial->ledger, "forgotten", "%s's session was gone", a->name);
    a->met = a->role != ROLE_READER;
    if (a->wants != a->subscribed)
        ask(a);
}

/* On a full disk one that is refused and the next one taken are nothing strange, and what the server said to that is
 * lost with the connection. */
static void
doubt_order(struct actor *a)
{
    const struct sim_profile *profile = a->trial->plan->profile;
    if (a->role == ROLE_PUBLISHER && profile != NULL && profile->disk_bytes_max != 0 &&
        mqtt_client_inflight(a->client) > 0)
        a->trial->ledger.accounts[a->index].refused = true;
}

static void
on_closed(void *arg, const struct mqtt_client_end *end)
{
    struct actor *a = arg;
    char text[200];
    mqtt_client_end_print(end, text, sizeof(text));
    sim_note(a->trial->sim, "%s %s", a->name, text);
    if (end->why == MQTT_CLIENT_BREACH)
        ledger_violated(&a->trial->ledger, "protocol", "%s: %s: %s", a->name, end->fault.clause, end->fault.text);
    doubt_order(a);
    later(a, 20 + prng_below(&a->prng, a->role == ROLE_MEMBER ? MEMBER_AWAY_MS_MAX : AWAY_MS_MAX));
}

static const struct mqtt_client_on actor_on = {
    .connected = on_connected, .message = on_message, .settled = on_settled, .granted = on_granted, .closed = on_closed
};

static int
on_start(void *arg, struct io *io)
{
    struct actor *a = arg;
    a->io = io;
    int rc = mqtt_client_new(io, &a->settings, &actor_on, a, &a->client);
    if (rc == 0)
        connect_again(a);
    return rc;
}

static void
on_died(void *arg, enum sim_death how)
{
    struct actor *a = arg;
    (void)how;
    mqtt_client_free(a->client);
    a->client = NULL;
}

static void
choose_settings(struct actor *a)
{
    struct mqtt_connect *connect = &a->settings.connect;
    struct pen p = pen_of(a->props, sizeof(a->props));
    a->settings.inflight_max = WINDOW;
    connect->version = a->version;
    connect->clean_start = a->role == ROLE_READER;
    connect->keep_alive_s = KEEP_ALIVE_S;
    connect->client_id = view_str(a->name);
    if (a->version == MQTT_V5 && a->role != ROLE_READER)
        mqtt_put_u32(&p, MQTT_SESSION_EXPIRY, SESSION_EXPIRY_S);
    connect->properties.raw = view_of(a->props, (size_t)(p.at - a->props));
}

/* All members of a group ask for one QoS: what a group is owed is the least of theirs. */
static uint8_t
share_qos(struct actor *a)
{
    struct ledger *ledger = &a->trial->ledger;
    uint8_t *qos = &ledger->qos[ledger->size.subscribers + group_of(a)];
    if (*qos == 0)
        *qos = a->qos;
    return *qos;
}

int
actor_init(struct actor *a, struct trial *trial, struct station *station, enum role role, unsigned index)
{
    static const char *const roles[] = {
        [ROLE_PUBLISHER] = "pub", [ROLE_SUBSCRIBER] = "sub", [ROLE_MEMBER] = "member",
        [ROLE_KEEPER] = "keep",   [ROLE_READER] = "read",
    };
    *a = (struct actor){ .trial = trial, .station = station, .role = role, .index = index, .next_seq = 1 };
    prng_init(&a->prng, trial->plan->seed * 1000 + index * 8 + role);
    a->qos = (uint8_t)(1 + prng_below(&a->prng, 2));
    if (role == ROLE_MEMBER)
        a->qos = share_qos(a);
    a->wants = role == ROLE_SUBSCRIBER || role == ROLE_MEMBER || role == ROLE_READER;
    a->version = prng_below(&a->prng, 2) ? MQTT_V5 : MQTT_V311;
    snprintf(a->name, sizeof(a->name), "%s%u", roles[role], index);
    choose_settings(a);
    if (role == ROLE_PUBLISHER)
        trial->ledger.accounts[index].qos = a->qos;
    if (role == ROLE_SUBSCRIBER)
        trial->ledger.qos[index] = a->qos;
    const struct sim_program program = { .start = on_start, .died = on_died, .arg = a, .mem = &a->mem };
    int rc = sim_machine_new(trial->sim, a->name, &program, &a->machine);
    if (rc == 0)
        sim_boot(a->machine);
    return rc;
}

bool
actor_done(const struct actor *a)
{
    if (a->role != ROLE_PUBLISHER && a->role != ROLE_KEEPER)
        return a->subscribed == a->wants;
    return a->next_seq > a->trial->plan->messages && a->again_count == 0 && mqtt_client_inflight(a->client) == 0;
}
