/* The procedures that date_svc.c calls. */
#include <rpc/rpc.h>
#include <time.h>

#include "date.h"

long *
bin_date_1_svc(void *argp, struct svc_req *rqstp)
{
    static long timeval; /* must be static */

    timeval = time((time_t *)0);
    return &timeval;
}

char **
str_date_1_svc(long *bintime, struct svc_req *rqstp)
{
    static char *ptr; /* must be static */

    ptr = ctime((time_t *)bintime);
    return &ptr;
}
