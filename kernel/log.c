/*
 * See log.h. A ring of lines; the oldest are overwritten. The console is the
 * boot processor's: it prints its own lines at once, and those of the others
 * when they have interrupted it.
 */
#include "kernel/log.h"

#include "kernel/console.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/cpus.h"
#include "kernel/x86/spinlock.h"
#include "lib/printf.h"
#include "lib/string.h"

#define LINES       512
#define LINE_LENGTH 240

static struct line {
    uint64_t time; /* clock_ns, 0 before the clock runs */
    enum log_level level;
    char text[LINE_LENGTH + 1];
} lines[LINES];

static struct spinlock lock;
static uint64_t written; /* lines ever */
static uint64_t shown;   /* of them, those printed, or too slight for it */
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

/* Formats the line at `cursor`, moved on to the oldest one that is left. False: there is none. */
static bool take(uint64_t *cursor, enum log_level least, char *text, size_t size, size_t *length)
{
    uint64_t flags = spin_lock(&lock);
    if (written > LINES && *cursor < written - LINES)
        *cursor = written - LINES;
    bool found = *cursor < written;
    if (found) {
        const struct line *line = &lines[(*cursor)++ % LINES];
        *length = line->level <= least ? print(line, text, size) : 0;
    }
    spin_unlock(&lock, flags);
    return found;
}

/* A handler that logs while this prints prints itself, and what is taken here then lies behind. */
void log_show(void)
{
    char text[LINE_LENGTH + 32];
    size_t length;
    while (take(&shown, console_level, text, sizeof text, &length))
        console_write(text, length);
}

void log_line_va(enum log_level level, const char *format, va_list arguments)
{
    uint64_t flags = spin_lock(&lock);
    struct line *line = &lines[written++ % LINES];
    line->time = clock_ns();
    line->level = level;
    vsnprintf(line->text, sizeof line->text, format, arguments);
    spin_unlock(&lock, flags);

    if (cpu_current() == 0)
        log_show();
    else if (level <= console_level)
        cpu_wake(0);
}

size_t log_read(uint64_t *cursor, char *text, size_t size)
{
    size_t length;
    return take(cursor, LOG_NOTE, text, size, &length) ? length : 0;
}

bool log_pending(uint64_t cursor)
{
    return cursor < __atomic_load_n(&written, __ATOMIC_RELAXED);
}
