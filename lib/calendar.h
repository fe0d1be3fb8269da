/*
 * Dates of the Gregorian calendar, in UTC, and seconds since 1970.
 */
#ifndef LIB_CALENDAR_H
#define LIB_CALENDAR_H

#include <stdint.h>

struct calendar {
    int64_t year;
    unsigned month, day; /* from 1 */
    unsigned hour, minute, second;
    unsigned weekday; /* Sunday is 0 */
    unsigned yearday; /* from 0 */
};

/* Any number of seconds, also from before 1970. */
struct calendar calendar_from(int64_t seconds);

/* Weekday and yearday are not looked at. Fields out of range count on: the 32nd of January is the
 * 1st of February. */
int64_t calendar_seconds(const struct calendar *date);

extern const char *const calendar_months[12], *const calendar_weekdays[7];

#endif
