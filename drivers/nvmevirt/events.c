/*
 * Asynchronous events: requests are held until something happens, and what
 * happens is held until there is a request. A type that was reported stays
 * silent until its log page has been read. Base 5.2.
 */
#include "internal.h"

/* Dword 0 of the completion: type 2:0, information 15:8, log page 23:16. */
#define EVENT_TYPE        0x00000007u
#define EVENT_INFORMATION 0x0000FF00u
#define EVENT_PAGE        0x00FF0000u

static struct nvmevirt_command *find_held(struct nvmevirt *controller)
{
    for (uint32_t i = 0; i < controller->command_count; i++) {
        if (controller->commands[i].state == COMMAND_HELD)
            return &controller->commands[i];
    }
    return NULL;
}

/* A type that waits for its log page; a page of 0 cannot be read and so hides nothing. */
static uint8_t *mask_of(struct nvmevirt *controller, uint32_t event)
{
    return &controller->events_masked[SPEC_GET(EVENT_TYPE, event)];
}

void nvmevirt_events_deliver(struct nvmevirt *controller)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < controller->event_count; i++) {
        uint32_t event = controller->events[i];
        struct nvmevirt_command *request = find_held(controller);
        if (!request || *mask_of(controller, event)) {
            controller->events[kept++] = event;
            continue;
        }
        *mask_of(controller, event) = (uint8_t)SPEC_GET(EVENT_PAGE, event);
        request->result = event;
        request->status = SPEC_SUCCESS;
        request->state = COMMAND_DONE;
        nvmevirt_post(controller, request);
    }
    controller->event_count = kept;
}

void nvmevirt_event(struct nvmevirt *controller, uint8_t type, uint8_t information,
                    uint8_t log_page)
{
    uint32_t event = SPEC_SET(EVENT_TYPE, (uint32_t)type) |
                     SPEC_SET(EVENT_INFORMATION, (uint32_t)information) |
                     SPEC_SET(EVENT_PAGE, (uint32_t)log_page);
    for (uint32_t i = 0; i < controller->event_count; i++) {
        if (controller->events[i] == event)
            return; /* not yet reported: once says it */
    }
    if (controller->event_count < NVMEVIRT_EVENTS)
        controller->events[controller->event_count++] = event;
}

uint16_t nvmevirt_event_hold(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    uint32_t held = 0;
    for (uint32_t i = 0; i < controller->command_count; i++)
        held += controller->commands[i].state == COMMAND_HELD;
    if (held > controller->config.event_limit)
        return SPEC_EVENT_LIMIT;
    command->state = COMMAND_HELD;
    return SPEC_SUCCESS;
}

void nvmevirt_event_unmask(struct nvmevirt *controller, uint8_t log_page)
{
    for (unsigned type = 0; type < sizeof controller->events_masked; type++) {
        if (controller->events_masked[type] == log_page)
            controller->events_masked[type] = 0;
    }
}
