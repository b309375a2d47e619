/* SPDX-License-Identifier: BSD-3-Clause */
/* cppcheck.h - library macros that cppcheck must know to parse what follows them; included by it before each file. */
#define json_array_foreach(array, index, value) for (index = 0; (value = json_array_get(array, index)); index++)
#define json_object_foreach(object, key, value) for (key = 0, value = 0; key; key = 0)
