/* What libnvme's types.h says: see nvme_layout.h. */
#include <nvme/types.h>

#include "tests/unit/nvme_layout.h"

typedef struct nvme_id_ctrl layout_ctrl;
typedef struct nvme_id_ns layout_ns;
typedef struct nvme_id_psd layout_psd;
typedef struct nvme_lbaf layout_lbaf;

#define FIELD(reg, field) ((uint64_t)NVME_##reg##_##field##_MASK << NVME_##reg##_##field##_SHIFT)

#define SIZE(s) {#s, sizeof(layout_##s)},
const struct layout_number libnvme_sizes[] = {STRUCTURES(SIZE)};

#define PLACE(s, ours, theirs) \
    {#s "." #theirs, offsetof(layout_##s, theirs), sizeof(((layout_##s *)NULL)->theirs)},
const struct layout_field libnvme_fields[] = {LAYOUT(PLACE)};

#define NUMBER(ours, theirs) {#theirs, (uint64_t)(theirs)},
const struct layout_number libnvme_numbers[] = {NUMBERS(NUMBER)};
