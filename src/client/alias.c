/* client/alias.c - see alias.h. */
#include "client/alias.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

struct alias_topic {
    uint8_t *text;
    size_t len;
};

void
aliases_init(struct aliases *aliases, struct mem *mem, unsigned max)
{
    *aliases = (struct aliases){ .mem = mem, .max = max };
}

void
aliases_fini(struct aliases *aliases)
{
    for (unsigned i = 0; i < aliases->max && aliases->topics != NULL; i++)
        mem_free(aliases->mem, aliases->topics[i].text);
    mem_free(aliases->mem, aliases->topics);
    aliases->topics = NULL;
}

struct view
alias_topic(const struct aliases *aliases, unsigned alias)
{
    if (alias == 0 || alias > aliases->max || aliases->topics == NULL)
        return view_of(NULL, 0);
    return view_of(aliases->topics[alias - 1].text, aliases->topics[alias - 1].len);
}

int
alias_set(struct aliases *aliases, unsigned alias, struct view topic)
{
    must(alias > 0 && alias <= aliases->max && topic.len > 0);
    if (aliases->topics == NULL)
        aliases->topics = mem_new(aliases->mem, aliases->max * sizeof *aliases->topics);
    if (aliases->topics == NULL)
        return -ERR_NO_MEMORY;

    struct alias_topic *of = &aliases->topics[alias - 1];
    uint8_t *text = mem_grow(aliases->mem, of->text, topic.len);
    if (text == NULL)
        return -ERR_NO_MEMORY;
    memcpy(text, topic.data, topic.len);
    *of = (struct alias_topic){ .text = text, .len = topic.len };
    return 0;
}
