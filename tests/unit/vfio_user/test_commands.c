// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_commands.c - each command as QEMU sends it, and as it must not be sent.
 *
 * Reply sizes are asserted exactly: QEMU drops a device whose reply is larger than it reserved.
 */
#include "harness.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/vfs.h>

static struct answer answer;

static void test_get_info(void **state)
{
	struct vfio_user_device_info info = { .argsz = sizeof(info) }, reply;
	int fd = peer_open();

	assert_int_equal(peer_call(fd, VFIO_USER_CMD_DEVICE_GET_INFO, &info, sizeof(info), NULL, 0,
				   &answer),
			 0);
	assert_int_equal(answer.size, sizeof(reply));
	memcpy(&reply, answer.body, sizeof(reply));
	assert_int_equal(reply.argsz, 16);
	assert_int_equal(reply.flags, VFIO_USER_DEVICE_RESET | VFIO_USER_DEVICE_PCI);
	assert_int_equal(reply.regions, 9);
	assert_int_equal(reply.irqs, 5);

	info.argsz = UINT32_MAX;
	assert_int_equal(peer_call(fd, VFIO_USER_CMD_DEVICE_GET_INFO, &info, sizeof(info), NULL, 0,
				   &answer),
			 0);
	assert_int_equal(answer.size, sizeof(reply));
	info.argsz = 15;
	assert_int_equal(peer_call(fd, VFIO_USER_CMD_DEVICE_GET_INFO, &info, sizeof(info), NULL, 0,
				   NULL),
			 EINVAL);
	close(fd);
}

static void test_short_bodies(void **state)
{
	static const struct {
		uint16_t command;
		uint32_t size;
	} cases[] = {
		{ VFIO_USER_CMD_DMA_MAP, 32 },
		{ VFIO_USER_CMD_DMA_UNMAP, 24 },
		{ VFIO_USER_CMD_DEVICE_GET_INFO, 16 },
		{ VFIO_USER_CMD_DEVICE_GET_REGION_INFO, 32 },
		{ VFIO_USER_CMD_DEVICE_GET_IRQ_INFO, 16 },
		{ VFIO_USER_CMD_DEVICE_SET_IRQS, 20 },
		{ VFIO_USER_CMD_REGION_READ, 16 },
		{ VFIO_USER_CMD_REGION_WRITE, 16 },
		{ VFIO_USER_CMD_REGION_WRITE_MULTI, 8 },
	};
	static const uint8_t body[64] = { 64 };
	int fd = peer_open();

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
		for (uint32_t size = 0; size < cases[i].size; size++)
			assert_int_equal(peer_call(fd, cases[i].command, body, size, NULL, 0, NULL),
					 EINVAL);
	assert_alive(fd);
	close(fd);
}

static void test_unsupported(void **state)
{
	static uint8_t body[60000];
	int fd = peer_open();

	assert_int_equal(peer_call(fd, 6, body, 32, NULL, 0, NULL), ENOTSUP);
	assert_int_equal(peer_call(fd, 11, body, 16, NULL, 0, NULL), EINVAL);
	assert_int_equal(peer_call(fd, 12, body, 16, NULL, 0, NULL), EINVAL);
	assert_int_equal(peer_call(fd, 14, body, 16, NULL, 0, NULL), ENOTSUP);
	assert_int_equal(peer_call(fd, 16, body, 16, NULL, 0, NULL), ENOTSUP);
	assert_int_equal(peer_call(fd, 17, body, 16, NULL, 0, NULL), ENOTSUP);
	assert_int_equal(peer_call(fd, 18, body, 16, NULL, 0, NULL), ENOTSUP);
	assert_int_equal(peer_call(fd, 0, NULL, 0, NULL, 0, NULL), EINVAL);
	assert_int_equal(peer_call(fd, 19, body, sizeof(body), NULL, 0, NULL), EINVAL);
	assert_int_equal(peer_call(fd, 65535, body, 1, NULL, 0, NULL), EINVAL);
	assert_alive(fd);
	close(fd);
}

static void test_reset(void **state)
{
	int fd = peer_open();

	for (unsigned int i = 0; i < 10; i++) {
		assert_int_equal(
			peer_call(fd, VFIO_USER_CMD_DEVICE_RESET, NULL, 0, NULL, 0, &answer), 0);
		assert_int_equal(answer.header.size, 16);
	}
	assert_int_equal(h.fake.resets, 10);
	close(fd);
}

/* Regions */

static int region_info(int fd, uint32_t index, uint32_t argsz)
{
	struct vfio_user_region_info asked = { .argsz = argsz, .index = index };

	return peer_call(fd, VFIO_USER_CMD_DEVICE_GET_REGION_INFO, &asked, sizeof(asked), NULL, 0,
			 &answer);
}

static void test_region_info(void **state)
{
	static const uint32_t full = 32 + 16 + 2 * 16;
	struct vfio_user_region_info info;
	struct vfio_user_sparse_mmap sparse;
	struct vfio_user_sparse_area area[2];
	struct stat ours, theirs;
	int fd = peer_open();

	for (uint32_t index = 0; index < 9; index++) {
		assert_int_equal(region_info(fd, index, 32), 0);
		assert_int_equal(answer.size, 32);
		assert_int_equal(answer.fd_count, 0);
		memcpy(&info, answer.body, sizeof(info));
		assert_int_equal(info.index, index);
		assert_int_equal(info.cap_offset, 0);
		assert_int_equal(info.offset, 0);
		assert_int_equal(info.argsz, index == BAR0 ? full : 32);
		if (index == BAR0)
			assert_int_equal(info.flags, 7);
		else if (index == 6)
			assert_int_equal(info.flags, 1);
		else
			assert_int_equal(info.flags, info.size ? 3 : 0);
	}
	assert_int_equal(region_info(fd, 7, 32), 0);
	memcpy(&info, answer.body, sizeof(info));
	assert_int_equal(info.size, CONFIG_SIZE);

	/* Not quite enough room: still no capabilities. */
	assert_int_equal(region_info(fd, BAR0, full - 1), 0);
	assert_int_equal(answer.size, 32);
	assert_int_equal(answer.fd_count, 0);

	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(region_info(fd, BAR0, i ? UINT32_MAX : full), 0);
		assert_int_equal(answer.size, full);
		assert_int_equal(answer.fd_count, 1);
		memcpy(&info, answer.body, sizeof(info));
		memcpy(&sparse, answer.body + 32, sizeof(sparse));
		memcpy(area, answer.body + 48, sizeof(area));
		assert_int_equal(info.argsz, full);
		assert_int_equal(info.flags, 15);
		assert_int_equal(info.cap_offset, 32);
		assert_int_equal(sparse.id, 1);
		assert_int_equal(sparse.version, 1);
		assert_int_equal(sparse.next, 0);
		assert_int_equal(sparse.areas, 2);
		assert_int_equal(area[0].offset, 0x1000);
		assert_int_equal(area[0].size, 0x2000);
		assert_int_equal(area[1].offset, 0x8000);
		assert_int_equal(area[1].size, 0x1000);
		assert_int_equal(fstat(answer.fds[0], &theirs), 0);
		assert_int_equal(fstat(h.fake.bar0_fd, &ours), 0);
		assert_int_equal(ours.st_ino, theirs.st_ino);
		close(answer.fds[0]);
	}
	assert_int_equal(region_info(fd, 9, 32), EINVAL);
	assert_int_equal(region_info(fd, UINT32_MAX, 32), EINVAL);
	assert_int_equal(region_info(fd, 0, 31), EINVAL);
	assert_int_equal(region_info(fd, 0, 0), EINVAL);
	close(fd);
}

static void test_region_info_without_fds(void **state)
{
	static const char text[] = "\0\0\0\0{\"capabilities\":{\"max_msg_fds\":0}}";
	struct vfio_user_region_info info;
	int fd = peer_connect();

	assert_int_equal(peer_call(fd, VFIO_USER_CMD_VERSION, text, sizeof(text), NULL, 0, NULL),
			 0);
	assert_int_equal(region_info(fd, BAR0, 4096), 0);
	assert_int_equal(answer.size, 32);
	assert_int_equal(answer.fd_count, 0);
	memcpy(&info, answer.body, sizeof(info));
	assert_int_equal(info.flags, 3);
	close(fd);
}

static int region_read(int fd, uint32_t region, uint64_t offset, uint32_t count)
{
	struct vfio_user_region_access asked = { offset, region, count };

	return peer_call(fd, VFIO_USER_CMD_REGION_READ, &asked, sizeof(asked), NULL, 0, &answer);
}

static int region_write(int fd, uint32_t region, uint64_t offset, uint32_t count, const void *data,
			uint32_t size)
{
	static uint8_t body[16 + 1048576];
	struct vfio_user_region_access asked = { offset, region, count };

	memcpy(body, &asked, sizeof(asked));
	if (size)
		memcpy(body + 16, data, size);
	return peer_call(fd, VFIO_USER_CMD_REGION_WRITE, body, 16 + size, NULL, 0, &answer);
}

static void test_region_access(void **state)
{
	static const struct {
		uint32_t region, count;
		uint64_t offset;
		int error;
	} cases[] = {
		{ 7, 4096, 0, 0 },
		{ 7, 1, 4095, 0 },
		{ 7, 2, 4095, EINVAL },
		{ 7, 4097, 0, EINVAL },
		{ 7, 4, 4096, EINVAL },
		{ 7, 4, UINT64_MAX, EINVAL },
		{ 7, 4, UINT64_MAX - 3, EINVAL },
		{ 7, UINT32_MAX, 1, EINVAL },
		{ 7, 0, 0, 0 },
		{ 7, 0, UINT64_MAX, 0 },
		{ 8, 1, 0, EINVAL },
		{ 1, 4, 0, EINVAL },
		{ 9, 4, 0, EINVAL },
		{ UINT32_MAX, 0, 0, EINVAL },
		{ BAR2, 8, BAR2_SIZE - 8, 0 },
		{ BAR2, 3, 5, 0 },
		{ BAR4, 1048576, BAR4_SIZE - 1048576, 0 },
		{ BAR4, 1048577, 0, EINVAL },
	};
	int fd = peer_open();

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t count = cases[i].count;

		assert_int_equal(region_read(fd, cases[i].region, cases[i].offset, count),
				 cases[i].error);
		if (cases[i].error)
			continue;
		assert_int_equal(answer.size, 16 + count);
		assert_int_equal(get_le64(answer.body), cases[i].offset);
		assert_int_equal(get_le32(answer.body + 12), count);
	}
	assert_true(h.fake.longest <= 4096);

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		static const uint8_t data[1048576];
		uint32_t count = cases[i].count;

		if (count > sizeof(data))
			continue;
		assert_int_equal(region_write(fd, cases[i].region, cases[i].offset, count, data,
					      count),
				 cases[i].error);
		if (!cases[i].error)
			assert_true(answer.size <= 16 + count);
	}
	assert_true(h.fake.longest <= 4096);
	close(fd);
}

static void test_region_data(void **state)
{
	static uint8_t data[100000];
	int fd = peer_open();

	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(region_write(fd, BAR4, 12345, sizeof(data), data, sizeof(data)), 0);
	assert_memory_equal(h.fake.memory[BAR4] + 12345, data, sizeof(data));
	assert_int_equal(h.fake.memory[BAR4][12344], 0);
	assert_int_equal(h.fake.memory[BAR4][12345 + sizeof(data)], 0);
	assert_int_equal(region_read(fd, BAR4, 12345, sizeof(data)), 0);
	assert_memory_equal(answer.body + 16, data, sizeof(data));

	/* The length of the message and its count disagree. */
	assert_int_equal(region_write(fd, 7, 0, 4, data, 3), EINVAL);
	assert_int_equal(region_write(fd, 7, 0, 4, data, 5), EINVAL);
	assert_int_equal(region_write(fd, 7, 0, 0, data, 1), EINVAL);
	assert_int_equal(h.fake.memory[7][0], 0);

	/* Read only: no error, no effect. */
	assert_int_equal(region_write(fd, VFIO_USER_REGION_ROM, 0, 4, "\1\2\3\4", 4), 0);
	assert_int_equal(h.fake.memory[VFIO_USER_REGION_ROM][0], 0);
	close(fd);
}

static void test_large_access_yields(void **state)
{
	static uint8_t data[1048576];
	struct vfio_user_region_access asked = { 0, BAR4, 1048576 };
	int fd = peer_open();

	peer_post(fd, 1, VFIO_USER_CMD_REGION_READ, 0, &asked, sizeof(asked), NULL, 0);
	event_base_loop(h.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	event_base_loop(h.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	assert_true(h.fake.reads < 256); /* of 4 KiB: others get their turn in between */
	assert_int_equal(peer_receive(fd, &answer), 1);
	assert_int_equal(h.fake.reads, 256);
	assert_int_equal(region_write(fd, BAR4, 0, sizeof(data), data, sizeof(data)), 0);
	assert_int_equal(h.fake.writes, 256);
	close(fd);
}

struct multi {
	uint64_t count;
	struct vfio_user_write_entry entry[201];
};

static int write_multi(int fd, const struct multi *multi, unsigned int entries)
{
	return peer_call(fd, VFIO_USER_CMD_REGION_WRITE_MULTI, multi, 8 + 24 * entries, NULL, 0,
			 &answer);
}

static void test_write_multi(void **state)
{
	struct multi m = { .count = 200 };
	int fd = peer_open();

	for (unsigned int i = 0; i < 201; i++)
		m.entry[i] = (struct vfio_user_write_entry){
			i * 8, BAR2, 1 + i % 8, { (uint8_t)i, 1, 2, 3, 4, 5, 6, 7 }
		};
	assert_int_equal(write_multi(fd, &m, 200), 0);
	assert_int_equal(answer.size, 8);
	assert_int_equal(get_le64(answer.body), 200);
	assert_int_equal(h.fake.writes, 200);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(h.fake.order[i], i);
	h.fake.writes = 0;

	/* Posted, as QEMU does it. */
	peer_post(fd, 1, VFIO_USER_CMD_REGION_WRITE_MULTI, VFIO_USER_FLAG_NO_REPLY, &m,
		  8 + 24 * 200, NULL, 0);
	assert_alive(fd);
	assert_int_equal(h.fake.writes, 200);
	h.fake.writes = 0;

	m.count = 0;
	assert_int_equal(write_multi(fd, &m, 0), 0);
	assert_int_equal(write_multi(fd, &m, 1), EINVAL);
	m.count = 201;
	assert_int_equal(write_multi(fd, &m, 201), EINVAL);
	m.count = 10;
	assert_int_equal(write_multi(fd, &m, 9), EINVAL);
	m.count = UINT64_MAX;
	assert_int_equal(write_multi(fd, &m, 10), EINVAL);
	m.count = 0x1555555555555556; /* times 24 wraps to 16 */
	assert_int_equal(write_multi(fd, &m, 1), EINVAL);
	m.count = 10;
	m.entry[9].count = 9;
	assert_int_equal(write_multi(fd, &m, 10), EINVAL);
	m.entry[9].count = 8;
	m.entry[9].offset = BAR2_SIZE - 7;
	assert_int_equal(write_multi(fd, &m, 10), EINVAL);
	m.entry[9].region = 9;
	assert_int_equal(write_multi(fd, &m, 10), EINVAL);
	assert_int_equal(h.fake.writes, 0); /* nothing of a bad message is applied */
	close(fd);
}

/* Interrupts */

static void test_irq_info(void **state)
{
	static const struct {
		uint32_t index, flags, count;
		int error;
	} cases[] = {
		{ 0, 7, 1, 0 },
		{ 1, 1, 1, 0 },
		{ 2, 1, MSIX_VECTORS, 0 },
		{ 3, 0, 0, EINVAL },
		{ 4, 0, 0, EINVAL },
		{ 5, 0, 0, EINVAL },
		{ UINT32_MAX, 0, 0, EINVAL },
	};
	struct vfio_user_irq_info asked = { .argsz = sizeof(asked) }, reply;
	int fd = peer_open();

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		asked.index = cases[i].index;
		assert_int_equal(peer_call(fd, VFIO_USER_CMD_DEVICE_GET_IRQ_INFO, &asked,
					   sizeof(asked), NULL, 0, &answer),
				 cases[i].error);
		if (cases[i].error)
			continue;
		assert_int_equal(answer.size, sizeof(reply));
		memcpy(&reply, answer.body, sizeof(reply));
		assert_int_equal(reply.argsz, 16);
		assert_int_equal(reply.index, cases[i].index);
		assert_int_equal(reply.flags, cases[i].flags);
		assert_int_equal(reply.count, cases[i].count);
	}
	asked.index = 0;
	asked.argsz = 15;
	assert_int_equal(peer_call(fd, VFIO_USER_CMD_DEVICE_GET_IRQ_INFO, &asked, sizeof(asked),
				   NULL, 0, NULL),
			 EINVAL);
	close(fd);
}

enum { NONE = 1, BOOL = 2, EVENTFD = 4, MASK = 8, UNMASK = 16, TRIGGER = 32 };

static int set_irqs(int fd, uint32_t flags, uint32_t index, uint32_t start, uint32_t count,
		    uint32_t extra, const int *fds, unsigned int fd_count)
{
	struct {
		struct vfio_user_irq_set set;
		uint8_t chosen[64];
	} m = { { sizeof(m.set) + extra, flags, index, start, count }, { 0 } };
	int error;

	memset(m.chosen, 1, sizeof(m.chosen));
	error = peer_call(fd, VFIO_USER_CMD_DEVICE_SET_IRQS, &m, (uint32_t)sizeof(m.set) + extra,
			  fds, fd_count, &answer);
	if (!error)
		assert_int_equal(answer.header.size, 16);
	return error;
}

static void test_set_irqs_matrix(void **state)
{
	static const struct {
		uint32_t flags, index, start, count, extra, fds;
		int error;
	} cases[] = {
		/* assign, take away, disable */
		{ EVENTFD | TRIGGER, 2, 0, 1, 0, 1, 0 },
		{ EVENTFD | TRIGGER, 2, MSIX_VECTORS - 1, 1, 0, 1, 0 },
		{ EVENTFD | TRIGGER, 2, 3, 16, 0, 16, 0 },
		{ EVENTFD | TRIGGER, 2, 0, MSIX_VECTORS, 0, 0, 0 },
		{ EVENTFD | TRIGGER, 0, 0, 1, 0, 1, 0 },
		{ EVENTFD | TRIGGER, 0, 0, 1, 0, 0, 0 },
		{ NONE | TRIGGER, 2, 0, 0, 0, 0, 0 },
		{ NONE | TRIGGER, 0, 0, 0, 0, 0, 0 },
		/* act */
		{ NONE | TRIGGER, 2, 5, 3, 0, 0, 0 },
		{ BOOL | TRIGGER, 2, 5, 3, 3, 0, 0 },
		{ NONE | MASK, 0, 0, 1, 0, 0, 0 },
		{ NONE | UNMASK, 0, 0, 1, 0, 0, 0 },
		{ BOOL | MASK, 0, 0, 1, 1, 0, 0 },
		{ BOOL | UNMASK, 0, 0, 1, 1, 0, 0 },
		{ EVENTFD | UNMASK, 0, 0, 1, 0, 1, 0 },
		{ EVENTFD | UNMASK, 0, 0, 1, 0, 0, 0 },
		/* index and range */
		{ NONE | TRIGGER, 5, 0, 1, 0, 0, EINVAL },
		{ NONE | TRIGGER, UINT32_MAX, 0, 1, 0, 0, EINVAL },
		{ NONE | TRIGGER, 3, 0, 0, 0, 0, EINVAL },
		{ NONE | TRIGGER, 2, MSIX_VECTORS, 1, 0, 0, EINVAL },
		{ NONE | TRIGGER, 2, MSIX_VECTORS - 1, 2, 0, 0, EINVAL },
		{ NONE | TRIGGER, 2, 1, UINT32_MAX, 0, 0, EINVAL },
		{ NONE | TRIGGER, 2, UINT32_MAX, 1, 0, 0, EINVAL },
		{ EVENTFD | TRIGGER, 2, MSIX_VECTORS - 1, 2, 0, 2, EINVAL },
		{ EVENTFD | TRIGGER, 0, 0, 2, 0, 2, EINVAL },
		/* count 0 */
		{ NONE | TRIGGER, 2, 1, 0, 0, 0, EINVAL },
		{ BOOL | TRIGGER, 2, 0, 0, 0, 0, EINVAL },
		{ EVENTFD | TRIGGER, 2, 0, 0, 0, 0, EINVAL },
		{ NONE | MASK, 0, 0, 0, 0, 0, EINVAL },
		/* not one data and one action */
		{ 0, 2, 0, 1, 0, 0, EINVAL },
		{ NONE, 2, 0, 1, 0, 0, EINVAL },
		{ TRIGGER, 2, 0, 1, 0, 0, EINVAL },
		{ NONE | BOOL | TRIGGER, 2, 0, 1, 1, 0, EINVAL },
		{ NONE | MASK | TRIGGER, 0, 0, 1, 0, 0, EINVAL },
		{ NONE | TRIGGER | 64, 2, 0, 1, 0, 0, EINVAL },
		{ UINT32_MAX, 2, 0, 1, 0, 0, EINVAL },
		/* data and fds */
		{ BOOL | TRIGGER, 2, 0, 3, 2, 0, EINVAL },
		{ BOOL | TRIGGER, 2, 0, 3, 4, 0, EINVAL },
		{ NONE | TRIGGER, 2, 0, 1, 0, 1, EINVAL },
		{ NONE | TRIGGER, 2, 0, 0, 0, 1, EINVAL },
		{ BOOL | TRIGGER, 2, 0, 1, 1, 1, EINVAL },
		{ EVENTFD | TRIGGER, 2, 0, 2, 0, 1, EINVAL },
		{ EVENTFD | TRIGGER, 2, 0, 1, 0, 2, EINVAL },
		{ EVENTFD | TRIGGER, 2, 0, 17, 0, 17, EINVAL },
		/* only INTx is masked here */
		{ NONE | MASK, 2, 0, 1, 0, 0, EINVAL },
		{ NONE | UNMASK, 1, 0, 1, 0, 0, EINVAL },
		{ EVENTFD | UNMASK, 2, 0, 1, 0, 1, EINVAL },
		{ EVENTFD | MASK, 0, 0, 1, 0, 1, EINVAL },
		{ EVENTFD | UNMASK, 0, 0, 1, 0, 2, EINVAL },
	};
	int fds[17], fd = peer_open();

	for (unsigned int i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = eventfd(0, EFD_CLOEXEC);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int before =
			h.fake.irq_sets + h.fake.triggers + h.fake.masks + h.fake.unmasks;
		int error = set_irqs(fd, cases[i].flags, cases[i].index, cases[i].start,
				     cases[i].count, cases[i].extra, fds, cases[i].fds);

		if (error != cases[i].error)
			print_error("case %u\n", i);
		assert_int_equal(error, cases[i].error);
		if (error)
			assert_int_equal(h.fake.irq_sets + h.fake.triggers + h.fake.masks +
						 h.fake.unmasks,
					 before);
	}
	assert_int_equal(h.fake.triggers, 6);
	assert_int_equal(h.fake.masks, 2);
	assert_int_equal(h.fake.unmasks, 2);
	for (unsigned int i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	close(fd);
}

static void test_irq_delivery(void **state)
{
	int fd = peer_open(), fds[3], before;
	eventfd_t count;

	for (unsigned int i = 0; i < 3; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pump();
	before = open_fds();
	assert_int_equal(set_irqs(fd, EVENTFD | TRIGGER, 2, 7, 3, 0, fds, 3), 0);
	assert_int_equal(open_fds(), before + 3);
	assert_int_equal(set_irqs(fd, NONE | TRIGGER, 2, 8, 1, 0, NULL, 0), 0);
	assert_int_equal(eventfd_read(fds[0], &count), -1);
	assert_int_equal(eventfd_read(fds[1], &count), 0);
	assert_int_equal(eventfd_read(fds[2], &count), -1);

	/* Assigned again and again, taken away one by one: nothing leaks. */
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(set_irqs(fd, EVENTFD | TRIGGER, 2, 7, 3, 0, fds, 3), 0);
	assert_int_equal(open_fds(), before + 3);
	assert_int_equal(set_irqs(fd, EVENTFD | TRIGGER, 2, 8, 1, 0, NULL, 0), 0);
	assert_int_equal(open_fds(), before + 2);
	assert_int_equal(set_irqs(fd, NONE | TRIGGER, 2, 0, 0, 0, NULL, 0), 0);
	assert_int_equal(open_fds(), before);

	/* The device fails half way: it keeps what it took, the rest is closed. */
	h.fake.irq_error = -ENOSPC;
	h.fake.irq_error_at = 8;
	assert_int_equal(set_irqs(fd, EVENTFD | TRIGGER, 2, 7, 3, 0, fds, 3), ENOSPC);
	assert_int_equal(open_fds(), before + 1);
	for (unsigned int i = 0; i < 3; i++)
		close(fds[i]);
	close(fd);
}

static void test_irq_fd_kinds(void **state)
{
	int fd = peer_open(), fds[4], good = eventfd(0, EFD_CLOEXEC), pair[2];

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	fds[0] = memory_file(4096);
	fds[1] = pair[1];
	fds[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds[3] = dup(fd);
	for (unsigned int i = 0; i < 4; i++) {
		int both[2] = { good, fds[i] };

		assert_int_equal(set_irqs(fd, EVENTFD | TRIGGER, 2, 0, 2, 0, both, 2), EINVAL);
		assert_int_equal(set_irqs(fd, EVENTFD | UNMASK, 0, 0, 1, 0, &fds[i], 1), EINVAL);
	}
	assert_int_equal(h.fake.irq_sets, 0);
	/* A blocking one is made non-blocking. */
	assert_int_equal(set_irqs(fd, EVENTFD | TRIGGER, 2, 0, 1, 0, &good, 1), 0);
	assert_true(fcntl(good, F_GETFL) & O_NONBLOCK);
	for (unsigned int i = 0; i < 4; i++)
		close(fds[i]);
	close(pair[0]);
	close(good);
	close(fd);
}

static void test_intx_resample(void **state)
{
	int fd = peer_open(), irq = eventfd(0, EFD_CLOEXEC), other = eventfd(0, EFD_CLOEXEC);
	eventfd_t count;

	assert_int_equal(set_irqs(fd, EVENTFD | UNMASK, 0, 0, 1, 0, &irq, 1), 0);
	eventfd_write(irq, 1);
	pump();
	assert_int_equal(h.fake.unmasks, 1);
	pump();
	assert_int_equal(h.fake.unmasks, 1);

	/* Replaced, made blocking behind our back, disabled. */
	assert_int_equal(set_irqs(fd, EVENTFD | UNMASK, 0, 0, 1, 0, &other, 1), 0);
	assert_int_equal(fcntl(other, F_SETFL, 0), 0);
	eventfd_write(irq, 1);
	pump();
	assert_int_equal(h.fake.unmasks, 1);
	eventfd_write(other, 5);
	pump();
	assert_int_equal(h.fake.unmasks, 2);
	assert_int_equal(set_irqs(fd, NONE | TRIGGER, 0, 0, 0, 0, NULL, 0), 0);
	eventfd_write(other, 1);
	pump();
	assert_int_equal(h.fake.unmasks, 2);
	assert_int_equal(eventfd_read(irq, &count), 0);

	/* The connection ends while one is assigned. */
	assert_int_equal(set_irqs(fd, EVENTFD | UNMASK, 0, 0, 1, 0, &irq, 1), 0);
	close(fd);
	pump();
	eventfd_write(irq, 1);
	pump();
	assert_int_equal(h.fake.unmasks, 2);
	close(irq);
	close(other);
}

static void test_irq_quiesce(void **state)
{
	int fd = peer_open(), irq = eventfd(0, EFD_CLOEXEC);
	struct vfio_user_irq_set set = { sizeof(set), EVENTFD | TRIGGER, 2, 0, 1 };

	h.fake.quiesce_irq = true;
	worker_busy();
	peer_post(fd, 77, VFIO_USER_CMD_DEVICE_SET_IRQS, 0, &set, sizeof(set), &irq, 1);
	assert_int_equal(peer_receive(fd, &answer), -1);
	worker_idle();
	assert_int_equal(peer_receive(fd, &answer), 1);
	assert_int_equal(answer.header.id, 77);

	/* The second vector fails after the first one asked for a grace period. */
	h.fake.irq_error = -ENOSPC;
	h.fake.irq_error_at = 1;
	worker_busy();
	set.count = 2;
	peer_post(fd, 78, VFIO_USER_CMD_DEVICE_SET_IRQS, 0, &set, sizeof(set), NULL, 0);
	assert_int_equal(peer_receive(fd, &answer), -1);
	worker_idle();
	assert_int_equal(peer_receive(fd, &answer), 1);
	assert_int_equal(answer.header.error, ENOSPC);
	close(irq);
	close(fd);
}

/* DMA */

static int dma_map(int fd, struct vfio_user_dma_map map, int file)
{
	int error =
		peer_call(fd, VFIO_USER_CMD_DMA_MAP, &map, sizeof(map), &file, file >= 0, &answer);

	if (!error)
		assert_true(answer.header.size <= 48);
	return error;
}

static void test_dma_map(void **state)
{
	enum { R = 1, W = 2 };
	static const struct {
		struct vfio_user_dma_map map;
		int error;
	} cases[] = {
		{ { 32, R | W, 0, 0, 65536 }, 0 },
		{ { 32, R, 0, 0x100000, 4096 }, 0 },
		{ { 32, W, 4096, 0x200000, 61440 }, 0 },
		{ { UINT32_MAX, R, 61440, UINT64_MAX - 4095, 4096 }, 0 }, /* ends at 2^64 */
		{ { 31, R, 0, 0, 4096 }, EINVAL },
		{ { 0, R, 0, 0, 4096 }, EINVAL },
		{ { 32, 0, 0, 0, 4096 }, EINVAL },
		{ { 32, 4 | R, 0, 0, 4096 }, EINVAL },
		{ { 32, 0x80000001, 0, 0, 4096 }, EINVAL },
		{ { 32, R, 0, 0, 0 }, EINVAL },
		{ { 32, R, 0, 0, 4095 }, EINVAL },
		{ { 32, R, 0, 1, 4096 }, EINVAL },
		{ { 32, R, 0, 2048, 4096 }, EINVAL },
		{ { 32, R, 0, UINT64_MAX - 4095, 8192 }, EINVAL },
		{ { 32, R, 0, 4096, UINT64_MAX - 4095 }, EINVAL },
		{ { 32, R, 1, 0, 4096 }, EINVAL },
		{ { 32, R, 0, 0, 65536 + 4096 }, EINVAL },
		{ { 32, R, 65536, 0, 4096 }, EINVAL },
		{ { 32, R, 61440, 0, 8192 }, EINVAL },
		{ { 32, R, UINT64_MAX - 4095, 0, 8192 }, EINVAL },
	};
	int fd = peer_open(), file = memory_file(65536), before = open_fds();
	unsigned int maps = 0;
	struct stat st;

	fstat(file, &st);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		int error = dma_map(fd, cases[i].map, file);

		if (error != cases[i].error)
			print_error("case %u\n", i);
		assert_int_equal(error, cases[i].error);
		if (error)
			continue;
		assert_true(h.fake.maps[maps].has_file);
		assert_int_equal(h.fake.maps[maps].inode, st.st_ino);
		assert_int_equal(h.fake.maps[maps].iova, cases[i].map.address);
		assert_int_equal(h.fake.maps[maps].size, cases[i].map.size);
		assert_int_equal(h.fake.maps[maps].offset, cases[i].map.offset);
		assert_int_equal(h.fake.maps[maps].perm, cases[i].map.flags);
		maps++;
	}
	assert_false(h.fake.maps[maps].used);
	assert_int_equal(vfio_user_server_stats(h.server)->maps, maps);

	/* The device's own refusals. */
	h.fake.map_error = -EEXIST;
	assert_int_equal(dma_map(fd, cases[0].map, file), EEXIST);
	h.fake.map_error = -ENOSPC;
	assert_int_equal(dma_map(fd, cases[0].map, file), ENOSPC);
	assert_int_equal(open_fds(), before);
	close(file);
	close(fd);
}

static void test_dma_map_without_file(void **state)
{
	int fd = peer_open();

	assert_int_equal(dma_map(fd, (struct vfio_user_dma_map){ 32, 1, 0, 0xc0000, 0x20000 }, -1),
			 0);
	assert_false(h.fake.maps[0].has_file);
	assert_int_equal(h.fake.maps[0].size, 0x20000);
	close(fd);
}

static void test_dma_map_fd_kinds(void **state)
{
	struct vfio_user_dma_map read_only = { 32, 1, 0, 0, 4096 }, both = { 32, 3, 0, 0, 4096 };
	char path[128];
	int fd = peer_open(), pair[2], file, fds[8];
	int two[2];

	snprintf(path, sizeof(path), "/dev/shm/vfio-user-test-%d", (int)getpid());
	file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(file, 4096), 0);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	fds[0] = pair[0];
	fds[1] = open("/dev/zero", O_RDWR | O_CLOEXEC);
	fds[2] = open(h.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fds[3] = eventfd(0, EFD_CLOEXEC);
	fds[4] = dup(fd);
	fds[5] = open(path, O_PATH | O_CLOEXEC);
	fds[6] = open(path, O_WRONLY | O_CLOEXEC);
	fds[7] = open(path, O_RDONLY | O_CLOEXEC);
	for (unsigned int i = 0; i < 7; i++)
		assert_int_equal(dma_map(fd, read_only, fds[i]), EINVAL);
	assert_int_equal(dma_map(fd, both, fds[7]), EINVAL);
	assert_int_equal(dma_map(fd, read_only, fds[7]), 0);
	assert_int_equal(dma_map(fd, both, file), 0);
	two[0] = two[1] = file;
	assert_int_equal(peer_call(fd, VFIO_USER_CMD_DMA_MAP, &both, sizeof(both), two, 2, NULL),
			 EINVAL);
	for (unsigned int i = 0; i < 8; i++)
		close(fds[i]);
	close(pair[1]);
	close(file);
	unlink(path);
	close(fd);
}

/* A file system may take its time over any question: only files in memory are asked anything. */
static void test_dma_map_file_on_disk(void **state)
{
	struct vfio_user_dma_map map = { 32, 3, 0, 0, 4096 };
	int fd = peer_open(), file;
	struct statfs fs;
	char path[128];

	snprintf(path, sizeof(path), "%s/file", h.folder);
	file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	unlink(path);
	assert_int_equal(ftruncate(file, 4096), 0);
	assert_int_equal(fstatfs(file, &fs), 0);
	if (fs.f_type == TMPFS_MAGIC)
		print_message("skipped: %s is in memory\n", h.folder);
	else
		assert_int_equal(dma_map(fd, map, file), EINVAL);
	close(file);
	close(fd);
}

static void test_dma_unmap(void **state)
{
	static const struct {
		struct vfio_user_dma_unmap unmap;
		uint64_t unmapped;
		int error;
	} cases[] = {
		{ { 24, 0, 0x10000, 0x1000 }, 0x1000, 0 },
		{ { 24, 0, 0x10000, 0x1000 }, 0, 0 },			  /* nothing there */
		{ { 24, 0, 0x20000, 0x10000 }, 0x3000, 0 },		  /* three at once */
		{ { 24, 0, 0xfef00000, 0xffffffff01100000 }, 0x1000, 0 }, /* ends at 2^64 */
		{ { 24, 2, 0, 0 }, 0x1000, 0 },				  /* all that is left */
		{ { 23, 0, 0, 0x1000 }, 0, EINVAL },
		{ { 24, 0, 0, 0 }, 0, EINVAL },
		{ { 24, 0, 0x2000, UINT64_MAX - 0xfff }, 0, EINVAL },
		{ { 24, 1, 0, 0x1000 }, 0, EINVAL },
		{ { 24, 4, 0, 0x1000 }, 0, EINVAL },
		{ { 24, 2, 0x1000, 0 }, 0, EINVAL },
		{ { 24, 2, 0, 0x1000 }, 0, EINVAL },
	};
	static const uint64_t pages[] = { 0x10000, 0x20000, 0x25000, 0x2f000, 0xffff0000, 0 };
	int fd = peer_open();

	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++)
		assert_int_equal(
			dma_map(fd, (struct vfio_user_dma_map){ 32, 3, 0, pages[i], 4096 }, -1), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(peer_call(fd, VFIO_USER_CMD_DMA_UNMAP, &cases[i].unmap, 24, NULL,
					   0, &answer),
				 cases[i].error);
		if (cases[i].error)
			continue;
		assert_int_equal(answer.header.size, 40);
		assert_int_equal(get_le64(answer.body + 8), cases[i].unmap.address);
		assert_int_equal(get_le64(answer.body + 16), cases[i].unmapped);
	}
	close(fd);
}

/* DMA_WRITE towards the client */

static void reply_to(int fd, uint16_t id, uint32_t error)
{
	struct vfio_user_header header = { id, VFIO_USER_CMD_DMA_WRITE, sizeof(header),
					   VFIO_USER_TYPE_REPLY |
						   (error ? VFIO_USER_FLAG_ERROR : 0),
					   error };

	peer_send(fd, &header, sizeof(header), NULL, 0);
}

static void test_dma_write(void **state)
{
	static uint8_t data[65537];
	uint16_t ids[64];
	int fd;

	assert_int_equal(vfio_user_server_dma_write(h.server, 0, data, 4), -ENOTCONN);
	fd = peer_open();
	memset(data, 0x5a, sizeof(data));
	assert_int_equal(vfio_user_server_dma_write(h.server, 0xfee00000, data, 4), 0);
	assert_int_equal(peer_receive(fd, &answer), 1);
	assert_int_equal(answer.header.command, VFIO_USER_CMD_DMA_WRITE);
	assert_int_equal(answer.header.flags, VFIO_USER_TYPE_COMMAND);
	assert_int_equal(answer.size, 16 + 4);
	assert_int_equal(get_le64(answer.body), 0xfee00000);
	assert_int_equal(get_le64(answer.body + 8), 4);
	assert_int_equal(get_le32(answer.body + 16), 0x5a5a5a5a);
	reply_to(fd, answer.header.id, 0);
	assert_alive(fd);
	assert_int_equal(vfio_user_server_dma_write(h.server, 0, data, 65537), -EINVAL);

	/* So many without an answer, then no more; any answer, even an error, makes room. */
	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(vfio_user_server_dma_write(h.server, i, data, 4), 0);
		assert_int_equal(peer_receive(fd, &answer), 1);
		ids[i] = answer.header.id;
		for (unsigned int j = 0; j < i; j++)
			assert_int_not_equal(ids[i], ids[j]);
	}
	assert_int_equal(vfio_user_server_dma_write(h.server, 0, data, 4), -ENOBUFS);
	reply_to(fd, ids[10], ENODEV);
	assert_alive(fd);
	assert_int_equal(vfio_user_server_dma_write(h.server, 0, data, 4), 0);
	assert_int_equal(vfio_user_server_dma_write(h.server, 0, data, 4), -ENOBUFS);
	assert_int_equal(peer_receive(fd, &answer), 1);

	/* Answered twice: the second is a stray one. */
	for (unsigned int i = 0; i < 16; i++)
		reply_to(fd, ids[10], 0);
	assert_closed(fd);
}

static void test_dma_write_not_read(void **state)
{
	static uint8_t data[65536];
	unsigned int accepted = 0, received = 0;
	int fd = peer_open();

	while (vfio_user_server_dma_write(h.server, accepted, data, sizeof(data)) == 0)
		accepted++;
	assert_in_range(accepted, 3, 20); /* socket buffer and queue are both bounded */
	while (peer_receive(fd, &answer) == 1) {
		assert_int_equal(answer.size, 16 + sizeof(data));
		assert_int_equal(get_le64(answer.body), received);
		reply_to(fd, answer.header.id, 0);
		received++;
	}
	assert_int_equal(received, accepted);
	assert_alive(fd);

	/* The client goes away with a full queue. */
	while (vfio_user_server_dma_write(h.server, accepted, data, sizeof(data)) == 0)
		;
	close(fd);
	pump();
	assert_int_equal(h.fake.disconnects, 1);
	assert_int_equal(vfio_user_server_dma_write(h.server, 0, data, 1), -ENOTCONN);
}

static void test_dma_write_to_dead_client(void **state)
{
	int fd = peer_open();

	close(fd);
	/* The device is in the middle of something: @disconnected must not be called under it. */
	assert_int_equal(vfio_user_server_dma_write(h.server, 0, "abcd", 4), -ENOTCONN);
	assert_int_equal(h.fake.disconnects, 0);
	pump();
	assert_int_equal(h.fake.disconnects, 1);
}

static void test_dma_write_split(void **state)
{
	static const char text[] = "\0\0\0\0{\"capabilities\":{\"max_data_xfer_size\":1000}}";
	static uint8_t data[65536];
	int fd = peer_connect();

	assert_int_equal(peer_call(fd, VFIO_USER_CMD_VERSION, text, sizeof(text), NULL, 0, NULL),
			 0);
	assert_int_equal(vfio_user_server_dma_write(h.server, 5000, data, 2500), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(peer_receive(fd, &answer), 1);
		assert_int_equal(get_le64(answer.body), 5000 + i * 1000);
		assert_int_equal(answer.size, 16 + (i < 2 ? 1000 : 500));
	}
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_get_info),
		TEST(test_short_bodies),
		TEST(test_unsupported),
		TEST(test_reset),
		TEST(test_region_info),
		TEST(test_region_info_without_fds),
		TEST(test_region_access),
		TEST(test_region_data),
		TEST(test_large_access_yields),
		TEST(test_write_multi),
		TEST(test_irq_info),
		TEST(test_set_irqs_matrix),
		TEST(test_irq_delivery),
		TEST(test_irq_fd_kinds),
		TEST(test_intx_resample),
		TEST(test_irq_quiesce),
		TEST(test_dma_map),
		TEST(test_dma_map_without_file),
		TEST(test_dma_map_fd_kinds),
		TEST(test_dma_map_file_on_disk),
		TEST(test_dma_unmap),
		TEST(test_dma_write),
		TEST(test_dma_write_not_read),
		TEST(test_dma_write_to_dead_client),
		TEST(test_dma_write_split),
	};

	return cmocka_run_group_tests_name("vfio_user commands", tests, NULL, NULL);
}
