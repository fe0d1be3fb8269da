/* Unpredictable bytes for /dev/random: from the firmware, the processor, and timing. */
#ifndef KERNEL_ENTROPY_H
#define KERNEL_ENTROPY_H

#include "boot/handover.h"

/* The processor's random number, if it makes such, and its time stamp counter. At any time. */
uint64_t entropy_word(void);

void entropy_start(const struct handover *handover);

#endif
