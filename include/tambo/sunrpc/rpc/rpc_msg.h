/* rpc/rpc_msg.h - names of what stands in messages (RFC 5531, 9). */
#ifndef TAMBO_SUNRPC_RPC_MSG_H
#define TAMBO_SUNRPC_RPC_MSG_H

#include <rpc/auth.h>

#define RPC_MSG_VERSION  ((uint32_t)2)
#define RPC_SERVICE_PORT ((u_short)2048)

enum msg_type { CALL = 0, REPLY = 1 };
enum reply_stat { MSG_ACCEPTED = 0, MSG_DENIED = 1 };
enum accept_stat {
    SUCCESS = 0,
    PROG_UNAVAIL = 1,
    PROG_MISMATCH = 2,
    PROC_UNAVAIL = 3,
    GARBAGE_ARGS = 4,
    SYSTEM_ERR = 5,
};
enum reject_stat { RPC_MISMATCH = 0, AUTH_ERROR = 1 };

#endif
