/* trial/speaker.c - a socket of a meeting: it is made, says what it has to say, takes what comes, and does not give
 * up. */
#include <stdio.h>

#include "base/err.h"
#include "base/must.h"
#include "io/sim/sim.h"
#include "trial/speaker.h"

enum { AT_ONCE_MAX = 4, MESSAGE_BYTES_MAX = 32 * 1024 };

static const struct {
    enum tambo_option option;
    int64_t value;
} habits[] = {
    {TAMBO_HEARTBEAT_MS,          1000},
    { TAMBO_HEARTBEAT_TIMEOUT_MS, 3000},
    { TAMBO_HANDSHAKE_MS,         3000},
    { TAMBO_RECONNECT_MS,         50  },
    { TAMBO_RECONNECT_MS_MAX,     1000},
    { TAMBO_LINGER_MS,            0   },
    { TAMBO_ROUTER_HANDOVER,      1   }, /* for one that is back before its old connection is known to be gone */
};

static bool
happens(const struct speaker *s, unsigned once_in)
{
    return prng_once_in(&s->meeting->prng, once_in) != 0;
}

/* ---- open ------------------------------------------------------------------------------------------------- */

static void
endpoint_of(const struct speaker *binder, bool is_bound, char ret[48])
{
    switch (binder->meeting->plan->road) {
    case MEETING_IPC: snprintf(ret, 48, "ipc://x%u", binder->index); break;
    case MEETING_INPROC: snprintf(ret, 48, "inproc://x%u", binder->index); break;
    default: snprintf(ret, 48, "tcp://%s:5000", is_bound ? "*" : sim_machine_name(binder->seat->machine)); break;
    }
}

static int
connect_to_all(struct speaker *s)
{
    const struct meeting *m = s->meeting;
    const struct speaker *others = s->is_talker ? m->listeners : m->talkers;
    unsigned count = s->is_talker ? m->plan->listeners : m->plan->talkers;
    char endpoint[48];
    int rc = 0;
    for (unsigned i = 0; i < count && rc == 0; i++) {
        endpoint_of(&others[i], false, endpoint);
        rc = socket_connect(s->socket, endpoint);
    }
    return rc;
}

/* A ROUTER sends a late reply to whoever has the name then: a REQ with a name needs numbers to know it. */
bool
speaker_is_named(const struct speaker *s)
{
    return s->is_talker && (s->pattern != TAMBO_REQ || s->meeting->plan->request_ids);
}

static void
set_up(struct speaker *s)
{
    const struct meeting_plan *plan = s->meeting->plan;
    char name[2] = { 's', (char)('a' + s->index) };
    int rc = 0;
    for (size_t i = 0; i < COUNT_OF(habits); i++)
        rc |= socket_set(s->socket, habits[i].option, habits[i].value);
    rc |= socket_set(s->socket, TAMBO_REQUEST_IDS, plan->request_ids);
    rc |= socket_set(s->socket, TAMBO_RESEND_MS, plan->resend_ms);
    if (speaker_is_named(s))
        rc |= socket_set_text(s->socket, TAMBO_ROUTING_ID, view_of(name, sizeof(name)));
    rc |= socket_watch(s->socket);
    must(rc == 0);
}

static void
subscribe_anew(struct speaker *s)
{
    for (unsigned topic = 0; topic < TOPICS; topic++) {
        char name = (char)('a' + topic);
        s->has_wanted[topic] = s->has_wanted[topic] || s->wants[topic] > 0;
        for (unsigned n = 0; n < s->wants[topic]; n++)
            must(socket_subscribe(s->socket, view_of(&name, 1)) == 0);
    }
}

/* An address that is still in use is tried again. */
static void
open_socket(struct speaker *s)
{
    static const struct socket_on on = { 0 };
    char endpoint[48];
    if (s->seat->world == NULL || sim_now(s->meeting->sim) < s->open_at_ns)
        return;
    must(socket_new(s->seat->world, s->pattern, &on, NULL, &s->socket) == 0);
    set_up(s);
    if (!s->is_talker && s->meeting->family->manner == BY_TOPIC)
        subscribe_anew(s);
    endpoint_of(s, true, endpoint);
    int rc = s->is_binder ? socket_bind(s->socket, endpoint) : connect_to_all(s);
    if (rc == 0)
        return;
    socket_close(s->socket);
    s->socket = NULL;
}

void
speaker_gone(struct speaker *s)
{
    zmtp_chunk_unref(s->echo.chunk);
    s->echo.chunk = NULL;
    s->socket = NULL;
    s->is_asking = false;
    memset(s->told, 0, sizeof(s->told));
}

static void
leave(struct speaker *s)
{
    socket_close(s->socket);
    speaker_gone(s);
    s->open_at_ns = sim_now(s->meeting->sim) + prng_below(&s->meeting->prng, 300) * SIM_NS_A_MS;
}

bool
speaker_is_met(const struct speaker *s)
{
    const struct meeting_plan *plan = s->meeting->plan;
    return s->socket != NULL && socket_peers(s->socket) == (s->is_talker ? plan->listeners : plan->talkers);
}

/* ---- talkers ---------------------------------------------------------------------------------------------- */

static bool
may_say(struct speaker *s)
{
    const struct meeting *m = s->meeting;
    bool gives_up = m->is_restless && happens(s, 100);
    if (s->pattern == TAMBO_REQ && s->is_asking && !gives_up)
        return false;
    return m->is_restless ? s->said < m->plan->messages : m->is_last_word && s->said < s->owed + LAST_WORDS;
}

static void
say(struct speaker *s)
{
    static const uint8_t nothing[1];
    const struct meeting *m = s->meeting;
    uint8_t bytes[MESSAGE_BYTES_MAX];
    const struct tambo_part parts[] = {
        {nothing, 0                     },
        { bytes,  m->plan->message_bytes}
    };
    unsigned skip = m->family->has_envelope ? 0 : 1;
    witness_write(s, s->said + 1, bytes);
    if (socket_send_parts(s->socket, parts + skip, COUNT_OF(parts) - skip) < 0)
        return;
    s->said++;
    s->is_asking = true;
}

static void
hear_answers(struct speaker *s)
{
    struct zmtp_slice slice;
    while (socket_recv(s->socket, &slice) == 0) {
        (s->meeting->family->manner == ECHO ? witness_answered : witness_told)(s, slice.run);
        zmtp_chunk_unref(slice.chunk);
    }
}

static void
note_breaks(struct speaker *s)
{
    struct tambo_event event;
    while (socket_event(s->socket, &event) == 0)
        s->breaks += event.kind == TAMBO_DISCONNECTED;
}

static void
talk(struct speaker *s)
{
    note_breaks(s);
    hear_answers(s);
    for (unsigned i = 0; i < AT_ONCE_MAX && may_say(s) && happens(s, 2); i++)
        say(s);
}

/* ---- listeners -------------------------------------------------------------------------------------------- */

/* What cannot be sent back for other reasons than that it has to wait has nobody to go to any more. */
static void
send_back(struct speaker *s)
{
    if (s->echo.chunk == NULL || (s->meeting->is_restless && !happens(s, 3)))
        return;
    int rc = socket_send(s->socket, &s->echo);
    if (rc == -ERR_AGAIN)
        return;
    if (rc < 0)
        zmtp_chunk_unref(s->echo.chunk);
    s->echo.chunk = NULL;
}

static void
hear(struct speaker *s)
{
    struct zmtp_slice slice;
    bool is_echo = s->meeting->family->manner == ECHO;
    while ((!is_echo || s->echo.chunk == NULL) && socket_recv(s->socket, &slice) == 0) {
        witness_heard(s, slice.run);
        if (is_echo) {
            s->echo = slice;
            send_back(s);
        } else {
            zmtp_chunk_unref(slice.chunk);
        }
    }
}

static unsigned
topics_wanted(const struct speaker *s)
{
    unsigned count = 0;
    for (unsigned topic = 0; topic < TOPICS; topic++)
        count += s->wants[topic] > 0;
    return count;
}

/* All that has come is taken, so that a SUB is given nothing from before.  One topic is always wanted. */
static void
change_mind(struct speaker *s)
{
    unsigned topic = (unsigned)prng_below(&s->meeting->prng, TOPICS);
    char name = (char)('a' + topic);
    bool on = s->wants[topic] == 0 || happens(s, 3) || (s->wants[topic] == 1 && topics_wanted(s) == 1);
    int rc = (on ? socket_subscribe : socket_unsubscribe)(s->socket, view_of(&name, 1));
    must(rc == 0);
    s->wants[topic] = on ? s->wants[topic] + 1 : s->wants[topic] - 1;
    s->has_wanted[topic] = s->has_wanted[topic] || on;
}

static void
listen(struct speaker *s)
{
    bool is_idle = s->meeting->is_restless && happens(s, 3);
    if (is_idle)
        return;
    send_back(s);
    hear(s);
    if (s->meeting->family->manner == BY_TOPIC && s->meeting->is_restless && happens(s, 40))
        change_mind(s);
}

void
speaker_prompt(struct speaker *s)
{
    if (s->socket == NULL)
        open_socket(s);
    if (s->socket == NULL)
        return;
    (s->is_talker ? talk : listen)(s);
    if (s->meeting->is_restless && s->meeting->plan->restless && happens(s, 200))
        leave(s);
}
