/* cmd/cmd.c - what every subcommand does with its command line. */
#include "cmd/cmd.h"

#include <stdio.h>

int
cmd_fail(const char *command, const struct complaint *complaint)
{
    fprintf(stderr, "tambo %s: %s\n", command, complaint->text);
    return 1;
}

int
cmd_options(const char *command, const struct option_spec *spec, int argc, char *const *argv, int *ret)
{
    struct complaint complaint;
    int rc = options_parse(spec, argc, argv, &complaint);

    if (rc == OPTIONS_DONE)
        return 0;
    if (rc == OPTIONS_HELP) {
        options_help(spec);
        *ret = 0;
        return 1;
    }
    *ret = cmd_fail(command, &complaint);
    fprintf(stderr, "Try 'tambo %s --help'.\n", command);
    return 1;
}
