/* Asks a question and prints the answer: request ENDPOINT TEXT */
#include <stdio.h>
#include <string.h>

#include <tambo/socket.h>

int
main(int argc, char **argv)
{
    struct tambo *context;
    struct tambo_socket *socket;
    char answer[256];
    if (argc < 3 || tambo_new(&context) < 0 || tambo_socket(context, TAMBO_REQ, &socket) < 0 ||
        tambo_connect(socket, argv[1]) < 0)
        return 1;
    tambo_send(socket, argv[2], strlen(argv[2]), TAMBO_FOREVER);
    ptrdiff_t len = tambo_recv(socket, answer, sizeof(answer), TAMBO_FOREVER);
    printf("%.*s\n", (int)len, answer);
    tambo_free(context);
    return len < 0;
}
