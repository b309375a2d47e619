# SPDX-License-Identifier: BSD-3-Clause
# A script as a string of C.
s/\\/\\\\/g
s/"/\\"/g
s/^/"/
s/$/\\n"/
1i\
static const char guest_check_script[] =
$a\
;
