/* Tells the date to whoever asks: server ADDRESS, for example tcp://127.0.0.1:5001 */
#include <stdio.h>
#include <time.h>

#include "date.h"

static int
on_bin_date(void *arg, struct tambo_rpc_request *request, int32_t *ret)
{
    (void)arg;
    (void)request;
    *ret = (int32_t)time(NULL);
    return 0;
}

/* What a result points to lies in the request's arena until it is sent. */
static int
on_str_date(void *arg, struct tambo_rpc_request *request, int32_t value, char **ret)
{
    time_t when = value;
    struct tm *parts = gmtime(&when);

    (void)arg;
    *ret = tambo_arena_take(tambo_rpc_arena(request), 64);
    if (*ret == NULL)
        return -TAMBO_ERR_NO_MEMORY;
    if (parts == NULL || strftime(*ret, 64, "%a %b %e %H:%M:%S %Y", parts) == 0)
        return -TAMBO_ERR_ARGUMENTS;
    return 0;
}

static const struct date_date_vers_handlers handlers = {
    .bin_date = on_bin_date,
    .str_date = on_str_date,
};

int
main(int argc, char **argv)
{
    struct tambo *context = NULL;
    struct tambo_rpc_server *server = NULL;
    char address[256];
    int rc = argc == 2 ? tambo_new(&context) : -TAMBO_ERR_ADDRESS;

    if (rc == 0)
        rc = tambo_rpc_server(context, &server);
    if (rc == 0)
        rc = tambo_rpc_serve(server, &date_date_vers_program, &handlers, NULL);
    if (rc == 0)
        rc = tambo_rpc_listen(server, argv[1]);
    if (rc == 0)
        rc = tambo_rpc_address(server, address, sizeof(address));
    if (rc == 0) {
        printf("%s\n", address);
        fflush(stdout);
        rc = tambo_rpc_run(server, TAMBO_FOREVER);
    }
    if (rc < 0)
        fprintf(stderr, "server: %s\n", tambo_error_text(rc));
    tambo_rpc_server_free(server);
    tambo_free(context);
    return rc < 0;
}
