/* io/uv/err.c - libuv's and the system's errors, both negative errno here, as ours. */
#include <errno.h>

#include "base/err.h"
#include "io/uv/uv.h"

int
uv_err(int64_t err)
{
    static const struct {
        int system, ours;
    } rows[] = {
        {UV_EOF,            ERR_EOF           },
        { UV_EAGAIN,        ERR_AGAIN         },
        { UV_ENOMEM,        ERR_NO_MEMORY     },
        { UV_ENOSPC,        ERR_DISK_FULL     },
        { -EDQUOT,          ERR_DISK_FULL     },
        { UV_ENOENT,        ERR_NOT_FOUND     },
        { UV_ENOTDIR,       ERR_NOT_FOUND     },
        { UV_EEXIST,        ERR_EXISTS        },
        { UV_EBUSY,         ERR_BUSY          },
        { UV_EACCES,        ERR_DENIED        },
        { UV_EPERM,         ERR_DENIED        },
        { UV_EROFS,         ERR_DENIED        },
        { UV_ECONNREFUSED,  ERR_REFUSED       },
        { UV_ECONNRESET,    ERR_RESET         },
        { UV_EPIPE,         ERR_RESET         },
        { UV_ETIMEDOUT,     ERR_TIMEOUT       },
        { UV_EHOSTUNREACH,  ERR_UNREACHABLE   },
        { UV_ENETUNREACH,   ERR_UNREACHABLE   },
        { UV_EADDRINUSE,    ERR_ADDRESS_IN_USE},
        { UV_EADDRNOTAVAIL, ERR_ADDRESS       },
        { UV_EAI_NONAME,    ERR_ADDRESS       },
        { UV_EAI_NODATA,    ERR_ADDRESS       },
        { UV_EAI_AGAIN,     ERR_ADDRESS       },
        { UV_EAI_FAIL,      ERR_ADDRESS       },
        { UV_ECANCELED,     ERR_CANCELED      },
        { UV_EINVAL,        ERR_INVALID       },
        { UV_ENAMETOOLONG,  ERR_TOO_LARGE     },
        { UV_EFBIG,         ERR_TOO_LARGE     },
        { UV_EMFILE,        ERR_DESCRIPTORS   },
        { UV_ENFILE,        ERR_DESCRIPTORS   },
    };
    if (err >= 0)
        return 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].system == err)
            return -rows[i].ours;
    return -ERR_IO;
}
