// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_server.c - connections: negotiation, framing, who may be the client, grace periods, sockets.
 *
 * Every test also checks, in its teardown, that no descriptor leaked and that the device was told
 * of each departure.
 */
#include "harness.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct answer answer;

/* VERSION */

static int version(int fd, uint16_t major, uint16_t minor, const char *text, size_t size)
{
	uint8_t body[8192] = { 0 };

	memcpy(body, &major, 2);
	memcpy(body + 2, &minor, 2);
	if (size)
		memcpy(body + 4, text, size);
	return peer_call(fd, VFIO_USER_CMD_VERSION, body, (uint32_t)(4 + size), NULL, 0, &answer);
}

static void test_version_like_qemu(void **state)
{
	int fd = peer_open();

	assert_int_equal(h.fake.connects, 1);
	assert_int_equal(h.fake.pid, getpid());
	assert_int_equal(vfio_user_server_client(h.server), getpid());
	assert_alive(fd);
	close(fd);
	pump();
	assert_int_equal(h.fake.disconnects, 1);
	assert_int_equal(vfio_user_server_client(h.server), 0);
}

/* Whoever may open the socket must not be able to fill the disk with messages about it. */
static void test_coming_and_going_is_logged_sparingly(void **state)
{
	int log = memfd_create("log", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
	char text[65536];
	unsigned int lines = 0;
	ssize_t size;

	log_set_level(LOG_LEVEL_INFO);
	assert_int_equal(dup2(log, STDERR_FILENO), STDERR_FILENO);
	for (unsigned int i = 0; i < 50; i++) {
		close(peer_open());
		pump();
	}
	dup2(saved, STDERR_FILENO);
	log_set_level(LOG_LEVEL_ERROR);
	size = pread(log, text, sizeof(text), 0);
	for (ssize_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	close(saved);
	close(log);
	assert_int_equal(h.fake.connects, 50);
	assert_in_range(lines, 2, 10);
}

static void test_version_accepted(void **state)
{
	static const struct {
		uint16_t minor;
		const char *text;
	} cases[] = {
		{ 0, NULL },
		{ 0, "{}" },
		{ 0, "{\"capabilities\":{}}" },
		{ 1, "{\"capabilities\":{\"max_msg_fds\":8}}" },
		{ 2, "{\"capabilities\":{\"max_msg_fds\":0,\"max_data_xfer_size\":4096}}" },
		{ 0, "{\"capabilities\":{\"twin_socket\":{\"supported\":true},\"new\":[1,{}]}}" },
		{ 0, "{\"capabilities\":{\"write_multiple\":false,\"migration\":{}}}" },
		{ 0, "{\"x\":\"[[[[[[[[[[[[[[[[\\\"{{{{{{{{{{{{{\"}" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = peer_connect();
		const char *text = cases[i].text;

		assert_int_equal(version(fd, 0, cases[i].minor, text, text ? strlen(text) + 1 : 0),
				 0);
		assert_true(answer.header.size <= VFIO_USER_VERSION_REPLY_MAX);
		assert_int_equal(get_le16(answer.body), 0);
		assert_int_equal(get_le16(answer.body + 2), 0);
		assert_int_equal(answer.body[answer.size - 1], 0);
		assert_non_null(strstr((char *)answer.body + 4, "\"max_msg_fds\":16"));
		assert_alive(fd);
		close(fd);
	}
}

static void test_version_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"x",
		"[]",
		"5",
		"{",
		"{\"capabilities\":5}",
		"{\"capabilities\":{\"max_msg_fds\":-1}}",
		"{\"capabilities\":{\"max_msg_fds\":1025}}",
		"{\"capabilities\":{\"max_msg_fds\":\"8\"}}",
		"{\"capabilities\":{\"max_msg_fds\":1e1}}",
		"{\"capabilities\":{\"max_msg_fds\":99999999999999999999}}",
		"{\"capabilities\":{\"max_data_xfer_size\":0}}",
		"{\"capabilities\":{\"max_data_xfer_size\":{}}}",
		"{\"capabilities\":{\"max_dma_maps\":true}}",
		"{\"capabilities\":{\"pgsizes\":\"4096\"}}",
		"{\"capabilities\":{\"migration\":1}}",
		"{\"capabilities\":{\"write_multiple\":1}}",
		"{\"capabilities\":{},\"capabilities\":{}}",
		"{\"a\":[[[[[[[[[[]]]]]]]]]]}",
		"{\"a\":\"\xff\xfe\"}",
	};
	char deep[4000];

	for (unsigned int i = 0; i < ARRAY_SIZE(texts); i++) {
		int fd = peer_connect();

		assert_int_equal(version(fd, 0, 0, texts[i], strlen(texts[i]) + 1), EINVAL);
		assert_closed(fd);
	}
	memset(deep, '[', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	for (unsigned int i = 0; i < 3; i++) {
		int fd = peer_connect();

		if (i == 0)
			assert_int_equal(version(fd, 0, 0, deep, sizeof(deep)), EINVAL);
		else if (i == 1) /* no NUL */
			assert_int_equal(version(fd, 0, 0, "{}", 2), EINVAL);
		else
			assert_int_equal(version(fd, 1, 0, "{}", 3), EINVAL);
		assert_closed(fd);
	}
	assert_int_equal(h.fake.connects, 0);
}

static void test_version_short_or_large(void **state)
{
	static uint8_t body[5000];
	int fd;

	for (uint32_t size = 0; size < 4; size++) {
		fd = peer_connect();
		peer_post(fd, 1, VFIO_USER_CMD_VERSION, 0, body, size, NULL, 0);
		assert_refused(fd, EINVAL);
	}
	fd = peer_connect();
	peer_post(fd, 1, VFIO_USER_CMD_VERSION, 0, body, sizeof(body), NULL, 0);
	assert_refused(fd, EINVAL);
}

static void test_version_twice(void **state)
{
	int fd = peer_open();

	assert_int_equal(version(fd, 0, 0, "{}", 3), EINVAL);
	assert_alive(fd);
	assert_int_equal(h.fake.connects, 1);
	close(fd);
}

static void test_version_not_first(void **state)
{
	for (uint16_t command = 0; command < 20; command++) {
		int fd;

		if (command == VFIO_USER_CMD_VERSION)
			continue;
		fd = peer_connect();
		peer_post(fd, 7, command, 0, "0123456789abcdef0123456789abcdef", 32, NULL, 0);
		assert_refused(fd, EINVAL);
	}
	assert_int_equal(h.fake.resets, 0);
}

static void test_version_with_fds(void **state)
{
	int fd = peer_connect(), file = memory_file(4096);

	peer_post(fd, 1, VFIO_USER_CMD_VERSION, 0, "\0\0\0\0{}", 7, &file, 1);
	assert_refused(fd, EINVAL);
	close(file);
}

static void test_version_without_reply(void **state)
{
	int fd = peer_connect();

	peer_post(fd, 1, VFIO_USER_CMD_VERSION, VFIO_USER_FLAG_NO_REPLY, "\0\0\0\0{}", 7, NULL, 0);
	assert_closed(fd);
}

static void test_device_refuses_client(void **state)
{
	int fd = peer_connect();

	h.fake.refuse_connect = -EACCES;
	assert_int_equal(version(fd, 0, 0, "{}", 3), EACCES);
	assert_closed(fd);
	h.fake.refuse_connect = 0;
	fd = peer_open();
	close(fd);
	pump();
}

/* Framing */

static void test_header_in_pieces(void **state)
{
	struct {
		struct vfio_user_header header;
		struct vfio_user_device_info info;
	} m = { { 9, VFIO_USER_CMD_DEVICE_GET_INFO, sizeof(m), 0, 0 }, { .argsz = 16 } };
	int fd = peer_open(), other = peer_connect();

	for (size_t i = 0; i < sizeof(m); i++) {
		peer_send(fd, (uint8_t *)&m + i, 1, NULL, 0);
		pump();
	}
	assert_int_equal(peer_receive(fd, &answer), 1);
	assert_int_equal(answer.header.id, 9);
	assert_int_equal(answer.size, 16);

	/* Half a header, then silence: nobody else notices. */
	peer_send(fd, &m, 7, NULL, 0);
	assert_int_equal(version(other, 0, 0, "{}", 3), EBUSY);
	assert_closed(other);
	peer_send(fd, (uint8_t *)&m + 7, sizeof(m) - 7, NULL, 0);
	assert_int_equal(peer_receive(fd, &answer), 1);
	close(fd);
}

static void test_many_in_one_piece(void **state)
{
	struct {
		struct vfio_user_header header;
		struct vfio_user_device_info info;
	} m[300];
	int fd = peer_open();

	for (unsigned int i = 0; i < ARRAY_SIZE(m); i++) {
		m[i].header = (struct vfio_user_header){ (uint16_t)i, VFIO_USER_CMD_DEVICE_GET_INFO,
							 sizeof(m[i]), 0, 0 };
		m[i].info = (struct vfio_user_device_info){ .argsz = 16 };
	}
	peer_send(fd, m, sizeof(m), NULL, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(m); i++) {
		assert_int_equal(peer_receive(fd, &answer), 1);
		assert_int_equal(answer.header.id, i);
	}
	close(fd);
}

static void test_bad_sizes(void **state)
{
	static const struct {
		uint16_t command;
		uint32_t size;
	} cases[] = {
		{ VFIO_USER_CMD_DEVICE_GET_INFO, 0 },
		{ VFIO_USER_CMD_DEVICE_GET_INFO, 15 },
		{ VFIO_USER_CMD_DEVICE_GET_INFO, 65537 },
		{ VFIO_USER_CMD_DMA_MAP, UINT32_MAX },
		{ VFIO_USER_CMD_REGION_WRITE, 16 + 16 + 1048576 + 1 },
		{ VFIO_USER_CMD_REGION_WRITE, 0x80000000 },
		{ 999, 65537 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfio_user_header header = { 3, cases[i].command, cases[i].size, 0, 0 };
		int fd = peer_open();

		peer_send(fd, &header, sizeof(header), NULL, 0);
		assert_refused(fd, EINVAL);
		pump();
	}
	assert_int_equal(h.fake.disconnects, ARRAY_SIZE(cases));
}

static void test_message_types(void **state)
{
	int fd = peer_open();

	/* Replies to nothing are ignored, for a while. */
	for (unsigned int i = 0; i < 10; i++)
		peer_post(fd, (uint16_t)i, VFIO_USER_CMD_DMA_WRITE, VFIO_USER_TYPE_REPLY, "abc", 3,
			  NULL, 0);
	assert_alive(fd);
	for (unsigned int i = 0; i < 10; i++)
		peer_post(fd, (uint16_t)i, VFIO_USER_CMD_DMA_READ, VFIO_USER_TYPE_REPLY, NULL, 0,
			  NULL, 0);
	assert_closed(fd);

	for (uint32_t type = 2; type < 16; type++) {
		fd = peer_open();
		peer_post(fd, 1, VFIO_USER_CMD_DEVICE_RESET, type, NULL, 0, NULL, 0);
		assert_closed(fd);
		pump();
	}
	assert_int_equal(h.fake.resets, 0);

	fd = peer_connect();
	peer_post(fd, 1, VFIO_USER_CMD_VERSION, VFIO_USER_TYPE_REPLY, "\0\0\0\0{}", 7, NULL, 0);
	assert_closed(fd);
}

static void test_unexpected_fds(void **state)
{
	struct vfio_user_device_info info = { .argsz = sizeof(info) };
	int files[253], fd = peer_open(), before;

	files[0] = memory_file(4096);
	for (unsigned int i = 1; i < ARRAY_SIZE(files); i++)
		files[i] = dup(files[0]);
	assert_alive(fd);
	before = open_fds();

	assert_int_equal(peer_call(fd, VFIO_USER_CMD_DEVICE_GET_INFO, &info, sizeof(info), files, 1,
				   NULL),
			 EINVAL);
	assert_int_equal(peer_call(fd, VFIO_USER_CMD_DEVICE_GET_INFO, &info, sizeof(info), files,
				   253, NULL),
			 EINVAL);
	assert_int_equal(peer_call(fd, VFIO_USER_CMD_DEVICE_RESET, NULL, 0, files, 17, NULL),
			 EINVAL);
	assert_int_equal(peer_call(fd, 99, NULL, 0, files, 253, NULL), EINVAL);
	assert_int_equal(h.fake.resets, 0);
	assert_alive(fd);
	assert_int_equal(open_fds(), before);

	/* A reply, a posted message, pieces of a header, a body: all with fds. */
	peer_post(fd, 1, VFIO_USER_CMD_DMA_WRITE, VFIO_USER_TYPE_REPLY, "x", 1, files, 3);
	peer_post(fd, 1, VFIO_USER_CMD_DEVICE_RESET, VFIO_USER_FLAG_NO_REPLY, NULL, 0, files, 4);
	assert_alive(fd);
	for (unsigned int i = 0; i < 16; i++) {
		struct vfio_user_header header = { 5, VFIO_USER_CMD_DEVICE_RESET, 16, 0, 0 };

		peer_send(fd, (uint8_t *)&header + i, 1, files, 253);
		pump();
	}
	assert_int_equal(peer_receive(fd, &answer), 1);
	assert_int_equal(answer.header.error, EINVAL);
	for (unsigned int i = 0; i < 2; i++) {
		struct vfio_user_header header = { 6, VFIO_USER_CMD_DEVICE_GET_INFO, 32, 0, 0 };

		peer_send(fd, &header, sizeof(header), NULL, 0);
		peer_send(fd, &info, sizeof(info), files, 9); /* dropped */
		assert_int_equal(peer_receive(fd, &answer), 1);
		assert_int_equal(answer.header.error, 0);
	}
	assert_alive(fd);
	assert_int_equal(open_fds(), before);

	/* The connection ends while fds wait for the rest of their message. */
	peer_send(fd, "\1\0\2\0", 4, files, 20);
	pump();
	close(fd);
	pump();
	for (unsigned int i = 0; i < ARRAY_SIZE(files); i++)
		close(files[i]);
}

static void test_disconnect_mid_message(void **state)
{
	struct vfio_user_header header = { 6, VFIO_USER_CMD_REGION_WRITE, 70000, 0, 0 };
	int fd = peer_open();

	peer_send(fd, &header, sizeof(header), NULL, 0);
	peer_send(fd, &header, sizeof(header), NULL, 0);
	close(fd);
	pump();
	assert_int_equal(h.fake.disconnects, 1);
	fd = peer_open();
	assert_alive(fd);
	close(fd);
}

static void test_no_reply_means_none(void **state)
{
	int fd = peer_open();

	for (uint16_t command = 0; command < 25; command++)
		peer_post(fd, command, command, VFIO_USER_FLAG_NO_REPLY, "\xff\xff\xff\xff", 4,
			  NULL, 0);
	peer_post(fd, 1, VFIO_USER_CMD_DEVICE_RESET, VFIO_USER_FLAG_NO_REPLY, NULL, 0, NULL, 0);
	assert_alive(fd);
	assert_int_equal(h.fake.resets, 2);
	close(fd);
}

/* Clients */

static void test_second_client(void **state)
{
	int first = peer_open();

	for (unsigned int i = 0; i < 5; i++) {
		int second = peer_connect();

		assert_int_equal(version(second, 0, 0, "{}", 3), EBUSY);
		assert_closed(second);
	}
	assert_alive(first);
	assert_int_equal(h.fake.connects, 1);
	close(first);
}

static void test_silent_peer_blocks_nobody(void **state)
{
	int silent[12], fd;

	for (unsigned int i = 0; i < 5; i++)
		silent[i] = peer_connect();
	pump();
	fd = peer_open();
	for (unsigned int i = 5; i < ARRAY_SIZE(silent); i++)
		silent[i] = peer_connect();
	assert_alive(fd);
	for (unsigned int i = 0; i < ARRAY_SIZE(silent); i++)
		close(silent[i]);
	pump();
	assert_alive(fd);
	close(fd);
}

static void test_handshake_deadline(void **state)
{
	uint64_t start = now_ns();
	int silent = peer_connect(), half = peer_connect(), client = peer_open();
	char byte;

	peer_send(half, "\1\0\1\0", 4, NULL, 0);
	while (recv(half, &byte, 1, 0) != 0 && now_ns() - start < 10 * NSEC_PER_SEC) {
		event_base_loop(h.base, EVLOOP_NONBLOCK);
		usleep(10000);
	}
	assert_in_range(now_ns() - start, 4 * NSEC_PER_SEC, 8 * NSEC_PER_SEC);
	assert_closed(silent);
	close(half);
	assert_alive(client);
	close(client);
}

static void test_reconnect(void **state)
{
	for (unsigned int i = 0; i < 50; i++) {
		int fd = peer_open();

		assert_alive(fd);
		close(fd); /* the next one comes before the server can notice */
	}
	pump();
	assert_int_equal(h.fake.connects, 50);
	assert_int_equal(h.fake.disconnects, 50);
	assert_int_equal(vfio_user_server_stats(h.server)->connects, 50);
}

static void test_reconnect_before_backlog_is_read(void **state)
{
	struct {
		struct vfio_user_region_access access;
		uint8_t data;
	} __attribute__((packed)) write = { { 0, BAR2, 1 }, 5 };
	int first = peer_open(), second;

	for (unsigned int i = 0; i < 1000; i++)
		peer_post(first, 1, VFIO_USER_CMD_REGION_WRITE, VFIO_USER_FLAG_NO_REPLY, &write,
			  sizeof(write), NULL, 0);
	close(first);
	second = peer_open();
	assert_int_equal(h.fake.writes, 1000);
	assert_int_equal(h.fake.disconnects, 1);
	assert_alive(second);
	close(second);
}

static void test_throw_out(void **state)
{
	int fd = peer_open();

	vfio_user_server_disconnect(h.server, "test");
	assert_int_equal(h.fake.disconnects, 0);
	assert_closed(fd);
	assert_int_equal(h.fake.disconnects, 1);
	vfio_user_server_disconnect(h.server, "nobody there");
	fd = peer_open();
	close(fd);
	pump();
}

static void throw_out_from_op(void)
{
	vfio_user_server_disconnect(h.server, "inside an op");
}

static void destroy_from_op(void)
{
	vfio_user_server_destroy(h.server);
	h.server = NULL;
}

static void post_writes(int fd)
{
	struct {
		uint64_t count;
		struct vfio_user_write_entry entry[20];
	} multi = { .count = 20 };

	for (unsigned int i = 0; i < 20; i++)
		multi.entry[i] = (struct vfio_user_write_entry){ i, BAR2, 1, { (uint8_t)i } };
	peer_post(fd, 1, VFIO_USER_CMD_REGION_WRITE_MULTI, 0, &multi, sizeof(multi), NULL, 0);
}

static void test_throw_out_from_op(void **state)
{
	int fd = peer_open();

	h.fake.on_write = throw_out_from_op;
	post_writes(fd);
	assert_closed(fd);
	assert_true(h.fake.writes <= 16); /* it stopped at the next step at the latest */
	assert_int_equal(h.fake.disconnects, 1);
}

static void test_destroy_from_op(void **state)
{
	struct reason why;
	int fd = peer_open();

	h.fake.on_write = destroy_from_op;
	post_writes(fd);
	assert_closed(fd);
	assert_int_equal(h.fake.writes, 1);
	assert_int_equal(h.fake.disconnects, 1);
	assert_int_equal(harness_listen(&h.server, h.path, &why), 0);
}

static void test_client_never_reads(void **state)
{
	struct vfio_user_region_access access = { 0, BAR4, 1048576 };
	struct {
		struct vfio_user_header header;
		struct vfio_user_region_access access;
	} m[64];
	unsigned int replies = 0;
	int fd = peer_open(), other;

	for (unsigned int i = 0; i < ARRAY_SIZE(m); i++) {
		m[i].header = (struct vfio_user_header){ (uint16_t)i, VFIO_USER_CMD_REGION_READ,
							 sizeof(m[i]), 0, 0 };
		m[i].access = access;
	}
	peer_send(fd, m, sizeof(m), NULL, 0);
	for (unsigned int i = 0; i < 200; i++)
		pump();
	assert_true(h.fake.reads <= 256); /* one reply is built, no second */

	/* Others are served meanwhile. */
	other = peer_connect();
	assert_int_equal(version(other, 0, 0, "{}", 3), EBUSY);
	assert_closed(other);

	/* A client that was only slow gets everything. */
	while (peer_receive(fd, &answer) == 1) {
		assert_int_equal(answer.header.id, replies);
		assert_int_equal(answer.size, 16 + 1048576);
		replies++;
	}
	assert_int_equal(replies, ARRAY_SIZE(m));
	assert_alive(fd);

	/* One that disappears leaves nothing behind. */
	peer_send(fd, m, sizeof(m), NULL, 0);
	pump();
	close(fd);
	pump();
	assert_int_equal(h.fake.disconnects, 1);
}

/* Grace periods */

static void test_quiesced_replies_in_order(void **state)
{
	struct vfio_user_dma_unmap unmap = { .argsz = sizeof(unmap), .size = 4096 };
	struct vfio_user_device_info info = { .argsz = sizeof(info) };
	int fd = peer_open();

	h.fake.quiesce_unmap = true;
	h.fake.quiesce_reset = true;
	worker_busy();
	peer_post(fd, 1, VFIO_USER_CMD_DMA_UNMAP, 0, &unmap, sizeof(unmap), NULL, 0);
	peer_post(fd, 2, VFIO_USER_CMD_DEVICE_GET_INFO, 0, &info, sizeof(info), NULL, 0);
	peer_post(fd, 3, VFIO_USER_CMD_DEVICE_RESET, 0, NULL, 0, NULL, 0);
	peer_post(fd, 4, VFIO_USER_CMD_DEVICE_GET_INFO, 0, &info, sizeof(info), NULL, 0);
	assert_int_equal(peer_receive(fd, &answer), -1);
	assert_int_equal(h.fake.resets, 0);

	quiesce_point(&h.quiesce, h.worker);
	for (uint16_t id = 1; id <= 2; id++) {
		assert_int_equal(peer_receive(fd, &answer), 1);
		assert_int_equal(answer.header.id, id);
		assert_int_equal(answer.header.error, 0);
	}
	assert_int_equal(peer_receive(fd, &answer), -1);
	assert_int_equal(h.fake.resets, 1);
	quiesce_point(&h.quiesce, h.worker);
	for (uint16_t id = 3; id <= 4; id++) {
		assert_int_equal(peer_receive(fd, &answer), 1);
		assert_int_equal(answer.header.id, id);
	}
	/* With all workers napping there is no wait at all. */
	worker_idle();
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(peer_call(fd, VFIO_USER_CMD_DEVICE_RESET, NULL, 0, NULL, 0, NULL),
				 0);
	close(fd);
}

static void test_quiesced_posted_write(void **state)
{
	struct {
		struct vfio_user_region_access access;
		uint8_t data;
	} __attribute__((packed)) write = { { 0, BAR2, 1 }, 5 };
	int fd = peer_open();

	h.fake.quiesce_write = true;
	worker_busy();
	for (unsigned int i = 0; i < 3; i++)
		peer_post(fd, 1, VFIO_USER_CMD_REGION_WRITE, VFIO_USER_FLAG_NO_REPLY, &write,
			  sizeof(write), NULL, 0);
	pump();
	assert_int_equal(h.fake.writes, 1);
	worker_idle();
	assert_alive(fd);
	assert_int_equal(h.fake.writes, 3);
	close(fd);
}

static void post_write(int fd)
{
	struct {
		struct vfio_user_region_access access;
		uint8_t data;
	} __attribute__((packed)) write = { { 0, BAR2, 1 }, 5 };

	peer_post(fd, 1, VFIO_USER_CMD_REGION_WRITE, VFIO_USER_FLAG_NO_REPLY, &write, sizeof(write),
		  NULL, 0);
	pump();
}

/* What follows many posted writes waits as long as the device says, and nothing else does. */
static void test_patience(void **state)
{
	unsigned int writes = 0;
	int fd = peer_open();

	h.fake.patience_ns = 3600 * NSEC_PER_SEC;
	for (unsigned int i = 0; i < 50; i++) {
		post_write(fd);
		assert_alive(fd);
		assert_int_equal(h.fake.writes, ++writes);
	}
	h.fake.patience_ns = 2000 * NSEC_PER_USEC;
	for (unsigned int i = 0; i < 50; i++)
		post_write(fd);
	assert_alive(fd);
	writes += 50;
	assert_int_equal(h.fake.writes, writes);
	h.fake.patience_ns = 3600 * NSEC_PER_SEC;
	for (unsigned int i = 0; i < 50; i++)
		post_write(fd);
	assert_in_range(h.fake.writes, writes + 2, writes + 49);
	writes = h.fake.writes;
	post_write(fd);
	assert_int_equal(h.fake.writes, writes);
	/* Nor does the end of it all wait. */
	vfio_user_server_disconnect(h.server, "test");
	assert_closed(fd);
	assert_int_equal(h.fake.disconnects, 1);
	assert_int_equal(h.fake.writes, writes);
}

static void test_disconnect_during_quiesce(void **state)
{
	int fd = peer_open(), next;

	h.fake.quiesce_reset = true;
	h.fake.quiesce_disconnect = true;
	worker_busy();
	peer_post(fd, 1, VFIO_USER_CMD_DEVICE_RESET, 0, NULL, 0, NULL, 0);
	pump();
	assert_int_equal(h.fake.resets, 1);
	close(fd);
	pump();
	next = peer_connect();
	peer_post(next, 1, VFIO_USER_CMD_VERSION, 0, "\0\0\0\0{}", 7, NULL, 0);
	assert_int_equal(peer_receive(next, &answer), -1); /* waits for its predecessor's end */
	assert_int_equal(h.fake.connects, 1);

	quiesce_point(&h.quiesce, h.worker); /* ends the wait for RESET: the end of file is seen */
	pump();
	assert_int_equal(h.fake.disconnects, 1);
	assert_int_equal(peer_receive(next, &answer), -1);
	quiesce_point(&h.quiesce, h.worker); /* ends the wait for the device's clean-up */
	assert_int_equal(peer_receive(next, &answer), 1);
	assert_int_equal(answer.header.error, 0);
	assert_int_equal(h.fake.connects, 2);
	worker_idle();
	assert_alive(next);
	close(next);
	pump();
}

static void test_waiter_disappears(void **state)
{
	int fd = peer_open(), waiter, third;

	h.fake.quiesce_disconnect = true;
	worker_busy();
	close(fd);
	pump();
	assert_int_equal(h.fake.disconnects, 1);
	waiter = peer_connect();
	peer_post(waiter, 1, VFIO_USER_CMD_VERSION, 0, "\0\0\0\0{}", 7, NULL, 0);
	pump();
	third = peer_connect();
	assert_int_equal(version(third, 0, 0, "{}", 3), EBUSY);
	assert_closed(third);
	close(waiter);
	worker_idle();
	pump();
	fd = peer_open();
	assert_alive(fd);
	close(fd);
	pump();
	assert_int_equal(h.fake.connects, h.fake.disconnects);
}

static void test_throw_out_during_quiesce(void **state)
{
	int fd = peer_open();

	h.fake.quiesce_reset = true;
	worker_busy();
	peer_post(fd, 1, VFIO_USER_CMD_DEVICE_RESET, 0, NULL, 0, NULL, 0);
	pump();
	vfio_user_server_disconnect(h.server, "test");
	assert_closed(fd);
	assert_int_equal(h.fake.disconnects, 1);
	worker_idle();
	fd = peer_open();
	assert_alive(fd);
	close(fd);
}

static void test_destroy_during_quiesce(void **state)
{
	struct reason why;
	int fd = peer_open();

	h.fake.quiesce_reset = true;
	h.fake.quiesce_disconnect = true;
	worker_busy();
	peer_post(fd, 1, VFIO_USER_CMD_DEVICE_RESET, 0, NULL, 0, NULL, 0);
	pump();
	vfio_user_server_destroy(h.server);
	assert_int_equal(h.fake.disconnects, 1);
	assert_closed(fd);
	assert_int_equal(access(h.path, F_OK), -1);
	assert_true(quiesce_pending(&h.quiesce));
	worker_idle();
	assert_false(quiesce_pending(&h.quiesce));
	assert_int_equal(harness_listen(&h.server, h.path, &why), 0);
	h.fake.quiesce_disconnect = false;
}

/* Sockets */

static void test_socket_mode(void **state)
{
	struct vfio_user_server *server;
	struct vfio_user_ops ops = { 0 };
	struct vfio_user_listen how = { .owner = (uid_t)-1, .group = getgid(), .mode = 0666 };
	char path[128];
	struct reason why;
	struct stat st;
	mode_t mask = umask(077);

	snprintf(path, sizeof(path), "%s/mode.sock", h.folder);
	how.path = path;
	assert_int_equal(
		vfio_user_server_create(&server, h.base, &h.quiesce, &how, &ops, NULL, &why), 0);
	umask(mask);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	vfio_user_server_destroy(server);
	assert_int_equal(stat(h.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_socket_in_use(void **state)
{
	struct vfio_user_server *second = NULL;
	struct reason why = { "" };
	int fd;

	assert_int_equal(harness_listen(&second, h.path, &why), -EADDRINUSE);
	assert_null(second);
	assert_non_null(strstr(why.text, h.path));
	assert_non_null(strstr(why.text, "in use"));
	pump();
	fd = peer_open(); /* the first one is unharmed */
	close(fd);
	pump();
}

static void test_socket_stale(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct vfio_user_server *server;
	struct reason why = { "" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s/stale.sock", h.folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	close(fd);
	assert_int_equal(harness_listen(&server, name.sun_path, &why), 0);
	vfio_user_server_destroy(server);
	assert_int_equal(access(name.sun_path, F_OK), -1);
}

static void test_socket_name_taken_over(void **state)
{
	struct vfio_user_server *server;
	char path[128];
	struct reason why = { "" };

	snprintf(path, sizeof(path), "%s/other.sock", h.folder);
	assert_int_equal(harness_listen(&server, path, &why), 0);
	assert_int_equal(unlink(path), 0);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	vfio_user_server_destroy(server);
	assert_int_equal(unlink(path), 0); /* not ours, so still there */
}

static void test_socket_refusals(void **state)
{
	struct vfio_user_server *server = NULL;
	char path[300];
	struct reason why = { "" };
	int fd;

	snprintf(path, sizeof(path), "%s/%0200d.sock", h.folder, 1);
	assert_int_equal(harness_listen(&server, path, &why), -ENAMETOOLONG);
	assert_non_null(strstr(why.text, "107"));

	snprintf(path, sizeof(path), "%s/missing/f.sock", h.folder);
	assert_int_equal(harness_listen(&server, path, &why), -ENOENT);
	assert_non_null(strstr(why.text, "/missing"));
	assert_non_null(strstr(why.text, "create it"));

	snprintf(path, sizeof(path), "%s/file", h.folder);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(harness_listen(&server, path, &why), -EEXIST);
	assert_non_null(strstr(why.text, "not a socket"));
	assert_int_equal(unlink(path), 0);

	if (geteuid() != 0) {
		assert_int_equal(harness_listen(&server, "/f.sock", &why), -EACCES);
		assert_non_null(strstr(why.text, "permission"));
	}
	assert_null(server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_version_like_qemu),
		TEST(test_coming_and_going_is_logged_sparingly),
		TEST(test_version_accepted),
		TEST(test_version_refused),
		TEST(test_version_short_or_large),
		TEST(test_version_twice),
		TEST(test_version_not_first),
		TEST(test_version_with_fds),
		TEST(test_version_without_reply),
		TEST(test_device_refuses_client),
		TEST(test_header_in_pieces),
		TEST(test_many_in_one_piece),
		TEST(test_bad_sizes),
		TEST(test_message_types),
		TEST(test_unexpected_fds),
		TEST(test_disconnect_mid_message),
		TEST(test_no_reply_means_none),
		TEST(test_second_client),
		TEST(test_silent_peer_blocks_nobody),
		TEST(test_handshake_deadline),
		TEST(test_reconnect),
		TEST(test_reconnect_before_backlog_is_read),
		TEST(test_throw_out),
		TEST(test_throw_out_from_op),
		TEST(test_destroy_from_op),
		TEST(test_client_never_reads),
		TEST(test_quiesced_replies_in_order),
		TEST(test_quiesced_posted_write),
		TEST(test_patience),
		TEST(test_disconnect_during_quiesce),
		TEST(test_waiter_disappears),
		TEST(test_throw_out_during_quiesce),
		TEST(test_destroy_during_quiesce),
		TEST(test_socket_mode),
		TEST(test_socket_in_use),
		TEST(test_socket_stale),
		TEST(test_socket_name_taken_over),
		TEST(test_socket_refusals),
	};

	return cmocka_run_group_tests_name("vfio_user server", tests, NULL, NULL);
}
