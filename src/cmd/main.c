/* cmd/main.c - tambo: one binary, a subcommand a job. */
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "cmd/cmd.h"
#include "io/io.h"

/* clang-format off */
static const struct command {
    const char *name;
    command_fn *fn;
    const char *help;
} commands[] = {
    { "serve",       cmd_serve,       "run a node" },
    { "pub",         cmd_pub,         "publish messages" },
    { "sub",         cmd_sub,         "subscribe and print what comes" },
    { "put",         cmd_put,         "append messages to a queue" },
    { "get",         cmd_get,         "take messages from a queue, waiting for them" },
    { "poll",        cmd_poll,        "take a message from a queue if there is one" },
    { "notify",      cmd_notify,      "run a command for every message of a queue" },
    { "queue",       cmd_queue,       "list, show, declare, purge and delete queues" },
    { "exchange",    cmd_exchange,    "list, declare and delete exchanges" },
    { "bind",        cmd_bind,        "bind a queue or an exchange to an exchange" },
    { "unbind",      cmd_unbind,      "take a binding away" },
    { "policy",      cmd_policy,      "set, clear and list policies" },
    { "vhost",       cmd_vhost,       "list, make and end virtual hosts" },
    { "definitions", cmd_definitions, "export and import what a virtual host is made of" },
    { "zmq",         cmd_zmq,         "sockets with patterns on ZeroMQ's wire: push, pull, req, rep, pub, sub" },
    { "rpc",         cmd_rpc,         "remote procedure calls: call, ping, list, bind" },
    { "rpcgen",      cmd_rpcgen,      "write C stubs for an interface of remote procedures" },
    { "bench",       cmd_bench,       "load any MQTT server and measure it" },
    { "log",         cmd_log,         "look at a data directory, offline" },
    { "sim",         cmd_sim,         "run nodes and clients in the simulator and check their promises" },
};
/* clang-format on */

static int
help(FILE *to)
{
    fprintf(to, "Usage: tambo COMMAND [OPTION]...\n\n"
                "Communication middleware: one broker and its tools.\n\nCommands:\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].help);
    fprintf(to, "\n'tambo COMMAND --help' tells its options; each has a manual page, tambo-COMMAND(1).\n");
    return to == stdout ? 0 : 1;
}

int
main(int argc, char **argv)
{
    io_uv_host();
    if (argc < 2)
        return help(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return help(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        puts("tambo " TAMBO_VERSION);
        return 0;
    }
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].fn(argc - 2, argv + 2);
    }
    fprintf(stderr, "tambo: unknown command '%s'\nTry 'tambo --help'.\n", argv[1]);
    return 1;
}
