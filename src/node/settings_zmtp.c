#include "node/settings_zmtp.h"

#include <stdio.h>

#include "base/must.h"

struct loaded_queue {
    char *queue;
};
struct loaded_topics {
    int topics;
};

static const cyaml_strval_t spellings[] = {
    {"mqtt",  ZMTP_AS_MQTT},
    { "amqp", ZMTP_AS_AMQP}
};
static const cyaml_schema_field_t queue_fields[] = {
    CYAML_FIELD_STRING_PTR("queue", CYAML_FLAG_POINTER, struct loaded_queue, queue, 1, ZMTP_QUEUE_NAME_BYTES - 1),
    CYAML_FIELD_END
};
static const cyaml_schema_field_t topics_fields[] = {
    CYAML_FIELD_ENUM("topics", CYAML_FLAG_STRICT, struct loaded_topics, topics, spellings, COUNT_OF(spellings)),
    CYAML_FIELD_END
};

enum { OPTIONAL = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL };
const cyaml_schema_field_t settings_zmtp_fields[] = {
    CYAML_FIELD_MAPPING_PTR("push", OPTIONAL, struct loaded_zmtp, push, queue_fields),
    CYAML_FIELD_MAPPING_PTR("pull", OPTIONAL, struct loaded_zmtp, pull, queue_fields),
    CYAML_FIELD_MAPPING_PTR("req", OPTIONAL, struct loaded_zmtp, req, queue_fields),
    CYAML_FIELD_MAPPING_PTR("rep", OPTIONAL, struct loaded_zmtp, rep, queue_fields),
    CYAML_FIELD_MAPPING_PTR("pub", OPTIONAL, struct loaded_zmtp, pub, topics_fields),
    CYAML_FIELD_MAPPING_PTR("sub", OPTIONAL, struct loaded_zmtp, sub, topics_fields),
    CYAML_FIELD_END
};

const char *
settings_zmtp_take(const struct loaded_zmtp *loaded, struct zmtp_served *ret)
{
    struct zmtp_served served = { 0 };
    if (loaded == NULL)
        return NULL;
    struct {
        const struct loaded_queue *from;
        char *to;
    } const queues[] = {
        {loaded->push,  served.push},
        { loaded->pull, served.pull},
        { loaded->req,  served.req },
        { loaded->rep,  served.rep },
    };
    for (size_t i = 0; i < COUNT_OF(queues); i++) {
        if (queues[i].from == NULL)
            continue;
        if (view_starts(view_str(queues[i].from->queue), "amq."))
            return "queues whose name begins with 'amq.' are the node's own";
        snprintf(queues[i].to, ZMTP_QUEUE_NAME_BYTES, "%s", queues[i].from->queue);
    }
    if (loaded->pub != NULL)
        served.pub = (enum zmtp_spelling)loaded->pub->topics;
    if (loaded->sub != NULL)
        served.sub = (enum zmtp_spelling)loaded->sub->topics;
    *ret = served;
    return NULL;
}

/* In quotes: a name may look like anything. */
static void
print_queue(const char *role, const char *queue, void (*fn)(void *arg, const char *line), void *arg)
{
    char quoted[2 * ZMTP_QUEUE_NAME_BYTES], line[sizeof(quoted) + 32];
    size_t n = 0;
    for (const char *at = queue; *at != '\0'; at++) {
        if (*at == '\'')
            quoted[n++] = '\'';
        quoted[n++] = *at;
    }
    quoted[n] = '\0';
    snprintf(line, sizeof(line), "  %s: {queue: '%s'}", role, quoted);
    if (n > 0)
        fn(arg, line);
}

void
settings_zmtp_print(const struct zmtp_served *served, void (*fn)(void *arg, const char *line), void *arg)
{
    char line[64];
    fn(arg, "zmtp:");
    print_queue("push", served->push, fn, arg);
    print_queue("pull", served->pull, fn, arg);
    print_queue("req", served->req, fn, arg);
    print_queue("rep", served->rep, fn, arg);
    snprintf(line, sizeof(line), "  pub: {topics: %s}", spellings[served->pub].str);
    fn(arg, line);
    snprintf(line, sizeof(line), "  sub: {topics: %s}", spellings[served->sub].str);
    fn(arg, line);
}
