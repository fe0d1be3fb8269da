/*
 * The driver's spec.h against libnvme, an independent reading of the same
 * specification: sizes and places of structures, registers, masks, opcodes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/nvme/spec.h"
#include "tests/unit/nvme_layout.h"

typedef struct nvme_identify_controller layout_ctrl;
typedef struct nvme_identify_namespace layout_ns;
typedef struct nvme_power_state layout_psd;
typedef struct nvme_lba_format layout_lbaf;
typedef struct nvme_dataset_range layout_dataset;
typedef struct nvme_copy_range layout_copy;
typedef struct nvme_descriptor layout_descriptor;
typedef struct nvme_controller_list layout_controllers;
typedef struct nvme_identify_nvm layout_nvm;
typedef struct nvme_identify_namespace_nvm layout_elbaf;
typedef struct nvme_error_entry layout_error;
typedef struct nvme_health_log layout_health;
typedef struct nvme_firmware_log layout_firmware;
typedef struct nvme_changed_log layout_changed;
typedef struct nvme_effects_log layout_effects;
typedef struct nvme_identify_zoned_controller layout_zctrl;
typedef struct nvme_identify_zoned_namespace layout_zns;
typedef struct nvme_lba_format_extension layout_lbafe;
typedef struct nvme_zone layout_zone;
typedef struct nvme_zone_report layout_zreport;
typedef struct nvme_changed_zones_log layout_zchanged;

static void test_sizes(void **state)
{
    (void)state;
#define SIZE(s) {#s, sizeof(layout_##s)},
    static const struct layout_number sizes[] = {STRUCTURES(SIZE)};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (sizes[i].value != libnvme_sizes[i].value)
            fail_msg("%s: %u bytes, libnvme has %u", sizes[i].name, (unsigned)sizes[i].value,
                     (unsigned)libnvme_sizes[i].value);
}

static void test_fields(void **state)
{
    (void)state;
#define PLACE(s, ours, theirs) \
    {#s "." #ours, offsetof(layout_##s, ours), sizeof(((layout_##s *)NULL)->ours)},
    static const struct layout_field fields[] = {LAYOUT(PLACE)};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (fields[i].offset != libnvme_fields[i].offset ||
            fields[i].size != libnvme_fields[i].size)
            fail_msg("%s: %zu bytes at %zu, libnvme: %s: %zu bytes at %zu", fields[i].name,
                     fields[i].size, fields[i].offset, libnvme_fields[i].name,
                     libnvme_fields[i].size, libnvme_fields[i].offset);
}

static void test_numbers(void **state)
{
    (void)state;
#define NUMBER(ours, theirs) {#ours, (uint64_t)(ours)},
    static const struct layout_number numbers[] = {NUMBERS(NUMBER)};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (numbers[i].value != libnvme_numbers[i].value)
            fail_msg("%s is %llx, libnvme: %s is %llx", numbers[i].name,
                     (unsigned long long)numbers[i].value, libnvme_numbers[i].name,
                     (unsigned long long)libnvme_numbers[i].value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
