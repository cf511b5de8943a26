/* cmd/rpc_visit.c - see rpc_visit.h. */
#include "cmd/rpc_visit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/must.h"
#include "rpc/bind.h"

static const uint64_t NS_A_MS = 1000000, TIMEOUT_NS = UINT64_C(25000000000);

#define AT(member) .offset = offsetof(struct rpc_visit, member)

/* clang-format off */
static const struct option_row rows[] = {
    { 'u', "udp", NULL, "a HOST without a scheme is asked over udp, not tcp", OPTION_FLAG, AT(udp) },
    { 't', "timeout", "SECONDS", "a call's time in all (25)", OPTION_SECONDS, AT(timeout_ns) },
    { 0, "auth-sys", NULL, "credentials of AUTH_SYS: this user and group", OPTION_FLAG, AT(auth_sys) },
};
/* clang-format on */

void
rpc_visit_init(struct rpc_visit *visit, const char *command)
{
    *visit = (struct rpc_visit){ .command = command, .timeout_ns = TIMEOUT_NS };
}

struct option_group
rpc_visit_options(struct rpc_visit *visit)
{
    return (struct option_group){ "Server", rows, COUNT_OF(rows), visit };
}

int
rpc_visit_at(struct rpc_visit *visit, const char *word)
{
    bool has_scheme = strstr(word, "://") != NULL || strncmp(word, "unix:", 5) == 0;
    char text[sizeof(visit->address.at.host) + 32];
    int n = snprintf(text, sizeof(text), "%s%s", has_scheme ? "" : visit->udp ? "udp://" : "tcp://", word);

    if (n < 0 || (size_t)n >= sizeof(text) || rpc_address_parse(view_str(text), &visit->address) < 0)
        return complain(&visit->complaint, "'%s' is no HOST, HOST:PORT, tcp://..., udp://... or unix:PATH", word);
    return 0;
}

int
rpc_visit_failed(struct rpc_visit *visit, int rc)
{
    char why[sizeof(visit->complaint.text)] = "";

    if (visit->client != NULL)
        (void)tambo_rpc_why(visit->client, why, sizeof(why));
    (void)complain(&visit->complaint, "%s", why[0] != '\0' ? why : tambo_error_text(rc));
    return rc;
}

static int
set_options(struct rpc_visit *visit)
{
    int64_t ms = (int64_t)(visit->timeout_ns / NS_A_MS);
    int rc = tambo_rpc_set(visit->client, TAMBO_RPC_DEADLINE_MS, ms < 1 ? 1 : ms);
    if (rc == 0 && visit->auth_sys)
        rc = tambo_rpc_set(visit->client, TAMBO_RPC_AUTH_SYS, 1);
    return rc;
}

int
rpc_visit_meet(struct rpc_visit *visit, uint32_t program, uint32_t version)
{
    char text[sizeof(visit->address.at.host) + 32];
    int rc = visit->context == NULL ? tambo_new(&visit->context) : 0;

    tambo_rpc_client_free(visit->client);
    visit->client = NULL;
    rpc_address_print(&visit->address, text, sizeof(text));
    if (rc == 0)
        rc = tambo_rpc_client(visit->context, text, program, version, &visit->client);
    if (rc == 0)
        rc = set_options(visit);
    return rc < 0 ? rpc_visit_failed(visit, rc) : 0;
}

int
rpc_visit_find_port(struct rpc_visit *visit, uint32_t program, uint32_t version)
{
    bool is_udp = visit->address.transport == RPC_UDP;
    bool is_v6 = rpcbind_host_family(visit->address.at.host) == 6;
    const struct rpcbind_pmap asked = { program, version, is_udp ? 17 : 6, 0 };
    const struct rpcbind_mapping asked6 = { program, version, (char *)(is_udp ? "udp6" : "tcp6"), (char *)"",
                                            (char *)"" };
    struct tambo_arena arena = { 0 };
    char host[RPCBIND_HOST_MAX], *text = NULL;
    uint32_t port = 0;
    int rc;

    if (visit->address.at.port != 0 || (visit->address.transport != RPC_TCP && !is_udp))
        return 0;
    visit->address.at.port = RPCBIND_PORT;
    rc = rpc_visit_meet(visit, RPCBIND_PROGRAM, is_v6 ? 4 : 2);
    if (rc < 0)
        return rc;
    if (is_v6)
        rc = tambo_rpc_call(visit->client, rpc_bind_procedure(4, RPCBIND_GETADDR), &asked6, &arena, &text);
    else
        rc = tambo_rpc_call(visit->client, rpc_bind_procedure(2, RPCBIND_GETADDR), &asked, &arena, &port);
    uint16_t port6 = 0;
    if (rc == 0 && is_v6 && rpcbind_address_parse(text, host, &port6) == 0)
        port = port6;
    tambo_arena_free(&arena);
    if (rc < 0)
        return rpc_visit_failed(visit, rc);
    visit->address.at.port = (uint16_t)port;
    if (port != 0)
        return 0;
    (void)complain(&visit->complaint, "rpcbind at %s has no program %u over %s", visit->address.at.host, program,
                   is_udp ? "udp" : "tcp");
    return -TAMBO_ERR_PROGRAM;
}

int
rpc_visit_finish(struct rpc_visit *visit, int rc)
{
    static const enum rpc_exit codes[] = { [TAMBO_EXECUTED] = RPC_EXIT_FAILED,
                                           [TAMBO_NOT_EXECUTED] = RPC_EXIT_NOT_EXECUTED,
                                           [TAMBO_OUTCOME_UNKNOWN] = RPC_EXIT_UNKNOWN };
    if (rc < 0)
        (void)cmd_fail(visit->command, &visit->complaint);
    tambo_rpc_client_free(visit->client);
    tambo_free(visit->context);
    return rc < 0 ? (int)codes[tambo_rpc_outcome(rc)] : RPC_EXIT_DONE;
}
