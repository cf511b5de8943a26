/* Hands out work: push ENDPOINT COUNT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tambo/socket.h>

int
main(int argc, char **argv)
{
    struct tambo *context;
    struct tambo_socket *socket;
    char work[32];
    if (argc < 3 || tambo_new(&context) < 0 || tambo_socket(context, TAMBO_PUSH, &socket) < 0 ||
        tambo_connect(socket, argv[1]) < 0)
        return 1;
    for (int i = 1; i <= atoi(argv[2]); i++) {
        sprintf(work, "piece %d", i);
        tambo_send(socket, work, strlen(work), TAMBO_FOREVER);
    }
    tambo_free(context); /* waits until all of it has left */
    return 0;
}
