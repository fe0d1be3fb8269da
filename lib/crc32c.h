/*
 * CRC-32C (Castagnoli), as iSCSI computes it: RFC 3720, appendix B.4.
 */
#ifndef LIB_CRC32C_H
#define LIB_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, what the bytes before gave; 0 at the start. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t length);

#endif
