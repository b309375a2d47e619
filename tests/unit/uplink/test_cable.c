/* SPDX-License-Identifier: BSD-3-Clause */
/* test_cable.c - who is tied to whom, and what both ends count. What crosses is in dataplane/test_cable.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "uplink/uplink.h"

static void changed(void *ctx)
{
	++*(unsigned int *)ctx;
}

static struct uplink *end_of(const char *name, unsigned int *changes)
{
	struct uplink *uplink = NULL;
	struct reason why = { "" };

	if (uplink_cable(&uplink, name, changed, changes, &why))
		fail_msg("%s", why.text);
	return uplink;
}

static void test_ends_find_each_other(void **state)
{
	unsigned int changes[3] = { 0 };
	struct uplink *left = end_of("one", &changes[0]), *other = end_of("two", &changes[1]),
		      *right;

	assert_string_equal(left->name, "cable:one");
	assert_false(uplink_link(left));
	assert_int_equal(left->ops->poll_fd(left), -1);
	right = end_of("one", &changes[2]);
	assert_true(uplink_link(left) && uplink_link(right));
	assert_true(!uplink_link(other));
	assert_ptr_equal(left->peer, right);
	assert_ptr_equal(right->peer, left);
	assert_int_equal(changes[0], 1);
	assert_int_equal(changes[1] + changes[2], 0);

	right->ops->close(right);
	assert_false(uplink_link(left));
	assert_int_equal(changes[0], 2);
	right = end_of("one", &changes[2]);
	assert_true(uplink_link(left));
	left->ops->close(left);
	assert_false(uplink_link(right));
	assert_int_equal(changes[2], 1);
	right->ops->close(right);
	other->ops->close(other);
	assert_int_equal(changes[1], 0);
}

static void test_refusals(void **state)
{
	unsigned int changes = 0;
	struct uplink *left = end_of("x", &changes), *right = end_of("x", &changes), *third = NULL;
	struct reason why = { "" };

	assert_int_equal(uplink_cable(&third, "x", changed, &changes, &why), -EBUSY);
	assert_non_null(strstr(why.text, "x ties two ports"));
	assert_int_equal(uplink_cable(&third, "", changed, &changes, &why), -EINVAL);
	assert_int_equal(uplink_cable(&third, "sixteen-letters-", changed, &changes, &why),
			 -ENAMETOOLONG);
	assert_null(third);
	left->ops->close(left);
	right->ops->close(right);
}

static void test_counters(void **state)
{
	unsigned int changes = 0;
	struct uplink *left = end_of("x", &changes), *right;
	struct frame one = { .len = 100, .header_len = 100 },
		     many = { .len = 54 + 3000, .flags = FRAME_TSO, .mss = 1000, .l2_len = 14 };
	struct frame *frames[] = { &one, &many }, received;
	enum uplink_fate fate[2];

	many.l3_len = many.l4_len = 20;
	left->ops->send(left, frames, 2, fate);
	assert_true(fate[0] == UPLINK_DOWN && fate[1] == UPLINK_DOWN);
	assert_int_equal(left->stats.tx_down, 2);
	right = end_of("x", &changes);
	left->ops->send(left, frames, 2, fate);
	assert_true(fate[0] == UPLINK_SENT && fate[1] == UPLINK_SENT);
	assert_int_equal(left->stats.tx_packets, 4);
	assert_int_equal(left->stats.tx_bytes, 100 + 3 * 1054);
	assert_int_equal(right->stats.rx_packets, 4);
	assert_int_equal(right->stats.rx_bytes, 100 + 3 * 1054);
	assert_int_equal(right->stats.tx_packets + left->stats.rx_packets, 0);
	assert_int_equal(right->ops->receive(right, &received, 1), 0);
	left->ops->close(left);
	right->ops->close(right);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_find_each_other),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_counters),
	};

	return cmocka_run_group_tests_name("cable", tests, NULL, NULL);
}
