/* See panic.h. Everything here works with as little of the kernel as can be. */
#include "kernel/panic.h"

#include <elf.h>
#include <stdarg.h>

#include "boot/handover.h"
#include "kernel/console.h"
#include "kernel/mem/frames.h"
#include "kernel/mem/paging.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/cpus.h"
#include "kernel/x86/interrupts.h"
#include "lib/printf.h"
#include "lib/string.h"

#define BACKTRACE_DEEPEST 32
#define DEBUG_EXIT_PORT   0xf4 /* QEMU's isa-debug-exit: ends with (value << 1) | 1 */
#define DEBUG_EXIT_PANIC  0x42

extern char kernel_start[], kernel_text_end[];

static const Elf64_Sym *symbols;
static uint64_t symbol_count;
static const char *symbol_names;
static uint64_t symbol_names_size;

void symbols_start(const struct handover *handover)
{
    const uint8_t *file = frames_pointer(handover->elf);
    const Elf64_Ehdr *header = (const void *)file;
    uint64_t size = handover->elf_size;
    if (header->e_shoff > size || header->e_shnum > (size - header->e_shoff) / sizeof(Elf64_Shdr))
        return;
    const Elf64_Shdr *sections = (const void *)(file + header->e_shoff);
    for (unsigned i = 0; i < header->e_shnum; i++) {
        const Elf64_Shdr *section = &sections[i];
        if (section->sh_type != SHT_SYMTAB || section->sh_link >= header->e_shnum)
            continue;
        const Elf64_Shdr *names = &sections[section->sh_link];
        if (section->sh_offset > size || section->sh_size > size - section->sh_offset ||
            names->sh_offset > size || names->sh_size > size - names->sh_offset ||
            names->sh_size == 0 || file[names->sh_offset + names->sh_size - 1] != 0)
            return;
        symbols = (const void *)(file + section->sh_offset);
        symbol_count = section->sh_size / sizeof *symbols;
        symbol_names = (const char *)file + names->sh_offset;
        symbol_names_size = names->sh_size;
    }
}

#define NOBODY UINT32_MAX

static unsigned panicking = NOBODY; /* which processor */

static void say(const char *format, ...) PRINTF_LIKE(1, 2);

static void say(const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    console_write(line, strlen(line));
}

static bool is_text(uint64_t address)
{
    return address >= (uint64_t)kernel_start && address < (uint64_t)kernel_text_end;
}

/* "  address name+offset"; the nearest function at or below the address. */
static void say_address(uint64_t address)
{
    const Elf64_Sym *best = NULL;
    for (uint64_t i = 0; i < symbol_count; i++) {
        const Elf64_Sym *symbol = &symbols[i];
        if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_value <= address &&
            symbol->st_name < symbol_names_size && (!best || symbol->st_value > best->st_value))
            best = symbol;
    }
    if (best && is_text(address))
        say("  %016llx %s+0x%llx\n", (unsigned long long)address, symbol_names + best->st_name,
            (unsigned long long)(address - best->st_value));
    else
        say("  %016llx\n", (unsigned long long)address);
}

static bool is_frame(uint64_t address)
{
    return IS_ALIGNED(address, 8) && cpu_stack_contains(address) &&
           cpu_stack_contains(address + 15);
}

static void backtrace(uint64_t rbp)
{
    say("Backtrace:\n");
    for (unsigned depth = 0; depth < BACKTRACE_DEEPEST && is_frame(rbp); depth++) {
        const uint64_t *frame = (const uint64_t *)rbp;
        if (!is_text(frame[1]))
            break;
        say_address(frame[1] - 1); /* the call, not what follows it */
        if (frame[0] <= rbp)
            break;
        rbp = frame[0];
    }
}

static _Noreturn void end_machine(void)
{
    out8(DEBUG_EXIT_PORT, DEBUG_EXIT_PANIC);
    say("The machine has stopped.\n");
    halt_for_ever();
}

/*
 * The first processor to come here stops the others, by an NMI that brings them here too. What is
 * told of a panic may be broken as well; then it ends without telling.
 */
static void enter(void)
{
    interrupts_off();
    unsigned first = NOBODY, self = cpu_current();
    if (__atomic_compare_exchange_n(&panicking, &first, self, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST)) {
        cpus_stop_others();
        return;
    }
    if (first != self)
        cpu_stop();
    say("PANIC within a panic\n");
    end_machine();
}

static void say_processor(void)
{
    if (cpus_count() > 1)
        say("On processor %u of %u.\n", cpu_current(), cpus_count());
}

void panic(const char *format, ...)
{
    char text[200];
    va_list arguments;
    enter();
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say("\nPANIC: %s\n", text);
    say_processor();
    backtrace((uint64_t)__builtin_frame_address(0));
    end_machine();
}

static const char *exception_name(uint64_t vector)
{
    static const char *const names[] = {"divide error",
                                        "debug exception",
                                        "non-maskable interrupt",
                                        "breakpoint",
                                        "overflow",
                                        "bound range exceeded",
                                        "invalid opcode",
                                        "no coprocessor",
                                        "double fault",
                                        "coprocessor overrun",
                                        "invalid TSS",
                                        "segment not present",
                                        "stack fault",
                                        "general protection",
                                        "page fault",
                                        "reserved",
                                        "x87 error",
                                        "alignment check",
                                        "machine check",
                                        "SIMD exception",
                                        "virtualization exception",
                                        "control protection"};
    return vector < ARRAY_SIZE(names) ? names[vector] : "exception";
}

#define EXCEPTION_PAGE_FAULT 14
#define FAULT_PRESENT        BIT(0)
#define FAULT_WRITE          BIT(1)
#define FAULT_FETCH          BIT(4)

void panic_exception(const struct interrupt_frame *f)
{
    enter();
    say("\nPANIC: %s (vector %llu, error code %llx)\n", exception_name(f->vector),
        (unsigned long long)f->vector, (unsigned long long)f->error_code);
    say_processor();
    if (f->vector == EXCEPTION_PAGE_FAULT)
        say("%s address %016llx in %s, which is %s\n",
            f->error_code & FAULT_FETCH   ? "executing"
            : f->error_code & FAULT_WRITE ? "writing"
                                          : "reading",
            (unsigned long long)read_cr2(), paging_describe(read_cr2()),
            f->error_code & FAULT_PRESENT ? "protected against that" : "not mapped");
    const struct {
        const char *name;
        uint64_t value;
    } registers[] = {{"RAX", f->rax}, {"RBX", f->rbx},    {"RCX", f->rcx},     {"RDX", f->rdx},
                     {"RSI", f->rsi}, {"RDI", f->rdi},    {"RBP", f->rbp},     {"RSP", f->rsp},
                     {"R8 ", f->r8},  {"R9 ", f->r9},     {"R10", f->r10},     {"R11", f->r11},
                     {"R12", f->r12}, {"R13", f->r13},    {"R14", f->r14},     {"R15", f->r15},
                     {"RIP", f->rip}, {"RFL", f->rflags}, {"CR2", read_cr2()}, {"CR3", read_cr3()}};
    for (unsigned i = 0; i < ARRAY_SIZE(registers); i++)
        say("%s %016llx%s", registers[i].name, (unsigned long long)registers[i].value,
            i % 4 == 3 ? "\n" : "  ");
    say("At:\n");
    say_address(f->rip);
    backtrace(f->rbp);
    end_machine();
}
