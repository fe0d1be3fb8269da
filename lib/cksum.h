/*
 * The checksum of POSIX's cksum: CRC-32 with the highest bit first, over the
 * bytes and then over their number.
 */
#ifndef LIB_CKSUM_H
#define LIB_CKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, what the bytes before gave; 0 at the start. */
uint32_t cksum_add(uint32_t crc, const void *bytes, size_t length);

/* The checksum of the `length` bytes that gave `crc`. */
uint32_t cksum_end(uint32_t crc, uint64_t length);

#endif
