/* rpc/client_rig.h - for the tests of callers: machines of the simulator, clients on them, and scripted servers, all in
 * one transcript.
 *
 *     a<HELLO             server "a" has got a HELLO
 *     a<hi#2              ... a call with the argument "hi", under the second xid that it has seen
 *     a<hi#2[seq=1/1]     ... that names itself: sequence 1, all below 1 settled; also "once" of a cast: [once]
 *     a<CANCEL#2          ... that it need not go on with that one
 *     x=ho                call "x" ended with the result "ho"
 *     x!RESET             ... with this error
 *     x!!FULL             ... could not even be begun
 */
#ifndef TAMBO_RPC_CLIENT_RIG_H
#define TAMBO_RPC_CLIENT_RIG_H

#include "base/mem.h"
#include "io/sim/sim.h"
#include "rpc/client.h"
#include "wire/oncrpc.h"

enum { RIG_HOSTS = 4, RIG_PEERS = 8, RIG_CALLS = 26, RIG_LINKS = 16, RIG_HELD = 64, RIG_XIDS = 256, RIG_TEXT_MAX = 64 };

struct rig_host {
    struct mem mem;
    struct sim_machine *machine;
    struct rpc_world *world;
};

/* What a server does with a call. */
enum rig_way {
    RIG_HOLD,   /* nothing: rig_answer() and its like do it later */
    RIG_ECHO,   /* its argument is the result */
    RIG_CLOSE,  /* it leaves */
    RIG_REFUSE, /* answers with `refusal` */
};
enum rig_hello { RIG_FOREIGN, RIG_OURS, RIG_SILENT };

struct rig_peer {
    struct rig *rig; /* NULL: there is none */
    char name;
    struct rpc_door *door;
    struct rig_link {
        struct rig_peer *peer;
        struct rpc_link *link; /* NULL: none */
    } links[RIG_LINKS];
    enum rig_hello hello;
    enum rig_way way;
    struct oncrpc_reply refusal;
    uint64_t boot;
    uint32_t remembers_ms;
    struct rig_held {
        struct rpc_link *link;
        struct io_remote from;
        bool has_from;
        uint32_t xid;
    } held[RIG_HELD];
    unsigned held_count;
    uint32_t xids[RIG_XIDS];
    unsigned xid_count;
    unsigned calls; /* that came */
    uint32_t cred;  /* the flavor of the newest one's credential */
};

struct rig_call {
    struct rpc_call core;
    struct rig *rig;
    char name;
    bool is_done;
    int rc;
};

struct rig {
    struct mem mem;
    struct sim *sim;
    struct rig_host hosts[RIG_HOSTS]; /* "a" to "d" */
    struct rig_peer peers[RIG_PEERS];
    struct rig_call calls[RIG_CALLS]; /* "a" to "z" */
    struct rpc_client *freed_in_done; /* by the next call that ends */
    char log[8192];
    size_t log_len;
};

void rig_open(struct rig *rig);
/* All clients are freed by then.  0, or -1: something was left. */
int rig_close(struct rig *rig);
void rig_run(struct rig *rig, unsigned ms);
struct rig_host *rig_host(struct rig *rig, char letter);

/* On machine "d", for program 1000 version 2. */
struct rpc_client *rig_client(struct rig *rig, const char *addresses);
void rig_set(struct rpc_client *client, enum tambo_rpc_client_option option, int64_t value);
/* A server named like its machine, bound to this address. */
struct rig_peer *rig_peer(struct rig *rig, char host, const char *address, enum rig_hello hello, enum rig_way way);
/* It leaves, with all its links, and is another's memory. */
void rig_peer_close(struct rig_peer *peer);
/* The oldest call that it holds is answered, or refused with this error of a server's; or its receipt told. */
void rig_answer(struct rig_peer *peer, const char *text);
void rig_refuse(struct rig_peer *peer, int rc);
void rig_receipt(struct rig_peer *peer);
struct oncrpc_reply rig_refusal(int rc);

/* Begins call `name`: rpc_call_begin()'s return. */
int rig_call(struct rig *rig, struct rpc_client *client, char name, const char *text);
int rig_begin(struct rig *rig, struct rpc_client *client, char name, const char *text, enum rpc_form form);
void rig_cancel(struct rig *rig, char name);
bool rig_is_done(const struct rig *rig, char name);

__attribute__((format(printf, 2, 3))) void rig_note(struct rig *rig, const char *format, ...);
/* What happened since it was asked last. */
const char *rig_said(struct rig *rig, char ret[8192]);
#define EXPECT(rig, text)                                    \
    do {                                                     \
        char said_[8192];                                    \
        assert_string_equal(rig_said((rig), said_), (text)); \
    } while (0)

extern const struct tambo_rpc_procedure rig_procedure;

#endif
