/* cmd/rpc.h - the verbs of `tambo rpc`: a file each. */
#ifndef TAMBO_CMD_RPC_H
#define TAMBO_CMD_RPC_H

#include "cmd/cmd.h"

command_fn cmd_rpc_call;
command_fn cmd_rpc_ping;
command_fn cmd_rpc_list;
command_fn cmd_rpc_bind;

#endif
