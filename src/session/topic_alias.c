#include "session/topic_alias.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"

struct aliases_in *
aliases_in_new(struct mem *mem, uint16_t max)
{
    struct aliases_in *a = mem_new(mem, sizeof(*a) + max * sizeof(a->topics[0]));
    if (a == NULL)
        return NULL;
    a->mem = mem;
    a->max = max;
    return a;
}

void
aliases_in_free(struct aliases_in *aliases)
{
    if (aliases == NULL)
        return;
    for (unsigned i = 0; i < aliases->max; i++)
        mem_free(aliases->mem, aliases->topics[i]);
    mem_free(aliases->mem, aliases);
}

int
aliases_in_set(struct aliases_in *aliases, uint16_t alias, struct view topic)
{
    must(alias > 0 && alias <= aliases->max);
    struct alias_text **at = &aliases->topics[alias - 1];
    if (*at != NULL && view_equal(view_of((*at)->text, (*at)->len), topic))
        return 0;
    struct alias_text *text = mem_raw(aliases->mem, sizeof(*text) + topic.len);
    if (text == NULL)
        return -ERR_NO_MEMORY;
    text->len = (uint32_t)topic.len;
    memcpy(text->text, topic.data, topic.len);
    mem_free(aliases->mem, *at);
    *at = text;
    return 0;
}

struct view
aliases_in_get(const struct aliases_in *aliases, uint16_t alias)
{
    const struct alias_text *text = alias == 0 || alias > aliases->max ? NULL : aliases->topics[alias - 1];
    return text == NULL ? view_of(NULL, 0) : view_of(text->text, text->len);
}

struct alias_out {
    uint16_t alias;
    uint32_t len;
    uint8_t topic[];
};

struct aliases_out *
aliases_out_new(struct mem *mem, uint16_t max)
{
    struct aliases_out *a = MEM_NEW(mem, struct aliases_out);
    if (a == NULL)
        return NULL;
    map_init(&a->map, mem);
    a->max = max;
    return a;
}

void
aliases_out_free(struct aliases_out *aliases)
{
    if (aliases == NULL)
        return;
    struct mem *mem = aliases->map.mem;
    size_t at = 0;
    for (struct alias_out *a = map_next(&aliases->map, &at); a != NULL; a = map_next(&aliases->map, &at))
        mem_free(mem, a);
    map_fini(&aliases->map);
    mem_free(mem, aliases);
}

static bool
same_topic(const void *value, const void *key)
{
    const struct alias_out *a = value;
    return view_equal(view_of(a->topic, a->len), *(const struct view *)key);
}

/* No memory for one is no harm: the topic is sent in full. */
static uint16_t
name(struct aliases_out *aliases, uint64_t hash, struct view topic)
{
    if (aliases->count == aliases->max)
        return 0;
    struct alias_out *a = mem_raw(aliases->map.mem, sizeof(*a) + topic.len);
    if (a == NULL)
        return 0;
    a->alias = (uint16_t)(aliases->count + 1);
    a->len = (uint32_t)topic.len;
    memcpy(a->topic, topic.data, topic.len);
    if (map_put(&aliases->map, hash, a) < 0) {
        mem_free(aliases->map.mem, a);
        return 0;
    }
    return ++aliases->count;
}

uint16_t
aliases_out_of(struct aliases_out *aliases, struct view topic, bool *retknown)
{
    uint64_t hash = hash_bytes(topic, 0);
    const struct alias_out *a = map_get(&aliases->map, hash, same_topic, &topic);
    *retknown = a != NULL;
    return a != NULL ? a->alias : name(aliases, hash, topic);
}

void
aliases_free(struct mem *mem, struct aliases *aliases)
{
    if (aliases == NULL)
        return;
    aliases_in_free(aliases->in);
    aliases_out_free(aliases->out);
    mem_free(mem, aliases);
}
