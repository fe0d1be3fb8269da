/* uptime: what time it is, and how long the machine has been up. */
#include "kernel/command/command.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/rtc.h"
#include "lib/calendar.h"

typedef unsigned long long count;

static void pretty(struct invocation *self, count days, count hours, count minutes)
{
    out(self, "up ");
    if (days)
        out(self, "%llu day%s, ", days, days == 1 ? "" : "s");
    if (hours)
        out(self, "%llu hour%s, ", hours, hours == 1 ? "" : "s");
    out(self, "%llu minute%s\n", minutes, minutes == 1 ? "" : "s");
}

static void line(struct invocation *self, count days, count hours, count minutes)
{
    struct calendar now = calendar_from((int64_t)(rtc_time(clock_ns()) / NS_PER_SEC));
    out(self, " %02u:%02u:%02u up ", now.hour, now.minute, now.second);
    if (days)
        out(self, "%llu day%s, ", days, days == 1 ? "" : "s");
    if (hours)
        out(self, "%2llu:%02llu\n", hours, minutes);
    else
        out(self, "%llu min\n", minutes);
}

static void since(struct invocation *self)
{
    struct calendar start = calendar_from((int64_t)(rtc_time(0) / NS_PER_SEC));
    out(self, "%lld-%02u-%02u %02u:%02u:%02u\n", (long long)start.year, start.month, start.day,
        start.hour, start.minute, start.second);
}

static const struct option options[] = {
    {'p', "pretty", NULL, "in words"}, {'s', "since", NULL, "since when, instead"}, {0}};

static int uptime(struct invocation *self)
{
    int form = 0;
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 1;
        form = key;
    }
    if (self->next < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next]);
    count minutes = clock_ns() / NS_PER_SEC / 60, hours = minutes / 60, days = hours / 24;
    if (form == 's')
        since(self);
    else
        (form == 'p' ? pretty : line)(self, days, hours % 24, minutes % 60);
    return 0;
}

COMMAND(uptime, .summary = "tell how long the machine has been up", .operands = "",
        .options = options, .usage_status = 1, .run = uptime)
