/*
 * How far long work is, on a line of the console that is written over, and
 * wiped away by whatever is said next: for a person who waits, and nowhere
 * where messages are redirected.
 */
#include "kernel/command/command.h"
#include "kernel/command/rate.h"
#include "kernel/x86/clock.h"
#include "lib/printf.h"

void progress(struct invocation *self, uint64_t done, uint64_t total)
{
    struct progress *progress = &self->progress;
    /* Of a pipeline the last speaks. */
    if (!file_is_console(self->error) || file_is_pipe(self->out))
        return;
    uint64_t now = clock_ns();
    if (!progress->started || done < progress->done) {
        progress->started = now;
        progress->next = now + NS_PER_SEC;
    }
    progress->done = done;
    if (now < progress->next)
        return;
    progress->next = now + NS_PER_SEC;

    char line[RATE_LINE_MAX], part[8] = "";
    size_t length = rate_line(line, done, "done", now - progress->started, true), old;
    if (total)
        length += (size_t)snprintf(part, sizeof part, ", %u%%",
                                   (unsigned)(MIN(done, total) / (total / 100 + 1)));
    old = progress->length;
    progress->length = 0;
    note(self, "\r%s%s%*s", line, part, (int)(old > length ? old - length : 0), "");
    progress->length = length;
}

void progress_wipe(struct invocation *self)
{
    size_t length = self->progress.length;
    self->progress.length = 0;
    if (length)
        note(self, "\r%*s\r", (int)length, "");
}
