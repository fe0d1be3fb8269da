/*
 * Interrupt controllers: the local APIC, as xAPIC in memory or x2APIC in MSRs
 * (SDM volume 3, chapter 10), and the I/O APIC for ISA interrupts.
 */
#ifndef KERNEL_X86_APIC_H
#define KERNEL_X86_APIC_H

#include <stdbool.h>
#include <stdint.h>

#define APIC_SPURIOUS_VECTOR 0xffu

/* Needs ACPI. Parks all other processors (INIT), silences the old 8259s. */
void apic_start(void);

/* The local APIC of another processor, by that processor. */
void apic_start_other(void);

void apic_end_of_interrupt(void);

/* This processor's APIC ID, where its messages go. */
uint32_t apic_id(void);

/* What a device writes to interrupt a processor with `vector` (SDM volume 3, 10.11). That has room
 * for APIC IDs up to 254; no processor with a larger one is online. */
#define APIC_ID_MOST 254u
uint64_t apic_message_address(unsigned cpu);
uint32_t apic_message_data(unsigned vector);

/*
 * Sends an interrupt to one processor. `what` is one of these with a vector, or with the number of
 * the page where to start, in bits 7:0 (SDM volume 3, 10.6.1). What was written before is seen by
 * whoever takes it. Any context.
 */
#define APIC_FIXED   0x000u
#define APIC_NMI     0x400u
#define APIC_INIT    0x500u
#define APIC_STARTUP 0x600u
void apic_send(uint32_t id, uint32_t what);

/* Leads an ISA interrupt to `vector` on this processor; false without an I/O APIC. */
bool apic_route_isa(uint8_t irq, unsigned vector);

/* This processor's timer: counts down from `ticks`, then interrupts once on `vector`; 0 stops it.
 */
void apic_timer_setup(unsigned vector);
void apic_timer_set(uint32_t ticks);
uint32_t apic_timer_left(void);

#endif
