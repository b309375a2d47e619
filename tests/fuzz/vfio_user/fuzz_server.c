// SPDX-License-Identifier: BSD-3-Clause
/*
 * fuzz_server.c - a hostile vfio-user client, by libFuzzer.
 *
 * The input is a script. Its first byte chooses what the fake device does (grace periods, refusals)
 * and whether a good VERSION is sent first. Then follow sends: a byte whose low six bits are a
 * length (63: 200) and whose high two say what else happens (1, 2: so many descriptors go along;
 * 3: the workers become busy or idle, or the device writes guest memory), then so many bytes.
 *
 * After each input the client must be gone without a trace: no descriptor, no client, the device
 * told.
 */
#include "harness.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define QUIESCE_UNMAP 1
#define QUIESCE_RESET 2
#define QUIESCE_WRITE 4
#define QUIESCE_DISCONNECT 8
#define QUIESCE_IRQ 16
#define FAIL_IRQ 32
#define NO_VERSION 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int files[4];

static void start(void)
{
	struct reason why;

	log_set_level(LOG_LEVEL_ERROR);
	strcpy(h.folder, "/tmp/vfio-user-fuzz-XXXXXX");
	if (!mkdtemp(h.folder))
		abort();
	snprintf(h.path, sizeof(h.path), "%s/f.sock", h.folder);
	h.base = event_base_new();
	quiesce_init(&h.quiesce);
	h.worker = quiesce_register(&h.quiesce);
	fake_init(&h.fake);
	if (harness_listen(&h.server, h.path, &why))
		abort();
	files[0] = memory_file(65536);
	files[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	files[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	files[3] = files[1];
}

static void turn_loop(void)
{
	for (int i = 0; i < 3; i++)
		event_base_loop(h.base, EVLOOP_NONBLOCK);
}

static void choose(uint8_t options)
{
	h.fake.quiesce_unmap = options & QUIESCE_UNMAP;
	h.fake.quiesce_reset = options & QUIESCE_RESET;
	h.fake.quiesce_write = options & QUIESCE_WRITE;
	h.fake.quiesce_disconnect = options & QUIESCE_DISCONNECT;
	h.fake.quiesce_irq = options & QUIESCE_IRQ;
	h.fake.irq_error = options & FAIL_IRQ ? -ENOSPC : 0;
	h.fake.irq_error_at = 1;
}

/* Return: false when the server has closed. */
static bool send_some(int fd, const uint8_t *data, size_t size, unsigned int fd_count, uint8_t seed)
{
	int fds[2] = { files[(size + seed) % 4], files[size % 4] };
	union {
		char bytes[CMSG_SPACE(sizeof(fds))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd_count) {
		struct cmsghdr *c;

		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || errno == EAGAIN;
}

static void read_all(int fd)
{
	static uint8_t bytes[65536];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		; /* descriptors are dropped by the kernel */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char version[] = "\1\0\1\0\x17\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0{}";
	const uint8_t *end = data + size;
	int fd, fds_before;

	if (!size)
		return 0;
	if (!h.server)
		start();
	choose(*data);
	fd = peer_connect();
	if (!(*data++ & NO_VERSION))
		send_some(fd, (const uint8_t *)version, sizeof(version), 0, 0);
	turn_loop();
	fds_before = open_fds(); /* with both ends of the connection */
	while (data < end) {
		uint8_t op = *data++;
		size_t length = MIN((size_t)(op % 64 == 63 ? 200 : op % 64), (size_t)(end - data));

		if (op / 64 == 3 && op % 64 == 62)
			vfio_user_server_dma_write(h.server, 0, "message", 7);
		else if (op / 64 == 3 && op % 2)
			worker_busy();
		else if (op / 64 == 3)
			worker_idle();
		if (length && !send_some(fd, data, length, op / 64 % 3, op))
			break;
		data += length;
		turn_loop();
		read_all(fd);
	}
	close(fd);
	worker_idle();
	for (int i = 0; i < 4; i++)
		turn_loop();
	if (h.fake.connects != h.fake.disconnects || vfio_user_server_client(h.server) ||
	    open_fds() > fds_before)
		abort();
	return 0;
}
