/*
 * The ChaCha20 block function (RFC 8439, section 2.3): the generator behind
 * /dev/random.
 */
#ifndef LIB_CHACHA20_H
#define LIB_CHACHA20_H

#include <stdint.h>

/* Writes the 64 key-stream bytes of one block; state is constants, key, counter and nonce. */
void chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
                    uint8_t stream[64]);

#endif
