/* base/view.h - a borrowed run of bytes.
 * A view owns nothing; who hands one out says how long it lives. */
#ifndef TAMBO_BASE_VIEW_H
#define TAMBO_BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
    const uint8_t *data;
    size_t len;
};

static inline struct view
view_of(const void *data, size_t len)
{
    return (struct view){ .data = data, .len = len };
}

static inline struct view
view_str(const char *text)
{
    return view_of(text, strlen(text));
}

static inline bool
view_equal(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool
view_is(struct view v, const char *text)
{
    return view_equal(v, view_str(text));
}

static inline bool
view_starts(struct view v, const char *prefix)
{
    size_t n = strlen(prefix);
    return v.len >= n && memcmp(v.data, prefix, n) == 0;
}

/* `v` without its first `n` bytes; n <= v.len. */
static inline struct view
view_from(struct view v, size_t n)
{
    return view_of(v.data + n, v.len - n);
}

/* Is any character of `chars` in `v`? */
bool view_has_any(struct view v, const char *chars);

#endif
