/* See digest.h. */
#include "lib/digest.h"

#include "lib/bits.h"
#include "lib/string.h"

void digest_start(struct digest *digest, const struct digest_kind *kind)
{
    digest->kind = kind;
    digest->length = 0;
    memcpy(digest->state, kind->start, sizeof digest->state);
}

void digest_add(struct digest *digest, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    size_t part = digest->length % DIGEST_BLOCK;
    digest->length += length;
    if (part) {
        size_t more = MIN(length, DIGEST_BLOCK - part);
        memcpy(digest->part + part, at, more);
        if (part + more < DIGEST_BLOCK)
            return;
        digest->kind->block(digest->state, digest->part);
        at += more;
        length -= more;
    }
    for (; length >= DIGEST_BLOCK; length -= DIGEST_BLOCK, at += DIGEST_BLOCK)
        digest->kind->block(digest->state, at);
    if (length)
        memcpy(digest->part, at, length);
}

void digest_end(struct digest *digest, uint8_t *result)
{
    static const uint8_t padding[DIGEST_BLOCK] = {0x80};
    bool swap = digest->kind->big_endian;
    uint64_t bits = digest->length * 8;
    if (swap)
        bits = __builtin_bswap64(bits);
    size_t part = digest->length % DIGEST_BLOCK, end = DIGEST_BLOCK - sizeof bits;
    digest_add(digest, padding, part < end ? end - part : DIGEST_BLOCK + end - part);
    digest_add(digest, &bits, sizeof bits);
    for (size_t i = 0; swap && i < ARRAY_SIZE(digest->state); i++)
        digest->state[i] = __builtin_bswap32(digest->state[i]);
    memcpy(result, digest->state, digest->kind->bytes);
}
