#pragma once

#include <cstddef>

// Calls `take` with the answer, or returns false where there is nothing to compare.
extern "C" bool bolt12_des_offer(const char *text,
                                 void (*take)(void *out, const char *answer,
                                              size_t length),
                                 void *out);
