/* nvme format: asks for second thoughts, and formats. */
#include "kernel/console.h"
#include "kernel/idle.h"
#include "kernel/mem/heap.h"
#include "kernel/nvme/nvme.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "kernel/x86/clock.h"
#include "lib/string.h"

#define LBAF_MOST        15u  /* those behind it are for hosts that have said that they know them */
#define LBAF_KEEP        255u /* not given */
#define FNA_FORMAT_ALL   0x01u
#define SECONDS_TO_THINK 10u

/* In the order in which their limits are checked. */
enum value {
    SES,
    PIL,
    PI,
    MSET,
    VALUES
};

struct format {
    struct target target;
    uint64_t lbaf, block_size, timeout_ms, values[VALUES];
    bool reset, force;
};

static const struct option format_options[] = {
    {'n', "namespace-id", "NUM", "namespace (that of the device); 0xffffffff: all"},
    {'t', "timeout", "NUM", "in milliseconds (600000)"},
    {'l', "lbaf", "NUM", "LBA format to apply (the one in use)"},
    {'b', "block-size", "NUM", "apply the format with blocks of this size"},
    {'s', "ses", "NUM", "secure erase: 0 none, 1 user data, 2 cryptographic"},
    {'i', "pi", "NUM", "protection information: 0 off, 1-3 type"},
    {'p', "pil", "NUM", "protection information location: 0 last, 1 first 8 bytes"},
    {'m', "ms", "NUM", "metadata: 0 separate, 1 behind the data"},
    {'r', "reset", NULL, "reset the controller afterwards"},
    {256, "force", NULL, "do not wait for second thoughts"},
    {0},
};

static bool take(struct target *target, int key)
{
    struct format *f = CONTAINER_OF(target, struct format, target);
    switch (key) {
    case 't':
        return target_number(target, "timeout", UINT32_MAX, &f->timeout_ms);
    case 'l':
        return target_number(target, "lbaf", LBAF_MOST, &f->lbaf);
    case 'b':
        return target_size(target, "block-size", UINT32_MAX, &f->block_size);
    case 's':
        return target_number(target, "ses", 7, &f->values[SES]);
    case 'i':
        return target_number(target, "pi", 7, &f->values[PI]);
    case 'p':
        return target_number(target, "pil", 1, &f->values[PIL]);
    case 'm':
        return target_number(target, "ms", 1, &f->values[MSET]);
    case 'r':
        return f->reset = true;
    case 256:
        return f->force = true;
    default:
        return false;
    }
}

/* The first format with blocks of this size and no metadata. */
static int find_format(struct format *f, const struct nvme_identify_namespace *data)
{
    for (unsigned i = 0; i <= MIN((unsigned)data->nlbaf, LBAF_MOST); i++)
        if (1ULL << (data->lbaf[i].data_size & 63) == f->block_size && data->lbaf[i].data_size &&
            !data->lbaf[i].metadata_size) {
            f->lbaf = i;
            return 0;
        }
    return complain(f->target.self,
                    "LBAF corresponding to given block size %llu not found\n"
                    "Please correct block size, or specify LBAF directly",
                    (unsigned long long)f->block_size);
}

/* Which format it is to be, from what was given and what is there. */
static int choose_format(struct format *f)
{
    struct invocation *self = f->target.self;
    if (f->block_size && f->lbaf != LBAF_KEEP)
        return complain(
            self, "Invalid specification of both LBAF and Block Size, please specify only one");
    if (f->block_size & (f->block_size - 1))
        return complain(self, "Invalid value for block size (%llu), must be a power of two",
                        (unsigned long long)f->block_size);
    if (f->target.nsid != NVME_NSID_ALL) {
        struct nvme_identify_namespace *data =
            target_identify(&f->target, NVME_IDENTIFY_NAMESPACE, (uint32_t)f->target.nsid, 0);
        if (!data)
            return 1;
        int status = f->block_size ? find_format(f, data) : 0;
        if (f->lbaf == LBAF_KEEP)
            f->lbaf = lba_format(data);
        else if (f->lbaf > data->nlbaf)
            status = complain(self, "there is no LBA format %llu: the last is %u",
                              (unsigned long long)f->lbaf, data->nlbaf);
        kfree(data);
        return status;
    }
    if (f->block_size)
        return complain(self, "--block-size is for one namespace: give --lbaf for all of them");
    if (f->lbaf == LBAF_KEEP)
        f->lbaf = 0;
    return 0;
}

/* True when nobody objects. */
static bool ask(const struct format *f)
{
    struct invocation *self = f->target.self;
    note(self, "You are about to format %s, namespace %#x%s.\n", target_name(&f->target),
         (unsigned)f->target.nsid, f->target.nsid == NVME_NSID_ALL ? "(ALL namespaces)" : "");
    note(self,
         "WARNING: Format may irrevocably delete this device's data.\n"
         "You have %u seconds to press Ctrl-C to cancel this operation.\n\n"
         "Use the force [--force] option to suppress this warning.\n",
         SECONDS_TO_THINK);
    if (idle_sleep(clock_ns() + SECONDS_TO_THINK * NS_PER_SEC))
        return false;
    note(self, "Sending format operation ... \n");
    return true;
}

static int format_all(struct format *f)
{
    struct target *target = &f->target;
    struct exchange send = {
        .command = {.opcode = NVME_ADMIN_FORMAT,
                    .nsid = (uint32_t)target->nsid,
                    .cdw10 = (uint32_t)(NVME_SET(NVME_FORMAT_CDW10_LBAFL, f->lbaf) |
                                        NVME_SET(NVME_FORMAT_CDW10_MSET, f->values[MSET]) |
                                        NVME_SET(NVME_FORMAT_CDW10_PI, f->values[PI]) |
                                        NVME_SET(NVME_FORMAT_CDW10_PIL, f->values[PIL]) |
                                        NVME_SET(NVME_FORMAT_CDW10_SES, f->values[SES]))},
        .timeout_ms = f->timeout_ms,
    };
    int status = target_send(target, &send);
    if (status)
        return status;
    out(target->self, "Success formatting namespace:%x\n", (unsigned)target->nsid);
    int error = f->reset ? nvme_reset(target->controller) : 0;
    return error ? complain(target->self, "reset: %s", nvme_error_text(error)) : 0;
}

static int format(struct invocation *self)
{
    struct format f = {.target = TARGET(self), .lbaf = LBAF_KEEP};
    int status = target_open(&f.target, take, 0);
    if (status)
        return status;
    static const struct need need = NEEDS(oacs, NVME_OACS_FORMAT);
    const struct nvme_identify_controller *data = f.target.controller->identify;
    if (!target_offers(&f.target, &need))
        return 1;
    if (data->fna & FNA_FORMAT_ALL && !f.target.nsid_given)
        f.target.nsid = NVME_NSID_ALL;
    if (f.target.nsid == 0)
        return complain(self, "Invalid namespace ID, specify a namespace to format or use '-n "
                              "0xffffffff' to format all namespaces on this controller.");
    status = choose_format(&f);
    if (status)
        return status;
    if (!f.force && !ask(&f))
        return STATUS_INTERRUPTED;
    return format_all(&f);
}

const struct command cli_format =
    SUBCOMMAND("format", "Format namespace with new block format", format_options, format);
