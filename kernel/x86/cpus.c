/*
 * Processors at work: who is who, tasks, and the interrupts by which they reach
 * each other. How they come to be is cpus_start.c's.
 */
#include "kernel/x86/cpus.h"

#include "kernel/log.h"
#include "kernel/mem/frames.h"
#include "kernel/mem/paging.h"
#include "kernel/panic.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/cpus_start.h"
#include "kernel/x86/interrupts.h"
#include "kernel/x86/percpu.h"
#include "lib/bits.h"
#include "lib/status.h"

#define FAULT_STACK_SIZE 16384
#define STOP_PATIENCE    1000000 /* looks at those that are to stop */

extern uint8_t boot_stack[], boot_stack_top[];

static struct {
    uint8_t guard[PAGE_SIZE], stack[FAULT_STACK_SIZE];
} __attribute__((aligned(PAGE_SIZE))) boot_fault, boot_nmi;

static struct cpu boot_cpu;

struct cpu *cpus[CPUS_MOST] = {&boot_cpu};
unsigned cpus_online = 1;

static unsigned wake_vector, barrier_vector;
static uint64_t barriers; /* ever begun */
static uint64_t held;     /* the barrier at which others wait; 0: none */
static unsigned stopped;

void cpu_adopt(struct cpu *cpu)
{
    cpu->self = cpu;
    segments_start(&cpu->segments, cpu->stacks[STACK_FAULT].top, cpu->stacks[STACK_NMI].top);
    write_msr(MSR_GS_BASE, (uint64_t)cpu);
}

static struct cpu_stack stack(const uint8_t *bottom, const uint8_t *top)
{
    return (struct cpu_stack){(uint64_t)bottom, (uint64_t)top};
}

void cpus_boot(void)
{
    struct cpu_stack *stacks = boot_cpu.stacks;
    stacks[STACK_WORK] = stack(boot_stack, boot_stack_top);
    stacks[STACK_FAULT] = stack(boot_fault.stack, boot_fault.stack + FAULT_STACK_SIZE);
    stacks[STACK_NMI] = stack(boot_nmi.stack, boot_nmi.stack + FAULT_STACK_SIZE);
    boot_cpu.state = CPU_ONLINE;
    cpu_adopt(&boot_cpu);
}

bool cpu_guard_stacks(const struct cpu *cpu)
{
    for (unsigned i = 0; i < STACKS; i++)
        if (!paging_guard((void *)(cpu->stacks[i].bottom - PAGE_SIZE), GUARD_STACK))
            return false;
    return true;
}

void cpus_guard_boot(void)
{
    if (!cpu_guard_stacks(&boot_cpu))
        panic("no memory for page tables");
}

static struct cpu *this_cpu(void)
{
    struct cpu *cpu;
    __asm__ volatile("mov %%gs:%c1, %0" : "=r"(cpu) : "i"(offsetof(struct cpu, self)));
    return cpu;
}

_Static_assert(offsetof(struct cpu, number) == CPU_NUMBER_AT, "see cpu_current()");

unsigned cpus_count(void)
{
    return cpus_online;
}

uint32_t cpu_apic_id(unsigned cpu)
{
    ASSERT(cpu < cpus_online);
    return cpus[cpu]->apic_id;
}

bool cpu_stack_contains(uint64_t address)
{
    const struct cpu *cpu = this_cpu();
    for (unsigned i = 0; i < STACKS; i++)
        if (address >= cpu->stacks[i].bottom && address < cpu->stacks[i].top)
            return true;
    return false;
}

void cpu_use_stack(const void *bottom, size_t size)
{
    const uint8_t *low = bottom;
    boot_cpu.stacks[STACK_WORK] = low ? stack(low, low + size) : stack(boot_stack, boot_stack_top);
}

/* ---- Reaching others ---- */

/* To have come is all that most wake-ups are for. */
static void woken(void *unused)
{
    (void)unused;
    if (cpu_current() == 0)
        log_show();
}

/* Interrupts are off here, and were on a moment ago: no handler is under way on this processor. */
static void take_barrier(void *unused)
{
    (void)unused;
    struct cpu *cpu = this_cpu();
    uint64_t begun = __atomic_load_n(&barriers, __ATOMIC_ACQUIRE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&cpu->barrier, begun, __ATOMIC_RELEASE);
    /* By its number: at the next one that is held, who has not yet left this one has to come. */
    while (__atomic_load_n(&held, __ATOMIC_ACQUIRE) == begun)
        cpu_pause();
}

void cpus_vectors(void)
{
    int wake = interrupt_allocate(woken, NULL);
    int barrier = interrupt_allocate(take_barrier, NULL);
    ASSERT(wake > 0 && barrier > 0); /* these are the first */
    wake_vector = (unsigned)wake;
    barrier_vector = (unsigned)barrier;
    boot_cpu.apic_id = apic_id();
}

void cpu_wake(unsigned cpu)
{
    apic_send(cpu_apic_id(cpu), APIC_FIXED | wake_vector);
}

void cpus_barrier(void)
{
    uint64_t begun = __atomic_add_fetch(&barriers, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 1; i < cpus_online; i++)
        apic_send(cpus[i]->apic_id, APIC_FIXED | barrier_vector);
    for (unsigned i = 1; i < cpus_online; i++)
        while (__atomic_load_n(&cpus[i]->barrier, __ATOMIC_ACQUIRE) < begun)
            cpu_pause();
}

void cpus_hold(void)
{
    __atomic_store_n(&held, barriers + 1, __ATOMIC_RELEASE);
    cpus_barrier();
}

void cpus_let_go(void)
{
    __atomic_store_n(&held, 0, __ATOMIC_RELEASE);
}

void cpus_stop_others(void)
{
    unsigned self = cpu_current();
    for (unsigned i = 0; i < cpus_online; i++)
        if (i != self)
            apic_send(cpus[i]->apic_id, APIC_NMI);
    for (unsigned tries = 0;
         tries < STOP_PATIENCE && __atomic_load_n(&stopped, __ATOMIC_ACQUIRE) < cpus_online - 1;
         tries++)
        cpu_pause();
}

void cpu_stop(void)
{
    __atomic_add_fetch(&stopped, 1, __ATOMIC_RELEASE);
    halt_for_ever();
}

/* ---- Tasks ---- */

int cpu_run(unsigned number, struct cpu_task *task)
{
    ASSERT(cpu_current() == 0);
    if (number == 0 || number >= cpus_online)
        return ERR_INVALID;
    struct cpu *cpu = cpus[number];
    if (__atomic_load_n(&cpu->task, __ATOMIC_ACQUIRE))
        return ERR_BUSY;
    task->done = false;
    __atomic_store_n(&cpu->task, task, __ATOMIC_RELEASE);
    cpu_wake(number);
    return OK;
}

bool cpu_task_done(const struct cpu_task *task)
{
    return __atomic_load_n(&task->done, __ATOMIC_ACQUIRE);
}

static bool has_task(void *context)
{
    const struct cpu *cpu = context;
    return __atomic_load_n(&cpu->task, __ATOMIC_ACQUIRE) != NULL;
}

/* The place is free before the task is seen to be done: who sees that may give the next at once.
 * The task may be gone from then on. */
void cpu_work(struct cpu *cpu)
{
    for (;;) {
        clock_wait(has_task, cpu, CLOCK_NEVER);
        struct cpu_task *task = cpu->task;
        task->run(task->argument);
        __atomic_store_n(&cpu->task, NULL, __ATOMIC_RELEASE);
        __atomic_store_n(&task->done, true, __ATOMIC_RELEASE);
        cpu_wake(0);
    }
}
