#include "base/err.h"

const char *
err_text(int err)
{
    switch (err < 0 ? -err : err) {
    case ERR_NONE: return "success";
#define ERR_CASE(name, text) \
    case ERR_##name: return text;
        ERRS(ERR_CASE)
#undef ERR_CASE
    default: return "unknown error";
    }
}
