#include "catalog/parts.h"

#include "wire/amqp.h"
#include "wire/mqtt.h"
#include "wire/zmtp.h"

struct parts
parts_of_frames(struct view frames)
{
    struct view rest = frames;
    struct zmtp_frame frame;
    bool one = zmtp_frame_next(&rest, &frame) && rest.len == 0;
    return (struct parts){ .body = one ? frame.body : frames, .framed = !one };
}

static struct view
content_type_of_amqp(struct view container)
{
    struct cursor in = cursor_of(container);
    struct amqp_properties props;
    struct fault why;
    (void)take_bytes(&in, take_u8(&in)); /* the exchange */
    if (in.torn || amqp_properties_parse(take_rest(&in), &props, &why) < 0)
        return view_of(NULL, 0);
    return props.content_type;
}

static struct view
content_type_of_mqtt(struct view props)
{
    struct cursor in = cursor_of(props);
    struct mqtt_property_item item;
    while (mqtt_property_next(&in, &item))
        if (item.id == MQTT_CONTENT_TYPE)
            return item.text;
    return view_of(NULL, 0);
}

static struct view
content_type(const struct envelope *env)
{
    switch (env->encoding) {
    case ENCODING_AMQP091: return content_type_of_amqp(env->props);
    case ENCODING_MQTT5: return content_type_of_mqtt(env->props);
    default: return view_of(NULL, 0);
    }
}

/* Anybody may say of any bytes that they are frames. */
static bool
are_frames(struct view body)
{
    struct zmtp_frame frame = { 0 };
    struct fault why;
    uint64_t need;
    while (body.len > 0) {
        int64_t n = zmtp_frame_parse(body, body.len, false, &frame, &need, &why);
        if (n <= 0)
            return false;
        body = view_from(body, (size_t)n);
        if ((frame.flags & ZMTP_MORE) == 0)
            return body.len == 0;
    }
    return (frame.flags & ZMTP_MORE) == 0;
}

struct parts
parts_of_envelope(const struct envelope *env)
{
    bool framed = view_is(content_type(env), PARTS_CONTENT_TYPE) && are_frames(env->body);
    return (struct parts){ .body = env->body, .framed = framed };
}
