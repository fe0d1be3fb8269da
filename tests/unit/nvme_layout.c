/* What libnvme's types.h says: see nvme_layout.h. */
#include <nvme/types.h>

#include "tests/unit/nvme_layout.h"

typedef struct nvme_id_ctrl layout_ctrl;
typedef struct nvme_id_ns layout_ns;
typedef struct nvme_id_psd layout_psd;
typedef struct nvme_lbaf layout_lbaf;
typedef struct nvme_dsm_range layout_dataset;
typedef struct nvme_copy_range layout_copy;
typedef struct nvme_ns_id_desc layout_descriptor;
typedef struct nvme_ctrl_list layout_controllers;
typedef struct nvme_id_ctrl_nvm layout_nvm;
typedef struct nvme_nvm_id_ns layout_elbaf;
typedef struct nvme_error_log_page layout_error;
typedef struct nvme_smart_log layout_health;
typedef struct nvme_firmware_slot layout_firmware;
typedef struct nvme_ns_list layout_changed;
typedef struct nvme_cmd_effects_log layout_effects;
typedef struct nvme_zns_id_ctrl layout_zctrl;
typedef struct nvme_zns_id_ns layout_zns;
typedef struct nvme_zns_lbafe layout_lbafe;
typedef struct nvme_zns_desc layout_zone;
typedef struct nvme_zone_report layout_zreport;
typedef struct nvme_zns_changed_zone_log layout_zchanged;

#define FIELD(reg, field) ((uint64_t)NVME_##reg##_##field##_MASK << NVME_##reg##_##field##_SHIFT)

#define SIZE(s) {#s, sizeof(layout_##s)},
const struct layout_number libnvme_sizes[] = {STRUCTURES(SIZE)};

#define PLACE(s, ours, theirs) \
    {#s "." #theirs, offsetof(layout_##s, theirs), sizeof(((layout_##s *)NULL)->theirs)},
const struct layout_field libnvme_fields[] = {LAYOUT(PLACE)};

#define NUMBER(ours, theirs) {#theirs, (uint64_t)(theirs)},
const struct layout_number libnvme_numbers[] = {NUMBERS(NUMBER)};
