/* lspci: the functions on the PCI bus; with -v their BARs and capabilities as well. */
#include "drivers/pci/pci.h"
#include "kernel/shell/command.h"
#include "lib/number.h"

static const struct option options[] = {
    {'v', NULL, NULL, "show BARs, command register and capabilities"},
    {'n', NULL, NULL, "numbers only (there is nothing else here)"},
    {'s', NULL, "[[BUS:]DEVICE][.FUNCTION]", "show only the functions at this place"},
    {0},
};

#define ANY (-1)

struct place {
    int bus, device, function;
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
    *place = (struct place){ANY, ANY, ANY};
    bool good = parse_part(&text, 255, &place->device);
    if (good && *text == ':') {
        text++;
        place->bus = place->device;
        good = parse_part(&text, 31, &place->device);
    }
    if (good && *text == '.') {
        text++;
        good = parse_part(&text, 7, &place->function);
    }
    return good && !*text && place->device <= 31;
}

static bool matches(const struct place *place, const struct pci_function *f)
{
    return (place->bus == ANY || place->bus == f->bus) &&
           (place->device == ANY || place->device == f->device) &&
           (place->function == ANY || place->function == f->function);
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
    out(self, "\tRevision %02x, prog-if %02x", f->revision, f->prog_if);
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

static int lspci(struct invocation *self)
{
    bool verbose = false;
    struct place place = {ANY, ANY, ANY};
    for (int key; (key = option_next(self)) != 0;) {
        if (key < 0)
            return 1;
        verbose |= key == 'v';
        if (key == 's' && !parse_place(self->argument, &place))
            return usage(self, "-s: invalid place '%s'", self->argument);
    }
    if (self->next < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next]);
    LIST_FOR_EACH(node, &pci_functions)
    {
        const struct pci_function *f = CONTAINER_OF(node, struct pci_function, node);
        if (!matches(&place, f))
            continue;
        out(self, "%02x:%02x.%x Class %04x: %04x:%04x\n", f->bus, f->device, f->function, f->class,
            f->vendor_id, f->device_id);
        if (verbose)
            show_details(self, f);
    }
    return 0;
}

COMMAND(lspci, .summary = "list the functions on the PCI bus", .operands = "", .options = options,
        .usage_status = 1, .run = lspci)
