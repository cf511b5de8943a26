#include "route/key.h"

#include "route/level.h"

enum { CODE_BYTES = 2 };

struct code {
    uint8_t byte;
    char hex[CODE_BYTES + 1];
};

/* What a routing key may say and a topic may not, and the other way round. */
static const struct code codes_in_topics[] = {
    {'/',   "2F"},
    { '+',  "2B"},
    { '#',  "23"},
    { '\0', "00"},
};
static const struct code codes_in_keys[] = {
    {'.', "2E"},
};

/* One direction. */
struct way {
    uint8_t from, to; /* separators */
    const struct code *make, *undo;
    unsigned makes, undoes;
};
static const struct way to_topic = { '.', '/', codes_in_topics, codes_in_keys, 4, 1 };
static const struct way to_key = { '/', '.', codes_in_keys, codes_in_topics, 1, 4 };

static const struct code *
code_of_byte(const struct code *codes, unsigned n, uint8_t byte)
{
    for (unsigned i = 0; i < n; i++)
        if (codes[i].byte == byte)
            return &codes[i];
    return NULL;
}

static const struct code *
code_of_hex(const struct code *codes, unsigned n, const uint8_t *hex)
{
    for (unsigned i = 0; i < n; i++)
        if (memcmp(codes[i].hex, hex, CODE_BYTES) == 0)
            return &codes[i];
    return NULL;
}

/* `left` begins with `%`, any number of `25`, and two characters more: those are at *rethex. */
static bool
looks_escaped(struct view left, size_t *rethex)
{
    size_t at = 1;
    while (at + CODE_BYTES <= left.len && memcmp(left.data + at, "25", CODE_BYTES) == 0)
        at += CODE_BYTES;
    *rethex = at;
    return at + CODE_BYTES <= left.len;
}

static void
put_code(struct pen *pen, const struct code *code)
{
    put_u8(pen, '%');
    put_bytes(pen, view_of(code->hex, CODE_BYTES));
}

/* At a `%`: what was read of `left`. */
static size_t
convert_percent(const struct way *way, struct view left, struct pen *pen)
{
    size_t hex;
    const struct code *undo = NULL;
    bool escaped = looks_escaped(left, &hex);
    if (escaped)
        undo = code_of_hex(way->undo, way->undoes, left.data + hex);
    if (undo != NULL && hex == 1) {
        put_u8(pen, undo->byte);
        return 1 + CODE_BYTES;
    }
    put_u8(pen, '%');
    if (undo != NULL)
        return 1 + CODE_BYTES; /* one 25 less */
    if (escaped && code_of_hex(way->make, way->makes, left.data + hex) != NULL)
        put_bytes(pen, view_str("25"));
    return 1;
}

static void
convert_level(const struct way *way, struct view level, struct pen *pen)
{
    for (size_t i = 0; i < level.len;) {
        const struct code *code = code_of_byte(way->make, way->makes, level.data[i]);
        if (level.data[i] == '%') {
            i += convert_percent(way, view_from(level, i), pen);
            continue;
        }
        if (code != NULL)
            put_code(pen, code);
        else
            put_u8(pen, level.data[i]);
        i++;
    }
}

static bool
is_wildcard(struct view level)
{
    return level_kind_of(ROUTE_AMQP, level) != LEVEL_PLAIN;
}

static void
convert(const struct way *way, struct view name, bool wild, struct pen *pen)
{
    struct levels left = { .at = name.len == 0 ? NULL : name.data, name.data + name.len, way->from };
    struct view level;
    for (bool first = true; level_next(&left, &level); first = false) {
        if (!first)
            put_u8(pen, way->to);
        if (wild && is_wildcard(level))
            put_bytes(pen, level);
        else
            convert_level(way, level, pen);
    }
}

void
key_to_topic(struct pen *pen, struct view key)
{
    convert(&to_topic, key, false, pen);
}

void
topic_to_key(struct pen *pen, struct view topic)
{
    convert(&to_key, topic, false, pen);
}

void
key_to_filter(struct pen *pen, struct view key)
{
    convert(&to_topic, key, true, pen);
}
