/* cmd/field.c - see field.h. */
#include "cmd/field.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "cmd/json.h"

enum { FIELD_SLACK_BYTES = 16 };

/* ---- words ------------------------------------------------------------------------------------------------ */

void
field_table_fini(struct field_table *table)
{
    mem_free(table->mem, table->bytes);
    table->bytes = NULL;
}

struct view
field_table_view(const struct field_table *table)
{
    return view_of(table->bytes, table->len);
}

static struct amqp_value
value_of(const char *word, bool guess)
{
    uint64_t n;
    bool minus = word[0] == '-';

    if (guess && (strcmp(word, "true") == 0 || strcmp(word, "false") == 0))
        return (struct amqp_value){ .type = 't', .boolean = word[0] == 't' };
    if (guess && parse_number(word + minus, 0, INT64_MAX, &n) == 0)
        return (struct amqp_value){ .type = 'l', .number = minus ? -(int64_t)n : (int64_t)n };
    return (struct amqp_value){ .type = 'S', .bytes = view_str(word) };
}

int
field_table_add(struct field_table *table, const char *option, const char *word, bool guess,
                struct complaint *complaint)
{
    const char *equals = strchr(word, '=');
    size_t key = equals == NULL ? 0 : (size_t)(equals - word), room = strlen(word) + FIELD_SLACK_BYTES;

    if (key == 0 || key > AMQP_SHORTSTR_MAX)
        return complain(complaint, "%s: '%s' is not KEY=VALUE", option, word);
    uint8_t *bytes = mem_grow(table->mem, table->bytes, table->len + room);
    if (bytes == NULL)
        return complain(complaint, "%s", err_text(-ERR_NO_MEMORY));
    struct pen pen = pen_of(bytes + table->len, room);
    struct amqp_value value = value_of(equals + 1, guess);

    amqp_put_value(&pen, view_of(word, key), &value);
    must(!pen.torn);
    table->bytes = bytes;
    table->len = (size_t)(pen.at - bytes);
    return 0;
}

/* ---- JSON ------------------------------------------------------------------------------------------------- */

static json_t *
text_json(struct mem *mem, struct view v)
{
    json_t *object = json_object();
    json_t *text = json_stringn(v.len == 0 ? "" : (const char *)v.data, v.len);

    /* What is no text becomes {"bytes_base64": "..."}. */
    if (text == NULL && json_set_bytes(mem, object, "bytes", v) == 0)
        return object;
    json_decref(object);
    return text;
}

static double
decimal(const struct amqp_value *v)
{
    double x = v->decimal.value;

    for (unsigned i = 0; i < v->decimal.scale; i++)
        x /= 10;
    return x;
}

static json_t *array_json(struct mem *mem, struct view items);

static json_t *
value_json(struct mem *mem, const struct amqp_value *v)
{
    int64_t n;

    if (amqp_value_integer(v, &n))
        return json_integer(n);
    switch (v->type) {
    case 't': return json_boolean(v->boolean);
    case 'T': return json_integer((json_int_t)v->unsigned_number);
    case 'f':
    case 'd': return isfinite(v->real) ? json_real(v->real) : json_null();
    case 'D': return json_real(decimal(v));
    case 'F': return table_json(mem, v->bytes);
    case 'A': return array_json(mem, v->bytes);
    case 'V': return json_null();
    default: return text_json(mem, v->bytes);
    }
}

static json_t *
array_json(struct mem *mem, struct view items)
{
    struct cursor at = cursor_of(items);
    struct amqp_value value;
    json_t *array = json_array();

    while (array != NULL && amqp_array_next(&at, &value))
        json_array_append_new(array, value_json(mem, &value));
    return array;
}

json_t *
table_json(struct mem *mem, struct view table)
{
    struct cursor at = cursor_of(table);
    struct amqp_value value;
    struct view key;
    json_t *object = json_object();

    while (object != NULL && amqp_table_next(&at, &key, &value))
        json_object_setn_new(object, (const char *)key.data, key.len, value_json(mem, &value));
    return object;
}

json_t *
properties_json(struct mem *mem, const struct amqp_properties *props)
{
    const struct {
        const char *name;
        enum amqp_prop prop;
        struct view text;
    } texts[] = {
        {"content_type",      AMQP_CONTENT_TYPE,     props->content_type    },
        { "content_encoding", AMQP_CONTENT_ENCODING, props->content_encoding},
        { "correlation_id",   AMQP_CORRELATION_ID,   props->correlation_id  },
        { "reply_to",         AMQP_REPLY_TO,         props->reply_to        },
        { "expiration",       AMQP_EXPIRATION,       props->expiration      },
        { "message_id",       AMQP_MESSAGE_ID,       props->message_id      },
        { "type",             AMQP_TYPE,             props->type            },
        { "user_id",          AMQP_USER_ID,          props->user_id         },
        { "app_id",           AMQP_APP_ID,           props->app_id          },
        { "cluster_id",       AMQP_CLUSTER_ID,       props->cluster_id      },
    };
    json_t *object = json_object();

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (amqp_has(props, texts[i].prop))
            json_set_bytes(mem, object, texts[i].name, texts[i].text);
    }
    if (amqp_has(props, AMQP_DELIVERY_MODE))
        json_object_set_new(object, "delivery_mode", json_integer(props->delivery_mode));
    if (amqp_has(props, AMQP_PRIORITY))
        json_object_set_new(object, "priority", json_integer(props->priority));
    if (amqp_has(props, AMQP_TIMESTAMP))
        json_object_set_new(object, "timestamp", json_integer((json_int_t)props->timestamp));
    if (amqp_has(props, AMQP_HEADERS))
        json_object_set_new(object, "headers", table_json(mem, props->headers));
    return object;
}

json_t *
message_json(struct mem *mem, const struct amqp_client_message *message)
{
    struct amqp_properties props = { 0 };
    struct fault why;
    json_t *object = json_object();

    (void)amqp_properties_parse(message->props, &props, &why); /* what cannot be read is not shown */
    json_object_set_new(object, "exchange", text_json(mem, message->exchange));
    json_object_set_new(object, "routing_key", text_json(mem, message->routing_key));
    json_object_set_new(object, "redelivered", json_boolean(message->redelivered));
    json_set_bytes(mem, object, "payload", message->body);
    json_object_set_new(object, "properties", properties_json(mem, &props));
    return object;
}
