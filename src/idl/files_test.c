/* Every interface that the system's packages have, as rpcgen would read it: through cpp. */
#include "idl/idl_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <glob.h>

#include "base/must.h"

enum { FILE_BYTES_MAX = 256 * 1024, PRINTED_BYTES_MAX = 64 * 1024 };

struct room {
    char text[FILE_BYTES_MAX], printed[PRINTED_BYTES_MAX], again[PRINTED_BYTES_MAX];
};

/* Comments and marks stay.  Of nis.x the part for headers has a line that cpp breaks, so that rpcgen refuses it, too.
 */
static struct view
preprocess(const char *path, struct room *room)
{
    char command[500];
    const char *part = strstr(path, "/nis.x") == NULL ? "RPC_HDR" : "RPC_XDR";
    snprintf(command, sizeof(command), "cpp -C -undef -nostdinc -D%s %s 2>/dev/null", part, path);
    FILE *from = popen(command, "r");
    assert_non_null(from);
    size_t n = fread(room->text, 1, sizeof(room->text), from);
    assert_true(n > 0 && n < sizeof(room->text));
    assert_int_equal(pclose(from), 0);
    return view_of(room->text, n);
}

static struct view
read_whole(const char *path, struct room *room)
{
    FILE *from = fopen(path, "r");
    assert_non_null(from);
    size_t n = fread(room->text, 1, sizeof(room->text), from);
    assert_true(n > 0 && n < sizeof(room->text));
    fclose(from);
    return view_of(room->text, n);
}

static void
print(const struct idl *idl, char *ret)
{
    struct pen p = pen_of(ret, PRINTED_BYTES_MAX - 1);
    idl_rig_print(idl, &p);
    assert_false(p.torn);
    *p.at = '\0';
}

static void
accept_text(struct view text, const char *path, struct room *room)
{
    struct tambo_arena arena = { 0 };
    struct idl idl, again;
    struct idl_fault why;
    char said[600];
    if (idl_parse(text, path, &arena, &idl, &why) != 0) {
        idl_fault_print(&why, said, sizeof(said));
        fail_msg("%s", said);
    }
    assert_non_null(idl.defs);
    /* What is printed is read as the same. */
    print(&idl, room->printed);
    assert_int_equal(idl_parse(view_str(room->printed), path, &arena, &again, &why), 0);
    print(&again, room->again);
    assert_string_equal(room->printed, room->again);
    tambo_arena_free(&arena);
}

static void
every_file_of_the_system(void **state)
{
    glob_t found;
    assert_int_equal(glob("/usr/include/rpcsvc/*.x", 0, NULL, &found), 0);
    assert_int_equal(glob("/usr/include/tirpc/*/*.x", GLOB_APPEND, NULL, &found), 0);
    assert_true(found.gl_pathc >= 14);
    for (size_t i = 0; i < found.gl_pathc; i++)
        accept_text(preprocess(found.gl_pathv[i], *state), found.gl_pathv[i], *state);
    globfree(&found);
}

/* Most need no preprocessor. */
static void
without_the_preprocessor(void **state)
{
    static const char *const names[] = { "spray", "rquota", "mount", "sm_inter", "rex", "yppasswd", "nfs_prot" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[100];
        snprintf(path, sizeof(path), "/usr/include/rpcsvc/%s.x", names[i]);
        accept_text(read_whole(path, *state), path, *state);
    }
}

/* nlm_prot.x takes its limits from a "%#define", key_prot.x a type and a limit from <rpc/rpc.h>. */
static void
what_c_defines(void **state)
{
    struct tambo_arena arena = { 0 };
    struct idl idl;
    struct idl_fault why;
    struct view text = preprocess("/usr/include/rpcsvc/nlm_prot.x", *state);
    assert_int_equal(idl_parse(text, "nlm_prot.x", &arena, &idl, &why), 0);
    const struct idl_decl *name = idl_find(&idl, view_str("nlm_notify"))->fields;
    assert_int_equal(name->bound.value, 1025);
    assert_true(view_is(name->bound.name, "MAXNAMELEN"));
    assert_true(idl_find(&idl, view_str("netobj"))->is_builtin);

    text = preprocess("/usr/include/rpcsvc/key_prot.x", *state);
    assert_int_equal(idl_parse(text, "key_prot.x", &arena, &idl, &why), 0);
    assert_int_equal(idl_find(&idl, view_str("netnamestr"))->alias.bound.value, 255);
    assert_int_equal(idl_find(&idl, view_str("des_block"))->wire_bytes, 8);

    text = preprocess("/usr/include/rpcsvc/nis_callback.x", *state);
    assert_int_equal(idl_parse(text, "nis_callback.x", &arena, &idl, &why), 0);
    assert_int_equal(idl_find(&idl, view_str("nis_object"))->kind, IDL_FOREIGN);
    tambo_arena_free(&arena);
}

int
main(void)
{
    static struct room room;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(every_file_of_the_system, &room),
        cmocka_unit_test_prestate(without_the_preprocessor, &room),
        cmocka_unit_test_prestate(what_c_defines, &room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
