/*
 * The words for the errors: those of the C library on GNU/Linux, so that
 * messages read as people know them.
 */
#include "lib/status.h"

#include "lib/bits.h"

static const char *const texts[] = {
    [OK] = "Success",
    [-ERR_NOT_FOUND] = "No such file or directory",
    [-ERR_IO] = "Input/output error",
    [-ERR_NO_MEMORY] = "Cannot allocate memory",
    [-ERR_EXISTS] = "File exists",
    [-ERR_NOT_DIRECTORY] = "Not a directory",
    [-ERR_IS_DIRECTORY] = "Is a directory",
    [-ERR_INVALID] = "Invalid argument",
    [-ERR_NO_SPACE] = "No space left on device",
    [-ERR_NOT_EMPTY] = "Directory not empty",
    [-ERR_READ_ONLY] = "Read-only file system",
    [-ERR_NO_DEVICE] = "No such device",
    [-ERR_NOT_SUPPORTED] = "Operation not supported",
    [-ERR_TIMED_OUT] = "Connection timed out",
    [-ERR_INTERRUPTED] = "Interrupted system call",
    [-ERR_AGAIN] = "Resource temporarily unavailable",
    [-ERR_BUSY] = "Device or resource busy",
    [-ERR_BAD_FILE] = "Bad file descriptor",
    [-ERR_TOO_LARGE] = "File too large",
    [-ERR_NAME_TOO_LONG] = "File name too long",
    [-ERR_PIPE] = "Broken pipe",
    [-ERR_NOT_PERMITTED] = "Operation not permitted",
    [-ERR_CROSS_DEVICE] = "Invalid cross-device link",
    [-ERR_NOT_SEEKABLE] = "Illegal seek",
    [-ERR_RANGE] = "Numerical result out of range",
};

const char *status_text(int status)
{
    if (status > 0 || status <= -(int)ARRAY_SIZE(texts))
        return "Unknown error";
    return texts[-status];
}
