/* lscpu: the processors, and what kind they are. */
#include "kernel/command/command.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/cpus.h"
#include "lib/printf.h"
#include "lib/string.h"

#define CPUID_EXTENDED 0x80000000u
#define CPUID_BRAND    0x80000002u /* and the two behind it: 16 characters each */

static void line(struct invocation *self, const char *name, const char *value)
{
    out(self, "%-32s %s\n", name, value);
}

static void number(struct invocation *self, const char *name, unsigned value)
{
    out(self, "%-32s %u\n", name, value);
}

/* SDM volume 2, CPUID, leaf 0: twelve characters in three registers, in this order. */
static void show_vendor(struct invocation *self)
{
    struct cpuid leaf = cpuid(0, 0);
    const uint32_t words[4] = {leaf.ebx, leaf.edx, leaf.ecx, 0};
    line(self, "Vendor ID:", (const char *)words);
}

static void show_brand(struct invocation *self)
{
    struct cpuid parts[4] = {0};
    const char *text = (const char *)parts;
    if (cpuid(CPUID_EXTENDED, 0).eax < CPUID_BRAND + 2)
        return;
    for (unsigned i = 0; i < 3; i++)
        parts[i] = cpuid(CPUID_BRAND + i, 0);
    while (*text == ' ')
        text++;
    line(self, "  Model name:", text);
}

/* The extended parts count where the plain one has reached its end: SDM volume 2, figure 3-6. */
static void show_model(struct invocation *self)
{
    uint32_t eax = cpuid(1, 0).eax;
    unsigned family = eax >> 8 & 0xf, model = eax >> 4 & 0xf;
    if (family == 6 || family == 15)
        model |= eax >> 12 & 0xf0;
    if (family == 15)
        family += eax >> 20 & 0xff;
    number(self, "    CPU family:", family);
    number(self, "    Model:", model);
    number(self, "    Stepping:", eax & 0xf);
}

static int lscpu(struct invocation *self)
{
    char list[16] = "0";
    if (option_next(self))
        return 1;
    if (self->next < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next]);
    if (cpus_count() > 1)
        snprintf(list, sizeof list, "0-%u", cpus_count() - 1);
    line(self, "Architecture:", "x86_64");
    number(self, "CPU(s):", cpus_count());
    line(self, "  On-line CPU(s) list:", list);
    show_vendor(self);
    show_brand(self);
    show_model(self);
    return 0;
}

COMMAND(lscpu, .summary = "show the processors", .operands = "",
        .details = "A processor that did not start, or that `cpus=` leaves out, is not counted.",
        .usage_status = 1, .run = lscpu)
