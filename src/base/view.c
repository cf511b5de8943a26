#include "base/view.h"

bool
view_has_any(struct view v, const char *chars)
{
    for (; *chars; chars++)
        if (v.len > 0 && memchr(v.data, *chars, v.len) != NULL)
            return true;
    return false;
}
