/* cmd/program.c - see program.h.  Both pipes are served together, so that neither side waits for the other for ever. */
#include "cmd/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

extern char **environ;

enum { READ_BYTES = 64 * 1024 };

/* Our ends and the program's; -1: closed. */
struct pipes {
    int ours_in, its_in, ours_out, its_out;
};

static int
err_here(int error)
{
    switch (error) {
    case ENOENT: return -ERR_NOT_FOUND;
    case EACCES: return -ERR_DENIED;
    case ENOMEM: return -ERR_NO_MEMORY;
    default: return -ERR_IO;
    }
}

static void
shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void
shut_all(struct pipes *p)
{
    shut(&p->ours_in);
    shut(&p->its_in);
    shut(&p->ours_out);
    shut(&p->its_out);
}

static int
open_pipes(struct pipes *ret)
{
    int in[2], out[2];

    if (pipe2(in, O_CLOEXEC) != 0)
        return -ERR_IO;
    if (pipe2(out, O_CLOEXEC) != 0) {
        shut(&in[0]);
        shut(&in[1]);
        return -ERR_IO;
    }
    *ret = (struct pipes){ .its_in = in[0], .ours_in = in[1], .ours_out = out[0], .its_out = out[1] };
    fcntl(ret->ours_in, F_SETFL, O_NONBLOCK);
    return 0;
}

static int
spawn(char *const *argv, struct pipes *p, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t usual;

    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, p->its_in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, p->its_out, STDOUT_FILENO);
    int error = posix_spawnp(ret, argv[0], &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error == 0 ? 0 : err_here(error);
}

/* A program need not read what it is given. */
static void
feed(struct pipes *p, struct view *input)
{
    ssize_t n = input->len == 0 ? 0 : write(p->ours_in, input->data, input->len);

    if (n > 0)
        *input = view_from(*input, (size_t)n);
    if (input->len == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        shut(&p->ours_in);
}

static int
hear(struct pipes *p, struct program_output *ret)
{
    if (ret->room - ret->len < READ_BYTES) {
        uint8_t *grown = mem_grow(ret->mem, ret->bytes, 2 * ret->room + READ_BYTES);
        if (grown == NULL)
            return -ERR_NO_MEMORY;
        ret->bytes = grown;
        ret->room = 2 * ret->room + READ_BYTES;
    }
    ssize_t n = read(p->ours_out, ret->bytes + ret->len, READ_BYTES);
    if (n > 0)
        ret->len += (size_t)n;
    else if (n == 0 || errno != EINTR)
        shut(&p->ours_out);
    return 0;
}

/* Until it has closed its output. */
static int
talk(struct pipes *p, struct view input, struct program_output *ret)
{
    int rc = 0;

    while (rc == 0 && p->ours_out >= 0) {
        struct pollfd fds[2] = {
            {.fd = p->ours_out, .events = POLLIN },
            { .fd = p->ours_in, .events = POLLOUT},
        };
        if (poll(fds, COUNT_OF(fds), -1) < 0 && errno != EINTR)
            return -ERR_IO;
        if (fds[1].revents != 0)
            feed(p, &input);
        if (fds[0].revents != 0)
            rc = hear(p, ret);
    }
    return rc;
}

int
program_run(char *const *argv, struct view input, struct program_output *ret)
{
    struct pipes pipes;
    pid_t pid;
    int status = 0, rc = open_pipes(&pipes);

    if (rc < 0)
        return rc;
    rc = spawn(argv, &pipes, &pid);
    shut(&pipes.its_in);
    shut(&pipes.its_out);
    if (rc < 0) {
        shut_all(&pipes);
        return rc;
    }
    rc = talk(&pipes, input, ret);
    shut_all(&pipes);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    ret->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return rc;
}

void
program_output_fini(struct program_output *output)
{
    mem_free(output->mem, output->bytes);
    output->bytes = NULL;
}
