/*
 * What fio needs of lib/: checksums against published vectors, wide division
 * and roots against the compiler's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/bits.h"
#include "lib/crc32c.h"
#include "lib/md5.h"
#include "lib/sha256.h"
#include "lib/wide.h"

static const char *hex(const uint8_t *bytes, size_t length)
{
    static char text[65];
    for (size_t i = 0; i < length; i++)
        sprintf(text + 2 * i, "%02x", bytes[i]);
    return text;
}

/* RFC 3720, appendix B.4. */
static void test_crc32c(void **state)
{
    uint8_t bytes[32];
    (void)state;
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, 32), 0x62a8ab43);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(crc32c(0, bytes, 32), 0x46dd794e);
    for (unsigned cut = 0; cut <= 32; cut++)
        assert_int_equal(crc32c(crc32c(0, bytes, cut), bytes + cut, 32 - cut), 0x46dd794e);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(31 - i);
    assert_int_equal(crc32c(0, bytes, 32), 0x113fdb5c);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, "", 0), 0);
}

/* RFC 1321, appendix A.5. */
static void test_md5(void **state)
{
    static const struct {
        const char *text, *digest;
    } vectors[] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e"},
        {"a", "0cc175b9c0f1b6a831c399e269772661"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
        {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
         "d174ab98d277d9f5a5611c2c9f419d9f"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "57edf4a22be3c955ac49da2e2107b67a"},
    };
    uint8_t digest[MD5_BYTES];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        md5(vectors[i].text, strlen(vectors[i].text), digest);
        assert_string_equal(hex(digest, sizeof digest), vectors[i].digest);
    }
}

/* FIPS 180-4's examples, and a length on each side of the padding's border. */
static void test_sha256(void **state)
{
    static const struct {
        const char *text, *digest;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
    };
    uint8_t digest[SHA256_BYTES];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        sha256(vectors[i].text, strlen(vectors[i].text), digest);
        assert_string_equal(hex(digest, sizeof digest), vectors[i].digest);
    }
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    sha256(million, 1000000, digest);
    free(million);
    assert_string_equal(hex(digest, sizeof digest),
                        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static uint64_t noise(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state >> (state & 63);
}

static void test_wide(void **state)
{
    (void)state;
    for (int i = 0; i < 3000; i++) {
        wide value = (wide)noise() << 64 | noise();
        uint64_t divisor = noise() | 1, root = wide_root(value);
        assert_true(wide_divide(value, divisor) == value / divisor);
        assert_true((wide)root * root <= value);
        assert_true(root == UINT64_MAX || (wide)(root + 1) * (root + 1) > value);
    }
    assert_int_equal(wide_root(0), 0);
    assert_true(wide_root(~(wide)0) == UINT64_MAX);
    assert_int_equal(wide_scale(7, 3, 2), 11); /* 10.5 */
    assert_int_equal(wide_scale(1, 1, 3), 0);
    assert_int_equal(wide_scale(5, 5, 0), 0);
    assert_true(wide_scale(UINT64_MAX, 2, 1) == UINT64_MAX);
    assert_true(wide_scale(UINT64_MAX, UINT64_MAX, UINT64_MAX) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c),
        cmocka_unit_test(test_md5),
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_wide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
