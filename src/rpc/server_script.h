/* rpc/server_script.h - for the tests of servers: calls and replies as rig_say() takes and rig_heard() prints them. */
#ifndef TAMBO_RPC_SERVER_SCRIPT_H
#define TAMBO_RPC_SERVER_SCRIPT_H

#include <stdio.h>

#include "base/cursor.h"
#include "rpc/server_rig.h"

#define TEST "20000001"
#define ANY  "20000002"
#define OURS "2074616d"

#define NONE "00000000 00000000 "
/* stamp 5, machine "ana", uid 1000, gid 100, groups 7 and 8 */
#define SYS                                    "00000001 00000020 00000005 00000003 616e6100 000003e8 00000064 00000002 00000007 00000008 "
#define HEAD(xid, program, version, procedure) xid " 00000000 00000002 " program " " version " " procedure " "
#define CALL(xid, procedure)                   HEAD(xid, TEST, "00000001", procedure) NONE NONE

#define ACCEPTED(xid)   xid " 00000001 00000000 00000000 00000000"
#define OK(xid)         ACCEPTED(xid) " 00000000"
#define REFUSED(xid)    xid " 00000001 00000001 00000001"
#define OVERLOADED(xid) xid " 00000001 00000000 2074616d 00000004 00000022 00000005"
/* To a client of ours. */
#define RECEIPT(xid) xid " 00000000 00000002 2074616d 00000001 00000003 00000000 00000000 00000000 00000000 " xid

#endif
