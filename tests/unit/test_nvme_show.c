/*
 * What `nvme` prints of Identify and log pages. The expected texts are what
 * nvme-cli 2.3 printed of the same bytes (but for a tab behind nsattr, and
 * the second half of its words for a status); then bytes that no sane device
 * sends, which must stay within the structures.
 */
#include <stdio.h>

#include "kernel/shell/commands/nvme/show.h"
#include "tests/unit/run_command.h"

static struct nvme_identify_controller controller;
static struct nvme_identify_namespace ns;
static _Alignas(8) uint8_t log_page[512];

static struct report report;

/* As a command prints: into run_out. */
static void begin(struct invocation *self)
{
    report = (struct report){.self = self};
    static const struct command none = {.name = "test"};
    *self = (struct invocation){.command = &none, .out = run_file("", 0), .error = run_file("", 0)};
}

static void end(struct invocation *self)
{
    run_out_length = run_collect(self->out, run_out, sizeof run_out);
    file_close(self->out);
    file_close(self->error);
}

static void put(void *structure, size_t offset, uint64_t value, size_t size)
{
    memcpy((uint8_t *)structure + offset, &value, size);
}

static void fill_text(char *field, size_t size, const char *text)
{
    memset(field, ' ', size);
    memcpy(field, text, strlen(text));
}

static void make_controller(void)
{
    memset(&controller, 0, sizeof controller);
    controller.vid = 0x1b36;
    fill_text(controller.sn, sizeof controller.sn, "SN 1");
    fill_text(controller.mn, sizeof controller.mn, "A model");
    fill_text(controller.fr, sizeof controller.fr, "1.0");
    memcpy(controller.ieee, "\1\2\x52", 3);
    controller.mdts = 7;
    controller.cntlid = 0x1f;
    controller.ver = 0x10400;
    for (unsigned i = 0; i < sizeof controller.fguid; i++)
        controller.fguid[i] = (uint8_t)(17 * i);
    controller.npss = 3;
    memset(controller.tnvmcap, 0xff, sizeof controller.tnvmcap);
    put(controller.unvmcap, 0, 1000000000000, 8);
    controller.cdfs = 3;
    strcpy(controller.subnqn, "nqn.2019-08.org.qemu:nvmetal");
    put(&controller, 1792, 4, 4);
    put(&controller, 1804, 1, 2);
    controller.psd[0] =
        (struct nvme_power_state){.max_power = 2500, .entry_latency = 16, .exit_latency = 4};
    controller.psd[1] = (struct nvme_power_state){.max_power = 2500,
                                                  .flags = 3,
                                                  .entry_latency = 1,
                                                  .exit_latency = 2,
                                                  .relative_read_throughput = 1,
                                                  .relative_read_latency = 2,
                                                  .relative_write_throughput = 3,
                                                  .relative_write_latency = 4,
                                                  .idle_power = 70,
                                                  .idle_scale = 0x40,
                                                  .active_power = 5,
                                                  .active_workload_scale = 0x81};
    controller.psd[2] = (struct nvme_power_state){.max_power = 300,
                                                  .flags = 2,
                                                  .idle_power = 12345,
                                                  .idle_scale = 0x80,
                                                  .active_power = 51,
                                                  .active_workload_scale = 0x42};
    controller.psd[3] = (struct nvme_power_state){
        .max_power = 300, .flags = 2, .idle_scale = 0xc0, .active_workload_scale = 0xc3};
}

static void make_namespace(void)
{
    memset(&ns, 0, sizeof ns);
    ns.nsze = ns.ncap = 131072;
    ns.nuse = 1000;
    ns.nsfeat = 0x14;
    ns.nlbaf = 7;
    ns.flbas = 4;
    ns.npdg = 7;
    ns.mssrl = 128;
    ns.mcl = 129;
    ns.msrc = 127;
    put(&ns, 82, 5, 1);
    ns.endgid = 1;
    ns.nguid[15] = 0xaf;
    ns.eui64[0] = 0x12;
    for (unsigned i = 0; i < 8; i++)
        ns.lbaf[i] = (struct nvme_lba_format){.metadata_size = (uint16_t)(8 * (i % 4)),
                                              .data_size = i < 4 ? 9 : 12,
                                              .performance = (uint8_t)(i % 4)};
}

static void make_smart(void)
{
    memset(log_page, 0, sizeof log_page);
    log_page[0] = 0x24;
    put(log_page, 1, 323, 2);
    log_page[3] = 100;
    log_page[4] = 10;
    log_page[5] = 3;
    put(log_page, 32, 123456, 8);
    put(log_page, 48, 1953125, 8);
    memset(log_page + 64, 0xff, 16);
    put(log_page, 80, 99999, 8);
    put(log_page, 200, 300, 2);
    put(log_page, 206, 272, 2);
    put(log_page, 228, 4000000000, 4);
}

static void make_error(void)
{
    memset(log_page, 0, sizeof log_page);
    put(log_page, 0, 7, 8);
    put(log_page, 8, 1, 2);
    put(log_page, 10, 0x1234, 2);
    put(log_page, 12, 0x8005, 2);
    put(log_page, 14, 0x28, 2);
    put(log_page, 16, 99, 8);
    put(log_page, 24, 1, 4);
    log_page[29] = 3;
    put(log_page, 32, 55, 8);
    put(log_page, 40, 3, 2);
}

static void make_firmware(void)
{
    memset(log_page, 0, sizeof log_page);
    log_page[0] = 1;
    memcpy(log_page + 8, "1.0     ", 8);
    memcpy(log_page + 24, "2.0", 3);
}

static const char controller_text[] =
    "NVME Identify Controller:\n"
    "vid       : 0x1b36\n"
    "ssvid     : 0\n"
    "sn        : SN 1                \n"
    "mn        : A model                                 \n"
    "fr        : 1.0     \n"
    "rab       : 0\n"
    "ieee      : 520201\n"
    "cmic      : 0\n"
    "mdts      : 7\n"
    "cntlid    : 0x1f\n"
    "ver       : 0x10400\n"
    "rtd3r     : 0\n"
    "rtd3e     : 0\n"
    "oaes      : 0\n"
    "ctratt    : 0\n"
    "rrls      : 0\n"
    "cntrltype : 0\n"
    "fguid     : 00112233-4455-6677-8899-aabbccddeeff\n"
    "crdt1     : 0\n"
    "crdt2     : 0\n"
    "crdt3     : 0\n"
    "nvmsr     : 0\n"
    "vwci      : 0\n"
    "mec       : 0\n"
    "oacs      : 0\n"
    "acl       : 0\n"
    "aerl      : 0\n"
    "frmw      : 0\n"
    "lpa       : 0\n"
    "elpe      : 0\n"
    "npss      : 3\n"
    "avscc     : 0\n"
    "apsta     : 0\n"
    "wctemp    : 0\n"
    "cctemp    : 0\n"
    "mtfa      : 0\n"
    "hmpre     : 0\n"
    "hmmin     : 0\n"
    "tnvmcap   : 340282366920938463463374607431768211455\n"
    "unvmcap   : 1000000000000\n"
    "rpmbs     : 0\n"
    "edstt     : 0\n"
    "dsto      : 0\n"
    "fwug      : 0\n"
    "kas       : 0\n"
    "hctma     : 0\n"
    "mntmt     : 0\n"
    "mxtmt     : 0\n"
    "sanicap   : 0\n"
    "hmminds   : 0\n"
    "hmmaxd    : 0\n"
    "nsetidmax : 0\n"
    "endgidmax : 0\n"
    "anatt     : 0\n"
    "anacap    : 0\n"
    "anagrpmax : 0\n"
    "nanagrpid : 0\n"
    "pels      : 0\n"
    "domainid  : 0\n"
    "megcap    : 0\n"
    "sqes      : 0\n"
    "cqes      : 0\n"
    "maxcmd    : 0\n"
    "nn        : 0\n"
    "oncs      : 0\n"
    "fuses     : 0\n"
    "fna       : 0\n"
    "vwc       : 0\n"
    "awun      : 0\n"
    "awupf     : 0\n"
    "icsvscc   : 0\n"
    "nwpc      : 0\n"
    "acwu      : 0\n"
    "ocfs      : 0x3\n"
    "sgls      : 0\n"
    "mnan      : 0\n"
    "maxdna    : 0\n"
    "maxcna    : 0\n"
    "subnqn    : nqn.2019-08.org.qemu:nvmetal\n"
    "ioccsz    : 4\n"
    "iorcsz    : 0\n"
    "icdoff    : 0\n"
    "fcatt     : 0\n"
    "msdbd     : 0\n"
    "ofcs      : 1\n"
    "ps      0 : mp:25.00W operational enlat:16 exlat:4 rrt:0 rrl:0\n"
    "            rwt:0 rwl:0 idle_power:- active_power:-\n"
    "            active_power_workload:-\n"
    "ps      1 : mp:0.2500W non-operational enlat:1 exlat:2 rrt:1 rrl:2\n"
    "            rwt:3 rwl:4 idle_power:0.0070W active_power:0.05W\n"
    "            active_power_workload:1MiB 32 RW, 30s idle\n"
    "ps      2 : mp:3.00W non-operational enlat:0 exlat:0 rrt:0 rrl:0\n"
    "            rwt:0 rwl:0 idle_power:123.45W active_power:0.0051W\n"
    "            active_power_workload:80K 128KiB SW\n"
    "ps      3 : mp:3.00W non-operational enlat:0 exlat:0 rrt:0 rrl:0\n"
    "            rwt:0 rwl:0 idle_power:reserved active_power:reserved\n"
    "            active_power_workload:reserved\n";

static const char namespace_text[] = "NVME Identify Namespace 1:\n"
                                     "nsze    : 0x20000\n"
                                     "ncap    : 0x20000\n"
                                     "nuse    : 0x3e8\n"
                                     "nsfeat  : 0x14\n"
                                     "nlbaf   : 7\n"
                                     "flbas   : 0x4\n"
                                     "mc      : 0\n"
                                     "dpc     : 0\n"
                                     "dps     : 0\n"
                                     "nmic    : 0\n"
                                     "rescap  : 0\n"
                                     "fpi     : 0\n"
                                     "dlfeat  : 0\n"
                                     "nawun   : 0\n"
                                     "nawupf  : 0\n"
                                     "nacwu   : 0\n"
                                     "nabsn   : 0\n"
                                     "nabo    : 0\n"
                                     "nabspf  : 0\n"
                                     "noiob   : 0\n"
                                     "nvmcap  : 0\n"
                                     "npwg    : 0\n"
                                     "npwa    : 0\n"
                                     "npdg    : 7\n"
                                     "npda    : 0\n"
                                     "nows    : 0\n"
                                     "mssrl   : 128\n"
                                     "mcl     : 129\n"
                                     "msrc    : 127\n"
                                     "nulbaf  : 5\n"
                                     "anagrpid: 0\n"
                                     "nsattr  : 0\n"
                                     "nvmsetid: 0\n"
                                     "endgid  : 1\n"
                                     "nguid   : 000000000000000000000000000000af\n"
                                     "eui64   : 1200000000000000\n"
                                     "lbaf  0 : ms:0   lbads:9  rp:0 \n"
                                     "lbaf  1 : ms:8   lbads:9  rp:0x1 \n"
                                     "lbaf  2 : ms:16  lbads:9  rp:0x2 \n"
                                     "lbaf  3 : ms:24  lbads:9  rp:0x3 \n"
                                     "lbaf  4 : ms:0   lbads:12 rp:0 (in use)\n"
                                     "lbaf  5 : ms:8   lbads:12 rp:0x1 \n"
                                     "lbaf  6 : ms:16  lbads:12 rp:0x2 \n"
                                     "lbaf  7 : ms:24  lbads:12 rp:0x3 \n"
                                     "lbaf  8 : ms:0   lbads:0  rp:0 \n"
                                     "lbaf  9 : ms:0   lbads:0  rp:0 \n"
                                     "lbaf 10 : ms:0   lbads:0  rp:0 \n"
                                     "lbaf 11 : ms:0   lbads:0  rp:0 \n"
                                     "lbaf 12 : ms:0   lbads:0  rp:0 \n";

static const char smart_text[] =
    "Smart Log for NVME device:nvme0 namespace-id:ffffffff\n"
    "critical_warning\t\t\t: 0x24\n"
    "temperature\t\t\t\t: 50°C (323 Kelvin)\n"
    "available_spare\t\t\t\t: 100%\n"
    "available_spare_threshold\t\t: 10%\n"
    "percentage_used\t\t\t\t: 3%\n"
    "endurance group critical warning summary: 0\n"
    "Data Units Read\t\t\t\t: 123456 (63.21 GB)\n"
    "Data Units Written\t\t\t: 1953125 (1.00 TB)\n"
    "host_read_commands\t\t\t: 340282366920938463463374607431768211455\n"
    "host_write_commands\t\t\t: 99999\n"
    "controller_busy_time\t\t\t: 0\n"
    "power_cycles\t\t\t\t: 0\n"
    "power_on_hours\t\t\t\t: 0\n"
    "unsafe_shutdowns\t\t\t: 0\n"
    "media_errors\t\t\t\t: 0\n"
    "num_err_log_entries\t\t\t: 0\n"
    "Warning Temperature Time\t\t: 0\n"
    "Critical Composite Temperature Time\t: 0\n"
    "Temperature Sensor 1           : 27°C (300 Kelvin)\n"
    "Temperature Sensor 4           : -1°C (272 Kelvin)\n"
    "Thermal Management T1 Trans Count\t: 0\n"
    "Thermal Management T2 Trans Count\t: 0\n"
    "Thermal Management T1 Total Time\t: 0\n"
    "Thermal Management T2 Total Time\t: 4000000000\n";

static const char error_text[] = "Error Log Entries for device:nvme0 entries:1\n"
                                 ".................\n"
                                 " Entry[ 0]   \n"
                                 ".................\n"
                                 "error_count\t: 7\n"
                                 "sqid\t\t: 1\n"
                                 "cmdid\t\t: 0x1234\n"
                                 "status_field\t: 0x4002(Invalid Field in Command)\n"
                                 "phase_tag\t: 0x1\n"
                                 "parm_err_loc\t: 0x28\n"
                                 "lba\t\t: 0x63\n"
                                 "nsid\t\t: 0x1\n"
                                 "vs\t\t: 0\n"
                                 "trtype\t\t: TCP Transport error.\n"
                                 "cs\t\t: 0x37\n"
                                 "trtype_spec_info: 0x3\n"
                                 ".................\n";

static const char firmware_text[] = "Firmware Log for device:nvme0\n"
                                    "afi  : 0x1\n"
                                    "frs1 : 0x2020202020302e31 (1.0.....)\n"
                                    "frs3 : 0x00000000302e32 (2.0.....)\n";

static void test_controller(void **state)
{
    (void)state;
    struct invocation self;
    make_controller();
    begin(&self);
    show_controller(&report, &controller, false);
    end(&self);
    assert_string_equal(run_out, controller_text);
}

static void test_namespace(void **state)
{
    (void)state;
    struct invocation self;
    make_namespace();
    begin(&self);
    show_namespace(&report, 1, &ns, false);
    end(&self);
    assert_string_equal(run_out, namespace_text);
}

static void test_smart(void **state)
{
    (void)state;
    struct invocation self;
    make_smart();
    begin(&self);
    show_smart(&report, "nvme0", NVME_NSID_ALL, (struct nvme_health_log *)log_page);
    end(&self);
    assert_string_equal(run_out, smart_text);
}

static void test_error(void **state)
{
    (void)state;
    struct invocation self;
    make_error();
    begin(&self);
    show_errors(&report, "nvme0", (struct nvme_error_entry *)log_page, 1);
    end(&self);
    assert_string_equal(run_out, error_text);
}

static void test_firmware(void **state)
{
    (void)state;
    struct invocation self;
    make_firmware();
    begin(&self);
    show_firmware(&report, "nvme0", (struct nvme_firmware_log *)log_page);
    end(&self);
    assert_string_equal(run_out, firmware_text);
}

static void test_hex(void **state)
{
    (void)state;
    struct invocation self;
    make_firmware();
    begin(&self);
    hex_print(&self, log_page, 0x15);
    hex_print(&self, log_page, 0);
    end(&self);
    assert_string_equal(
        run_out, "       0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f\n"
                 "0000: 01 00 00 00 00 00 00 00 31 2e 30 20 20 20 20 20 \"........1.0.....\"\n"
                 "0010: 00 00 00 00 00                                  \".....\"\n"
                 "       0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f\n");
}

static void expect_quantity(uint64_t high, uint64_t low, uint32_t unit, const char *expected)
{
    uint8_t value[16];
    char text[40];
    memcpy(value, &low, 8);
    memcpy(value + 8, &high, 8);
    struct quantity q = quantity_of(value, unit);
    snprintf(text, sizeof text, "%llu.%02u %sB", (unsigned long long)q.whole, q.hundredths,
             q.prefix);
    assert_string_equal(text, expected);
}

static void test_quantities(void **state)
{
    (void)state;
    expect_quantity(0, 0, 512000, "0.00 B");
    expect_quantity(0, 999, 1, "999.00 B");
    expect_quantity(0, 1, 512000, "512.00 kB");
    expect_quantity(0, 67108864, 1, "67.11 MB");
    expect_quantity(0, 1953124, 512000, "1000.00 GB"); /* so does nvme-cli */
    expect_quantity(0, 1953125, 512000, "1.00 TB");
    expect_quantity(5, 7766279631452241920, 512000, "51.20 YB"); /* 10^20 units */
    expect_quantity(UINT64_MAX, UINT64_MAX, 512000, "174224571863520.49 QB");
}

/* Counts and indices beyond their tables, text that would move the cursor. */
static void test_senseless_data(void **state)
{
    (void)state;
    struct invocation self;
    for (unsigned byte = 0; byte <= 0xff; byte += 0x55) {
        memset(&controller, (int)byte, sizeof controller);
        memset(&ns, (int)byte, sizeof ns);
        memset(log_page, (int)byte, sizeof log_page);
        controller.mn[0] = '\033';
        begin(&self);
        show_controller(&report, &controller, false);
        show_namespace(&report, NVME_NSID_ALL, &ns, true);
        show_smart(&report, "nvme0", NVME_NSID_ALL, (struct nvme_health_log *)log_page);
        show_errors(&report, "nvme0", (struct nvme_error_entry *)log_page, 1);
        show_firmware(&report, "nvme0", (struct nvme_firmware_log *)log_page);
        end(&self);
        assert_null(strchr(run_out, '\033'));
        assert_int_equal(strstr(run_out, "lbaf 63 :") != NULL, byte != 0);
        assert_int_equal(strstr(run_out, "ps     31 :") != NULL, byte != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_controller), cmocka_unit_test(test_namespace),
        cmocka_unit_test(test_smart),      cmocka_unit_test(test_error),
        cmocka_unit_test(test_firmware),   cmocka_unit_test(test_hex),
        cmocka_unit_test(test_quantities), cmocka_unit_test(test_senseless_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
