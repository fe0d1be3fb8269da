/*
 * The NVMe driver in a world that is not our kernel: a UEFI application with
 * boot services running. Registers and DMA memory are EFI_PCI_IO_PROTOCOL's
 * (UEFI 2.9, 14.4), time is the processor's counter, waiting is looking again.
 * It takes every controller from the firmware and reads blocks that describe
 * themselves; with the load option "write" it writes one too. Its last line is
 * "port: all good", unless one was "port: FAILED: ..."; then the machine goes off.
 */
#include <efi.h>
#include <efilib.h>

#include "drivers/nvme/nvme.h"

#define PCI_REVISION_AND_CLASS 0x08
#define PCI_CLASS_NVME         0x010802u
#define PCI_WANTED             (EFI_PCI_IO_ATTRIBUTE_MEMORY | EFI_PCI_IO_ATTRIBUTE_BUS_MASTER)
#define CALIBRATION_US         20000u
#define POLL_US                10u
#define FORMAT_MOST            200u
#define DEVICES_MOST           8u

/* DMA memory: `memory` is the aligned part of the `pages` from `start`. */
struct buffer {
    struct buffer *next;
    uint8_t *memory;
    void *start, *mapping;
    size_t bytes, pages;
    uint64_t bus;
};

static struct device {
    EFI_PCI_IO_PROTOCOL *pci;
    struct buffer *buffers;
    struct nvme_host host;
    struct nvme_controller controller;
} devices[DEVICES_MOST];

static EFI_GUID pci_io_guid = EFI_PCI_IO_PROTOCOL_GUID, image_guid = LOADED_IMAGE_PROTOCOL;
static uint64_t ticks_per_us;
static bool has_failed;

/* ---- The host ------------------------------------------------------------------------------ */

static uint32_t read32(void *context, uint32_t offset)
{
    EFI_PCI_IO_PROTOCOL *pci = ((struct device *)context)->pci;
    uint32_t value;
    return EFI_ERROR(pci->Mem.Read(pci, EfiPciIoWidthUint32, 0, offset, 1, &value)) ? ~0u : value;
}

/* The firmware maps registers uncached: no earlier store is passed. */
static void write32(void *context, uint32_t offset, uint32_t value)
{
    EFI_PCI_IO_PROTOCOL *pci = ((struct device *)context)->pci;
    pci->Mem.Write(pci, EfiPciIoWidthUint32, 0, offset, 1, &value);
}

static void buffer_free(EFI_PCI_IO_PROTOCOL *pci, struct buffer *buffer)
{
    if (buffer->mapping)
        pci->Unmap(pci, buffer->mapping);
    if (buffer->start)
        pci->FreeBuffer(pci, buffer->pages, buffer->start);
    FreePool(buffer);
}

/* Pages are what the firmware has; a larger alignment is found within more of them. */
static void *dma_alloc(void *context, size_t bytes, size_t alignment, uint64_t *bus)
{
    struct device *device = context;
    EFI_PCI_IO_PROTOCOL *pci = device->pci;
    struct buffer *b = AllocateZeroPool(sizeof *b);
    if (!b)
        return NULL;
    b->bytes = bytes;
    b->pages = EFI_SIZE_TO_PAGES(bytes + alignment - EFI_PAGE_SIZE);
    UINTN whole = b->pages << EFI_PAGE_SHIFT, mapped = whole;
    if (EFI_ERROR(pci->AllocateBuffer(pci, AllocateAnyPages, EfiBootServicesData, b->pages,
                                      &b->start, 0)) ||
        EFI_ERROR(pci->Map(pci, EfiPciIoOperationBusMasterCommonBuffer, b->start, &mapped, &b->bus,
                           &b->mapping)) ||
        mapped != whole) {
        buffer_free(pci, b);
        return NULL;
    }
    b->memory = (uint8_t *)b->start + (-b->bus & (alignment - 1));
    *bus = b->bus += (uintptr_t)b->memory - (uintptr_t)b->start;
    b->next = device->buffers;
    return (device->buffers = b)->memory;
}

static void dma_free(void *context, void *memory, size_t bytes)
{
    (void)bytes;
    struct buffer **link = &((struct device *)context)->buffers, *buffer;
    while ((buffer = *link)->memory != memory)
        link = &buffer->next;
    *link = buffer->next;
    buffer_free(((struct device *)context)->pci, buffer);
}

/* There may be an IOMMU: what was not mapped has no bus address. */
static uint64_t bus_address(void *context, const void *memory, size_t *bytes)
{
    for (struct buffer *b = ((struct device *)context)->buffers; b; b = b->next) {
        uintptr_t offset = (uintptr_t)memory - (uintptr_t)b->memory;
        if (offset < b->bytes) {
            *bytes = *bytes < b->bytes - offset ? *bytes : b->bytes - offset;
            return b->bus + offset;
        }
    }
    *bytes = 0;
    return 0;
}

static uint64_t now_ns(void *context)
{
    (void)context;
    uint64_t ticks = __builtin_ia32_rdtsc();
    return ticks / ticks_per_us * 1000 + ticks % ticks_per_us * 1000 / ticks_per_us;
}

static void wait(void *context, bool (*ready)(void *argument), void *argument, uint64_t deadline)
{
    while (!ready(argument) && now_ns(context) < deadline)
        BS->Stall(POLL_US);
}

/* GNU-EFI's printf takes UCS-2 and calls a string of bytes %a, where C has %s. */
static void log_line(void *context, enum nvme_log_level level, const char *format,
                     va_list arguments)
{
    static const char *const levels[] = {"error", "warning", "note"};
    CHAR16 wide[FORMAT_MOST], *to = wide;
    bool in_conversion = false;
    for (char c; (c = *format) && to < wide + FORMAT_MOST - 1; format++) {
        *to++ = (CHAR16)(in_conversion && c == 's' ? 'a' : c);
        in_conversion = c == '%' ? !in_conversion : in_conversion && (c < 'a' || c == 'l');
    }
    *to = 0;
    Print(L"port: nvme%d: %a: ", (struct device *)context - devices, levels[level]);
    VPrint(wide, arguments);
    Print(L"\n");
}

/* ---- What is done with it ------------------------------------------------------------------ */

static bool check(bool good, const char *what, const char *why)
{
    if (!good)
        Print(L"port: FAILED: %a: %a\n", what, why);
    has_failed |= !good;
    return good;
}

/* A block's words are its LBA, the disk's tag, and hashes of both (the finalizer of splitmix64). */
static uint64_t word(uint64_t lba, uint64_t tag, unsigned index)
{
    if (index < 2)
        return index ? tag : lba;
    uint64_t z = (lba ^ tag) + index * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static bool transfer(const struct nvme_namespace *ns, enum nvme_io_opcode opcode, uint64_t lba,
                     uint32_t blocks, uint64_t *data)
{
    struct nvme_segment segment = {data, (size_t)blocks * ns->block_size};
    struct nvme_request request = {.segments = &segment, .segment_count = blocks ? 1 : 0};
    int error = NVME_OK;
    if (opcode == NVME_IO_FLUSH)
        nvme_prepare_flush(&request, ns);
    else
        error = nvme_prepare_rw(&request, ns, opcode == NVME_IO_WRITE, lba, blocks);
    if (!error)
        error = nvme_execute(&ns->controller->io[0], &request);
    return check(!error, opcode == NVME_IO_READ ? "Read" : "Write", nvme_error_text(error));
}

/* Reads and checks blocks; the tag is taken from the first one if it is 0. Returns it, or 0. */
static uint64_t verify(const struct nvme_namespace *ns, uint64_t lba, uint32_t blocks,
                       uint64_t *data, uint64_t tag)
{
    if (!transfer(ns, NVME_IO_READ, lba, blocks, data))
        return 0;
    tag = tag ? tag : data[1];
    unsigned words = ns->block_size / sizeof *data;
    for (uint32_t i = 0; i < blocks * words; i++)
        if (data[i] != word(lba + i / words, tag, i % words)) {
            Print(L"port: LBA %ld, word %d is %lx\n", lba + i / words, i % words, data[i]);
            return check(false, "Read", "the block does not describe itself");
        }
    Print(L"port: read %d blocks from LBA %ld on, tag %lx\n", blocks, lba, tag);
    return tag;
}

static void write_last(const struct nvme_namespace *ns, uint64_t *data, uint64_t tag)
{
    uint64_t lba = ns->block_count - 1;
    for (unsigned i = 0; i < ns->block_size / sizeof *data; i++)
        data[i] = word(lba, tag, i);
    if (!transfer(ns, NVME_IO_WRITE, lba, 1, data) || !transfer(ns, NVME_IO_FLUSH, 0, 0, NULL))
        return;
    Print(L"port: wrote and flushed LBA %ld\n", lba);
    ZeroMem(data, ns->block_size);
    verify(ns, lba, 1, data, tag);
}

/* The first block of the first namespace alone, then as many as one command can carry. */
static void use(struct device *device, bool may_write)
{
    const struct nvme_namespace *ns = device->controller.namespaces;
    if (!check(device->controller.namespace_count, "Identify", "no namespace"))
        return;
    uint64_t bus, most = device->controller.max_transfer / ns->block_size;
    most = most > ns->block_count ? ns->block_count : most;
    void *data = dma_alloc(device, most * ns->block_size, EFI_PAGE_SIZE, &bus);
    if (!check(data, "Read", "no memory"))
        return;
    uint64_t tag = verify(ns, 0, 1, data, 0);
    if (tag && verify(ns, 0, (uint32_t)most, data, tag) && may_write)
        write_last(ns, data, ~tag);
    dma_free(device, data, most * ns->block_size);
}

static void start(struct device *device, unsigned number)
{
    struct nvme_controller *c = &device->controller;
    int error = nvme_start(c, &device->host, NULL);
    if (!check(!error, "nvme_start", nvme_error_text(error)))
        return;
    Print(L"port: nvme%d: model %a, serial %a\n", number, c->model, c->serial);
    Print(L"port: nvme%d: firmware %a, NVMe %d.%d, %ld KiB a command\n", number, c->firmware,
          c->version >> 16, c->version >> 8 & 0xff, c->max_transfer / 1024);
    for (const struct nvme_namespace *ns = c->namespaces; ns; ns = ns->next)
        Print(L"port: nvme%dn%d: %ld blocks of %d bytes\n", number, ns->id, ns->block_count,
              ns->block_size);
}

/* The firmware's driver switches the function off when it leaves: only then is it switched on. */
static bool take(struct device *device, EFI_HANDLE handle)
{
    EFI_PCI_IO_PROTOCOL *pci;
    uint32_t class;
    if (EFI_ERROR(BS->HandleProtocol(handle, &pci_io_guid, (void **)&pci)) ||
        EFI_ERROR(pci->Pci.Read(pci, EfiPciIoWidthUint32, PCI_REVISION_AND_CLASS, 1, &class)) ||
        class >> 8 != PCI_CLASS_NVME)
        return false;
    if (EFI_ERROR(BS->DisconnectController(handle, NULL, NULL)) ||
        EFI_ERROR(pci->Attributes(pci, EfiPciIoAttributeOperationEnable, PCI_WANTED, NULL)))
        return check(false, "PCI", "the firmware keeps a controller");
    device->pci = pci;
    device->host = (struct nvme_host){.context = device,
                                      .read32 = read32,
                                      .write32 = write32,
                                      .dma_alloc = dma_alloc,
                                      .dma_free = dma_free,
                                      .bus_address = bus_address,
                                      .now_ns = now_ns,
                                      .wait = wait,
                                      .log = log_line};
    return true;
}

EFI_STATUS efi_main(EFI_HANDLE image_handle, EFI_SYSTEM_TABLE *system_table);
EFI_STATUS efi_main(EFI_HANDLE image_handle, EFI_SYSTEM_TABLE *system_table)
{
    InitializeLib(image_handle, system_table);
    EFI_LOADED_IMAGE *image;
    bool may_write = !EFI_ERROR(BS->HandleProtocol(image_handle, &image_guid, (void **)&image)) &&
                     image->LoadOptionsSize >= sizeof L"write" - sizeof(CHAR16) &&
                     StrnCmp(image->LoadOptions, L"write", 5) == 0;
    uint64_t before = __builtin_ia32_rdtsc();
    BS->Stall(CALIBRATION_US);
    ticks_per_us = (__builtin_ia32_rdtsc() - before) / CALIBRATION_US + 1;
    UINTN handle_count = 0;
    EFI_HANDLE *handles = NULL;
    unsigned count = 0;
    LibLocateHandle(ByProtocol, &pci_io_guid, NULL, &handle_count, &handles);
    for (UINTN i = 0; i < handle_count && count < DEVICES_MOST; i++)
        count += take(&devices[count], handles[i]);
    check(count, "PCI", "no NVMe controller");
    /* All controllers run before the first one is used: neither may be in the other's way. */
    for (unsigned i = 0; i < count && !has_failed; i++)
        start(&devices[i], i);
    for (unsigned i = 0; i < count && !has_failed; i++)
        use(&devices[i], may_write);
    for (unsigned i = 0; i < count; i++) {
        nvme_stop(&devices[i].controller);
        check(!devices[i].buffers, "nvme_stop", "memory is not given back");
    }
    FreePool(handles);
    if (!has_failed)
        Print(L"port: all good\n");
    RT->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
    return EFI_ABORTED; /* a firmware that cannot switch itself off */
}
