/* catalog/mapping.h - a message that leaves by another protocol than it came by.
 *
 *     MQTT 5                          AMQP 0-9-1
 *     topic a/b                       routing key a.b, exchange amq.topic (route/key.h has the escapes)
 *     QoS above 0                     delivery_mode 2
 *     Message Expiry (s)              expiration (ms, as a string)
 *     Content Type                    content_type
 *     Correlation Data                correlation_id when it is UTF-8 of at most 255 bytes, else header
 * x-correlation-id Response Topic                  header x-reply-to-topic, as a routing key User Property, in order
 * headers, in order; a name may come twice Payload Format                  -
 *
 * ZMTP has topic and body alone; parts.h says what a body is there.
 *
 * What has no counterpart stays behind; the stored message keeps it.  Headers that are no strings become text, tables
 * and arrays become JSON, of 16 KiB at most each; what MQTT cannot hold (more than that, bytes that are no UTF-8) stays
 * behind too.  There is no way back: JSON that comes by MQTT is a string.
 * Pure: writes into the caller's room, which mapping_*_room() bounds. */
#ifndef TAMBO_CATALOG_MAPPING_H
#define TAMBO_CATALOG_MAPPING_H

#include "queue/message.h"

/* For an MQTT client: the topic, and MQTT 5 properties in order, without expiry (it belongs to the hop). */
size_t mapping_to_mqtt_room(const struct envelope *env);
void mapping_to_mqtt(const struct envelope *env, struct pen *room, struct view *rettopic, struct view *retprops);

/* For an AMQP client: the routing key, and properties as a container of ENCODING_AMQP091 has them (queue/message.h). */
size_t mapping_to_amqp_room(const struct envelope *env);
void mapping_to_amqp(const struct envelope *env, struct pen *room, struct view *retkey, struct view *retprops);

#endif
