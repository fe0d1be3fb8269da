/*
 * CRC-32C by tables, eight bytes at a step: tables[k][b] is what byte b does to
 * the remainder when k more bytes follow it. They are computed at first use;
 * two processors that do so at once write the same values.
 */
#include "lib/crc32c.h"

#include <stdbool.h>

#define POLYNOMIAL 0x82f63b78u /* bits reversed */

static uint32_t tables[8][256];
static bool filled;

static void fill(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        tables[0][byte] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t crc = tables[k - 1][byte];
            tables[k][byte] = crc >> 8 ^ tables[0][crc & 255];
        }
    __atomic_store_n(&filled, true, __ATOMIC_RELEASE);
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length)
{
    if (!__atomic_load_n(&filled, __ATOMIC_ACQUIRE))
        fill();
    const uint8_t *at = bytes;
    crc = ~crc;
    for (; length >= 8; length -= 8, at += 8) {
        uint64_t word;
        __builtin_memcpy(&word, at, 8);
        word ^= crc;
        crc = 0;
        for (int i = 0; i < 8; i++)
            crc ^= tables[7 - i][word >> 8 * i & 255];
    }
    for (; length; length--)
        crc = crc >> 8 ^ tables[0][(crc ^ *at++) & 255];
    return ~crc;
}
