/*
 * Interrupt controllers: the local APIC, as xAPIC in memory or x2APIC in MSRs
 * (SDM volume 3, chapter 10), and the I/O APIC for ISA interrupts.
 */
#ifndef KERNEL_X86_APIC_H
#define KERNEL_X86_APIC_H

#include <stdbool.h>
#include <stdint.h>

#define APIC_SPURIOUS_VECTOR 0xffu

/* Needs ACPI. Parks all other processors, silences the old 8259s. */
void apic_start(void);

void apic_end_of_interrupt(void);

/* This processor's APIC ID, where its messages go. */
uint32_t apic_id(void);

/* What a device writes to interrupt this processor with `vector` (SDM volume 3, 10.11). */
uint64_t apic_message_address(void);
uint32_t apic_message_data(unsigned vector);

/* Leads an ISA interrupt to `vector` on this processor; false without an I/O APIC. */
bool apic_route_isa(uint8_t irq, unsigned vector);

/* The timer: counts down from `ticks`, then interrupts once on `vector`; 0 stops it. */
void apic_timer_setup(unsigned vector);
void apic_timer_set(uint32_t ticks);
uint32_t apic_timer_left(void);

#endif
