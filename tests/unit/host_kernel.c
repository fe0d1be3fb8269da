/* See host_kernel.h. */
#include "tests/unit/host_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "kernel/acpi/acpi.h"
#include "kernel/block/block.h"
#include "kernel/console.h"
#include "kernel/idle.h"
#include "kernel/log.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/paging.h"
#include "kernel/panic.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/coroutine.h"
#include "kernel/x86/cpus.h"
#include "kernel/x86/rtc.h"
#include "lib/printf.h"
#include "lib/status.h"

long host_allocations_left = -1;
long host_allocations_live;

static bool allocation_fails(void)
{
    if (host_allocations_left < 0)
        return false;
    if (host_allocations_left == 0)
        return true;
    host_allocations_left--;
    return false;
}

bool paging_guard(void *page, enum guard guard)
{
    return mprotect(page, 4096, guard == GUARD_NONE ? PROT_READ | PROT_WRITE : PROT_NONE) == 0;
}

/* The alignment that the kernel's heap promises. */
void *kmalloc(size_t size)
{
    if (size > SIZE_MAX / 2 || allocation_fails())
        return NULL;
    size_t alignment = size >= 4096 ? 4096 : 16;
    void *pointer = aligned_alloc(alignment, (size + alignment) & ~(alignment - 1));
    if (pointer)
        host_allocations_live++;
    return pointer;
}

bool heap_is_short(void)
{
    return false;
}

void *kcalloc(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    void *pointer = kmalloc(count * size);
    if (pointer)
        memset(pointer, 0, count * size);
    return pointer;
}

void *krealloc(void *pointer, size_t size)
{
    if (!pointer)
        return kmalloc(size);
    if (size > SIZE_MAX / 2 || allocation_fails())
        return NULL;
    return realloc(pointer, size ? size : 1);
}

void kfree(void *pointer)
{
    if (pointer)
        host_allocations_live--;
    free(pointer);
}

uint8_t host_acpi_table[1024];

const struct acpi_table *acpi_find(const char *signature)
{
    (void)signature;
    return (const void *)host_acpi_table;
}

uint64_t host_clock_offset;

uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec + host_clock_offset;
}

uint64_t host_start;

uint64_t rtc_time(uint64_t clock)
{
    return host_start + clock;
}

uint64_t idle_run(void)
{
    return CLOCK_NEVER;
}

void idle_glance(void)
{
}

bool idle_wait(bool (*ready)(void *context), void *context, uint64_t deadline)
{
    while (!ready(context)) {
        if (clock_ns() >= deadline)
            return ready(context);
        host_clock_offset += NS_PER_MS;
    }
    return true;
}

bool clock_wait(bool (*ready)(void *context), void *context, uint64_t deadline)
{
    return idle_wait(ready, context, deadline);
}

/* Time passes, nobody waits. */
void clock_sleep(uint64_t nanoseconds)
{
    host_clock_offset += nanoseconds;
}

static char *input;
static size_t input_length, input_next;
static char *output;
static size_t output_length, output_size;
static bool interrupted;
bool host_console_echo;
long host_interrupt_after = -1;

void host_console_feed(const char *bytes, size_t length)
{
    input = realloc(input, input_length + length + 1);
    memcpy(input + input_length, bytes, length);
    input_length += length;
}

int console_get(uint64_t deadline)
{
    (void)deadline;
    coroutine_yield();
    if (interrupted)
        return CONSOLE_CTRL_C;
    if (input_next == input_length)
        return CONSOLE_TIMEOUT;
    int byte = (unsigned char)input[input_next++];
    if (byte == 3) {
        interrupted = true;
        return CONSOLE_CTRL_C;
    }
    return byte;
}

void console_write(const char *text, size_t length)
{
    if (host_console_echo)
        fwrite(text, 1, length, stdout);
    if (output_length + length + 1 > output_size) {
        output_size = 2 * (output_length + length + 1);
        output = realloc(output, output_size);
    }
    memcpy(output + output_length, text, length);
    output_length += length;
    output[output_length] = 0;
}

const char *host_console_text(void)
{
    return output ? output : "";
}

void host_console_clear(void)
{
    output_length = 0;
    if (output)
        output[0] = 0;
}

bool console_interrupted(void)
{
    if (host_interrupt_after == 0)
        interrupted = true;
    if (host_interrupt_after > 0)
        host_interrupt_after--;
    return interrupted;
}

void console_clear_interrupt(void)
{
    interrupted = false;
}

char host_log_last[256];
unsigned host_log_count;

void log_line(enum log_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_line_va(level, format, arguments);
    va_end(arguments);
}

void log_line_va(enum log_level level, const char *format, va_list arguments)
{
    (void)level;
    vsnprintf(host_log_last, sizeof host_log_last, format, arguments);
    host_log_count++;
}

void log_set_console_level(enum log_level level)
{
    (void)level;
}

size_t log_read(uint64_t *cursor, char *text, size_t size)
{
    (void)cursor;
    (void)text;
    (void)size;
    return 0;
}

bool log_pending(uint64_t cursor)
{
    (void)cursor;
    return false;
}

/* kernel/x86/cpus.h: of other processors it is only said that they exist; their tasks run here. */
unsigned host_cpus = 1;

unsigned cpu_current(void)
{
    return 0;
}

unsigned cpus_count(void)
{
    return host_cpus;
}

int cpu_run(unsigned cpu, struct cpu_task *task)
{
    if (cpu == 0 || cpu >= host_cpus)
        return ERR_INVALID;
    task->run(task->argument);
    task->done = true;
    return OK;
}

bool cpu_task_done(const struct cpu_task *task)
{
    return task->done;
}

/* lib/printf.h, over the host's own. */
int format_to(void (*put)(void *context, const char *text, size_t length), void *context,
              const char *format, va_list arguments)
{
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    if (length >= 0)
        put(context, text, (size_t)length);
    free(text);
    return length;
}

void host_block_copy(const struct block_request *request, uint8_t *at)
{
    for (unsigned i = 0; i < request->segment_count; i++) {
        const struct block_segment *segment = &request->segments[i];
        if (request->operation == BLOCK_WRITE)
            memcpy(at, segment->base, segment->length);
        else
            memcpy(segment->base, at, segment->length);
        at += segment->length;
    }
}

int host_submit_each(struct block_device *device, struct block_request **list,
                     int (*take)(struct block_device *device, struct block_request *request))
{
    int status = OK;
    for (; *list && status == OK; *list = status == OK ? (*list)->next : *list)
        status = take(device, *list);
    return status;
}

void cpu_use_stack(const void *bottom, size_t size)
{
    (void)bottom;
    (void)size;
}

void panic(const char *format, ...)
{
    fprintf(stderr, "panic: %s\n", format);
    abort();
}
