/*
 * The closing line of dd, against a table that GNU's dd 9.1 printed under a
 * clock of our own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/command/rate.h"
#include "lib/bits.h"

/* Times that a second is a whole multiple of, or the reverse, are left out: GNU's dd then takes
 * another way and may print "10 MB/s" for "10.0 MB/s"; so are times halfway between two that can be
 * printed, which binary floating point rounds either way. */
static const struct {
    uint64_t bytes, nanoseconds;
    const char *line;
} lines[] = {
    {0u, 84000u, "0 bytes copied, 8.4e-05 s, 0.0 kB/s"},
    {1u, 999u, "1 byte copied, 9.99e-07 s, 1.0 MB/s"},
    {2u, 999u, "2 bytes copied, 9.99e-07 s, 2.0 MB/s"},
    {512u, 214000u, "512 bytes copied, 0.000214 s, 2.4 MB/s"},
    {999u, 123456u, "999 bytes copied, 0.000123456 s, 8.1 MB/s"},
    {1000u, 52158u, "1000 bytes (1.0 kB) copied, 5.2158e-05 s, 19.2 MB/s"},
    {1023u, 1000001u, "1023 bytes (1.0 kB) copied, 0.001 s, 1.0 MB/s"},
    {1024u, 999999u, "1024 bytes (1.0 kB, 1.0 KiB) copied, 0.000999999 s, 1.0 MB/s"},
    {4096u, 1200000u, "4096 bytes (4.1 kB, 4.0 KiB) copied, 0.0012 s, 3.4 MB/s"},
    {4096u, 92173u, "4096 bytes (4.1 kB, 4.0 KiB) copied, 9.2173e-05 s, 44.4 MB/s"},
    {9949u, 17u, "9949 bytes (9.9 kB, 9.7 KiB) copied, 1.7e-08 s, 585 GB/s"},
    {9950u, 101u, "9950 bytes (10 kB, 9.7 KiB) copied, 1.01e-07 s, 98.5 GB/s"},
    {9999u, 7u, "9999 bytes (10 kB, 9.8 KiB) copied, 7e-09 s, 1.4 TB/s"},
    {10188u, 77u, "10188 bytes (10 kB, 9.9 KiB) copied, 7.7e-08 s, 132 GB/s"},
    {10189u, 77u, "10189 bytes (10 kB, 10 KiB) copied, 7.7e-08 s, 132 GB/s"},
    {10239u, 77u, "10239 bytes (10 kB, 10 KiB) copied, 7.7e-08 s, 133 GB/s"},
    {10240u, 77u, "10240 bytes (10 kB, 10 KiB) copied, 7.7e-08 s, 133 GB/s"},
    {999499u, 1048576u, "999499 bytes (999 kB, 976 KiB) copied, 0.00104858 s, 953 MB/s"},
    {999500u, 3u, "999500 bytes (1.0 MB, 976 KiB) copied, 3e-09 s, 333 TB/s"},
    {999999u, 999999999u, "999999 bytes (1.0 MB, 977 KiB) copied, 1 s, 1000 kB/s"},
    {1000000u, 1000000007u, "1000000 bytes (1.0 MB, 977 KiB) copied, 1 s, 1000 kB/s"},
    {1047552u, 31u, "1047552 bytes (1.0 MB, 1023 KiB) copied, 3.1e-08 s, 33.8 TB/s"},
    {1048064u, 3u, "1048064 bytes (1.0 MB, 1.0 MiB) copied, 3e-09 s, 349 TB/s"},
    {1048576u, 500000001u, "1048576 bytes (1.0 MB, 1.0 MiB) copied, 0.5 s, 2.1 MB/s"},
    {65536u, 65536000u, "65536 bytes (66 kB, 64 KiB) copied, 0.065536 s, 1.0 MB/s"},
    {104857600u, 41800000u, "104857600 bytes (105 MB, 100 MiB) copied, 0.0418 s, 2.5 GB/s"},
    {1073741824u, 500000003u, "1073741824 bytes (1.1 GB, 1.0 GiB) copied, 0.5 s, 2.1 GB/s"},
    {1073741824u, 86400000000001u, "1073741824 bytes (1.1 GB, 1.0 GiB) copied, 86400 s, 12.4 kB/s"},
    {1099511627776u, 1234567890123u,
     "1099511627776 bytes (1.1 TB, 1.0 TiB) copied, 1234.57 s, 891 MB/s"},
    {5497558138880u, 3000000000000001u,
     "5497558138880 bytes (5.5 TB, 5.0 TiB) copied, 3e+06 s, 1.8 MB/s"},
    {17592186056761u, 999999500000u,
     "17592186056761 bytes (18 TB, 16 TiB) copied, 1000 s, 17.6 GB/s"},
    {8000000000u, 184467440737u, "8000000000 bytes (8.0 GB, 7.5 GiB) copied, 184.467 s, 43.4 MB/s"},
    {1000u, 99999u, "1000 bytes (1.0 kB) copied, 9.9999e-05 s, 10.0 MB/s"},
    {1000u, 99995u, "1000 bytes (1.0 kB) copied, 9.9995e-05 s, 10.0 MB/s"},
    {1000u, 999995000u, "1000 bytes (1.0 kB) copied, 0.999995 s, 1.0 kB/s"},
    {1000u, 9999995000u, "1000 bytes (1.0 kB) copied, 10 s, 0.1 kB/s"},
    {3000u, 10050251u, "3000 bytes (3.0 kB, 2.9 KiB) copied, 0.0100503 s, 299 kB/s"},
    {3000u, 10045000u, "3000 bytes (3.0 kB, 2.9 KiB) copied, 0.010045 s, 299 kB/s"},
    {99950u, 999999u, "99950 bytes (100 kB, 98 KiB) copied, 0.000999999 s, 100 MB/s"},
    {99951u, 1000001u, "99951 bytes (100 kB, 98 KiB) copied, 0.001 s, 100 MB/s"},
    {100050000u, 999999u, "100050000 bytes (100 MB, 95 MiB) copied, 0.000999999 s, 100 GB/s"},
    {9995000u, 10001u, "9995000 bytes (10 MB, 9.5 MiB) copied, 1.0001e-05 s, 999 GB/s"},
    {512u, 123456789012345u, "512 bytes copied, 123457 s, 0.0 kB/s"},
    {512u, 999999500000000u, "512 bytes copied, 1e+06 s, 0.0 kB/s"},
    {512u, 999999400000000u, "512 bytes copied, 999999 s, 0.0 kB/s"},
    {7u, 3u, "7 bytes copied, 3e-09 s, 2.3 GB/s"},
    {300u, 2999999u, "300 bytes copied, 0.003 s, 100 kB/s"},
    {1u, 2500000000u, "1 byte copied, 2.5 s, 0.0 kB/s"},
    {3231u, 4563u, "3231 bytes (3.2 kB, 3.2 KiB) copied, 4.563e-06 s, 708 MB/s"},
    {11329972u, 626u, "11329972 bytes (11 MB, 11 MiB) copied, 6.26e-07 s, 18.1 TB/s"},
    {641794u, 1053363u, "641794 bytes (642 kB, 627 KiB) copied, 0.00105336 s, 609 MB/s"},
    {4u, 38176232u, "4 bytes copied, 0.0381762 s, 0.1 kB/s"},
    {2u, 5889826u, "2 bytes copied, 0.00588983 s, 0.3 kB/s"},
    {5u, 995u, "5 bytes copied, 9.95e-07 s, 5.0 MB/s"},
    {39861u, 124558500518u, "39861 bytes (40 kB, 39 KiB) copied, 124.559 s, 0.3 kB/s"},
    {21u, 28551u, "21 bytes copied, 2.8551e-05 s, 736 kB/s"},
    {6302950u, 2659490032862u, "6302950 bytes (6.3 MB, 6.0 MiB) copied, 2659.49 s, 2.4 kB/s"},
    {37997456573u, 325u, "37997456573 bytes (38 GB, 35 GiB) copied, 3.25e-07 s, 117 PB/s"},
    {2010440544u, 153356u, "2010440544 bytes (2.0 GB, 1.9 GiB) copied, 0.000153356 s, 13.1 TB/s"},
    {36u, 1975u, "36 bytes copied, 1.975e-06 s, 18.2 MB/s"},
    {2203u, 94927042478u, "2203 bytes (2.2 kB, 2.2 KiB) copied, 94.927 s, 0.0 kB/s"},
    {90u, 249805387u, "90 bytes copied, 0.249805 s, 0.4 kB/s"},
    {8393754u, 1248455u, "8393754 bytes (8.4 MB, 8.0 MiB) copied, 0.00124846 s, 6.7 GB/s"},
    {862880u, 490u, "862880 bytes (863 kB, 843 KiB) copied, 4.9e-07 s, 1.8 TB/s"},
    {4u, 18430u, "4 bytes copied, 1.843e-05 s, 217 kB/s"},
    {23634631u, 5052605u, "23634631 bytes (24 MB, 23 MiB) copied, 0.0050526 s, 4.7 GB/s"},
    {2537u, 276172542u, "2537 bytes (2.5 kB, 2.5 KiB) copied, 0.276173 s, 9.2 kB/s"},
    {81507u, 198352u, "81507 bytes (82 kB, 80 KiB) copied, 0.000198352 s, 411 MB/s"},
    {406213046u, 4885834715u, "406213046 bytes (406 MB, 387 MiB) copied, 4.88583 s, 83.1 MB/s"},
    {441u, 208286351u, "441 bytes copied, 0.208286 s, 2.1 kB/s"},
    {491582u, 423167641841u, "491582 bytes (492 kB, 480 KiB) copied, 423.168 s, 1.2 kB/s"},
    {80363130u, 146999u, "80363130 bytes (80 MB, 77 MiB) copied, 0.000146999 s, 547 GB/s"},
    {41901838945u, 1989u, "41901838945 bytes (42 GB, 39 GiB) copied, 1.989e-06 s, 21.1 PB/s"},
    {33980u, 21308369799u, "33980 bytes (34 kB, 33 KiB) copied, 21.3084 s, 1.6 kB/s"},
    {44u, 23910799u, "44 bytes copied, 0.0239108 s, 1.8 kB/s"},
    {2u, 2240652057u, "2 bytes copied, 2.24065 s, 0.0 kB/s"},
    {193070323u, 201041327u, "193070323 bytes (193 MB, 184 MiB) copied, 0.201041 s, 960 MB/s"},
    {3073427326u, 282632u, "3073427326 bytes (3.1 GB, 2.9 GiB) copied, 0.000282632 s, 10.9 TB/s"},
    {34274521u, 345198299u, "34274521 bytes (34 MB, 33 MiB) copied, 0.345198 s, 99.3 MB/s"},
    {1924733u, 10429383u, "1924733 bytes (1.9 MB, 1.8 MiB) copied, 0.0104294 s, 185 MB/s"},
    {1267062109u, 2463156726755u, "1267062109 bytes (1.3 GB, 1.2 GiB) copied, 2463.16 s, 514 kB/s"},
    {137354u, 2021502395u, "137354 bytes (137 kB, 134 KiB) copied, 2.0215 s, 67.9 kB/s"},
    {4u, 5204898134u, "4 bytes copied, 5.2049 s, 0.0 kB/s"},
    {10303554u, 8395669502312u, "10303554 bytes (10 MB, 9.8 MiB) copied, 8395.67 s, 1.2 kB/s"},
    {807726884u, 135067u, "807726884 bytes (808 MB, 770 MiB) copied, 0.000135067 s, 6.0 TB/s"},
    {15165u, 2265582465u, "15165 bytes (15 kB, 15 KiB) copied, 2.26558 s, 6.7 kB/s"},
    {1u, 11985279u, "1 byte copied, 0.0119853 s, 0.1 kB/s"},
};

static void test_rate_line(void **state)
{
    char line[RATE_LINE_MAX];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        size_t length = rate_line(line, lines[i].bytes, "copied", lines[i].nanoseconds, false);
        assert_string_equal(line, lines[i].line);
        assert_int_equal(length, strlen(line));
    }
    rate_line(line, 4096, "copied", 0, false);
    assert_string_equal(line, "4096 bytes (4.1 kB, 4.0 KiB) copied, 0 s, Infinity B/s");
    rate_line(line, 43788533760, "copied", 1000000000, true);
    assert_string_equal(line, "43788533760 bytes (44 GB, 41 GiB) copied, 1 s, 43.8 GB/s");
    rate_line(line, 500, "copied", 2500000000, true);
    assert_string_equal(line, "500 bytes copied, 2 s, 0.2 kB/s");
}

static void test_rate_line_extremes(void **state)
{
    char line[RATE_LINE_MAX];
    const uint64_t values[] = {0, 1, 999, 1000, 1u << 30, INT64_MAX, UINT64_MAX / 10, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        for (size_t j = 0; j < ARRAY_SIZE(values); j++)
            assert_true(rate_line(line, values[i], "copied", values[j], i & 1) < sizeof line);
}

static void test_size(void **state)
{
    static const struct {
        uint64_t bytes;
        unsigned base;
        const char *text;
    } sizes[] = {{0, 1000, "0 B"},
                 {999, 1000, "999 B"},
                 {1000, 1000, "1.0 kB"},
                 {1049, 1000, "1.0 kB"},
                 {1050, 1000, "1.0 kB"}, /* half goes to the even digit */
                 {1150, 1000, "1.2 kB"},
                 {1051, 1000, "1.1 kB"},
                 {9949, 1000, "9.9 kB"},
                 {9950, 1000, "10 kB"},
                 {10500, 1000, "10 kB"},
                 {11500, 1000, "12 kB"},
                 {999499, 1000, "999 kB"},
                 {999500, 1000, "1.0 MB"},
                 {1023, 1024, "1023 B"},
                 {1024, 1024, "1.0 KiB"},
                 {1048063, 1024, "1023 KiB"},
                 {1048064, 1024, "1.0 MiB"},
                 {UINT64_MAX, 1000, "18 EB"},
                 {UINT64_MAX, 1024, "16 EiB"}};
    (void)state;
    char text[RATE_SIZE_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        rate_size(text, sizes[i].bytes, sizes[i].base);
        assert_string_equal(text, sizes[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_line),
        cmocka_unit_test(test_rate_line_extremes),
        cmocka_unit_test(test_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
