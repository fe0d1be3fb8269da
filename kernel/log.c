/* See log.h. A ring of lines; the oldest are overwritten. */
#include "kernel/log.h"

#include "kernel/console.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/cpu.h"
#include "lib/printf.h"
#include "lib/string.h"

#define LINES       512
#define LINE_LENGTH 240

static struct line {
    uint64_t time; /* clock_ns, 0 before the clock runs */
    char text[LINE_LENGTH + 1];
} lines[LINES];

static uint64_t written; /* lines ever */
static enum log_level console_level = LOG_WARNING;

void log_set_console_level(enum log_level level)
{
    console_level = level;
}

void log_line(enum log_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_line_va(level, format, arguments);
    va_end(arguments);
}

static size_t print(const struct line *line, char *text, size_t size)
{
    uint64_t us = line->time / NS_PER_US;
    int length = snprintf(text, size, "[%5llu.%06llu] %s\n", (unsigned long long)(us / 1000000),
                          (unsigned long long)(us % 1000000), line->text);
    return MIN((size_t)length, size - 1);
}

/* Interrupt handlers log as well, so a line is taken with interrupts off. */
void log_line_va(enum log_level level, const char *format, va_list arguments)
{
    uint64_t flags = read_flags();
    interrupts_off();
    struct line *line = &lines[written++ % LINES];
    line->time = clock_ns();
    vsnprintf(line->text, sizeof line->text, format, arguments);
    if (flags & RFLAGS_IF)
        interrupts_on();

    if (level <= console_level) {
        char text[LINE_LENGTH + 32];
        console_write(text, print(line, text, sizeof text));
    }
}

size_t log_read(uint64_t *cursor, char *text, size_t size)
{
    if (written > LINES && *cursor < written - LINES)
        *cursor = written - LINES;
    if (*cursor >= written)
        return 0;
    return print(&lines[(*cursor)++ % LINES], text, size);
}
