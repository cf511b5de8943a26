/* echo.x served with our stubs:  tambo-server [register [HOST]]
 * On free ports of 127.0.0.1 or HOST, known to rpcbind or not.  Prints "tcp PORT udp PORT" when it answers; SIGTERM
 * drains it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo.h"

static int
on_reverse(void *arg, struct tambo_rpc_request *request, const char *value, char **ret)
{
    size_t n = strlen(value);
    (void)arg;
    *ret = tambo_arena_take(tambo_rpc_arena(request), n + 1);
    if (*ret == NULL)
        return -TAMBO_ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        (*ret)[i] = value[n - 1 - i];
    (*ret)[n] = '\0';
    return 0;
}

/* The arguments live as long as the request: what is told may point to them. */
static int
on_twice(void *arg, struct tambo_rpc_request *request, const struct node *value, struct node *ret)
{
    (void)arg;
    (void)request;
    *ret = *value;
    for (struct node *at = ret; at != NULL; at = at->next) {
        at->number *= 2;
        at->weight *= 2;
        at->last = !at->last;
        for (uint32_t i = 0; i < at->scores.count; i++)
            at->scores.items[i] *= 2;
    }
    return 0;
}

static int
on_invert(void *arg, struct tambo_rpc_request *request, const blob *value, blob *ret)
{
    uint8_t *bytes = tambo_arena_take(tambo_rpc_arena(request), value->len + 1);
    (void)arg;
    if (bytes == NULL)
        return -TAMBO_ERR_NO_MEMORY;
    for (uint32_t i = 0; i < value->len; i++)
        bytes[i] = (uint8_t)~value->data[i];
    *ret = (blob){ bytes, value->len };
    return 0;
}

static int
on_who(void *arg, struct tambo_rpc_request *request, struct identity *ret)
{
    const struct tambo_rpc_cred *cred = tambo_rpc_cred(request);
    (void)arg;
    *ret = (struct identity){ .flavor = cred->flavor, .machine = (char *)"" };
    if (cred->flavor == 0)
        return 0;
    ret->uid = cred->uid;
    ret->gid = cred->gid;
    ret->machine = (char *)(uintptr_t)cred->machine;
    ret->groups.items = (uint32_t *)(uintptr_t)cred->groups;
    ret->groups.count = cred->group_count;
    return 0;
}

static const struct echo_echo_vers_handlers handlers = {
    .reverse = on_reverse, .twice = on_twice, .invert = on_invert, .who = on_who
};

static int
listen_at(struct tambo_rpc_server *server, const char *transport, const char *host)
{
    char address[256];
    snprintf(address, sizeof(address), "%s://%s:0", transport, host);
    int rc = tambo_rpc_listen(server, address);
    if (rc == 0)
        rc = tambo_rpc_address(server, address, sizeof(address));
    if (rc == 0)
        printf("%s %s%c", transport, strrchr(address, ':') + 1, transport[0] == 'u' ? '\n' : ' ');
    return rc;
}

int
main(int argc, char **argv)
{
    bool registers = argc > 1 && strcmp(argv[1], "register") == 0;
    const char *host = argc > 2 ? argv[2] : "127.0.0.1";
    struct tambo_rpc_server *server = NULL;
    struct tambo *context = NULL;
    sigset_t term;
    int got, rc;

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL); /* and so in all threads */
    rc = tambo_new(&context);
    if (rc == 0)
        rc = tambo_rpc_server(context, &server);
    if (rc == 0)
        rc = tambo_rpc_server_set(server, TAMBO_RPC_SERVER_REGISTER, registers);
    if (rc == 0)
        rc = tambo_rpc_serve(server, &echo_echo_vers_program, &handlers, NULL);
    if (rc == 0)
        rc = listen_at(server, "tcp", host);
    if (rc == 0)
        rc = listen_at(server, "udp", host);
    if (rc == 0) {
        fflush(stdout);
        sigwait(&term, &got);
        rc = tambo_rpc_drain(server, 10000);
    }
    if (rc < 0)
        fprintf(stderr, "tambo-server: %s\n", tambo_error_text(rc));
    tambo_rpc_server_free(server);
    tambo_free(context);
    return rc < 0;
}
