/* Prints the first message on topics that begin with PREFIX: subscribe ENDPOINT PREFIX */
#include <stdio.h>
#include <string.h>

#include <tambo/socket.h>

int
main(int argc, char **argv)
{
    struct tambo *context;
    struct tambo_socket *socket;
    struct tambo_message *message;
    if (argc < 3 || tambo_new(&context) < 0 || tambo_socket(context, TAMBO_SUB, &socket) < 0 ||
        tambo_subscribe(socket, argv[2], strlen(argv[2])) < 0 || tambo_connect(socket, argv[1]) < 0 ||
        tambo_recv_message(socket, &message, TAMBO_FOREVER) < 0)
        return 1;
    struct tambo_part topic = tambo_message_part(message, 0), text = tambo_message_part(message, 1);
    printf("%.*s: %.*s\n", (int)topic.len, (const char *)topic.data, (int)text.len, (const char *)text.data);
    tambo_message_free(message);
    tambo_free(context);
    return 0;
}
