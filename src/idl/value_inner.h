/* idl/value_inner.h - what both directions between JSON and XDR share. */
#ifndef TAMBO_IDL_VALUE_INNER_H
#define TAMBO_IDL_VALUE_INNER_H

#include <stdio.h>

#include "base/err.h"
#include "base/must.h"
#include "idl/value.h"

/* Puts a field's name before the path; returns `rc`. */
static inline int
value_in(struct tambo_xdr_fault *fault, int rc, struct view name)
{
    char field[TAMBO_XDR_PATH_MAX];
    snprintf(field, sizeof(field), "%.*s", (int)(name.len < sizeof(field) ? name.len : sizeof(field) - 1),
             (const char *)name.data);
    return tambo_xdr_in_field(fault, rc, field, -1);
}

/* The declaration of one element, or of what is pointed to. */
static inline struct idl_decl
value_element(const struct idl_decl *decl)
{
    struct idl_decl element = *decl;
    element.shape = IDL_PLAIN;
    element.is_bounded = false;
    return element;
}

/* At most so many elements or bytes. */
static inline uint32_t
value_limit(const struct idl_decl *decl)
{
    return decl->is_bounded ? (uint32_t)decl->bound.value : UINT32_MAX;
}

/* The range of an integer of up to 32 bits. */
static inline int64_t
value_high(const struct idl_type *type)
{
    return (INT64_C(1) << (type->bits - (type->is_unsigned ? 0u : 1u))) - 1;
}
static inline int64_t
value_low(const struct idl_type *type)
{
    return type->is_unsigned ? 0 : -value_high(type) - 1;
}

/* A value of 32 bits as the number that it is: of an enum, a bool or an integer. */
static inline int64_t
value_of_word(const struct idl_decl *resolved, uint32_t word)
{
    return resolved->type.kind == IDL_INT && resolved->type.is_unsigned ? (int64_t)word : (int64_t)(int32_t)word;
}

enum { VALUE_NAME_CHARS = 24 };

/* An argument's name, or what it is called without one. */
static inline struct view
value_argument(const struct idl_decl *arg, unsigned number, char room[VALUE_NAME_CHARS])
{
    if (arg->name.len > 0)
        return arg->name;
    snprintf(room, VALUE_NAME_CHARS, "arg%u", number);
    return view_str(room);
}

#endif
