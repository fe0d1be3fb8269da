/*
 * What PRP entries a transfer must have, told from the text of NVM Express Base
 * 2.0, 4.1.1, as plainly as it can be said. Tests hold the builder of the
 * driver and the walk of the software controller against it.
 */
#ifndef TESTS_UNIT_PRP_ORACLE_H
#define TESTS_UNIT_PRP_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prp_segment {
    uint64_t bus;
    uint64_t length; /* bytes; empty segments count for nothing */
};

/* Makes one of those that follow one another on the bus, in place; how many are left. */
size_t prp_segments_join(struct prp_segment *segments, size_t count);

/*
 * Stores the data pages of the transfer in order: the first entry with its
 * offset, all others page aligned. False: PRPs cannot express these segments,
 * or `capacity` entries are too few. No bytes give no entries.
 */
bool prp_oracle(uint64_t page_size, const struct prp_segment *segments, size_t segment_count,
                uint64_t *entries, size_t capacity, size_t *entry_count);

/*
 * Reads the other way round: the data pages that PRP1 and PRP2 of a command
 * with `length` bytes name, where `read_qword` reads memory at a bus address
 * (false: it must not be read). False: a rule is broken.
 */
bool prp_oracle_decode(uint64_t page_size, uint64_t prp1, uint64_t prp2, uint64_t length,
                       bool (*read_qword)(void *context, uint64_t bus, uint64_t *value),
                       void *context, uint64_t *entries, size_t capacity, size_t *entry_count);

#endif
