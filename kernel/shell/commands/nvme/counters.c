/*
 * nvme counters: what has happened to each queue since the start, of which the
 * device knows nothing. Laid out as /proc/interrupts: a row for each kind, a
 * column for each queue.
 */
#include "kernel/shell/commands/nvme/tool.h"

#define ROW(title, member)                            \
    {                                                 \
        title, offsetof(struct nvme_counters, member) \
    }

static const struct {
    const char *title;
    size_t offset;
} rows[] = {
    ROW("submitted", submitted),
    ROW("completed", completed),
    ROW("errors", errors),
    ROW("retries", retries),
    ROW("timeouts", timeouts),
    ROW("lost interrupts", missed),
    ROW("aborts", aborts),
    ROW("resets", resets),
    ROW("bad completions", bad_completions),
    ROW("interrupts", interrupts),
    ROW("spurious", spurious),
    ROW("polls", polls),
    ROW("SQ doorbells", sq_doorbells),
    ROW("CQ doorbells", cq_doorbells),
    ROW("shadow doorbells", shadow_doorbells),
    ROW("nudges", nudges),
};

static int counters(struct invocation *self)
{
    struct target target = TARGET(self);
    int status = target_open(&target, NULL, 0);
    if (status)
        return status;
    const struct nvme_controller *controller = target.controller;
    out(self, "%-16s %12s", "", "admin");
    for (unsigned i = 0; i < controller->io_count; i++)
        out(self, " %10s%02u", "queue ", controller->io[i].id);
    out(self, "\n");
    for (unsigned row = 0; row < ARRAY_SIZE(rows); row++) {
        out(self, "%-16s", rows[row].title);
        for (unsigned i = 0; i <= controller->io_count; i++) {
            const struct nvme_queue *queue = i ? &controller->io[i - 1] : &controller->admin;
            const char *counter = (const char *)&queue->counters + rows[row].offset;
            out(self, " %12llu", (unsigned long long)*(const uint64_t *)(const void *)counter);
        }
        out(self, "\n");
    }
    return 0;
}

const struct command cli_counters =
    SUBCOMMAND("counters", "Shows what has happened to each queue", NULL, counters);
