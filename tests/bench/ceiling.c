/*
 * What the device can do at most: a UEFI application that keeps it busy with
 * reads of an LBA that is out of range. They pass through queues and doorbells
 * as others do, and nothing that stands behind the device is asked. No driver is
 * in between: commands are prepared once, one doorbell tells of a whole sweep.
 * Prints "ceiling: depth D: N reads a second" for each depth.
 */
#include <efi.h>
#include <efilib.h>
#include <stdbool.h>

#include "drivers/nvme/spec.h"

#define PCI_CLASS_NVME 0x010802u
#define PCI_REVISION   0x08
#define PCI_BAR0       0x10
#define BAR_FLAGS      0xfu
#define PCI_WANTED     (EFI_PCI_IO_ATTRIBUTE_MEMORY | EFI_PCI_IO_ATTRIBUTE_BUS_MASTER)
#define ADMIN_ENTRIES  4u
#define ENTRIES        256u          /* of the I/O queues: a page of CQEs, four of SQEs */
#define HEAD_EVERY     (ENTRIES / 2) /* completions for one head doorbell */
#define CONTIGUOUS     1u            /* CDW11 of Create Queue: PC */
#define CALIBRATION_US 50000u
#define RUN_US         1000000u
#define OUT_OF_RANGE   0xffffffffu /* upper half of the LBA */
#define BLOCKS_OF_4K   8u          /* of 512 bytes */

struct queue {
    struct nvme_command *commands;
    volatile struct nvme_completion *completions;
    unsigned entries, tail, head, phase;
    unsigned id;
};

static volatile uint32_t *registers;
static uint64_t ticks_per_us;

static void *pages(UINTN count)
{
    EFI_PHYSICAL_ADDRESS address;
    if (EFI_ERROR(BS->AllocatePages(AllocateAnyPages, EfiBootServicesData, count, &address)))
        return NULL;
    ZeroMem((void *)address, count * EFI_PAGE_SIZE);
    return (void *)address;
}

static bool queue_make(struct queue *q, unsigned id, unsigned entries)
{
    *q = (struct queue){.id = id, .entries = entries, .phase = 1};
    q->commands = pages(EFI_SIZE_TO_PAGES(entries * sizeof *q->commands));
    q->completions = pages(EFI_SIZE_TO_PAGES(entries * sizeof *q->completions));
    return q->commands && q->completions;
}

/* The doorbells' stride is taken to be 4 bytes, as QEMU's is. */
static void ring(const struct queue *q, bool completion, unsigned value)
{
    __asm__ volatile("" ::: "memory"); /* commands are written before: x86 keeps stores in order */
    registers[NVME_DOORBELLS / 4 + 2 * q->id + completion] = value;
}

/* Takes what has come, up to `most`. */
static unsigned reap(struct queue *q, unsigned most)
{
    unsigned count = 0;
    while (count < most && (q->completions[q->head].status & NVME_CQE_PHASE) == q->phase) {
        count++;
        if (++q->head == q->entries) {
            q->head = 0;
            q->phase ^= 1;
        }
    }
    return count;
}

/* One admin command, waited for. */
static bool admin(struct queue *q, struct nvme_command command)
{
    q->commands[q->tail] = command;
    q->tail = (q->tail + 1) % q->entries;
    unsigned at = q->head;
    ring(q, false, q->tail);
    while (!reap(q, 1))
        BS->Stall(10);
    ring(q, true, q->head);
    return q->completions[at].status >> 1 == 0;
}

static bool set_enabled(bool enabled)
{
    registers[NVME_REG_CC / 4] = enabled ? NVME_CC_EN | NVME_SET(NVME_CC_IOSQES, NVME_SQES) |
                                               NVME_SET(NVME_CC_IOCQES, NVME_CQES)
                                         : 0;
    for (unsigned i = 0; i < 1000; i++) {
        if ((registers[NVME_REG_CSTS / 4] & NVME_CSTS_RDY) == enabled)
            return true;
        BS->Stall(1000);
    }
    return false;
}

static bool start(struct queue *q0, struct queue *q)
{
    if (!queue_make(q0, 0, ADMIN_ENTRIES) || !queue_make(q, 1, ENTRIES) || !set_enabled(false))
        return false;
    registers[NVME_REG_AQA / 4] = (ADMIN_ENTRIES - 1) << 16 | (ADMIN_ENTRIES - 1);
    registers[NVME_REG_ASQ / 4] = (uint32_t)(uintptr_t)q0->commands;
    registers[NVME_REG_ASQ / 4 + 1] = (uint32_t)((uintptr_t)q0->commands >> 32);
    registers[NVME_REG_ACQ / 4] = (uint32_t)(uintptr_t)q0->completions;
    registers[NVME_REG_ACQ / 4 + 1] = (uint32_t)((uintptr_t)q0->completions >> 32);
    uint32_t cdw10 = (ENTRIES - 1) << 16 | q->id;
    return set_enabled(true) &&
           admin(q0, (struct nvme_command){.opcode = NVME_ADMIN_CREATE_CQ,
                                           .prp1 = (uintptr_t)q->completions,
                                           .cdw10 = cdw10,
                                           .cdw11 = CONTIGUOUS}) &&
           admin(q0, (struct nvme_command){.opcode = NVME_ADMIN_CREATE_SQ,
                                           .prp1 = (uintptr_t)q->commands,
                                           .cdw10 = cdw10,
                                           .cdw11 = q->id << 16 | CONTIGUOUS});
}

static void push(struct queue *q, unsigned count)
{
    q->tail = (q->tail + count) % q->entries;
    ring(q, false, q->tail);
}

static void measure(struct queue *q, unsigned depth)
{
    uint64_t reads = 0, begin = __builtin_ia32_rdtsc(), end = begin + RUN_US * ticks_per_us, now;
    unsigned unsaid = 0;
    push(q, depth);
    while ((now = __builtin_ia32_rdtsc()) < end) {
        unsigned count = reap(q, depth);
        if (!count) {
            __builtin_ia32_pause();
            continue;
        }
        reads += count;
        unsaid += count;
        push(q, count);
        if (unsaid >= HEAD_EVERY) {
            ring(q, true, q->head);
            unsaid = 0;
        }
    }
    for (unsigned left = depth; left; left -= reap(q, left))
        __builtin_ia32_pause();
    ring(q, true, q->head);
    Print(L"ceiling: depth %d: %ld reads a second\n", depth,
          reads * 1000000 / ((now - begin) / ticks_per_us));
}

/* The first controller, switched on after the firmware's driver has let go of it. */
static bool find(void)
{
    static EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
    UINTN count = 0;
    EFI_HANDLE *handles = NULL;
    LibLocateHandle(ByProtocol, &guid, NULL, &count, &handles);
    for (UINTN i = 0; i < count; i++) {
        EFI_PCI_IO_PROTOCOL *pci;
        uint32_t class, bar[2];
        if (EFI_ERROR(BS->HandleProtocol(handles[i], &guid, (void **)&pci)) ||
            EFI_ERROR(pci->Pci.Read(pci, EfiPciIoWidthUint32, PCI_REVISION, 1, &class)) ||
            class >> 8 != PCI_CLASS_NVME ||
            EFI_ERROR(pci->Pci.Read(pci, EfiPciIoWidthUint32, PCI_BAR0, 2, bar)) ||
            EFI_ERROR(BS->DisconnectController(handles[i], NULL, NULL)) ||
            EFI_ERROR(pci->Attributes(pci, EfiPciIoAttributeOperationEnable, PCI_WANTED, NULL)))
            continue;
        registers = (void *)((uint64_t)bar[1] << 32 | (bar[0] & ~BAR_FLAGS));
        return true;
    }
    return false;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
    InitializeLib(image, table);
    uint64_t before = __builtin_ia32_rdtsc();
    BS->Stall(CALIBRATION_US);
    ticks_per_us = (__builtin_ia32_rdtsc() - before) / CALIBRATION_US;
    struct queue q0, q;
    if (find() && start(&q0, &q)) {
        for (unsigned i = 0; i < ENTRIES; i++)
            q.commands[i] = (struct nvme_command){.opcode = NVME_IO_READ,
                                                  .cid = (uint16_t)i,
                                                  .nsid = 1,
                                                  .prp1 = (uintptr_t)q0.commands,
                                                  .cdw11 = OUT_OF_RANGE,
                                                  .cdw12 = BLOCKS_OF_4K - 1};
        measure(&q, 32);
        measure(&q, 128);
        set_enabled(false);
    }
    Print(L"ceiling: end\n");
    RT->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
    return EFI_ABORTED; /* a firmware that cannot switch itself off */
}
