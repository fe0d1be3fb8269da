/*
 * What message digests of blocks of 64 bytes have in common: the message, in
 * pieces of any length, then a one bit, zeros, and its length. A kind of them is
 * what a block does to the state, what the state is at first, and the order of
 * bytes.
 */
#ifndef LIB_DIGEST_H
#define LIB_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_BLOCK 64
#define DIGEST_MOST  32 /* bytes in the longest result */

struct digest_kind {
    const char *name; /* "SHA256" */
    size_t bytes;     /* in the result */
    uint32_t start[DIGEST_MOST / 4];
    bool big_endian;
    void (*block)(uint32_t *state, const uint8_t *bytes);
};

struct digest {
    const struct digest_kind *kind;
    uint32_t state[DIGEST_MOST / 4];
    uint64_t length; /* of the message so far; what fills no block is in `part` */
    uint8_t part[DIGEST_BLOCK];
};

void digest_start(struct digest *digest, const struct digest_kind *kind);
void digest_add(struct digest *digest, const void *bytes, size_t length);
void digest_end(struct digest *digest, uint8_t *result); /* kind->bytes of them */

#endif
