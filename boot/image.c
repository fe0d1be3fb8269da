/*
 * Finds sections of the loader's own PE image, as the firmware has loaded it.
 * PE/COFF specification, revision 8.3, sections 2 to 4. The image was made by
 * our own build, but a damaged file should end in a message all the same.
 */
#include "boot/loader.h"

#define DOS_NEW_HEADER 0x3c
#define PE_SIGNATURE   0x00004550u

struct coff_header {
    uint32_t signature;
    uint16_t machine;
    uint16_t sections;
    uint32_t time, symbols, symbol_count;
    uint16_t optional_size;
    uint16_t characteristics;
};

struct section_header {
    char name[8];
    uint32_t virtual_size;
    uint32_t virtual_address;
    uint32_t raw_size;
    uint32_t raw_pointer;
    uint32_t relocations, lines;
    uint16_t relocation_count, line_count;
    uint32_t characteristics;
};

static BOOLEAN name_is(const struct section_header *section, const char *name)
{
    for (unsigned i = 0; i < sizeof section->name; i++) {
        if (section->name[i] != name[i])
            return FALSE;
        if (!name[i])
            return TRUE;
    }
    return name[sizeof section->name] == 0;
}

EFI_STATUS image_section(const EFI_LOADED_IMAGE *image, const char *name, struct span *section)
{
    const uint8_t *base = image->ImageBase;
    uint64_t size = image->ImageSize;
    uint32_t at = size >= 64 ? *(const uint32_t *)(base + DOS_NEW_HEADER) : 0;
    const struct coff_header *coff = (const struct coff_header *)(base + at);
    if (at < 64 || at + sizeof *coff > size || coff->signature != PE_SIGNATURE)
        return fail(EFI_LOAD_ERROR, L"the loader's own image has no PE header");

    uint64_t table = at + sizeof *coff + coff->optional_size;
    if (table + coff->sections * sizeof(struct section_header) > size)
        return fail(EFI_LOAD_ERROR, L"the loader's own section table is cut off");
    const struct section_header *headers = (const struct section_header *)(base + table);
    for (unsigned i = 0; i < coff->sections; i++) {
        const struct section_header *header = &headers[i];
        if (!name_is(header, name))
            continue;
        if ((uint64_t)header->virtual_address + header->virtual_size > size)
            return fail(EFI_LOAD_ERROR, L"a section lies outside of the loader's image");
        section->base = base + header->virtual_address;
        section->size = header->virtual_size;
        return EFI_SUCCESS;
    }
    return fail(EFI_NOT_FOUND, L"the loader carries no kernel, files or command line");
}
