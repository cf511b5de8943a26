/* tambo.c - libtambo as a party; see party.h.
 *
 * Asked: `wait COUNT MS` -> peers; `stats` -> NAME=VALUE...; `event KIND MS` waits for one of that kind -> error,
 * value, endpoint, peer, text, each but the last without a space. */
#include <stdio.h>
#include <string.h>

#include "party.h"
#include "tambo/socket.h"

static struct tambo *context;
static char allowed[2][64];

struct named {
    const char *name;
    int value;
};

static const struct named patterns[] = {
    {"PAIR",    TAMBO_PAIR  },
    { "PUB",    TAMBO_PUB   },
    { "SUB",    TAMBO_SUB   },
    { "REQ",    TAMBO_REQ   },
    { "REP",    TAMBO_REP   },
    { "DEALER", TAMBO_DEALER},
    { "ROUTER", TAMBO_ROUTER},
    { "PULL",   TAMBO_PULL  },
    { "PUSH",   TAMBO_PUSH  },
    { "XPUB",   TAMBO_XPUB  },
    { "XSUB",   TAMBO_XSUB  },
    { NULL,     0           },
};

/* clang-format off */
static const struct named numbers[] = {
#define NAME(name, value, low, high, what) { #name, TAMBO_##name },
    TAMBO_OPTIONS(NAME)
#undef NAME
    { NULL, 0 }
};

static const struct named texts[] = {
#define NAME(name, bytes_max, what) { #name, TAMBO_##name },
    TAMBO_TEXTS(NAME)
#undef NAME
    { NULL, 0 }
};

static const struct named events[] = {
#define NAME(name, what) { #name, TAMBO_##name },
    TAMBO_EVENTS(NAME)
#undef NAME
    { NULL, 0 }
};
/* clang-format on */

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
admit(void *arg, const char *mechanism, const void *name, size_t name_len, const void *password, size_t password_len,
      const char *peer)
{
    (void)arg;
    (void)peer;
    if (strcmp(mechanism, "PLAIN") != 0)
        return 0;
    return strlen(allowed[0]) == name_len && memcmp(allowed[0], name, name_len) == 0 &&
                   strlen(allowed[1]) == password_len && memcmp(allowed[1], password, password_len) == 0
               ? 0
               : -TAMBO_ERR_DENIED;
}

int
party_open(const char *pattern, void **ret)
{
    struct tambo_event event;
    struct tambo_socket *socket;
    int rc = context == NULL ? tambo_new(&context) : 0;

    if (rc == 0)
        rc = tambo_socket(context, (enum tambo_pattern)find(patterns, pattern), &socket);
    if (rc < 0)
        return rc;
    *ret = socket;
    tambo_event(socket, &event, 0); /* from now on they are kept */
    tambo_set(socket, TAMBO_LINGER_MS, 0);
    return tambo_on_admit(socket, admit, NULL);
}

int
party_set(void *socket, const char *option, const char *value)
{
    int number = find(numbers, option), text = find(texts, option);

    if (number >= 0)
        return tambo_set(socket, (enum tambo_option)number, party_number(value));
    return tambo_set_text(socket, (enum tambo_option)text, value, strlen(value));
}

int
party_bind(void *socket, const char *endpoint, char *ret, size_t size)
{
    int rc = tambo_bind(socket, endpoint);
    return rc < 0 ? rc : tambo_endpoint(socket, ret, size);
}

int
party_connect(void *socket, const char *endpoint)
{
    return tambo_connect(socket, endpoint);
}

int
party_unbind(void *socket, const char *endpoint)
{
    return tambo_unbind(socket, endpoint);
}

int
party_disconnect(void *socket, const char *endpoint)
{
    return tambo_disconnect(socket, endpoint);
}

int
party_subscribe(void *socket, const struct party_part *prefix, bool on)
{
    return (on ? tambo_subscribe : tambo_unsubscribe)(socket, prefix->data, prefix->len);
}

int
party_send(void *socket, const struct party_message *message, int wait_ms)
{
    struct tambo_part parts[PARTY_PARTS_MAX];

    for (size_t i = 0; i < message->count; i++)
        parts[i] = (struct tambo_part){ message->parts[i].data, message->parts[i].len };
    return tambo_send_parts(socket, parts, message->count, wait_ms);
}

int
party_recv(void *socket, struct party_message *ret, int wait_ms)
{
    struct tambo_message *message;
    int rc = tambo_recv_message(socket, &message, wait_ms);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < tambo_message_count(message); i++) {
        struct tambo_part part = tambo_message_part(message, i);
        party_add(ret, part.data, part.len);
    }
    tambo_message_free(message);
    return 0;
}

int
party_allow(const char *user, const char *password)
{
    snprintf(allowed[0], sizeof allowed[0], "%s", user);
    snprintf(allowed[1], sizeof allowed[1], "%s", password);
    return 0;
}

void
party_close(void *socket)
{
    tambo_close(socket);
}

void
party_end(void)
{
    tambo_free(context);
}

/* ---- asked ------------------------------------------------------------------------------------------------ */

static int
tell_stats(struct tambo_socket *socket, char *ret, size_t size)
{
    struct tambo_stats s;
    int rc = tambo_stats(socket, &s);
    const struct {
        const char *name;
        uint64_t value;
    } values[] = {
        {"sent",          s.sent        },
        { "received",     s.received    },
        { "dropped",      s.dropped     },
        { "unroutable",   s.unroutable  },
        { "lost",         s.lost        },
        { "resent",       s.resent      },
        { "stale",        s.stale       },
        { "refused",      s.refused     },
        { "peers",        s.peers       },
        { "waiting_send", s.waiting_send},
        { "waiting_recv", s.waiting_recv},
    };
    size_t n = 0;

    for (size_t i = 0; i < sizeof values / sizeof values[0] && rc == 0; i++)
        n += (size_t)snprintf(ret + n, size - n, "%s%s=%llu", i == 0 ? "" : " ", values[i].name,
                              (unsigned long long)values[i].value);
    return rc;
}

static int
await_event(struct tambo_socket *socket, const char *name, int wait_ms, char *ret, size_t size)
{
    enum tambo_event_kind kind = (enum tambo_event_kind)find(events, name);
    struct tambo_event e;
    int rc;

    do
        rc = tambo_event(socket, &e, wait_ms);
    while (rc == 0 && e.kind != kind);
    if (rc == 0)
        snprintf(ret, size, "%d %lld %s %s %s", e.error, (long long)e.value, e.endpoint[0] == '\0' ? "-" : e.endpoint,
                 e.peer[0] == '\0' ? "-" : e.peer, e.text);
    return rc;
}

int
party_ask(void *socket, char *const *words, int count, char *ret, size_t size)
{
    if (strcmp(words[0], "stats") == 0)
        return tell_stats(socket, ret, size);
    if (strcmp(words[0], "event") == 0 && count == 3)
        return await_event(socket, words[1], (int)party_number(words[2]), ret, size);
    int peers = tambo_wait_peers(socket, (unsigned)party_number(words[1]), (int)party_number(words[2]));
    if (peers < 0)
        return peers;
    snprintf(ret, size, "%d", peers);
    return 0;
}

const char *
party_error(int rc)
{
    return tambo_error_text(rc);
}
