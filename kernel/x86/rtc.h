/*
 * The time of day, from the clock that the machine has in its CMOS memory.
 */
#ifndef KERNEL_X86_RTC_H
#define KERNEL_X86_RTC_H

#include <stdint.h>

/* What time of day it is at a time of clock_ns(): nanoseconds since 1970, UTC, right to a second.
 * 0 where the machine's clock does not work. The boot processor's; the first call takes some
 * milliseconds. */
uint64_t rtc_time(uint64_t clock);

#endif
