/*
 * What regex_parse.c, which makes the steps, and regex.c, which walks them, have
 * in common.
 */
#ifndef LIB_REGEX_STEPS_H
#define LIB_REGEX_STEPS_H

#include "lib/regex.h"

enum kind {
    STEP_BYTE,
    STEP_ANY,
    STEP_SET,
    STEP_SPLIT, /* on at `first` and at `second` */
    STEP_JUMP,  /* on at `first` */
    STEP_LINE_START,
    STEP_LINE_END,
    STEP_WORD_START,
    STEP_WORD_END,
    STEP_WORD_EDGE,
    STEP_MATCH
};

#endif
