/* Each production of the grammar, what rpcgen takes besides, comments, and names of bodies. */
#include "idl/idl_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/err.h"

static void
expect(const char *text, const char *printed)
{
    struct idl_rig rig;
    char said[8192];
    struct pen p = pen_of(said, sizeof(said) - 1);
    idl_rig_read(&rig, text);
    if (rig.rc != 0)
        fail_msg("%s: %u:%u: %s", text, rig.why.place.line, rig.why.place.column, rig.why.text);
    idl_rig_print(&rig.idl, &p);
    *p.at = '\0';
    assert_string_equal(said, printed);
    idl_rig_fini(&rig);

    /* What is printed is read as the same. */
    char again[8192];
    p = pen_of(again, sizeof(again) - 1);
    idl_rig_read(&rig, said);
    assert_int_equal(rig.rc, 0);
    idl_rig_print(&rig.idl, &p);
    *p.at = '\0';
    assert_string_equal(again, said);
    idl_rig_fini(&rig);
}

static void
same(const char *text)
{
    expect(text, text);
}

static void
constants(void **state)
{
    (void)state;
    expect("const A = 10;const B=0x10 ; const C = -1; const D = A; const E = 'a';",
           "const A = 10;\nconst B = 16;\nconst C = -1;\nconst D = A;\nconst E = 97;\n");
    same("const A = \"d4a0\";\n");
    expect("enum e { A, B = 5, C, D = -1, E = B, F };", "enum e { A = 0, B = 5, C = 6, D = -1, E = B, F = 6 };\n");
    same("enum e { A = 1 };\nconst B = A;\n");
}

static void
integers(void **state)
{
    (void)state;
    expect("struct s { char a; short b; int c; long d; hyper e; short int f; long int g; hyper int h; };",
           "struct s { char a; short b; int c; long d; hyper e; short f; long g; hyper h; };\n");
    expect("struct s { unsigned a; unsigned char b; unsigned short c; unsigned int d; unsigned long e; unsigned hyper "
           "f; };",
           "struct s { unsigned int a; unsigned char b; unsigned short c; unsigned int d; unsigned long e; "
           "unsigned hyper f; };\n");
    expect(
        "struct s { u_char a; u_short b; u_int c; u_long d; int8_t e; uint16_t f; u_int32_t g; int64_t h; uint64_t i; "
        "quad_t j; u_quad_t k; longlong_t l; u_longlong_t m; bool_t n; };",
        "struct s { unsigned char a; unsigned short b; unsigned int c; unsigned long d; char e; unsigned short f; "
        "unsigned int g; hyper h; unsigned hyper i; hyper j; unsigned hyper k; hyper l; unsigned hyper m; bool n; "
        "};\n");
    /* The text's own come before C's. */
    expect("typedef hyper u_int; struct s { u_int a; };", "typedef hyper u_int;\nstruct s { u_int a; };\n");
}

static void
declarations(void **state)
{
    (void)state;
    same("const N = 3;\nstruct s { bool a; float b; double c; int d[5]; int e<5>; int f<>; int *g; opaque h[N]; opaque "
         "i<N>; "
         "opaque j<>; string k<10>; string l<>; };\n");
    same(
        "typedef int a;\ntypedef a b[3];\ntypedef b c<4>;\ntypedef c *d;\ntypedef string e<>;\ntypedef opaque f[8];\n");
    expect(
        "struct a { struct b *x; }; struct b { enum e y; union u *z; }; enum e { A }; union u switch (e d) { case A: "
        "void; };",
        "struct a { b *x; };\nstruct b { e y; u *z; };\nenum e { A = 0 };\nunion u switch (e d) { case A: void; };\n");
}

static void
unions(void **state)
{
    (void)state;
    same("union u switch (int d) { case 1: int a; case 2: case 3: case -4: string b<>; case 5: void; default: opaque "
         "c[4]; };\n");
    same("union u switch (bool d) { case TRUE: int a; case FALSE: void; };\n");
    same("union u switch (unsigned int d) { case 0: int a; case 4294967295: void; };\n");
    same("enum e { A = 1, B = 2 };\ntypedef e f;\nunion u switch (f d) { case A: int *a; case 2: int b<>; };\n");
    expect("union u switch (int d) { case 'a': int x; };", "union u switch (int d) { case 97: int x; };\n");
    expect("union u switch (unsigned d) { case 0: int x; default: void; };",
           "union u switch (unsigned int d) { case 0: int x; default: void; };\n");
}

static void
programs(void **state)
{
    (void)state;
    expect("program DATE_PROG { version DATE_VERS { long BIN_DATE(void) = 1; string STR_DATE(long) = 2; } = 1; } = "
           "0x31234567;",
           "program DATE_PROG { version DATE_VERS { long BIN_DATE(void) = 1; string STR_DATE(long) = 2; } = 1; } = "
           "824395111;\n");
    expect("struct s { int a; };\nprogram P { version V { void A() = 0; s B(int, s x, string n<5>, s *p, string) = 1; "
           "} = 1;\n"
           "version W { struct s A(struct s) = 0; } = 2; } = 5;",
           "struct s { int a; };\nprogram P { version V { void A(void) = 0; s B(int, s x, string n<5>, s *p, string<>) "
           "= 1; } = 1; "
           "version W { s A(s) = 0; } = 2; } = 5;\n");
    /* What it takes may be defined behind it, numbers may have names. */
    expect("program P { version V { t F(t) = A; } = B; } = A; typedef int t; enum e { A = 7, B };",
           "program P { version V { t F(t) = A; } = B; } = A;\ntypedef int t;\nenum e { A = 7, B = 8 };\n");
}

static void
bodies(void **state)
{
    (void)state;
    expect("struct o { struct { int a; enum { A, B } b; } x; union switch (int d) { case 0: struct { int c; } e; } "
           "y<3>; };",
           "enum o_x_b { A = 0, B = 1 };\nstruct o_x { int a; o_x_b b; };\nstruct o_y_e { int c; };\n"
           "union o_y switch (int d) { case 0: o_y_e e; };\nstruct o { o_x x; o_y y<3>; };\n");
    expect("typedef struct { int a; } t; typedef enum { A } *p; typedef union switch (int d) { case 0: void; } u;",
           "struct t { int a; };\nenum p_item { A = 0 };\ntypedef p_item *p;\nunion u switch (int d) { case 0: void; "
           "};\n");
    /* An alias of itself says nothing. */
    expect("struct s { int a; }; typedef struct s s; typedef struct /* s */ s t;",
           "struct s { int a; };\ntypedef s t;\n");
}

static void
verbatim(void **state)
{
    (void)state;
    expect("%#include <a.h>\nstruct s {\n%in it\n int a;\n};\n%behind\n\n%",
           "%#include <a.h>\n%in it\nstruct s { int a; };\n%behind\n%\n");
}

static void
comment_is(struct view comment, const char *text)
{
    char said[200];
    assert_true(comment.len < sizeof(said));
    if (comment.len > 0)
        memcpy(said, comment.data, comment.len);
    said[comment.len] = '\0';
    assert_string_equal(said, text);
}

static const char commented[] =
    "/* s */\nstruct s { /* not this */\n /* a */ int a; /* nor this */\n int b; /* b */\n int c; };\n"
    "enum e { A, /* A */\n /* B */ B /* nor this */ };\n"
    "enum f { /* f */ C /* C */ };\n"
    "union u switch (int d) { /* u */\n/* 1 */ case 1: int a;\n case 2: /* 2 */ int b; case 3: int c; /* 3 */ };\n"
    "const D = 1; /* D */\n"
    "/* t */ typedef struct { int x; } t;\n"
    "/* P */ program P { /* V */ version V { void F(void) = 0; /* F */\n/* G */ void G(/* x */ int x, int y /* y "
    "*/, int z, // z\n int w) = 1; } = 1; "
    "} = 1;\n"
    "/* % */\n%\n/* the end */";

static void
comments(void **state)
{
    (void)state;
    struct idl_rig rig;
    idl_rig_read(&rig, commented);
    assert_int_equal(rig.rc, 0);
    struct idl_def *s = idl_rig_def(&rig, "s"), *e = idl_rig_def(&rig, "e"), *u = idl_rig_def(&rig, "u");
    comment_is(s->comment, "/* s */");
    comment_is(s->fields->comment, "/* a */");
    comment_is(s->fields->next->comment, "/* b */");
    comment_is(s->fields->next->next->comment, "");
    comment_is(e->enumerators->comment, "/* A */");
    comment_is(e->enumerators->next->comment, "/* B */");
    comment_is(idl_rig_def(&rig, "f")->enumerators->comment, "/* C */");
    comment_is(u->comment, "/* u */");
    comment_is(u->choice.cases->arm.comment, "/* 1 */");
    comment_is(u->choice.cases->next->arm.comment, "/* 2 */");
    comment_is(u->choice.cases->next->next->arm.comment, "/* 3 */");
    comment_is(idl_rig_def(&rig, "D")->comment, "/* D */");
    comment_is(idl_rig_def(&rig, "t")->comment, "/* t */");
    struct idl_def *P = idl_rig_def(&rig, "P");
    struct idl_version *V = P->program.versions;
    comment_is(P->comment, "/* P */");
    comment_is(V->procedures->comment, "/* F */");
    comment_is(V->procedures->next->comment, "/* G */");
    const struct idl_decl *x = V->procedures->next->args;
    comment_is(x->comment, "/* x */");
    comment_is(x->next->comment, "/* y */");
    comment_is(x->next->next->comment, "// z");
    comment_is(x->next->next->next->comment, "");
    comment_is(P->next->comment, "/* % */");
    idl_rig_fini(&rig);
}

static void
places(void **state)
{
    (void)state;
    struct idl_rig rig;
    idl_rig_read(&rig, "# 1 \"m.x\"\n# 5 \"i.x\" 1\nstruct a {\n  int b; };\n# 9 \"m.x\" 2\nconst A = 0x10;\n");
    assert_int_equal(rig.rc, 0);
    struct idl_def *a = idl_rig_def(&rig, "a"), *A = idl_rig_def(&rig, "A");
    assert_true(a->is_included);
    assert_string_equal(a->place.file, "i.x");
    assert_int_equal(a->place.line, 5);
    assert_int_equal(a->fields->place.line, 6);
    assert_int_equal(a->fields->place.column, 7);
    assert_false(A->is_included);
    assert_int_equal(A->place.line, 9);
    assert_true(view_is(A->constant.number.text, "0x10"));
    idl_rig_fini(&rig);
}

static void
spellings(void **state)
{
    (void)state;
    struct idl_rig rig;
    idl_rig_read(&rig, "struct s { unsigned  int a; struct s *b; u_long c; unsigned d; };");
    const struct idl_decl *a = idl_rig_def(&rig, "s")->fields, *b = a->next, *c = b->next;
    assert_true(view_is(a->type.spelling, "unsigned  int"));
    assert_true(view_is(b->type.spelling, "struct s"));
    assert_true(view_is(c->type.spelling, "u_long"));
    assert_true(c->type.is_long && c->type.is_unsigned && c->type.bits == 32);
    assert_true(view_is(c->next->type.spelling, "unsigned"));
    idl_rig_fini(&rig);
}

/* Memory ends at every allocation: it is said so, and nothing is left behind. */
static void
without_memory(void **state)
{
    (void)state;
    static const char text[] = "# 1 \"f.x\"\n%#include <a.h>\nenum e { A, B }; union u switch (e d) { case A: case B: "
                               "netobj a; default: void; };"
                               "struct s { struct { int x<A_OF_C>; } y; foreign z; }; typedef s t;"
                               "program P { version V { t F(t, string) = 1; } = 1; } = 1;";
    int rc = -ERR_NO_MEMORY;
    size_t limit = 0;
    while (rc == -ERR_NO_MEMORY) {
        struct tambo_arena arena = { .bytes_max = limit += 8 };
        struct idl idl = { .defs = NULL };
        struct idl_fault why;
        rc = idl_parse(view_str(text), "f.x", &arena, &idl, &why);
        assert_true(rc == 0 ? idl.defs != NULL : idl.defs == NULL);
        tambo_arena_free(&arena);
    }
    assert_int_equal(rc, 0);
    assert_true(limit > 1000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants), cmocka_unit_test(integers),       cmocka_unit_test(declarations),
        cmocka_unit_test(unions),    cmocka_unit_test(programs),       cmocka_unit_test(bodies),
        cmocka_unit_test(verbatim),  cmocka_unit_test(comments),       cmocka_unit_test(places),
        cmocka_unit_test(spellings), cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
