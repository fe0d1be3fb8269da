/* What only the boot order needs of the clock. */
#ifndef KERNEL_X86_CLOCK_START_H
#define KERNEL_X86_CLOCK_START_H

#include <stdint.h>

/* Measures all clocks. Time 0 is when the time stamp counter was `tsc`. */
void clock_start(uint64_t tsc);

/* The alarm of another processor, by that processor. */
void clock_start_other(void);

#endif
