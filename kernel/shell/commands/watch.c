/* watch: runs a command again and again, each time on an empty screen, until Ctrl-C. */
#include "kernel/console.h"
#include "kernel/idle.h"
#include "kernel/shell/shell.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/rtc.h"
#include "lib/calendar.h"
#include "lib/number.h"
#include "lib/string.h"

struct watch {
    struct invocation *self;
    uint64_t tenths; /* of a second, between the end of one run and the next */
    bool no_title, until_error;
};

/* "2", "0.5": in tenths of a second, at least one. */
static bool parse_interval(const char *text, uint64_t *tenths)
{
    const char *at = text;
    uint64_t whole = 0;
    if (*text != '.' && (number_prefix(text, 10, &whole, &at) != OK || whole > 1u << 22))
        return false;
    *tenths = whole * 10;
    if (*at == '.' && at[1] >= '0' && at[1] <= '9') {
        *tenths += (uint64_t)(*++at - '0');
        while (*at >= '0' && *at <= '9')
            at++;
    }
    *tenths = MAX(*tenths, (uint64_t)1);
    return !*at;
}

static void title(const struct watch *watch, const char *command)
{
    struct calendar now = calendar_from((int64_t)(rtc_time(clock_ns()) / NS_PER_SEC));
    out(watch->self, "Every %llu.%llus: %s   %.3s %.3s %2u %02u:%02u:%02u %lld\n\n",
        (unsigned long long)watch->tenths / 10, (unsigned long long)watch->tenths % 10, command,
        calendar_weekdays[now.weekday], calendar_months[now.month - 1], now.day, now.hour,
        now.minute, now.second, (long long)now.year);
}

static int repeat(const struct watch *watch, const char *command, size_t length)
{
    struct invocation *self = watch->self;
    while (!self->output_failed) {
        out(self, "\033[H\033[2J");
        if (!watch->no_title)
            title(watch, command);
        struct shell *shell = shell_enter(self->shell, self->in, self->out, true);
        if (!shell)
            return shell_no_memory(self->shell);
        shell_run_source(shell, "watch", command, length, NULL);
        int status = shell_leave(shell);
        if (console_interrupted())
            break;
        if (status && watch->until_error)
            return status;
        if (idle_sleep(clock_ns() + watch->tenths * (NS_PER_SEC / 10)))
            break;
    }
    return console_interrupted() ? STATUS_INTERRUPTED : 1;
}

static const struct option options[] = {{'e', "errexit", NULL, "end when the command fails"},
                                        {'n', "interval", "SECONDS", "wait so long (2)"},
                                        {'t', "no-title", NULL, "print no title"},
                                        {0}};

static int watch(struct invocation *self)
{
    struct watch watch = {.self = self, .tenths = 20};
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 1;
        if (key == 'n' && !parse_interval(self->argument, &watch.tenths))
            return complain(self, "failed to parse argument: '%s'", self->argument);
        watch.until_error |= key == 'e';
        watch.no_title |= key == 't';
    }
    if (self->next == self->argc)
        return usage(self, "missing command");
    struct arena arena = {0};
    struct text text = {.arena = &arena};
    for (int i = self->next; i < self->argc; i++) {
        if (i > self->next)
            text_add(&text, ' ');
        text_append(&text, self->argv[i]);
    }
    int status = 0;
    if (arena.failed)
        status = shell_no_memory(self->shell);
    else if (text.bytes)
        status = repeat(&watch, text.bytes, text.length);
    arena_free(&arena);
    return status;
}

COMMAND(watch, .summary = "run a command again and again", .operands = "COMMAND...",
        .options = options, .usage_status = 1, .options_first = true, .run = watch)
