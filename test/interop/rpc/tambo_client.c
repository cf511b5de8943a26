/* echo.x called with our stubs:  tambo-client tcp|udp PORT [sys] DEED [ARGUMENT], as tirpc_client.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo.h"

struct asking {
    struct tambo_rpc_client *client;
    struct tambo_arena arena;
    const char *word;
};

static int
do_null(struct asking *a)
{
    int rc = tambo_rpc_ping(a->client);
    if (rc == 0)
        puts("null");
    return rc;
}

static int
do_reverse(struct asking *a)
{
    char *text;
    int rc = echo_reverse(a->client, a->word, &a->arena, &text);
    if (rc == 0)
        puts(text);
    return rc;
}

static void
print_node(const struct node *at)
{
    printf("%lld %g %d %.6s %d", (long long)at->number, at->weight, at->last, (const char *)at->key, at->coat.tint);
    if (at->coat.tint == RED)
        printf(" %d", at->coat.u.depth);
    else if (at->coat.tint == GREEN)
        printf(" %s", at->coat.u.name);
    for (uint32_t i = 0; i < at->scores.count; i++)
        printf(" %u", at->scores.items[i]);
    putchar('\n');
}

/* A list of so many, and a line for each that comes back. */
static int
do_twice(struct asking *a)
{
    static const enum color colors[] = { BLUE, RED, GREEN };
    uint32_t scores[3] = { 1, 2, 3 };
    struct node *list = NULL, ret;
    for (int i = atoi(a->word); i > 0; i--) {
        struct node *made = tambo_arena_take(&a->arena, sizeof(*made));
        *made = (struct node){
            .number = i * 10000000000, .weight = i / 4.0, .last = list == NULL, .key = "abcde", .next = list
        };
        made->coat.tint = colors[i % 3];
        if (made->coat.tint == RED)
            made->coat.u.depth = -i;
        else if (made->coat.tint == GREEN)
            made->coat.u.name = (char *)"leaf";
        made->scores.items = scores;
        made->scores.count = (uint32_t)i % 4;
        list = made;
    }
    int rc = echo_twice(a->client, list, &a->arena, &ret);
    for (const struct node *at = &ret; rc == 0 && at != NULL; at = at->next)
        print_node(at);
    return rc;
}

static int
do_invert(struct asking *a)
{
    uint32_t n = (uint32_t)atoi(a->word);
    uint8_t *bytes = tambo_arena_take(&a->arena, n + 1);
    const blob arg = { bytes, n };
    blob ret;
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    int rc = echo_invert(a->client, &arg, &a->arena, &ret);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        if (ret.len != n || (ret.data[i] ^ bytes[i]) != 0xff)
            return puts("other bytes"), -1;
    }
    if (rc == 0)
        printf("inverted %u\n", ret.len);
    return rc;
}

static int
do_who(struct asking *a)
{
    struct identity ret;
    int rc = echo_who(a->client, &a->arena, &ret);
    if (rc < 0)
        return rc;
    printf("%u %u %u %s", ret.flavor, ret.uid, ret.gid, ret.machine);
    for (uint32_t i = 0; i < ret.groups.count; i++)
        printf(" %u", ret.groups.items[i]);
    putchar('\n');
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct asking *a);
} deeds[] = {
    {"null",     do_null   },
    { "reverse", do_reverse},
    { "twice",   do_twice  },
    { "invert",  do_invert },
    { "who",     do_who    },
};

static int
set_cred(struct asking *a)
{
    const struct tambo_rpc_cred cred = {
        .flavor = 1, .uid = 1234, .gid = 99, .machine = "somewhere", .groups = {7, 8},
                      .group_count = 2
    };
    return tambo_rpc_set_cred(a->client, &cred);
}

int
main(int argc, char **argv)
{
    struct tambo *context = NULL;
    struct asking a = { .client = NULL };
    char address[64], why[256] = "";
    int rc;

    if (argc < 4)
        return 2;
    bool sys = strcmp(argv[3], "sys") == 0;
    const char *deed = argv[3 + sys];
    a.word = argc > 4 + sys ? argv[4 + sys] : "";
    snprintf(address, sizeof(address), strcmp(argv[2], "0") == 0 ? "%s://127.0.0.1" : "%s://127.0.0.1:%s", argv[1],
             argv[2]);
    rc = tambo_new(&context);
    if (rc == 0)
        rc = echo_echo_vers_client(context, address, &a.client);
    if (rc == 0 && sys)
        rc = set_cred(&a);
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]) && rc == 0; i++) {
        if (strcmp(deeds[i].name, deed) == 0)
            rc = deeds[i].run(&a);
    }
    if (a.client != NULL)
        (void)tambo_rpc_why(a.client, why, sizeof(why));
    if (rc < 0)
        fprintf(stderr, "%s: %s (%s)\n", deed, tambo_error_text(rc), why);
    tambo_arena_free(&a.arena);
    tambo_rpc_client_free(a.client);
    tambo_free(context);
    return rc < 0;
}
