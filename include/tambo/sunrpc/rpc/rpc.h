/* rpc/rpc.h - Sun RPC as its programs know it, on libtambo: see tambo-sunrpc(7). */
#ifndef TAMBO_SUNRPC_RPC_H
#define TAMBO_SUNRPC_RPC_H

#include <netinet/in.h>
#include <rpc/types.h>
#include <sys/socket.h>

#include <rpc/auth.h>
#include <rpc/auth_unix.h>
#include <rpc/clnt.h>
#include <rpc/pmap_clnt.h>
#include <rpc/pmap_prot.h>
#include <rpc/rpc_msg.h>
#include <rpc/svc.h>
#include <rpc/xdr.h>

/* getrpcbyname() and its kin are the C library's. */
#include <netdb.h>

#endif
