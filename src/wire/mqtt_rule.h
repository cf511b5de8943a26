/* wire/mqtt_rule.h - every rule of MQTT whose breach the codec can see, in one list: name, clause, reason code, what it
 * says.  Internal to wire/.
 *
 * Clauses are MQTT 5.0's; a rule that only 3.x has is named after 3.1.1.  Where a clause numbers no statement its
 * section stands there.  Codes are the ones that the clause, or section 4.13 for the kind of error, asks for: 0x81 for
 * what cannot be parsed, 0x82 for what can but may not be there. */
#ifndef TAMBO_WIRE_MQTT_RULE_H
#define TAMBO_WIRE_MQTT_RULE_H

#define MQTT_RULES(RULE)                                                                                               \
    /* framing */                                                                                                      \
    RULE(VARINT_LONG, "1.5.5", 0x81, "a variable byte integer is longer than four bytes")                              \
    RULE(VARINT_PADDED, "MQTT-1.5.5-1", 0x81, "a variable byte integer is not in its shortest form")                   \
    RULE(TOO_LARGE, "MQTT-3.2.2-15", 0x95, "the packet is larger than the maximum packet size")                        \
    RULE(TYPE_RESERVED, "2.1.2", 0x81, "the packet type is reserved")                                                  \
    RULE(WRONG_WAY, "2.1.2", 0x82, "this packet type may not flow in this direction")                                  \
    RULE(CONNECT_FIRST, "MQTT-3.1.0-1", 0x82, "the first packet of a connection must be a CONNECT")                    \
    RULE(CONNECT_TWICE, "MQTT-3.1.0-2", 0x82, "a second CONNECT on one connection")                                    \
    RULE(FLAGS, "MQTT-2.1.3-1", 0x81, "reserved flags of the fixed header are not as prescribed")                      \
    RULE(FLAGS_PUBREL, "MQTT-3.6.1-1", 0x81, "the flags of a PUBREL are not 0010")                                     \
    RULE(FLAGS_SUBSCRIBE, "MQTT-3.8.1-1", 0x81, "the flags of a SUBSCRIBE are not 0010")                               \
    RULE(FLAGS_UNSUBSCRIBE, "MQTT-3.10.1-1", 0x81, "the flags of an UNSUBSCRIBE are not 0010")                         \
    RULE(FLAGS_DISCONNECT, "MQTT-3.14.1-1", 0x81, "the flags of a DISCONNECT are not zero")                            \
    RULE(FLAGS_AUTH, "MQTT-3.15.1-1", 0x81, "the flags of an AUTH are not zero")                                       \
    RULE(TORN, "4.13.1", 0x81, "a field runs past the end of the packet")                                              \
    RULE(SURPLUS, "4.13.1", 0x81, "bytes are left behind the last field of the packet")                                \
    /* strings */                                                                                                      \
    RULE(TEXT, "MQTT-1.5.4-1", 0x81, "a string is not well-formed UTF-8")                                              \
    RULE(TEXT_NULL, "MQTT-1.5.4-2", 0x81, "a string contains the null character")                                      \
    RULE(TEXT_PAIR, "MQTT-1.5.7-1", 0x81, "a user property is not well-formed UTF-8")                                  \
    RULE(TEXT_CLIENT_ID, "MQTT-3.1.3-4", 0x81, "the client identifier is not well-formed UTF-8")                       \
    RULE(TEXT_WILL_TOPIC, "MQTT-3.1.3-11", 0x81, "the will topic is not well-formed UTF-8")                            \
    RULE(TEXT_USERNAME, "MQTT-3.1.3-12", 0x81, "the user name is not well-formed UTF-8")                               \
    RULE(TEXT_TOPIC, "MQTT-3.3.2-1", 0x81, "the topic name is not well-formed UTF-8")                                  \
    RULE(TEXT_RESPONSE_TOPIC, "MQTT-3.3.2-13", 0x81, "the response topic is not well-formed UTF-8")                    \
    RULE(TEXT_CONTENT_TYPE, "MQTT-3.3.2-19", 0x81, "the content type is not well-formed UTF-8")                        \
    RULE(TEXT_SUBSCRIBE, "MQTT-3.8.3-1", 0x81, "a topic filter of a SUBSCRIBE is not well-formed UTF-8")               \
    RULE(TEXT_UNSUBSCRIBE, "MQTT-3.10.3-1", 0x81, "a topic filter of an UNSUBSCRIBE is not well-formed UTF-8")         \
    /* packet identifiers */                                                                                           \
    RULE(ID_ZERO_CLIENT, "MQTT-2.2.1-3", 0x82, "a client's packet identifier is zero")                                 \
    RULE(ID_ZERO_SERVER, "MQTT-2.2.1-4", 0x82, "a server's packet identifier is zero")                                 \
    RULE(ID_ZERO_ACK, "MQTT-2.2.1-5", 0x82, "an acknowledgement's packet identifier is zero")                          \
    RULE(ID_ZERO_SUBACK, "MQTT-2.2.1-6", 0x82, "the packet identifier of a SUBACK or UNSUBACK is zero")                \
    /* properties */                                                                                                   \
    RULE(PROPERTIES_LENGTH, "2.2.2.1", 0x81, "the property length runs past the end of the packet")                    \
    RULE(PROPERTY_UNKNOWN, "2.2.2.2", 0x81, "a property is unknown, or not one of this packet's")                      \
    RULE(PROPERTY_TORN, "2.2.2.2", 0x81, "a property runs past the end of the properties")                             \
    RULE(ALIAS_ZERO, "MQTT-3.3.2-8", 0x94, "the topic alias is zero")                                                  \
    RULE(RESPONSE_WILDCARD, "MQTT-3.3.2-14", 0x81, "the response topic contains a wildcard")                           \
    RULE(AUTH_DATA_ALONE, "3.1.2.11.10", 0x82, "authentication data without an authentication method")                 \
    RULE(AUTH_METHOD_MISSING, "3.15.2.2.2", 0x82, "an AUTH without an authentication method")                          \
    RULE(SUBSCRIPTION_ID_CLIENT, "MQTT-3.3.4-6", 0x82, "a client's PUBLISH carries a subscription identifier")         \
    RULE(SESSION_EXPIRY_SERVER, "MQTT-3.14.2-2", 0x82, "a server's DISCONNECT carries a session expiry interval")      \
    /* CONNECT */                                                                                                      \
    RULE(PROTOCOL_NAME, "MQTT-3.1.2-1", 0x84, "the protocol name is not MQTT")                                         \
    RULE(PROTOCOL_VERSION, "MQTT-3.1.2-2", 0x84, "the protocol version is not one that we speak")                      \
    RULE(CONNECT_RESERVED, "MQTT-3.1.2-3", 0x81, "the reserved flag of the CONNECT is set")                            \
    RULE(WILL_QOS_ALONE, "MQTT-3.1.2-11", 0x81, "a will QoS without a will")                                           \
    RULE(WILL_QOS_3, "MQTT-3.1.2-12", 0x81, "the will QoS is 3")                                                       \
    RULE(WILL_RETAIN_ALONE, "MQTT-3.1.2-13", 0x81, "will retain without a will")                                       \
    RULE(PASSWORD_ALONE, "MQTT311-3.1.2-22", 0x81, "a password without a user name, which only MQTT 5 allows")         \
    /* CONNACK */                                                                                                      \
    RULE(CONNACK_FLAGS, "MQTT-3.2.2-1", 0x81, "reserved bits of the acknowledge flags are set")                        \
    RULE(CONNACK_SESSION, "MQTT-3.2.2-6", 0x82, "session present in a CONNACK that refuses")                           \
    /* topics */                                                                                                       \
    RULE(QOS_3, "MQTT-3.3.1-4", 0x81, "a PUBLISH has both QoS bits set")                                               \
    RULE(DUP_QOS_0, "MQTT-3.3.1-2", 0x81, "a PUBLISH of QoS 0 is marked as a duplicate")                               \
    RULE(TOPIC_WILDCARD, "MQTT-3.3.2-2", 0x81, "the topic name contains a wildcard")                                   \
    RULE(WILL_TOPIC_WILDCARD, "MQTT-4.7.0-1", 0x81, "the will topic contains a wildcard")                              \
    RULE(TOPIC_MISSING, "3.3.2.1", 0x82, "neither a topic name nor a topic alias")                                     \
    RULE(TOPIC_EMPTY, "MQTT-4.7.3-1", 0x81, "a topic name or topic filter is empty")                                   \
    /* SUBSCRIBE, UNSUBSCRIBE */                                                                                       \
    RULE(SUBSCRIBE_EMPTY, "MQTT-3.8.3-2", 0x82, "a SUBSCRIBE without a topic filter")                                  \
    RULE(UNSUBSCRIBE_EMPTY, "MQTT-3.10.3-2", 0x82, "an UNSUBSCRIBE without a topic filter")                            \
    RULE(OPTIONS_RESERVED, "MQTT-3.8.3-5", 0x81, "reserved bits of the subscription options are set")                  \
    RULE(OPTIONS_QOS_3, "3.8.3.1", 0x82, "the requested QoS of a subscription is 3")                                   \
    RULE(OPTIONS_RETAIN_3, "3.8.3.1", 0x82, "the retain handling of a subscription is 3")                              \
    RULE(SHARED_NO_LOCAL, "MQTT-3.8.3-4", 0x82, "no local on a shared subscription")                                   \
    RULE(SHARE_NAME_EMPTY, "MQTT-4.8.2-1", 0x81, "a shared subscription without a share name")                         \
    RULE(SHARE_FILTER, "MQTT-4.8.2-2", 0x81, "a wildcard in a share name, or no topic filter behind it")               \
    /* reason codes */                                                                                                 \
    RULE(REASON_CONNACK, "MQTT-3.2.2-8", 0x82, "the reason code is not one of a CONNACK's")                            \
    RULE(REASON_PUBACK, "MQTT-3.4.2-1", 0x82, "the reason code is not one of a PUBACK's")                              \
    RULE(REASON_PUBREC, "MQTT-3.5.2-1", 0x82, "the reason code is not one of a PUBREC's")                              \
    RULE(REASON_PUBREL, "MQTT-3.6.2-1", 0x82, "the reason code is not one of a PUBREL's")                              \
    RULE(REASON_PUBCOMP, "MQTT-3.7.2-1", 0x82, "the reason code is not one of a PUBCOMP's")                            \
    RULE(REASON_SUBACK, "MQTT-3.9.3-2", 0x82, "a reason code is not one of a SUBACK's")                                \
    RULE(REASON_UNSUBACK, "MQTT-3.11.3-2", 0x82, "a reason code is not one of an UNSUBACK's")                          \
    RULE(REASON_DISCONNECT, "MQTT-3.14.2-1", 0x82, "the reason code is not one that this side's DISCONNECT may carry") \
    RULE(REASON_AUTH, "MQTT-3.15.2-1", 0x82, "the reason code is not one that this side's AUTH may carry")

enum mqtt_rule {
#define RULE_NAME(name, clause, code, text) RULE_##name,
    MQTT_RULES(RULE_NAME)
#undef RULE_NAME
};

#endif
