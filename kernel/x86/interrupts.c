/*
 * The interrupt descriptor table, and what each vector leads to (SDM volume 3,
 * chapter 6). Vectors 0 to 31 are exceptions; none of them is expected.
 */
#include "kernel/x86/interrupts.h"

#include "kernel/panic.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/cpus.h"
#include "kernel/x86/segments.h"
#include "lib/status.h"

#define VECTORS                256
#define FIRST_FREE             32 /* entry.S knows it too */
#define FIRST_RESERVED         APIC_SPURIOUS_VECTOR
#define GATE_PRESENT_INTERRUPT 0x8e

#define EXCEPTION_NMI           2
#define EXCEPTION_DOUBLE_FAULT  8
#define EXCEPTION_PAGE_FAULT    14
#define EXCEPTION_MACHINE_CHECK 18

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};
_Static_assert(sizeof(struct gate) == 16, "SDM volume 3, figure 6-8");

extern const char interrupt_stubs[VECTORS][16];

static struct gate idt[VECTORS] __attribute__((aligned(16)));

static struct {
    void (*handler)(void *argument);
    void *argument;
} handlers[VECTORS];

void interrupt_dispatch(unsigned vector);

static uint8_t stack_for(unsigned vector)
{
    switch (vector) {
    case EXCEPTION_NMI:
        return NMI_STACK_IST;
    case EXCEPTION_DOUBLE_FAULT:
    case EXCEPTION_PAGE_FAULT:
    case EXCEPTION_MACHINE_CHECK:
        return FAULT_STACK_IST;
    default:
        return 0;
    }
}

void interrupts_start(void)
{
    for (unsigned vector = 0; vector < VECTORS; vector++) {
        uint64_t stub = (uint64_t)interrupt_stubs[vector];
        idt[vector] = (struct gate){.offset_low = (uint16_t)stub,
                                    .selector = CODE_SELECTOR,
                                    .ist = stack_for(vector),
                                    .type = GATE_PRESENT_INTERRUPT,
                                    .offset_middle = (uint16_t)(stub >> 16),
                                    .offset_high = (uint32_t)(stub >> 32)};
    }
    interrupts_load();
}

void interrupts_load(void)
{
    const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof idt - 1, (uint64_t)idt};
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

int interrupt_allocate(void (*handler)(void *argument), void *argument)
{
    for (unsigned vector = FIRST_FREE; vector < FIRST_RESERVED; vector++) {
        if (handlers[vector].handler)
            continue;
        handlers[vector].argument = argument;
        /* The argument before what uses it. */
        __atomic_store_n(&handlers[vector].handler, handler, __ATOMIC_RELEASE);
        return (int)vector;
    }
    return ERR_BUSY;
}

void interrupt_release(unsigned vector)
{
    __atomic_store_n(&handlers[vector].handler, NULL, __ATOMIC_RELAXED);
    cpus_barrier();
}

void interrupt_dispatch(unsigned vector)
{
    void (*handler)(void *argument) = __atomic_load_n(&handlers[vector].handler, __ATOMIC_ACQUIRE);
    if (handler)
        handler(handlers[vector].argument);
    else if (vector == APIC_SPURIOUS_VECTOR)
        return; /* it gets no end of interrupt (SDM volume 3, 10.9) */
    apic_end_of_interrupt();
}
