/* Field tables as JSON, as RabbitMQ's management API writes and reads them. */
#include "base/limits.h"
#include "catalog/inner.h"

/* As UTF-8, or, when it is none, with everything beyond ASCII as `?`. */
json_t *
text_json(struct view text)
{
    char plain[AMQP_SHORTSTR_MAX];
    json_t *json = json_stringn(text.len == 0 ? "" : (const char *)text.data, text.len);
    if (json != NULL)
        return json;
    size_t n = text.len < sizeof(plain) ? text.len : sizeof(plain);
    for (size_t i = 0; i < n; i++)
        plain[i] = text.data[i] < 0x80 ? (char)text.data[i] : '?';
    return json_stringn(plain, n);
}

json_t *
json_appended(json_t *array, json_t *item)
{
    if (array != NULL && json_array_append_new(array, item) == 0)
        return array;
    json_decref(array);
    return NULL;
}

static json_t *array_json(struct view items);

static json_t *
value_json(const struct amqp_value *v)
{
    int64_t number;
    if (amqp_value_integer(v, &number))
        return json_integer(number);
    switch (v->type) {
    case 't': return json_boolean(v->boolean);
    case 'T': return json_integer((json_int_t)v->unsigned_number);
    case 'f':
    case 'd': return json_real(v->real);
    case 'S':
    case 'x': return text_json(v->bytes);
    case 'F': return field_json(v->bytes);
    case 'A': return array_json(v->bytes);
    default: return json_null();
    }
}

static json_t *
array_json(struct view items)
{
    struct cursor c = cursor_of(items);
    struct amqp_value v;
    json_t *array = json_array();
    while (array != NULL && amqp_array_next(&c, &v))
        array = json_appended(array, value_json(&v));
    return array;
}

json_t *
field_json(struct view table)
{
    struct cursor c = cursor_of(table);
    struct amqp_value v;
    struct view key;
    json_t *object = json_object();
    while (object != NULL && amqp_table_next(&c, &key, &v)) {
        char name[AMQP_SHORTSTR_MAX + 1] = "";
        memcpy(name, key.data, key.len);
        if (json_object_set_new(object, name, value_json(&v)) < 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* ---- the other way ------------------------------------------------------------------------------------------- */

/* A value takes a letter, a length and its bytes; a number 8. */
enum { VALUE_BYTES_MAX = 16 };

static size_t
room_of(const json_t *json, unsigned depth)
{
    const char *key;
    const json_t *value;
    size_t i, n = VALUE_BYTES_MAX + json_string_length(json);
    if (depth >= AMQP_TABLE_DEPTH_MAX)
        return n;
    if (json_is_array(json))
        json_array_foreach(json, i, value) n += room_of(value, depth + 1);
    if (json_is_object(json))
        json_object_foreach((json_t *)json, key, value) n += 1 + strlen(key) + room_of(value, depth + 1);
    return n;
}

static void put_fields(struct pen *p, const json_t *object, unsigned depth);
static void put_items(struct pen *p, const json_t *array, unsigned depth);

static bool
scalar(const json_t *json, struct amqp_value *ret)
{
    switch (json_typeof(json)) {
    case JSON_TRUE:
    case JSON_FALSE: *ret = (struct amqp_value){ .type = 't', .boolean = json_is_true(json) }; return true;
    case JSON_NULL: *ret = (struct amqp_value){ .type = 'V' }; return true;
    case JSON_INTEGER: *ret = (struct amqp_value){ .type = 'l', .number = json_integer_value(json) }; return true;
    case JSON_REAL: *ret = (struct amqp_value){ .type = 'd', .real = json_real_value(json) }; return true;
    case JSON_STRING:
        *ret = (struct amqp_value){ .type = 'S', .bytes = view_of(json_string_value(json), json_string_length(json)) };
        return true;
    default: return false;
    }
}

static void
put_nested(struct pen *p, const json_t *json, unsigned depth)
{
    uint8_t *mark;
    amqp_put_table_open(p, &mark);
    if (depth >= AMQP_TABLE_DEPTH_MAX)
        p->torn = true;
    else if (json_is_array(json))
        put_items(p, json, depth);
    else
        put_fields(p, json, depth);
    amqp_put_table_close(p, mark);
}

static void
put_items(struct pen *p, const json_t *array, unsigned depth)
{
    size_t i;
    const json_t *item;
    struct amqp_value v;
    json_array_foreach(array, i, item)
    {
        if (scalar(item, &v)) {
            amqp_put_item(p, &v);
            continue;
        }
        put_u8(p, json_is_array(item) ? 'A' : 'F');
        put_nested(p, item, depth + 1);
    }
}

static void
put_fields(struct pen *p, const json_t *object, unsigned depth)
{
    const char *key;
    const json_t *value;
    struct amqp_value v;
    json_object_foreach((json_t *)object, key, value)
    {
        if (scalar(value, &v)) {
            amqp_put_value(p, view_str(key), &v);
            continue;
        }
        amqp_put_name(p, view_str(key), json_is_array(value) ? 'A' : 'F');
        put_nested(p, value, depth + 1);
    }
}

int
field_table(struct mem *mem, const json_t *object, uint8_t **ret, size_t *retlen)
{
    *ret = NULL;
    *retlen = 0;
    if (object == NULL || (json_is_array(object) && json_array_size(object) == 0))
        return 0; /* RabbitMQ writes no arguments as either */
    if (!json_is_object(object))
        return -ERR_INVALID;
    if (json_object_size(object) == 0)
        return 0;
    size_t room = room_of(object, 0);
    uint8_t *table = mem_raw(mem, room);
    if (table == NULL)
        return -ERR_NO_MEMORY;
    struct pen p = pen_of(table, room);
    put_fields(&p, object, 0);
    if (p.torn) {
        mem_free(mem, table);
        return -ERR_INVALID;
    }
    *ret = table;
    *retlen = (size_t)(p.at - table);
    return 0;
}
