/* io/uv/process.c - what a loop has of its process: threads, signals, its service manager, its user. */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/uv/uv.h"

/* ---- signals ------------------------------------------------------------------------------------------------- */

struct uv_signal_watch {
    uv_signal_t handle;
    struct list link;
    io_fn *fn;
    void *arg;
};

static void
on_signal(uv_signal_t *handle, int signum)
{
    struct uv_signal_watch *watch = container_of(handle, struct uv_signal_watch, handle);
    (void)signum;
    uv_begin(container_of(handle->loop, struct uv_house, loop));
    watch->fn(watch->arg);
}

static void
on_unwatched(uv_handle_t *handle)
{
    struct uv_house *house = container_of(handle->loop, struct uv_house, loop);
    mem_free(house->io.mem, container_of((uv_signal_t *)handle, struct uv_signal_watch, handle));
}

static struct uv_signal_watch *
find_watch(struct uv_house *house, int signum)
{
    LIST_EACH(&house->signals, it) {
        struct uv_signal_watch *watch = container_of(it, struct uv_signal_watch, link);
        if (watch->handle.signum == signum)
            return watch;
    }
    return NULL;
}

static int
watch_signal(struct uv_house *house, int signum, struct uv_signal_watch **ret)
{
    struct uv_signal_watch *watch = MEM_NEW(house->io.mem, struct uv_signal_watch);
    if (watch == NULL)
        return -ERR_NO_MEMORY;
    int rc = uv_signal_init(&house->loop, &watch->handle);
    if (rc < 0) {
        mem_free(house->io.mem, watch);
        return uv_err(rc);
    }
    list_init(&watch->link);
    list_push(&house->signals, &watch->link);
    *ret = watch;
    return uv_err(uv_signal_start(&watch->handle, on_signal, signum));
}

int
uv_on_signal(struct io *io, int signum, io_fn *fn, void *arg)
{
    struct uv_house *house = uv_house_of(io);
    struct uv_signal_watch *watch = find_watch(house, signum);
    int rc = watch != NULL ? 0 : watch_signal(house, signum, &watch);
    if (rc < 0)
        return rc;
    watch->fn = fn;
    watch->arg = arg;
    return 0;
}

void
uv_signals_close(struct uv_house *house)
{
    for (struct list *l = list_pop(&house->signals); l != NULL; l = list_pop(&house->signals))
        uv_close((uv_handle_t *)&container_of(l, struct uv_signal_watch, link)->handle, on_unwatched);
}

/* ---- threads ------------------------------------------------------------------------------------------------- */

struct io_thread {
    uv_thread_t id;
    io_fn *fn;
    void *arg;
};

static void
on_thread(void *arg)
{
    struct io_thread *thread = arg;
    thread->fn(thread->arg);
}

int
uv_house_thread_start(struct io *io, io_fn *fn, void *arg, struct io_thread **ret)
{
    struct io_thread *thread = MEM_NEW(io->mem, struct io_thread);
    if (thread == NULL)
        return -ERR_NO_MEMORY;
    thread->fn = fn;
    thread->arg = arg;
    int rc = uv_thread_create(&thread->id, on_thread, thread);
    if (rc < 0) {
        mem_free(io->mem, thread);
        return uv_err(rc);
    }
    *ret = thread;
    return 0;
}

void
uv_house_thread_join(struct io *io, struct io_thread *thread)
{
    uv_thread_join(&thread->id);
    mem_free(io->mem, thread);
}

/* ---- readiness ------------------------------------------------------------------------------------------------ */

/* sd_notify(3)'s protocol: one datagram to the socket that the environment names. */
void
uv_ready(struct io *io)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)io;
    if (path == NULL || path[0] == '\0' || strlen(path) >= sizeof(address.sun_path))
        return;
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (const struct sockaddr *)&address, n);
    close(fd);
}

/* ---- identity -------------------------------------------------------------------------------------------------- */

/* Of more groups than there is room for the system tells none at all, so all of them are asked for. */
void
uv_identity(struct io *io, struct io_identity *ret)
{
    *ret = (struct io_identity){ .uid = geteuid(), .gid = getegid() };
    int count = getgroups(0, NULL);
    gid_t *groups = count > 0 ? mem_raw(io->mem, (size_t)count * sizeof(*groups)) : NULL;
    count = groups != NULL ? getgroups(count, groups) : 0;
    for (int i = 0; i < count && ret->group_count < IO_GROUPS_MAX; i++)
        if (groups[i] != ret->gid)
            ret->groups[ret->group_count++] = groups[i];
    mem_free(io->mem, groups);
    if (gethostname(ret->machine, sizeof(ret->machine) - 1) < 0)
        ret->machine[0] = '\0';
}
