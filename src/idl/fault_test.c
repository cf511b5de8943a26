/* The mistakes that people make, and what is said of them, to the column. */
#include "idl/idl_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "guard.h"

struct mistake {
    const char *text, *said;
};

/* What is missing, too much, or of another language. */
static const struct mistake syntax[] = {
    {"struct a { int x }",                                                       "f.x:1:18: expected ';' behind the field 'x', found '}'"                                },
    { "struct a { int x\n};",                                                    "f.x:1:17: expected ';' behind the field 'x', found '}'"                                },
    { "struct a { int x; }\nstruct b { int x; };",                               "f.x:1:20: expected ';' behind the struct 'a', found 'struct'"                          },
    { "struct a { int x;",                                                       "f.x:1:18: expected a type, found the end of the file"                                  },
    { "struct a { int; };",                                                      "f.x:1:15: expected a name behind the type, found ';'"                                  },
    { "struct a { int x, y; };",
     "f.x:1:17: expected ';' behind the field 'x', found ',': each declaration has a type of its own"                                                                    },
    { "struct a { };",                                                           "f.x:1:12: the struct 'a' has no fields"                                                },
    { "struct a { void; };",                                                     "f.x:1:12: a field of type void is nothing: leave it out"                               },
    { "struct a { void *p; };",                                                  "f.x:1:17: nothing can be of type void, nor point to it"                                },
    { "struct { int x; } a;",                                                    "f.x:1:8: expected the name of the struct, found '{'"                                   },
    { "sturct a { int x; };",
     "f.x:1:1: expected const, enum, struct, union, typedef or program, found the name 'sturct'"                                                                         },
    { "int x;",                                                                  "f.x:1:1: expected const, enum, struct, union, typedef or program, found 'int'"         },
    { "struct a { string s; };",                                                 "f.x:1:20: expected '<' behind the string 's': a limit, or '<>'"                        },
    { "struct a { string s[8]; };",                                              "f.x:1:20: a string's limit stands in '<>', not in '[]'"                                },
    { "struct a { string *s; };",                                                "f.x:1:21: a string or opaque has no pointer to it: use a typedef"                      },
    { "struct a { opaque s; };",                                                 "f.x:1:20: expected '[' or '<' behind the opaque 's': how many bytes?"                  },
    { "struct a { int x[]; };",                                                  "f.x:1:18: an array has a number in its '[]'; one of any length is declared by '<>'"    },
    { "struct a { int x[2][3]; };",                                              "f.x:1:20: 'x' has one dimension only: use a typedef for the inner one"                 },
    { "struct a { int *x<>; };",                                                 "f.x:1:20: 'x' is either a pointer or an array: use a typedef for the inner one"        },
    { "struct a { int **x; };",                                                  "f.x:1:17: a pointer to a pointer is not possible: use a typedef for the inner one"     },
    { "struct a { int x<3; };",                                                  "f.x:1:19: expected '>' behind the limit of 'x', found ';'"                             },
    { "struct a { int x[3; };",                                                  "f.x:1:19: expected ']' behind the length of 'x', found ';'"                            },
    { "struct a { int x[2+1]; };",                                               "f.x:1:19: this character means nothing here"                                           },
    { "struct a { long long x; };",                                              "f.x:1:17: 'long long' is called 'hyper' here"                                          },
    { "struct a { unsigned float x; };",                                         "f.x:1:21: expected a name behind the type, found 'float'"                              },
    { "struct a { quadruple x; };",                                              "f.x:1:12: 'quadruple' is not supported, C has no such type: use 'opaque x[16]'"        },
    { "struct a { int string; };",                                               "f.x:1:16: expected a name behind the type, found 'string'"                             },
    { "struct a { struct b { int x; } y; };",
     "f.x:1:21: a type with a name is defined on its own, not within another"                                                                                            },
    { "enum e { A, };",                                                          "f.x:1:13: expected the name of an enumerator, found '}'"                               },
    { "enum e { };",                                                             "f.x:1:10: expected the name of an enumerator, found '}'"                               },
    { "enum e { A B };",                                                         "f.x:1:12: expected '}' or ',' behind an enumerator of the enum 'e', found the name 'B'"},
    { "enum e { A = };",                                                         "f.x:1:14: expected a number or the name of a constant, found '}'"                      },
    { "const A 1;",                                                              "f.x:1:9: expected '=' behind the constant 'A', found the number 1"                     },
    { "const A = ;",                                                             "f.x:1:11: expected a number or the name of a constant, found ';'"                      },
    { "const A = 1\nconst B = 2;",                                               "f.x:1:12: expected ';' behind the constant 'A', found 'const'"                         },
    { "union u { int a; float b; };",                                            "f.x:1:9: expected 'switch' behind the union 'u', found '{'"                            },
    { "union u switch (int d) { int a; };",                                      "f.x:1:26: expected 'case': a union has at least one, found 'int'"                      },
    { "union u switch (int d) { case 1 int a; };",                               "f.x:1:33: expected ':' behind the case '1', found 'int'"                               },
    { "union u switch (int d) { default: void; };",
     "f.x:1:26: expected 'case': a union has at least one, found 'default'"                                                                                              },
    { "union u switch (int d) { case 1: void; default: void; case 2: void; };",
     "f.x:1:55: 'default' comes last in a union, no 'case' behind it"                                                                                                    },
    { "union u switch (int d) { case 1: void; default: void; default: void; };",
     "f.x:1:55: a union has one 'default' only"                                                                                                                          },
    { "union u switch (int) { case 1: void; };",                                 "f.x:1:20: expected a name behind the type, found ')'"                                  },
    { "typedef int;",                                                            "f.x:1:12: expected a name behind the type, found ';'"                                  },
    { "typedef void v;",                                                         "f.x:1:14: nothing can be of type void, nor point to it"                                },
    { "program P { int F(void) = 1; } = 1;",
     "f.x:1:13: expected 'version' to begin a version of the program, found 'int'"                                                                                       },
    { "program P { version V { int F(void); } = 1; } = 1;",
     "f.x:1:36: expected '=' and a number behind the procedure 'F', found ';'"                                                                                           },
    { "program P { version V { int F(void) = 1; }; } = 1;",
     "f.x:1:43: expected '=' and a number behind the version 'V', found ';'"                                                                                             },
    { "program P { version V { int F(void) = 1; } = 1; };",
     "f.x:1:50: expected '=' and a number behind the program 'P', found ';'"                                                                                             },
    { "program P { version V { } = 1; } = 1;",                                   "f.x:1:25: the version 'V' has no procedures"                                           },
    { "program P { version V { int F(int x[3]) = 1; } = 1; } = 1;",
     "f.x:1:39: an argument is no array: use a typedef for it"                                                                                                           },
    { "program P { version V { int *F(void) = 1; } = 1; } = 1;",
     "f.x:1:29: a result is neither a pointer nor an array: use a typedef for it"                                                                                        },
    { "program P { version V { int F(int, void) = 1; } = 1; } = 1;",             "f.x:1:36: 'void' is the only argument, or none"                                        },
    { "program P { version V { struct { int x; } F(void) = 1; } = 1; } = 1;",
     "f.x:1:32: a procedure has no room for a body: define the type before it"                                                                                           },
    { "/* never",                                                                "f.x:1:1: this comment does not end"                                                    },
    { "#include <a.x>\n",
     "f.x:1:1: this line is for the preprocessor: put the file through cpp first, as 'tambo rpcgen' does"                                                                },
    { "const A = 089;",                                                          "f.x:1:11: not a number: one that begins with 0 is octal"                               },
    { "struct a { int x; };;",                                                   "f.x:1:21: expected const, enum, struct, union, typedef or program, found ';'"          },
    { "# 40 \"g.x\"\nstruct a {\n\tint 3;\n};",                                  "g.x:41:6: expected a name behind the type, found the number 3"                         },
};

/* What means nothing, or twice. */
static const struct mistake meaning[] = {
    {"struct a { strng x; };",                                                                                         "f.x:1:12: there is no type 'strng': did you mean 'string'?"                               },
    { "struct point { int x; }; struct a { struct pint x; };",
     "f.x:1:44: there is no type 'pint': did you mean 'point'?"                                                                                                                                                   },
    { "struct a { nothing_like_it x; };",                                                                              "f.x:1:12: there is no type 'nothing_like_it'"                                             },
    { "const A = 1; struct a { A x; };",                                                                               "f.x:1:25: 'A' is no type"                                                                 },
    { "struct a { int x; };\n\nstruct a { int y; };",                                                                  "f.x:3:8: 'a' is defined already, in line 1 of f.x"                                        },
    { "enum e { A, B, A };",                                                                                           "f.x:1:16: 'A' is defined already, in line 1 of f.x"                                       },
    { "const A = 1; enum e { A };",                                                                                    "f.x:1:23: 'A' is defined already, in line 1 of f.x"                                       },
    { "struct a { int x; int y; int x; };",                                                                            "f.x:1:30: the struct 'a' has a field 'x' already"                                         },
    { "struct a { int x[SIZE]; };",                                                                                    "f.x:1:18: there is no constant 'SIZE'"                                                    },
    { "const MAXLEN = 3; struct a { int x[MAXLN]; };",
     "f.x:1:36: there is no constant 'MAXLN': did you mean 'MAXLEN'?"                                                                                                                                             },
    { "struct b { int x; }; struct a { int x[b]; };",                                                                  "f.x:1:39: 'b' is no number"                                                               },
    { "const A = \"a\"; struct a { int x[A]; };",                                                                      "f.x:1:33: 'A' is no number"                                                               },
    { "const A = B; const B = 1;",                                                                                     "f.x:1:11: 'B' is used before it has a value"                                              },
    { "struct a { int x[0]; };",                                                                                       "f.x:1:18: the length of 'x' must be from 1 to 4294967295"                                 },
    { "struct a { int x<-1>; };",                                                                                      "f.x:1:18: the length of 'x' must be from 1 to 4294967295"                                 },
    { "struct a { int x<4294967296>; };",                                                                              "f.x:1:18: the length of 'x' must be from 1 to 4294967295"                                 },
    { "struct a { int x[1000000000]; };",                                                                              "f.x:1:8: 'a' takes more than 2147483647 bytes"                                            },
    { "enum e { A = 2147483648 };",                                                                                    "f.x:1:10: the value of 'A' does not fit into 32 bits"                                     },
    { "enum e { A = 2147483647, B };",                                                                                 "f.x:1:26: the value of 'B' does not fit into 32 bits"                                     },
    { "struct a { int register; };",                                                                                   "f.x:1:16: 'register' cannot be a name: it is a word of C"                                 },
    { "struct goto { int a; };",                                                                                       "f.x:1:8: 'goto' cannot be a name: it is a word of C"                                      },
    { "struct a { a x; };",                                                                                            "f.x:1:14: 'a' would hold itself without end: put a '*' or '<>' between"                   },
    { "struct a { struct b x; }; struct b { int y; a z[2]; };",
     "f.x:1:47: 'a' would hold itself without end: put a '*' or '<>' between"                                                                                                                                     },
    { "typedef a b; typedef b a;",                                                                                     "f.x:1:24: 'b' would hold itself without end: put a '*' or '<>' between"                   },
    { "typedef a b<>; typedef b a;",                                                                                   "f.x:1:11: the typedef 'b' is of nothing but itself"                                       },
    { "typedef a *a;",                                                                                                 "f.x:1:12: the typedef 'a' is of nothing but itself"                                       },
    { "union u switch (int d) { case 0: u x; default: void; };",
     "f.x:1:36: 'u' would hold itself without end: put a '*' or '<>' between"                                                                                                                                     },
    { "union u switch (string d) { case 0: void; };",
     "f.x:1:25: expected '<' behind the string 'd': a limit, or '<>'"                                                                                                                                             },
    { "union u switch (hyper d) { case 0: void; };",
     "f.x:1:23: the discriminant 'd' must be an int, an unsigned int, a bool or an enum"                                                                                                                          },
    { "struct s { int x; }; union u switch (s d) { case 0: void; };",
     "f.x:1:40: the discriminant 'd' must be an int, an unsigned int, a bool or an enum"                                                                                                                          },
    { "enum e { A }; enum f { B = 1 }; union u switch (e d) { case B: void; };",
     "f.x:1:61: 'B' is no value of the enum 'e'"                                                                                                                                                                  },
    { "union u switch (bool d) { case 2: void; };",                                                                    "f.x:1:32: '2' is neither TRUE nor FALSE"                                                  },
    { "union u switch (unsigned d) { case -1: void; };",                                                               "f.x:1:36: '-1' is out of the range of the discriminant 'd'"                               },
    { "union u switch (int d) { case 2147483648: void; };",
     "f.x:1:31: '2147483648' is out of the range of the discriminant 'd'"                                                                                                                                         },
    { "union u switch (int d) { case 1: void; case 2: case 0x1: void; };",
     "f.x:1:53: the union 'u' has a case '0x1' already"                                                                                                                                                           },
    { "union u switch (int d) { case 1: int a; case 2: int a; };",                                                     "f.x:1:53: the union 'u' has an arm 'a' already"                                           },
    { "union u switch (int d) { case 1: int a; default: int a; };",                                                    "f.x:1:54: the union 'u' has an arm 'a' already"                                           },
    { "program P { version V { int F(void) = 1; int G(void) = 1; } = 1; } = 1;",
     "f.x:1:56: 'F' has the number 1 already"                                                                                                                                                                     },
    { "program P { version V { int F(void) = 1; int F(void) = 2; } = 1; } = 1;",
     "f.x:1:46: the version 'V' has a procedure 'F' already"                                                                                                                                                      },
    { "program P { version V { int F(void) = 1; } = 1; version W { int F(void) = 1; } = 1; } = 1;",
     "f.x:1:82: the version 'V' has the number 1 already"                                                                                                                                                         },
    { "program P { version V { int F(void) = 1; } = 1; version V { int F(void) = 1; } = 2; } = 1;",
     "f.x:1:57: the program 'P' has a version 'V' already"                                                                                                                                                        },
    { "program P { version V { int F(void) = 1; } = 1; } = 1; program Q { version V { int F(void) = 1; } = 1; } = 1;",
     "f.x:1:108: the program 'P' has this number already"                                                                                                                                                         },
    { "program P { version V { int F(void) = -1; } = 1; } = 1;",                                                       "f.x:1:39: '-1' must be from 0 to 4294967295"                                              },
    { "program P { version V { int F(void) = 1; } = 1; } = 4294967296;",
     "f.x:1:53: '4294967296' must be from 0 to 4294967295"                                                                                                                                                        },
    { "program P { version V { int F(int a, int a) = 1; } = 1; } = 1;",
     "f.x:1:42: the procedure 'F' has an argument 'a' already"                                                                                                                                                    },
    { "program Q { version V { int F(void) = 1; } = 1; } = 1; program P { version V { int F(program Q) = 1; } = 1; } = "
      "2;",                                                                                                       "f.x:1:86: a program cannot be passed: remote references are not supported in this version"},
    { "struct a { struct { int x; } b; }; struct a_b { int y; };",
     "f.x:1:43: 'a_b' is defined already, in line 1 of f.x"                                                                                                                                                       },
    { "struct a_b { int y; }; struct a { struct { int x; } b; };",
     "f.x:1:48: 'a_b' is defined already, in line 1 of f.x"                                                                                                                                                       },
};

static void
expect(const struct mistake *mistake)
{
    struct idl_rig rig;
    char said[600];
    idl_rig_read(&rig, mistake->text);
    assert_int_equal(rig.rc, -ERR_PROTOCOL);
    idl_fault_print(&rig.why, said, sizeof(said));
    *strchr(said, '\n') = '\0';
    assert_string_equal(said, mistake->said);
    idl_rig_fini(&rig);
}

static void
mistakes_of_syntax(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(syntax); i++)
        expect(&syntax[i]);
}

static void
mistakes_of_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(meaning); i++)
        expect(&meaning[i]);
}

static void
the_line_and_a_caret(void **state)
{
    (void)state;
    struct idl_rig rig;
    char said[600];
    idl_rig_read(&rig, "struct a {\n\t\tint  x[];\n};");
    idl_fault_print(&rig.why, said, sizeof(said));
    assert_string_equal(said, "f.x:2:10: an array has a number in its '[]'; one of any length is declared by '<>'\n"
                              "\t\tint  x[];\n"
                              "\t\t       ^");
    idl_rig_fini(&rig);
    idl_rig_read(&rig, "struct a {\n  int x");
    idl_fault_print(&rig.why, said, sizeof(said));
    assert_string_equal(said, "f.x:2:8: expected ';' behind the field 'x', found the end of the file\n"
                              "  int x\n"
                              "       ^");
    idl_rig_fini(&rig);
}

/* The caret stays in what is shown. */
static void
a_long_line(void **state)
{
    (void)state;
    struct idl_rig rig;
    char text[1000], said[600];
    memset(text, ' ', sizeof(text));
    memcpy(text + 500, "struct a { int 3; };", 20);
    text[999] = '\0';
    idl_rig_read(&rig, text);
    assert_int_equal(rig.why.place.column, 516);
    assert_int_equal(strlen(rig.why.line), sizeof(rig.why.line) - 1);
    assert_int_equal(rig.why.line[rig.why.caret], '3');
    idl_fault_print(&rig.why, said, 20);
    assert_int_equal(strlen(said), 19);
    idl_rig_fini(&rig);
}

/* An interface that ends too early is a fault, wherever it ends, unless it ends between definitions. */
static void
cut_at_every_byte(void **state)
{
    (void)state;
    static const char text[] =
        "const A = 10;\nenum e { B = 1, C = A };\nunion u switch (e d) { case B: int x<A>; default: void; };\n"
        "struct s { u a; opaque b[4]; struct { string c<>; } d; s *next; };\ntypedef s t<3>;\n"
        "program P { version V { t F(s, int n) = 1; } = 1; } = 0x20000000;\n";
    struct guard guard;
    guard_init(&guard, sizeof(text));
    unsigned whole = 0;
    for (size_t n = 0; n < sizeof(text); n++) {
        struct tambo_arena arena = { 0 };
        struct idl idl;
        struct idl_fault why;
        int rc = idl_parse(guard_place(&guard, view_of(text, n)), "f.x", &arena, &idl, &why);
        assert_true(rc == 0 || (rc == -ERR_PROTOCOL && why.text[0] != '\0' && why.place.line >= 1));
        whole += rc == 0;
        tambo_arena_free(&arena);
    }
    assert_int_equal(whole, 13); /* nothing, and each of the six with and without its newline */
    guard_fini(&guard);
}

static void
depths(void **state)
{
    (void)state;
    struct idl_rig rig;
    char text[40 * 1024];
    size_t n = 0;
    for (unsigned i = 0; i < 1000; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, i == 0 ? "struct a { " : "struct { ");
    idl_rig_read(&rig, text);
    assert_string_equal(rig.why.text, "bodies stand in bodies more than 32 deep");
    idl_rig_fini(&rig);

    n = 0;
    for (unsigned i = 0; i < 1000; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "struct a%u { a%u x; }; ", i, i + 1);
    snprintf(text + n, sizeof(text) - n, "typedef int a1000;");
    idl_rig_read(&rig, text);
    assert_string_equal(rig.why.text, "types hold types more than 200 deep");
    idl_rig_fini(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_of_syntax),   cmocka_unit_test(mistakes_of_meaning),
        cmocka_unit_test(the_line_and_a_caret), cmocka_unit_test(a_long_line),
        cmocka_unit_test(cut_at_every_byte),    cmocka_unit_test(depths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
