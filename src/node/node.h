/* node/node.h - one whole broker: its shards, listeners, $SYS topics, reload and stop.
 *
 * Shard 0 lives on the loop it is given; the others get loops and threads of their own (in the simulator: loops of the
 * same machine). */
#ifndef TAMBO_NODE_NODE_H
#define TAMBO_NODE_NODE_H

#include "node/line.h"
#include "node/settings.h"
#include "shard/shard.h"

struct node;

struct node_owner {
    void *arg;
    /* A line for the operator, from any shard's thread. */
    void (*say)(void *arg, const struct line *line);
    /* The node has stopped gracefully: everything is on disk; node_free may follow. On shard 0's thread. */
    void (*stopped)(void *arg);
};

int node_new(struct io *io, const struct settings *settings, const struct node_owner *owner, struct node **ret);
/* Locks the data directory, opens every shard's log and replays it (blocking), then listens.  `cores` is what `shards:
 * 0` means.  On failure *retfault names the setting, and node_free is all that may follow. */
int node_open(struct node *node, unsigned cores, struct settings_fault *retfault);
/* Starts the other shards' threads; shard 0 runs as soon as its loop does. */
int node_start(struct node *node);
unsigned node_shards(const struct node *node);
/* Address `i` as it was bound; false past the last. */
bool node_address(const struct node *node, unsigned i, struct io_address *ret);
/* What is LIVE in `news` takes effect. On shard 0's thread. */
void node_reload(struct node *node, const struct settings *news);
/* Graceful; owner->stopped follows.  On shard 0's thread. */
void node_stop(struct node *node);
/* Frees at once, without writing anything: after `stopped`, when node_open failed, or when the machine lost its power.
 * The loop of shard 0 stays the caller's. */
void node_free(struct node *node);
struct shard *node_shard(struct node *node, unsigned index);

#endif
