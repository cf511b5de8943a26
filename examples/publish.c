/* Publishes one message on each topic when a subscriber is there: publish ENDPOINT TOPIC... */
#include <string.h>

#include <tambo/socket.h>

int
main(int argc, char **argv)
{
    struct tambo *context;
    struct tambo_socket *socket;
    if (argc < 3 || tambo_new(&context) < 0 || tambo_socket(context, TAMBO_PUB, &socket) < 0 ||
        tambo_bind(socket, argv[1]) < 0 || tambo_wait_peers(socket, 1, TAMBO_FOREVER) < 0)
        return 1;
    for (int i = 2; i < argc; i++) {
        struct tambo_part parts[] = {
            {argv[i], strlen(argv[i])},
            { "news", 4              }
        };
        tambo_send_parts(socket, parts, 2, TAMBO_FOREVER);
    }
    tambo_free(context);
    return 0;
}
