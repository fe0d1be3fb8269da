/*
 * The end: for broken invariants of our own and for exceptions, never for what
 * a device, a disk or a person supplied. Prints what is known on the console
 * and ends the machine with a failing exit status.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include "lib/bits.h"

struct handover;
struct interrupt_frame;

_Noreturn void panic(const char *format, ...) PRINTF_LIKE(1, 2);
_Noreturn void panic_exception(const struct interrupt_frame *frame);

/* Makes backtraces symbolic: the kernel's ELF file is where the loader left it. */
void symbols_start(const struct handover *handover);

#define ASSERT(condition)                                                     \
    do {                                                                      \
        if (!(condition))                                                     \
            panic("%s:%d: %s does not hold", __FILE__, __LINE__, #condition); \
    } while (0)

#endif
