/* What each processor has of its own; its GS base leads to it. For cpus.c and cpus_start.c. */
#ifndef KERNEL_X86_PERCPU_H
#define KERNEL_X86_PERCPU_H

#include "kernel/x86/cpus.h"
#include "kernel/x86/segments.h"

enum cpu_state {
    CPU_STARTING,
    CPU_ONLINE,
    CPU_DISOWNED /* it was given up: should it come to life after all, it parks */
};

enum cpu_stack_use {
    STACK_WORK,
    STACK_FAULT,
    STACK_NMI,
    STACKS
};

struct cpu {
    struct cpu *self;
    unsigned number;
    uint32_t apic_id;
    enum cpu_state state;
    struct cpu_task *task; /* set by the boot processor, cleared by this one */
    uint64_t barrier;      /* the last one that it has taken part in */
    struct segments segments;
    struct cpu_stack {
        uint64_t bottom, top;
    } stacks[STACKS];
};

/* By number; those at cpus_count() and above are not (or not yet) online. */
extern struct cpu *cpus[CPUS_MOST];
extern unsigned cpus_online;

/* Its segments, and the GS base by which it finds itself. */
void cpu_adopt(struct cpu *cpu);

/* Below each of its stacks there is a page that nobody uses: takes it away. False without memory.
 */
bool cpu_guard_stacks(const struct cpu *cpu);

/* The life of a processor that does not boot: a task, hlt, a task. Interrupts are off. */
_Noreturn void cpu_work(struct cpu *cpu);

#endif
