/* A peer's life: what it is served with, what it sends, its end. */
#include <stdarg.h>
#include <stdio.h>

#include "session/zmtp/role.h"

/* A run that found no room. */
struct kept_run {
    struct list link; /* in guest->kept */
    struct zmtp_slice slice;
};

const struct role *
role_of(enum zmtp_pattern pattern)
{
    static const struct role *const roles[ZMTP_PATTERNS] = {
        [ZMTP_PUSH] = &role_push, [ZMTP_PULL] = &role_pull,     [ZMTP_REQ] = &role_req, [ZMTP_DEALER] = &role_dealer,
        [ZMTP_REP] = &role_rep,   [ZMTP_ROUTER] = &role_router, [ZMTP_PUB] = &role_pub, [ZMTP_XPUB] = &role_xpub,
        [ZMTP_SUB] = &role_sub,   [ZMTP_XSUB] = &role_xsub,
    };
    return roles[pattern];
}

/* ---- what it is served with ----------------------------------------------------------------------------------- */

struct mq *
guest_mq(const struct guest *g)
{
    struct vhost *vhost = zmtp_vhost(g->server);
    if (g->configured)
        return zmtp_declare(g->server, guest_queue(g));
    return vhost == NULL ? NULL : mq_find(vhost, guest_queue(g));
}

static const char *
choose_queue(struct guest *g, const struct role *role, struct view resource)
{
    const char *configured = (const char *)&g->server->settings->served + role->queue;
    struct view name = resource.len > 0 ? resource : view_str(configured);
    struct mq_facts facts;
    if (name.len == 0)
        return "no queue is configured for this socket type and the address names none";
    must(name.len <= sizeof(g->queue));
    memcpy(g->queue, name.data, name.len);
    g->queue_len = (uint8_t)name.len;
    g->configured = view_is(name, configured);
    struct mq *mq = guest_mq(g);
    if (mq == NULL)
        return "there is no queue of this name";
    mq_facts(mq, &facts);
    g->durable = facts.durable;
    return facts.exclusive ? "the queue is a connection's own" : NULL;
}

static const char *
choose_spelling(struct guest *g, const struct role *role, struct view resource)
{
    const struct zmtp_served *s = &g->server->settings->served;
    bool is_mqtt = view_is(resource, "mqtt"), is_amqp = view_is(resource, "amqp");
    if (resource.len > 0 && !is_mqtt && !is_amqp)
        return "topics are spelt mqtt or amqp";
    if (resource.len > 0)
        g->spelling = is_mqtt ? ZMTP_AS_MQTT : ZMTP_AS_AMQP;
    else
        g->spelling = role->own == ZMTP_SUB ? s->pub : s->sub;
    return NULL;
}

static const char *
choose(struct guest *g, const struct role *role, struct view resource)
{
    if (role == NULL)
        return "this socket type is not served here";
    if (!g->server->settings->allow_anonymous)
        return "a peer without a user is not admitted";
    if (zmtp_vhost(g->server) == NULL)
        return "the virtual host / is not there";
    return role->topics ? choose_spelling(g, role, resource) : choose_queue(g, role, resource);
}

static int
on_pattern(void *arg, const struct zmtp_peer *peer, const char **retreason)
{
    struct guest *g = arg;
    const struct role *role = role_of(zmtp_peer_pattern(peer));
    *retreason = choose(g, role, zmtp_peer_resource(peer));
    if (*retreason != NULL)
        return -ERR_REFUSED;
    g->role = role;
    return (int)role->own;
}

static void
on_ready(void *arg)
{
    struct guest *g = arg;
    g->server->host->counters.connects++;
    zmtp_peer_marks(g->peer, ZMTP_OUTBOX_HIGH_BYTES, ZMTP_OUTBOX_LOW_BYTES);
    g->ready = true;
    if (g->role->begin != NULL && g->role->begin(g) < 0)
        guest_leave(g, "it cannot be served");
}

/* ---- what it sends -------------------------------------------------------------------------------------------- */

/* What is left of the run: its first message found no room. */
static struct view
take(struct guest *g, struct view run)
{
    while (run.len > 0 && !g->leaving) {
        struct view message = view_of(run.data, zmtp_message_bytes(run));
        if (g->role->take(g, message) < 0)
            return run;
        run = view_from(run, message.len);
    }
    return view_of(NULL, 0);
}

static void
wait_for_room(struct guest *g)
{
    list_push(&g->server->waiting, &g->waiting);
    if (g->peer != NULL)
        zmtp_peer_pause(g->peer);
}

static int
keep(struct guest *g, struct view run, struct zmtp_chunk *chunk)
{
    struct mem *mem = guest_mem(g);
    struct kept_run *kept = MEM_NEW(mem, struct kept_run);
    if (kept == NULL)
        return -ERR_NO_MEMORY;
    kept->slice = (struct zmtp_slice){ .chunk = chunk != NULL ? zmtp_chunk_ref(chunk) : zmtp_chunk_new(mem, run.len),
                                       .run = run };
    if (kept->slice.chunk == NULL) {
        mem_free(mem, kept);
        return -ERR_NO_MEMORY;
    }
    if (chunk == NULL)
        kept->slice.run = view_of(memcpy(kept->slice.chunk->bytes, run.data, run.len), run.len);
    list_init(&kept->link);
    list_push(&g->kept, &kept->link);
    return 0;
}

static void
drop_kept(struct guest *g, struct kept_run *kept)
{
    list_cut(&kept->link);
    zmtp_chunk_unref(kept->slice.chunk);
    mem_free(guest_mem(g), kept);
}

static void
on_messages(void *arg, struct view run, uint32_t count, struct zmtp_chunk *chunk)
{
    struct guest *g = arg;
    struct counters *counters = &g->server->host->counters;
    counters->packets_in += count;
    counters->bytes_in += run.len;
    if (g->role->take == NULL || g->leaving)
        return;
    if (list_empty(&g->kept))
        run = take(g, run);
    if (run.len > 0 && keep(g, run, chunk) < 0)
        guest_leave(g, "no memory to keep what it sent");
    else if (run.len > 0 || host_is_pressed(g->server->host))
        wait_for_room(g);
}

void
guest_retry(struct guest *g)
{
    if (host_is_pressed(g->server->host))
        return;
    LIST_EACH(&g->kept, l) {
        struct kept_run *kept = container_of(l, struct kept_run, link);
        struct view rest = take(g, kept->slice.run);
        if (rest.len > 0) {
            kept->slice.run = rest;
            return;
        }
        drop_kept(g, kept);
    }
    list_cut(&g->waiting);
    if (g->peer != NULL)
        zmtp_peer_resume(g->peer);
    else
        guest_free(g);
}

static int
on_subscribed(void *arg, struct view prefix, bool on)
{
    struct guest *g = arg;
    return g->role->subscribed == NULL ? 0 : g->role->subscribed(g, prefix, on);
}

static void
on_ponged(void *arg, uint32_t number)
{
    struct guest *g = arg;
    if (g->role->ponged != NULL)
        g->role->ponged(g, number);
}

static void
on_drained(void *arg)
{
    struct guest *g = arg;
    g->choked = false;
    if (g->role->turn != NULL)
        g->role->turn(g); /* there may be no other turn for long */
}

void
guest_busy(struct guest *g)
{
    list_push(&g->server->busy, &g->busy);
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

void
guest_leave(struct guest *g, const char *format, ...)
{
    char text[256];
    va_list args;
    if (g->leaving)
        return;
    g->leaving = true;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    host_say(g->server->host, LOG_WARNING, "zmtp", "%s %s is left: %s", g->address, g->role->name, text);
    if (g->peer != NULL)
        zmtp_peer_close(g->peer);
}

/* What was read and is in no queue. */
static void
lose_kept(struct guest *g)
{
    size_t bytes = 0;
    LIST_EACH(&g->kept, l)
        bytes += container_of(l, struct kept_run, link)->slice.run.len;
    if (bytes > 0)
        host_say(g->server->host, LOG_WARNING, "zmtp", "%s %s: %zu bytes of messages that waited for room are lost",
                 g->address, g->role->name, bytes);
}

void
guest_shut(struct guest *g)
{
    g->leaving = true;
    if (g->peer != NULL) {
        zmtp_peer_close(g->peer);
        return;
    }
    lose_kept(g);
    guest_free(g);
}

static void
finish(struct guest *g)
{
    if (g->ready && g->role->end != NULL)
        g->role->end(g);
    g->ready = false;
    list_cut(&g->busy);
}

void
guest_free(struct guest *g)
{
    finish(g);
    zmtp_peer_free(g->peer);
    LIST_EACH(&g->kept, l)
        drop_kept(g, container_of(l, struct kept_run, link));
    list_cut(&g->waiting);
    list_cut(&g->all);
    g->server->guest_count--;
    mem_free(guest_mem(g), g);
}

static void
tell_end(struct guest *g, const struct zmtp_end *end)
{
    struct zmtp_server *server = g->server;
    char text[192];
    zmtp_end_print(end, text, sizeof(text));
    if (end->why == ZMTP_BREACH || end->why == ZMTP_DENIED) {
        server->host->counters.protocol_errors++;
        host_say(server->host, LOG_WARNING, "refused", "%s: %s", g->address, text);
    } else if (end->why == ZMTP_REFUSED || (end->why == ZMTP_LOST && end->rc == -ERR_TIMEOUT)) {
        host_say(server->host, LOG_INFO, "zmtp", "%s: %s", g->address, text);
    }
}

/* What it has sent before it went is taken in when there is room. */
static void
on_closed(void *arg, const struct zmtp_end *end)
{
    struct guest *g = arg;
    tell_end(g, end);
    finish(g);
    g->peer = NULL;
    if (!list_empty(&g->kept) && !g->leaving)
        return;
    lose_kept(g);
    guest_free(g);
}

/* ---- the beginning ---------------------------------------------------------------------------------------------- */

static const struct zmtp_peer_on peer_on = {
    .pattern = on_pattern,
    .ready = on_ready,
    .messages = on_messages,
    .subscribed = on_subscribed,
    .ponged = on_ponged,
    .drained = on_drained,
    .closed = on_closed,
};

int
guest_new(struct zmtp_server *server, struct io_stream *stream, struct view bytes)
{
    struct guest *g = MEM_NEW(server->host->mem, struct guest);
    if (g == NULL)
        return -ERR_NO_MEMORY;
    g->server = server;
    struct list *const lists[] = { &g->all, &g->waiting, &g->busy, &g->kept, &g->requests, &g->subscriptions };
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        list_init(lists[i]);
    fifo_init(&g->unsettled, server->host->mem, sizeof(struct unsettled));
    io_peer(stream, g->address, sizeof(g->address));
    list_push(&server->guests, &g->all);
    server->guest_count++;
    g->serial = ++server->serial;
    int rc = zmtp_peer_accept(server->host->io, stream, bytes, &server->side, &peer_on, g, &g->peer);
    if (rc < 0)
        guest_free(g);
    return rc;
}

json_t *
guest_json(const struct guest *g)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s%, s:b}", "peer_host", g->address, "user", "", "protocol", "ZMTP",
                     "socket_type", g->role == NULL ? "" : g->role->name, "queue", (const char *)g->queue,
                     (size_t)g->queue_len, "blocked", (int)!list_empty(&g->waiting));
}
