/* cmd/filter.c - see filter.h. */
#include "cmd/filter.h"

/* Takes the first level off `v`; false when there was none left. */
static bool
take_level(struct view *v, bool *more, struct view *ret)
{
    if (!*more)
        return false;
    const uint8_t *slash = v->len == 0 ? NULL : memchr(v->data, '/', v->len);
    size_t n = slash == NULL ? v->len : (size_t)(slash - v->data);

    *ret = view_of(v->data, n);
    *more = slash != NULL;
    *v = slash == NULL ? view_of(v->data, 0) : view_from(*v, n + 1);
    return true;
}

bool
filter_matches(struct view filter, struct view topic)
{
    bool filter_more = true, topic_more = true;
    struct view want, have;

    if (view_starts(topic, "$") && (view_starts(filter, "+") || view_starts(filter, "#")))
        return false;
    while (take_level(&filter, &filter_more, &want)) {
        if (view_is(want, "#"))
            return true;
        if (!take_level(&topic, &topic_more, &have) || !(view_is(want, "+") || view_equal(want, have)))
            return false;
    }
    return !topic_more;
}
