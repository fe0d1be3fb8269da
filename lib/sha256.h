/*
 * The SHA-256 message digest, FIPS 180-4.
 */
#ifndef LIB_SHA256_H
#define LIB_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "lib/digest.h"

#define SHA256_BYTES 32

extern const struct digest_kind sha256_kind;

/* Of bytes in memory. */
void sha256(const void *bytes, size_t length, uint8_t result[SHA256_BYTES]);

#endif
