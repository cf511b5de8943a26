/* What went wrong, as text: where old programs look for it. */
#include <string.h>

#include "sunrpc/client.h"
#include "sunrpc/state.h"

/* clang-format off */
static const struct row {
    enum clnt_stat stat;
    const char *text;
} rows[] = {
    { RPC_SUCCESS,           "RPC: Success" },
    { RPC_CANTENCODEARGS,    "RPC: Can't encode arguments" },
    { RPC_CANTDECODERES,     "RPC: Can't decode result" },
    { RPC_CANTSEND,          "RPC: Unable to send" },
    { RPC_CANTRECV,          "RPC: Unable to receive" },
    { RPC_TIMEDOUT,          "RPC: Timed out" },
    { RPC_VERSMISMATCH,      "RPC: Incompatible versions of RPC" },
    { RPC_AUTHERROR,         "RPC: Authentication error" },
    { RPC_PROGUNAVAIL,       "RPC: Program unavailable" },
    { RPC_PROGVERSMISMATCH,  "RPC: Program/version mismatch" },
    { RPC_PROCUNAVAIL,       "RPC: Procedure unavailable" },
    { RPC_CANTDECODEARGS,    "RPC: Server can't decode arguments" },
    { RPC_SYSTEMERROR,       "RPC: Remote system error" },
    { RPC_UNKNOWNHOST,       "RPC: Unknown host" },
    { RPC_PMAPFAILURE,       "RPC: Port mapper failure" },
    { RPC_PROGNOTREGISTERED, "RPC: Program not registered" },
    { RPC_FAILED,            "RPC: Failed (unspecified error)" },
    { RPC_UNKNOWNPROTO,      "RPC: Unknown protocol" },
};
static const char *const whys[] = {
    [AUTH_OK] = "Authentication OK",
    [AUTH_BADCRED] = "Invalid client credential",
    [AUTH_REJECTEDCRED] = "Server rejected credential",
    [AUTH_BADVERF] = "Invalid client verifier",
    [AUTH_REJECTEDVERF] = "Server rejected verifier",
    [AUTH_TOOWEAK] = "Client credential too weak",
    [AUTH_INVALIDRESP] = "Invalid server verifier",
    [AUTH_FAILED] = "Failed (unspecified error)",
};
/* clang-format on */

static const char *
text_of(enum clnt_stat stat)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].stat == stat)
            return rows[i].text;
    return "RPC: (unknown error code)";
}

/* What an error says beyond its status; "" : nothing. */
static void
detail(const struct rpc_err *error, char *ret, size_t size)
{
    ret[0] = 0;
    switch (error->re_status) {
    case RPC_CANTSEND:
    case RPC_CANTRECV:
    case RPC_SYSTEMERROR:
        if (error->re_errno != 0)
            snprintf(ret, size, "; errno = %s", strerror(error->re_errno));
        break;
    case RPC_AUTHERROR:
        if ((size_t)error->re_why < sizeof whys / sizeof whys[0])
            snprintf(ret, size, "; why = %s", whys[error->re_why]);
        break;
    default: break;
    }
}

char *
clnt_sperrno(enum clnt_stat stat)
{
    return (char *)(uintptr_t)text_of(stat);
}

void
clnt_perrno(enum clnt_stat stat)
{
    fprintf(stderr, "%s\n", text_of(stat));
}

char *
clnt_sperror(CLIENT *client, const char *before)
{
    char *text = sun_thread()->text, more[128];
    struct rpc_err error;

    clnt_geterr(client, &error);
    detail(&error, more, sizeof more);
    snprintf(text, SUN_TEXT_MAX, "%s: %s%s", before, text_of(error.re_status), more);
    return text;
}

void
clnt_perror(CLIENT *client, const char *before)
{
    fprintf(stderr, "%s\n", clnt_sperror(client, before));
}

char *
clnt_spcreateerror(const char *before)
{
    const struct rpc_createerr *error = &get_rpc_createerr();
    char *text = sun_thread()->text, more[128];

    detail(&error->cf_error, more, sizeof more);
    /* That rpcbind cannot be asked has a reason of its own. */
    if (error->cf_stat != error->cf_error.re_status)
        snprintf(text, SUN_TEXT_MAX, "%s: %s - %s%s", before, text_of(error->cf_stat),
                 text_of(error->cf_error.re_status), more);
    else
        snprintf(text, SUN_TEXT_MAX, "%s: %s%s", before, text_of(error->cf_stat), more);
    return text;
}

void
clnt_pcreateerror(const char *before)
{
    fprintf(stderr, "%s\n", clnt_spcreateerror(before));
}
