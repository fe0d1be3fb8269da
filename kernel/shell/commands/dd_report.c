/* What dd says while it copies, and at its end. */
#include "kernel/command/rate.h"
#include "kernel/shell/commands/dd.h"
#include "kernel/x86/clock.h"

void dd_progress(struct dd *dd)
{
    uint64_t now = clock_ns();
    if (dd->level != DD_PROGRESS || now < dd->progress_next)
        return;
    dd->progress_next += NS_PER_SEC;
    char line[RATE_LINE_MAX];
    size_t length = rate_line(line, dd->bytes, "copied", now - dd->started, true);
    size_t rest = dd->progress_length > length ? dd->progress_length - length : 0;
    note(dd->self, "\r%s%*s", line, (int)rest, "");
    dd->progress_length = length;
}

void dd_report(struct dd *dd)
{
    if (dd->level == DD_NONE)
        return;
    char line[RATE_LINE_MAX] = "";
    if (dd->level != DD_NOXFER)
        rate_line(line, dd->bytes, "copied", clock_ns() - dd->started, false);
    note(dd->self, "%s%llu+%llu records in\n%llu+%llu records out\n%s%s",
         dd->progress_length ? "\n" : "", (unsigned long long)dd->full_in,
         (unsigned long long)dd->partial_in, (unsigned long long)dd->full_out,
         (unsigned long long)dd->partial_out, line, *line ? "\n" : "");
    dd->progress_length = 0;
}
