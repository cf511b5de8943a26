/* cmd/rpcgen.c - tambo rpcgen: an interface in, C out. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "cmd/cmd.h"
#include "cmd/interface.h"
#include "idl/schema.h"
#include "idl/sunrpc.h"
#include "idl/write.h"
#include "io/io.h"

enum { PATH_BYTES_MAX = 4096, FLAG_BYTES_MAX = 512, BASE_BYTES_MAX = 256, HEAD_BYTES = 160 };

struct rpcgen {
    const char *path, *directory;
    bool sunrpc, sample, schema, force;
    struct idl_sunrpc_style style;
    char flags[INTERFACE_FLAGS_MAX][FLAG_BYTES_MAX];
    unsigned flag_count;
    struct interface interface;
    struct complaint complaint;
};

/* ---- options ---------------------------------------------------------------------------------------------- */

static int
add_flag(struct rpcgen *gen, const char *letter, const char *word, struct complaint *complaint)
{
    char *flag = gen->flags[gen->flag_count];

    if (gen->flag_count == INTERFACE_FLAGS_MAX)
        return complain(complaint, "%s: more than %d", letter, INTERFACE_FLAGS_MAX);
    if (snprintf(flag, FLAG_BYTES_MAX, "%s%s", letter, word) >= FLAG_BYTES_MAX)
        return complain(complaint, "%s: longer than %d bytes", letter, FLAG_BYTES_MAX);
    gen->flag_count++;
    return 0;
}

static int
add_define(void *into, char *const *words, struct complaint *complaint)
{
    return add_flag(into, "-D", words[0], complaint);
}

static int
add_include(void *into, char *const *words, struct complaint *complaint)
{
    return add_flag(into, "-I", words[0], complaint);
}

static int
take_path(void *into, char *const *words, struct complaint *complaint)
{
    struct rpcgen *gen = into;

    if (gen->path != NULL)
        return complain(complaint, "one FILE.x at a time: '%s' and '%s'", gen->path, words[0]);
    gen->path = words[0];
    return 0;
}

#define AT(member) .offset = offsetof(struct rpcgen, member)

/* clang-format off */
static const struct option_row rows[] = {
    { 'o', "output",      "DIR",        "write there, not here", OPTION_TEXT, AT(directory) },
    { 0,   "sample",      NULL,         "also a client, a server and a makefile to begin with", OPTION_FLAG, AT(sample) },
    { 0,   "sunrpc",      NULL,         "the names and types of Sun's rpcgen, for old programs: FILE_clnt.c, FILE_svc.c", OPTION_FLAG, AT(sunrpc) },
    { 'N', "new-style",   NULL,         "with --sunrpc: arguments as they are, any number of them", OPTION_FLAG, AT(style.is_new) },
    { 'M', "thread-safe", NULL,         "with --sunrpc: results where the caller says, nothing static", OPTION_FLAG, AT(style.is_safe) },
    { 'm', "no-main",     NULL,         "with --sunrpc: no main() for the server", OPTION_FLAG, AT(style.is_mainless) },
    { 0,   "json-schema", NULL,         "print the interface as JSON Schema, and write nothing", OPTION_FLAG, AT(schema) },
    { 0,   "force",       NULL,         "overwrite files that may have been changed", OPTION_FLAG, AT(force) },
    { 'D', "define",      "NAME=VALUE", "for the preprocessor; repeatable", OPTION_CALL, .parse = add_define },
    { 'I', "include",     "DIR",        "for the preprocessor; repeatable", OPTION_CALL, .parse = add_include },
};
/* clang-format on */

/* ---- files ------------------------------------------------------------------------------------------------ */

/* What nobody has written by hand may be written again. */
static bool
may_write(const struct rpcgen *gen, const char *path)
{
    char head[HEAD_BYTES] = "";
    FILE *file = gen->force ? NULL : fopen(path, "r");

    if (file == NULL)
        return true;
    bool is_ours =
        fgets(head, sizeof(head), file) != NULL && (strstr(head, "Made by tambo rpcgen from") != NULL ||
                                                    strstr(head, "Made by tambo rpcgen --sunrpc from") != NULL);
    fclose(file);
    return is_ours;
}

static int
write_file(void *arg, const char *name, struct view text)
{
    struct rpcgen *gen = arg;
    char path[PATH_BYTES_MAX];
    bool written;
    FILE *file;

    snprintf(path, sizeof(path), "%s%s%s", gen->directory == NULL ? "" : gen->directory,
             gen->directory == NULL ? "" : "/", name);
    if (!may_write(gen, path))
        return complain(&gen->complaint, "%s is there already, and may have been changed: --force overwrites it", path);
    file = fopen(path, "w");
    written = file != NULL && fwrite(text.data, 1, text.len, file) == text.len;
    if (file == NULL || fclose(file) != 0 || !written)
        return complain(&gen->complaint, "%s: %s", path, strerror(errno));
    return 0;
}

/* "dir/date.x": "date". */
static int
take_base(struct rpcgen *gen, char base[BASE_BYTES_MAX])
{
    const char *slash = strrchr(gen->path, '/');
    const char *name = slash == NULL ? gen->path : slash + 1, *dot = strrchr(name, '.');
    size_t n = dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);

    if (n == 0 || n >= BASE_BYTES_MAX)
        return complain(&gen->complaint, "'%s' has no name that files could be called by", gen->path);
    memcpy(base, name, n);
    base[n] = '\0';
    return 0;
}

/* ---- the command ------------------------------------------------------------------------------------------ */

static int
print_schema(struct rpcgen *gen)
{
    json_t *schema = idl_schema(&gen->interface.idl);
    int rc = schema == NULL ? -1 : json_dumpf(schema, stdout, JSON_INDENT(2));

    json_decref(schema);
    if (rc < 0)
        return complain(&gen->complaint, "%s", err_text(-ERR_NO_MEMORY));
    putchar('\n');
    return 0;
}

static int
write_to(struct rpcgen *gen, const char *base, struct idl_fault *why)
{
    const struct idl *idl = &gen->interface.idl;
    struct tambo_arena *arena = &gen->interface.arena;
    struct idl_sink sink = { .file = write_file, .arg = gen };
    int rc;

    if (gen->sunrpc)
        return idl_sunrpc_write(idl, base, &gen->style, arena, &sink, why);
    rc = idl_write(idl, base, arena, &sink, why);
    return rc == 0 && gen->sample ? idl_write_sample(idl, base, arena, &sink, why) : rc;
}

static int
write_stubs(struct rpcgen *gen)
{
    struct idl_fault why = { .text = "" };
    char base[BASE_BYTES_MAX];
    int rc = take_base(gen, base);

    if (rc == 0)
        rc = write_to(gen, base, &why);
    if (rc < 0 && why.text[0] != '\0')
        complain(&gen->complaint, "%s:%u:%u: %s", why.place.file, why.place.line, why.place.column, why.text);
    else if (rc == -ERR_NO_MEMORY)
        complain(&gen->complaint, "%s", err_text(rc));
    return rc;
}

static int
check_options(struct rpcgen *gen)
{
    const struct idl_sunrpc_style *style = &gen->style;

    if (gen->path == NULL)
        return complain(&gen->complaint, "which FILE.x?");
    if (gen->sunrpc && gen->sample)
        return complain(&gen->complaint, "--sample is of the native style, and --sunrpc is not");
    if (!gen->sunrpc && (style->is_new || style->is_safe || style->is_mainless))
        return complain(&gen->complaint, "-N, -M and -m say how --sunrpc writes");
    return 0;
}

static int
run(struct rpcgen *gen, struct io *io)
{
    const char *flags[INTERFACE_FLAGS_MAX];
    int rc;

    for (unsigned i = 0; i < gen->flag_count; i++)
        flags[i] = gen->flags[i];
    rc = interface_read(&gen->interface, io, gen->path, flags, gen->flag_count);
    if (rc < 0) {
        fprintf(stderr, "%s\n", gen->interface.why);
        return 1;
    }
    rc = gen->schema ? print_schema(gen) : write_stubs(gen);
    return rc < 0 ? cmd_fail("rpcgen", &gen->complaint) : 0;
}

int
cmd_rpcgen(int argc, char *const *argv)
{
    struct mem mem = { 0 };
    struct rpcgen gen = { .path = NULL };
    struct option_group groups[] = {
        {NULL, rows, COUNT_OF(rows), &gen},
    };
    struct option_spec spec = {
        .usage = "tambo rpcgen [OPTION]... FILE.x",
        .about =
            "Writes C for the types and procedures of an interface: FILE.h, FILE_xdr.c, FILE_client.c, FILE_server.c.",
        .operand = "FILE.x",
        .on_operand = take_path,
        .operand_into = &gen,
        .groups = groups,
        .group_count = COUNT_OF(groups),
    };
    struct io *io;
    int code;

    if (cmd_options("rpcgen", &spec, argc, argv, &code) != 0)
        return code;
    if (check_options(&gen) < 0)
        return cmd_fail("rpcgen", &gen.complaint);
    if (io_uv_new(&mem, &io) < 0) {
        complain(&gen.complaint, "%s", err_text(-ERR_NO_MEMORY));
        return cmd_fail("rpcgen", &gen.complaint);
    }
    code = run(&gen, io);
    interface_fini(&gen.interface);
    io_free(io);
    return code;
}
