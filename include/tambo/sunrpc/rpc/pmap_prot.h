/* rpc/pmap_prot.h - rpcbind's protocol in version 2 (RFC 1833, 3). */
#ifndef TAMBO_SUNRPC_PMAP_PROT_H
#define TAMBO_SUNRPC_PMAP_PROT_H

#include <rpc/xdr.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#define PMAPPORT         ((u_short)111)
#define PMAPPROG         ((u_long)100000)
#define PMAPVERS         ((u_long)2)
#define PMAPVERS_PROTO   ((u_long)2)
#define PMAPVERS_ORIG    ((u_long)1)
#define PMAPPROC_NULL    ((u_long)0)
#define PMAPPROC_SET     ((u_long)1)
#define PMAPPROC_UNSET   ((u_long)2)
#define PMAPPROC_GETPORT ((u_long)3)
#define PMAPPROC_DUMP    ((u_long)4)
#define PMAPPROC_CALLIT  ((u_long)5)

struct pmap {
    u_long pm_prog, pm_vers, pm_prot, pm_port;
};
struct pmaplist {
    struct pmap pml_map;
    struct pmaplist *pml_next;
};
extern bool_t xdr_pmap(XDR *, struct pmap *);
extern bool_t xdr_pmaplist(XDR *, struct pmaplist **);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
