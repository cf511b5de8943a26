/* wire/oncrpc.h - ONC RPC version 2 (RFC 5531): the heads of messages, record marks and AUTH_SYS as plain values.
 * Pure: no I/O, no allocation, no clock.  Views borrow the input.
 *
 *     stream:    mark (4 bytes: last fragment?, length) - fragment - mark - fragment ...   (RFC 5531, 11)
 *     datagram:  one message
 *     message:   xid, CALL,  2, program, version, procedure, cred, verf - arguments
 *                xid, REPLY, accepted, verf, status - results, or what the status says
 *                xid, REPLY, denied, why
 *     auth:      flavor, length (at most 400), body, padded to four
 *
 * What Tambo's own programs say beyond that stands in the verifier of a call, under a flavor of its own, and only to
 * servers that have said that they know it (struct oncrpc_extra). */
#ifndef TAMBO_WIRE_ONCRPC_H
#define TAMBO_WIRE_ONCRPC_H

#include "base/cursor.h"
#include "base/fault.h"

enum {
    ONCRPC_MARK_BYTES = 4,
    ONCRPC_AUTH_BYTES_MAX = 400,
    ONCRPC_CALL_HEAD_BYTES_MAX = 24 + 2 * (8 + ONCRPC_AUTH_BYTES_MAX),
    ONCRPC_REPLY_HEAD_BYTES_MAX = 12 + 8 + ONCRPC_AUTH_BYTES_MAX + 12,
    ONCRPC_GROUPS_MAX = 16,   /* of AUTH_SYS */
    ONCRPC_MACHINE_MAX = 255, /* bytes of its machine name */
};

/* ---- records (RFC 5531, 11) -------------------------------------------------------------------------------- */

struct oncrpc_mark {
    bool is_last;
    uint32_t len;
};
/* ONCRPC_MARK_BYTES, or 0: need more. */
int oncrpc_mark_parse(struct view in, struct oncrpc_mark *ret);
void oncrpc_mark_write(uint8_t room[ONCRPC_MARK_BYTES], struct oncrpc_mark mark);

/* ---- messages ---------------------------------------------------------------------------------------------- */

enum oncrpc_flavor {
    ONCRPC_AUTH_NONE = 0,
    ONCRPC_AUTH_SYS = 1,
    ONCRPC_AUTH_SHORT = 2,
    ONCRPC_AUTH_TAMBO = 0x2074616d, /* far above those that IANA gives out, one after the other from 400,000 */
};

struct oncrpc_auth {
    uint32_t flavor;
    struct view body;
};

enum oncrpc_status {
    /* accepted: accept_stat */
    ONCRPC_SUCCESS = 0,
    ONCRPC_PROG_UNAVAIL = 1,
    ONCRPC_PROG_MISMATCH = 2, /* low, high */
    ONCRPC_PROC_UNAVAIL = 3,
    ONCRPC_GARBAGE_ARGS = 4,
    ONCRPC_SYSTEM_ERR = 5,
    /* denied: reject_stat + ONCRPC_RPC_MISMATCH */
    ONCRPC_RPC_MISMATCH = 16, /* low, high */
    ONCRPC_AUTH_ERROR = 17,   /* auth_stat */
};
/* Of the auth_stats of RFC 5531, 9: "verifier expired or replayed". */
enum { ONCRPC_AUTH_REJECTEDVERF = 4 };

struct oncrpc_call {
    uint32_t program, version, procedure;
    struct oncrpc_auth cred, verf;
};
struct oncrpc_reply {
    enum oncrpc_status status;
    uint32_t low, high; /* of the two mismatches */
    uint32_t auth_stat; /* enum auth_stat of RFC 5531, 9 */
    struct oncrpc_auth verf;
};
struct oncrpc_message {
    uint32_t xid;
    bool is_reply;
    union {
        struct oncrpc_call call;
        struct oncrpc_reply reply;
    };
    struct view body; /* arguments or results */
};

/* `in` is one whole message.  0 or -ERR_PROTOCOL.  A call of another RPC version is -ERR_VERSION, with ret->xid set: it
 * is answered with ONCRPC_RPC_MISMATCH 2 to 2. */
int oncrpc_parse(struct view in, struct oncrpc_message *ret, struct fault *why);
/* The head alone; the body follows behind it. */
void oncrpc_call_write(struct pen *pen, uint32_t xid, const struct oncrpc_call *call);
void oncrpc_reply_write(struct pen *pen, uint32_t xid, const struct oncrpc_reply *reply);

/* "PROG_UNAVAIL", "AUTH_BADCRED". */
const char *oncrpc_status_name(enum oncrpc_status status);
const char *oncrpc_auth_stat_name(uint32_t auth_stat);
/* The reply that tells a server's -ERR_X, or success for 0; the two mismatches leave `low` and `high` to the caller.
 * ONC RPC has no word for a server that is overloaded: that is a SYSTEM_ERR, whose verifier has one of ours. */
struct oncrpc_reply oncrpc_reply_of(int err);
/* What it is to a client: 0 or -ERR_X. */
int oncrpc_reply_err(const struct oncrpc_reply *reply);

/* ---- credentials (RFC 5531, appendix A) -------------------------------------------------------------------- */

struct oncrpc_sys {
    uint32_t stamp, uid, gid;
    struct view machine;
    uint32_t groups[ONCRPC_GROUPS_MAX];
    unsigned group_count;
};
int oncrpc_sys_parse(struct view body, struct oncrpc_sys *ret, struct fault *why);
void oncrpc_sys_write(struct pen *pen, const struct oncrpc_sys *sys);

/* ---- what Tambo's own say ---------------------------------------------------------------------------------- */

enum oncrpc_extra_flag {
    ONCRPC_EXTRA_ONE_WAY = 1, /* no reply */
    ONCRPC_EXTRA_RECEIPT = 2, /* tell when the call is accepted; no reply */
    ONCRPC_EXTRA_ONCE = 4,    /* at most once: `client` and `sequence` name the call */
};
/* The body of a verifier of flavor ONCRPC_AUTH_TAMBO: 48 bytes, XDR. */
struct oncrpc_extra {
    uint32_t flags;
    uint32_t left_ms; /* until the caller's deadline; 0: none */
    uint8_t client[16];
    uint64_t sequence; /* of this client's calls; a retry has the same */
    uint64_t settled;  /* all below are answered, and need not be remembered */
    /* With ONCRPC_EXTRA_ONCE: the server's boot, as it told (rpc/extra.h).  A server of another boot does not know
     * whether the call was executed already: it does not, and answers ONCRPC_AUTH_REJECTEDVERF. */
    uint64_t boot;
};
enum { ONCRPC_EXTRA_BYTES = 48 };
int oncrpc_extra_parse(struct view body, struct oncrpc_extra *ret, struct fault *why);
void oncrpc_extra_write(struct pen *pen, const struct oncrpc_extra *extra);

#endif
