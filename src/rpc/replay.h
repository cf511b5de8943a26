/* rpc/replay.h - what a server remembers of calls, so that one that comes again is not executed again.
 *
 *     replay      entries by key, bounded in count, bytes and age
 *       entry     a call under way, or its reply
 *       client    a caller of ours: below which sequence it has all its replies (settled), and below which we no longer
 *                 know (forgotten)
 *
 * A key is (client, sequence) of a call that says so, or (address, xid, program, version, procedure, hash of the
 * arguments) of a foreign datagram.  Replies are let go of oldest first when there is no room, or when they are old; of
 * ours the client's line `forgotten` rises then, so that the call is refused if it comes again, and not executed. A
 * client itself is remembered for as long as a call of it may come again.  So a call is either known, or new, or
 * refused, whatever the bounds are. */
#ifndef TAMBO_RPC_REPLAY_H
#define TAMBO_RPC_REPLAY_H

#include "base/list.h"
#include "base/map.h"
#include "io/io.h"

struct mem;
struct rpc_request;

enum { REPLAY_CLIENT_BYTES = 16, REPLAY_KEY_BYTES = 56 };

struct replay_key {
    uint64_t hash;
    bool is_clients;            /* its bytes begin with the client */
    uint64_t sequence, settled; /* of a client's */
    uint8_t len;
    uint8_t bytes[REPLAY_KEY_BYTES];
};
/* All calls of this client below `settled` are answered, it says. */
void replay_key_client(struct replay_key *ret, const uint8_t client[REPLAY_CLIENT_BYTES], uint64_t sequence,
                       uint64_t settled);
struct replay_datagram {
    const struct io_remote *from;
    uint32_t xid, program, version, procedure;
    struct view args;
};
void replay_key_datagram(struct replay_key *ret, const struct replay_datagram *datagram);

struct replay_client;
struct replay_entry {
    struct list age;       /* in `answered` */
    struct list at_client; /* of a client's: in order of coming */
    struct replay_client *client;
    struct rpc_request *request; /* under way; NULL: answered */
    uint8_t *reply;              /* NULL: there is none, and never will be */
    size_t reply_bytes;
    uint64_t answered_ns;
    struct replay_key key;
};

struct replay {
    struct mem *mem;
    struct map entries, clients;
    struct list answered; /* entries, oldest first */
    struct list idle;     /* clients without entries, oldest first */
    size_t answered_count, bytes;
    size_t count_max, bytes_max;
    uint64_t keep_ns;
};

void replay_init(struct replay *replay, struct mem *mem);
/* Requests under way are the caller's matter. */
void replay_fini(struct replay *replay);
/* Nothing is remembered where one of the three is 0. */
void replay_limit(struct replay *replay, size_t count_max, size_t bytes_max, uint64_t keep_ns);
bool replay_is_on(const struct replay *replay);

enum replay_verdict {
    REPLAY_NEW,
    REPLAY_UNDER_WAY, /* *ret */
    REPLAY_ANSWERED,  /* *ret */
    REPLAY_SETTLED,   /* its client has had the reply */
    REPLAY_FORGOTTEN, /* it may have been executed */
};
enum replay_verdict replay_look(const struct replay *replay, const struct replay_key *key, struct replay_entry **ret);
/* The call is new and about to be executed.  0; -ERR_OVERLOADED: there is no room; -ERR_NO_MEMORY. */
int replay_begin(struct replay *replay, const struct replay_key *key, struct rpc_request *request, uint64_t now_ns,
                 struct replay_entry **ret);
/* It was: this is its reply, copied; empty: it has none.  One that there is no room for is forgotten, in the sense
 * above. */
void replay_end(struct replay *replay, struct replay_entry *entry, struct view reply, uint64_t now_ns);

/* When something will be too old; UINT64_MAX: nothing is. */
uint64_t replay_due_ns(const struct replay *replay);
void replay_expire(struct replay *replay, uint64_t now_ns);

#endif
