/* Unpredictable bytes for /dev/random: from the firmware, the processor, and timing. */
#ifndef KERNEL_ENTROPY_H
#define KERNEL_ENTROPY_H

#include "boot/handover.h"

void entropy_start(const struct handover *handover);

#endif
