/* Answers so many questions with their own words: reply ENDPOINT COUNT */
#include <stdlib.h>

#include <tambo/socket.h>

int
main(int argc, char **argv)
{
    struct tambo *context;
    struct tambo_socket *socket;
    struct tambo_message *question;
    if (argc < 3 || tambo_new(&context) < 0 || tambo_socket(context, TAMBO_REP, &socket) < 0 ||
        tambo_bind(socket, argv[1]) < 0)
        return 1;
    for (int i = 0; i < atoi(argv[2]); i++)
        if (tambo_recv_message(socket, &question, TAMBO_FOREVER) < 0 ||
            tambo_send_message(socket, question, TAMBO_FOREVER) < 0)
            return 1;
    tambo_free(context); /* waits until the last answer has left */
    return 0;
}
