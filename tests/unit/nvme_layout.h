/*
 * Where each field of the specification's structures lies, told twice: by the
 * driver's spec.h and by libnvme's types.h, whose names clash, so that each has
 * a file of its own. LAYOUT lists what is compared: (structure, the driver's
 * name of the field, libnvme's).
 */
#ifndef TESTS_UNIT_NVME_LAYOUT_H
#define TESTS_UNIT_NVME_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

struct layout_field {
    const char *name;
    size_t offset, size;
};

struct layout_number {
    const char *name;
    uint64_t value;
};

/* What libnvme says, in the order of the lists below. */
extern const struct layout_number libnvme_sizes[];
extern const struct layout_field libnvme_fields[];
extern const struct layout_number libnvme_numbers[];

#define SAME(F, s, field) F(s, field, field)

/* clang-format off */
/* What is compared in size. */
#define STRUCTURES(S) \
    S(ctrl) S(ns) S(psd) S(lbaf) S(dataset) S(copy) S(descriptor) S(controllers) S(nvm) S(elbaf) \
    S(error) S(health) S(firmware) S(changed) S(effects) \
    S(zctrl) S(zns) S(lbafe) S(zone) S(zreport) S(zchanged)

#define LAYOUT(F) \
    LAYOUT_CONTROLLER(F) LAYOUT_NAMESPACE(F) LAYOUT_POWER(F) LAYOUT_FORMAT(F) \
    LAYOUT_COMMANDS(F) LAYOUT_LOGS(F) LAYOUT_ZONES(F)

#define LAYOUT_CONTROLLER(F) \
    SAME(F, ctrl, vid) SAME(F, ctrl, ssvid) SAME(F, ctrl, sn) SAME(F, ctrl, mn) \
    SAME(F, ctrl, fr) SAME(F, ctrl, rab) SAME(F, ctrl, ieee) SAME(F, ctrl, cmic) \
    SAME(F, ctrl, mdts) SAME(F, ctrl, cntlid) SAME(F, ctrl, ver) SAME(F, ctrl, rtd3r) \
    SAME(F, ctrl, rtd3e) SAME(F, ctrl, oaes) SAME(F, ctrl, ctratt) SAME(F, ctrl, rrls) \
    SAME(F, ctrl, cntrltype) SAME(F, ctrl, fguid) SAME(F, ctrl, crdt1) SAME(F, ctrl, crdt2) \
    SAME(F, ctrl, crdt3) SAME(F, ctrl, nvmsr) SAME(F, ctrl, vwci) SAME(F, ctrl, mec) \
    SAME(F, ctrl, oacs) SAME(F, ctrl, acl) SAME(F, ctrl, aerl) SAME(F, ctrl, frmw) \
    SAME(F, ctrl, lpa) SAME(F, ctrl, elpe) SAME(F, ctrl, npss) SAME(F, ctrl, avscc) \
    SAME(F, ctrl, apsta) SAME(F, ctrl, wctemp) SAME(F, ctrl, cctemp) SAME(F, ctrl, mtfa) \
    SAME(F, ctrl, hmpre) SAME(F, ctrl, hmmin) SAME(F, ctrl, tnvmcap) SAME(F, ctrl, unvmcap) \
    SAME(F, ctrl, rpmbs) SAME(F, ctrl, edstt) SAME(F, ctrl, dsto) SAME(F, ctrl, fwug) \
    SAME(F, ctrl, kas) SAME(F, ctrl, hctma) SAME(F, ctrl, mntmt) SAME(F, ctrl, mxtmt) \
    SAME(F, ctrl, sanicap) SAME(F, ctrl, hmminds) SAME(F, ctrl, hmmaxd) \
    SAME(F, ctrl, nsetidmax) SAME(F, ctrl, endgidmax) SAME(F, ctrl, anatt) \
    SAME(F, ctrl, anacap) SAME(F, ctrl, anagrpmax) SAME(F, ctrl, nanagrpid) \
    SAME(F, ctrl, pels) F(ctrl, domain_id, domainid) SAME(F, ctrl, megcap) \
    SAME(F, ctrl, sqes) SAME(F, ctrl, cqes) SAME(F, ctrl, maxcmd) SAME(F, ctrl, nn) \
    SAME(F, ctrl, oncs) SAME(F, ctrl, fuses) SAME(F, ctrl, fna) SAME(F, ctrl, vwc) \
    SAME(F, ctrl, awun) SAME(F, ctrl, awupf) SAME(F, ctrl, icsvscc) SAME(F, ctrl, nwpc) \
    SAME(F, ctrl, acwu) F(ctrl, cdfs, ocfs) SAME(F, ctrl, sgls) SAME(F, ctrl, mnan) \
    SAME(F, ctrl, maxdna) SAME(F, ctrl, maxcna) SAME(F, ctrl, subnqn) SAME(F, ctrl, psd) \
    F(ctrl, vendor, vs)

#define LAYOUT_NAMESPACE(F) \
    SAME(F, ns, nsze) SAME(F, ns, ncap) SAME(F, ns, nuse) SAME(F, ns, nsfeat) \
    SAME(F, ns, nlbaf) SAME(F, ns, flbas) SAME(F, ns, mc) SAME(F, ns, dpc) SAME(F, ns, dps) \
    SAME(F, ns, nmic) SAME(F, ns, rescap) SAME(F, ns, fpi) SAME(F, ns, dlfeat) \
    SAME(F, ns, nawun) SAME(F, ns, nawupf) SAME(F, ns, nacwu) SAME(F, ns, nabsn) \
    SAME(F, ns, nabo) SAME(F, ns, nabspf) SAME(F, ns, noiob) SAME(F, ns, nvmcap) \
    SAME(F, ns, npwg) SAME(F, ns, npwa) SAME(F, ns, npdg) SAME(F, ns, npda) SAME(F, ns, nows) \
    SAME(F, ns, mssrl) SAME(F, ns, mcl) SAME(F, ns, msrc) SAME(F, ns, anagrpid) \
    SAME(F, ns, nsattr) SAME(F, ns, nvmsetid) SAME(F, ns, endgid) SAME(F, ns, nguid) \
    SAME(F, ns, eui64) SAME(F, ns, lbaf)

#define LAYOUT_POWER(F) \
    F(psd, max_power, mp) SAME(F, psd, flags) F(psd, entry_latency, enlat) \
    F(psd, exit_latency, exlat) F(psd, relative_read_throughput, rrt) \
    F(psd, relative_read_latency, rrl) F(psd, relative_write_throughput, rwt) \
    F(psd, relative_write_latency, rwl) F(psd, idle_power, idlp) F(psd, idle_scale, ips) \
    F(psd, active_power, actp) F(psd, active_workload_scale, apws)

#define LAYOUT_FORMAT(F) \
    F(lbaf, metadata_size, ms) F(lbaf, data_size, ds) F(lbaf, performance, rp)

/* Of a copy's tags libnvme 1.x has the two last in the wrong order: they are not compared. */
#define LAYOUT_COMMANDS(F) \
    F(dataset, attributes, cattr) F(dataset, blocks, nlb) F(dataset, lba, slba) \
    F(copy, lba, slba) F(copy, blocks, nlb) F(copy, reference_tag, eilbrt) \
    F(descriptor, type, nidt) F(descriptor, length, nidl) F(descriptor, reserved2, rsvd) \
    F(controllers, count, num) F(controllers, ids, identifier) \
    SAME(F, nvm, vsl) SAME(F, nvm, wzsl) SAME(F, nvm, wusl) SAME(F, nvm, dmrl) \
    SAME(F, nvm, dmrsl) SAME(F, nvm, dmsl) SAME(F, elbaf, lbstm) SAME(F, elbaf, pic) \
    SAME(F, elbaf, elbaf)

#define LAYOUT_LOGS(F) \
    F(error, count, error_count) F(error, sq_id, sqid) F(error, cid, cmdid) \
    F(error, status, status_field) F(error, parameter, parm_error_location) \
    SAME(F, error, lba) SAME(F, error, nsid) F(error, vendor_log, vs) \
    F(error, transport, trtype) F(error, specific, cs) \
    F(error, transport_specific, trtype_spec_info) \
    F(health, critical, critical_warning) SAME(F, health, temperature) \
    F(health, spare, avail_spare) F(health, spare_threshold, spare_thresh) \
    F(health, used, percent_used) F(health, endurance_critical, endu_grp_crit_warn_sumry) \
    F(health, data_read, data_units_read) F(health, data_written, data_units_written) \
    SAME(F, health, host_reads) SAME(F, health, host_writes) \
    F(health, busy_minutes, ctrl_busy_time) SAME(F, health, power_cycles) \
    SAME(F, health, power_on_hours) SAME(F, health, unsafe_shutdowns) \
    SAME(F, health, media_errors) F(health, error_entries, num_err_log_entries) \
    F(health, warning_minutes, warning_temp_time) \
    F(health, critical_minutes, critical_comp_time) F(health, sensors, temp_sensor) \
    F(health, throttle_count[0], thm_temp1_trans_count) \
    F(health, throttle_count[1], thm_temp2_trans_count) \
    F(health, throttle_seconds[0], thm_temp1_total_time) \
    F(health, throttle_seconds[1], thm_temp2_total_time) \
    F(firmware, active, afi) F(firmware, revisions, frs) F(changed, ids, ns) \
    F(effects, admin, acs) F(effects, io, iocs)

#define LAYOUT_ZONES(F) \
    SAME(F, zctrl, zasl) SAME(F, zns, zoc) SAME(F, zns, ozcs) SAME(F, zns, mar) SAME(F, zns, mor) \
    SAME(F, zns, rrl) SAME(F, zns, frl) SAME(F, zns, rrl1) SAME(F, zns, rrl2) SAME(F, zns, rrl3) \
    SAME(F, zns, frl1) SAME(F, zns, frl2) SAME(F, zns, frl3) SAME(F, zns, numzrwa) \
    SAME(F, zns, zrwafg) SAME(F, zns, zrwasz) SAME(F, zns, zrwacap) SAME(F, zns, lbafe) \
    F(zns, vendor, vs) F(lbafe, zone_size, zsze) F(lbafe, extension_size, zdes) \
    F(zone, type, zt) F(zone, state, zs) F(zone, attributes, za) F(zone, information, zai) \
    F(zone, capacity, zcap) F(zone, start, zslba) F(zone, write_pointer, wp) \
    F(zreport, zones, nr_zones) F(zchanged, count, nrzid) F(zchanged, starts, zid)

/* (the driver's name, libnvme's) */
#define NUMBERS(N) \
    N(NVME_REG_CAP, NVME_REG_CAP) N(NVME_REG_VS, NVME_REG_VS) \
    N(NVME_REG_INTMS, NVME_REG_INTMS) N(NVME_REG_INTMC, NVME_REG_INTMC) \
    N(NVME_REG_CC, NVME_REG_CC) N(NVME_REG_CSTS, NVME_REG_CSTS) \
    N(NVME_REG_NSSR, NVME_REG_NSSR) N(NVME_REG_AQA, NVME_REG_AQA) \
    N(NVME_REG_ASQ, NVME_REG_ASQ) N(NVME_REG_ACQ, NVME_REG_ACQ) \
    N(NVME_CAP_MQES, FIELD(CAP, MQES)) N(NVME_CAP_CQR, FIELD(CAP, CQR)) \
    N(NVME_CAP_TO, FIELD(CAP, TO)) N(NVME_CAP_DSTRD, FIELD(CAP, DSTRD)) \
    N(NVME_CAP_NSSRS, FIELD(CAP, NSSRC)) N(NVME_CAP_CSS, FIELD(CAP, CSS)) \
    N(NVME_CAP_MPSMIN, FIELD(CAP, MPSMIN)) N(NVME_CAP_MPSMAX, FIELD(CAP, MPSMAX)) \
    N(NVME_CAP_CSS_NVM, NVME_CAP_CSS_NVM) N(NVME_CAP_CSS_SETS, NVME_CAP_CSS_CSI) \
    N(NVME_CAP_CSS_NOTHING, NVME_CAP_CSS_ADMIN) \
    N(NVME_CC_EN, FIELD(CC, EN)) N(NVME_CC_CSS, FIELD(CC, CSS)) N(NVME_CC_MPS, FIELD(CC, MPS)) \
    N(NVME_CC_AMS, FIELD(CC, AMS)) N(NVME_CC_SHN, FIELD(CC, SHN)) \
    N(NVME_CC_IOSQES, FIELD(CC, IOSQES)) N(NVME_CC_IOCQES, FIELD(CC, IOCQES)) \
    N(NVME_CC_CSS_NVM, NVME_CC_CSS_NVM) N(NVME_CC_SHN_NORMAL, NVME_CC_SHN_NORMAL) \
    N(NVME_CSTS_RDY, FIELD(CSTS, RDY)) N(NVME_CSTS_CFS, FIELD(CSTS, CFS)) \
    N(NVME_CSTS_SHST, FIELD(CSTS, SHST)) \
    N(NVME_CSTS_SHST_COMPLETE, NVME_CSTS_SHST_CMPLT) \
    N(NVME_AQA_ASQS, FIELD(AQA, ASQS)) N(NVME_AQA_ACQS, FIELD(AQA, ACQS)) \
    N(NVME_ADMIN_DELETE_SQ, nvme_admin_delete_sq) N(NVME_ADMIN_CREATE_SQ, nvme_admin_create_sq) \
    N(NVME_ADMIN_GET_LOG_PAGE, nvme_admin_get_log_page) \
    N(NVME_ADMIN_DELETE_CQ, nvme_admin_delete_cq) N(NVME_ADMIN_CREATE_CQ, nvme_admin_create_cq) \
    N(NVME_ADMIN_IDENTIFY, nvme_admin_identify) N(NVME_ADMIN_ABORT, nvme_admin_abort_cmd) \
    N(NVME_ADMIN_SET_FEATURES, nvme_admin_set_features) \
    N(NVME_ADMIN_GET_FEATURES, nvme_admin_get_features) \
    N(NVME_ADMIN_ASYNC_EVENT, nvme_admin_async_event) \
    N(NVME_IO_FLUSH, nvme_cmd_flush) N(NVME_IO_WRITE, nvme_cmd_write) \
    N(NVME_IO_READ, nvme_cmd_read) \
    N(NVME_IDENTIFY_NAMESPACE, NVME_IDENTIFY_CNS_NS) \
    N(NVME_IDENTIFY_CONTROLLER, NVME_IDENTIFY_CNS_CTRL) \
    N(NVME_IDENTIFY_ACTIVE_LIST, NVME_IDENTIFY_CNS_NS_ACTIVE_LIST) \
    N(NVME_IDENTIFY_SIZE, NVME_IDENTIFY_DATA_SIZE) \
    N(NVME_ACTIVE_LIST_IDS, NVME_ID_NS_LIST_MAX) N(NVME_NSID_ALL, (uint32_t)NVME_NSID_ALL) \
    N(NVME_FEATURE_QUEUES, NVME_FEAT_FID_NUM_QUEUES) \
    N(NVME_QUEUES_SQ, FIELD(FEAT_NRQS, NSQR)) N(NVME_QUEUES_CQ, FIELD(FEAT_NRQS, NCQR)) \
    N(NVME_STATUS_CRD, NVME_SC_CRD) N(NVME_STATUS_MORE, NVME_SC_MORE) \
    N(NVME_STATUS_DNR, NVME_SC_DNR) N(NVME_STATUS_SC, NVME_SC_MASK << NVME_SC_SHIFT) \
    N(NVME_STATUS_SCT, NVME_SCT_MASK << NVME_SCT_SHIFT) \
    N(NVME_FLBAS_LOW, NVME_NS_FLBAS_LOWER_MASK) N(NVME_FLBAS_HIGH, NVME_NS_FLBAS_HIGHER_MASK) \
    N(NVME_FLBAS_INTERLEAVED, NVME_NS_FLBAS_META_EXT) N(NVME_DPS_TYPE, NVME_NS_DPS_PI_MASK) \
    N(NVME_CTRATT_FORMATS, NVME_CTRL_CTRATT_ELBAS) \
    N(NVME_NSATTR_WRITE_LOCKED, NVME_NS_NSATTR_WRITE_PROTECTED) \
    N(NVME_VWC_PRESENT, NVME_CTRL_VWC_PRESENT) \
    N(NVME_ADMIN_NAMESPACE_MANAGEMENT, nvme_admin_ns_mgmt) \
    N(NVME_ADMIN_NAMESPACE_ATTACHMENT, nvme_admin_ns_attach) \
    N(NVME_ADMIN_FORMAT, nvme_admin_format_nvm) \
    N(NVME_IO_WRITE_UNCORRECTABLE, nvme_cmd_write_uncor) N(NVME_IO_COMPARE, nvme_cmd_compare) \
    N(NVME_IO_WRITE_ZEROES, nvme_cmd_write_zeroes) N(NVME_IO_DATASET, nvme_cmd_dsm) \
    N(NVME_IO_VERIFY, nvme_cmd_verify) N(NVME_IO_COPY, nvme_cmd_copy) \
    N(NVME_IO_ZONE_SEND, nvme_zns_cmd_mgmt_send) N(NVME_IO_ZONE_RECEIVE, nvme_zns_cmd_mgmt_recv) \
    N(NVME_IO_ZONE_APPEND, nvme_zns_cmd_append) \
    N(NVME_ZONE_CLOSE, NVME_ZNS_ZSA_CLOSE) N(NVME_ZONE_FINISH, NVME_ZNS_ZSA_FINISH) \
    N(NVME_ZONE_OPEN, NVME_ZNS_ZSA_OPEN) N(NVME_ZONE_RESET, NVME_ZNS_ZSA_RESET) \
    N(NVME_ZONE_OFFLINE, NVME_ZNS_ZSA_OFFLINE) \
    N(NVME_ZONE_SET_EXTENSION, NVME_ZNS_ZSA_SET_DESC_EXT) \
    N(NVME_ZONE_REPORT, NVME_ZNS_ZRA_REPORT_ZONES) \
    N(NVME_ZONE_REPORT_EXTENDED, NVME_ZNS_ZRA_EXTENDED_REPORT_ZONES) \
    N(NVME_ZONE_EMPTY, NVME_ZNS_ZS_EMPTY) N(NVME_ZONE_IMPLICITLY_OPEN, NVME_ZNS_ZS_IMPL_OPEN) \
    N(NVME_ZONE_EXPLICITLY_OPEN, NVME_ZNS_ZS_EXPL_OPEN) N(NVME_ZONE_CLOSED, NVME_ZNS_ZS_CLOSED) \
    N(NVME_ZONE_READ_ONLY, NVME_ZNS_ZS_READ_ONLY) N(NVME_ZONE_FULL, NVME_ZNS_ZS_FULL) \
    N(NVME_ZONE_GONE_OFFLINE, NVME_ZNS_ZS_OFFLINE) \
    N(NVME_ZONE_EXTENSION_VALID, NVME_ZNS_ZA_ZDEV) N(NVME_CSI_ZONED, NVME_CSI_ZNS) \
    N(NVME_IDENTIFY_DESCRIPTORS, NVME_IDENTIFY_CNS_NS_DESC_LIST) \
    N(NVME_IDENTIFY_SET_NAMESPACE, NVME_IDENTIFY_CNS_CSI_NS) \
    N(NVME_IDENTIFY_SET_CONTROLLER, NVME_IDENTIFY_CNS_CSI_CTRL) \
    N(NVME_IDENTIFY_SET_ACTIVE_LIST, NVME_IDENTIFY_CNS_CSI_NS_ACTIVE_LIST) \
    N(NVME_CC_CSS_ALL, NVME_CC_CSS_CSI) \
    N(NVME_FEATURE_CURRENT, NVME_GET_FEATURES_SEL_CURRENT) \
    N(NVME_FEATURE_DEFAULT, NVME_GET_FEATURES_SEL_DEFAULT) \
    N(NVME_FEATURE_SAVED, NVME_GET_FEATURES_SEL_SAVED) \
    N(NVME_FEATURE_CAPABILITIES, NVME_GET_FEATURES_SEL_SUPPORTED) \
    N(NVME_FEATURE_EVENTS, NVME_FEAT_FID_ASYNC_EVENT) \
    N(NVME_EVENTS_SMART, FIELD(FEAT_AE, SMART)) N(NVME_EVENTS_NAMESPACES, FIELD(FEAT_AE, NAN)) \
    N(NVME_EVENTS_FIRMWARE, FIELD(FEAT_AE, FW)) N(NVME_EVENTS_NAMESPACES, NVME_CTRL_OAES_NA) \
    N(NVME_EVENTS_FIRMWARE, NVME_CTRL_OAES_FA) \
    N(NVME_EVENT_ERROR, NVME_AER_ERROR) N(NVME_EVENT_SMART, NVME_AER_SMART) \
    N(NVME_EVENT_NOTICE, NVME_AER_NOTICE) N(NVME_EVENT_COMMAND_SET, NVME_AER_CSS) \
    N(NVME_EVENT_VENDOR, NVME_AER_VS) \
    N(NVME_NOTICE_NAMESPACES, NVME_AER_NOTICE_NS_CHANGED) \
    N(NVME_NOTICE_FIRMWARE, NVME_AER_NOTICE_FW_ACT_STARTING) \
    N(NVME_LOG_ERROR_INFORMATION, NVME_LOG_LID_ERROR) N(NVME_LOG_HEALTH, NVME_LOG_LID_SMART) \
    N(NVME_LOG_FIRMWARE, NVME_LOG_LID_FW_SLOT) \
    N(NVME_LOG_CHANGED_NAMESPACES, NVME_LOG_LID_CHANGED_NS) \
    N(NVME_LOG_EFFECTS, NVME_LOG_LID_CMD_EFFECTS) \
    N(NVME_ERASE_NONE, NVME_FORMAT_SES_NONE) \
    N(NVME_ERASE_USER_DATA, NVME_FORMAT_SES_USER_DATA_ERASE) \
    N(NVME_ERASE_CRYPTOGRAPHIC, NVME_FORMAT_SES_CRYPTO_ERASE) \
    N(NVME_ATTACHMENT_ATTACH, NVME_NS_ATTACH_SEL_CTRL_ATTACH) \
    N(NVME_ATTACHMENT_DETACH, NVME_NS_ATTACH_SEL_CTRL_DEATTACH) \
    N(NVME_RW_CDW12_DEAC, (uint32_t)NVME_IO_DEAC << 16) \
    N(NVME_RW_CDW12_FUA, (uint32_t)NVME_IO_FUA << 16) \
    N(NVME_RW_CDW12_PRACT, (uint32_t)NVME_IO_PRINFO_PRACT << 16) \
    N(NVME_RW_CDW12_PRCHK_GUARD, (uint32_t)NVME_IO_PRINFO_PRCHK_GUARD << 16) \
    N(NVME_RW_CDW12_PRCHK_REF, (uint32_t)NVME_IO_PRINFO_PRCHK_REF << 16) \
    N(NVME_DATASET_INTEGRAL_RD, NVME_DSMGMT_IDR) N(NVME_DATASET_INTEGRAL_WR, NVME_DSMGMT_IDW) \
    N(NVME_DATASET_DEALLOCATE, NVME_DSMGMT_AD) \
    N(NVME_OACS_FORMAT, NVME_CTRL_OACS_FORMAT) N(NVME_OACS_NAMESPACES, NVME_CTRL_OACS_NS_MGMT) \
    N(NVME_ONCS_COMPARE, NVME_CTRL_ONCS_COMPARE) \
    N(NVME_ONCS_WRITE_UNCORRECTABLE, NVME_CTRL_ONCS_WRITE_UNCORRECTABLE) \
    N(NVME_ONCS_DATASET, NVME_CTRL_ONCS_DSM) \
    N(NVME_ONCS_WRITE_ZEROES, NVME_CTRL_ONCS_WRITE_ZEROES) \
    N(NVME_ONCS_VERIFY, NVME_CTRL_ONCS_VERIFY) N(NVME_ONCS_COPY, NVME_CTRL_ONCS_COPY) \
    N(NVME_LPA_EXTENDED, NVME_CTRL_LPA_EXTENDED) \
    N(NVME_SGLS_SUPPORT, NVME_CTRL_SGLS_SUPPORTED) \
    N(NVME_DESCRIPTOR_EUI64, NVME_NIDT_EUI64) N(NVME_DESCRIPTOR_NGUID, NVME_NIDT_NGUID) \
    N(NVME_DESCRIPTOR_UUID, NVME_NIDT_UUID) N(NVME_DESCRIPTOR_CSI, NVME_NIDT_CSI) \
    N(NVME_CSI_NVM, NVME_CSI_NVM) \
    N(NVME_CRITICAL_SPARE, NVME_SMART_CRIT_SPARE) \
    N(NVME_CRITICAL_TEMPERATURE, NVME_SMART_CRIT_TEMPERATURE) \
    N(NVME_CRITICAL_RELIABILITY, NVME_SMART_CRIT_DEGRADED) \
    N(NVME_CRITICAL_READ_ONLY, NVME_SMART_CRIT_MEDIA) \
    N(NVME_CRITICAL_BACKUP, NVME_SMART_CRIT_VOLATILE_MEMORY) \
    N(NVME_CRITICAL_PMR, NVME_SMART_CRIT_PMR_RO) \
    N(NVME_EFFECT_SUPPORTED, NVME_CMD_EFFECTS_CSUPP) N(NVME_EFFECT_DATA, NVME_CMD_EFFECTS_LBCC) \
    N(NVME_EFFECT_NAMESPACE, NVME_CMD_EFFECTS_NCC) \
    N(NVME_EFFECT_INVENTORY, NVME_CMD_EFFECTS_NIC) \
    N(NVME_EFFECT_CONTROLLER, NVME_CMD_EFFECTS_CCC)
/* clang-format on */

#endif
