/* idl/write.c - the files of an interface, one after the other; see write.h. */
#include "idl/write.h"

#include "base/err.h"
#include "base/must.h"
#include "idl/writer.h"

/* clang-format off */
static const struct file {
    const char *ending;
    void (*write)(struct idl_writer *w);
    bool is_of_programs; /* not written when there are none */
} files[] = {
    { ".h",        idl_write_header, false },
    { "_xdr.c",    idl_write_xdr,    false },
    { "_client.c", idl_write_client, true  },
    { "_server.c", idl_write_server, true  },
};
static const struct file samples[] = {
    { "_client_main.c", idl_write_client_main, true },
    { "_server_main.c", idl_write_server_main, true },
    { ".mk",            idl_write_makefile,    true },
};
/* clang-format on */

static int
write_file(struct idl_writer *w, const struct file *file, const struct idl_sink *sink)
{
    struct idl_text text = idl_text_of(w->arena);
    const char *name;

    w->text = &text;
    name = idl_text_format(&text, "%s%s", w->base, file->ending);
    file->write(w);
    if (w->rc == 0 && text.torn)
        w->rc = -ERR_NO_MEMORY;
    return w->rc < 0 ? w->rc : sink->file(sink->arg, name, idl_text_view(&text));
}

static int
write_files(const struct idl *idl, const char *base, struct tambo_arena *arena, const struct idl_sink *sink,
            struct idl_fault *why, const struct file *list, size_t count)
{
    struct idl_text names = idl_text_of(arena);
    struct idl_writer w = { .idl = idl, .base = base, .arena = arena, .text = &names, .why = why };
    bool has_programs = idl_has_programs(idl);
    int rc = 0;

    w.prefix = idl_c_prefix(&w, NULL);
    if (names.torn)
        return -ERR_NO_MEMORY;
    for (size_t i = 0; i < count && rc == 0; i++)
        if (has_programs || !list[i].is_of_programs)
            rc = write_file(&w, &list[i], sink);
    return rc;
}

int
idl_write(const struct idl *idl, const char *base, struct tambo_arena *arena, const struct idl_sink *sink,
          struct idl_fault *why)
{
    return write_files(idl, base, arena, sink, why, files, COUNT_OF(files));
}

int
idl_write_sample(const struct idl *idl, const char *base, struct tambo_arena *arena, const struct idl_sink *sink,
                 struct idl_fault *why)
{
    return write_files(idl, base, arena, sink, why, samples, COUNT_OF(samples));
}
