/* cmd/rpc.c - tambo rpc: remote procedure calls from the shell. */
#include "cmd/rpc.h"

#include <stdio.h>
#include <string.h>

#include "base/must.h"

static const struct verb {
    const char *name;
    command_fn *run;
    const char *help;
} verbs[] = {
    {"call",  cmd_rpc_call, "call a procedure, its arguments and results as JSON"},
    { "ping", cmd_rpc_ping, "call a program's procedure 0, which does nothing"   },
    { "list", cmd_rpc_list, "list what a machine's rpcbind knows, as rpcinfo"    },
    { "bind", cmd_rpc_bind, "be the rpcbind of this machine"                     },
};

static int
help(FILE *to)
{
    fputs("Usage: tambo rpc VERB [OPTION]... [ARGUMENT]...\n\nRemote procedure calls (ONC RPC) from the shell.\n\n"
          "Verbs:\n",
          to);
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        fprintf(to, "  %-6s %s\n", verbs[i].name, verbs[i].help);
    fputs("\n'tambo rpc VERB --help' tells its options.\n", to);
    return to == stdout ? 0 : 1;
}

int
cmd_rpc(int argc, char *const *argv)
{
    if (argc < 1)
        return help(stderr);
    if (strcmp(argv[0], "--help") == 0)
        return help(stdout);
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (strcmp(argv[0], verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "tambo rpc: unknown verb '%s'\nTry 'tambo rpc --help'.\n", argv[0]);
    return 1;
}
