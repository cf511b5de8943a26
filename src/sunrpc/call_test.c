/* Clients and servers of old programs in one process: the server's thread is in svc_run(), the test is the client. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <rpc/rpc.h>

#include "tambo/rpc.h"

enum { PROG = 0x31239999, VERS = 1, OTHER_VERS = 2 };
enum { ECHO = 1, SILENT, NOTE, NOTED, WHO, REFUSE, WRONG, ASK, THREAD, TORN, LEAVE };

static const struct timeval patience = { 20, 0 }, impatience = { 0, 50 * 1000 }, none = { 0, 0 };

struct stage {
    SVCXPRT *tcp, *udp, *local;
    char path[64];
    pthread_t thread;
    long noted;
    struct tambo *behind; /* whom a dispatch function asks */
    struct tambo_rpc_server *behind_server;
    u_short behind_port;
};
static struct stage stage;

/* ---- the server ------------------------------------------------------------------------------------------------- */

static void
echo(SVCXPRT *xprt)
{
    char *text = NULL;

    if (!svc_getargs(xprt, (xdrproc_t)xdr_wrapstring, &text))
        svcerr_decode(xprt);
    else
        assert_true(svc_sendreply(xprt, (xdrproc_t)xdr_wrapstring, &text));
    svc_freeargs(xprt, (xdrproc_t)xdr_wrapstring, &text);
}

static long
who(const struct svc_req *request)
{
    const struct authunix_parms *parms = request->rq_clntcred;

    if (request->rq_cred.oa_flavor != AUTH_SYS)
        return -1;
    assert_string_equal(parms->aup_machname, "here");
    assert_int_equal(parms->aup_len, 2);
    assert_int_equal(parms->aup_gids[0], 3);
    assert_int_equal(parms->aup_gids[1], 4);
    return parms->aup_uid * 1000 + parms->aup_gid;
}

/* A call within a call. */
static long
ask(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int socket = RPC_ANYSOCK;
    enum clnt_stat stat;
    CLIENT *client;

    at.sin_port = htons(stage.behind_port);
    client = clnttcp_create(&at, PROG, OTHER_VERS, &socket, 0, 0);
    assert_non_null(client);
    stat = clnt_call(client, NULLPROC, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_void, NULL, patience);
    clnt_destroy(client);
    return (long)stat;
}

static void
answer(SVCXPRT *xprt, long l)
{
    assert_true(svc_sendreply(xprt, (xdrproc_t)xdr_long, &l));
    assert_false(svc_sendreply(xprt, (xdrproc_t)xdr_long, &l)); /* one is enough */
}

static void
dispatch(struct svc_req *request, SVCXPRT *xprt)
{
    char *no_text = NULL;
    long l = 0;

    assert_int_equal(request->rq_prog, PROG);
    assert_ptr_equal(request->rq_xprt, xprt);
    switch (request->rq_proc) {
    case ECHO: echo(xprt); break;
    case SILENT: break;
    case NOTE:
        assert_true(svc_getargs(xprt, (xdrproc_t)xdr_long, &l));
        stage.noted += l;
        break;
    case NOTED: answer(xprt, stage.noted); break;
    case WHO: answer(xprt, who(request)); break;
    case REFUSE: svcerr_weakauth(xprt); break;
    case WRONG: svcerr_systemerr(xprt); break;
    case ASK: answer(xprt, ask()); break;
    case THREAD: answer(xprt, pthread_equal(pthread_self(), stage.thread)); break;
    case TORN:
        assert_false(svc_sendreply(xprt, (xdrproc_t)xdr_wrapstring, &no_text));
        svcerr_systemerr(xprt);
        break;
    case LEAVE:
        answer(xprt, 0);
        svc_exit();
        break;
    default: svcerr_noproc(xprt); break;
    }
}

static void *
serve(void *arg)
{
    (void)arg;
    svc_run();
    return NULL;
}

static const struct tambo_rpc_program behind = { .name = "behind", .program = PROG, .version = OTHER_VERS };

static void
open_behind(void)
{
    char address[64];

    assert_int_equal(tambo_new(&stage.behind), 0);
    assert_int_equal(tambo_rpc_server(stage.behind, &stage.behind_server), 0);
    assert_int_equal(tambo_rpc_server_set(stage.behind_server, TAMBO_RPC_SERVER_REGISTER, 0), 0);
    assert_int_equal(tambo_rpc_serve(stage.behind_server, &behind, NULL, NULL), 0);
    assert_int_equal(tambo_rpc_listen(stage.behind_server, "tcp://127.0.0.1:0"), 0);
    assert_int_equal(tambo_rpc_address(stage.behind_server, address, sizeof address), 0);
    stage.behind_port = (u_short)atoi(strrchr(address, ':') + 1);
}

static int
open_stage(void **state)
{
    (void)state;
    memset(&stage, 0, sizeof stage);
    open_behind();
    snprintf(stage.path, sizeof stage.path, "/tmp/tambo-sunrpc-%d", (int)getpid());
    stage.tcp = svctcp_create(RPC_ANYSOCK, 0, 0);
    stage.udp = svcudp_create(RPC_ANYSOCK);
    stage.local = svcunix_create(RPC_ANYSOCK, 0, 0, stage.path);
    assert_true(stage.tcp->xp_port > 0 && stage.udp->xp_port > 0);
    assert_true(svc_register(stage.tcp, PROG, VERS, dispatch, 0));
    assert_true(svc_register(stage.udp, PROG, VERS, dispatch, 0));
    assert_true(svc_register(stage.local, PROG, VERS, dispatch, 0));
    assert_int_equal(pthread_create(&stage.thread, NULL, serve, NULL), 0);
    return 0;
}

static int
close_stage(void **state)
{
    (void)state;
    svc_exit();
    pthread_join(stage.thread, NULL);
    svc_destroy(stage.tcp);
    svc_destroy(stage.udp);
    svc_destroy(stage.local);
    unlink(stage.path);
    tambo_rpc_server_free(stage.behind_server);
    tambo_free(stage.behind);
    return 0;
}

/* ---- the clients ------------------------------------------------------------------------------------------------ */

enum way { TCP, UDP, LOCAL, WAYS };

static CLIENT *
client_at(enum way way, u_short port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval retry = { 1, 0 };
    struct sockaddr_un path = { .sun_family = AF_UNIX };
    int socket = RPC_ANYSOCK;

    at.sin_port = htons(port);
    strcpy(path.sun_path, stage.path);
    switch (way) {
    case TCP: return clnttcp_create(&at, PROG, VERS, &socket, 0, 0);
    case UDP: return clntudp_create(&at, PROG, VERS, retry, &socket);
    default: return clntunix_create(&path, PROG, VERS, &socket, 0, 0);
    }
}

static CLIENT *
client_by(enum way way)
{
    CLIENT *client = client_at(way, way == TCP ? stage.tcp->xp_port : stage.udp->xp_port);

    assert_non_null(client);
    return client;
}

static enum clnt_stat
call(CLIENT *client, rpcproc_t proc)
{
    return clnt_call(client, proc, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_void, NULL, patience);
}

static long
ask_long(CLIENT *client, rpcproc_t proc)
{
    long l = -99;

    assert_int_equal(clnt_call(client, proc, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_long, &l, patience),
                     RPC_SUCCESS);
    return l;
}

static void
test_calls_by_every_way(void **state)
{
    (void)state;
    for (enum way way = TCP; way < WAYS; way++) {
        CLIENT *client = client_by(way);
        char *text = (char *)(uintptr_t) "hello", *back = NULL;

        assert_int_equal(call(client, NULLPROC), RPC_SUCCESS);
        assert_int_equal(
            clnt_call(client, ECHO, (xdrproc_t)xdr_wrapstring, &text, (xdrproc_t)xdr_wrapstring, &back, patience),
            RPC_SUCCESS);
        assert_string_equal(back, "hello");
        assert_true(clnt_freeres(client, (xdrproc_t)xdr_wrapstring, &back));
        assert_null(back);
        assert_int_equal(ask_long(client, THREAD), 1);
        clnt_destroy(client);
    }
}

static void
test_errors(void **state)
{
    (void)state;
    for (enum way way = TCP; way < WAYS; way++) {
        CLIENT *client = client_by(way);
        char *no_text = NULL, *back = NULL;
        rpcvers_t version = 9;
        struct rpc_err error;

        assert_int_equal(call(client, 99), RPC_PROCUNAVAIL);
        assert_string_equal(clnt_sperror(client, "99"), "99: RPC: Procedure unavailable");
        assert_int_equal(call(client, ECHO), RPC_CANTDECODEARGS);
        assert_int_equal(call(client, WRONG), RPC_SYSTEMERROR);
        assert_int_equal(call(client, TORN), RPC_SYSTEMERROR);
        assert_int_equal(call(client, REFUSE), RPC_AUTHERROR);
        clnt_geterr(client, &error);
        assert_int_equal(error.re_why, AUTH_FAILED);
        assert_int_equal(
            clnt_call(client, ECHO, (xdrproc_t)xdr_wrapstring, &no_text, (xdrproc_t)xdr_void, NULL, patience),
            RPC_CANTENCODEARGS);
        /* A long is no string: its length is not there. */
        stage.noted = 77;
        assert_int_equal(
            clnt_call(client, NOTED, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_wrapstring, &back, patience),
            RPC_CANTDECODERES);
        assert_null(back);
        assert_true(clnt_control(client, CLSET_VERS, &version));
        assert_int_equal(call(client, NULLPROC), RPC_PROGVERSMISMATCH);
        clnt_destroy(client);
    }
}

/* What is never answered is forgotten by the server: a connection may have so many of it as it likes. */
static void
test_silence(void **state)
{
    CLIENT *client = client_by(TCP);
    struct timeval time = impatience;

    (void)state;
    assert_int_equal(clnt_call(client, SILENT, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_void, NULL, impatience),
                     RPC_TIMEDOUT);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(clnt_call(client, SILENT, (xdrproc_t)xdr_void, NULL, NULL, NULL, none), RPC_SUCCESS);
    assert_int_equal(call(client, NULLPROC), RPC_SUCCESS);
    assert_true(clnt_control(client, CLSET_TIMEOUT, &time));
    assert_int_equal(call(client, SILENT), RPC_TIMEDOUT);
    clnt_destroy(client);
}

static void
test_batches(void **state)
{
    CLIENT *client = client_by(TCP), *datagrams = client_by(UDP);
    long l = 1;

    (void)state;
    stage.noted = 0;
    for (int i = 0; i < 500; i++)
        assert_int_equal(clnt_call(client, NOTE, (xdrproc_t)xdr_long, &l, NULL, NULL, none), RPC_SUCCESS);
    assert_int_equal(ask_long(client, NOTED), 500);
    /* Who wants results and does not wait has none. */
    assert_int_equal(clnt_call(datagrams, NOTED, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_long, &l, none),
                     RPC_TIMEDOUT);
    clnt_destroy(client);
    clnt_destroy(datagrams);
}

static void
test_credentials(void **state)
{
    CLIENT *client = client_by(TCP);
    gid_t groups[2] = { 3, 4 };
    char long_name[300];

    (void)state;
    assert_int_equal(ask_long(client, WHO), -1);
    auth_destroy(client->cl_auth);
    client->cl_auth = authunix_create((char *)(uintptr_t) "here", 21, 5, 2, groups);
    assert_int_equal(ask_long(client, WHO), 21005);
    auth_destroy(client->cl_auth);
    client->cl_auth = authunix_create((char *)(uintptr_t) "here", 22, 5, 2, groups);
    assert_int_equal(ask_long(client, WHO), 22005);
    auth_destroy(client->cl_auth);
    client->cl_auth = authnone_create();
    assert_int_equal(ask_long(client, WHO), -1);
    clnt_destroy(client);

    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    assert_null(authunix_create(long_name, 1, 1, 0, NULL));
    assert_null(authunix_create((char *)(uintptr_t) "here", 1, 1, 17, groups));
    client = client_by(UDP);
    client->cl_auth = authunix_create_default();
    assert_non_null(client->cl_auth);
    assert_int_equal(call(client, NULLPROC), RPC_SUCCESS);
    auth_destroy(client->cl_auth);
    clnt_destroy(client);
}

static void
test_a_call_within_a_call(void **state)
{
    CLIENT *client = client_by(TCP);

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask_long(client, ASK), RPC_SUCCESS);
    clnt_destroy(client);
}

static void
test_nobody_there(void **state)
{
    CLIENT *client = client_at(TCP, 1);
    struct sockaddr_in at;
    struct rpc_err error;

    (void)state;
    assert_int_equal(call(client, NULLPROC), RPC_CANTSEND);
    clnt_geterr(client, &error);
    assert_int_equal(error.re_errno, ECONNREFUSED);
    assert_string_equal(clnt_sperror(client, "port 1"), "port 1: RPC: Unable to send; errno = Connection refused");
    assert_true(clnt_control(client, CLGET_SERVER_ADDR, &at));
    assert_int_equal(at.sin_port, htons(1));
    clnt_destroy(client);
    assert_null(clnt_create("127.0.0.1", PROG, VERS, "appletalk"));
    assert_string_equal(clnt_spcreateerror("x"), "x: RPC: Unknown protocol");
}

static void
test_unregistered_and_registered_again(void **state)
{
    CLIENT *client = client_by(TCP);

    (void)state;
    assert_true(svc_register(stage.tcp, PROG, VERS, dispatch, 0)); /* again: the same */
    svc_unregister(PROG, VERS);
    assert_int_equal(call(client, ECHO), RPC_PROGUNAVAIL);
    assert_true(svc_register(stage.tcp, PROG, VERS, dispatch, 0));
    assert_true(svc_register(stage.udp, PROG, VERS, dispatch, 0));
    assert_true(svc_register(stage.local, PROG, VERS, dispatch, 0));
    assert_int_equal(ask_long(client, NOTED), stage.noted);
    clnt_destroy(client);
}

static void
test_svc_exit_and_svc_run_again(void **state)
{
    CLIENT *client = client_by(UDP);

    (void)state;
    assert_int_equal(ask_long(client, LEAVE), 0);
    pthread_join(stage.thread, NULL);
    assert_int_equal(pthread_create(&stage.thread, NULL, serve, NULL), 0);
    assert_int_equal(call(client, NULLPROC), RPC_SUCCESS);
    assert_int_equal(ask_long(client, NOTED), stage.noted);
    clnt_destroy(client);
}

static void
test_a_child_makes_its_own_client(void **state)
{
    CLIENT *client = client_by(TCP);
    pid_t child;
    int status = -1;

    (void)state;
    assert_int_equal(call(client, NULLPROC), RPC_SUCCESS);
    child = fork();
    if (child == 0) {
        bool is_refused = call(client, NULLPROC) == RPC_SYSTEMERROR;
        CLIENT *own = client_at(TCP, stage.tcp->xp_port);
        _exit(is_refused && own != NULL && call(own, NULLPROC) == RPC_SUCCESS ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(call(client, NULLPROC), RPC_SUCCESS);
    clnt_destroy(client);
}

/* ---- many clients at once ---------------------------------------------------------------------------------------- */

enum { CALLERS = 4, CALLS = 200 };

static void *
caller(void *arg)
{
    CLIENT *client = client_by((enum way)(uintptr_t)arg);

    for (int i = 0; i < CALLS; i++) {
        char text[32], *to = text, *back = NULL;
        snprintf(text, sizeof text, "%d", i);
        if (clnt_call(client, ECHO, (xdrproc_t)xdr_wrapstring, &to, (xdrproc_t)xdr_wrapstring, &back, patience) !=
                RPC_SUCCESS ||
            strcmp(back, text) != 0)
            return clnt_sperror(client, "caller");
        clnt_freeres(client, (xdrproc_t)xdr_wrapstring, &back);
    }
    clnt_destroy(client);
    return NULL;
}

static void
test_many_callers(void **state)
{
    pthread_t threads[CALLERS];

    (void)state;
    for (uintptr_t i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, caller, (void *)(i % WAYS)), 0);
    for (size_t i = 0; i < CALLERS; i++) {
        void *why = NULL;
        pthread_join(threads[i], &why);
        assert_null(why);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_by_every_way),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_a_call_within_a_call),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_unregistered_and_registered_again),
        cmocka_unit_test(test_svc_exit_and_svc_run_again),
        cmocka_unit_test(test_a_child_makes_its_own_client),
        cmocka_unit_test(test_many_callers),
    };

    return cmocka_run_group_tests(tests, open_stage, close_stage);
}
