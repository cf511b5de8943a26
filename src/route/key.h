/* route/key.h - routing keys of AMQP as topics of MQTT, and back.
 *
 * The levels are the same, `.` and `/` part them.  What is text in one and has a meaning in the other is escaped:
 *
 *     routing key                        topic
 *     .                                  /
 *     /  +  #  NUL       inside a level  %2F  %2B  %23  %00
 *     %2E                                .    inside a level
 *     %2F                (text)          %252F
 *
 * So that what merely looks like an escape survives as well, `%`, any number of `25`, and one of the five codes gains a
 * `25` where it is text and loses one on the way back.  Both ways together are the identity on every routing key, and
 * on every topic that MQTT allows.
 * Pure. */
#ifndef TAMBO_ROUTE_KEY_H
#define TAMBO_ROUTE_KEY_H

#include "base/cursor.h"

/* A name of n bytes has no more than so many times n in the other syntax. */
enum { KEY_GROWTH = 3 };

void key_to_topic(struct pen *pen, struct view key);
void topic_to_key(struct pen *pen, struct view topic);
/* A binding key as a filter of ROUTE_TOPICS_AMQP: levels `*` and `#` stay wildcards. */
void key_to_filter(struct pen *pen, struct view key);

#endif
