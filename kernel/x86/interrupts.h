/*
 * Interrupts and exceptions. An exception is a panic. Handlers of interrupts
 * run with interrupts off, on the stack they interrupted; the end of interrupt
 * is signalled for them.
 */
#ifndef KERNEL_X86_INTERRUPTS_H
#define KERNEL_X86_INTERRUPTS_H

#include <stdint.h>

/* What entry.S pushes, lowest address first. */
struct interrupt_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss; /* by the processor */
};

/* GDT, TSS and IDT of this processor. */
void segments_start(void);
void interrupts_start(void);

/*
 * A vector that calls handler(argument). Returns its number, or ERR_BUSY when all
 * are in use. interrupt_release() makes it free.
 */
int interrupt_allocate(void (*handler)(void *argument), void *argument);
void interrupt_release(unsigned vector);

#endif
