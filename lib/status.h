/*
 * The one list of errors, and the words for each. Functions that can fail
 * return int (or int64_t when a count may come back too): zero or a count on
 * success, one of these, all negative, on failure.
 */
#ifndef LIB_STATUS_H
#define LIB_STATUS_H

enum status {
    OK = 0,
    ERR_NOT_FOUND = -1,      /* "No such file or directory" */
    ERR_IO = -2,             /* "Input/output error" */
    ERR_NO_MEMORY = -3,      /* "Cannot allocate memory" */
    ERR_EXISTS = -4,         /* "File exists" */
    ERR_NOT_DIRECTORY = -5,  /* "Not a directory" */
    ERR_IS_DIRECTORY = -6,   /* "Is a directory" */
    ERR_INVALID = -7,        /* "Invalid argument" */
    ERR_NO_SPACE = -8,       /* "No space left on device" */
    ERR_NOT_EMPTY = -9,      /* "Directory not empty" */
    ERR_READ_ONLY = -10,     /* "Read-only file system" */
    ERR_NO_DEVICE = -11,     /* "No such device" */
    ERR_NOT_SUPPORTED = -12, /* "Operation not supported" */
    ERR_TIMED_OUT = -13,     /* "Connection timed out" */
    ERR_INTERRUPTED = -14,   /* "Interrupted system call" */
    ERR_AGAIN = -15,         /* "Resource temporarily unavailable" */
    ERR_BUSY = -16,          /* "Device or resource busy" */
    ERR_BAD_FILE = -17,      /* "Bad file descriptor" */
    ERR_TOO_LARGE = -18,     /* "File too large" */
    ERR_NAME_TOO_LONG = -19, /* "File name too long" */
    ERR_PIPE = -20,          /* "Broken pipe" */
    ERR_NOT_PERMITTED = -21, /* "Operation not permitted" */
    ERR_CROSS_DEVICE = -22,  /* "Invalid cross-device link" */
    ERR_NOT_SEEKABLE = -23,  /* "Illegal seek" */
    ERR_RANGE = -24,         /* "Numerical result out of range" */
};

/* The words that GNU/Linux prints for the same condition; never NULL, whatever `status` is. */
const char *status_text(int status);

#endif
