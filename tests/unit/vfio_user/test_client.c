// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_client.c - the client against our server, and against a server that lies.
 */
#include "harness.h"
#include "vfio_user/client.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

/* With our server */

static int client_setup(void **state)
{
	harness_setup(state);
	loop_start();
	return 0;
}

static int client_teardown(void **state)
{
	worker_release();
	loop_stop();
	return harness_teardown(state);
}

static struct vfio_user_client *client_open(void)
{
	struct vfio_user_client *client = NULL;
	struct reason why = { "" };

	assert_int_equal(vfio_user_client_connect(&client, h.path, NULL, NULL, &why), 0);
	assert_non_null(client);
	return client;
}

static void test_identity(void **state)
{
	struct vfio_user_client *client = client_open();
	struct vfio_user_client_info info;
	uint32_t vectors;

	assert_int_equal(vfio_user_client_get_info(client, &info), 0);
	assert_int_equal(info.regions, 9);
	assert_int_equal(info.irqs, 5);
	assert_true(info.reset);
	assert_int_equal(vfio_user_client_get_irq(client, 2, &vectors), 0);
	assert_int_equal(vectors, MSIX_VECTORS);
	assert_int_equal(vfio_user_client_get_irq(client, 3, &vectors), -EINVAL);
	assert_int_equal(vfio_user_client_reset(client), 0);
	assert_int_equal(h.fake.resets, 1);
	vfio_user_client_close(client);
}

static void test_regions(void **state)
{
	struct vfio_user_client *client = client_open();
	struct vfio_user_client_region region;
	uint32_t value = 0x12345678;

	for (uint32_t index = 0; index < 9; index++) {
		assert_int_equal(vfio_user_client_map_region(client, index, &region), 0);
		assert_int_equal(region.areas, index == BAR0 ? 2 : 0);
		vfio_user_client_unmap_region(&region);
	}
	assert_int_equal(vfio_user_client_map_region(client, 9, &region), -EINVAL);

	assert_int_equal(vfio_user_client_map_region(client, BAR0, &region), 0);
	assert_int_equal(region.size, BAR0_SIZE);
	assert_true(region.readable && region.writable);
	assert_int_equal(region.area[0].offset, 0x1000);
	assert_int_equal(region.area[1].size, 0x1000);
	assert_non_null(region.area[0].map);
	assert_non_null(region.area[1].map);
	/* Both ways to the same register. */
	assert_int_equal(vfio_user_client_write(client, BAR0, 0x8010, &value, 4, false), 0);
	assert_int_equal(get_le32((uint8_t *)region.area[1].map + 0x10), value);
	put_le32(region.area[0].map, 0xcafe);
	assert_int_equal(vfio_user_client_read(client, BAR0, 0x1000, &value, 4), 0);
	assert_int_equal(value, 0xcafe);
	vfio_user_client_close(client);
	put_le32(region.area[0].map, 1); /* mappings outlive the connection */
	vfio_user_client_unmap_region(&region);
}

static void test_access(void **state)
{
	static uint8_t data[BAR4_SIZE], back[BAR4_SIZE];
	struct vfio_user_client *client = client_open();
	uint32_t value;

	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i ^ (i >> 8) ^ (i >> 16));
	assert_int_equal(vfio_user_client_write(client, BAR4, 0, data, sizeof(data), false), 0);
	assert_int_equal(vfio_user_client_read(client, BAR4, 0, back, sizeof(back)), 0);
	assert_memory_equal(data, back, sizeof(data));
	assert_int_equal(vfio_user_client_read(client, BAR4, 0, back, 0), 0);
	assert_int_equal(vfio_user_client_read(client, BAR2, BAR2_SIZE, &value, 4), -EINVAL);
	assert_int_equal(vfio_user_client_write(client, BAR2, BAR2_SIZE - 2, &value, 4, false),
			 -EINVAL);
	/* A posted write that fails is silent, one that works comes before the next request. */
	assert_int_equal(vfio_user_client_write(client, BAR2, BAR2_SIZE, &value, 4, true), 0);
	for (value = 0; value < 2000; value++)
		assert_int_equal(vfio_user_client_write(client, BAR2, 8, &value, 4, true), 0);
	assert_int_equal(vfio_user_client_read(client, BAR2, 8, &value, 4), 0);
	assert_int_equal(value, 1999);
	vfio_user_client_close(client);
}

static void test_dma(void **state)
{
	struct vfio_user_client *client = client_open();
	int file = memory_file(65536);

	assert_int_equal(vfio_user_client_dma_map(client, 0x10000, 65536, 3, file, 0), 0);
	assert_int_equal(vfio_user_client_dma_map(client, 0, 65536, 1, -1, 0), 0);
	assert_int_equal(vfio_user_client_dma_map(client, 0, 65537, 1, -1, 0), -EINVAL);
	assert_true(h.fake.maps[0].has_file);
	assert_false(h.fake.maps[1].has_file);
	h.fake.quiesce_unmap = true;
	assert_int_equal(vfio_user_client_dma_unmap(client, 0x10000, 65536), 0);
	assert_false(h.fake.maps[0].used);
	assert_true(h.fake.maps[1].used);
	vfio_user_client_close(client);
	close(file);
}

static void test_irqs(void **state)
{
	struct vfio_user_client *client = client_open();
	int fds[MSIX_VECTORS];
	eventfd_t count;

	for (unsigned int i = 0; i < MSIX_VECTORS; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* More than one message can carry. */
	assert_int_equal(vfio_user_client_set_irqs(client, 2, 0, MSIX_VECTORS, fds), 0);
	assert_int_equal(h.fake.irq_sets, MSIX_VECTORS);
	for (uint32_t i = 0; i < MSIX_VECTORS; i++) {
		assert_int_equal(
			vfio_user_client_act_irq(client, 2, i, VFIO_USER_CLIENT_IRQ_TRIGGER), 0);
		assert_int_equal(eventfd_read(fds[i], &count), 0);
	}
	assert_int_equal(vfio_user_client_set_irqs(client, 2, 39, 2, fds), -EINVAL);
	assert_int_equal(vfio_user_client_set_irqs(client, 2, 3, 2, NULL), 0);
	assert_int_equal(h.fake.eventfds[2][3], -1);
	assert_int_equal(vfio_user_client_disable_irq(client, 2), 0);
	assert_int_equal(h.fake.eventfds[2][39], -1);
	assert_int_equal(vfio_user_client_act_irq(client, 0, 0, VFIO_USER_CLIENT_IRQ_MASK), 0);
	assert_int_equal(vfio_user_client_act_irq(client, 0, 0, VFIO_USER_CLIENT_IRQ_UNMASK), 0);
	assert_int_equal(h.fake.masks, 1);
	assert_int_equal(h.fake.unmasks, 1);
	for (unsigned int i = 0; i < MSIX_VECTORS; i++)
		close(fds[i]);
	vfio_user_client_close(client);
}

static void test_busy(void **state)
{
	struct vfio_user_client *client = client_open(), *second = NULL;
	struct reason why = { "" };

	assert_int_equal(vfio_user_client_connect(&second, h.path, NULL, NULL, &why), -EBUSY);
	assert_null(second);
	assert_non_null(strstr(why.text, "another client"));
	assert_int_equal(vfio_user_client_connect(&second, "/nowhere/s", NULL, NULL, &why),
			 -ENOENT);
	assert_non_null(strstr(why.text, "/nowhere/s"));
	vfio_user_client_close(client);
	client = client_open();
	vfio_user_client_close(client);
}

static void test_late_reply(void **state)
{
	struct vfio_user_client *client = client_open();
	struct vfio_user_client_info info;

	h.fake.quiesce_reset = true;
	worker_busy();
	vfio_user_client_set_timeout(client, 50);
	assert_int_equal(vfio_user_client_reset(client), -ETIMEDOUT);
	assert_int_equal(vfio_user_client_get_info(client, &info), -ETIMEDOUT);
	vfio_user_client_set_timeout(client, 5000);
	worker_release();
	assert_int_equal(vfio_user_client_get_info(client, &info), 0);
	assert_int_equal(info.regions, 9);
	vfio_user_client_close(client);
}

static unsigned int dma_writes;

static int take_dma_write(void *ctx, uint64_t iova, const void *data, uint32_t len)
{
	assert_int_equal(iova, 0xfee00000);
	assert_int_equal(len, 4);
	assert_int_equal(get_le32(data), 0x4041);
	dma_writes++;
	return 0;
}

static int give_dma_read(void *ctx, uint64_t iova, void *data, uint32_t len)
{
	if (iova >= 0x10000)
		return -EFAULT;
	memset(data, (int)(iova & 0xff), len);
	return 0;
}

static const struct vfio_user_client_ops memory_ops = { give_dma_read, take_dma_write };

static void send_msi(void)
{
	uint32_t message = 0x4041;

	assert_int_equal(vfio_user_server_dma_write(h.server, 0xfee00000, &message, 4), 0);
}

static void test_server_writes_memory(void **state)
{
	struct vfio_user_client *client = NULL;
	uint32_t value = 1;

	assert_int_equal(vfio_user_client_connect(&client, h.path, &memory_ops, NULL, NULL), 0);
	h.fake.on_write = send_msi;
	dma_writes = 0;
	for (unsigned int i = 1; i <= 200; i++) {
		/* The request of the server arrives before the reply that we wait for. */
		assert_int_equal(vfio_user_client_write(client, BAR2, 0, &value, 4, false), 0);
		assert_int_equal(dma_writes, i);
	}
	assert_int_equal(vfio_user_client_serve(client), 0);
	vfio_user_client_close(client);
}

/* With a server that lies: a thread that answers VERSION, then says what the test tells it to. */

struct liar {
	int fd;
	const char *version; /* the JSON text */
	const void *says[2]; /* in turns, as replies: with the number of the request ... */
	uint32_t size[2];
	bool keep_id; /* ... or not */
	int pass;     /* a descriptor to go with each, -1: none */
	pthread_t thread;
};

static bool read_request(int fd, struct vfio_user_header *header)
{
	static uint8_t body[65536];
	struct iovec iov = { header, sizeof(*header) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (recvmsg(fd, &m, MSG_WAITALL) != sizeof(*header))
		return false;
	return header->size == sizeof(*header) ||
	       recv(fd, body, header->size - sizeof(*header), MSG_WAITALL) > 0;
}

static void *lie(void *arg)
{
	struct liar *liar = arg;
	struct vfio_user_header header;
	uint8_t message[8192];
	uint32_t size = (uint32_t)strlen(liar->version) + 1;

	if (!read_request(liar->fd, &header))
		return NULL;
	header.flags = VFIO_USER_TYPE_REPLY;
	header.size = 16 + 4 + size;
	memcpy(message, &header, 16);
	memset(message + 16, 0, 4);
	memcpy(message + 20, liar->version, size);
	peer_send(liar->fd, message, header.size, NULL, 0);
	for (unsigned int turn = 0; read_request(liar->fd, &header); turn = !turn) {
		if (!liar->says[turn])
			turn = 0;
		memcpy(message, liar->says[turn], liar->size[turn]);
		if (!liar->keep_id)
			memcpy(message, &header.id, 2);
		peer_send(liar->fd, message, liar->size[turn], &liar->pass, liar->pass >= 0);
	}
	return NULL;
}

static int liar_open(struct liar *liar, struct vfio_user_client **client, struct reason *why)
{
	int pair[2], error;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	liar->fd = pair[0];
	if (!liar->version)
		liar->version = "{}";
	pthread_create(&liar->thread, NULL, lie, liar);
	error = vfio_user_client_attach(client, pair[1], &memory_ops, NULL, why);
	if (error) {
		pthread_join(liar->thread, NULL);
		close(liar->fd);
	} else {
		vfio_user_client_set_timeout(*client, 50);
	}
	return error;
}

static void liar_close(struct liar *liar, struct vfio_user_client *client)
{
	vfio_user_client_close(client);
	pthread_join(liar->thread, NULL);
	close(liar->fd);
}

static void test_lies_about_version(void **state)
{
	static const char *const texts[] = { "", "[]", "{\"capabilities\":{\"max_msg_fds\":-1}}",
					     "[[[[[[[[[[[[[[[[" };
	struct vfio_user_client *client;
	struct reason why;
	int before = open_fds();

	for (unsigned int i = 0; i < ARRAY_SIZE(texts); i++) {
		struct liar liar = { .version = texts[i], .pass = -1 };

		assert_int_equal(liar_open(&liar, &client, &why), -EPROTO);
	}
	assert_int_equal(open_fds(), before);
}

struct lie {
	struct vfio_user_header header;
	uint8_t body[64];
};

static void test_lies_about_messages(void **state)
{
	enum { REPLY = 1, ERROR = 0x21 };
	static const struct {
		struct vfio_user_header header;
		uint32_t size;
		bool keep_id;
		int error;
	} cases[] = {
		{ { 0, 4, 32, ERROR, 0 }, 32, false, -EIO },
		{ { 0, 4, 16, ERROR, 99999 }, 16, false, -EIO },
		{ { 0, 4, 16, ERROR, ENOSPC }, 16, false, -ENOSPC },
		{ { 0, 4, 16, REPLY, 0 }, 16, false, -EPROTO },		/* nothing in it */
		{ { 0, 5, 32, REPLY, 0 }, 32, false, -EPROTO },		/* another command */
		{ { 0, 4, 80, REPLY, 0 }, 80, false, -EPROTO },		/* more than asked for */
		{ { 0, 4, 32, REPLY, 0 }, 32, false, -EPROTO },		/* not a PCI device */
		{ { 0, 4, 15, REPLY, 0 }, 16, false, -EPROTO },		/* smaller than itself */
		{ { 0, 4, UINT32_MAX, REPLY, 0 }, 16, false, -EPROTO }, /* 4 GiB */
		{ { 0, 4, 32, 7, 0 }, 32, false, -EPROTO },		/* unknown type */
		{ { 9, 4, 32, REPLY, 0 }, 32, true, -EPROTO },		/* to nobody's request */
		{ { 0, 4, 32, REPLY, 0 }, 20, false, -ETIMEDOUT },	/* half of it */
		{ { 0, 4, 32, REPLY, 0 }, 9, false, -ETIMEDOUT },	/* half a header */
	};
	int before = open_fds();

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lie message = { cases[i].header, { 0 } };
		struct liar liar = { .says = { &message },
				     .size = { cases[i].size },
				     .keep_id = cases[i].keep_id,
				     .pass = h.fake.bar0_fd }; /* unasked for */
		struct vfio_user_client *client = NULL;
		struct vfio_user_client_info info;
		int error;

		assert_int_equal(liar_open(&liar, &client, NULL), 0);
		error = vfio_user_client_get_info(client, &info);
		if (error != cases[i].error)
			print_error("case %u\n", i);
		assert_int_equal(error, cases[i].error);
		liar_close(&liar, client);
	}
	assert_int_equal(open_fds(), before);
}

struct region_reply {
	struct vfio_user_header header;
	struct vfio_user_region_info info;
	struct vfio_user_sparse_mmap sparse;
	struct vfio_user_sparse_area area[2];
};

static const struct region_reply honest = {
	{ 0, VFIO_USER_CMD_DEVICE_GET_REGION_INFO, sizeof(honest), VFIO_USER_TYPE_REPLY, 0 },
	{ sizeof(honest) - 16, 15, 0, 32, 65536, 0 },
	{ 1, 1, 0, 2, 0 },
	{ { 0, 4096 }, { 4096, 4096 } },
};

/* What a client makes of @full, after the short reply that announces it. */
static void ask_region(const struct region_reply *full, int pass, unsigned int areas,
		       unsigned int mapped)
{
	struct region_reply brief = honest;
	struct liar liar = { .says = { &brief, full },
			     .size = { 48, sizeof(*full) },
			     .pass = pass };
	struct vfio_user_client *client = NULL;
	struct vfio_user_client_region region;

	brief.header.size = 48;
	brief.info.flags = 7;
	assert_int_equal(liar_open(&liar, &client, NULL), 0);
	assert_int_equal(vfio_user_client_map_region(client, 0, &region), 0);
	assert_int_equal(region.areas, areas);
	for (unsigned int i = 0; i < region.areas; i++)
		mapped -= region.area[i].map != NULL;
	assert_int_equal(mapped, 0);
	vfio_user_client_unmap_region(&region);
	liar_close(&liar, client);
}

static void test_lies_about_regions(void **state)
{
	int before = open_fds(), file = memory_file(65536), sealed = memory_file(65536);
	struct region_reply m = honest;

	assert_int_equal(fcntl(sealed, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	ask_region(&m, sealed, 2, 2);
	ask_region(&m, file, 2, 0); /* could be truncated under us */
	ask_region(&m, -1, 0, 0);
	m.area[0].offset = 65536; /* outside the region */
	ask_region(&m, sealed, 2, 1);
	m.area[0].offset = UINT64_MAX - 4095;
	ask_region(&m, sealed, 2, 1);
	m.area[0].offset = 5;
	ask_region(&m, sealed, 2, 1);
	m.area[0].offset = 0;
	m.area[0].size = 65537;
	ask_region(&m, sealed, 2, 1);
	m.area[0].size = 0;
	ask_region(&m, sealed, 2, 1);
	m.area[0].size = 1 << 17; /* past the end of the file */
	m.info.size = 1 << 20;
	ask_region(&m, sealed, 2, 1);
	m = honest;
	m.info.offset = UINT64_MAX - 4095;
	ask_region(&m, sealed, 2, 0);
	m = honest;
	m.info.offset = 5; /* a whole page of the file, but not of the region */
	m.area[0].offset = 4091;
	ask_region(&m, sealed, 2, 0);
	m = honest;
	m.info.flags = 3 | 8; /* nothing to be mapped */
	ask_region(&m, sealed, 0, 0);

	/* Without a usable list the whole region is one area. */
	m = honest;
	m.sparse.areas = UINT32_MAX;
	ask_region(&m, sealed, 1, 1);
	m = honest;
	m.info.cap_offset = 0xfffffff8;
	ask_region(&m, sealed, 1, 1);
	m.info.cap_offset = 0;
	ask_region(&m, sealed, 1, 1);
	m = honest;
	m.sparse.id = 9;
	m.sparse.next = 32; /* a loop */
	ask_region(&m, sealed, 1, 1);
	m.sparse.next = 33;
	ask_region(&m, sealed, 1, 1);
	m.sparse.next = 72; /* no room for another */
	ask_region(&m, sealed, 1, 1);
	m.sparse.next = UINT32_MAX - 7;
	ask_region(&m, sealed, 1, 1);
	close(file);
	close(sealed);
	assert_int_equal(open_fds(), before);
}

/* Shake hands, then send commands that want no answer until nobody listens. */
static void *flood(void *arg)
{
	static struct vfio_user_header commands[4096];
	const struct {
		struct vfio_user_header header;
		struct vfio_user_version version;
	} hello = { { 0, VFIO_USER_CMD_VERSION, sizeof(hello), VFIO_USER_TYPE_REPLY, 0 },
		    { VFIO_USER_MAJOR, VFIO_USER_MINOR } };
	char asked[4096];
	int fd = *(int *)arg;

	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++)
		commands[i] = (struct vfio_user_header){
			(uint16_t)i, VFIO_USER_CMD_DMA_READ, sizeof(commands[i]),
			VFIO_USER_TYPE_COMMAND | VFIO_USER_FLAG_NO_REPLY, 0
		};
	assert_true(recv(fd, asked, sizeof(asked), 0) > 0);
	assert_int_equal(send(fd, &hello, sizeof(hello), MSG_NOSIGNAL), sizeof(hello));
	while (send(fd, commands, sizeof(commands), MSG_NOSIGNAL) > 0)
		;
	close(fd);
	return NULL;
}

/* A server that never stops talking takes no more of the client's time than a silent one. */
static void test_flood(void **state)
{
	struct vfio_user_client *client = NULL;
	struct vfio_user_client_info info;
	pthread_t thread;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pthread_create(&thread, NULL, flood, &pair[0]);
	assert_int_equal(vfio_user_client_attach(&client, pair[1], NULL, NULL, NULL), 0);
	vfio_user_client_set_timeout(client, 50);
	assert_int_equal(vfio_user_client_serve(client), 0);
	assert_int_equal(vfio_user_client_get_info(client, &info), -ETIMEDOUT);
	vfio_user_client_close(client);
	pthread_join(thread, NULL);
}

static void test_lies_about_reads(void **state)
{
	struct lie m = { { 0, 9, 16 + 16 + 4, 1, 0 }, { 0 } };
	struct liar liar = { .says = { &m }, .size = { 36 }, .pass = -1 };
	struct vfio_user_client *client = NULL;
	uint32_t value;

	assert_int_equal(liar_open(&liar, &client, NULL), 0);
	put_le32(m.body + 12, 5); /* count */
	assert_int_equal(vfio_user_client_read(client, 0, 0, &value, 4), -EPROTO);
	put_le32(m.body + 12, 4);
	assert_int_equal(vfio_user_client_read(client, 0, 0, &value, 4), 0);
	m.header.size = liar.size[0] = 35;
	assert_int_equal(vfio_user_client_read(client, 0, 0, &value, 4), -EPROTO);
	m.header.size = liar.size[0] = 37;
	assert_int_equal(vfio_user_client_read(client, 0, 0, &value, 4), -EPROTO);
	liar_close(&liar, client);
}

/* The server's own requests, sent by hand. */
static void test_server_requests(void **state)
{
	static const struct {
		uint16_t command;
		uint64_t address, count;
		uint32_t extra; /* data sent along */
		uint32_t error, size;
	} cases[] = {
		{ 11, 0x77, 100, 0, 0, 16 + 16 + 100 },
		{ 11, 0, 0, 0, 0, 32 },
		{ 11, 0x10000, 4, 0, EFAULT, 16 },
		{ 11, 0, 1048577, 0, E2BIG, 16 },
		{ 11, 0, UINT64_MAX, 0, E2BIG, 16 },
		{ 11, 0, 4, 4, EINVAL, 16 },
		{ 12, 0, 4, 3, EINVAL, 16 },
		{ 12, 0, UINT64_MAX, 4, E2BIG, 16 },
		{ 13, 0, 0, 0, ENOTSUP, 16 },
		{ 999, 0, 0, 4, ENOTSUP, 16 },
	};
	struct vfio_user_client *client = NULL;
	struct vfio_user_header header;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	peer_post(pair[0], 0, VFIO_USER_CMD_VERSION, VFIO_USER_TYPE_REPLY, "\0\0\0\0{}", 7, NULL,
		  0);
	assert_int_equal(vfio_user_client_attach(&client, pair[1], &memory_ops, NULL, NULL), 0);
	assert_true(read_request(pair[0], &header));
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t body[64] = { 0 }, rest[256];

		put_le64(body, cases[i].address);
		put_le64(body + 8, cases[i].count);
		peer_post(pair[0], (uint16_t)(1000 + i), cases[i].command, 0, body,
			  16 + cases[i].extra, NULL, 0);
		assert_int_equal(vfio_user_client_serve(client), 0);
		assert_int_equal(recv(pair[0], &header, 16, MSG_WAITALL), 16);
		assert_int_equal(header.id, 1000 + i);
		assert_int_equal(header.command, cases[i].command);
		assert_int_equal(header.error, cases[i].error);
		assert_int_equal(header.flags, cases[i].error ? 0x21 : 1);
		assert_int_equal(header.size, cases[i].size);
		if (header.size > 16)
			assert_int_equal(recv(pair[0], rest, header.size - 16, MSG_WAITALL),
					 header.size - 16);
		if (i == 0)
			assert_int_equal(rest[16 + 99], 0x77);
	}
	close(pair[0]);
	assert_int_equal(vfio_user_client_serve(client), -ENOTCONN);
	assert_int_equal(vfio_user_client_reset(client), -ENOTCONN);
	vfio_user_client_close(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, client_setup, client_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_identity),
		TEST(test_regions),
		TEST(test_access),
		TEST(test_dma),
		TEST(test_irqs),
		TEST(test_busy),
		TEST(test_late_reply),
		TEST(test_server_writes_memory),
		TEST(test_lies_about_version),
		TEST(test_lies_about_messages),
		TEST(test_lies_about_regions),
		TEST(test_flood),
		TEST(test_lies_about_reads),
		TEST(test_server_requests),
	};

	return cmocka_run_group_tests_name("vfio_user client", tests, NULL, NULL);
}
