/* libzmq.c - libzmq as a party; see party.h. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "party.h"

static void *context;
static char allowed[2][64];

struct named {
    const char *name;
    int value;
};

static const struct named patterns[] = {
    {"PAIR",    ZMQ_PAIR  },
    { "PUB",    ZMQ_PUB   },
    { "SUB",    ZMQ_SUB   },
    { "REQ",    ZMQ_REQ   },
    { "REP",    ZMQ_REP   },
    { "DEALER", ZMQ_DEALER},
    { "ROUTER", ZMQ_ROUTER},
    { "PULL",   ZMQ_PULL  },
    { "PUSH",   ZMQ_PUSH  },
    { "XPUB",   ZMQ_XPUB  },
    { "XSUB",   ZMQ_XSUB  },
    { NULL,     0         },
};

static const struct named numbers[] = {
    {"LINGER_MS",             ZMQ_LINGER           },
    { "SEND_MESSAGES_MAX",    ZMQ_SNDHWM           },
    { "RECV_MESSAGES_MAX",    ZMQ_RCVHWM           },
    { "HEARTBEAT_MS",         ZMQ_HEARTBEAT_IVL    },
    { "HEARTBEAT_TIMEOUT_MS", ZMQ_HEARTBEAT_TIMEOUT},
    { "RECONNECT_MS",         ZMQ_RECONNECT_IVL    },
    { "REQUEST_IDS",          ZMQ_REQ_CORRELATE    },
    { "ROUTER_MANDATORY",     ZMQ_ROUTER_MANDATORY },
    { "ROUTER_HANDOVER",      ZMQ_ROUTER_HANDOVER  },
    { "XPUB_VERBOSE",         ZMQ_XPUB_VERBOSE     },
    { "CURVE_SERVER",         ZMQ_CURVE_SERVER     },
    { "PLAIN_SERVER",         ZMQ_PLAIN_SERVER     },
    { NULL,                   0                    },
};

static const struct named texts[] = {
    {"ROUTING_ID",        ZMQ_ROUTING_ID     },
    { "PLAIN_USER",       ZMQ_PLAIN_USERNAME },
    { "PLAIN_PASSWORD",   ZMQ_PLAIN_PASSWORD },
    { "CURVE_SECRET_KEY", ZMQ_CURVE_SECRETKEY},
    { "CURVE_PUBLIC_KEY", ZMQ_CURVE_PUBLICKEY},
    { "CURVE_SERVER_KEY", ZMQ_CURVE_SERVERKEY},
    { NULL,               0                  },
};

/* -1: none. */
static int
find(const struct named *table, const char *name)
{
    for (; table->name != NULL; table++) {
        if (strcmp(table->name, name) == 0)
            return table->value;
    }
    return -1;
}

static int
result(int rc)
{
    return rc < 0 ? -errno : 0;
}

int
party_open(const char *pattern, void **ret)
{
    int none = 0;

    if (context == NULL)
        context = zmq_ctx_new();
    *ret = zmq_socket(context, find(patterns, pattern));
    return *ret == NULL ? -errno : result(zmq_setsockopt(*ret, ZMQ_LINGER, &none, sizeof none));
}

int
party_set(void *socket, const char *option, const char *value)
{
    int number = find(numbers, option), text = find(texts, option), n = (int)party_number(value);

    if (number >= 0)
        return result(zmq_setsockopt(socket, number, &n, sizeof n));
    return result(zmq_setsockopt(socket, text, value, strlen(value)));
}

int
party_bind(void *socket, const char *endpoint, char *ret, size_t size)
{
    int rc = zmq_bind(socket, endpoint);
    return result(rc < 0 ? rc : zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, ret, &size));
}

int
party_connect(void *socket, const char *endpoint)
{
    return result(zmq_connect(socket, endpoint));
}

int
party_unbind(void *socket, const char *endpoint)
{
    return result(zmq_unbind(socket, endpoint));
}

int
party_disconnect(void *socket, const char *endpoint)
{
    return result(zmq_disconnect(socket, endpoint));
}

/* XSUB has no option for it but sends a message. */
int
party_subscribe(void *socket, const struct party_part *prefix, bool on)
{
    unsigned char text[256] = { on };
    int type;
    size_t n = sizeof type;

    zmq_getsockopt(socket, ZMQ_TYPE, &type, &n);
    if (type != ZMQ_XSUB)
        return result(zmq_setsockopt(socket, on ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, prefix->data, prefix->len));
    memcpy(text + 1, prefix->data, prefix->len);
    return result(zmq_send(socket, text, prefix->len + 1, 0));
}

int
party_send(void *socket, const struct party_message *message, int wait_ms)
{
    int rc = zmq_setsockopt(socket, ZMQ_SNDTIMEO, &wait_ms, sizeof wait_ms);

    for (size_t i = 0; i < message->count && rc >= 0; i++)
        rc = zmq_send(socket, message->parts[i].data, message->parts[i].len, i + 1 < message->count ? ZMQ_SNDMORE : 0);
    return result(rc);
}

int
party_recv(void *socket, struct party_message *ret, int wait_ms)
{
    int rc = zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    bool more = rc >= 0;

    while (more) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        rc = zmq_msg_recv(&part, socket, 0);
        if (rc >= 0)
            party_add(ret, zmq_msg_data(&part), zmq_msg_size(&part));
        more = rc >= 0 && zmq_msg_more(&part);
        zmq_msg_close(&part);
    }
    return result(rc);
}

void
party_close(void *socket)
{
    zmq_close(socket);
}

/* Whoever serves ZAP would have to be ended before the context. */
void
party_end(void)
{
}

int
party_ask(void *socket, char *const *words, int count, char *ret, size_t size)
{
    (void)socket;
    (void)words;
    (void)count;
    (void)ret;
    (void)size;
    return -ENOTSUP;
}

const char *
party_error(int rc)
{
    return zmq_strerror(-rc);
}

/* ---- who may come in (RFC 27, ZAP) ------------------------------------------------------------------------- */

enum { ZAP_FRAMES = 16, ZAP_BYTES = 256 };

/* version, request id, domain, address, routing id, mechanism, user, password */
static bool
may_come(char frames[ZAP_FRAMES][ZAP_BYTES], int count)
{
    return count < 8 || strcmp(frames[5], "PLAIN") != 0 ||
           (strcmp(frames[6], allowed[0]) == 0 && strcmp(frames[7], allowed[1]) == 0);
}

static void
answer_zap(void *socket, char frames[ZAP_FRAMES][ZAP_BYTES], bool fine)
{
    const char *code = fine ? "200" : "400", *text = fine ? "OK" : "No access";

    zmq_send(socket, frames[0], strlen(frames[0]), ZMQ_SNDMORE);
    zmq_send(socket, frames[1], strlen(frames[1]), ZMQ_SNDMORE);
    zmq_send(socket, code, 3, ZMQ_SNDMORE);
    zmq_send(socket, text, strlen(text), ZMQ_SNDMORE);
    zmq_send(socket, "", 0, ZMQ_SNDMORE);
    zmq_send(socket, "", 0, 0);
}

static void *
serve_zap(void *socket)
{
    char frames[ZAP_FRAMES][ZAP_BYTES];
    int more = 1, n = 0;

    while (n >= 0) {
        int count = 0;
        do {
            n = zmq_recv(socket, frames[count % ZAP_FRAMES], ZAP_BYTES - 1, 0);
            if (n < 0)
                break;
            frames[count++ % ZAP_FRAMES][n] = '\0';
            size_t size = sizeof more;
            zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
        } while (more);
        if (n >= 0)
            answer_zap(socket, frames, may_come(frames, count));
    }
    return NULL;
}

int
party_allow(const char *user, const char *password)
{
    static void *socket;
    pthread_t thread;

    snprintf(allowed[0], sizeof allowed[0], "%s", user);
    snprintf(allowed[1], sizeof allowed[1], "%s", password);
    if (socket != NULL)
        return 0;
    if (context == NULL)
        context = zmq_ctx_new();
    socket = zmq_socket(context, ZMQ_REP);
    int rc = zmq_bind(socket, "inproc://zeromq.zap.01");
    return rc < 0 ? -errno : -pthread_create(&thread, NULL, serve_zap, socket);
}
