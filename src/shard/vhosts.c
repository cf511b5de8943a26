/* Virtual hosts, as all shards know them: each is on its home shard, and all the others know its name.
 *
 * Whoever is asked to make or to end one tells its home, which does it at the end of its turn, when nobody is in the
 * middle of it, and tells everybody.  The frames are numbered: the answer waits until the home has it on disk. */
#include "shard/inner.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

enum word { WORD_MAKE, WORD_END, WORD_IS, WORD_IS_NOT };

/* A name that is known, or a word that waits for the end of the turn. */
struct vhost_name {
    struct list link; /* in shard->vhost_words */
    enum word word;
    uint16_t len;
    uint8_t text[];
};

static struct view
text_of(const struct vhost_name *name)
{
    return view_of(name->text, name->len);
}

static bool
same_name(const void *value, const void *key)
{
    return view_equal(text_of(value), *(const struct view *)key);
}

static struct vhost_name *
find(const struct shard *shard, struct view name)
{
    return map_get(&shard->vhosts, hash_bytes(name, 0), same_name, &name);
}

static struct vhost_name *
new_name(struct shard *shard, enum word word, struct view name)
{
    struct vhost_name *n = mem_new(shard->host.mem, sizeof(*n) + name.len);
    if (n == NULL)
        return NULL;
    list_init(&n->link);
    n->word = word;
    n->len = (uint16_t)name.len;
    memcpy(n->text, name.data, name.len);
    return n;
}

static int
know(struct shard *shard, struct view name)
{
    struct vhost_name *n = find(shard, name) == NULL ? new_name(shard, WORD_IS, name) : NULL;
    if (n == NULL)
        return find(shard, name) != NULL ? 0 : -ERR_NO_MEMORY;
    int rc = map_put(&shard->vhosts, hash_bytes(name, 0), n);
    if (rc < 0)
        mem_free(shard->host.mem, n);
    return rc;
}

static void
unknow(struct shard *shard, struct view name)
{
    struct vhost_name *n = find(shard, name);
    if (n == NULL)
        return;
    map_cut(&shard->vhosts, hash_bytes(name, 0), n);
    mem_free(shard->host.mem, n);
}

static int
send(struct shard *shard, unsigned to, enum word word, struct view name)
{
    uint8_t *at = peer_vhost(&shard->peers[to], 1 + name.len);
    if (at == NULL)
        return -ERR_NO_MEMORY;
    at[0] = (uint8_t)word;
    memcpy(at + 1, name.data, name.len);
    return 0;
}

static void
tell_all(struct shard *shard, enum word word, struct view name)
{
    int rc = 0;
    for (unsigned i = 0; i < shard->host.shards; i++)
        if (i != shard->host.shard && send(shard, i, word, name) < 0)
            rc = -ERR_NO_MEMORY;
    if (rc < 0)
        shard_say(shard, LOG_ERROR, "memory", "other shards could not be told of a virtual host");
}

static bool
keep_word(struct shard *shard, enum word word, struct view name)
{
    struct vhost_name *n = new_name(shard, word, name);
    if (n == NULL)
        return false;
    list_push(&shard->vhost_words, &n->link);
    return true;
}

int
shard_vhost(struct session_host *host, struct view name, bool wanted)
{
    struct shard *shard = shard_of(host);
    enum word word = wanted ? WORD_MAKE : WORD_END;
    unsigned home = shard_owner_of(host, name);
    if (name.len == 0 || name.len > VHOST_NAME_BYTES_MAX)
        return -ERR_INVALID;
    if (wanted == (find(shard, name) != NULL))
        return wanted ? -ERR_EXISTS : -ERR_NOT_FOUND;
    if (home != host->shard)
        return send(shard, home, word, name);
    return keep_word(shard, word, name) ? 0 : -ERR_NO_MEMORY;
}

bool
vhosts_frame(struct shard *shard, struct view body)
{
    struct cursor c = cursor_of(body);
    enum word word = take_u8(&c);
    struct view name = take_rest(&c);
    if (word == WORD_MAKE || word == WORD_END)
        return keep_word(shard, word, name);
    if (word == WORD_IS)
        return know(shard, name) == 0;
    unknow(shard, name);
    return true;
}

/* ---- at home -------------------------------------------------------------------------------------------------- */

static void
obey(struct shard *shard, enum word word, struct view name)
{
    struct vhost *vhost = catalog_vhost(shard->catalog, name);
    int rc = 0;
    if (word == WORD_MAKE && vhost == NULL)
        rc = catalog_vhost_new(shard->catalog, name, true, &vhost);
    if (word == WORD_END && vhost != NULL) {
        amqp_server_vhost_gone(shard->amqp, vhost);
        zmtp_server_vhost_gone(shard->zmtp, vhost);
        rc = catalog_vhost_end(vhost);
    }
    if (rc < 0) {
        shard_say(shard, LOG_ERROR, "vhost", "virtual host '%.*s' could not be %s: %s", (int)name.len, name.data,
                  word == WORD_MAKE ? "made" : "ended", err_text(rc));
        return;
    }
    tell_all(shard, word == WORD_MAKE ? WORD_IS : WORD_IS_NOT, name);
    if (word == WORD_END)
        unknow(shard, name);
    else if (know(shard, name) < 0)
        shard_say(shard, LOG_ERROR, "memory", "a virtual host is not listed");
}

void
vhosts_turn(struct shard *shard)
{
    for (struct list *l = list_pop(&shard->vhost_words); l != NULL; l = list_pop(&shard->vhost_words)) {
        struct vhost_name *n = container_of(l, struct vhost_name, link);
        obey(shard, n->word, text_of(n));
        mem_free(shard->host.mem, n);
    }
}

int
vhosts_restored(struct shard *shard)
{
    struct view slash = view_str("/");
    struct vhost *vhost = catalog_vhost(shard->catalog, slash);
    int rc = 0;
    if (vhost == NULL && shard_owner_of(&shard->host, slash) == shard->host.shard)
        rc = catalog_vhost_new(shard->catalog, slash, true, &vhost);
    for (vhost = catalog_vhost_next(shard->catalog, NULL); rc == 0 && vhost != NULL;
         vhost = catalog_vhost_next(shard->catalog, vhost)) {
        tell_all(shard, WORD_IS, vhost_name(vhost));
        rc = know(shard, vhost_name(vhost));
    }
    return rc;
}

void
shard_vhosts(struct session_host *host, void (*fn)(void *arg, struct view name), void *arg)
{
    const struct shard *shard = shard_of(host);
    size_t at = 0;
    for (const struct vhost_name *n = map_next(&shard->vhosts, &at); n != NULL; n = map_next(&shard->vhosts, &at))
        fn(arg, text_of(n));
}

void
vhosts_free(struct shard *shard)
{
    size_t at = 0;
    for (struct vhost_name *n = map_next(&shard->vhosts, &at); n != NULL; n = map_next(&shard->vhosts, &at))
        mem_free(shard->host.mem, n);
    map_fini(&shard->vhosts);
    for (struct list *l = list_pop(&shard->vhost_words); l != NULL; l = list_pop(&shard->vhost_words))
        mem_free(shard->host.mem, container_of(l, struct vhost_name, link));
}
