/* idl/schema.h - an interface as JSON Schema (2020-12): what idl/value.h takes and gives.
 *
 *     { "$schema": "...",
 *       "$defs": { "TYPE": {...}, ... },
 *       "programs": { "DATE_PROG": { "number": 824395316, "versions": { "DATE_VERS": { "number": 1, "procedures": {
 *           "BIN_DATE": { "number": 1, "arguments": {...}, "result": {...} } } } } } } }
 *
 * Comments become descriptions, without their marks. */
#ifndef TAMBO_IDL_SCHEMA_H
#define TAMBO_IDL_SCHEMA_H

#include <jansson.h>

#include "idl/idl.h"

/* NULL: no memory. */
json_t *idl_schema(const struct idl *idl);

#endif
