/* cmd/json.c - see json.h. */
#include "cmd/json.h"

#include <jansson.h>
#include <time.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd/property.h"
#include "wire/base64.h"

/* NULL without memory. */
static json_t *
base64(struct mem *mem, struct view bytes)
{
    size_t chars = base64_chars(bytes.len);
    char *text = mem_raw(mem, chars + 1);

    if (text == NULL)
        return NULL;
    base64_encode(bytes, text);
    json_t *string = json_stringn(text, chars);
    mem_free(mem, text);
    return string;
}

int
json_set_bytes(struct mem *mem, json_t *object, const char *name, struct view bytes)
{
    char other[64];
    json_t *text = json_stringn(bytes.len == 0 ? "" : (const char *)bytes.data, bytes.len);
    if (text != NULL)
        return json_object_set_new(object, name, text);

    snprintf(other, sizeof other, "%s_base64", name);
    return json_object_set_new(object, other, base64(mem, bytes));
}

static int
set_payload(struct mem *mem, json_t *object, struct view payload, enum json_payload how)
{
    json_t *value = NULL;

    if (how == JSON_VALUE && payload.len > 0)
        value = json_loadb((const char *)payload.data, payload.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    return value != NULL ? json_object_set_new(object, "payload", value)
                         : json_set_bytes(mem, object, "payload", payload);
}

static json_t *
text_of(struct view v)
{
    return json_stringn(v.len == 0 ? "" : (const char *)v.data, v.len);
}

static int
append_new(json_t *object, const char *name, json_t *item)
{
    json_t *list = json_object_get(object, name);

    if (list == NULL) {
        list = json_array();
        if (json_object_set_new(object, name, list) < 0) {
            json_decref(item);
            return -1;
        }
    }
    return json_array_append_new(list, item);
}

static int
set_property(struct mem *mem, json_t *object, const struct mqtt_property_item *item)
{
    const char *name = property_name(item->id);

    if (item->id == MQTT_USER_PROPERTY)
        return append_new(object, "user-properties", json_pack("[oo]", text_of(item->text), text_of(item->value)));
    if (item->id == MQTT_SUBSCRIPTION_ID)
        return append_new(object, "subscription-identifiers", json_integer(item->number));
    if (property_is_number(item->id))
        return json_object_set_new(object, name, json_integer(item->number));
    return json_set_bytes(mem, object, name, property_is_binary(item->id) ? item->value : item->text);
}

static int
set_properties(struct mem *mem, json_t *object, struct view raw)
{
    struct cursor at = cursor_of(raw);
    struct mqtt_property_item item;
    json_t *properties = json_object();
    int rc = json_object_set_new(object, "properties", properties);

    while (rc == 0 && mqtt_property_next(&at, &item))
        rc = set_property(mem, properties, &item);
    return rc;
}

static json_t *
time_of(uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    char text[32];

    gmtime_r(&seconds, &utc);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + n, sizeof text - n, ".%03uZ", (unsigned)(wall_ms % 1000));
    return json_string(text);
}

static int
fill(struct mem *mem, json_t *object, const struct mqtt_publish *message, uint64_t wall_ms, enum json_payload payload)
{
    int rc = json_object_set_new(object, "time", time_of(wall_ms));

    rc |= json_object_set_new(object, "topic", text_of(message->topic));
    rc |= json_object_set_new(object, "qos", json_integer(message->qos));
    if (message->qos > 0)
        rc |= json_object_set_new(object, "id", json_integer(message->packet_id));
    rc |= json_object_set_new(object, "retain", json_boolean(message->retain));
    rc |= set_payload(mem, object, message->payload, payload);
    if (message->properties.raw.len > 0)
        rc |= set_properties(mem, object, message->properties.raw);
    return rc;
}

int
json_print(FILE *to, struct mem *mem, const struct mqtt_publish *message, uint64_t wall_ms, enum json_payload payload)
{
    json_t *object = json_object();
    int rc = object == NULL ? -1 : fill(mem, object, message, wall_ms, payload);

    if (rc == 0)
        rc = json_dumpf(object, to, JSON_COMPACT);
    json_decref(object);
    return rc == 0 || ferror(to) ? 0 : -ERR_NO_MEMORY;
}
