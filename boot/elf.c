/*
 * Checks the kernel's ELF file (System V ABI, AMD64 supplement) and loads it.
 * Every number in it is distrusted until compared with the file's size or with
 * the address range that the kernel lives in.
 */
#include <elf.h>

#include "boot/loader.h"

/* -mcmodel=kernel: the top 2 GiB; of these a kernel of ours will never take more than this. */
#define KERNEL_LOWEST  0xffffffff80000000ULL
#define KERNEL_LARGEST (64ULL << 20)

static EFI_STATUS check_header(struct span file)
{
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)file.base;
    if (file.size < sizeof *header || CompareMem(header->e_ident, ELFMAG, SELFMAG) != 0)
        return fail(EFI_LOAD_ERROR, L"the kernel is no ELF file");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_X86_64 || header->e_type != ET_EXEC)
        return fail(EFI_LOAD_ERROR, L"the kernel is no x86-64 executable");
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phoff > file.size ||
        header->e_phnum > (file.size - header->e_phoff) / sizeof(Elf64_Phdr))
        return fail(EFI_LOAD_ERROR, L"the kernel's program headers are outside of its file");
    return EFI_SUCCESS;
}

static EFI_STATUS check_segment(const Elf64_Phdr *segment, struct span file)
{
    if (segment->p_filesz > segment->p_memsz || segment->p_offset > file.size ||
        segment->p_filesz > file.size - segment->p_offset)
        return fail(EFI_LOAD_ERROR, L"a kernel segment is outside of its file");
    if (segment->p_vaddr % PAGE_SIZE || segment->p_vaddr < KERNEL_LOWEST ||
        segment->p_memsz > KERNEL_LARGEST ||
        segment->p_vaddr - KERNEL_LOWEST > KERNEL_LARGEST - segment->p_memsz)
        return fail(EFI_LOAD_ERROR, L"a kernel segment has a wild address");
    if ((segment->p_flags & PF_W) && (segment->p_flags & PF_X))
        return fail(EFI_LOAD_ERROR, L"a kernel segment is writable and executable");
    return EFI_SUCCESS;
}

/* Checks all loadable segments and notes them, lowest first and apart from each other. */
static EFI_STATUS collect(struct span file, struct kernel *kernel)
{
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)file.base;
    const Elf64_Phdr *headers = (const Elf64_Phdr *)(file.base + header->e_phoff);
    uint64_t end = 0;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        const Elf64_Phdr *source = &headers[i];
        if (source->p_type != PT_LOAD || source->p_memsz == 0)
            continue;
        EFI_STATUS status = check_segment(source, file);
        if (EFI_ERROR(status))
            return status;
        if (kernel->segment_count == SEGMENTS_MAX || source->p_vaddr < end)
            return fail(EFI_LOAD_ERROR, L"the kernel's segments overlap or are too many");
        struct segment *segment = &kernel->segments[kernel->segment_count++];
        segment->virtual_address = source->p_vaddr;
        segment->size = EFI_SIZE_TO_PAGES(source->p_memsz) * PAGE_SIZE;
        segment->writable = (source->p_flags & PF_W) != 0;
        segment->executable = (source->p_flags & PF_X) != 0;
        end = segment->virtual_address + segment->size;
        if (segment->executable && header->e_entry >= segment->virtual_address &&
            header->e_entry < end)
            kernel->entry = header->e_entry;
    }
    if (!kernel->entry)
        return fail(EFI_LOAD_ERROR, L"the kernel's entry point is in no executable segment");
    kernel->size = end - kernel->segments[0].virtual_address;
    return EFI_SUCCESS;
}

EFI_STATUS elf_load(struct span file, struct kernel *kernel)
{
    EFI_STATUS status = check_header(file);
    if (!EFI_ERROR(status))
        status = collect(file, kernel);
    if (EFI_ERROR(status))
        return status;

    uint8_t *memory = allocate(kernel->size);
    if (!memory)
        return fail(EFI_OUT_OF_RESOURCES, L"no memory for the kernel");
    kernel->base = (uint64_t)memory;

    const Elf64_Ehdr *header = (const Elf64_Ehdr *)file.base;
    const Elf64_Phdr *source = (const Elf64_Phdr *)(file.base + header->e_phoff);
    for (struct segment *segment = kernel->segments;
         segment < kernel->segments + kernel->segment_count; source++) {
        if (source->p_type != PT_LOAD || source->p_memsz == 0)
            continue;
        uint64_t offset = segment->virtual_address - kernel->segments[0].virtual_address;
        segment->physical_address = kernel->base + offset;
        CopyMem(memory + offset, file.base + source->p_offset, source->p_filesz);
        segment++;
    }
    return EFI_SUCCESS;
}
