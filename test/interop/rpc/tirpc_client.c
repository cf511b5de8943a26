/* echo.x called with rpcgen's stubs and libtirpc:  tirpc-client tcp|udp PORT [sys] DEED [ARGUMENT]
 * Port 0 asks rpcbind. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo.h"

static CLIENT *
dial(const char *transport, u_short port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct timeval again = { 2, 0 };
    int fd = RPC_ANYSOCK;
    at.sin_port = htons(port);
    if (port == 0)
        return clnt_create("127.0.0.1", ECHO_PROG, ECHO_VERS, transport);
    if (strcmp(transport, "tcp") == 0)
        return clnttcp_create(&at, ECHO_PROG, ECHO_VERS, &fd, 0, 0);
    return clntudp_create(&at, ECHO_PROG, ECHO_VERS, again, &fd);
}

static int
do_null(CLIENT *client, const char *word)
{
    struct timeval patience = { 20, 0 };
    (void)word;
    if (clnt_call(client, NULLPROC, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_void, NULL, patience) != RPC_SUCCESS)
        return 1;
    puts("null");
    return 0;
}

static int
do_reverse(CLIENT *client, const char *word)
{
    char *arg = (char *)word;
    char **ret = reverse_2(&arg, client);
    if (ret != NULL)
        printf("%s\n", *ret);
    return ret == NULL;
}

/* A list of so many, and a line for each that comes back. */
static int
do_twice(CLIENT *client, const char *word)
{
    u_int scores[3] = { 1, 2, 3 };
    char green[] = "leaf";
    node *list = NULL;
    for (int i = atoi(word); i > 0; i--) {
        node *made = calloc(1, sizeof(*made));
        *made =
            (node){ .number = i * 10000000000, .weight = i / 4.0, .last = list == NULL, .key = "abcde", .next = list };
        made->coat.tint = i % 3 == 0 ? BLUE : i % 3 == 1 ? RED : GREEN;
        if (made->coat.tint == RED)
            made->coat.paint_u.depth = -i;
        else if (made->coat.tint == GREEN)
            made->coat.paint_u.name = green;
        made->scores.scores_len = (u_int)(i % 4);
        made->scores.scores_val = scores;
        list = made;
    }
    const node *at = twice_2(list, client);
    if (at == NULL)
        return 1;
    for (; at != NULL; at = at->next) {
        printf("%lld %g %d %.6s %d", (long long)at->number, at->weight, at->last, at->key, at->coat.tint);
        if (at->coat.tint == RED)
            printf(" %d", at->coat.paint_u.depth);
        else if (at->coat.tint == GREEN)
            printf(" %s", at->coat.paint_u.name);
        for (u_int i = 0; i < at->scores.scores_len; i++)
            printf(" %u", at->scores.scores_val[i]);
        putchar('\n');
    }
    return 0;
}

static int
do_invert(CLIENT *client, const char *word)
{
    u_int n = (u_int)atoi(word);
    blob arg = { n, malloc(n + 1) };
    for (u_int i = 0; i < n; i++)
        arg.blob_val[i] = (char)(i * 7 + i / 256);
    const blob *ret = invert_2(&arg, client);
    if (ret == NULL)
        return 1;
    for (u_int i = 0; i < n; i++) {
        if (ret->blob_len != n || ret->blob_val[i] != (char)~arg.blob_val[i])
            return puts("other bytes"), 1;
    }
    printf("inverted %u\n", ret->blob_len);
    return 0;
}

static int
do_who(CLIENT *client, const char *word)
{
    const identity *ret = who_2(NULL, client);
    (void)word;
    if (ret == NULL)
        return 1;
    printf("%u %u %u %s", ret->flavor, ret->uid, ret->gid, ret->machine);
    for (u_int i = 0; i < ret->groups.groups_len; i++)
        printf(" %u", ret->groups.groups_val[i]);
    putchar('\n');
    return 0;
}

static const struct {
    const char *name;
    int (*run)(CLIENT *client, const char *word);
} deeds[] = {
    {"null",     do_null   },
    { "reverse", do_reverse},
    { "twice",   do_twice  },
    { "invert",  do_invert },
    { "who",     do_who    },
};

int
main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    CLIENT *client = dial(argv[1], (u_short)atoi(argv[2]));
    bool sys = strcmp(argv[3], "sys") == 0;
    gid_t groups[2] = { 7, 8 };
    char machine[] = "somewhere";
    int rc = 2;
    if (client == NULL) {
        clnt_pcreateerror("create");
        return 1;
    }
    if (sys)
        client->cl_auth = authunix_create(machine, 1234, 99, 2, groups);
    const char *deed = argv[3 + sys], *word = argc > 4 + sys ? argv[4 + sys] : "";
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        if (strcmp(deeds[i].name, deed) == 0)
            rc = deeds[i].run(client, word);
    }
    if (rc == 1)
        clnt_perror(client, deed);
    return rc;
}
