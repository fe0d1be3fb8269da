/*
 * See calendar.h. Days are counted from the 1st of March of the year 0, so that
 * a leap day is the last of its year, and a cycle of 400 years begins there.
 */
#include "lib/calendar.h"

#define DAY_SECONDS 86400
#define CYCLE_DAYS  146097 /* 400 years */
#define EPOCH_DAYS  719468 /* 1970-01-01 */

const char *const calendar_months[12] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
const char *const calendar_weekdays[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                          "Thursday", "Friday", "Saturday"};

static int64_t divide_down(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* March is 0: 31 30 31 30 31, twice, and what is left. */
static int64_t days_before(int64_t year, int64_t month)
{
    return 365 * year + divide_down(year, 4) - divide_down(year, 100) + divide_down(year, 400) +
           (153 * month + 2) / 5;
}

int64_t calendar_seconds(const struct calendar *date)
{
    int64_t months = date->year * 12 + date->month - 3;
    int64_t year = divide_down(months, 12);
    int64_t days = days_before(year, months - 12 * year) + date->day - 1 - EPOCH_DAYS;
    return ((days * 24 + date->hour) * 60 + date->minute) * 60 + date->second;
}

struct calendar calendar_from(int64_t seconds)
{
    int64_t days = divide_down(seconds, DAY_SECONDS);
    unsigned rest = (unsigned)(seconds - days * DAY_SECONDS);
    int64_t since = days + EPOCH_DAYS, cycle = divide_down(since, CYCLE_DAYS);
    since -= cycle * CYCLE_DAYS;
    int64_t years = (since - since / 1460 + since / 36524 - since / (CYCLE_DAYS - 1)) / 365;
    unsigned day = (unsigned)(since - days_before(years, 0));
    unsigned month = (5 * day + 2) / 153;
    struct calendar date = {.year = 400 * cycle + years + (month >= 10),
                            .month = month < 10 ? month + 3 : month - 9,
                            .day = day - (153 * month + 2) / 5 + 1,
                            .hour = rest / 3600,
                            .minute = rest / 60 % 60,
                            .second = rest % 60,
                            .weekday = (unsigned)(days + 4 - 7 * divide_down(days + 4, 7))};
    struct calendar january = {.year = date.year, .month = 1, .day = 1};
    date.yearday = (unsigned)(days - divide_down(calendar_seconds(&january), DAY_SECONDS));
    return date;
}
