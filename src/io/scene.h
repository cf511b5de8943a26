/* io/scene.h - for the tests of streams: peers that do as they are told and remember what they were told. */
#ifndef TAMBO_IO_SCENE_H
#define TAMBO_IO_SCENE_H

#include "base/mem.h"
#include "io/world.h"

enum { SCENE_PATIENCE_MS = 5000, SCENE_PEERS_MAX = 64 };

/* One end of a connection.  Bytes count up from 0, so what comes is checked by its place. */
struct peer {
    struct scene *scene;
    struct io *io;
    struct io_stream *stream;
    size_t said, read_bytes;
    unsigned opened, reads, ended, drained, closed;
    int opened_rc, ended_rc;
    bool echoes;          /* answers with what comes */
    bool closes_at_end;   /* closes when its peer has ended */
    bool closes_at_read;  /* closes at the first bytes */
    bool aborts_at_read;  /* aborts at the first bytes */
    bool pauses_at_read;  /* pauses at the first bytes */
    bool parcels_at_read; /* detaches at the first bytes */
    struct io_parcel parcel;
    bool parceled;
};

struct scene {
    struct mem mem, sibling_mem;
    struct world *world;
    struct io *io;
    struct io_listener *listener;
    struct peer client, server;
    struct peer guests[SCENE_PEERS_MAX]; /* accepted after the server */
    unsigned accepted;
    unsigned released; /* references */
};

/* For cmocka. */
int scene_open(void **state);
/* Frees the world; nothing may be left. */
int scene_close(void **state);

/* "tcp" or "unix". */
struct io_address scene_address(struct scene *scene, const char *kind);
/* Listens; the first to come is the server's, the others are guests. */
void scene_listen(struct scene *scene, const char *kind);
/* Connects the client, and runs until both know. */
void scene_meet(struct scene *scene, const char *kind);
void scene_connect(struct scene *scene, struct peer *peer, const struct io_address *address);
/* Runs until the value is at least `n`. */
bool scene_until(struct scene *scene, const unsigned *value, unsigned n);
bool scene_until_bytes(struct scene *scene, const size_t *value, size_t n);
void scene_run(struct scene *scene, unsigned ms);

extern const struct io_stream_on peer_on;
/* `n` bytes go on where the peer stopped; copied. */
void peer_say(struct peer *peer, size_t n);
/* The same by reference; the scene counts releases. */
void peer_refer(struct peer *peer, size_t n);

#endif
