/* rpc/replay.c - see replay.h. */
#include "rpc/replay.h"

#include "base/cursor.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

struct replay_client {
    struct list idle;
    struct list entries;
    uint64_t hash;
    uint64_t settled, forgotten;
    uint64_t idle_ns;
    uint8_t id[REPLAY_CLIENT_BYTES];
};

/* ---- keys ------------------------------------------------------------------------------------------------------ */

void
replay_key_client(struct replay_key *ret, const uint8_t client[REPLAY_CLIENT_BYTES], uint64_t sequence,
                  uint64_t settled)
{
    struct pen pen = pen_of(ret->bytes, sizeof(ret->bytes));
    put_bytes(&pen, view_of(client, REPLAY_CLIENT_BYTES));
    put_u64(&pen, sequence);
    ret->len = (uint8_t)(pen.at - ret->bytes);
    ret->is_clients = true;
    ret->sequence = sequence;
    ret->settled = settled;
    ret->hash = hash_bytes(view_of(ret->bytes, ret->len), 0);
}

/* A datagram's key is longer than a client's. */
void
replay_key_datagram(struct replay_key *ret, const struct replay_datagram *datagram)
{
    struct pen pen = pen_of(ret->bytes, sizeof(ret->bytes));
    put_u32(&pen, datagram->xid);
    put_u32(&pen, datagram->program);
    put_u32(&pen, datagram->version);
    put_u32(&pen, datagram->procedure);
    put_u64(&pen, hash_bytes(datagram->args, 0));
    put_u8(&pen, datagram->from->len);
    put_bytes(&pen, view_of(datagram->from->bytes, datagram->from->len));
    must(!pen.torn);
    ret->len = (uint8_t)(pen.at - ret->bytes);
    ret->is_clients = false;
    ret->sequence = ret->settled = 0;
    ret->hash = hash_bytes(view_of(ret->bytes, ret->len), 0);
}

static bool
same_entry(const void *value, const void *key)
{
    const struct replay_entry *entry = value;
    const struct replay_key *wanted = key;
    return entry->key.len == wanted->len && memcmp(entry->key.bytes, wanted->bytes, wanted->len) == 0;
}

static bool
same_client(const void *value, const void *key)
{
    const struct replay_client *client = value;
    return memcmp(client->id, key, sizeof(client->id)) == 0;
}

static uint64_t
client_hash(const struct replay_key *key)
{
    return hash_bytes(view_of(key->bytes, REPLAY_CLIENT_BYTES), 0);
}

static struct replay_client *
find_client(const struct replay *replay, const struct replay_key *key)
{
    return map_get(&replay->clients, client_hash(key), same_client, key->bytes);
}

/* ---- a life ---------------------------------------------------------------------------------------------------- */

void
replay_init(struct replay *replay, struct mem *mem)
{
    *replay = (struct replay){ .mem = mem };
    map_init(&replay->entries, mem);
    map_init(&replay->clients, mem);
    list_init(&replay->answered);
    list_init(&replay->idle);
}

void
replay_fini(struct replay *replay)
{
    size_t at = 0;
    for (struct replay_entry *entry; (entry = map_next(&replay->entries, &at)) != NULL;) {
        mem_free(replay->mem, entry->reply);
        mem_free(replay->mem, entry);
    }
    at = 0;
    for (struct replay_client *client; (client = map_next(&replay->clients, &at)) != NULL;)
        mem_free(replay->mem, client);
    map_fini(&replay->entries);
    map_fini(&replay->clients);
}

bool
replay_is_on(const struct replay *replay)
{
    return replay->count_max > 0 && replay->bytes_max > 0 && replay->keep_ns > 0;
}

/* ---- letting go ------------------------------------------------------------------------------------------------ */

static void
free_client(struct replay *replay, struct replay_client *client)
{
    map_cut(&replay->clients, client->hash, client);
    list_cut(&client->idle);
    replay->bytes -= sizeof(*client);
    mem_free(replay->mem, client);
}

/* A client without entries is idle from now on; NULL is fine. */
static void
rest(struct replay *replay, struct replay_client *client, uint64_t now_ns)
{
    if (client == NULL || !list_empty(&client->entries))
        return;
    client->idle_ns = now_ns;
    list_push(&replay->idle, &client->idle);
}

static void
free_entry(struct replay *replay, struct replay_entry *entry, uint64_t now_ns)
{
    if (!list_empty(&entry->age))
        replay->answered_count--;
    list_cut(&entry->age);
    list_cut(&entry->at_client);
    rest(replay, entry->client, now_ns);
    map_cut(&replay->entries, entry->key.hash, entry);
    replay->bytes -= sizeof(*entry) + entry->reply_bytes;
    mem_free(replay->mem, entry->reply);
    mem_free(replay->mem, entry);
}

/* Its client may still ask for it: then it is to hear that we do not know. */
static void
forget(struct replay *replay, struct replay_entry *entry, uint64_t now_ns)
{
    struct replay_client *client = entry->client;
    if (client != NULL && client->forgotten <= entry->key.sequence)
        client->forgotten = entry->key.sequence + 1;
    free_entry(replay, entry, now_ns);
}

static struct replay_entry *
oldest(const struct replay *replay)
{
    return list_empty(&replay->answered) ? NULL : container_of(replay->answered.next, struct replay_entry, age);
}

/* Room for so much more, at the cost of the oldest replies. */
static bool
make_room(struct replay *replay, size_t bytes, uint64_t now_ns)
{
    struct replay_entry *entry;
    while (replay->bytes + bytes > replay->bytes_max && (entry = oldest(replay)) != NULL)
        forget(replay, entry, now_ns);
    return replay->bytes + bytes <= replay->bytes_max;
}

void
replay_limit(struct replay *replay, size_t count_max, size_t bytes_max, uint64_t keep_ns)
{
    replay->count_max = count_max;
    replay->bytes_max = bytes_max;
    replay->keep_ns = keep_ns;
}

/* The entries are in order of coming, which but for few is that of their sequence, so the first that is not settled
 * ends it.  A call that is still under way although its client has settled it stays until it ends, but is its client's
 * no more. */
static void
settle(struct replay *replay, struct replay_client *client, uint64_t settled, uint64_t now_ns)
{
    if (settled <= client->settled)
        return;
    client->settled = settled;
    LIST_EACH(&client->entries, it) {
        struct replay_entry *entry = container_of(it, struct replay_entry, at_client);
        if (entry->key.sequence >= settled)
            break;
        list_cut(&entry->at_client);
        if (entry->request == NULL)
            free_entry(replay, entry, now_ns);
        else
            entry->client = NULL;
    }
}

/* ---- calls ----------------------------------------------------------------------------------------------------- */

static enum replay_verdict
judge_unknown(const struct replay *replay, const struct replay_key *key)
{
    const struct replay_client *client = key->is_clients ? find_client(replay, key) : NULL;
    if (client == NULL)
        return REPLAY_NEW;
    if (key->sequence < client->settled)
        return REPLAY_SETTLED;
    return key->sequence < client->forgotten ? REPLAY_FORGOTTEN : REPLAY_NEW;
}

enum replay_verdict
replay_look(const struct replay *replay, const struct replay_key *key, struct replay_entry **ret)
{
    struct replay_entry *entry = map_get(&replay->entries, key->hash, same_entry, key);
    if (entry == NULL)
        return judge_unknown(replay, key);
    *ret = entry;
    return entry->request != NULL ? REPLAY_UNDER_WAY : REPLAY_ANSWERED;
}

static struct replay_client *
new_client(struct replay *replay, const struct replay_key *key)
{
    struct replay_client *client = MEM_NEW(replay->mem, struct replay_client);
    if (client == NULL)
        return NULL;
    list_init(&client->idle);
    list_init(&client->entries);
    memcpy(client->id, key->bytes, sizeof(client->id));
    client->hash = client_hash(key);
    if (map_put(&replay->clients, client->hash, client) < 0) {
        mem_free(replay->mem, client);
        return NULL;
    }
    replay->bytes += sizeof(*client);
    return client;
}

/* *ret: the key's client, NULL where the key has none. */
static int
find_or_make_client(struct replay *replay, const struct replay_key *key, uint64_t now_ns, struct replay_client **ret)
{
    *ret = NULL;
    if (!key->is_clients)
        return 0;
    struct replay_client *client = find_client(replay, key);
    if (client == NULL && !make_room(replay, sizeof(*client), now_ns))
        return -ERR_OVERLOADED;
    if (client == NULL && (client = new_client(replay, key)) == NULL)
        return -ERR_NO_MEMORY;
    settle(replay, client, key->settled, now_ns);
    *ret = client;
    return 0;
}

static int
new_entry(struct replay *replay, const struct replay_key *key, uint64_t now_ns, struct replay_entry **ret)
{
    if (!make_room(replay, sizeof(struct replay_entry), now_ns))
        return -ERR_OVERLOADED;
    struct replay_entry *entry = MEM_NEW(replay->mem, struct replay_entry);
    if (entry == NULL || map_put(&replay->entries, key->hash, entry) < 0) {
        mem_free(replay->mem, entry);
        return -ERR_NO_MEMORY;
    }
    replay->bytes += sizeof(*entry);
    entry->key = *key;
    list_init(&entry->age);
    list_init(&entry->at_client);
    *ret = entry;
    return 0;
}

int
replay_begin(struct replay *replay, const struct replay_key *key, struct rpc_request *request, uint64_t now_ns,
             struct replay_entry **ret)
{
    struct replay_client *client;
    struct replay_entry *entry;
    if (!replay_is_on(replay))
        return -ERR_OVERLOADED;
    int rc = find_or_make_client(replay, key, now_ns, &client);
    if (rc < 0)
        return rc;
    rc = new_entry(replay, key, now_ns, &entry);
    if (rc < 0) {
        rest(replay, client, now_ns);
        return rc;
    }
    entry->request = request;
    entry->client = client;
    if (client != NULL) {
        list_cut(&client->idle);
        list_push(&client->entries, &entry->at_client);
    }
    *ret = entry;
    return 0;
}

/* Its reply is kept; false: there is no room for it. */
static bool
keep_reply(struct replay *replay, struct replay_entry *entry, struct view reply, uint64_t now_ns)
{
    if (reply.len == 0)
        return true;
    if (reply.len > replay->bytes_max || !make_room(replay, reply.len, now_ns))
        return false;
    entry->reply = mem_raw(replay->mem, reply.len);
    if (entry->reply == NULL)
        return false;
    memcpy(entry->reply, reply.data, reply.len);
    entry->reply_bytes = reply.len;
    replay->bytes += reply.len;
    return true;
}

void
replay_end(struct replay *replay, struct replay_entry *entry, struct view reply, uint64_t now_ns)
{
    const struct replay_client *client = entry->client;
    entry->request = NULL;
    if (entry->key.is_clients && (client == NULL || entry->key.sequence < client->settled)) {
        free_entry(replay, entry, now_ns);
        return;
    }
    if (!keep_reply(replay, entry, reply, now_ns)) {
        forget(replay, entry, now_ns);
        return;
    }
    entry->answered_ns = now_ns;
    list_push(&replay->answered, &entry->age);
    replay->answered_count++;
    while (replay->answered_count > replay->count_max)
        forget(replay, oldest(replay), now_ns);
}

/* ---- age ------------------------------------------------------------------------------------------------------- */

static struct replay_client *
oldest_idle(const struct replay *replay)
{
    return list_empty(&replay->idle) ? NULL : container_of(replay->idle.next, struct replay_client, idle);
}

uint64_t
replay_due_ns(const struct replay *replay)
{
    const struct replay_entry *entry = oldest(replay);
    const struct replay_client *client = oldest_idle(replay);
    uint64_t since_ns = UINT64_MAX;
    if (entry != NULL)
        since_ns = entry->answered_ns;
    if (client != NULL && client->idle_ns < since_ns)
        since_ns = client->idle_ns;
    return since_ns == UINT64_MAX ? UINT64_MAX : since_ns + replay->keep_ns;
}

void
replay_expire(struct replay *replay, uint64_t now_ns)
{
    struct replay_entry *entry;
    struct replay_client *client;
    while ((entry = oldest(replay)) != NULL && entry->answered_ns + replay->keep_ns <= now_ns)
        forget(replay, entry, now_ns);
    while ((client = oldest_idle(replay)) != NULL && client->idle_ns + replay->keep_ns <= now_ns)
        free_client(replay, client);
}
