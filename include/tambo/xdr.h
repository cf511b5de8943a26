/* tambo/xdr.h - what stubs made by `tambo rpcgen` encode and decode with: XDR (RFC 4506).
 *
 * For each type T of an interface F.x there are
 *
 *     int F_encode_T(struct tambo_xdr_out *out, const struct T *value);
 *     int F_decode_T(struct tambo_xdr_in *in, struct T *ret);
 *
 * which return 0 or -TAMBO_ERR_X, and tambo_xdr_why() of the stream then tells what is wrong and where ("points[3].x").
 *
 * As C:  int, unsigned           int32_t, uint32_t         bool            bool
 *        hyper, unsigned hyper   int64_t, uint64_t         float, double   the same
 *        enum E                  enum E                    struct S        struct S
 *        T name[N]               T name[N]                 opaque name[N]  uint8_t name[N]
 *        T name<N>               struct { T *items; uint32_t count; } name
 *        opaque name<N>          struct tambo_bytes        string name<N>  char * with its NUL, never NULL once decoded
 *        T *name                 T *, NULL where there is none
 *        union U                 struct U: the discriminant under its name, and a union `u` of the arms
 *
 * `int F_encode_T(struct tambo_xdr_out *out, const T value)` it is for a typedef of an array.  An enum is passed as it
 * is, also with a number that has no name; a union's discriminant must have an arm.
 *
 * Memory.  Encoding only reads.  Decoding takes what a value points to from an *arena* and never anything else, so all
 * of it goes with one tambo_arena_free().  A length is compared with its limit, and with the bytes that are there,
 * before memory is taken for it.  What goes by reference in C is copied in and out: the other side gets its own.  A
 * pointer that comes twice within one value (shared, or a cycle) is refused: it would become two things there.
 *
 * Nothing here is to be called from two threads at once for the same object. */
#ifndef TAMBO_XDR_H
#define TAMBO_XDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tambo/error.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

struct tambo_bytes {
    const uint8_t *data;
    uint32_t len;
};

/* ---- memory for what is decoded ---------------------------------------------------------------------------- */

/* All that was taken from it is freed together.  Zeroed memory is an empty one. */
struct tambo_arena {
    struct tambo_arena_block *first; /* the newest */
    size_t used, size;               /* of it */
    size_t bytes, bytes_max;         /* taken in all, and its limit; 0: none */
};
/* `n` bytes, aligned for anything, not zeroed; NULL: no memory, or past its limit. */
void *tambo_arena_take(struct tambo_arena *arena, size_t n);
/* Frees all but one block, to be filled anew. */
void tambo_arena_reset(struct tambo_arena *arena);
void tambo_arena_free(struct tambo_arena *arena);

/* ---- what went wrong --------------------------------------------------------------------------------------- */

enum { TAMBO_XDR_PATH_MAX = 160, TAMBO_XDR_DEPTH_MAX = 256 };

struct tambo_xdr_fault {
    int rc;           /* of the call that failed last */
    const char *text; /* static; "longer than its limit" */
    char path[TAMBO_XDR_PATH_MAX];
};

/* ---- encoding ---------------------------------------------------------------------------------------------- */

struct tambo_xdr_seen; /* pointers that were followed in this value */

/* Bytes are written between `at` and `end`; `more` makes room.  tambo_xdr_out_init() makes one that grows on the heap.
 */
struct tambo_xdr_out {
    uint8_t *at, *end, *start;
    /* Room for `n` more bytes at `at`, what was written kept.  0, -TAMBO_ERR_NO_MEMORY, -TAMBO_ERR_TOO_LARGE. */
    int (*more)(struct tambo_xdr_out *out, size_t n);
    void *arg;
    size_t bytes_max;
    unsigned depth;
    const void *first; /* pointer of this value; all of them are in `seen` from the second on */
    struct tambo_xdr_seen *seen;
    struct tambo_xdr_fault fault;
};
/* Grows on the heap up to `bytes_max`. */
void tambo_xdr_out_init(struct tambo_xdr_out *out, size_t bytes_max);
/* To be called once a value, before it is encoded behind what is there: pointers of the one before are forgotten. */
void tambo_xdr_out_begin(struct tambo_xdr_out *out);
/* Frees what it holds; of one with a `more` of its own only what it knows of pointers. */
void tambo_xdr_out_free(struct tambo_xdr_out *out);
static inline size_t
tambo_xdr_out_len(const struct tambo_xdr_out *out)
{
    return (size_t)(out->at - out->start);
}

/* Room for `n` bytes, taken; NULL: `fault.rc` is the call's error.  Stubs ask once for all fields of fixed size that
 * follow each other. */
uint8_t *tambo_xdr_room_slow(struct tambo_xdr_out *out, size_t n);
static inline uint8_t *
tambo_xdr_room(struct tambo_xdr_out *out, size_t n)
{
    if (__builtin_expect((size_t)(out->end - out->at) < n, 0))
        return tambo_xdr_room_slow(out, n);
    uint8_t *p = out->at;
    out->at += n;
    return p;
}

static inline uint8_t *
tambo_xdr_write_u32(uint8_t *p, uint32_t x)
{
    x = __builtin_bswap32(x);
    memcpy(p, &x, 4);
    return p + 4;
}
static inline uint8_t *
tambo_xdr_write_u64(uint8_t *p, uint64_t x)
{
    x = __builtin_bswap64(x);
    memcpy(p, &x, 8);
    return p + 8;
}
static inline uint8_t *
tambo_xdr_write_float(uint8_t *p, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return tambo_xdr_write_u32(p, bits);
}
static inline uint8_t *
tambo_xdr_write_double(uint8_t *p, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, 8);
    return tambo_xdr_write_u64(p, bits);
}

/* Bytes with the zeros up to the next multiple of four, which `p` has room for. */
static inline uint8_t *
tambo_xdr_write_fixed(uint8_t *p, const void *data, size_t len)
{
    size_t padded = (len + 3) & ~(size_t)3;

    if (len == 0)
        return p;
    memset(p + padded - 4, 0, 4);
    memcpy(p, data, len);
    return p + padded;
}

int tambo_xdr_put_u32(struct tambo_xdr_out *out, uint32_t x);
int tambo_xdr_put_u64(struct tambo_xdr_out *out, uint64_t x);
/* A length and the bytes, or only the bytes. */
int tambo_xdr_put_opaque(struct tambo_xdr_out *out, const void *data, uint32_t len, uint32_t len_max);
int tambo_xdr_put_fixed(struct tambo_xdr_out *out, const void *data, uint32_t len);
/* NULL is refused. */
int tambo_xdr_put_string(struct tambo_xdr_out *out, const char *text, uint32_t len_max);
/* The count of a variable array; `items` may be NULL where there are none. */
int tambo_xdr_put_count(struct tambo_xdr_out *out, uint32_t count, uint32_t count_max, const void *items);
/* What `pointer` points to begins here: refused when this value has had it already, or when it lies too deep.  Ends
 * with tambo_xdr_up(). */
int tambo_xdr_down(struct tambo_xdr_out *out, const void *pointer);
/* Is there something behind `pointer`, which is written; and then down to it: 1.  0: there is not. */
int tambo_xdr_put_pointer(struct tambo_xdr_out *out, const void *pointer);
static inline void
tambo_xdr_up(struct tambo_xdr_out *out)
{
    out->depth--;
}

/* ---- decoding ---------------------------------------------------------------------------------------------- */

struct tambo_xdr_in {
    const uint8_t *at, *end;
    struct tambo_arena *arena;
    unsigned depth;
    struct tambo_xdr_fault fault;
};
static inline void
tambo_xdr_in_init(struct tambo_xdr_in *in, const void *data, size_t len, struct tambo_arena *arena)
{
    in->at = (const uint8_t *)data;
    in->end = in->at + len;
    in->arena = arena;
    in->depth = 0;
    in->fault.rc = 0;
    in->fault.text = NULL;
    in->fault.path[0] = '\0';
}

/* `n` bytes of the input; NULL: it ends before, and `fault.rc` (-TAMBO_ERR_PROTOCOL) is the call's error. */
const uint8_t *tambo_xdr_need_slow(struct tambo_xdr_in *in);
static inline const uint8_t *
tambo_xdr_need(struct tambo_xdr_in *in, size_t n)
{
    if (__builtin_expect((size_t)(in->end - in->at) < n, 0))
        return tambo_xdr_need_slow(in);
    const uint8_t *p = in->at;
    in->at += n;
    return p;
}

static inline uint32_t
tambo_xdr_read_u32(const uint8_t *p)
{
    uint32_t x;
    memcpy(&x, p, 4);
    return __builtin_bswap32(x);
}
static inline uint64_t
tambo_xdr_read_u64(const uint8_t *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
    return __builtin_bswap64(x);
}
static inline float
tambo_xdr_read_float(const uint8_t *p)
{
    uint32_t bits = tambo_xdr_read_u32(p);
    float x;
    memcpy(&x, &bits, 4);
    return x;
}
static inline double
tambo_xdr_read_double(const uint8_t *p)
{
    uint64_t bits = tambo_xdr_read_u64(p);
    double x;
    memcpy(&x, &bits, 8);
    return x;
}

/* Out of bytes that are there: what may be refused. */
int tambo_xdr_read_bool_slow(struct tambo_xdr_in *in); /* neither 0 nor 1 (RFC 4506, 4.4) */
static inline int
tambo_xdr_read_bool(struct tambo_xdr_in *in, const uint8_t *p, bool *ret)
{
    uint32_t x = tambo_xdr_read_u32(p);

    if (__builtin_expect(x > 1, 0))
        return tambo_xdr_read_bool_slow(in);
    *ret = x == 1;
    return 0;
}
/* `char` and `short` travel as four bytes, which must fit. */
int tambo_xdr_read_int8(struct tambo_xdr_in *in, const uint8_t *p, int8_t *ret);
int tambo_xdr_read_uint8(struct tambo_xdr_in *in, const uint8_t *p, uint8_t *ret);
int tambo_xdr_read_int16(struct tambo_xdr_in *in, const uint8_t *p, int16_t *ret);
int tambo_xdr_read_uint16(struct tambo_xdr_in *in, const uint8_t *p, uint16_t *ret);
/* `len` bytes and their padding, which must be zeros (RFC 4506, 3). */
int tambo_xdr_read_fixed(struct tambo_xdr_in *in, const uint8_t *p, void *into, size_t len);

int tambo_xdr_get_u32(struct tambo_xdr_in *in, uint32_t *ret);
int tambo_xdr_get_bool(struct tambo_xdr_in *in, bool *ret);
int tambo_xdr_get_fixed(struct tambo_xdr_in *in, void *into, uint32_t len);
/* Padding that is not zero is refused. */
int tambo_xdr_get_opaque(struct tambo_xdr_in *in, struct tambo_bytes *ret, uint32_t len_max);
/* One with a NUL inside is refused. */
int tambo_xdr_get_string(struct tambo_xdr_in *in, char **ret, uint32_t len_max);
/* The count of a variable array: at most `count_max`, and no more than can be there when an element takes `wire_bytes`
 * at least (0 counts as 1); and zeroed memory for so many of `size` at *retitems, NULL for none.  `retitems` is the
 * address of a pointer to the elements. */
int tambo_xdr_get_array(struct tambo_xdr_in *in, uint32_t count_max, size_t wire_bytes, size_t size, uint32_t *retcount,
                        void *retitems);
/* Is there something behind a pointer?  1: zeroed memory of `size` bytes for it at *ret, and one level down to it,
 * which tambo_xdr_in_up() ends; 0: there is not, NULL.  `ret` is the address of that pointer. */
int tambo_xdr_get_pointer(struct tambo_xdr_in *in, size_t size, void *ret);
/* One level down, for arrays of what may hold itself. */
int tambo_xdr_in_down(struct tambo_xdr_in *in);
static inline void
tambo_xdr_in_up(struct tambo_xdr_in *in)
{
    in->depth--;
}

/* ---- faults, from the inside out ----------------------------------------------------------------------------- */

/* Says what is wrong; returns `rc`.  What cannot be encoded is -TAMBO_ERR_ARGUMENTS, what cannot be decoded
 * -TAMBO_ERR_PROTOCOL. */
int tambo_xdr_fail(struct tambo_xdr_fault *fault, int rc, const char *text);
/* On the way out each level puts its field's name, and an index in it when that is not negative, before the path;
 * returns `rc`. */
int tambo_xdr_in_field(struct tambo_xdr_fault *fault, int rc, const char *field, int64_t index);
/* "points[3].x: longer than its limit", with its NUL. */
void tambo_xdr_why(const struct tambo_xdr_fault *fault, char *ret, size_t size);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
