/* Gives the functions of lib/ names of their own, so that a test can call both them and libc's. */
#define memcpy    lib_memcpy
#define memmove   lib_memmove
#define memset    lib_memset
#define memcmp    lib_memcmp
#define memchr    lib_memchr
#define strlen    lib_strlen
#define strnlen   lib_strnlen
#define strcmp    lib_strcmp
#define strncmp   lib_strncmp
#define strchr    lib_strchr
#define strrchr   lib_strrchr
#define strstr    lib_strstr
#define snprintf  lib_snprintf
#define vsnprintf lib_vsnprintf
#define format_to lib_format_to
