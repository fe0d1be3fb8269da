/* See segments.h. */
#include "kernel/x86/segments.h"

#include "lib/bits.h"

#define CODE_SEGMENT 0x00af9b000000ffffULL /* present, ring 0, code, long mode */
#define DATA_SEGMENT 0x00cf93000000ffffULL /* present, ring 0, data, writable */
#define TSS_PRESENT  (0x89ULL << 40)
#define TSS_SELECTOR 24

struct descriptor_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

void segments_load(const struct descriptor_pointer *pointer);

void segments_start(struct segments *segments, uint64_t fault_stack, uint64_t nmi_stack)
{
    segments->tss = (struct tss){.io_map = sizeof segments->tss};
    segments->tss.ist[FAULT_STACK_IST - 1] = fault_stack;
    segments->tss.ist[NMI_STACK_IST - 1] = nmi_stack;

    /* A system descriptor is two entries long and has its base in four pieces. */
    uint64_t base = (uint64_t)&segments->tss, limit = sizeof segments->tss - 1;
    segments->gdt[0] = 0;
    segments->gdt[CODE_SELECTOR / 8] = CODE_SEGMENT;
    segments->gdt[2] = DATA_SEGMENT;
    segments->gdt[TSS_SELECTOR / 8] =
        (limit & 0xffff) | (base & 0xffffff) << 16 | TSS_PRESENT | (base >> 24 & 0xff) << 56;
    segments->gdt[TSS_SELECTOR / 8 + 1] = base >> 32;

    const struct descriptor_pointer pointer = {sizeof segments->gdt - 1, (uint64_t)segments->gdt};
    segments_load(&pointer);
    __asm__ volatile("ltr %w0" : : "r"(TSS_SELECTOR));
}
