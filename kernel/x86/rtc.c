/*
 * See rtc.h. The clock is Motorola's MC146818A, as every PC since the AT has it.
 * It is read once; from then on the processor's clock goes on.
 */
#include "kernel/x86/rtc.h"

#include "kernel/acpi/acpi.h"
#include "kernel/log.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/cpu.h"
#include "lib/bits.h"
#include "lib/calendar.h"
#include "lib/string.h"

#define PORT_INDEX 0x70
#define PORT_DATA  0x71

#define REGISTER_A         10
#define REGISTER_B         11
#define A_UPDATING         BIT(7)
#define B_24_HOURS         BIT(1)
#define B_BINARY           BIT(2)
#define HOUR_PM            BIT(7)
#define UPDATE_NANOSECONDS (20 * NS_PER_MS) /* an update takes 2 ms */

static uint8_t cmos(unsigned index)
{
    out8(PORT_INDEX, (uint8_t)index);
    return in8(PORT_DATA);
}

enum field {
    SECOND,
    MINUTE,
    HOUR,
    DAY,
    MONTH,
    YEAR,
    CENTURY,
    FIELDS
};

static void read_fields(uint8_t fields[FIELDS])
{
    static const uint8_t places[] = {0, 2, 4, 7, 8, 9};
    unsigned century = acpi_century_register();
    uint64_t deadline = clock_ns() + UPDATE_NANOSECONDS;
    while (cmos(REGISTER_A) & A_UPDATING && clock_ns() < deadline)
        cpu_pause();
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
        fields[i] = cmos(places[i]);
    fields[CENTURY] = century ? cmos(century) : 0;
}

static unsigned from_decimal(uint8_t value)
{
    return (value >> 4) * 10 + (value & 15);
}

/* False if it is no date. */
static bool decode(const uint8_t fields[FIELDS], uint8_t mode, int64_t *seconds)
{
    unsigned value[FIELDS];
    bool pm = !(mode & B_24_HOURS) && fields[HOUR] & HOUR_PM;
    for (unsigned i = 0; i < FIELDS; i++) {
        uint8_t field = i == HOUR && pm ? fields[i] & (uint8_t)~HOUR_PM : fields[i];
        value[i] = mode & B_BINARY ? field : from_decimal(field);
    }
    if (!(mode & B_24_HOURS))
        value[HOUR] = value[HOUR] % 12 + (pm ? 12 : 0);
    if (value[SECOND] > 60 || value[MINUTE] > 59 || value[HOUR] > 23 || value[MONTH] < 1 ||
        value[MONTH] > 12 || value[DAY] < 1 || value[DAY] > 31 || value[YEAR] > 99)
        return false;
    bool sound = value[CENTURY] >= 19 && value[CENTURY] <= 22;
    struct calendar date = {.year = (sound ? value[CENTURY] : 20) * 100 + value[YEAR],
                            .month = value[MONTH],
                            .day = value[DAY],
                            .hour = value[HOUR],
                            .minute = value[MINUTE],
                            .second = value[SECOND]};
    *seconds = calendar_seconds(&date);
    return *seconds > 0;
}

/* The time of day when clock_ns() was 0; 0: unknown. */
static uint64_t read_start(void)
{
    uint8_t fields[FIELDS], again[FIELDS];
    int64_t seconds;
    uint64_t deadline = clock_ns() + UPDATE_NANOSECONDS;
    do { /* until no update fell between two of them */
        read_fields(fields);
        read_fields(again);
    } while (memcmp(fields, again, sizeof fields) && clock_ns() < deadline);
    if (!decode(fields, cmos(REGISTER_B), &seconds)) {
        log_line(LOG_WARNING, "rtc: the machine's clock shows no date");
        return 0;
    }
    return (uint64_t)seconds * NS_PER_SEC - clock_ns();
}

uint64_t rtc_time(uint64_t clock)
{
    static uint64_t start;
    static bool known;
    if (!known)
        start = read_start();
    known = true;
    return start ? start + clock : 0;
}
