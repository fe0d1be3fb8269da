/*
 * GDT and TSS: 64-bit mode needs one code and one data segment, and a TSS for
 * the stacks on which faults are taken that may come of a bad stack (SDM volume
 * 3, sections 3.4.5, 7.7 and 6.14.5). Each processor has its own.
 */
#ifndef KERNEL_X86_SEGMENTS_H
#define KERNEL_X86_SEGMENTS_H

#include <stdint.h>

#define CODE_SELECTOR 8

/* Entries of the interrupt stack table: double faults, page faults and machine checks; NMIs, which
 * may come in the middle of these. */
#define FAULT_STACK_IST 1
#define NMI_STACK_IST   2

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
} __attribute__((packed));

struct segments {
    uint64_t gdt[5];
    struct tss tss;
};

/* Fills in and loads them; the GS base is 0 after that. The addresses are the stacks' upper ends.
 */
void segments_start(struct segments *segments, uint64_t fault_stack, uint64_t nmi_stack);

#endif
