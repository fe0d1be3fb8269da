/*
 * The command line, from three places joined by blanks, the default first: the
 * image's own section, QEMU's fw_cfg file opt/nvmetal/cmdline, and the load
 * options that the boot manager or the UEFI shell passes. The kernel lets a
 * later word win over an earlier one.
 */
#include "boot/loader.h"

#define FW_CFG_FILE "opt/nvmetal/cmdline"
#define LINE_MAX    4096

/* QEMU, docs/specs/fw_cfg: a 16-bit selector and a stream of bytes. */
#define FW_CFG_SELECTOR  0x510
#define FW_CFG_DATA      0x511
#define FW_CFG_SIGNATURE 0x0000
#define FW_CFG_DIRECTORY 0x0019
#define FW_CFG_FILES_MAX 1024

struct fw_cfg_file {
    uint8_t size[4]; /* big endian */
    uint8_t select[2];
    uint8_t reserved[2];
    char name[56];
};

struct line {
    char *text;
    UINTN length;
    BOOLEAN cut;
};

/* Anything that is not printable ASCII becomes a blank; the end is always left NUL. */
static void append(struct line *line, unsigned character)
{
    if (line->length < LINE_MAX - 1)
        line->text[line->length++] = character > ' ' && character < 127 ? (char)character : ' ';
    else
        line->cut = TRUE;
}

static void fw_cfg_select(uint16_t key)
{
    __asm__ volatile("outw %0, %1" : : "a"(key), "Nd"((uint16_t)FW_CFG_SELECTOR));
}

static void fw_cfg_read(void *to, UINTN length)
{
    uint8_t *bytes = to;
    while (length--)
        __asm__ volatile("inb %1, %0" : "=a"(*bytes++) : "Nd"((uint16_t)FW_CFG_DATA));
}

static void append_fw_cfg(struct line *line)
{
    char signature[4];
    fw_cfg_select(FW_CFG_SIGNATURE);
    fw_cfg_read(signature, sizeof signature);
    if (CompareMem(signature, "QEMU", sizeof signature) != 0)
        return;

    uint8_t count_bytes[4];
    fw_cfg_select(FW_CFG_DIRECTORY);
    fw_cfg_read(count_bytes, sizeof count_bytes);
    unsigned count = (unsigned)count_bytes[2] << 8 | count_bytes[3];
    for (unsigned i = 0; i < count && i < FW_CFG_FILES_MAX; i++) {
        struct fw_cfg_file file;
        fw_cfg_read(&file, sizeof file);
        if (CompareMem(file.name, FW_CFG_FILE, sizeof FW_CFG_FILE) != 0)
            continue;
        UINTN size = (UINTN)file.size[0] << 24 | (UINTN)file.size[1] << 16 |
                     (UINTN)file.size[2] << 8 | file.size[3];
        if (size > LINE_MAX) {
            Print(L"nvmetal: fw_cfg file opt/nvmetal/cmdline is too long: ignored\r\n");
            return;
        }
        fw_cfg_select((uint16_t)(file.select[0] << 8 | file.select[1]));
        append(line, ' ');
        while (size--) {
            uint8_t byte;
            fw_cfg_read(&byte, 1);
            append(line, byte);
        }
        return;
    }
}

/* UCS-2, with or without a NUL. Whatever is not text (some boot options carry binary data) goes. */
static void append_load_options(struct line *line, const EFI_LOADED_IMAGE *image)
{
    const CHAR16 *options = image->LoadOptions;
    UINTN count = options ? image->LoadOptionsSize / sizeof *options : 0;
    for (UINTN i = 0; i < count && options[i]; i++)
        if (options[i] >= 127 || (options[i] < ' ' && options[i] != '\t'))
            return;
    append(line, ' ');
    for (UINTN i = 0; i < count && options[i]; i++)
        append(line, options[i]);
}

EFI_STATUS command_line_collect(const EFI_LOADED_IMAGE *image, const char **text)
{
    struct span section;
    EFI_STATUS status = image_section(image, ".cmdline", &section);
    if (EFI_ERROR(status))
        return status;
    struct line line = {.text = allocate(LINE_MAX)};
    if (!line.text)
        return fail(EFI_OUT_OF_RESOURCES, L"no memory for the command line");
    for (UINTN i = 0; i < section.size && section.base[i]; i++)
        append(&line, section.base[i]);
    append_fw_cfg(&line);
    append_load_options(&line, image);
    if (line.cut)
        Print(L"nvmetal: the command line is cut off behind %d characters\r\n", LINE_MAX - 1);
    *text = line.text;
    return EFI_SUCCESS;
}
