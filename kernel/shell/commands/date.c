/* date: the time of day, in the form that is asked for. */
#include "kernel/command/command.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/rtc.h"
#include "lib/calendar.h"
#include "lib/number.h"
#include "lib/printf.h"
#include "lib/string.h"

#define RFC_3339 256
#define DEFAULT  "%a %b %e %H:%M:%S %Z %Y"

/* The forms that are short for others. */
static const char *composed(char conversion)
{
    switch (conversion) {
    case 'c':
        return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x':
        return "%m/%d/%y";
    case 'F':
        return "%Y-%m-%d";
    case 'r':
        return "%I:%M:%S %p";
    case 'R':
        return "%H:%M";
    case 'T':
    case 'X':
        return "%H:%M:%S";
    }
    return NULL;
}

/* A number with its usual width, and what fills it. False: it is none. */
static bool number(char conversion, const struct calendar *date, int64_t seconds, int64_t *value,
                   int *width, char *fill)
{
    *width = 2;
    *fill = conversion == 'e' || conversion == 'k' || conversion == 'l' ? '_' : '0';
    switch (conversion) {
    case 'C':
        *value = date->year / 100;
        return true;
    case 'd':
    case 'e':
        *value = date->day;
        return true;
    case 'H':
    case 'k':
        *value = date->hour;
        return true;
    case 'I':
    case 'l':
        *value = (date->hour + 11) % 12 + 1;
        return true;
    case 'j':
        *width = 3;
        *value = date->yearday + 1;
        return true;
    case 'm':
        *value = date->month;
        return true;
    case 'M':
        *value = date->minute;
        return true;
    case 's':
        *width = 1;
        *value = seconds;
        return true;
    case 'S':
        *value = date->second;
        return true;
    case 'u':
    case 'w':
        *width = 1;
        *value = conversion == 'u' && !date->weekday ? 7 : date->weekday;
        return true;
    case 'y':
        *value = date->year % 100;
        return true;
    case 'Y':
        *width = 1;
        *value = date->year;
        return true;
    }
    return false;
}

/* `width`: of %N, from the front. */
static bool text(struct invocation *self, char conversion, const struct calendar *date,
                 unsigned nanoseconds, int width)
{
    char digits[12];
    switch (conversion) {
    case 'a':
        out(self, "%.3s", calendar_weekdays[date->weekday]);
        return true;
    case 'A':
        out(self, "%s", calendar_weekdays[date->weekday]);
        return true;
    case 'b':
    case 'h':
        out(self, "%.3s", calendar_months[date->month - 1]);
        return true;
    case 'B':
        out(self, "%s", calendar_months[date->month - 1]);
        return true;
    case 'n':
        out(self, "\n");
        return true;
    case 'N':
        snprintf(digits, sizeof digits, "%09u", nanoseconds);
        out(self, "%.*s", width, digits);
        return true;
    case 'p':
        out(self, date->hour < 12 ? "AM" : "PM");
        return true;
    case 'P':
        out(self, date->hour < 12 ? "am" : "pm");
        return true;
    case 't':
        out(self, "\t");
        return true;
    case 'z':
        out(self, "+0000");
        return true;
    case 'Z':
        out(self, "UTC");
        return true;
    case '%':
        out(self, "%%");
        return true;
    }
    return false;
}

/* `composed()` goes one level deep only. */
static void print(struct invocation *self, const char *format, int64_t seconds,
                  unsigned nanoseconds)
{
    struct calendar date = calendar_from(seconds);
    for (const char *at = format; *at; at++) {
        const char *start = at;
        int64_t value;
        int width;
        char fill;
        if (*at != '%') {
            out_bytes(self, at, 1);
            continue;
        }
        char flag = at[1] && strchr("-_0", at[1]) ? *++at : 0;
        int digits = at[1] >= '1' && at[1] <= '9' && at[2] == 'N' ? *++at - '0' : 9;
        at += at[1] != 0;
        if (number(*at, &date, seconds, &value, &width, &fill)) {
            fill = flag ? flag : fill;
            out(self, fill == '0' ? "%0*lld" : "%*lld", fill == '-' ? 0 : width, (long long)value);
        } else if (composed(*at)) {
            print(self, composed(*at), seconds, nanoseconds);
        } else if (start == at || !text(self, *at, &date, nanoseconds, digits)) {
            out_bytes(self, start, (size_t)(at - start) + 1);
        }
    }
}

/* "@SECONDS", with a fraction if need be. */
static bool parse(const char *given, int64_t *seconds, unsigned *nanoseconds)
{
    uint64_t whole;
    bool negative = given[0] == '@' && given[1] == '-';
    const char *at;
    *nanoseconds = 0;
    if (*given != '@' || number_prefix(given + 1 + negative, 10, &whole, &at) != OK ||
        whole > (uint64_t)INT64_MAX / 1000)
        return false;
    *seconds = negative ? -(int64_t)whole : (int64_t)whole;
    if (*at == '.' && !negative && at[1])
        for (unsigned unit = NS_PER_SEC / 10; *++at >= '0' && *at <= '9'; unit /= 10)
            *nanoseconds += (unsigned)(*at - '0') * unit;
    return !*at;
}

static const struct option options[] = {
    {'d', "date", "@SECONDS", "show this time since 1970, not now"},
    {'I', "iso-8601", "[KIND]",
     "as ISO 8601 has it: date (as without it), hours, minutes, seconds or ns"},
    {'R', "rfc-email", NULL, "as in a mail"},
    {RFC_3339, "rfc-3339", "KIND", "date, seconds or ns"},
    {'u', "utc", NULL, "in UTC (there is nothing else here)"},
    {0}};

static const char *rfc_3339(const char *kind)
{
    if (!strcmp(kind, "date"))
        return "%F";
    if (!strcmp(kind, "seconds"))
        return "%F %T+00:00";
    return !strcmp(kind, "ns") ? "%F %T.%N+00:00" : NULL;
}

static const char *iso_8601(const char *kind)
{
    static const char *const kinds[][2] = {{"date", "%F"},
                                           {"hours", "%FT%H+00:00"},
                                           {"minutes", "%FT%H:%M+00:00"},
                                           {"seconds", "%FT%T+00:00"},
                                           {"ns", "%FT%T,%N+00:00"}};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (!kind || !strcmp(kind, kinds[i][0]))
            return kinds[i][1];
    return NULL;
}

static int date(struct invocation *self)
{
    const char *format = DEFAULT, *given = NULL;
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 1;
        if (key == 'd')
            given = self->argument;
        else if (key != 'u')
            format = key == 'I'   ? iso_8601(self->argument)
                     : key == 'R' ? "%a, %d %b %Y %T +0000"
                                  : rfc_3339(self->argument);
        if (!format)
            return usage(self, "invalid argument '%s' for '--%s'", self->argument,
                         key == 'I' ? "iso-8601" : "rfc-3339");
    }
    if (self->argc - self->next > 1)
        return usage(self, "extra operand '%s'", self->argv[self->next + 1]);
    const char *operand = self->argv[self->next];
    if (operand && *operand != '+')
        return complain(self, "invalid date '%s'", operand);
    if (operand)
        format = operand + 1;

    uint64_t now = rtc_time(clock_ns());
    int64_t seconds = (int64_t)(now / NS_PER_SEC);
    unsigned nanoseconds = (unsigned)(now % NS_PER_SEC);
    if (given && !parse(given, &seconds, &nanoseconds))
        return complain(self, "invalid date '%s'", given);
    if (!given && !now)
        return complain(self, "the machine's clock does not work");
    print(self, format, seconds, nanoseconds);
    out(self, "\n");
    return 0;
}

COMMAND(date, .summary = "tell the time of day", .operands = "[+FORMAT]", .options = options,
        .details = "FORMAT has date's letters: %Y %m %d %H %M %S %s %N %F %T %a %b %e %j ...;\n"
                   "a - in between leaves the padding away. The clock cannot be set.",
        .usage_status = 1, .run = date)
