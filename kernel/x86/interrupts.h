/*
 * Interrupts and exceptions. An exception is a panic. Handlers of interrupts
 * run with interrupts off, on the stack they interrupted, on the processor that
 * the interrupt was sent to; the end of interrupt is signalled for them.
 */
#ifndef KERNEL_X86_INTERRUPTS_H
#define KERNEL_X86_INTERRUPTS_H

#include <stdint.h>

/* What entry.S pushes for an exception, lowest address first. */
struct interrupt_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss; /* by the processor */
};

/* Makes the IDT. Each processor loads it. */
void interrupts_start(void);
void interrupts_load(void);

/*
 * A vector, valid on all processors, that calls handler(argument). Returns its number, or ERR_BUSY
 * when all are in use. interrupt_release() makes it free: the handler runs nowhere any more when it
 * returns. Both are for the boot processor.
 */
int interrupt_allocate(void (*handler)(void *argument), void *argument);
void interrupt_release(unsigned vector);

#endif
