/* What rpcbind in version 2 is asked and tells. */
#include <rpc/pmap_prot.h>

bool_t
xdr_pmap(XDR *xdrs, struct pmap *at)
{
    return xdr_u_long(xdrs, &at->pm_prog) && xdr_u_long(xdrs, &at->pm_vers) && xdr_u_long(xdrs, &at->pm_prot) &&
           xdr_u_long(xdrs, &at->pm_port);
}

/* Each element is preceded by whether it is there.  A list is as long as it is: so this goes along it, and does not
 * call itself. */
bool_t
xdr_pmaplist(XDR *xdrs, struct pmaplist **at)
{
    for (;;) {
        struct pmaplist *rest = xdrs->x_op == XDR_FREE && *at != NULL ? (*at)->pml_next : NULL;
        bool_t is_there = *at != NULL;

        if (!xdr_bool(xdrs, &is_there))
            return FALSE;
        if (!is_there) {
            *at = NULL;
            return TRUE;
        }
        if (!xdr_reference(xdrs, (char **)at, sizeof **at, (xdrproc_t)xdr_pmap))
            return FALSE;
        if (xdrs->x_op == XDR_FREE)
            *at = rest;
        else
            at = &(*at)->pml_next;
    }
}
