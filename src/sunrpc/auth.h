/* sunrpc/auth.h - credentials of clients. */
#ifndef TAMBO_SUNRPC_AUTHS_H
#define TAMBO_SUNRPC_AUTHS_H

#include <rpc/auth.h>

#include "tambo/rpc.h"

/* What it says on the wire, borrowed, and its number (sun_auth_number); 0: AUTH_NONE. */
unsigned sun_auth_cred(const AUTH *auth, const struct tambo_rpc_cred **ret);

#endif
