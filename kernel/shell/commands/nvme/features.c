/* nvme get-feature and set-feature (Base 5.15 and 5.27). */
#include "kernel/mem/heap.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "lib/calendar.h"
#include "lib/string.h"

#define HOST_ID_LONG         0x1u /* dword 11 of Host Identifier: 16 bytes */
#define ONCS_SAVE_AND_SELECT 0x10u
#define TIMESTAMP            0x0eu
#define HOST_BEHAVIOR        0x16u
#define HOST_IDENTIFIER      0x81u
#define SELECT_DEFAULT       1u
#define SELECT_CHANGED       8u /* nvme-cli's own: current, if that is not the default */
#define STATUS_CODE          (NVME_STATUS_SCT | NVME_STATUS_SC)
#define INVALID_FIELD        0x002u
#define INVALID_NSID         0x00bu /* a feature of namespaces, asked for without one */

struct settings {
    struct target target;
    uint64_t id, select, value, cdw11, cdw12, length, uuid;
    bool length_given, raw, human, save;
    const char *file;
};

/* Above are the vendor's own, which only he knows. */
#define RESERVED_END 0xc0u

static const char *name_of(uint64_t id)
{
    const struct feature *feature = feature_find(id);
    return feature ? feature->name : "Unknown";
}

static size_t data_bytes(const struct settings *settings, uint64_t cdw11)
{
    const struct feature *feature = feature_find(settings->id);
    if (settings->length_given)
        return settings->length;
    if (settings->id == HOST_IDENTIFIER && cdw11 & HOST_ID_LONG)
        return 16;
    return feature ? feature->bytes : 0;
}

/* Can the controller have the feature (0: any), and what is asked of it? False after a message. */
static bool offered(struct settings *s)
{
    static const struct need save = NEEDS(oncs, ONCS_SAVE_AND_SELECT);
    const struct feature *feature = feature_find(s->id);
    if ((s->save || s->select) && !target_offers(&s->target, &save))
        return false;
    return !feature || target_offers(&s->target, &feature->need);
}

static const struct option get_options[] = {
    {'f', "feature-id", "NUM", "identifier of the feature (all that there are but the vendor's)"},
    {'n', "namespace-id", "NUM", "namespace (that of the device, or all)"},
    {'s', "sel", "NUM", "0-3, 8: current/default/saved/supported/changed"},
    {'l', "data-len", "NUM", "bytes of data, for a feature that has some"},
    {'c', "cdw11", "NUM", "feature specific dword 11"},
    {'U', "uuid-index", "NUM", "index of the UUID of the vendor that the feature is of"},
    {'b', "raw-binary", NULL, "the data as it is"},
    OPTION_HUMAN,
    {0},
};

static bool take_get(struct target *target, int key)
{
    struct settings *s = CONTAINER_OF(target, struct settings, target);
    switch (key) {
    case 'f':
        return target_number(target, "feature-id", UINT8_MAX, &s->id);
    case 's':
        return target_number(target, "select", SELECT_CHANGED, &s->select);
    case 'l':
        return s->length_given = target_number(target, "data-len", UINT32_MAX, &s->length);
    case 'c':
        return target_number(target, "cdw11", UINT32_MAX, &s->cdw11);
    case 'U':
        return target_number(target, "uuid-index", 0x7f, &s->uuid);
    case 'b':
        return s->raw = true;
    case 'H':
        return s->human = true;
    default:
        return false;
    }
}

static void explain(const struct settings *s, uint32_t value)
{
    static const char *const capabilities[] = {"saveable", "per-namespace", "changeable"};
    const struct feature *feature = feature_find(s->id);
    struct report report = {.self = s->target.self};
    if (s->select == NVME_FEATURE_CAPABILITIES) {
        for (unsigned i = 0; i < ARRAY_SIZE(capabilities); i++)
            if (value & 1u << i)
                report_say(&report, "  Feature is %s\n", capabilities[i]);
    } else if (feature && feature->bits) {
        bits_show(&report, feature->bits, value, sizeof value, "\t");
    }
}

/* Base 5.27.1.12: milliseconds in six bytes, then how they came to be. */
static void say_timestamp(struct invocation *self, const uint8_t *data)
{
    uint64_t milliseconds = 0;
    for (unsigned i = 0; i < 6; i++)
        milliseconds |= (uint64_t)data[i] << 8 * i;
    struct calendar date = calendar_from((int64_t)(milliseconds / 1000));
    out(self, "\tThe timestamp is : %llu (%.3s %.3s %2u %02u:%02u:%02u %lld UTC)\n",
        (unsigned long long)milliseconds, calendar_weekdays[date.weekday],
        calendar_months[date.month - 1], date.day, date.hour, date.minute, date.second,
        (long long)date.year);
    out(self, "\t%s\n",
        data[6] & 2 ? "The Timestamp field was initialized with a Timestamp value using a Set "
                      "Features command."
                    : "The Timestamp field was initialized to '0' by a Controller Level Reset.");
    out(self, "\t%s\n",
        data[6] & 1 ? "The controller may have stopped counting during vendor specific intervals "
                      "after the Timestamp value was initialized"
                    : "The controller counted time in milliseconds continuously since the "
                      "Timestamp value was initialized.");
}

static void show_data(const struct settings *s, const uint8_t *data, size_t bytes)
{
    struct invocation *self = s->target.self;
    if (s->human && s->id == TIMESTAMP && bytes >= 8)
        say_timestamp(self, data);
    else if (s->human && s->id == HOST_BEHAVIOR && bytes)
        out(self, "\tHost Behavior Support: %s\n", data[0] & 1 ? "True" : "False");
    else
        hex_print(self, data, bytes);
}

static void show_feature(const struct settings *s, const struct exchange *get)
{
    static const char *const selected[] = {
        "Current",  "Default",  "Saved",  "Supported capabilities", "Reserved", "Reserved",
        "Reserved", "Reserved", "Changed"};
    struct invocation *self = s->target.self;
    if (s->raw && get->data) {
        out_bytes(self, get->data, get->bytes);
        return;
    }
    out(self, "get-feature:%#0*x (%s), %s value:%#0*x\n", s->id ? 4 : 2, (unsigned)s->id,
        name_of(s->id), selected[s->select], get->value ? 10 : 8, get->value);
    if (s->human)
        explain(s, get->value);
    if (get->data)
        show_data(s, get->data, get->bytes);
}

/* Asks for one; false without memory, after a message. The data is for kfree() in any case. */
static bool ask(struct settings *s, uint64_t select, struct exchange *get, int *error)
{
    *get = (struct exchange){
        .command = {.opcode = NVME_ADMIN_GET_FEATURES,
                    .nsid = (uint32_t)s->target.nsid,
                    .cdw10 =
                        (uint32_t)s->id | NVME_SET(NVME_FEATURE_CDW10_SELECT, (uint32_t)select),
                    .cdw11 = (uint32_t)s->cdw11,
                    .cdw14 = (uint32_t)s->uuid},
        .bytes = select == NVME_FEATURE_CAPABILITIES ? 0 : data_bytes(s, s->cdw11),
    };
    if (get->bytes && !(get->data = target_buffer(&s->target, get->bytes)))
        return false;
    *error = target_try(&s->target, get);
    return true;
}

/* Is it as it is by default? */
static bool is_default(struct settings *s, const struct exchange *get)
{
    struct exchange by_default;
    int error;
    bool same = ask(s, SELECT_DEFAULT, &by_default, &error) && !error &&
                get->value == by_default.value &&
                (!get->bytes || !memcmp(get->data, by_default.data, get->bytes));
    kfree(by_default.data);
    return same;
}

/* With `all`, what cannot be asked for is passed over. */
static int get_one(struct settings *s, bool all)
{
    struct exchange get;
    bool changed = s->select == SELECT_CHANGED;
    int status = 0, error;
    if (!ask(s, changed ? 0 : s->select, &get, &error))
        return 1;
    unsigned code = get.status & STATUS_CODE;
    bool missing = error == NVME_ERR_STATUS && (code == INVALID_FIELD || code == INVALID_NSID);
    if (error && !(all && missing))
        status = target_complain(&s->target, error, get.status);
    else if (!error && !(changed && is_default(s, &get)))
        show_feature(s, &get);
    kfree(get.data);
    return status;
}

static int get_feature(struct invocation *self)
{
    struct settings s = {.target = TARGET(self)};
    int status = target_open(&s.target, take_get, NVME_NSID_ALL);
    if (status || !offered(&s))
        return 1;
    if (s.id)
        return get_one(&s, false);
    for (s.id = 1; s.id < RESERVED_END && !status; s.id++) {
        const struct feature *feature = feature_find(s.id);
        if (feature && target_has(&s.target, &feature->need))
            status = get_one(&s, true);
    }
    return status;
}

const struct command cli_get_feature =
    SUBCOMMAND("get-feature", "Get feature and show the resulting value", get_options, get_feature);

static const struct option set_options[] = {
    {'n', "namespace-id", "NUM", "namespace (that of the device, or all)"},
    {'f', "feature-id", "NUM", "identifier of the feature (required)"},
    {'v', "value", "NUM", "new value (0)"},
    {'c', "cdw12", "NUM", "feature specific dword 12"},
    {'U', "uuid-index", "NUM", "index of the UUID of the vendor that the feature is of"},
    {'l', "data-len", "NUM", "bytes of data, for a feature that has some"},
    {'d', "data", "FILE", "where the data comes from (input)"},
    {'s', "save", NULL, "keep it over power-off and resets"},
    {0},
};

static bool take_set(struct target *target, int key)
{
    struct settings *s = CONTAINER_OF(target, struct settings, target);
    switch (key) {
    case 'f':
        return target_number(target, "feature-id", UINT8_MAX, &s->id);
    case 'v':
        return target_size(target, "value", UINT64_MAX, &s->value);
    case 'c':
        return target_number(target, "cdw12", UINT32_MAX, &s->cdw12);
    case 'U':
        return target_number(target, "uuid-index", 0x7f, &s->uuid);
    case 'l':
        return s->length_given = target_number(target, "data-len", UINT32_MAX, &s->length);
    case 'd':
        s->file = target->self->argument;
        return true;
    case 's':
        return s->save = true;
    default:
        return false;
    }
}

/* A time stamp is a value; other data comes from a file. 0, or the exit status after a message. */
static int feature_data(struct settings *s, struct exchange *set)
{
    if (!(set->data = target_buffer(&s->target, set->bytes)))
        return 1;
    if (s->id != TIMESTAMP || s->file)
        return target_read_file(&s->target, s->file, set->data, set->bytes);
    memcpy(set->data, &s->value, MIN(set->bytes, sizeof s->value));
    set->command.cdw11 = 0;
    return 0;
}

static int set_feature(struct invocation *self)
{
    struct settings s = {.target = TARGET(self)};
    int status = target_open(&s.target, take_set, NVME_NSID_ALL);
    if (status)
        return status;
    if (!s.id)
        return complain(self, "feature-id required param");
    if (!offered(&s))
        return 1;
    if (s.value > UINT32_MAX && s.id != TIMESTAMP)
        return complain(self, "invalid value: %#llx", (unsigned long long)s.value);
    struct exchange set = {
        .command = {.opcode = NVME_ADMIN_SET_FEATURES,
                    .nsid = (uint32_t)s.target.nsid,
                    .cdw10 = (uint32_t)s.id | (s.save ? NVME_FEATURE_CDW10_SAVE : 0),
                    .cdw11 = (uint32_t)s.value,
                    .cdw12 = (uint32_t)s.cdw12,
                    .cdw14 = (uint32_t)s.uuid},
        .bytes = data_bytes(&s, s.value),
    };
    if (set.bytes)
        status = feature_data(&s, &set);
    if (!status)
        status = target_send(&s.target, &set);
    if (!status)
        out(self, "set-feature:%#0*x (%s), value:%#0*llx, cdw12:%#0*x, save:%#x\n", 4,
            (unsigned)s.id, name_of(s.id), s.value ? 10 : 8, (unsigned long long)s.value,
            s.cdw12 ? 10 : 8, (unsigned)s.cdw12, s.save);
    if (!status && set.data)
        hex_print(self, set.data, set.bytes);
    kfree(set.data);
    return status;
}

const struct command cli_set_feature = SUBCOMMAND(
    "set-feature", "Set a feature and show the resulting value", set_options, set_feature);
