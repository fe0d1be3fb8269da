/*
 * lspci: the functions on the PCI bus, the names of their classes; with -v their
 * BARs and capabilities, with -x their configuration space.
 */
#include "drivers/pci/pci.h"
#include "kernel/console.h"
#include "kernel/shell/command.h"
#include "lib/number.h"

static const struct option options[] = {
    {'d', NULL, "[VENDOR]:[DEVICE]", "show only functions with these numbers"},
    {'n', NULL, NULL, "numbers, no names; twice: both"},
    {'s', NULL, "[[[DOMAIN:]BUS:]DEVICE][.FUNCTION]", "show only the functions at this place"},
    {'v', NULL, NULL, "show BARs, command register and capabilities"},
    {'x', NULL, NULL, "show 64 bytes of configuration space; three times: 256; four: 4096"},
    {0},
};

#define ANY (-1)

struct place {
    int domain, bus, device, function;
    int vendor_id, device_id;
};

/* Hexadecimal up to `most`; nothing at all is ANY. */
static bool parse_part(const char **at, unsigned most, int *part)
{
    uint64_t value;
    const char *end;
    *part = ANY;
    if (number_prefix(*at, 16, &value, &end) != OK)
        return true;
    *at = end;
    *part = (int)value;
    return value <= most;
}

static bool parse_place(const char *text, struct place *place)
{
    int parts[3]; /* what stands between colons */
    unsigned count = 0;
    bool good = true;
    do {
        good = parse_part(&text, 0xffff, &parts[count++]);
    } while (good && count < ARRAY_SIZE(parts) && *text == ':' && text++);
    place->device = parts[count - 1];
    place->bus = count > 1 ? parts[count - 2] : ANY;
    place->domain = count > 2 ? parts[count - 3] : ANY;
    place->function = ANY;
    if (good && *text == '.' && text++)
        good = parse_part(&text, 7, &place->function);
    return good && !*text && place->device <= 31 && place->bus <= 255;
}

static bool parse_numbers(const char *text, struct place *place)
{
    if (!parse_part(&text, 0xffff, &place->vendor_id) || *text++ != ':')
        return false;
    return parse_part(&text, 0xffff, &place->device_id) && !*text;
}

static bool fits(int wanted, unsigned value)
{
    return wanted == ANY || (unsigned)wanted == value;
}

static bool matches(const struct place *place, const struct pci_function *f)
{
    return fits(place->domain, f->segment) && fits(place->bus, f->bus) &&
           fits(place->device, f->device) && fits(place->function, f->function) &&
           fits(place->vendor_id, f->vendor_id) && fits(place->device_id, f->device_id);
}

/* Of a class and subclass (PCI Code and ID Assignment Specification, 1); NULL: unknown. */
static const char *class_name(uint16_t class)
{
    static const struct {
        uint16_t class;
        const char *name;
    } names[] = {{0x0000, "Non-VGA unclassified device"},
                 {0x0100, "SCSI storage controller"},
                 {0x0101, "IDE interface"},
                 {0x0104, "RAID bus controller"},
                 {0x0106, "SATA controller"},
                 {0x0107, "Serial Attached SCSI controller"},
                 {0x0108, "Non-Volatile memory controller"},
                 {0x0180, "Mass storage controller"},
                 {0x0200, "Ethernet controller"},
                 {0x0280, "Network controller"},
                 {0x0300, "VGA compatible controller"},
                 {0x0302, "3D controller"},
                 {0x0380, "Display controller"},
                 {0x0403, "Audio device"},
                 {0x0500, "RAM memory"},
                 {0x0600, "Host bridge"},
                 {0x0601, "ISA bridge"},
                 {0x0604, "PCI bridge"},
                 {0x0680, "Bridge"},
                 {0x0700, "Serial controller"},
                 {0x0780, "Communication controller"},
                 {0x0880, "System peripheral"},
                 {0x0c03, "USB controller"},
                 {0x0c05, "SMBus"},
                 {0x1200, "Processing accelerators"}};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i].class == class)
            return names[i].name;
    return NULL;
}

static const char *capability_name(uint8_t id)
{
    static const char *const names[] = {[0x01] = "Power Management",
                                        [0x05] = "MSI",
                                        [0x09] = "Vendor Specific",
                                        [0x0d] = "Bridge Subsystem",
                                        [0x10] = "Express",
                                        [0x11] = "MSI-X",
                                        [0x12] = "SATA",
                                        [0x13] = "Advanced Features"};
    return id < ARRAY_SIZE(names) && names[id] ? names[id] : "unknown";
}

static void show_bar(struct invocation *self, unsigned index, const struct pci_bar *bar)
{
    if (!bar->size)
        return;
    if (bar->is_io)
        out(self, "\tBAR%u: I/O ports at %04llx [size=%llu]\n", index,
            (unsigned long long)bar->address, (unsigned long long)bar->size);
    else
        out(self, "\tBAR%u: Memory at %llx (%u-bit, %sprefetchable) [size=%lluK]\n", index,
            (unsigned long long)bar->address, bar->is_64_bits ? 64 : 32,
            bar->is_prefetchable ? "" : "non-", (unsigned long long)bar->size / 1024);
}

static void show_details(struct invocation *self, const struct pci_function *f)
{
    uint16_t command = pci_read16(f, PCI_COMMAND);
    out(self, "\tprog-if %02x", f->prog_if);
    if (f->header_type == 0)
        out(self, ", subsystem %04x:%04x", pci_read16(f, PCI_SUBSYSTEM),
            pci_read16(f, PCI_SUBSYSTEM + 2));
    else
        out(self, ", bridge to bus %02x", pci_read8(f, PCI_SECONDARY));
    out(self, "\n\tCommand: I/O%c memory%c bus-master%c INTx%c\n",
        command & PCI_COMMAND_IO ? '+' : '-', command & PCI_COMMAND_MEMORY ? '+' : '-',
        command & PCI_COMMAND_BUS_MASTER ? '+' : '-', command & PCI_COMMAND_NO_INTX ? '-' : '+');
    for (unsigned i = 0; i < PCI_BARS; i++)
        show_bar(self, i, &f->bars[i]);
    for (unsigned at = 0, count = 0; (at = pci_capability(f, 0, at)) && count < 48; count++)
        out(self, "\tCapabilities: [%02x] %s\n", at, capability_name(pci_read8(f, at)));
    out(self, "\n");
}

/* -n: "0108:"; -nn: "Non-Volatile memory controller [0108]:"; else the name, as far as known. */
static void show_line(struct invocation *self, const struct pci_function *f, unsigned numbers,
                      bool domains)
{
    const char *name = numbers == 1 ? NULL : class_name(f->class);
    if (domains)
        out(self, "%04x:", f->segment);
    out(self, "%02x:%02x.%x ", f->bus, f->device, f->function);
    if (name && numbers)
        out(self, "%s [%04x]: [%04x:%04x]", name, f->class, f->vendor_id, f->device_id);
    else if (name)
        out(self, "%s: %04x:%04x", name, f->vendor_id, f->device_id);
    else
        out(self, "%s%04x: %04x:%04x", numbers ? "" : "Class ", f->class, f->vendor_id,
            f->device_id);
    if (f->revision)
        out(self, " (rev %02x)", f->revision);
    out(self, "\n");
}

static void show_space(struct invocation *self, const struct pci_function *f, unsigned bytes)
{
    for (unsigned row = 0; row < bytes && !self->output_failed; row += 16) {
        out(self, "%02x:", row);
        for (unsigned i = 0; i < 16; i++)
            out(self, " %02x", pci_read8(f, row + i));
        out(self, "\n");
    }
    out(self, "\n");
}

/* Several segments are told apart only where there are. */
static bool has_domains(void)
{
    LIST_FOR_EACH(node, &pci_functions)
    {
        if (CONTAINER_OF(node, struct pci_function, node)->segment)
            return true;
    }
    return false;
}

static int lspci(struct invocation *self)
{
    static const unsigned space[] = {0, 64, 64, 256, 4096};
    bool verbose = false;
    unsigned numbers = 0, hex = 0;
    struct place place = {ANY, ANY, ANY, ANY, ANY, ANY};
    for (int key; (key = option_next(self)) != 0;) {
        if (key < 0)
            return 1;
        verbose |= key == 'v';
        numbers += key == 'n';
        hex += key == 'x';
        if (key == 's' && !parse_place(self->argument, &place))
            return usage(self, "-s: invalid place '%s'", self->argument);
        if (key == 'd' && !parse_numbers(self->argument, &place))
            return usage(self, "-d: invalid numbers '%s'", self->argument);
    }
    if (self->next < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next]);
    bool domains = has_domains();
    LIST_FOR_EACH(node, &pci_functions)
    {
        const struct pci_function *f = CONTAINER_OF(node, struct pci_function, node);
        if (!matches(&place, f) || console_interrupted())
            continue;
        show_line(self, f, numbers, domains);
        if (verbose)
            show_details(self, f);
        if (hex)
            show_space(self, f, space[MIN(hex, (unsigned)ARRAY_SIZE(space) - 1)]);
    }
    return console_interrupted() ? STATUS_INTERRUPTED : 0;
}

COMMAND(lspci, .summary = "list the functions on the PCI bus", .operands = "", .options = options,
        .usage_status = 1, .lists_devices = true, .run = lspci)
