/* cmd/cmd.h - the subcommands.  Each is one function in one file of its name, and one line in main.c's table. */
#ifndef TAMBO_CMD_CMD_H
#define TAMBO_CMD_CMD_H

#include "cmd/options.h"

/* `argv` without the command's name.  Returns the exit code: 0 done, 1 refused or failed with one line on stderr. */
typedef int command_fn(int argc, char *const *argv);

command_fn cmd_pub;
command_fn cmd_sub;
command_fn cmd_put;
command_fn cmd_get;
command_fn cmd_poll;
command_fn cmd_notify;
command_fn cmd_queue;
command_fn cmd_exchange;
command_fn cmd_bind;
command_fn cmd_unbind;
command_fn cmd_policy;
command_fn cmd_vhost;
command_fn cmd_definitions;
command_fn cmd_zmq;
command_fn cmd_rpc;
command_fn cmd_rpcgen;
command_fn cmd_bench;
command_fn cmd_serve;
command_fn cmd_sim;
command_fn cmd_log;

/* "tambo pub: ..." on stderr; returns 1. */
int cmd_fail(const char *command, const struct complaint *complaint);
/* Parses; 0 go on, else *ret is the exit code: help was printed, or a complaint. */
int cmd_options(const char *command, const struct option_spec *spec, int argc, char *const *argv, int *ret);

#endif
