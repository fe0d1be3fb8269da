/*
 * See cksum.h. By tables, as lib/crc32c.c, but with the bits the other way
 * round: tables[k][b] is what byte b does to the remainder when k more follow.
 */
#include "lib/cksum.h"

#include <stdbool.h>

#define POLYNOMIAL 0x04c11db7u

static uint32_t tables[8][256];
static bool filled;

static void fill(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc >> 31 ? POLYNOMIAL : 0);
        tables[0][byte] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t crc = tables[k - 1][byte];
            tables[k][byte] = crc << 8 ^ tables[0][crc >> 24];
        }
    filled = true;
}

uint32_t cksum_add(uint32_t crc, const void *bytes, size_t length)
{
    if (!filled)
        fill();
    const uint8_t *at = bytes;
    for (; length >= 8; length -= 8, at += 8) {
        uint64_t word;
        __builtin_memcpy(&word, at, 8);
        word = __builtin_bswap64(word) ^ (uint64_t)crc << 32;
        crc = 0;
        for (int i = 0; i < 8; i++)
            crc ^= tables[i][word >> 8 * i & 255];
    }
    for (; length; length--)
        crc = crc << 8 ^ tables[0][crc >> 24 ^ *at++];
    return crc;
}

uint32_t cksum_end(uint32_t crc, uint64_t length)
{
    for (; length; length >>= 8)
        crc = cksum_add(crc, &(uint8_t){(uint8_t)length}, 1);
    return ~crc;
}
