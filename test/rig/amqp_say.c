/* Lines of text into frames. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/must.h"
#include "rig/amqp_text.h"
#include "wire/amqp.h"

enum { WORDS_MAX = 32, TABLES_BYTES = 8192, BODY_BYTES_MAX = 256 * 1024 };

/* ---- words -------------------------------------------------------------------------------------------------- */

/* NAME, NAME=VALUE, NAME:TYPE=VALUE, or VALUE alone. */
struct word {
    struct view name, value;
    char type; /* 0: none is told */
    bool quoted, has_value;
};

/* Behind `at`, where something opens, to its end: quotes, braces, brackets. */
static const char *
past_opened(const char *at)
{
    char open = *at++, close = open == '{' ? '}' : open == '[' ? ']' : open;
    for (; *at != close; at++) {
        must(*at != '\0');
        if (close != open && strchr("{[\"", *at) != NULL)
            at = past_opened(at) - 1;
    }
    return at + 1;
}

static const char *
past_value(const char *at)
{
    while (*at != '\0' && strchr(" }]", *at) == NULL)
        at = strchr("{[\"'", *at) != NULL ? past_opened(at) : at + 1;
    return at;
}

static struct view
unquoted(struct view v, bool *retquoted)
{
    *retquoted = v.len >= 2 && (v.data[0] == '"' || v.data[0] == '\'');
    return *retquoted ? view_of(v.data + 1, v.len - 2) : v;
}

/* False at the end. */
static bool
next_word(const char **at, struct word *ret)
{
    *at += strspn(*at, " ");
    if (**at == '\0' || **at == '}' || **at == ']')
        return false;
    const char *start = *at, *end = past_value(start);
    size_t n = strcspn(start, "=\"'{[ }]");
    *at = end;
    *ret = (struct word){ .has_value = start[n] == '=' };
    if (!ret->has_value) {
        ret->value = unquoted(view_of(start, (size_t)(end - start)), &ret->quoted);
        ret->name = ret->value;
        return true;
    }
    ret->value = unquoted(view_of(start + n + 1, (size_t)(end - start) - n - 1), &ret->quoted);
    bool typed = n >= 2 && start[n - 2] == ':';
    ret->type = typed ? start[n - 1] : '\0';
    ret->name = view_of(start, typed ? n - 2 : n);
    return true;
}

static uint64_t
number_of(struct view v)
{
    char text[32];
    must(v.len > 0 && v.len < sizeof(text));
    snprintf(text, sizeof(text), "%.*s", (int)v.len, (const char *)v.data);
    return text[0] == '-' ? (uint64_t)strtoll(text, NULL, 10) : strtoull(text, NULL, 0);
}

/* ---- tables ------------------------------------------------------------------------------------------------- */

static void put_fields(struct pen *p, const char **at);
static void put_items(struct pen *p, const char **at);

static bool
is_number(struct view v)
{
    size_t i = v.len > 1 && v.data[0] == '-' ? 1 : 0;
    for (size_t n = i; n < v.len; n++)
        if (v.data[n] < '0' || v.data[n] > '9')
            return false;
    return v.len > i;
}

static char
type_of(const struct word *w)
{
    if (w->type != '\0')
        return w->type;
    if (w->quoted)
        return 'S';
    if (view_is(w->value, "true") || view_is(w->value, "false"))
        return 't';
    return is_number(w->value) ? 'I' : 'S';
}

static struct amqp_value
value_of(char type, struct view text)
{
    struct amqp_value v = { .type = type };
    switch (type) {
    case 't': v.boolean = view_is(text, "true"); break;
    case 'S':
    case 'x': v.bytes = text; break;
    case 'T': v.unsigned_number = number_of(text); break;
    case 'f':
    case 'd': v.real = strtod((const char *)text.data, NULL); break;
    case 'D':
        v.decimal.scale = (uint8_t)number_of(view_of(text.data, strcspn((const char *)text.data, "/")));
        v.decimal.value = (int32_t)strtol(strchr((const char *)text.data, '/') + 1, NULL, 10);
        break;
    case 'V': break;
    default: v.number = (int64_t)number_of(text);
    }
    return v;
}

static void
put_nested(struct pen *p, struct view text)
{
    const char *at = (const char *)text.data + 1;
    uint8_t *mark;
    must(text.len >= 2);
    amqp_put_table_open(p, &mark);
    if (text.data[0] == '{')
        put_fields(p, &at);
    else
        put_items(p, &at);
    amqp_put_table_close(p, mark);
}

static void
put_fields(struct pen *p, const char **at)
{
    struct word w;
    while (next_word(at, &w)) {
        char type = type_of(&w);
        must(w.has_value);
        if (type == 'F' || type == 'A') {
            amqp_put_name(p, w.name, type);
            put_nested(p, w.value);
        } else {
            struct amqp_value v = value_of(type, w.value);
            amqp_put_value(p, w.name, &v);
        }
    }
}

/* An item's type stands where a field's name does. */
static void
put_items(struct pen *p, const char **at)
{
    struct word w;
    while (next_word(at, &w)) {
        w.type = w.has_value ? (char)w.name.data[0] : '\0';
        char type = type_of(&w);
        if (type == 'F' || type == 'A') {
            put_u8(p, (uint8_t)type);
            put_nested(p, w.value);
        } else {
            struct amqp_value v = value_of(type, w.value);
            amqp_put_item(p, &v);
        }
    }
}

/* The fields of "{...}", in `tables`. */
static struct view
table_of(struct pen *tables, struct view text)
{
    const char *at = (const char *)text.data + 1;
    const uint8_t *start = tables->at;
    must(text.len >= 2 && text.data[0] == '{');
    put_fields(tables, &at);
    must(!tables->torn);
    return view_of(start, (size_t)(tables->at - start));
}

/* With \\HH for a byte, in `tables`. */
static struct view
unescaped(struct pen *tables, struct view text)
{
    const uint8_t *start = tables->at;
    if (!view_has_any(text, "\\"))
        return text;
    for (size_t i = 0; i < text.len; i++) {
        char hex[3] = { 0 };
        bool escape = text.data[i] == '\\';
        must(!escape || i + 2 < text.len);
        memcpy(hex, text.data + i + 1, escape ? 2 : 0);
        put_u8(tables, escape ? (uint8_t)strtoul(hex, NULL, 16) : text.data[i]);
        i += escape ? 2 : 0;
    }
    must(!tables->torn);
    return view_of(start, (size_t)(tables->at - start));
}

/* ---- arguments and properties --------------------------------------------------------------------------------- */

/* "queue_declare.auto_delete" is auto-delete. */
static bool
is_named(const char *member, struct view name)
{
    const char *own = strchr(member, '.') + 1;
    if (strlen(own) != name.len)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if ((own[i] == '_' ? '-' : own[i]) != (char)name.data[i])
            return false;
    return true;
}

static void
set_argument(struct amqp_method *m, const struct amqp_argument *a, const struct word *w, struct pen *tables)
{
    void *at = (uint8_t *)m + a->offset;
    switch ((enum amqp_kind)a->kind) {
    case AMQP_KIND_NONE: break;
    case AMQP_KIND_BIT: *(bool *)at = true; break;
    case AMQP_KIND_OCTET: *(uint8_t *)at = (uint8_t)number_of(w->value); break;
    case AMQP_KIND_SHORT: *(uint16_t *)at = (uint16_t)number_of(w->value); break;
    case AMQP_KIND_LONG: *(uint32_t *)at = (uint32_t)number_of(w->value); break;
    case AMQP_KIND_LONGLONG: *(uint64_t *)at = number_of(w->value); break;
    case AMQP_KIND_SHORTSTR:
    case AMQP_KIND_LONGSTR: *(struct view *)at = unescaped(tables, w->value); break;
    case AMQP_KIND_TABLE: *(struct view *)at = table_of(tables, w->value); break;
    }
}

static bool
take_argument(struct amqp_method *m, const struct word *w, struct pen *tables)
{
    for (const struct amqp_argument *a = amqp_method_arguments(m->id); a->kind != AMQP_KIND_NONE; a++)
        if (a->member != NULL && is_named(a->member, w->name)) {
            set_argument(m, a, w, tables);
            return true;
        }
    return false;
}

static bool
take_text_property(struct amqp_properties *p, const struct word *w)
{
    const struct {
        const char *name;
        enum amqp_prop prop;
        struct view *at;
    } texts[] = {
        {"content-type",      AMQP_CONTENT_TYPE,     &p->content_type    },
        { "content-encoding", AMQP_CONTENT_ENCODING, &p->content_encoding},
        { "correlation-id",   AMQP_CORRELATION_ID,   &p->correlation_id  },
        { "reply-to",         AMQP_REPLY_TO,         &p->reply_to        },
        { "expiration",       AMQP_EXPIRATION,       &p->expiration      },
        { "message-id",       AMQP_MESSAGE_ID,       &p->message_id      },
        { "type",             AMQP_TYPE,             &p->type            },
        { "user-id",          AMQP_USER_ID,          &p->user_id         },
        { "app-id",           AMQP_APP_ID,           &p->app_id          },
        { "cluster-id",       AMQP_CLUSTER_ID,       &p->cluster_id      },
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (view_is(w->name, texts[i].name)) {
            *texts[i].at = w->value;
            p->present |= (uint16_t)(1u << texts[i].prop);
            return true;
        }
    return false;
}

static bool
take_property(struct amqp_properties *p, const struct word *w, struct pen *tables)
{
    enum amqp_prop prop;
    if (take_text_property(p, w))
        return true;
    if (view_is(w->name, "delivery-mode")) {
        prop = AMQP_DELIVERY_MODE;
        p->delivery_mode = (uint8_t)number_of(w->value);
    } else if (view_is(w->name, "priority")) {
        prop = AMQP_PRIORITY;
        p->priority = (uint8_t)number_of(w->value);
    } else if (view_is(w->name, "timestamp")) {
        prop = AMQP_TIMESTAMP;
        p->timestamp = number_of(w->value);
    } else if (view_is(w->name, "headers")) {
        prop = AMQP_HEADERS;
        p->headers = table_of(tables, w->value);
    } else {
        return false;
    }
    p->present |= (uint16_t)(1u << prop);
    return true;
}

/* ---- frames ------------------------------------------------------------------------------------------------- */

struct line {
    struct amqp_method m;
    struct amqp_properties props;
    struct view body;
    bool has_body;
    uint64_t body_size, class_id, weight; /* of a header alone */
    struct pen tables;
    uint8_t *body_room;
};

static bool
take_body(struct line *line, const struct word *w)
{
    if (w->quoted && !w->has_value) {
        line->body = unescaped(&line->tables, w->value);
    } else if (view_is(w->name, "size")) {
        must(number_of(w->value) <= BODY_BYTES_MAX);
        memset(line->body_room, 'x', number_of(w->value));
        line->body = view_of(line->body_room, number_of(w->value));
    } else {
        return false;
    }
    line->has_body = true;
    return true;
}

static void
take_words(struct line *line, const char *at)
{
    bool content = line->m.id != 0 && amqp_method_has_content(line->m.id);
    struct word w;
    while (next_word(&at, &w)) {
        if ((!w.quoted || w.has_value) && line->m.id != 0 && take_argument(&line->m, &w, &line->tables))
            continue;
        if ((content || line->m.id == 0) && (take_body(line, &w) || take_property(&line->props, &w, &line->tables)))
            continue;
        must(line->m.id == 0 && w.has_value); /* no such argument */
        uint64_t x = number_of(w.value);
        if (view_is(w.name, "body-size"))
            line->body_size = x;
        else if (view_is(w.name, "class"))
            line->class_id = x;
        else if (view_is(w.name, "weight"))
            line->weight = x;
        else
            must(false); /* no such word */
    }
}

static void
put_frame(struct pen *p, uint8_t type, uint16_t channel, struct view payload)
{
    put_u8(p, type);
    put_u16(p, channel);
    put_long(p, payload);
    put_u8(p, AMQP_FRAME_END);
}

static void
put_header(struct pen *p, uint16_t channel, const struct line *line, uint64_t body_size)
{
    uint8_t room[TABLES_BYTES];
    struct pen h = pen_of(room, sizeof(room));
    put_u16(&h, (uint16_t)line->class_id);
    put_u16(&h, (uint16_t)line->weight);
    put_u64(&h, body_size);
    amqp_properties_put(&h, &line->props);
    must(!h.torn);
    put_frame(p, AMQP_FRAME_HEADER, channel, view_of(room, (size_t)(h.at - room)));
}

static void
put_bodies(struct pen *p, uint16_t channel, struct view body, uint32_t frame_max)
{
    while (body.len > 0) {
        size_t n = amqp_body_part(frame_max, body.len);
        put_frame(p, AMQP_FRAME_BODY, channel, view_of(body.data, n));
        body = view_from(body, n);
    }
}

static void
put_method(struct pen *p, uint16_t channel, const struct line *line, uint32_t frame_max)
{
    size_t n = amqp_method_write(p->at, pen_left(p), channel, &line->m);
    must(n > 0);
    p->at += n;
    if (!line->has_body)
        return;
    put_header(p, channel, line, line->body.len);
    put_bodies(p, channel, line->body, frame_max);
}

size_t
amqp_text_frames(const char *text, uint32_t frame_max, uint8_t *ret, size_t room)
{
    static uint8_t body_room[BODY_BYTES_MAX];
    uint8_t tables[TABLES_BYTES];
    struct line line = { .class_id = AMQP_CLASS_BASIC, .tables = pen_of(tables, sizeof(tables)) };
    struct pen p = pen_of(ret, room);
    struct word w;
    line.body_room = body_room;
    must(next_word(&text, &w));
    uint16_t channel = (uint16_t)number_of(w.value);
    must(next_word(&text, &w));
    line.m.id = amqp_method_named(w.value);
    take_words(&line, text);
    if (line.m.id != 0)
        put_method(&p, channel, &line, frame_max);
    else if (view_is(w.value, "heartbeat"))
        put_frame(&p, AMQP_FRAME_HEARTBEAT, channel, line.body);
    else if (view_is(w.value, "header"))
        put_header(&p, channel, &line, line.body_size);
    else if (view_is(w.value, "body"))
        put_frame(&p, AMQP_FRAME_BODY, channel, line.body);
    else
        must(false); /* no such method */
    must(!p.torn);
    return (size_t)(p.at - ret);
}
