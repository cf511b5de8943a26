/* What the checker finds out: sizes on the wire, who holds itself, what decoding takes memory for, what C knows. */
#include "idl/idl_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/must.h"

/* A definition of this text: its sizes, and whether it is recursive and has pointers. */
static void
expect(const char *text, const char *name, size_t min, size_t fixed, bool is_recursive, bool has_pointers)
{
    struct idl_rig rig;
    idl_rig_read(&rig, text);
    assert_int_equal(rig.rc, 0);
    const struct idl_def *def = idl_rig_def(&rig, name);
    assert_int_equal(def->wire_bytes_min, min);
    assert_int_equal(def->wire_bytes, fixed);
    assert_int_equal(def->is_recursive, is_recursive);
    assert_int_equal(def->has_pointers, has_pointers);
    idl_rig_fini(&rig);
}

static void
sizes(void **state)
{
    (void)state;
    expect("struct s { char a; short b; int c; long d; bool e; float f; };", "s", 24, 24, false, false);
    expect("struct s { hyper a; unsigned hyper b; double c; };", "s", 24, 24, false, false);
    expect("enum e { A };", "e", 4, 4, false, false);
    expect("struct s { opaque a[5]; int b[3]; double c[2]; };", "s", 36, 36, false, false);
    expect("struct s { string a<>; opaque b<3>; int c<9>; };", "s", 12, 0, false, true);
    expect("struct s { int *a; };", "s", 4, 0, false, true);
    expect("struct s { t a; t b[3]; }; typedef int t[2];", "s", 32, 32, false, false);
    expect("struct s { t a[3]; }; struct t { string x<>; int y; };", "s", 24, 0, false, true);
    expect("typedef opaque t[7];", "t", 8, 8, false, false);
    expect("typedef s *t; struct s { int a; };", "t", 4, 0, false, true);
}

static void
sizes_of_unions(void **state)
{
    (void)state;
    expect("union u switch (int d) { case 0: int a; case 1: float b; };", "u", 8, 8, false, false);
    expect("union u switch (int d) { case 0: int a; case 1: hyper b; };", "u", 8, 0, false, false);
    expect("union u switch (int d) { case 0: int a; default: void; };", "u", 4, 0, false, false);
    expect("union u switch (int d) { case 0: void; default: void; };", "u", 4, 4, false, false);
    expect("union u switch (int d) { case 0: hyper a; case 1: string b<>; default: opaque c[8]; };", "u", 8, 0, false,
           true);
}

static void
who_holds_itself(void **state)
{
    (void)state;
    expect("struct s { int a; s *next; };", "s", 8, 0, true, true);
    expect("struct s { s kids<>; };", "s", 4, 0, true, true);
    expect("typedef struct node *list; struct node { list next; };", "list", 4, 0, true, true);
    expect("typedef struct node *list; struct node { list next; };", "node", 4, 0, true, true);
    expect("struct a { b *x; }; struct b { c y<3>; }; union c switch (bool d) { case TRUE: a *z; case FALSE: void; };",
           "c", 4, 0, true, true);
    /* It reaches a circle, and is not on it. */
    expect("struct a { b *x; }; struct b { b *y; };", "a", 4, 0, false, true);
    expect("struct a { b x; b y[2]; }; struct b { int z; };", "a", 12, 12, false, false);
}

static void
resolving(void **state)
{
    (void)state;
    struct idl_rig rig;
    idl_rig_read(&rig,
                 "typedef int a; typedef a b; typedef b c<3>; typedef c d; struct s { d x; b y; c z[2]; a *p; };");
    const struct idl_decl *x = idl_rig_def(&rig, "s")->fields, *y = x->next, *z = y->next, *p = z->next;
    struct idl_decl resolved = idl_resolve(x);
    assert_int_equal(resolved.shape, IDL_VECTOR);
    assert_int_equal(resolved.bound.value, 3);
    assert_true(view_is(resolved.name, "x"));
    assert_ptr_equal(resolved.next, y);
    resolved = idl_resolve(y);
    assert_int_equal(resolved.type.kind, IDL_INT);
    assert_int_equal(idl_resolve(z).shape, IDL_ARRAY);
    assert_int_equal(idl_resolve(p).shape, IDL_POINTER);
    assert_int_equal(idl_wire_bytes_min(x), 4);
    assert_int_equal(idl_wire_bytes(x), 0);
    assert_int_equal(idl_wire_bytes(y), 4);
    assert_int_equal(idl_wire_bytes_min(z), 8);
    idl_rig_fini(&rig);
}

static void
cases(void **state)
{
    (void)state;
    struct idl_rig rig;
    idl_rig_read(&rig, "const N = 7; enum e { A = 3 };\n"
                       "union u switch (int d) { case N: int a; case A: case -1: int b; default: int c; };\n"
                       "union w switch (bool d) { case TRUE: int a; };");
    const struct idl_def *u = idl_rig_def(&rig, "u"), *w = idl_rig_def(&rig, "w");
    assert_true(view_is(idl_case_of(u, 7)->arm.name, "a"));
    assert_true(view_is(idl_case_of(u, 3)->arm.name, "b"));
    assert_true(view_is(idl_case_of(u, -1)->arm.name, "b"));
    assert_true(view_is(idl_case_of(u, 8)->arm.name, "c"));
    assert_true(view_is(idl_case_of(w, 1)->arm.name, "a"));
    assert_null(idl_case_of(w, 0));
    assert_true(view_is(u->choice.cases->labels[0].name, "N"));
    idl_rig_fini(&rig);
}

/* What <rpc/rpc.h> has comes before all others, once. */
static void
names_of_sun_rpc(void **state)
{
    (void)state;
    struct idl_rig rig;
    idl_rig_read(&rig, "struct s { netobj a; netobj b; des_block c; struct netbuf d; string e<MAXNETNAMELEN>; };");
    assert_int_equal(rig.rc, 0);
    unsigned n = 0;
    for (const struct idl_def *def = rig.idl.defs; def->is_builtin; def = def->next)
        n++;
    assert_int_equal(n, 4);
    const struct idl_def *netobj = idl_rig_def(&rig, "netobj"), *netbuf = idl_rig_def(&rig, "netbuf");
    assert_int_equal(netobj->alias.shape, IDL_VECTOR);
    assert_int_equal(netobj->alias.bound.value, 1024);
    assert_int_equal(netbuf->wire_bytes_min, 8);
    assert_int_equal(idl_rig_def(&rig, "des_block")->wire_bytes, 8);
    const struct idl_decl *a = idl_rig_def(&rig, "s")->fields;
    assert_ptr_equal(a->type.def, netobj);
    assert_ptr_equal(a->next->type.def, netobj);
    idl_rig_fini(&rig);

    /* The text's own stands instead. */
    idl_rig_read(&rig, "typedef int netobj; struct s { netobj a; };");
    assert_int_equal(idl_rig_def(&rig, "s")->wire_bytes, 4);
    assert_false(idl_rig_def(&rig, "netobj")->is_builtin);
    idl_rig_fini(&rig);
}

static int64_t
bound_with(const char *lines)
{
    struct idl_rig rig;
    char text[500];
    struct pen p = pen_of(text, sizeof(text) - 1);
    put_bytes(&p, view_str(lines));
    put_bytes(&p, view_str("struct s { string a<A>; };"));
    *p.at = '\0';
    idl_rig_read(&rig, text);
    int64_t value = rig.rc < 0 ? -1 : idl_rig_def(&rig, "s")->fields->bound.value;
    idl_rig_fini(&rig);
    return value;
}

static void
numbers_of_c(void **state)
{
    (void)state;
    assert_int_equal(bound_with("%#define A 12\n"), 12);
    assert_int_equal(bound_with("%# define\tA\t0x10 /* why */\n"), 16);
    assert_int_equal(bound_with("%#define B 5\n%#define A B + 2 + B\n"), 12);
    assert_int_equal(bound_with("%#define B 5\n%#define A B+2\n"), 7);
    assert_int_equal(bound_with("%#define A 5 -2\n"), 3);
    assert_int_equal(bound_with("%#include <a.h>\n"), UINT32_MAX);
    assert_int_equal(bound_with("%#include <a.h>\n%#define A (1 << 3)\n"), UINT32_MAX);
    /* Not understood, not there, or without an end. */
    assert_int_equal(bound_with("%#define A (1 << 3)\n"), -1);
    assert_int_equal(bound_with("%#define A\n"), -1);
    assert_int_equal(bound_with("%#define A 1 2\n"), -1);
    assert_int_equal(bound_with("%#define A 1 +\n"), -1);
    assert_int_equal(bound_with("%#define AB 1\n"), -1);
    assert_int_equal(bound_with("%#define A A\n"), -1);
    assert_int_equal(bound_with("%#define A B\n%#define B A\n"), -1);
    assert_int_equal(bound_with("%#define A 9223372036854775807 + 1\n"), -1);
    assert_int_equal(bound_with("%int A;\n"), -1);
}

static void
types_of_c(void **state)
{
    (void)state;
    struct idl_rig rig;
    idl_rig_read(&rig, "%#include <time.h>\nstruct s { struct timespec t; time_t *u; timespec v; };");
    assert_int_equal(rig.rc, 0);
    const struct idl_decl *t = idl_rig_def(&rig, "s")->fields;
    assert_int_equal(t->type.def->kind, IDL_FOREIGN);
    assert_true(view_is(t->type.def->name, "timespec"));
    assert_ptr_equal(t->next->next->type.def, t->type.def);
    assert_true(idl_rig_def(&rig, "s")->has_pointers);
    assert_int_equal(idl_rig_def(&rig, "s")->wire_bytes, 0);
    idl_rig_fini(&rig);
    idl_rig_read(&rig, "%/* no header */\nstruct s { struct timespec t; };");
    assert_string_equal(rig.why.text, "there is no type 'timespec'");
    idl_rig_fini(&rig);
}

/* rpcb_prot.x counts on rpcgen's macros. */
static void
procedures_as_numbers(void **state)
{
    (void)state;
    struct idl_rig rig;
    idl_rig_read(&rig, "const A = F; const B = V; program P { version V { void F(void) = 7; } = 2; } = 1;");
    assert_int_equal(rig.rc, 0);
    const struct idl_number *a = &idl_rig_def(&rig, "A")->constant.number;
    assert_int_equal(a->value, 7);
    assert_int_equal(a->name.len, 0);
    assert_int_equal(idl_rig_def(&rig, "B")->constant.number.value, 2);
    idl_rig_fini(&rig);
    idl_rig_read(&rig, "const A = P; program P { version V { void F(void) = 7; } = 2; } = 1;");
    assert_string_equal(rig.why.text, "'P' is no number");
    idl_rig_fini(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),        cmocka_unit_test(sizes_of_unions), cmocka_unit_test(who_holds_itself),
        cmocka_unit_test(resolving),    cmocka_unit_test(cases),           cmocka_unit_test(names_of_sun_rpc),
        cmocka_unit_test(numbers_of_c), cmocka_unit_test(types_of_c),      cmocka_unit_test(procedures_as_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
