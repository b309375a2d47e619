// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_vf.c - the library's VF against the real daemon: the open and what it finds, the errors that have a name, what
 * the PF driver grants and what it takes back, the card's end.
 */
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <softiov/softiov.h>
#include "card.h"
#include "util/util.h"
#include "vf/vf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define REOPENS 20
#define SHORT_MS 150 /* timeout where it is meant to expire */
#define PF "0000:07:00.0"

static const struct softiov_vf_options impatient = { .timeout_ms = SHORT_MS };

static struct softiov_vf *open_vf(struct card *card, unsigned int index)
{
	struct softiov_reason why = { "" };
	struct softiov_vf *vf = NULL;
	int error = softiov_vf_open(&vf, card_vf(card, index), NULL, &why);

	if (error)
		fail_msg("%s: %s", softiov_error_name(error), why.text);
	return vf;
}

/* Opening @address fails with @error, and the reason names the address. */
static void expect_no_vf(const char *address, int error)
{
	struct softiov_reason why = { "" };
	struct softiov_vf *vf = NULL;

	assert_string_equal(softiov_error_name(softiov_vf_open(&vf, address, &impatient, &why)),
			    softiov_error_name(error));
	assert_null(vf);
	assert_ptr_equal(strstr(why.text, address), why.text);
	assert_null(strchr(why.text, '\n'));
	assert_int_equal(softiov_vf_open(&vf, address, &impatient, NULL), -error);
}

/* Every buffer of @pool is in it. */
static void expect_all_back(const struct softiov_pool *pool)
{
	struct softiov_pool_info info;

	softiov_pool_info(pool, &info);
	assert_int_equal(info.free, info.buffers);
}

static unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* Call the VF's service as its descriptor asks for until it answers @events, all of them together or one by one. */
static void await(struct softiov_vf *vf, int events)
{
	struct pollfd p = { .fd = softiov_vf_fd(vf), .events = POLLIN };
	uint64_t end = now_ns() + CARD_PATIENCE_S * NSEC_PER_SEC;
	int seen = 0;

	while ((seen & events) != events) {
		int result;

		assert_true(now_ns() < end);
		assert_true(poll(&p, 1, 250) >= 0);
		result = softiov_vf_service(vf);
		assert_true(result >= 0);
		seen |= result;
	}
}

static void finds_what_the_card_is(void **state)
{
	static const uint8_t mac[] = { 0x52, 0x54, 0, 0, 0, 0x22 };
	struct softiov_vf *vf = open_vf(*state, 2);
	struct softiov_vf_info info;

	softiov_vf_info(vf, &info);
	assert_memory_equal(info.mac, mac, sizeof(mac));
	assert_int_equal(info.device_id, 0x10ed);
	assert_int_equal(info.mailbox_api, 3);
	assert_in_range(info.queues, 2, SOFTIOV_QUEUES_MAX);
	assert_false(info.port_vlan);
	assert_true(info.shared_registers);
	assert_true(info.link_up);
	assert_int_equal(info.link_mbps, 10000);
	assert_int_equal(info.max_frame, 1514);
	assert_string_equal(softiov_vf_address(vf), card_vf(*state, 2));
	assert_int_equal(softiov_vf_service(vf), 0);
	softiov_vf_close(vf);
}

static void finds_how_the_administrator_set_it_up(void **state)
{
	struct softiov_vf_info info;
	struct softiov_vf *vf = open_vf(*state, 1);

	softiov_vf_info(vf, &info);
	assert_false(info.shared_registers);
	softiov_vf_close(vf);
	vf = open_vf(*state, 3);
	softiov_vf_info(vf, &info);
	assert_true(info.port_vlan);
	softiov_vf_close(vf);
}

static void comes_and_goes(void **state)
{
	struct softiov_pool *pool;
	unsigned int fds;

	assert_int_equal(softiov_pool_create(&pool, NULL, NULL), 0);
	fds = open_fds();
	for (unsigned int i = 0; i < REOPENS; i++) {
		struct softiov_vf *vf = open_vf(*state, i % 4);
		struct softiov_queue *queue;

		assert_int_equal(softiov_queue_start(&queue, vf, 0, pool, NULL, NULL), 0);
		if (i % 2)
			softiov_queue_stop(queue);
		softiov_vf_close(vf);
		expect_all_back(pool);
		assert_int_equal(open_fds(), fds);
	}
	softiov_pool_destroy(pool);
}

static void a_reason_is_given_for_wrong_options(void **state)
{
	static const struct softiov_vf_options wrong[] = { { .max_frame = 63 },
							   { .max_frame = SOFTIOV_FRAME_MAX + 1 } };
	struct softiov_vf *vf;

	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct softiov_reason why = { "" };

		assert_int_equal(softiov_vf_open(&vf, card_vf(*state, 0), &wrong[i], &why),
				 -EINVAL);
		assert_non_null(strstr(why.text, "frames of"));
	}
}

static void long_frames_are_granted(void **state)
{
	const struct softiov_vf_options options = { .max_frame = SOFTIOV_FRAME_MAX };
	struct softiov_vf_info info;
	struct softiov_vf *vf;

	assert_int_equal(softiov_vf_open(&vf, card_vf(*state, 0), &options, NULL), 0);
	softiov_vf_info(vf, &info);
	assert_int_equal(info.max_frame, SOFTIOV_FRAME_MAX);
	softiov_vf_close(vf);
}

/* --- who is not a VF, or not ours ------------------------------------------------------------- */

static void addresses_are_checked(void **state)
{
	static const char *const wrong[] = { "",      "unix:",	"vfio:", "/run/softiov/x.sock",
					     "tcp:x", "UNIX:/x" };
	char longer[200] = "unix:/";

	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++)
		expect_no_vf(wrong[i], SOFTIOV_ERR_ADDRESS);
	memset(longer + 6, 'x', sizeof(longer) - 7);
	expect_no_vf(longer, SOFTIOV_ERR_ADDRESS);
}

static void nobody_there(void **state)
{
	const struct card *card = *state;
	char address[160];

	snprintf(address, sizeof(address), "unix:%s/0000:07:1f.0.sock", card->dir);
	expect_no_vf(address, SOFTIOV_ERR_NOT_FOUND);
	snprintf(address, sizeof(address), "unix:%s/no/directory", card->dir);
	expect_no_vf(address, SOFTIOV_ERR_NOT_FOUND);
	snprintf(address, sizeof(address), "unix:%s", card->config); /* a plain file */
	expect_no_vf(address, SOFTIOV_ERR_NOT_FOUND);
	expect_no_vf("vfio:ffff:1f:00.0", SOFTIOV_ERR_NOT_FOUND);
}

/** struct stranger - a listener that is no vfio-user server; it sends @say to whoever comes. */
struct stranger {
	char address[128];
	const char *say;
	size_t size;
	bool accepts, closes;
	int fd;
	pthread_t thread;
};

static void *serve_stranger(void *arg)
{
	const struct stranger *stranger = arg;
	char heard[64];
	int fd;

	while ((fd = accept(stranger->fd, NULL, NULL)) >= 0) {
		if (stranger->size)
			(void)!send(fd, stranger->say, stranger->size, MSG_NOSIGNAL);
		while (!stranger->closes && recv(fd, heard, sizeof(heard), 0) > 0)
			;
		close(fd);
	}
	return NULL;
}

static void stranger_start(struct stranger *stranger, const struct card *card)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	snprintf(name.sun_path, sizeof(name.sun_path), "%s/stranger", card->dir);
	snprintf(stranger->address, sizeof(stranger->address), "unix:%s", name.sun_path);
	stranger->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(stranger->fd >= 0);
	assert_int_equal(bind(stranger->fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(stranger->fd, 0), 0);
	if (stranger->accepts)
		assert_int_equal(pthread_create(&stranger->thread, NULL, serve_stranger, stranger),
				 0);
}

static void stranger_stop(struct stranger *stranger)
{
	shutdown(stranger->fd, SHUT_RDWR);
	if (stranger->accepts)
		pthread_join(stranger->thread, NULL);
	close(stranger->fd);
	unlink(stranger->address + strlen("unix:"));
}

static void strangers_are_told_apart(void **state)
{
	static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	static const char reply_of_another[] = { 9, 0, 1, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0 };
	static const struct stranger strangers[] = {
		{ .accepts = true, .say = http, .size = sizeof(http) - 1 },
		{ .accepts = true, .say = http, .size = 3 },
		{ .accepts = true, .say = reply_of_another, .size = sizeof(reply_of_another) },
		{ .accepts = true, .closes = true },
		{ .accepts = true },  /* hears, and says nothing */
		{ .accepts = false }, /* does not even take the connection */
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(strangers); i++) {
		struct stranger stranger = strangers[i];

		stranger_start(&stranger, *state);
		expect_no_vf(stranger.address, SOFTIOV_ERR_NOT_CARD);
		expect_no_vf(stranger.address, SOFTIOV_ERR_NOT_CARD);
		stranger_stop(&stranger);
	}
}

static void one_driver_at_a_time(void **state)
{
	struct softiov_vf *vf = open_vf(*state, 0);

	expect_no_vf(card_vf(*state, 0), SOFTIOV_ERR_OWNED);
	assert_int_equal(softiov_vf_service(vf), 0);
	softiov_vf_close(vf);
	softiov_vf_close(open_vf(*state, 0));
}

/* --- what the PF driver grants ---------------------------------------------------------------- */

static void policy_decides(void **state)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 0, 0, 0x77 }, none[6] = { 0 };
	static const uint8_t group[2][6] = { { 1, 0, 0x5e, 0, 0, 1 }, { 0x33, 0x33, 0, 0, 0, 1 } };
	struct softiov_vf *plain = open_vf(*state, 0), *trusted = open_vf(*state, 2),
			  *in_vlan = open_vf(*state, 3);
	struct softiov_vf_info info;

	assert_int_equal(softiov_vf_set_mac(plain, mac), 0);
	softiov_vf_info(plain, &info);
	assert_memory_equal(info.mac, mac, 6);
	assert_int_equal(softiov_vf_set_mac(plain, none), -EINVAL);
	assert_int_equal(softiov_vf_set_mac(plain, group[0]), -EINVAL);
	assert_int_equal(softiov_vf_set_mac(in_vlan, mac), -SOFTIOV_ERR_REFUSED); /* somebody's */
	assert_int_equal(softiov_vf_set_mac(trusted, mac), 0);

	assert_int_equal(softiov_vf_set_vlan(plain, 5, true), 0);
	assert_int_equal(softiov_vf_set_vlan(plain, 5, false), 0);
	assert_int_equal(softiov_vf_set_vlan(plain, 0, true), -EINVAL);
	assert_int_equal(softiov_vf_set_vlan(plain, 4095, true), -EINVAL);
	assert_int_equal(softiov_vf_set_vlan(in_vlan, 5, true), -SOFTIOV_ERR_REFUSED);

	assert_int_equal(softiov_vf_set_multicast(plain, group, 2), 0);
	assert_int_equal(softiov_vf_set_multicast(plain, NULL, 0), 0);
	assert_int_equal(softiov_vf_set_multicast(plain, &mac, 1), -EINVAL);
	assert_int_equal(softiov_vf_set_multicast(plain, group, 31), -EINVAL);

	assert_int_equal(softiov_vf_set_mode(plain, SOFTIOV_RX_NORMAL), 0);
	assert_int_equal(softiov_vf_set_mode(plain, SOFTIOV_RX_ALL_MULTICAST),
			 -SOFTIOV_ERR_REFUSED);
	assert_int_equal(softiov_vf_set_mode(trusted, SOFTIOV_RX_ALL_MULTICAST), 0);
	/* An 82599 has no such mode for a pool. */
	assert_int_equal(softiov_vf_set_mode(trusted, SOFTIOV_RX_PROMISCUOUS),
			 -SOFTIOV_ERR_REFUSED);
	assert_int_equal(softiov_vf_set_mode(plain, SOFTIOV_RX_PROMISCUOUS + 1), -EINVAL);
	softiov_vf_close(plain);
	softiov_vf_close(trusted);
	softiov_vf_close(in_vlan);
}

static void a_new_address_of_the_administrator(void **state)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 0, 0, 0x99 };
	struct softiov_vf *vf = open_vf(*state, 0);
	struct softiov_vf_info info;
	struct softiov_queue *queue;
	struct softiov_pool *pool;

	assert_int_equal(softiov_pool_create(&pool, NULL, NULL), 0);
	assert_int_equal(softiov_queue_start(&queue, vf, 0, pool, NULL, NULL), 0);
	assert_int_equal(CARD_ADMIN(*state, "vf", "set", PF, "vf", "0", "mac", "52:54:00:00:00:99"),
			 0);
	await(vf, SOFTIOV_EVENT_RESET);
	softiov_vf_info(vf, &info);
	assert_memory_equal(info.mac, mac, sizeof(mac));
	assert_true(info.link_up);
	softiov_vf_close(vf);
	softiov_pool_destroy(pool);
}

static void a_port_vlan_comes_and_goes(void **state)
{
	struct softiov_vf *vf = open_vf(*state, 0);
	struct softiov_vf_info info;

	assert_int_equal(softiov_vf_set_vlan(vf, 5, true), 0);
	assert_int_equal(CARD_ADMIN(*state, "vf", "set", PF, "vf", "0", "vlan", "7"), 0);
	await(vf, SOFTIOV_EVENT_RESET);
	softiov_vf_info(vf, &info);
	assert_true(info.port_vlan);
	assert_int_equal(softiov_vf_set_vlan(vf, 6, true), -SOFTIOV_ERR_REFUSED);
	assert_int_equal(CARD_ADMIN(*state, "vf", "set", PF, "vf", "0", "vlan", "0"), 0);
	await(vf, SOFTIOV_EVENT_RESET);
	softiov_vf_info(vf, &info);
	assert_false(info.port_vlan);
	assert_int_equal(softiov_vf_set_vlan(vf, 6, true), 0);
	softiov_vf_close(vf);
}

static void the_link_is_taken_away(void **state)
{
	struct softiov_vf *vf = open_vf(*state, 0);
	struct softiov_vf_info info;

	assert_int_equal(CARD_ADMIN(*state, "vf", "set", PF, "vf", "0", "state", "disable"), 0);
	await(vf, SOFTIOV_EVENT_RESET | SOFTIOV_EVENT_LINK);
	softiov_vf_info(vf, &info);
	assert_false(info.link_up);
	assert_int_equal(info.link_mbps, 0);
	assert_int_equal(CARD_ADMIN(*state, "vf", "set", PF, "vf", "0", "state", "auto"), 0);
	await(vf, SOFTIOV_EVENT_RESET | SOFTIOV_EVENT_LINK);
	softiov_vf_info(vf, &info);
	assert_true(info.link_up);
	softiov_vf_close(vf);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void expect_gone(struct softiov_vf *vf)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 0, 0, 0x77 };

	assert_int_equal(softiov_vf_service(vf), -SOFTIOV_ERR_GONE);
	assert_int_equal(softiov_vf_set_mac(vf, mac), -SOFTIOV_ERR_GONE);
	assert_int_equal(softiov_vf_set_vlan(vf, 5, true), -SOFTIOV_ERR_GONE);
	assert_int_equal(softiov_vf_service(vf), -SOFTIOV_ERR_GONE);
}

static void the_daemon_is_killed(void **state)
{
	struct softiov_vf *vf[2] = { open_vf(*state, 0), open_vf(*state, 1) };
	struct softiov_queue *queue[2];
	struct softiov_pool *pool;
	struct pollfd p;

	assert_int_equal(softiov_pool_create(&pool, NULL, NULL), 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(softiov_queue_start(&queue[i], vf[i], 0, pool, NULL, NULL), 0);
	card_signal(*state, SIGKILL);
	card_died(*state);
	for (unsigned int i = 0; i < 2; i++) {
		p = (struct pollfd){ .fd = softiov_vf_fd(vf[i]), .events = POLLIN };
		assert_int_equal(poll(&p, 1, CARD_PATIENCE_S * 1000), 1);
		expect_gone(vf[i]);
		softiov_vf_close(vf[i]);
	}
	expect_all_back(pool);
	softiov_pool_destroy(pool);
	expect_no_vf(card_vf(*state, 0), SOFTIOV_ERR_NOT_FOUND);
}

static void the_daemon_stops_answering(void **state)
{
	struct softiov_vf *vf;

	assert_int_equal(softiov_vf_open(&vf, card_vf(*state, 0), &impatient, NULL), 0);
	card_signal(*state, SIGSTOP);
	assert_int_equal(softiov_vf_set_vlan(vf, 5, true), -SOFTIOV_ERR_GONE);
	expect_gone(vf);
	/* Nothing waits a second time: neither closing nor stopping many queues takes many timeouts. */
	assert_int_equal(vf->transport->ops->dma_unmap(vf->transport, 0, 4096), -ENOTCONN);
	expect_no_vf(card_vf(*state, 1), SOFTIOV_ERR_NOT_CARD);
	softiov_vf_close(vf);
}

#define WITH_CARD(test) cmocka_unit_test_setup_teardown(test, card_setup, card_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CARD(finds_what_the_card_is),
		WITH_CARD(finds_how_the_administrator_set_it_up),
		WITH_CARD(comes_and_goes),
		WITH_CARD(a_reason_is_given_for_wrong_options),
		WITH_CARD(long_frames_are_granted),
		WITH_CARD(addresses_are_checked),
		WITH_CARD(nobody_there),
		WITH_CARD(strangers_are_told_apart),
		WITH_CARD(one_driver_at_a_time),
		WITH_CARD(policy_decides),
		WITH_CARD(a_new_address_of_the_administrator),
		WITH_CARD(a_port_vlan_comes_and_goes),
		WITH_CARD(the_link_is_taken_away),
		WITH_CARD(the_daemon_is_killed),
		WITH_CARD(the_daemon_stops_answering),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
