/* lib/keypair.c - keys for CURVE. */
#include <sodium.h>

#include "base/err.h"
#include "base/view.h"
#include "tambo/socket.h"
#include "wire/z85.h"

static void
print(const uint8_t *key, char ret[41])
{
    z85_encode(view_of(key, crypto_box_PUBLICKEYBYTES), ret);
    ret[40] = '\0';
}

int
tambo_curve_keypair(char retpublic[41], char retsecret[41])
{
    uint8_t open[crypto_box_PUBLICKEYBYTES], secret[crypto_box_SECRETKEYBYTES];
    if (sodium_init() < 0 || crypto_box_keypair(open, secret) < 0)
        return -ERR_IO;
    print(open, retpublic);
    print(secret, retsecret);
    sodium_memzero(secret, sizeof(secret));
    return 0;
}
