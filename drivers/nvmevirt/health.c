/*
 * How the device feels: its temperature against the host's thresholds, and the
 * critical warnings, each of which is announced once when it begins, if the
 * host wants to know. Base 5.16.1.3, 5.27.1.3, 5.27.1.8.
 */
#include "internal.h"

#define WARNING_SPARE       0x01u
#define WARNING_TEMPERATURE 0x02u
#define SLOT_UNDER          0x0Cu

uint8_t nvmevirt_critical_warning(const struct nvmevirt *controller)
{
    uint32_t over = nvmevirt_feature(controller, SPEC_FEATURE_TEMPERATURE);
    uint32_t under = nvmevirt_feature(controller, SLOT_UNDER);
    bool beyond = controller->temperature >= over || controller->temperature <= under;
    return (uint8_t)((controller->warnings & ~WARNING_TEMPERATURE) |
                     (beyond ? WARNING_TEMPERATURE : 0));
}

void nvmevirt_health_look(struct nvmevirt *controller)
{
    uint8_t wanted = (uint8_t)nvmevirt_feature(controller, SPEC_FEATURE_EVENTS);
    uint8_t warning = nvmevirt_critical_warning(controller) & wanted;
    uint32_t begun = warning & ~(uint32_t)controller->reported;
    controller->reported = warning;
    if (begun & WARNING_SPARE)
        nvmevirt_event(controller, SPEC_EVENT_HEALTH, SPEC_EVENT_SPARE, SPEC_LOG_HEALTH);
    if (begun & WARNING_TEMPERATURE)
        nvmevirt_event(controller, SPEC_EVENT_HEALTH, SPEC_EVENT_TEMPERATURE, SPEC_LOG_HEALTH);
    if (begun & ~(WARNING_SPARE | WARNING_TEMPERATURE))
        nvmevirt_event(controller, SPEC_EVENT_HEALTH, SPEC_EVENT_RELIABILITY, SPEC_LOG_HEALTH);
}

void nvmevirt_set_temperature(struct nvmevirt *controller, uint16_t kelvin)
{
    controller->temperature = kelvin;
    nvmevirt_health_look(controller);
}

void nvmevirt_set_warnings(struct nvmevirt *controller, uint8_t warnings)
{
    controller->warnings = warnings;
    nvmevirt_health_look(controller);
}
