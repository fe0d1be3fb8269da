/* Names from the GDT and TSS that the IDT needs. */
#ifndef KERNEL_X86_SEGMENTS_H
#define KERNEL_X86_SEGMENTS_H

#define CODE_SELECTOR 8

/* The interrupt stack table's entry for double faults, page faults and machine checks. */
#define FAULT_STACK_IST 1

#endif
