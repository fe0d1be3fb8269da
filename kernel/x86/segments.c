/*
 * GDT and TSS: 64-bit mode needs one code and one data segment, and a TSS for
 * the stacks on which faults are taken that may come of a bad stack (SDM volume
 * 3, sections 3.4.5, 7.7 and 6.14.5).
 */
#include <stdint.h>

#include "kernel/x86/interrupts.h"
#include "kernel/x86/segments.h"
#include "lib/bits.h"

#define FAULT_STACK_SIZE 16384

#define CODE_SEGMENT 0x00af9b000000ffffULL /* present, ring 0, code, long mode */
#define DATA_SEGMENT 0x00cf93000000ffffULL /* present, ring 0, data, writable */
#define TSS_SELECTOR 24

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
} __attribute__((packed));

struct descriptor_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

void segments_load(const struct descriptor_pointer *pointer);

static uint8_t fault_stack[FAULT_STACK_SIZE] __attribute__((aligned(16)));
static struct tss tss = {.io_map = sizeof tss};
static uint64_t gdt[5] = {0, CODE_SEGMENT, DATA_SEGMENT, 0, 0};

void segments_start(void)
{
    tss.ist[FAULT_STACK_IST - 1] = (uint64_t)(fault_stack + FAULT_STACK_SIZE);

    /* A system descriptor is two entries long and has its base in four pieces. */
    uint64_t base = (uint64_t)&tss, limit = sizeof tss - 1;
    gdt[3] = (limit & 0xffff) | (base & 0xffffff) << 16 | 0x89ULL << 40 | (base >> 24 & 0xff) << 56;
    gdt[4] = base >> 32;

    const struct descriptor_pointer pointer = {sizeof gdt - 1, (uint64_t)gdt};
    segments_load(&pointer);
    __asm__ volatile("ltr %w0" : : "r"(TSS_SELECTOR));
}
