/*
 * What `nvme zns` prints where QEMU has nothing to show (tests/boot/test_nvme_cli.py compares the
 * rest): zones that have changed, and bytes that no sane device sends.
 */
#include <stdio.h>

#include "kernel/shell/commands/nvme/show.h"
#include "tests/unit/run_command.h"

static struct report report;

/* As a command prints: into run_out. */
static void begin(struct invocation *self)
{
    static const struct command none = {.name = "test"};
    *self = (struct invocation){.command = &none, .out = run_file("", 0), .error = run_file("", 0)};
    report = (struct report){.self = self};
}

static void end(struct invocation *self)
{
    run_out_length = run_collect(self->out, run_out, sizeof run_out);
    file_close(self->out);
    file_close(self->error);
}

static void test_changed(void **state)
{
    (void)state;
    static struct nvme_changed_zones_log log = {.count = 2, .starts = {0x800, 0x1000}};
    struct invocation self;
    begin(&self);
    show_changed_zones(&report, &log);
    end(&self);
    assert_string_equal(run_out,
                        "NVMe Changed Zone List:\nnrzid:  2\nzid 000:  800\nzid 001:  1000\n");
    begin(&self);
    report.form = FORM_JSON;
    show_changed_zones(&report, &log);
    end(&self);
    assert_string_equal(run_out, "{\n  \"nrzid\":2,\n  \"zid 000\":2048,\n  \"zid 001\":4096\n}\n");
}

/* More than a log has room for: what there is. */
static void test_too_many(void **state)
{
    (void)state;
    static struct nvme_changed_zones_log log = {.count = UINT16_MAX};
    struct invocation self;
    begin(&self);
    show_changed_zones(&report, &log);
    end(&self);
    assert_non_null(strstr(run_out, "nrzid:  65535\n"));
    assert_non_null(strstr(run_out, "zid 510:  0\n"));
    assert_null(strstr(run_out, "zid 511"));
}

static void test_all_ones(void **state)
{
    (void)state;
    static struct nvme_identify_zoned_namespace zoned;
    static struct nvme_identify_namespace plain;
    static _Alignas(8) uint8_t bytes[sizeof(struct nvme_zone) + 24];
    struct invocation self;
    memset(&zoned, 0xff, sizeof zoned);
    memset(&plain, 0xff, sizeof plain);
    memset(bytes, 0xff, sizeof bytes);
    for (unsigned form = FORM_NORMAL; form <= FORM_JSON; form++)
        for (unsigned human = 0; human < 2; human++) {
            begin(&self);
            report.form = form;
            report.human = human;
            show_zoned_namespace(&report, &zoned, &plain, true);
            show_zone(&report, (const void *)bytes, 24, human);
            end(&self);
            assert_non_null(strstr(run_out, form == FORM_JSON ? "\"state\":\"OFFLINE\""
                                            : human           ? "State: OFFLINE"
                                                              : "State: 0xff"));
        }
    /* A row of the extension is whole, the second is half of one. */
    assert_non_null(strstr(run_out, "\"................\",\n    \"........\"\n  ]"));
}

static void test_states(void **state)
{
    (void)state;
    static const char *const texts[16] = {
        [1] = "EMPTY",      [2] = "IMP_OPENED", [3] = "EXP_OPENED", [4] = "CLOSED",
        [0xd] = "READONLY", [0xe] = "FULL",     [0xf] = "OFFLINE"};
    for (unsigned i = 0; i < 16; i++) {
        struct invocation self;
        struct nvme_zone zone = {.type = 2, .state = (uint8_t)(i << 4)};
        char expected[64];
        begin(&self);
        show_zone(&report, &zone, 0, true);
        end(&self);
        snprintf(expected, sizeof expected, "State: %-12s Type: SEQWRITE_REQ",
                 texts[i] ? texts[i] : "Unknown State");
        assert_non_null(strstr(run_out, expected));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_all_ones),
        cmocka_unit_test(test_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
