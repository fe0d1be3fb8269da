/* sleep: waits; Ctrl-C ends it. */
#include "kernel/command/command.h"
#include "kernel/console.h"
#include "kernel/idle.h"
#include "kernel/x86/clock.h"
#include "lib/number.h"
#include "lib/string.h"

/* Digits behind the point, in nanoseconds; finer ones are dropped. Moves *at behind them. */
static uint64_t fraction(const char **at)
{
    uint64_t value = 0, unit = NS_PER_SEC;
    for (; **at >= '0' && **at <= '9'; ++*at) {
        unit /= 10;
        value += (uint64_t)(**at - '0') * unit;
    }
    return value;
}

/* "1.5", ".5m", "inf": seconds, minutes, hours or days, saturating; false if it is not that. */
static bool parse(const char *text, uint64_t *nanoseconds)
{
    static const struct {
        char suffix;
        uint64_t seconds;
    } units[] = {{0, 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    if (!strcmp(text, "inf") || !strcmp(text, "infinity")) {
        *nanoseconds = CLOCK_NEVER;
        return true;
    }
    const char *at = text;
    uint64_t whole = 0, part = 0;
    int status = number_prefix(text, 10, &whole, &at);
    bool any = status != ERR_INVALID;
    if (!any)
        at = text;
    if (*at == '.') {
        at++;
        any |= *at >= '0' && *at <= '9';
        part = fraction(&at);
    }
    for (unsigned i = 0; any && i < ARRAY_SIZE(units); i++) {
        if (*at != units[i].suffix || (*at && at[1]))
            continue;
        if (status == ERR_RANGE || __builtin_mul_overflow(whole, NS_PER_SEC, &whole) ||
            __builtin_add_overflow(whole, part, &whole) ||
            __builtin_mul_overflow(whole, units[i].seconds, &whole))
            whole = CLOCK_NEVER;
        *nanoseconds = whole;
        return true;
    }
    return false;
}

static int sleep(struct invocation *self)
{
    if (option_next(self))
        return 1;
    if (self->next == self->argc)
        return usage(self, "missing operand");
    uint64_t deadline = clock_ns();
    for (int i = self->next; i < self->argc; i++) {
        uint64_t duration;
        if (!parse(self->argv[i], &duration))
            return usage(self, "invalid time interval '%s'", self->argv[i]);
        if (__builtin_add_overflow(deadline, duration, &deadline))
            deadline = CLOCK_NEVER;
    }
    return idle_sleep(deadline) ? STATUS_INTERRUPTED : 0;
}

COMMAND(sleep, .summary = "wait", .operands = "NUMBER[smhd]...", .usage_status = 1, .run = sleep)
