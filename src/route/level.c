#include "route/level.h"

#include "base/err.h"
#include "base/limits.h"

static const struct {
    uint8_t separator, one, many;
} syntaxes[] = {
    [ROUTE_MQTT] = {'/',  '+', '#'},
    [ROUTE_AMQP] = { '.', '*', '#'},
    [ROUTE_TOPICS_AMQP] = { '/', '*', '#'},
};

uint8_t
level_separator(enum route_syntax syntax)
{
    return syntaxes[syntax].separator;
}

enum level_kind
level_kind_of(enum route_syntax syntax, struct view level)
{
    if (level.len != 1)
        return LEVEL_PLAIN;
    if (level.data[0] == syntaxes[syntax].one)
        return LEVEL_ONE;
    return level.data[0] == syntaxes[syntax].many ? LEVEL_MANY : LEVEL_PLAIN;
}

uint8_t
level_wildcard(enum route_syntax syntax, enum level_kind kind)
{
    return kind == LEVEL_ONE ? syntaxes[syntax].one : syntaxes[syntax].many;
}

static unsigned
count_levels(enum route_syntax syntax, struct view filter)
{
    struct levels left = levels_of(syntax, filter);
    struct view level;
    unsigned n = 0;
    while (level_next(&left, &level))
        n++;
    return n;
}

int
level_check_filter(enum route_syntax syntax, struct view filter)
{
    if (filter.len > TOPIC_BYTES_MAX || count_levels(syntax, filter) > TOPIC_LEVELS_MAX)
        return -ERR_TOO_LARGE;
    return syntax == ROUTE_MQTT && route_filter_breach(filter) != NULL ? -ERR_INVALID : 0;
}

static bool
has(struct view v, int byte)
{
    return v.len > 0 && memchr(v.data, byte, v.len) != NULL;
}

/* The rules that topics and filters share. */
static const char *
breach_of_either(struct view name)
{
    if (name.len == 0)
        return "MQTT-4.7.3-1";
    if (has(name, '\0'))
        return "MQTT-4.7.3-2";
    return name.len > TOPIC_BYTES_MAX ? "MQTT-4.7.3-3" : NULL;
}

const char *
route_topic_breach(struct view topic)
{
    const char *breach = breach_of_either(topic);
    if (breach != NULL)
        return breach;
    return has(topic, '+') || has(topic, '#') ? "MQTT-4.7.0-1" : NULL;
}

const char *
route_filter_breach(struct view filter)
{
    const char *breach = breach_of_either(filter);
    struct levels left = levels_of(ROUTE_MQTT, filter);
    struct view level;
    while (breach == NULL && level_next(&left, &level)) {
        if (has(level, '#') && (level.len > 1 || left.at != NULL))
            breach = "MQTT-4.7.1-1";
        else if (has(level, '+') && level.len > 1)
            breach = "MQTT-4.7.1-2";
    }
    return breach;
}

/* As matching a glob: `#` takes nothing at first, and one level more each time what follows it does not fit.  Only the
 * last `#` need ever take more. */
static bool
matches_levels(enum route_syntax syntax, struct levels filter, struct levels topic)
{
    struct levels after_many = { 0 }, taken = { 0 };
    struct view want, level;
    bool any_many = false;
    for (;;) {
        bool more = level_next(&filter, &want);
        if (more && level_kind_of(syntax, want) == LEVEL_MANY) {
            any_many = true;
            after_many = filter;
            taken = topic;
            continue;
        }
        if (!more && topic.at == NULL)
            return true;
        if (more && level_next(&topic, &level) && (level_kind_of(syntax, want) == LEVEL_ONE || view_equal(want, level)))
            continue;
        if (!any_many || !level_next(&taken, &level))
            return false;
        filter = after_many;
        topic = taken;
    }
}

bool
route_matches(enum route_syntax syntax, struct view filter, struct view topic)
{
    struct levels wanted = levels_of(syntax, filter);
    struct view first;
    if (level_is_hidden(topic) && level_next(&wanted, &first) && level_kind_of(syntax, first) != LEVEL_PLAIN)
        return false;
    return matches_levels(syntax, levels_of(syntax, filter), levels_of(syntax, topic));
}
