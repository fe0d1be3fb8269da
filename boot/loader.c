/*
 * The UEFI loader, from power-on to the kernel's first instruction. Everything
 * it needs is in its own file: kernel, initial files and default command line
 * are sections of this PE image, so it does not matter whether the firmware
 * read it from a CD, a FAT volume or QEMU's -kernel. UEFI 2.9.
 */
#include "boot/loader.h"

#include <cpuid.h>

/* Room for descriptors that appear between asking for the size and asking for the map. */
#define MAP_SLACK_DESCRIPTORS 16
#define EXIT_ATTEMPTS         8

#define MSR_EFER 0xc0000080u
#define EFER_NXE (1u << 11)
#define CR0_WP   (1ul << 16)
#define CR4_LA57 (1ul << 12)

EFI_STATUS efi_main(EFI_HANDLE image_handle, EFI_SYSTEM_TABLE *system_table);

EFI_STATUS fail(EFI_STATUS status, const CHAR16 *message)
{
    Print(L"nvmetal: %s: %r\r\n", message, status);
    return status;
}

void *allocate(UINTN bytes)
{
    EFI_PHYSICAL_ADDRESS address;
    UINTN pages = EFI_SIZE_TO_PAGES(bytes);
    if (EFI_ERROR(BS->AllocatePages(AllocateAnyPages, EfiLoaderData, pages, &address)))
        return NULL;
    ZeroMem((void *)address, pages * PAGE_SIZE);
    return (void *)address;
}

static uint64_t find_rsdp(void)
{
    EFI_GUID acpi20 = ACPI_20_TABLE_GUID, acpi10 = ACPI_TABLE_GUID;
    uint64_t old = 0;
    for (UINTN i = 0; i < ST->NumberOfTableEntries; i++) {
        EFI_CONFIGURATION_TABLE *table = &ST->ConfigurationTable[i];
        if (CompareGuid(&table->VendorGuid, &acpi20) == 0)
            return (uint64_t)table->VendorTable;
        if (CompareGuid(&table->VendorGuid, &acpi10) == 0)
            old = (uint64_t)table->VendorTable;
    }
    return old;
}

/* Not every firmware has a random number generator; the kernel has other sources as well. */
static void take_seed(struct handover *handover)
{
    EFI_GUID guid = EFI_RNG_PROTOCOL_GUID;
    EFI_RNG_PROTOCOL *rng;
    if (EFI_ERROR(BS->LocateProtocol(&guid, NULL, (void **)&rng)))
        return;
    rng->GetRNG(rng, NULL, sizeof handover->random_seed, handover->random_seed);
}

/* A memory map with room to grow, and where physical memory ends. */
static EFI_STATUS prepare_memory_map(struct handover *handover, UINTN *capacity,
                                     uint64_t *memory_end)
{
    UINTN size = 0, key, descriptor_size = 0;
    UINT32 version;
    EFI_STATUS status = BS->GetMemoryMap(&size, NULL, &key, &descriptor_size, &version);
    if (status != EFI_BUFFER_TOO_SMALL || descriptor_size < sizeof(EFI_MEMORY_DESCRIPTOR))
        return fail(EFI_DEVICE_ERROR, L"the firmware gives no memory map");

    *capacity = size + MAP_SLACK_DESCRIPTORS * descriptor_size;
    uint8_t *map = allocate(*capacity);
    if (!map)
        return fail(EFI_OUT_OF_RESOURCES, L"no memory for the memory map");
    size = *capacity;
    status =
        BS->GetMemoryMap(&size, (EFI_MEMORY_DESCRIPTOR *)map, &key, &descriptor_size, &version);
    if (EFI_ERROR(status))
        return fail(status, L"GetMemoryMap");

    *memory_end = 0;
    for (UINTN at = 0; at + descriptor_size <= size; at += descriptor_size) {
        const EFI_MEMORY_DESCRIPTOR *range = (const EFI_MEMORY_DESCRIPTOR *)(map + at);
        uint64_t end = range->PhysicalStart + range->NumberOfPages * PAGE_SIZE;
        BOOLEAN is_memory = range->Type <= EfiACPIMemoryNVS &&
                            range->Type != EfiReservedMemoryType &&
                            range->Type != EfiUnusableMemory;
        if (is_memory && end > *memory_end)
            *memory_end = end;
    }
    handover->memory_map = (uint64_t)map;
    return EFI_SUCCESS;
}

/*
 * UEFI 2.9, section 7.4: ExitBootServices fails when the map has changed since its key was taken,
 * and may have shut down part of boot services by then. What stays allowed is to take the map
 * again and repeat; nothing may be allocated or printed in between. Should that be in vain, what is
 * left of the firmware may still be able to say so.
 */
static EFI_STATUS leave_boot_services(EFI_HANDLE image, struct handover *handover, UINTN capacity)
{
    EFI_STATUS status = EFI_ABORTED;
    for (int attempt = 0; attempt < EXIT_ATTEMPTS; attempt++) {
        UINTN size = capacity, key, descriptor_size;
        UINT32 version;
        status = BS->GetMemoryMap(&size, (EFI_MEMORY_DESCRIPTOR *)handover->memory_map, &key,
                                  &descriptor_size, &version);
        if (EFI_ERROR(status))
            return status;
        handover->memory_map_size = size;
        handover->memory_descriptor_size = descriptor_size;
        status = BS->ExitBootServices(image, key);
        if (!EFI_ERROR(status))
            return status;
    }
    return status;
}

static EFI_STATUS check_processor(void)
{
    unsigned eax, ebx, ecx, edx = 0;
    uint64_t cr4;
    if (!__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) || !(edx & (1u << 20)))
        return fail(EFI_UNSUPPORTED, L"this processor cannot forbid execution (NX)");
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    if (cr4 & CR4_LA57)
        return fail(EFI_UNSUPPORTED, L"the firmware runs with five-level page tables");
    return EFI_SUCCESS;
}

/* NX and write protection must be in force before tables that rely on them. */
static _Noreturn void enter_kernel(uint64_t entry, uint64_t cr3, const struct handover *handover)
{
    uint32_t low, high;
    uint64_t cr0;
    __asm__ volatile("cli");
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_EFER));
    __asm__ volatile("wrmsr" : : "a"(low | EFER_NXE), "d"(high), "c"(MSR_EFER));
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_WP));
    __asm__ volatile("mov %0, %%cr3\n\t"
                     "jmp *%1"
                     :
                     : "r"(cr3), "r"(entry), "D"(handover)
                     : "memory");
    __builtin_unreachable();
}

EFI_STATUS efi_main(EFI_HANDLE image_handle, EFI_SYSTEM_TABLE *system_table)
{
    InitializeLib(image_handle, system_table);

    EFI_LOADED_IMAGE *image;
    EFI_GUID image_guid = LOADED_IMAGE_PROTOCOL;
    EFI_STATUS status = BS->HandleProtocol(image_handle, &image_guid, (void **)&image);
    if (EFI_ERROR(status))
        return fail(status, L"no loaded image protocol");
    if (EFI_ERROR((status = check_processor())))
        return status;

    struct span elf, initrd;
    struct kernel kernel = {0};
    if (EFI_ERROR((status = image_section(image, ".kernel", &elf))) ||
        EFI_ERROR((status = image_section(image, ".initrd", &initrd))) ||
        EFI_ERROR((status = elf_load(elf, &kernel))))
        return status;

    struct handover *handover = allocate(sizeof *handover);
    const char *command_line;
    if (!handover)
        return fail(EFI_OUT_OF_RESOURCES, L"no memory for the handover");
    if (EFI_ERROR((status = command_line_collect(image, &command_line))))
        return status;
    handover->magic = HANDOVER_MAGIC;
    handover->kernel_base = kernel.base;
    handover->kernel_size = kernel.size;
    handover->elf = (uint64_t)elf.base;
    handover->elf_size = elf.size;
    handover->initrd = (uint64_t)initrd.base;
    handover->initrd_size = initrd.size;
    handover->command_line = (uint64_t)command_line;
    handover->rsdp = find_rsdp();
    take_seed(handover);

    UINTN capacity = 0;
    uint64_t memory_end = 0, cr3 = 0;
    if (EFI_ERROR((status = prepare_memory_map(handover, &capacity, &memory_end))) ||
        EFI_ERROR((status = paging_build(&kernel, memory_end, &cr3))))
        return status;

    /* The firmware's watchdog is off with boot services; until then it may not bite. */
    BS->SetWatchdogTimer(0, 0, 0, NULL);
    status = leave_boot_services(image_handle, handover, capacity);
    if (EFI_ERROR(status))
        return fail(status, L"the firmware does not let go (ExitBootServices)");
    handover->exit_tsc = __builtin_ia32_rdtsc();
    enter_kernel(kernel.entry, cr3, handover);
}
