/* Asks a server for the date, as a number and as a text: client ADDRESS */
#include <stdio.h>

#include "date.h"

int
main(int argc, char **argv)
{
    struct tambo *context = NULL;
    struct tambo_rpc_client *client = NULL;
    struct tambo_arena arena = { 0 };
    int32_t seconds;
    char *text;
    int rc = argc == 2 ? tambo_new(&context) : -TAMBO_ERR_ADDRESS;

    if (rc == 0)
        rc = date_date_vers_client(context, argv[1], &client);
    if (rc == 0)
        rc = date_bin_date(client, &seconds);
    if (rc == 0)
        rc = date_str_date(client, seconds, &arena, &text);
    if (rc == 0)
        printf("%d\n%s\n", (int)seconds, text);
    else
        fprintf(stderr, "client: %s\n", tambo_error_text(rc));
    tambo_arena_free(&arena);
    tambo_rpc_client_free(client);
    tambo_free(context);
    return rc < 0;
}
