/* client/endpoint.h - where a socket listens, or whom it calls again and again. */
#ifndef TAMBO_CLIENT_ENDPOINT_H
#define TAMBO_CLIENT_ENDPOINT_H

#include "client/pipe.h"
#include "io/io.h"

struct endpoint {
    struct list link; /* in socket->endpoints */
    struct socket *socket;
    bool is_bound, is_inproc, is_web;
    struct io_address address;
    struct view resource; /* borrowed from `text` */
    struct view path;     /* ws: the same, or "/" */
    struct io_listener *listener;
    struct list name;  /* inproc: in world->names or world->callers */
    struct pipe *pipe; /* connected: its one pipe; NULL: at rest */
    struct io_timer retry;
    unsigned attempts; /* in vain since it was reached last */
    char text[];       /* as it was given */
};

/* 0, -ERR_ADDRESS, -ERR_ADDRESS_IN_USE, -ERR_NO_MEMORY, ... */
int endpoint_bind(struct socket *socket, const char *text);
int endpoint_connect(struct socket *socket, const char *text);
/* The one of this text, or told so; NULL: none. */
struct endpoint *endpoint_find(struct socket *socket, const char *text, bool is_bound);
/* Listens no longer; its connections stay. Or: its pipe goes. */
void endpoint_free(struct endpoint *endpoint);
/* As one can connect to it. */
void endpoint_print(const struct endpoint *endpoint, char *ret, size_t len);

/* For connected ones: its pipe is ready; its connection is lost, it is to be dialed again; its pipe goes. */
void endpoint_reached(struct endpoint *endpoint);
void endpoint_retry(struct endpoint *endpoint, int error, const char *why);
void endpoint_rest(struct endpoint *endpoint);

#endif
