/* What tests do with a host: scripts of faults, what is expected of it, requests. See nvme_host.h.
 */
#include "tests/unit/nvme_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

void testhost_fault(struct testhost *host, struct nvmevirt_fault fault)
{
    assert_true(host->fault_count < sizeof host->faults / sizeof host->faults[0]);
    host->faults[host->fault_count++] = fault;
    nvmevirt_set_faults(&host->virt, host->faults, host->fault_count);
}

void testhost_no_faults(struct testhost *host)
{
    host->fault_count = 0;
    nvmevirt_set_faults(&host->virt, NULL, 0);
}

void testhost_meets(struct testhost *host, uint16_t queue, uint16_t opcode, uint32_t nth,
                    enum nvmevirt_fault_kind kind, uint64_t argument)
{
    testhost_fault(
        host,
        (struct nvmevirt_fault){
            .queue = queue, .opcode = opcode, .nth = nth, .kind = kind, .argument = argument});
}

bool testhost_vanish(struct testhost *host, uint32_t offset, uint32_t *value)
{
    (void)offset, (void)value;
    unsigned *left = host->context;
    if (*left && --*left == 0)
        nvmevirt_inject(&host->virt, NVMEVIRT_REMOVED, 0);
    return false;
}

void testhost_expect(struct testhost *host, unsigned count, const char *text)
{
    if (host->violations != host->violations_expected + count || !strstr(host->violation, text))
        fail_msg("%u violations instead of %u, the last: %s",
                 host->violations - host->violations_expected, count, host->violation);
    host->violations_expected = host->violations;
}

bool testhost_logged(const struct testhost *host, const char *text)
{
    return strstr(host->log, text) != NULL;
}
