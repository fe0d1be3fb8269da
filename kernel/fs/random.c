/*
 * Random bytes: ChaCha20 with fast key erasure. The first half of a key's
 * first block becomes the next key before anything is given out, so what was
 * given out cannot be computed again from the memory as it is now.
 */
#include "kernel/fs/fs.h"
#include "kernel/x86/clock.h"
#include "lib/bits.h"
#include "lib/chacha20.h"
#include "lib/string.h"

#define KEY_BYTES   32u
#define BLOCK_BYTES 64u
#define MOST_A_KEY  (64u * 1024) /* bytes given out under one key */

static uint32_t key[KEY_BYTES / 4];

/* A store that the compiler must not leave out, though nobody reads it. */
static void wipe(void *secret, size_t length)
{
    memset(secret, 0, length);
    __asm__ volatile("" : : "r"(secret) : "memory");
}

/* The time goes in as well, so that not even the same seeds twice give the same bytes. */
void random_seed(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint8_t block[BLOCK_BYTES];
    do {
        uint8_t piece[KEY_BYTES] = {0};
        size_t count = MIN(length, sizeof piece);
        memcpy(piece, at, count);
        for (unsigned i = 0; i < KEY_BYTES; i++)
            ((uint8_t *)key)[i] ^= piece[i];
        uint64_t now = clock_ns();
        uint32_t nonce[3] = {1 + (uint32_t)count, (uint32_t)now, (uint32_t)(now >> 32)};
        chacha20_block(key, 0, nonce, block);
        memcpy(key, block, sizeof key);
        wipe(piece, sizeof piece);
        at += count;
        length -= count;
    } while (length);
    wipe(block, sizeof block);
}

void random_bytes(void *to, size_t length)
{
    static const uint32_t nonce[3] = {0};
    uint8_t *at = to;
    while (length) {
        uint8_t block[BLOCK_BYTES];
        uint32_t old[KEY_BYTES / 4];
        memcpy(old, key, sizeof old);
        chacha20_block(old, 0, nonce, block);
        memcpy(key, block, sizeof key);

        size_t left = MIN(length, (size_t)MOST_A_KEY);
        length -= left;
        for (uint32_t counter = 1; left; counter++) {
            size_t count = MIN(left, sizeof block);
            chacha20_block(old, counter, nonce, block);
            memcpy(at, block, count);
            at += count;
            left -= count;
        }
        wipe(old, sizeof old);
        wipe(block, sizeof block);
    }
}
