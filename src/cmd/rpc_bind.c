/* cmd/rpc_bind.c - tambo rpc bind: the built-in rpcbind, in the foreground. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "cmd/rpc.h"
#include "rpc/binder.h"

enum { ADDRESSES_MAX = 16 };

struct binding {
    const char *addresses[ADDRESSES_MAX];
    unsigned address_count;
    struct mem mem;
    struct io *io;
    struct rpc_world *world;
    struct rpc_binder *binder;
    struct complaint complaint;
};

static int
add_address(void *into, char *const *words, struct complaint *complaint)
{
    struct binding *binding = into;
    if (binding->address_count == ADDRESSES_MAX)
        return complain(complaint, "--listen: more than %d", ADDRESSES_MAX);
    binding->addresses[binding->address_count++] = words[0];
    return 0;
}

static const struct option_row rows[] = {
    {'l', "listen", "ADDRESS",
     "HOST[:PORT] for tcp and udp, or tcp://HOST[:PORT], udp://HOST[:PORT]; repeatable (127.0.0.1, port 111)", OPTION_CALL, .parse = add_address},
};

/* ---- listening ------------------------------------------------------------------------------------------------ */

/* "HOST:0" is any free port; "HOST" is rpcbind's. */
static bool
says_no_port(const struct rpc_address *address, const char *text)
{
    size_t n = strlen(text);
    return address->at.port == 0 && (n < 2 || strcmp(text + n - 2, ":0") != 0);
}

static int
listen_one(struct binding *binding, const char *scheme, const char *word, uint16_t *port)
{
    struct rpc_address address, bound;
    char text[200];
    int n = snprintf(text, sizeof(text), "%s%s", scheme, word);
    int rc = n < 0 || (size_t)n >= sizeof(text) ? -ERR_ADDRESS : rpc_address_parse(view_str(text), &address);

    if (rc == 0 && address.transport != RPC_TCP && address.transport != RPC_UDP)
        rc = -ERR_ADDRESS;
    if (rc == 0 && says_no_port(&address, text))
        address.at.port = RPCBIND_PORT;
    if (rc == 0 && *port != 0)
        address.at.port = *port;
    if (rc == 0)
        rc = rpc_binder_listen(binding->binder, &address, &bound);
    if (rc < 0)
        return complain(&binding->complaint, "cannot listen on %s: %s", text, err_text(rc));
    rpc_address_print(&bound, text, sizeof(text));
    printf("listening on %s\n", text);
    *port = bound.at.port;
    return 0;
}

/* Without a scheme tcp and udp, on one port. */
static int
listen_at(struct binding *binding, const char *word)
{
    uint16_t port = 0;
    if (strstr(word, "://") != NULL)
        return listen_one(binding, "", word, &port);
    int rc = listen_one(binding, "tcp://", word, &port);
    return rc < 0 ? rc : listen_one(binding, "udp://", word, &port);
}

static int
listen_all(struct binding *binding)
{
    int rc = binding->address_count == 0 ? listen_at(binding, "127.0.0.1") : 0;
    for (unsigned i = 0; i < binding->address_count && rc == 0; i++)
        rc = listen_at(binding, binding->addresses[i]);
    return rc;
}

/* ---- its life ------------------------------------------------------------------------------------------------- */

static void
on_signal(void *arg)
{
    io_stop(arg);
}

static int
begin(struct binding *binding)
{
    int rc = io_uv_new(&binding->mem, &binding->io);
    if (rc == 0)
        rc = rpc_world_new(binding->io, &binding->world);
    if (rc == 0)
        rc = rpc_binder_new(binding->world, &binding->binder);
    if (rc == 0)
        rc = io_on_signal(binding->io, SIGTERM, on_signal, binding->io);
    if (rc == 0)
        rc = io_on_signal(binding->io, SIGINT, on_signal, binding->io);
    return rc < 0 ? complain(&binding->complaint, "%s", err_text(rc)) : listen_all(binding);
}

/* Links that are closed go in later turns. */
static void
end(struct binding *binding)
{
    rpc_binder_free(binding->binder);
    if (binding->world != NULL && rpc_world_count(binding->world) > 0) {
        rpc_world_on_idle(binding->world, on_signal, binding->io);
        (void)io_run(binding->io);
    }
    rpc_world_free(binding->world);
    io_free(binding->io);
}

int
cmd_rpc_bind(int argc, char *const *argv)
{
    struct binding binding = { 0 };
    const struct option_group group = { "Options", rows, COUNT_OF(rows), &binding };
    const struct option_spec spec = {
        .usage = "tambo rpc bind [OPTION]...",
        .about = "Tells clients at which port a program is served (rpcbind versions 2, 3 and 4), in the foreground.  "
                 "Programs of this machine register themselves.  SIGTERM and SIGINT end it.",
        .groups = &group,
        .group_count = 1,
    };
    int code;

    if (cmd_options("rpc bind", &spec, argc, argv, &code) != 0)
        return code;
    int rc = begin(&binding);
    if (rc == 0) {
        fflush(stdout);
        io_ready(binding.io);
        (void)io_run(binding.io);
    }
    end(&binding);
    return rc < 0 ? cmd_fail("rpc bind", &binding.complaint) : 0;
}
