/* The interfaces of rstatd and rusersd, as Debian's rpcsvc-proto has them, served with our stubs to its rup and rusers:
 * a machine that has been up for a day, an hour and a minute, with loads of 1.25, 0.50 and 0.25, and two users. */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "rstat.h"
#include "rusers.h"
#include "rusers2.h"

enum { UP_S = 86400 + 3600 + 60, SCALE = 256 };

static const int32_t loads[3] = { SCALE * 5 / 4, SCALE / 2, SCALE / 4 };

/* ---- rstat, by version ---------------------------------------------------------------------------------------- */

static int
on_stats_3(void *arg, struct tambo_rpc_request *request, struct statstime *ret)
{
    uint32_t now = (uint32_t)time(NULL);
    (void)arg, (void)request;
    *ret = (struct statstime){
        .boottime = {now - UP_S, 0},
          .curtime = { now,       0},
          .if_opackets = 7
    };
    for (int i = 0; i < 3; i++)
        ret->avenrun[i] = loads[i];
    return 0;
}

static int
on_stats_2(void *arg, struct tambo_rpc_request *request, struct statsswtch *ret)
{
    (void)arg, (void)request;
    *ret = (struct statsswtch){
        .boottime = {(uint32_t)time(NULL) - UP_S, 0}
    };
    for (int i = 0; i < 3; i++)
        ret->avenrun[i] = (uint32_t)loads[i];
    return 0;
}

static int
on_stats_1(void *arg, struct tambo_rpc_request *request, struct stats *ret)
{
    (void)arg, (void)request;
    *ret = (struct stats){ .if_opackets = 7 };
    return 0;
}

static int
on_havedisk(void *arg, struct tambo_rpc_request *request, uint32_t *ret)
{
    (void)arg, (void)request;
    *ret = 1;
    return 0;
}

static const struct rstat_rstatvers_time_handlers rstat_3 = { on_stats_3, on_havedisk };
static const struct rstat_rstatvers_swtch_handlers rstat_2 = { on_stats_2, on_havedisk };
static const struct rstat_rstatvers_orig_handlers rstat_1 = { on_stats_1, on_havedisk };

/* ---- rusers --------------------------------------------------------------------------------------------------- */

static int
on_num(void *arg, struct tambo_rpc_request *request, int32_t *ret)
{
    (void)arg, (void)request;
    *ret = 2;
    return 0;
}

static int
on_names(void *arg, struct tambo_rpc_request *request, utmp_array *ret)
{
    int32_t now = (int32_t)time(NULL);
    (void)arg;
    ret->items = tambo_arena_take(tambo_rpc_arena(request), 2 * sizeof(*ret->items));
    if (ret->items == NULL)
        return -TAMBO_ERR_NO_MEMORY;
    ret->count = 2;
    ret->items[0] = (struct rusers_utmp){ (char *)"ana", (char *)"tty1", (char *)"", RUSERS_USER_PROCESS, now, 0 };
    ret->items[1] =
        (struct rusers_utmp){ (char *)"bo", (char *)"pts/0", (char *)"far.example", RUSERS_USER_PROCESS, now, 5 };
    return 0;
}

/* Fields of version 2 are filled with zeros. */
static int
on_old_names(void *arg, struct tambo_rpc_request *request, utmp_idle_array *ret)
{
    static const uint8_t names[2][8] = { "ana", "bo" }, lines[2][8] = { "tty1", "pts/0" };
    static const uint8_t hosts[2][16] = { "", "far.example" };
    (void)arg;
    ret->items = tambo_arena_take(tambo_rpc_arena(request), 2 * sizeof(*ret->items));
    if (ret->items == NULL)
        return -TAMBO_ERR_NO_MEMORY;
    ret->count = 2;
    for (int i = 0; i < 2; i++)
        ret->items[i] = (struct utmp_idle){
            {{ lines[i], 8 }, { names[i], 8 }, { hosts[i], 16 }, (int32_t)time(NULL)},
            (uint32_t)i * 5
        };
    return 0;
}

static const struct rusers_rusersvers_3_handlers rusers_3 = { on_num, on_names, on_names };
static const struct rusers2_rusers_idle_handlers rusers_2 = { on_num, on_old_names, on_old_names };

/* ---- the server ----------------------------------------------------------------------------------------------- */

static int
serve(struct tambo_rpc_server *server)
{
    int rc = tambo_rpc_serve(server, &rstat_rstatvers_time_program, &rstat_3, NULL);
    if (rc == 0)
        rc = tambo_rpc_serve(server, &rstat_rstatvers_swtch_program, &rstat_2, NULL);
    if (rc == 0)
        rc = tambo_rpc_serve(server, &rstat_rstatvers_orig_program, &rstat_1, NULL);
    if (rc == 0)
        rc = tambo_rpc_serve(server, &rusers_rusersvers_3_program, &rusers_3, NULL);
    if (rc == 0)
        rc = tambo_rpc_serve(server, &rusers2_rusers_idle_program, &rusers_2, NULL);
    if (rc == 0)
        rc = tambo_rpc_listen(server, "tcp://127.0.0.1:0");
    return rc < 0 ? rc : tambo_rpc_listen(server, "udp://127.0.0.1:0");
}

int
main(void)
{
    struct tambo_rpc_server *server = NULL;
    struct tambo *context = NULL;
    sigset_t term;
    int got;

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL); /* and so in all threads */
    int rc = tambo_new(&context);
    if (rc == 0)
        rc = tambo_rpc_server(context, &server);
    if (rc == 0)
        rc = serve(server);
    if (rc == 0) {
        puts("serving");
        fflush(stdout);
        sigwait(&term, &got);
        rc = tambo_rpc_drain(server, 10000);
    }
    if (rc < 0)
        fprintf(stderr, "rstat-server: %s\n", tambo_error_text(rc));
    tambo_rpc_server_free(server);
    tambo_free(context);
    return rc < 0;
}
