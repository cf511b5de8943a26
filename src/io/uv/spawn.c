/* io/uv/spawn.c - programs: started with bytes on their standard input, until they exit. */
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/uv/uv.h"

struct uv_program {
    uv_process_t process;
    uv_pipe_t pipe; /* its standard input */
    uv_write_t write;
    struct list link; /* in house->programs */
    struct mem *mem;
    io_exit_fn *exited; /* NULL: nobody wants to know */
    void *arg;
    int status;
    unsigned open; /* handles that are not closed yet */
};

static void
on_handle_closed(uv_handle_t *handle)
{
    struct uv_program *program = handle->data;
    io_exit_fn *exited = program->exited;
    void *arg = program->arg;
    int status = program->status;

    if (--program->open > 0)
        return;
    uv_begin(container_of(handle->loop, struct uv_house, loop));
    list_cut(&program->link);
    mem_free(program->mem, program);
    if (exited != NULL)
        exited(arg, status);
}

static void
close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

static void
on_exit(uv_process_t *process, int64_t status, int signum)
{
    struct uv_program *program = process->data;
    program->status = signum != 0 ? 128 + signum : (int)status;
    close_handle((uv_handle_t *)&program->process);
    close_handle((uv_handle_t *)&program->pipe);
}

/* A program need not read its input: then the rest of it is nobody's. */
static void
on_written(uv_write_t *write, int status)
{
    struct uv_program *program = container_of(write, struct uv_program, write);
    (void)status;
    close_handle((uv_handle_t *)&program->pipe);
}

/* Our own environment and what comes on top; NULL without memory. */
static char **
join_environment(struct mem *mem, char *const *more)
{
    size_t own = 0, added = 0;
    while (environ[own] != NULL)
        own++;
    while (more[added] != NULL)
        added++;
    char **all = mem_new(mem, (own + added + 1) * sizeof *all);
    if (all == NULL)
        return NULL;
    memcpy(all, environ, own * sizeof *all);
    memcpy(all + own, more, added * sizeof *all);
    return all;
}

static int
start(struct uv_house *house, struct uv_program *program, const struct io_program *what, char **env)
{
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&program->pipe},
        { .flags = UV_INHERIT_FD,                    .data.fd = STDOUT_FILENO                    },
        { .flags = UV_INHERIT_FD,                    .data.fd = STDERR_FILENO                    },
    };
    uv_process_options_t options = {
        .exit_cb = on_exit,
        .file = what->argv[0],
        .args = (char **)(uintptr_t)what->argv,
        .env = env,
        .stdio = stdio,
        .stdio_count = 3,
    };
    uv_buf_t input = uv_buf_init((char *)(uintptr_t)what->input.data, (unsigned)what->input.len);

    uv_pipe_init(&house->loop, &program->pipe, 0);
    program->process.data = program->pipe.data = program;
    program->open = 2;
    list_push(&house->programs, &program->link);
    int rc = uv_spawn(&house->loop, &program->process, &options);
    if (rc == 0 && uv_write(&program->write, (uv_stream_t *)&program->pipe, &input, 1, on_written) < 0)
        close_handle((uv_handle_t *)&program->pipe);
    return rc;
}

int
uv_program_spawn(struct io *io, const struct io_program *what, io_exit_fn *exited, void *arg)
{
    struct uv_house *house = uv_house_of(io);
    char **env = join_environment(io->mem, what->env);
    struct uv_program *program = env == NULL ? NULL : MEM_NEW(io->mem, struct uv_program);

    if (program == NULL) {
        mem_free(io->mem, env);
        return -ERR_NO_MEMORY;
    }
    program->mem = io->mem;
    list_init(&program->link);
    int rc = start(house, program, what, env);
    mem_free(io->mem, env);
    if (rc < 0) {
        close_handle((uv_handle_t *)&program->process);
        close_handle((uv_handle_t *)&program->pipe);
        return uv_err(rc);
    }
    program->exited = exited;
    program->arg = arg;
    return 0;
}

void
uv_programs_close(struct uv_house *house)
{
    LIST_EACH(&house->programs, l) {
        struct uv_program *program = container_of(l, struct uv_program, link);
        program->exited = NULL;
        close_handle((uv_handle_t *)&program->process);
        close_handle((uv_handle_t *)&program->pipe);
    }
}
