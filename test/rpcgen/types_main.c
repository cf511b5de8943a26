/* rpcgen/types_main.c - writes the table of an interface's types: types FILE.x FILE_types.c */
#include <stdio.h>

#include "base/must.h"
#include "idl/writer.h"

enum { TEXT_BYTES_MAX = 1 << 20 };

static const char *
read_file(const char *path, struct tambo_arena *arena, size_t *retlen)
{
    char *bytes = tambo_arena_take(arena, TEXT_BYTES_MAX);
    FILE *file = fopen(path, "r");

    must(file != NULL && bytes != NULL);
    *retlen = fread(bytes, 1, TEXT_BYTES_MAX, file);
    fclose(file);
    return bytes;
}

static bool
is_type(const struct idl_def *def)
{
    return !def->is_included &&
           (def->kind == IDL_ENUM || def->kind == IDL_STRUCT || def->kind == IDL_UNION || def->kind == IDL_TYPEDEF);
}

static void
write_adapters(struct idl_writer *w, const struct idl_def *def)
{
    const char *name = idl_c_name(w, def->name);

    idl_text_print(w->text,
                   "\nstatic int\nencode_%s(struct tambo_xdr_out *out, const void *value)\n{\n"
                   "    return %s_encode_%s(out, (void *)(uintptr_t)value);\n}\n"
                   "\nstatic int\ndecode_%s(struct tambo_xdr_in *in, void *ret)\n{\n"
                   "    return %s_decode_%s(in, ret);\n}\n",
                   name, w->prefix, name, name, w->prefix, name);
}

static void
write_table(struct idl_writer *w)
{
    idl_text_print(w->text, "#include \"%s.h\"\n#include \"rpcgen/types.h\"\n", w->base);
    for (const struct idl_def *def = w->idl->defs; def != NULL; def = def->next)
        if (is_type(def))
            write_adapters(w, def);
    idl_text_print(w->text, "\nstatic const struct rpcgen_type types[] = {\n");
    for (const struct idl_def *def = w->idl->defs; def != NULL; def = def->next) {
        const char *name = is_type(def) ? idl_c_name(w, def->name) : NULL;
        if (name != NULL)
            idl_text_print(w->text, "    { \"%s\", sizeof(%s), encode_%s, decode_%s },\n", name, idl_c_def(w, def),
                           name, name);
    }
    idl_text_print(w->text, "    { NULL, 0, NULL, NULL },\n};\n\n");
    idl_text_print(
        w->text,
        "const struct rpcgen_types %s_types = {\n    \"%s.x\", types, sizeof(types) / sizeof(types[0]) - 1\n};\n",
        w->prefix, w->base);
}

int
main(int argc, char **argv)
{
    struct tambo_arena arena = { .bytes_max = 0 };
    struct idl_text text = idl_text_of(&arena);
    struct idl_fault why;
    struct idl idl;
    size_t len;

    must(argc == 3);
    const char *bytes = read_file(argv[1], &arena, &len);
    must(idl_parse(view_of(bytes, len), argv[1], &arena, &idl, &why) == 0);
    const char *slash = strrchr(argv[1], '/'), *name = slash == NULL ? argv[1] : slash + 1;
    struct idl_writer w = { .idl = &idl, .arena = &arena, .text = &text, .why = &why };
    w.base = idl_text_format(&text, "%.*s", (int)(strrchr(name, '.') - name), name);
    w.prefix = idl_c_prefix(&w, NULL);
    write_table(&w);
    must(!text.torn);
    FILE *file = fopen(argv[2], "w");
    must(file != NULL && fwrite(text.bytes, 1, text.len, file) == text.len && fclose(file) == 0);
    tambo_arena_free(&arena);
    return 0;
}
