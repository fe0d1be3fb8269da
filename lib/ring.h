/*
 * A ring of bytes with one writer and one reader that need no lock between
 * them: an interrupt handler may be the one and the main program the other.
 * The indices run freely and wrap by themselves; `size` is a power of two.
 */
#ifndef LIB_RING_H
#define LIB_RING_H

#include <stdbool.h>
#include <stdint.h>

struct ring {
    uint8_t *bytes;
    uint32_t size;
    uint32_t written; /* changed by the writer only */
    uint32_t read;    /* changed by the reader only */
};

static inline uint32_t ring_used(const struct ring *ring)
{
    return __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE) -
           __atomic_load_n(&ring->read, __ATOMIC_ACQUIRE);
}

/* False when the ring is full. The release makes the byte visible before the index. */
static inline bool ring_put(struct ring *ring, uint8_t byte)
{
    if (ring_used(ring) == ring->size)
        return false;
    ring->bytes[ring->written & (ring->size - 1)] = byte;
    __atomic_store_n(&ring->written, ring->written + 1, __ATOMIC_RELEASE);
    return true;
}

/* False when the ring is empty. */
static inline bool ring_get(struct ring *ring, uint8_t *byte)
{
    if (ring_used(ring) == 0)
        return false;
    *byte = ring->bytes[ring->read & (ring->size - 1)];
    __atomic_store_n(&ring->read, ring->read + 1, __ATOMIC_RELEASE);
    return true;
}

#endif
