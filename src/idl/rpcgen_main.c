/* idl/rpcgen_main.c - the writer of stubs for the build itself, which wants some before there is a tambo: rpcgen-native
 * FILE.x DIRECTORY.  Without the preprocessor, and without anything else that `tambo rpcgen` can do. */
#include <stdio.h>

#include "base/err.h"
#include "idl/write.h"

enum { TEXT_BYTES_MAX = 1 << 20, WHY_BYTES_MAX = 1024 };

static int
write_file(void *arg, const char *name, struct view text)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", (const char *)arg, name);
    file = fopen(path, "w");
    if (file == NULL || fwrite(text.data, 1, text.len, file) != text.len || fclose(file) != 0) {
        perror(path);
        return -ERR_IO;
    }
    return 0;
}

static int
read_file(const char *path, struct tambo_arena *arena, struct view *ret)
{
    char *bytes = tambo_arena_take(arena, TEXT_BYTES_MAX);
    FILE *file = fopen(path, "r");

    if (file == NULL || bytes == NULL) {
        perror(path);
        return -ERR_IO;
    }
    *ret = view_of(bytes, fread(bytes, 1, TEXT_BYTES_MAX, file));
    fclose(file);
    return 0;
}

/* "dir/date.x": "date". */
static const char *
base_of(const char *path, char *room, size_t size)
{
    const char *slash = strrchr(path, '/');
    char *dot;

    snprintf(room, size, "%s", slash == NULL ? path : slash + 1);
    dot = strrchr(room, '.');
    if (dot != NULL)
        *dot = '\0';
    return room;
}

int
main(int argc, char **argv)
{
    struct tambo_arena arena = { .bytes_max = 0 };
    struct idl_sink sink = { .file = write_file, .arg = argv[argc - 1] };
    struct idl_fault why = { .text = "" };
    char base[256], words[WHY_BYTES_MAX];
    struct view text;
    struct idl idl;
    int rc;

    if (argc != 3)
        return 2;
    rc = read_file(argv[1], &arena, &text);
    if (rc == 0)
        rc = idl_parse(text, argv[1], &arena, &idl, &why);
    if (rc == 0)
        rc = idl_write(&idl, base_of(argv[1], base, sizeof(base)), &arena, &sink, &why);
    if (rc < 0) {
        idl_fault_print(&why, words, sizeof(words));
        fprintf(stderr, "%s: %s\n%s\n", argv[1], err_text(rc), words);
    }
    tambo_arena_free(&arena);
    return rc < 0;
}
