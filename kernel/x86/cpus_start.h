/* What only the boot order needs of the processors. */
#ifndef KERNEL_X86_CPUS_START_H
#define KERNEL_X86_CPUS_START_H

struct handover;

/* Makes this the boot processor: its segments, and who it is. The very first thing. */
void cpus_boot(void);

/* Takes away the pages below its stacks. Needs paging_start(). */
void cpus_guard_boot(void);

/* The vectors by which processors interrupt each other. Needs the local APIC. */
void cpus_vectors(void);

/*
 * Wakes all other processors that the MADT names, as far as cpus= allows; 10 ms or more behind
 * apic_start(). They come while the boot goes on. cpus_collect() waits for them, tries each, and
 * leaves out who does not come or answer.
 */
void cpus_start(const struct handover *handover);
void cpus_collect(void);

#endif
