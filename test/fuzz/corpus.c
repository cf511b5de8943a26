/* Writes the seeds of a fuzz target, each as a file of its own.
 *
 *     corpus TARGET DIRECTORY
 *
 *     mqtt        the bytes of every conformance vector
 *     amqp        frames, payloads and tables of each kind
 *     zmtp        the bytes of every conformance vector
 *     oncrpc      records, messages, credentials and verifiers of each kind
 *     session     for every conformance vector a conversation that says it
 *     settings    settings files, good and bad
 *     idl         interfaces, good and bad, with bytes for their types
 *     log         one edit of each kind, of each file
 *     xdr         of each type the value that is all zeros
 *     record      a publication, an envelope and a page, in both versions
 *     talk, amqp_talk, zmtp_talk   babble of fixed seeds
 *     amqp_session      conversations of AMQP's conformance, as frames
 *     rpc_server        calls of each kind, in each way
 */
#include <stdio.h>

#include "base/cursor.h"
#include "base/must.h"
#include "base/prng.h"
#include "conformance/amqp_vector.h"
#include "conformance/mqtt_vector.h"
#include "conformance/zmtp_vector.h"
#include "fuzz/deeds.h"
#include "rig/amqp_text.h"
#include "rig/notation.h"
#include "wire/amqp.h"

enum { SEED_BYTES_MAX = 2 * VECTOR_BYTES_MAX, LOG_PATHS = 3, LOG_OPS = 8, TALKS = 16, TALK_BYTES = 200 };

static void
write_seed(const char *directory, const char *name, struct view bytes)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    bool written = file != NULL && fwrite(bytes.data, 1, bytes.len, file) == bytes.len;
    if (!written)
        perror(path);
    must(written && fclose(file) == 0);
}

/* ---- conformance vectors ------------------------------------------------------------------------------------- */

typedef size_t print_fn(const struct mqtt_vector *v, uint8_t *ret);

static void
write_vectors(const char *directory, print_fn *print)
{
    for (const struct mqtt_vectors *const *table = mqtt_vector_tables; *table != NULL; table++)
        for (size_t i = 0; i < (*table)->count; i++) {
            uint8_t bytes[SEED_BYTES_MAX];
            size_t n = print(&(*table)->rows[i], bytes);
            write_seed(directory, (*table)->rows[i].name, view_of(bytes, n));
        }
}

static size_t
print_mqtt(const struct mqtt_vector *v, uint8_t *ret)
{
    return notation_bytes(v->sends, ret, SEED_BYTES_MAX);
}

/* To the simplest node: a hello of the vector's version first, unless the vector begins with its own. */
static size_t
print_session(const struct mqtt_vector *v, uint8_t *ret)
{
    uint8_t bytes[VECTOR_BYTES_MAX];
    struct view sends = view_of(bytes, notation_bytes(v->sends, bytes, sizeof(bytes)));
    struct pen p = pen_of(ret, SEED_BYTES_MAX);
    put_u8(&p, 0);
    if (v->setup == CONNECTED) {
        put_u8(&p, DEED_HELLO);
        put_u8(&p, v->version == MQTT_V5 ? HELLO_V5 : v->version == MQTT_V311 ? HELLO_V311_NAMELESS : HELLO_V31);
    }
    must(sends.len <= UINT8_MAX);
    put_u8(&p, DEED_SAY);
    put_u8(&p, (uint8_t)sends.len);
    put_bytes(&p, sends);
    must(!p.torn);
    return (size_t)(p.at - ret);
}

static void
write_mqtt(const char *directory)
{
    write_vectors(directory, print_mqtt);
}

static void
write_session(const char *directory)
{
    write_vectors(directory, print_session);
}

/* ---- AMQP ---------------------------------------------------------------------------------------------------- */

/* A frame of each kind of argument; the payloads alone; a table with a field of each type. */
static void
write_amqp(const char *directory)
{
    static const char *const seeds[] = {
        "01 0000 0000001c 000a000a 00 09 00000004 01[at]01 00000001[P] 00000005[en_US] ce",
        "01 0000 0000000c 000a001f 07ff 00020000 003c ce",
        "01 0001 00000017 0028000a 0000 01[x] 05[topic] 02 00000004 01[at]01 ce",
        "01 0001 00000013 0032000a 0000 01[q] 02 00000006 01[kB]01 00 [V] ce",
        "01 0001 0000000d 003c0028 0000 01[x] 03[a.b] 01 ce 02 0001 00000013 003c0000 0000000000000004 1100 02 03[500] "
        "ce "
        "03 0001 00000004 [body] ce 08 0000 00000000 ce",
        "000a0032 0194 03[bye] 0032 000a",
        "003c003c 02[t1] 0102030405060708 01 01[x] 01[k]",
        "003c0078 0000000000000002 03",
        "003c0000 0000000000000009 fffc 01[1] 01[2] 00000003 01[kV] 03 04 01[5] 01[6] 01[7] 01[8] 0000000000000009 "
        "01[a] "
        "01[b] 01[c] 01[d]",
        "01[kt]01 01[kb]80 01[kB]ff 01[ks]8000 01[ku]ffff 01[kI]80000000 01[ki]ffffffff 01[kl]8000000000000000 "
        "01[kL]ffffffffffffffff 01[kf]3fc00000 01[kd]c000000000000000 01[kD]02fffffff6 01[kS]00000001[s] "
        "01[kx]0000000100 "
        "01[kT]0000000000000001 01[kF]00000003 01[kV] 01[kA]00000003 [Vt]01 01[kV]",
    };
    for (size_t i = 0; i < COUNT_OF(seeds); i++) {
        uint8_t bytes[SEED_BYTES_MAX];
        char name[16];
        snprintf(name, sizeof(name), "%zu", i);
        write_seed(directory, name, view_of(bytes, notation_bytes(seeds[i], bytes, sizeof(bytes))));
    }
}

static void
write_zmtp(const char *directory)
{
    for (const struct zmtp_vectors *const *table = zmtp_vector_tables; *table != NULL; table++)
        for (size_t i = 0; i < (*table)->count; i++) {
            uint8_t bytes[ZMTP_VECTOR_BYTES_MAX];
            size_t n = notation_bytes((*table)->rows[i].bytes, bytes, sizeof(bytes));
            write_seed(directory, (*table)->rows[i].name, view_of(bytes, n));
        }
}

#define NO_AUTH "00000000 00000000 "
#define CALLED  "0000002a 00000000 00000002 31234567 00000001 00000002 "
#define REPLIED "0000002a 00000001 "

static void
write_oncrpc(const char *directory)
{
    static const char *const seeds[] = {
        CALLED NO_AUTH NO_AUTH "000003e8",
        "8000002c " CALLED NO_AUTH NO_AUTH "000003e8 00000014 0000002b 00000001 00000000 00000000 00000000 80000004 "
        "00000000",
        CALLED
        "00000001 00000020 0000002a 00000005 [krill]000000 000003e8 000003e9 00000002 00000004 00000018 " NO_AUTH,
        CALLED NO_AUTH "2074616d 00000030 00000006 000003e8 000102030405060708090a0b0c0d0e0f 0000000000000005 "
                       "0000000000000003 0000000000000009 000003e8",
        REPLIED "00000000 00000002 00000003 [abc]00 00000000 [results!]",
        REPLIED "00000000 " NO_AUTH "00000002 00000001 00000003",
        REPLIED "00000000 2074616d 00000004 00000022 00000005",
        REPLIED "00000001 00000000 00000002 00000002",
        REPLIED "00000001 00000001 00000005",
        "0000002a 00000005 [krill]000000 000003e8 000003e9 00000002 00000004 00000018",
        "00000006 000003e8 000102030405060708090a0b0c0d0e0f 0000000000000005 0000000000000003 0000000000000009",
        "7fffffff 00000000",
    };
    for (size_t i = 0; i < COUNT_OF(seeds); i++) {
        uint8_t bytes[SEED_BYTES_MAX];
        char name[16];
        snprintf(name, sizeof(name), "%zu", i);
        write_seed(directory, name, view_of(bytes, notation_bytes(seeds[i], bytes, sizeof(bytes))));
    }
}

/* ---- the others ---------------------------------------------------------------------------------------------- */

static void
write_settings(const char *directory)
{
    static const char *const files[] = {
        "",
        "{}\n",
        "data: ./data\nlisten: [tcp://127.0.0.1:1883, unix:/run/tambo.sock]\ntier: synced\n",
        "listen:\n  - tcp://[::1]:1883\n  - tcp://*\nlog_format: json\nlog_level: debug\nretain_available: false\n",
        "tier: memory\nqueue_overflow: drop_oldest # why not\nqueue_count_max: 1000\nreceive_max: 65535\n",
        "shards: 64\nnode_memory_bytes_max: 16777216\nkeepalive_s_max: 5\nsys_interval_s: 0\n",
        "receive_max: 0\n",
        "receive_max: [1]\n",
        "no_such_setting: 1\n",
        "listen: &l [tcp://a]\ndata: *l\n",
        "\"data\": 'a b'\n? tier\n: written\n",
        "data: \"unclosed\nlisten: {\n",
    };
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char name[16];
        snprintf(name, sizeof(name), "%zu.yaml", i);
        write_seed(directory, name, view_str(files[i]));
    }
}

/* The text, a NUL, and what its types may be decoded from. */
static void
write_idl(const char *directory)
{
    static const char *const texts[] = {
        "",
        "program DATE_PROG { version DATE_VERS { long BIN_DATE(void) = 1; string STR_DATE(long) = 2; } = 1; } = "
        "0x31234567;\n",
        "/* c */ const A = 10; const B = -0x1f; const C = 'c'; const D = \"d\"; // e\n#pragma x\n",
        "enum e { A, B = 3, C = B }; typedef e f; union u switch (f d) { case A: case B: int x<3>; default: void; };\n",
        "struct s { bool a; char b; unsigned short c; long d; unsigned hyper e; float f; double g; };\n",
        "struct s { string a<5>; opaque b[3]; opaque c<>; int d[2]; s *next; s kids<2>; };\ntypedef s t<>;\n",
        "struct o { struct { int a; enum { X } b; } c; union switch (bool d) { case TRUE: int e; case FALSE: void; } "
        "f; };\n",
        "typedef struct { u_int a; } t; typedef struct t t; typedef t *p; struct list { p head; list *tail; };\n",
        "# 1 \"m.x\"\n%#include <time.h>\n%#define N 3 + M\n%#define M 4\nstruct s { netobj a; netbuf b; string c<N>; "
        "timespec *d; };\n",
        "program P { version V { void NULL_(void) = 0; int F(int a, string, struct s *c) = 1; } = 1; version W { s F() "
        "= 1; } = 2; } = 5;"
        " struct s { int x; };\n",
        "struct a { a x; };\n",
        "struct a { strng x; };\n",
        "union u switch (int d) { case 1: case 1: void; };\n",
        "struct a { int x\n};\n",
        "#include <a.x>\n/* never",
        "const A = 99999999999999999999; const B = 08; const C = 'xx';\n",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        uint8_t bytes[SEED_BYTES_MAX];
        struct pen p = pen_of(bytes, sizeof(bytes));
        char name[16];
        snprintf(name, sizeof(name), "%zu.x", i);
        put_bytes(&p, view_str(texts[i]));
        for (unsigned word = 0; word < 16; word++)
            put_u32(&p, word * 3 % 5 % 3);
        must(!p.torn);
        write_seed(directory, name, view_of(bytes, (size_t)(p.at - bytes)));
    }
}

static void
write_log(const char *directory)
{
    for (unsigned path = 0; path < LOG_PATHS; path++)
        for (unsigned op = 0; op < LOG_OPS; op++) {
            const uint8_t bytes[] = { (uint8_t)path, (uint8_t)op, (uint8_t)(16 + op), 0, 1, 2, 3, 4, 5, 6 };
            char name[16];
            snprintf(name, sizeof(name), "%u-%u", path, op);
            write_seed(directory, name, view_of(bytes, sizeof(bytes)));
        }
}

#define ZEROS_15 "00 0000000000000000000000000000 "
#define LIVE       \
    "03 " ZEROS_15 \
    "0000000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000 "

/* The first byte is a type's number (fuzz_xdr.c); there are not more. */
static void
write_xdr(const char *directory)
{
    enum { TYPES_MAX = 64, VALUE_BYTES = 600 };

    for (unsigned type = 0; type < TYPES_MAX; type++) {
        uint8_t bytes[1 + VALUE_BYTES] = { (uint8_t)type };
        char name[16];
        snprintf(name, sizeof(name), "type-%u", type);
        write_seed(directory, name, view_of(bytes, sizeof(bytes)));
    }
}

/* The first byte says what it is (fuzz_record.c). */
static void
write_record(const char *directory)
{
    static const char *const seeds[] = {
        "00 83 00000001 0002 03 0a c0843d 89 0102030405 01 04 [k] 00 [abc] [body]",
        "00 00000000 0000 00 0001 00000005 0000000000000001 10000000 01 00 01 00 00000001 00000000 00000004 "
        "0000000000000000 0000000000000003 [kbody]",
        "01 ee fedcba9876543210 0123456789abcdef 03 04 [a/b] 03 00 01 [t] [hello]",
        "01 01 01 06 00 00000003 00000004 00000005 fedcba9876543210 0123456789abcdef [a/b] 03 00 01 [thello]",
        "02 83 01 01 " LIVE "01 a0a08080f001 8801 8080808001 1a 00 80c0a9eb9f34",
        "02 00000001 0000000000000001 " LIVE "0000000700001020 00000088 10000000 00000007000010b4 00000088 10000000",
    };
    for (unsigned i = 0; i < COUNT_OF(seeds); i++) {
        uint8_t bytes[SEED_BYTES_MAX];
        char name[16];
        snprintf(name, sizeof(name), "%u", i);
        write_seed(directory, name, view_of(bytes, notation_bytes(seeds[i], bytes, sizeof(bytes))));
    }
}

static void
write_talk(const char *directory)
{
    for (unsigned seed = 1; seed <= TALKS; seed++) {
        uint8_t bytes[TALK_BYTES];
        struct prng prng;
        char name[16];
        prng_init(&prng, seed);
        prng_fill(&prng, bytes, sizeof(bytes));
        snprintf(name, sizeof(name), "%u", seed);
        write_seed(directory, name, view_of(bytes, sizeof(bytes)));
    }
}

/* "1 > METHOD ..." as a deed for each of its frames, as long as there is room. */
static void
put_line(struct pen *p, const char *line, size_t len)
{
    char text[2048];
    uint8_t frames[64 * 1024];
    struct amqp_frame frame;
    struct fault why;
    size_t need, arrow = strcspn(line, ">");
    if (len >= sizeof(text) || arrow + 2 >= len || line[0] < '0' || line[0] > '9')
        return;
    snprintf(text, sizeof(text), "%.*s%.*s", (int)arrow, line, (int)(len - arrow - 1), line + arrow + 1);
    struct view in = view_of(frames, amqp_text_frames(text, 0, frames, sizeof(frames)));
    for (int64_t n; (n = amqp_frame_parse(in, 0, &frame, &need, &why)) > 0; in = view_from(in, (size_t)n)) {
        if (frame.payload.len > UINT8_MAX || pen_left(p) < frame.payload.len + 4)
            return;
        put_u8(p, AMQP_DEED_FRAME);
        put_u8(p, (uint8_t)(frame.type - AMQP_FRAME_METHOD));
        put_u8(p, (uint8_t)frame.channel);
        put_u8(p, (uint8_t)frame.payload.len);
        put_bytes(p, frame.payload);
    }
}

static void
put_deeds(struct pen *p, const char *script)
{
    while (*script != '\0') {
        size_t len = strcspn(script, "\n");
        put_line(p, script, len);
        script += len + (script[len] == '\n');
    }
}

/* What the first peer of each conversation says in frames, as deeds. */
static void
write_amqp_session(const char *directory)
{
    for (const struct amqp_vectors *const *table = amqp_vector_tables; *table != NULL; table++)
        for (size_t i = 0; i < (*table)->count; i++) {
            uint8_t bytes[SEED_BYTES_MAX];
            struct pen p = pen_of(bytes, sizeof(bytes));
            put_u8(&p, 1);
            put_u8(&p, AMQP_DEED_HELLO);
            put_u8(&p, 0);
            put_deeds(&p, (*table)->rows[i].script);
            write_seed(directory, (*table)->rows[i].name, view_of(bytes, (size_t)(p.at - bytes)));
        }
}

static void
write_rpc_server(const char *directory)
{
    static const char *const seeds[] = {
        /* Each procedure over a connection and over datagrams. */
        "00 00 04 00 02 01 00 00 02 02 01 08 00000003 61626300 02 03 02 08 00000001 00000002 02 04 04 04 00000001 06 "
        "00",
        "00 00 04 01 02 01 01 08 00000003 61626300 02 01 01 08 00000003 61626300 02 05 05 04 0000000e 02 06 08 00",
        "00 00 04 00 02 07 07 14 00000001 00000002 00000001 00000003 00000000 02 08 06 04 00000100 02 09 03 00",
        /* Once, again, settled, one way, with a receipt. */
        "01 00 04 00 03 01 02 04 07 00 08 00000001 00000002 03 02 02 04 07 00 08 00000001 00000002 03 03 02 04 09 09 "
        "08 "
        "00000001 00000002",
        "03 00 04 00 03 01 04 06 07 00 04 00000001 03 02 04 06 07 00 04 00000001 06 01 03 03 04 01 08 00 04 00000001 "
        "05",
        "07 00 04 00 0c 00 03 01 04 04 07 00 04 00000001 0b 02 04 04 07 00 04 00000001 05 06 00 07 01",
        /* Messages that are none, marks that lie. */
        "00 00 04 00 01 0c 00000001 00000001 00000000 00 04 ffffffff 04 00 00 08 00000004 00000001 00 04 80000000",
        "00 00 04 00 01 30 00000001 00000000 00000002 2074616d 00000001 00000001 00000000 00000000 00000000 00000000 "
        "00000000 00000000 01 2c 00000001 00000000 00000002 2074616d 00000001 00000002 00000000 00000000 00000000 "
        "00000000 00000001",
    };
    for (size_t i = 0; i < COUNT_OF(seeds); i++) {
        uint8_t bytes[SEED_BYTES_MAX];
        char name[16];
        snprintf(name, sizeof(name), "%zu", i);
        write_seed(directory, name, view_of(bytes, notation_bytes(seeds[i], bytes, sizeof(bytes))));
    }
}

static const struct target {
    const char *name;
    void (*write)(const char *directory);
} targets[] = {
    {"mqtt",          write_mqtt        },
    { "amqp",         write_amqp        },
    { "zmtp",         write_zmtp        },
    { "oncrpc",       write_oncrpc      },
    { "session",      write_session     },
    { "settings",     write_settings    },
    { "idl",          write_idl         },
    { "log",          write_log         },
    { "record",       write_record      },
    { "xdr",          write_xdr         },
    { "talk",         write_talk        },
    { "amqp_talk",    write_talk        },
    { "zmtp_talk",    write_talk        },
    { "amqp_session", write_amqp_session},
    { "rpc_server",   write_rpc_server  },
};

int
main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < COUNT_OF(targets); i++)
        if (strcmp(argv[1], targets[i].name) == 0) {
            targets[i].write(argv[2]);
            return 0;
        }
    fprintf(stderr, "usage: corpus TARGET DIRECTORY\n");
    return 2;
}
