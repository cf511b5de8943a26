/* rpc/clnt_stat.h - what became of a call.  The numbers are those that Sun's programs have always used. */
#ifndef TAMBO_SUNRPC_CLNT_STAT_H
#define TAMBO_SUNRPC_CLNT_STAT_H

enum clnt_stat {
    RPC_SUCCESS = 0,
    /* here */
    RPC_CANTENCODEARGS = 1,
    RPC_CANTDECODERES = 2,
    RPC_CANTSEND = 3,
    RPC_CANTRECV = 4,
    RPC_TIMEDOUT = 5,
    /* there */
    RPC_VERSMISMATCH = 6,
    RPC_AUTHERROR = 7,
    RPC_PROGUNAVAIL = 8,
    RPC_PROGVERSMISMATCH = 9,
    RPC_PROCUNAVAIL = 10,
    RPC_CANTDECODEARGS = 11,
    RPC_SYSTEMERROR = 12,
    /* on the way to a client */
    RPC_UNKNOWNHOST = 13,
    RPC_PMAPFAILURE = 14,
    RPC_RPCBFAILURE = 14,
    RPC_PROGNOTREGISTERED = 15,
    RPC_FAILED = 16,
    RPC_UNKNOWNPROTO = 17,
    RPC_INTR = 18,
    RPC_UNKNOWNADDR = 19,
    RPC_TLIERROR = 20,
    RPC_NOBROADCAST = 21,
    RPC_N2AXLATEFAILURE = 22,
    RPC_UDERROR = 23,
    RPC_INPROGRESS = 24,
    RPC_STALERACHANDLE = 25,
};

#endif
