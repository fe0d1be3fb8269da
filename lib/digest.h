/*
 * What message digests of blocks of 64 bytes have in common: the message, then a
 * one bit, zeros, and its length. They differ in what a block does to their state
 * and in the order of bytes.
 */
#ifndef LIB_DIGEST_H
#define LIB_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* `bits` is the length in bits, as its eight bytes stand in the last block. */
void digest_blocks(void (*block)(uint32_t *state, const uint8_t *bytes), uint32_t *state,
                   const void *bytes, size_t length, uint64_t bits);

#endif
