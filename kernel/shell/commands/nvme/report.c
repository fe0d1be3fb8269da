/*
 * Where a report goes: lines for people, or JSON, in nvme-cli's layout. What
 * shows something calls the functions for both, one kind of which is silent.
 */
#include "kernel/shell/commands/nvme/show.h"
#include "lib/printf.h"
#include "lib/string.h"

#define LINE_SIZE (2 * VALUE_SIZE)

bool report_form(struct report *report, const char *name)
{
    static const char *const names[] = {
        [FORM_NORMAL] = "normal", [FORM_JSON] = "json", [FORM_BINARY] = "binary"};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (!strcmp(name, names[i])) {
            report->form = i;
            return true;
        }
    complain(report->self, "invalid output format: '%s'", name);
    return false;
}

void report_say(struct report *report, const char *format, ...)
{
    char text[LINE_SIZE];
    if (report->form == FORM_JSON)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    out(report->self, "%s", text);
}

static void begin(struct report *report, const char *key)
{
    if (report->depth)
        out(report->self, "%s\n%*s", report->filled ? "," : "", (int)(2 * report->depth), "");
    if (key)
        out(report->self, "\"%s\":", key);
    report->filled = true;
}

void report_open(struct report *report, const char *key, char bracket)
{
    if (report->form != FORM_JSON)
        return;
    begin(report, key);
    out(report->self, "%c", bracket);
    report->depth++;
    report->filled = false;
}

void report_close(struct report *report, char bracket)
{
    if (report->form != FORM_JSON)
        return;
    report->depth--;
    out(report->self, "\n%*s%c%s", (int)(2 * report->depth), "", bracket,
        report->depth ? "" : "\n");
    report->filled = true;
}

void report_number(struct report *report, const char *key, uint64_t value)
{
    if (report->form != FORM_JSON)
        return;
    begin(report, key);
    out(report->self, "%llu", (unsigned long long)value);
}

void report_text(struct report *report, const char *key, const char *format, ...)
{
    char text[VALUE_SIZE];
    if (report->form != FORM_JSON)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    begin(report, key);
    out(report->self, "\"");
    for (const char *at = text; *at; at++)
        out(report->self, *at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
    out(report->self, "\"");
}
