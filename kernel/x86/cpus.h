/*
 * The processors: one boots, all others wait in hlt for a task and run it to
 * its end; there is no scheduler. Processors are numbered from 0, the boot
 * processor, without a gap. What a task may use: the clock, log_line(), the
 * block layer's submitting and polling, and memory that it was given. The heap,
 * page frames, address space, files, shell and console are the boot processor's.
 * A stack of another processor is no memory for a device to write to.
 */
#ifndef KERNEL_X86_CPUS_H
#define KERNEL_X86_CPUS_H

#include <stdbool.h>
#include <stdint.h>

#define CPUS_MOST 64

/* How many are online. */
unsigned cpus_count(void);

/* Which one this is. Any context. Tests on a host say themselves. */
#if __STDC_HOSTED__
unsigned cpu_current(void);
#else
#define CPU_NUMBER_AT 8 /* in what GS leads to */

static inline unsigned cpu_current(void)
{
    unsigned number;
    __asm__ volatile("mov %%gs:%c1, %0" : "=r"(number) : "i"(CPU_NUMBER_AT));
    return number;
}
#endif

/* Where messages to a processor go: its local APIC's ID. */
uint32_t cpu_apic_id(unsigned cpu);

struct cpu_task {
    void (*run)(void *argument);
    void *argument;
    bool done; /* private: cpu_task_done() reads it */
};

/*
 * Has a processor run a task, which stays the caller's until it is done. Called by the boot
 * processor. ERR_BUSY: it runs another; ERR_INVALID: it is not there, or is the boot processor.
 */
int cpu_run(unsigned cpu, struct cpu_task *task);

/* Whether it has ended; then all that it wrote is seen. The boot processor is woken by the end. */
bool cpu_task_done(const struct cpu_task *task);

/* Interrupts a processor: its clock_wait() asks again. Any context, any processor. */
void cpu_wake(unsigned cpu);

/*
 * Interrupts every other processor and returns when each has taken it, out of any interrupt
 * handler: what each wrote before is seen here, and it sees what was written here before. An
 * asymmetric barrier: the side that is interrupted needs none. Called by the boot processor.
 */
void cpus_barrier(void);

/*
 * Between the two every other processor stands still, in an interrupt handler that touches nothing
 * but memory: for when a device's memory appears, moves or goes. QEMU up to 8.1 sends what others
 * access meanwhile astray, their local APICs too. Short, and without waiting; they do not nest.
 */
void cpus_hold(void);
void cpus_let_go(void);

/* For a panic: halts all others, by an interrupt that cannot be masked, and gives them a moment. */
void cpus_stop_others(void);

/* What a processor that was told to stop does. */
_Noreturn void cpu_stop(void);

/* Does `address` lie in a stack of this processor? */
bool cpu_stack_contains(uint64_t address);

#endif
