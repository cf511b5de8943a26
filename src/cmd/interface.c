/* cmd/interface.c - see interface.h. */
#include "cmd/interface.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd/input.h"

static int
fail(struct interface *interface, int rc, const char *path, const char *what)
{
    snprintf(interface->why, sizeof(interface->why), "%s: %s", path, what);
    return rc;
}

static int
parse(struct interface *interface, const char *name)
{
    struct idl_fault fault;
    int rc = idl_parse(view_of(interface->text.bytes, interface->text.len), name, &interface->arena, &interface->idl,
                       &fault);
    if (rc == -ERR_PROTOCOL)
        idl_fault_print(&fault, interface->why, sizeof(interface->why));
    else if (rc < 0)
        (void)fail(interface, rc, name, err_text(rc));
    return rc;
}

static int
copy(struct interface *interface, struct view text, const char *name)
{
    struct program_output *into = &interface->text;

    into->bytes = mem_raw(interface->mem, text.len + 1);
    if (into->bytes == NULL)
        return fail(interface, -ERR_NO_MEMORY, name, err_text(-ERR_NO_MEMORY));
    if (text.len > 0)
        memcpy(into->bytes, text.data, text.len);
    into->len = text.len;
    into->room = text.len + 1;
    return 0;
}

/* ---- the preprocessor ----------------------------------------------------------------------------------------- */

static bool
has_directives(struct view text)
{
    bool at_line = true;
    for (size_t i = 0; i < text.len; i++) {
        if (at_line && text.data[i] == '#')
            return true;
        if (text.data[i] != ' ' && text.data[i] != '\t')
            at_line = text.data[i] == '\n';
    }
    return false;
}

/* Comments are kept, nothing is included that the file does not ask for, and "unix" and "linux" are names. */
static int
preprocess(struct interface *interface, const char *path, const char *const *flags, unsigned flag_count)
{
    char *argv[INTERFACE_FLAGS_MAX + 8];
    unsigned n = 0;

    argv[n++] = (char *)"cpp";
    argv[n++] = (char *)"-C";
    argv[n++] = (char *)"-std=c17";
    argv[n++] = (char *)"-ffreestanding";
    argv[n++] = (char *)"-DRPC_HDR";
    for (unsigned i = 0; i < flag_count && i < INTERFACE_FLAGS_MAX; i++)
        argv[n++] = (char *)(uintptr_t)flags[i];
    argv[n++] = (char *)(uintptr_t)path;
    argv[n] = NULL;
    int rc = program_run(argv, view_of(NULL, 0), &interface->text);
    if (rc == -ERR_NOT_FOUND)
        return fail(interface, rc, path,
                    "it has lines that begin with #, and there is no C preprocessor (cpp) for them");
    if (rc < 0)
        return fail(interface, rc, path, err_text(rc));
    return interface->text.status == 0 ? 0 : fail(interface, -ERR_INVALID, path, "the preprocessor (cpp) failed");
}

/* ---- from outside --------------------------------------------------------------------------------------------- */

int
interface_parse(struct interface *interface, struct mem *mem, struct view text, const char *name)
{
    *interface = (struct interface){ .mem = mem, .text = { .mem = mem } };
    int rc = copy(interface, text, name);
    return rc < 0 ? rc : parse(interface, name);
}

int
interface_read(struct interface *interface, struct io *io, const char *path, const char *const *flags,
               unsigned flag_count)
{
    struct complaint complaint;
    struct input input;

    input_init(&input, io);
    *interface = (struct interface){ .mem = io_mem(io), .text = { .mem = io_mem(io) } };
    int rc = input_file(&input, path, &complaint);
    if (rc < 0)
        (void)snprintf(interface->why, sizeof(interface->why), "%s", complaint.text);
    else if (flag_count > 0 || has_directives(input_all(&input)))
        rc = preprocess(interface, path, flags, flag_count);
    else
        rc = copy(interface, input_all(&input), path);
    input_fini(&input);
    return rc < 0 ? rc : parse(interface, path);
}

void
interface_fini(struct interface *interface)
{
    if (interface->mem == NULL)
        return;
    program_output_fini(&interface->text);
    tambo_arena_free(&interface->arena);
}
