/*
 * The controller's life: a configuration is checked and becomes registers and
 * memory; at the end the memory goes back.
 */
#include "internal.h"

struct nvmevirt_config nvmevirt_defaults(void)
{
    return (struct nvmevirt_config){
        .mqes = 1023,
        .cqr = true,
        .to = 15,
        .css = SPEC_CSS_NVM,
        .mpsmax = 4,
        .version = 0x00020000,
        .mdts = 7,
        .queue_pairs = 4,
        .vectors = 5,
        .vwc = true,
        .abort_limit = 3,
        .event_limit = 3,
        .serial = "virt0001",
        .model = "nvmevirt",
        .firmware = "1.0",
        .oncs = NVMEVIRT_ONCS_COMPARE | NVMEVIRT_ONCS_WRITE_ZEROES,
        .lpa = NVMEVIRT_LPA_EXTENDED,
        .mssrl = 512,
        .mcl = 4096,
        .msrc = 127,
        .ready_ns = 1000000,
        .disable_ns = 1000000,
        .shutdown_ns = 1000000,
        .commands = 256,
        .seed = 1,
    };
}

struct nvmevirt_config nvmevirt_everything(void)
{
    struct nvmevirt_config config = nvmevirt_defaults();
    config.css = SPEC_CSS_NVM | SPEC_CSS_IOCS;
    config.oncs = NVMEVIRT_ONCS_COMPARE | NVMEVIRT_ONCS_WRITE_UNCORRECTABLE |
                  NVMEVIRT_ONCS_DATASET | NVMEVIRT_ONCS_WRITE_ZEROES | NVMEVIRT_ONCS_SAVE_SELECT |
                  NVMEVIRT_ONCS_TIMESTAMP | NVMEVIRT_ONCS_VERIFY | NVMEVIRT_ONCS_COPY;
    config.oacs = NVMEVIRT_OACS_FORMAT | NVMEVIRT_OACS_NAMESPACES | NVMEVIRT_OACS_DOORBELL_BUFFER;
    config.oaes = NVMEVIRT_OAES_NAMESPACES;
    config.lpa = NVMEVIRT_LPA_NAMESPACE_HEALTH | NVMEVIRT_LPA_EFFECTS | NVMEVIRT_LPA_EXTENDED;
    config.sgls = NVMEVIRT_SGLS_BYTES | NVMEVIRT_SGLS_BIT_BUCKET | NVMEVIRT_SGLS_LONGER |
                  NVMEVIRT_SGLS_METADATA;
    config.npss = 1;
    config.cntlid = 1;
    return config;
}

static uint64_t make_cap(const struct nvmevirt_config *config)
{
    return SPEC_SET(SPEC_CAP_MQES, (uint64_t)config->mqes) | (config->cqr ? SPEC_CAP_CQR : 0) |
           SPEC_SET(SPEC_CAP_TO, (uint64_t)config->to) |
           SPEC_SET(SPEC_CAP_DSTRD, (uint64_t)config->dstrd) |
           SPEC_SET(SPEC_CAP_CSS, (uint64_t)config->css) |
           SPEC_SET(SPEC_CAP_MPSMIN, (uint64_t)config->mpsmin) |
           SPEC_SET(SPEC_CAP_MPSMAX, (uint64_t)config->mpsmax);
}

static bool is_sane(const struct nvmevirt_config *config)
{
    if (config->dstrd > 15 || config->mpsmin > config->mpsmax || config->mpsmax > 15)
        return false;
    if (config->queue_pairs == UINT16_MAX || config->vectors > 2048 || !config->commands)
        return false;
    if (config->mdts > 31)
        return false;
    return config->serial && config->model && config->firmware;
}

static void *allocate(struct nvmevirt *controller, size_t count, size_t size)
{
    return controller->environment.allocate(controller->environment.context, count * size);
}

static bool allocate_all(struct nvmevirt *controller)
{
    const struct nvmevirt_config *config = &controller->config;
    size_t queues = config->queue_pairs + 1u;
    size_t busy_dwords = 65536 / 32;

    controller->command_capacity = config->commands + config->event_limit + 1u + ADMIN_COMMANDS;
    controller->commands =
        allocate(controller, controller->command_capacity, sizeof *controller->commands);
    controller->sqs = allocate(controller, queues, sizeof *controller->sqs);
    controller->cqs = allocate(controller, queues, sizeof *controller->cqs);
    controller->busy_memory = allocate(controller, queues, busy_dwords * sizeof(uint32_t));
    controller->vectors = allocate(controller, config->vectors + 1u, 1);
    if (!controller->commands || !controller->sqs || !controller->cqs || !controller->busy_memory ||
        !controller->vectors)
        return false;
    for (size_t q = 0; q < queues; q++)
        controller->sqs[q].busy = controller->busy_memory + q * busy_dwords;
    for (unsigned v = 0; v < config->vectors; v++)
        controller->vectors[v] = VECTOR_MASKED;
    return true;
}

bool nvmevirt_init(struct nvmevirt *controller, const struct nvmevirt_config *config,
                   const struct nvmevirt_environment *environment)
{
    __builtin_memset(controller, 0, sizeof *controller);
    controller->config = *config;
    controller->environment = *environment;
    if (!is_sane(config))
        return false;
    controller->cap = make_cap(config);
    controller->random = config->seed | 1;
    controller->temperature = 308; /* K */
    if (allocate_all(controller) && nvmevirt_namespaces_open(controller)) {
        nvmevirt_features_default(controller);
        return true;
    }
    nvmevirt_destroy(controller);
    return false;
}

void nvmevirt_destroy(struct nvmevirt *controller)
{
    nvmevirt_namespaces_close(controller);
    void *memory[] = {controller->commands, controller->sqs, controller->cqs,
                      controller->busy_memory, controller->vectors};
    for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++) {
        if (memory[i])
            controller->environment.free(controller->environment.context, memory[i]);
    }
    __builtin_memset(controller, 0, sizeof *controller);
}
