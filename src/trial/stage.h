/* trial/stage.h - a node on a simulated machine, and the clients that play on it. */
#ifndef TAMBO_TRIAL_STAGE_H
#define TAMBO_TRIAL_STAGE_H

#include "base/mem.h"
#include "base/prng.h"
#include "client/mqtt.h"
#include "node/node.h"
#include "trial/tally.h"
#include "trial/trial.h"

/* A machine that runs a node, and starts it again when it has died. */
struct station {
    struct trial *trial;
    struct sim_machine *machine;
    struct mem mem;
    struct settings settings;
    struct node *node;
    char name[16];
    uint64_t boot_at_ns; /* when it is down */
    bool down, keep_down;
    unsigned deaths;
};

enum role { ROLE_PUBLISHER, ROLE_SUBSCRIBER, ROLE_MEMBER, ROLE_KEEPER, ROLE_READER };

/* One client on a machine of its own.  It connects again whenever it has lost its connection. */
struct actor {
    struct trial *trial;
    struct station *station;
    struct sim_machine *machine;
    struct mem mem;
    struct io *io;
    struct mqtt_client *client;
    struct mqtt_client_settings settings;
    struct io_timer timer;
    enum role role;
    unsigned index; /* among those of its role, over all nodes */
    uint8_t qos, version;
    char name[24];
    uint8_t props[16]; /* session expiry */
    bool met;          /* its session exists: the node confirmed it once */
    bool subscribed;
    bool wants;        /* to be subscribed: a member of a group leaves it and joins again */
    uint32_t next_seq; /* publisher, keeper: the next to be sent */
    uint32_t again[8]; /* refused ones, to be sent once more */
    unsigned again_count;
    struct prng prng;
};

struct hand; /* trial/hand.h */

struct trial {
    const struct trial_plan *plan;
    struct mem mem;
    struct sim *sim;
    struct ledger ledger;
    struct tally tally;
    struct station *stations;
    struct actor *actors;
    unsigned actor_count;
    struct hand *hands;
    unsigned hand_count;
    bool publishing; /* from the second act on */
    bool restless;   /* the second act: members of groups come and go */
    struct prng prng;
};

int station_init(struct station *station, struct trial *trial, unsigned index);
void station_die(struct station *station, bool power);
/* Starts it again when it is time; called between steps. */
void station_tend(struct station *station);

int actor_init(struct actor *actor, struct trial *trial, struct station *station, enum role role, unsigned index);
/* A publisher or keeper with nothing left to send and nothing in flight; a subscriber that is subscribed, or has left
 * as it wants. */
bool actor_done(const struct actor *actor);
void actor_prompt(struct actor *actor);

#endif
