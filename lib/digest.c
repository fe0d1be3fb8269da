/* See digest.h. */
#include "lib/digest.h"

#include "lib/string.h"

#define BLOCK 64u

void digest_blocks(void (*block)(uint32_t *state, const uint8_t *bytes), uint32_t *state,
                   const void *bytes, size_t length, uint64_t bits)
{
    const uint8_t *at = bytes;
    for (; length >= BLOCK; length -= BLOCK, at += BLOCK)
        block(state, at);

    uint8_t last[2 * BLOCK] = {0};
    size_t padded = length < BLOCK - sizeof bits ? BLOCK : 2 * BLOCK;
    memcpy(last, at, length);
    last[length] = 0x80;
    memcpy(last + padded - sizeof bits, &bits, sizeof bits);
    for (size_t done = 0; done < padded; done += BLOCK)
        block(state, last + done);
}
