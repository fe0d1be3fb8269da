/*
 * Time: nanoseconds since the loader left boot services, monotonic, the same on
 * all processors, any context. Waiting is done in hlt, never by spinning, and on
 * any processor.
 */
#ifndef KERNEL_X86_CLOCK_H
#define KERNEL_X86_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#if !__STDC_HOSTED__
#include "kernel/x86/cpu.h"
#endif

#define NS_PER_US  1000ULL
#define NS_PER_MS  1000000ULL
#define NS_PER_SEC 1000000000ULL

#define CLOCK_NEVER UINT64_MAX /* a deadline that does not come */

/* Tests on a host say what time it is. */
#if __STDC_HOSTED__
uint64_t clock_ns(void);
#else
#define CLOCK_FRACTION_BITS 32

extern struct clock_rate {
    uint64_t start_tsc;
    uint64_t ns_per_tsc; /* fixed point */
} clock_rate;

/* What clock_ns() said when the time stamp counter was `tsc`. */
static inline uint64_t clock_from_tsc(uint64_t tsc)
{
    unsigned __int128 passed = tsc - clock_rate.start_tsc;
    return (uint64_t)(passed * clock_rate.ns_per_tsc >> CLOCK_FRACTION_BITS);
}

static inline uint64_t clock_ns(void)
{
    return clock_from_tsc(read_tsc());
}
#endif

/*
 * Halts the processor until an interrupt that arrived after `ready` was last asked may have made
 * it true, or until `deadline` (as clock_ns). Returns ready(context). A wake-up between asking and
 * halting is not lost: asking is done with interrupts off. Not from an interrupt handler.
 */
bool clock_wait(bool (*ready)(void *context), void *context, uint64_t deadline);

/* Sleeps through; Ctrl-C does not end it. */
void clock_sleep(uint64_t nanoseconds);

#endif
