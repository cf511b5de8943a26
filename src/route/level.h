/* route/level.h - topics and filters as sequences of levels, in either syntax.
 * The empty topic has no levels at all (only AMQP knows it); apart from it an empty level is a level: "/" has two. */
#ifndef TAMBO_ROUTE_LEVEL_H
#define TAMBO_ROUTE_LEVEL_H

#include "route/route.h"

enum level_kind { LEVEL_PLAIN, LEVEL_ONE, LEVEL_MANY };

/* What is left to read. */
struct levels {
    const uint8_t *at, *end; /* at == NULL: nothing */
    uint8_t separator;
};

uint8_t level_separator(enum route_syntax syntax);
/* What this level of a filter is; a wildcard is a level of its own. */
enum level_kind level_kind_of(enum route_syntax syntax, struct view level);
/* The character of LEVEL_ONE or LEVEL_MANY. */
uint8_t level_wildcard(enum route_syntax syntax, enum level_kind kind);
/* 0, -ERR_INVALID, -ERR_TOO_LARGE: the limits of base/limits.h and the syntax. */
int level_check_filter(enum route_syntax syntax, struct view filter);

static inline struct levels
levels_of(enum route_syntax syntax, struct view topic)
{
    return (struct levels){
        .at = topic.len == 0 ? NULL : topic.data,
        .end = topic.data + topic.len,
        .separator = level_separator(syntax),
    };
}

/* The next level; false at the end. */
static inline bool
level_next(struct levels *left, struct view *ret)
{
    if (left->at == NULL)
        return false;
    const uint8_t *stop = memchr(left->at, left->separator, (size_t)(left->end - left->at));
    *ret = view_of(left->at, (size_t)((stop == NULL ? left->end : stop) - left->at));
    left->at = stop == NULL ? NULL : stop + 1;
    return true;
}

/* Topics of the server's own, which wildcards at the first level do not see (MQTT 5, 4.7.2). */
static inline bool
level_is_hidden(struct view first)
{
    return first.len > 0 && first.data[0] == '$';
}

#endif
