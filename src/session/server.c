/* The server: who is connected, whose sessions there are. */
#include "session/mqtt_inner.h"

enum { SCRATCH_KEPT_BYTES = 64 * 1024 };

int
mqtt_server_new(struct session_host *host, const struct mqtt_settings *settings,
                const struct mqtt_auth_mechanism *mechanisms, unsigned mechanism_count, struct mqtt_server **ret)
{
    struct mqtt_server *server = MEM_NEW(host->mem, struct mqtt_server);
    if (server == NULL)
        return -ERR_NO_MEMORY;
    server->host = host;
    server->settings = settings;
    server->mechanisms = mechanisms;
    server->mechanism_count = mechanism_count;
    struct map *maps[] = { &server->clients, &server->kept, &server->filters, &server->subscriptions };
    for (size_t i = 0; i < COUNT_OF(maps); i++)
        map_init(maps[i], host->mem);
    struct list *lists[] = { &server->keeping, &server->cursor.link, &server->connections, &server->hungry };
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        list_init(lists[i]);
    server->restoring = true;
    *ret = server;
    return 0;
}

static void
free_sessions(struct mqtt_server *server)
{
    size_t at = 0;
    for (struct session *s = map_next(&server->clients, &at); s != NULL; s = map_next(&server->clients, &at))
        session_free(s);
    /* A replay that was broken off has sessions which are not enlisted yet. */
    LIST_EACH(&server->keeping, l) {
        struct kept *kept = container_of(l, struct kept, link);
        if (kept->kind == KEPT_SESSION)
            session_free(container_of(kept, struct session, kept));
    }
    LIST_EACH(&server->keeping, l) {
        struct kept *kept = container_of(l, struct kept, link);
        if (kept->kind == KEPT_GROUP)
            group_free(container_of(kept, struct group, kept));
    }
}

void
mqtt_server_free(struct mqtt_server *server)
{
    if (server == NULL)
        return;
    server->restoring = true; /* nobody is told */
    list_cut(&server->cursor.link);
    LIST_EACH(&server->connections, l) {
        struct connection *c = container_of(l, struct connection, all);
        if (c->session != NULL)
            c->session->connection = NULL;
        connection_free(c);
    }
    free_sessions(server);
    map_fini(&server->clients);
    map_fini(&server->kept);
    map_fini(&server->subscriptions);
    map_fini(&server->filters);
    mem_free(server->host->mem, server->scratch);
    mem_free(server->host->mem, server);
}

uint8_t *
server_scratch(struct mqtt_server *server, size_t n)
{
    if (n <= server->scratch_room)
        return server->scratch;
    uint8_t *scratch = mem_raw(server->host->mem, n);
    if (scratch == NULL)
        return NULL;
    mem_free(server->host->mem, server->scratch);
    server->scratch = scratch;
    server->scratch_room = n;
    return scratch;
}

static bool
same_client(const void *value, const void *key)
{
    return view_equal(session_client_id(value), *(const struct view *)key);
}

struct session *
server_find(const struct mqtt_server *server, struct view client_id)
{
    return map_get(&server->clients, hash_bytes(client_id, 0), same_client, &client_id);
}

/* Ids count up: spread them. */
static uint64_t
hash_id(uint32_t id)
{
    return id * UINT64_C(0x9e3779b97f4a7c15) >> 16;
}

static bool
same_id(const void *value, const void *key)
{
    return ((const struct kept *)value)->id == *(const uint32_t *)key;
}

struct kept *
server_kept(const struct mqtt_server *server, uint32_t id, enum kept_kind kind)
{
    struct kept *kept = map_get(&server->kept, hash_id(id), same_id, &id);
    return kept != NULL && kept->kind == kind ? kept : NULL;
}

int
server_keep(struct mqtt_server *server, struct kept *kept, enum kept_kind kind, uint32_t id)
{
    kept->kind = (uint8_t)kind;
    kept->id = id;
    int rc = map_put(&server->kept, hash_id(id), kept);
    if (rc < 0)
        return rc;
    /* Groups stand in front, so that a checkpoint knows them before their members. */
    list_push(kind == KEPT_GROUP ? server->keeping.next : &server->keeping, &kept->link);
    return 0;
}

void
server_unkeep(struct mqtt_server *server, struct kept *kept)
{
    map_cut(&server->kept, hash_id(kept->id), kept);
    list_cut(&kept->link);
}

unsigned
mqtt_server_connections(const struct mqtt_server *server)
{
    return server->connection_count;
}

void
mqtt_server_hold(struct mqtt_server *server)
{
    if (server->publishing != NULL)
        connection_pause(server->publishing, PAUSE_NODE);
}

bool
mqtt_server_waits(const struct mqtt_server *server)
{
    return server->stalled > 0;
}

void
mqtt_server_unpause(struct mqtt_server *server)
{
    const struct session_host *host = server->host;
    if (host->pressed || host->held || server->stalled > 0)
        return;
    LIST_EACH(&server->connections, l) {
        if (server->paused_count == 0)
            break;
        connection_resume(container_of(l, struct connection, all), PAUSE_NODE);
    }
}

/* Those who failed where nobody could be closed. */
static void
bury_doomed(struct mqtt_server *server)
{
    if (server->doomed_count == 0)
        return;
    LIST_EACH(&server->connections, l) {
        struct connection *c = container_of(l, struct connection, all);
        if (c->doomed)
            connection_dismiss(c, c->doom, NULL);
    }
}

void
mqtt_server_turn(struct mqtt_server *server)
{
    struct list hungry;
    list_init(&hungry);
    list_splice(&hungry, &server->hungry);
    for (struct list *l = list_pop(&hungry); l != NULL; l = list_pop(&hungry))
        flow_feed(container_of(l, struct flow, hungry)->session);
    bury_doomed(server);
    if (server->scratch_room > SCRATCH_KEPT_BYTES) {
        mem_free(server->host->mem, server->scratch);
        server->scratch = NULL;
        server->scratch_room = 0;
    }
}

void
mqtt_server_shut(struct mqtt_server *server)
{
    LIST_EACH(&server->connections, l)
        connection_dismiss(container_of(l, struct connection, all), MQTT_SERVER_SHUTTING_DOWN, NULL);
}
