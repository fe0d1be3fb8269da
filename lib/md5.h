/*
 * The MD5 message digest, RFC 1321. Good against accidents only.
 */
#ifndef LIB_MD5_H
#define LIB_MD5_H

#include <stddef.h>
#include <stdint.h>

#include "lib/digest.h"

#define MD5_BYTES 16

extern const struct digest_kind md5_kind;

/* Of bytes in memory. */
void md5(const void *bytes, size_t length, uint8_t result[MD5_BYTES]);

#endif
