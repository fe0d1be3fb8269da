/*
 * Time: nanoseconds since the loader left boot services, monotonic, the same on
 * all processors, any context. Waiting is done in hlt, never by spinning, and on
 * any processor.
 */
#ifndef KERNEL_X86_CLOCK_H
#define KERNEL_X86_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_US  1000ULL
#define NS_PER_MS  1000000ULL
#define NS_PER_SEC 1000000000ULL

#define CLOCK_NEVER UINT64_MAX /* a deadline that does not come */

uint64_t clock_ns(void);

/*
 * Halts the processor until an interrupt that arrived after `ready` was last asked may have made
 * it true, or until `deadline` (as clock_ns). Returns ready(context). A wake-up between asking and
 * halting is not lost: asking is done with interrupts off. Not from an interrupt handler.
 */
bool clock_wait(bool (*ready)(void *context), void *context, uint64_t deadline);

/* Sleeps through; Ctrl-C does not end it. */
void clock_sleep(uint64_t nanoseconds);

#endif
