/* lib/error.c - errors as text.  Their numbers are those of base/err.h, so that what the rooms below say is handed on
 * as it is. */
#include "tambo/error.h"
#include "base/err.h"

enum { ERR_END = ERR_EOF }; /* the only one with another name */

#define SAME_NUMBER(name, number, text) \
    _Static_assert((int)ERR_##name == (number), "TAMBO_ERR_" #name " has another number inside");
TAMBO_ERRORS(SAME_NUMBER)

const char *
tambo_error_text(int error)
{
    switch (error < 0 ? -(unsigned)error : (unsigned)error) {
    case 0: return "success";
#define ERROR_CASE(name, number, text) \
    case number: return text;
        TAMBO_ERRORS(ERROR_CASE)
    default: return "unknown error";
    }
}
