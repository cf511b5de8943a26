/* What a clerk makes and ends: the method for it, what must be there first, and where a message shows it.
 *
 *     files --NAME--> file.0 .. file.3
 *     files --CABINET--> cabinet --> file.0 */
#include "trial/fact.h"

#include <stdio.h>

enum kind { FILE_QUEUE, FILED, CABINET, SHELF, DRAWER, POLICY, SECOND };
enum { A_CABINET = 8, A_SHELF, A_DRAWER, NONE = CLERK_FACTS, FILE_LENGTH_MAX = 2 };

static const struct {
    enum kind kind;
    unsigned file;
    unsigned needs[2];
} facts[CLERK_FACTS] = {
    {FILE_QUEUE,  0, { NONE, NONE }},
    { FILE_QUEUE, 1, { NONE, NONE }},
    { FILE_QUEUE, 2, { NONE, NONE }},
    { FILE_QUEUE, 3, { NONE, NONE }},
    { FILED,      0, { 0, NONE }   },
    { FILED,      1, { 1, NONE }   },
    { FILED,      2, { 2, NONE }   },
    { FILED,      3, { 3, NONE }   },
    { CABINET,    0, { NONE, NONE }},
    { SHELF,      0, { 8, NONE }   },
    { DRAWER,     0, { 0, 8 }      },
    { POLICY,     0, { NONE, NONE }},
    { SECOND,     0, { NONE, NONE }},
};

unsigned
fact_needs(const enum belief *beliefs, unsigned fact)
{
    for (unsigned i = 0; i < COUNT_OF(facts[fact].needs); i++)
        if (facts[fact].needs[i] != NONE && beliefs[facts[fact].needs[i]] != PRESENT)
            return facts[fact].needs[i];
    return fact;
}

void
fact_set(enum belief *beliefs, unsigned fact, enum belief belief)
{
    beliefs[fact] = belief;
    for (unsigned i = 0; i < CLERK_FACTS && belief != PRESENT; i++)
        if (facts[i].needs[0] == fact || facts[i].needs[1] == fact)
            beliefs[i] = belief;
}

bool
fact_is_policy(unsigned fact)
{
    return facts[fact].kind == POLICY;
}

/* ---- making and ending -------------------------------------------------------------------------------------- */

static struct view
name_of(unsigned clerk, enum kind kind, unsigned file, char *room, size_t len)
{
    if (kind == CABINET)
        snprintf(room, len, "cabinet.%u", clerk);
    else
        snprintf(room, len, "file.%u.%u", clerk, file);
    return view_str(room);
}

static struct view
short_arguments(struct fact_room *room)
{
    struct pen p = pen_of(room->arguments, sizeof(room->arguments));
    amqp_put_value(&p, view_str("x-max-length"), &(struct amqp_value){ .type = 'I', .number = FILE_LENGTH_MAX });
    return view_of(room->arguments, (size_t)(p.at - room->arguments));
}

static void
queue_method(struct view file, bool make, struct fact_room *room, struct amqp_method *ret)
{
    ret->id = make ? AMQP_QUEUE_DECLARE : AMQP_QUEUE_DELETE;
    if (make)
        ret->queue_declare =
            (struct amqp_queue_declare){ .queue = file, .durable = true, .arguments = short_arguments(room) };
    else
        ret->queue_delete = (struct amqp_queue_delete){ .queue = file };
}

static void
bind_method(struct view queue, struct view exchange, struct view key, bool make, struct amqp_method *ret)
{
    ret->id = make ? AMQP_QUEUE_BIND : AMQP_QUEUE_UNBIND;
    if (make)
        ret->queue_bind = (struct amqp_queue_bind){ .queue = queue, .exchange = exchange, .routing_key = key };
    else
        ret->queue_unbind = (struct amqp_queue_unbind){ .queue = queue, .exchange = exchange, .routing_key = key };
}

static void
exchange_method(struct view cabinet, bool make, struct amqp_method *ret)
{
    ret->id = make ? AMQP_EXCHANGE_DECLARE : AMQP_EXCHANGE_DELETE;
    if (make)
        ret->exchange_declare =
            (struct amqp_exchange_declare){ .exchange = cabinet, .type = view_str("fanout"), .durable = true };
    else
        ret->exchange_delete = (struct amqp_exchange_delete){ .exchange = cabinet };
}

void
fact_method(unsigned clerk, unsigned fact, bool make, struct fact_room *room, struct amqp_method *ret)
{
    const struct view files = view_str("files");
    struct view file = name_of(clerk, FILE_QUEUE, facts[fact].file, room->file, sizeof(room->file));
    struct view cabinet = name_of(clerk, CABINET, 0, room->cabinet, sizeof(room->cabinet));
    *ret = (struct amqp_method){ 0 };
    switch (facts[fact].kind) {
    case FILE_QUEUE: queue_method(file, make, room, ret); break;
    case FILED: bind_method(file, files, file, make, ret); break;
    case CABINET: exchange_method(cabinet, make, ret); break;
    case SHELF:
        ret->id = make ? AMQP_EXCHANGE_BIND : AMQP_EXCHANGE_UNBIND;
        ret->exchange_bind =
            (struct amqp_exchange_bind){ .destination = cabinet, .source = files, .routing_key = cabinet };
        break;
    case DRAWER: bind_method(file, cabinet, view_str(""), make, ret); break;
    case SECOND: bind_method(place_name(PLACE_MIXED), view_str("amq.topic"), view_str("t.*"), make, ret); break;
    case POLICY: break;
    }
}

/* ---- policies ----------------------------------------------------------------------------------------------- */

struct view
fact_request(unsigned clerk, enum asking asking, struct fact_room *room)
{
    static const char policy[] = "{\"pattern\":\"\",\"apply-to\":\"queues\",\"priority\":1,\"definition\":"
                                 "{\"max-length\":100000}}";
    char *to = room->request;
    if (asking == ASKED_TO_MAKE)
        snprintf(to, sizeof(room->request), "{\"do\":\"set-policy\",\"name\":\"filing.%u\",\"policy\":%s}", clerk,
                 policy);
    else if (asking == ASKED_TO_END)
        snprintf(to, sizeof(room->request), "{\"do\":\"clear-policy\",\"name\":\"filing.%u\"}", clerk);
    else
        snprintf(to, sizeof(room->request), "{\"do\":\"list-policies\"}");
    return view_str(to);
}

/* ---- showing ------------------------------------------------------------------------------------------------ */

bool
fact_route(unsigned clerk, unsigned fact, struct fact_room *room, struct view *retexchange, struct view *retkey)
{
    enum kind kind = facts[fact].kind;
    bool through = kind == SHELF || kind == DRAWER;
    *retexchange = view_str(kind == FILE_QUEUE ? "" : "files");
    *retkey = name_of(clerk, through ? CABINET : FILE_QUEUE, facts[fact].file, room->file, sizeof(room->file));
    return through || kind == FILE_QUEUE || kind == FILED;
}

enum belief
fact_routed(const enum belief *beliefs, unsigned fact)
{
    if (fact != A_SHELF && fact != A_DRAWER)
        return beliefs[fact];
    if (beliefs[A_SHELF] == ABSENT || beliefs[A_DRAWER] == ABSENT)
        return ABSENT;
    return beliefs[A_SHELF] == PRESENT && beliefs[A_DRAWER] == PRESENT ? PRESENT : UNKNOWN;
}
