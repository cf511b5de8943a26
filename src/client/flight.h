/* client/flight.h - what a client has asked for and what is not answered yet, by packet id.
 *
 * A message is kept as the PUBLISH frame that is sent again after a reconnect.  Each flight is on exactly one of three
 * lists, and each list is in the order in which the protocol wants things sent again:
 *
 *   waiting   not sent on this connection
 *   sent      PUBLISH sent, no PUBACK or PUBREC yet
 *   released  PUBREC came, PUBREL sent, no PUBCOMP yet (kept without its frame)
 *
 * SUBSCRIBE and UNSUBSCRIBE are on `asked`: they share the packet ids but do not outlive the connection. */
#ifndef TAMBO_CLIENT_FLIGHT_H
#define TAMBO_CLIENT_FLIGHT_H

#include "base/list.h"
#include "base/view.h"

struct mem;

enum flight_stage { FLIGHT_WAITING, FLIGHT_SENT, FLIGHT_RELEASED, FLIGHT_ASKED, FLIGHT_STAGES };

struct flight {
    struct list link;
    enum flight_stage stage;
    uint16_t packet_id;
    uint8_t qos;
    unsigned filters; /* FLIGHT_ASKED: codes that the answer must have */
    bool unsubscribe;
    uint64_t token;
    uint8_t *frame; /* the PUBLISH, owned */
    size_t frame_bytes;
};

struct flights {
    struct mem *mem;
    struct flight **slots; /* packet id - 1 */
    unsigned slot_count, messages, messages_max;
    unsigned last_slot;
    struct list stages[FLIGHT_STAGES];
};

/* 0 or -ERR_NO_MEMORY.  `messages_max` <= 65,000; some more packet ids are there for what is asked. */
int flights_init(struct flights *flights, struct mem *mem, unsigned messages_max);
void flights_fini(struct flights *flights);

/* A new flight with a free packet id, in `stage`.  -ERR_AGAIN: all are taken; -ERR_NO_MEMORY. */
int flight_new(struct flights *flights, enum flight_stage stage, struct flight **ret);
/* Moves it to the end of that stage's list. */
void flight_move(struct flights *flights, struct flight *flight, enum flight_stage stage);
/* NULL when that id is not in flight. */
struct flight *flight_find(const struct flights *flights, uint16_t packet_id);
void flight_free(struct flights *flights, struct flight *flight);
/* The frame is not needed once PUBREC has come. */
void flight_drop_frame(struct flights *flights, struct flight *flight);
/* The first of a stage, or NULL. */
struct flight *flight_first(const struct flights *flights, enum flight_stage stage);
/* The connection is gone: what was sent waits again, in front of what waited, and what was asked is forgotten. */
void flights_rewind(struct flights *flights);

#endif
