/* Takes so many pieces of work and prints them: pull ENDPOINT COUNT */
#include <stdio.h>
#include <stdlib.h>

#include <tambo/socket.h>

int
main(int argc, char **argv)
{
    struct tambo *context;
    struct tambo_socket *socket;
    char work[256];
    if (argc < 3 || tambo_new(&context) < 0 || tambo_socket(context, TAMBO_PULL, &socket) < 0 ||
        tambo_bind(socket, argv[1]) < 0)
        return 1;
    for (int i = 0; i < atoi(argv[2]); i++) {
        ptrdiff_t len = tambo_recv(socket, work, sizeof(work), TAMBO_FOREVER);
        printf("%.*s\n", (int)len, work);
    }
    tambo_free(context);
    return 0;
}
