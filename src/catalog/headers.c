/* Headers exchanges: a binding's arguments against a message's headers (rabbit_exchange_type_headers).
 *
 * x-match all (the default) or any: arguments that begin with `x-` are not looked at; all-with-x and any-with-x: they
 * are, but for x-match.  An argument without a value (void) asks only for the header to be there. */
#include <inttypes.h>
#include <stdio.h>

#include "catalog/inner.h"

struct mode {
    const char *name;
    bool any, with_x;
};
static const struct mode modes[] = {
    {"all",         false, false},
    { "any",        true,  false},
    { "all-with-x", false, true },
    { "any-with-x", true,  true },
};

static const struct mode *
mode_named(struct view name)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (view_is(name, modes[i].name))
            return &modes[i];
    return NULL;
}

/* As Erlang prints what is short. */
static const char *
printed(const struct amqp_value *v, char *room, size_t n)
{
    int64_t number;
    if (v->type == 't')
        return v->boolean ? "true" : "false";
    if (!amqp_value_integer(v, &number))
        return v->type == 'V' ? "undefined" : "...";
    (void)snprintf(room, n, "%" PRId64, number);
    return room;
}

int
headers_check(struct view arguments, struct refusal *why)
{
    struct amqp_value v;
    char room[24];
    if (!amqp_table_find(arguments, "x-match", &v))
        return 0;
    if (v.type != 'S')
        return refuse(why, AMQP_PRECONDITION_FAILED, "Invalid x-match field type %s (value %s); expected longstr",
                      amqp_type_name(v.type), printed(&v, room, sizeof(room)));
    if (mode_named(v.bytes) != NULL)
        return 0;
    return refuse(why, AMQP_PRECONDITION_FAILED,
                  "Invalid x-match field value <<\"%.*s\">>; expected all, any, all-with-x, or any-with-x",
                  VIEW_ARGS(v.bytes));
}

static bool
find(struct view headers, struct view name, struct amqp_value *ret)
{
    struct cursor c = cursor_of(headers);
    struct view key;
    while (amqp_table_next(&c, &key, ret))
        if (view_equal(key, name))
            return true;
    return false;
}

bool
headers_match(struct view arguments, struct view headers)
{
    struct cursor c = cursor_of(arguments);
    struct view key;
    struct amqp_value want, has, match;
    bool said = amqp_table_find(arguments, "x-match", &match) && match.type == 'S';
    const struct mode *mode = said ? mode_named(match.bytes) : &modes[0];
    if (mode == NULL)
        return false;
    while (amqp_table_next(&c, &key, &want)) {
        if (view_is(key, "x-match") || (!mode->with_x && view_starts(key, "x-")))
            continue;
        bool fits = find(headers, key, &has) && (want.type == 'V' || amqp_value_equal(&want, &has));
        if (fits == mode->any)
            return mode->any;
    }
    return !mode->any;
}
