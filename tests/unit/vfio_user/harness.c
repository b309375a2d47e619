// SPDX-License-Identifier: BSD-3-Clause
/* harness.c - see harness.h */
#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PUMP_NS 3000000u /* enough for a grace period to be noticed */
#define PUMP_TURNS 32
#define PATIENCE 200 /* milliseconds without anything to do */

struct harness h;

/* The fake device. */

static void fake_region(void *ctx, unsigned int index, struct vfio_user_region *region)
{
	struct fake *fake = ctx;
	static const uint64_t sizes[VFIO_USER_REGIONS] = { [BAR0] = BAR0_SIZE,
							   [BAR2] = BAR2_SIZE,
							   [BAR4] = BAR4_SIZE,
							   [VFIO_USER_REGION_ROM] = ROM_SIZE,
							   [VFIO_USER_REGION_CONFIG] =
								   CONFIG_SIZE };

	region->size = sizes[index];
	region->readable = true;
	region->writable = index != VFIO_USER_REGION_ROM;
	if (index == BAR0) {
		region->writable = !fake->bar0_read_only;
		region->fd = fake->bar0_fd;
		region->areas = 2;
		region->area[0] = (struct vfio_user_area){ 0x1000, 0x2000 };
		region->area[1] = (struct vfio_user_area){ 0x8000, 0x1000 };
	}
}

static unsigned int fake_irq_count(void *ctx, enum vfio_user_irq irq)
{
	struct fake *fake = ctx;

	switch (irq) {
	case VFIO_USER_INTX:
		return fake->intx_count;
	case VFIO_USER_MSIX:
		return MSIX_VECTORS;
	case VFIO_USER_MSI:
		return 1;
	default:
		return 0;
	}
}

static int fake_read(void *ctx, unsigned int index, uint64_t offset, void *data, uint32_t len)
{
	struct fake *fake = ctx;

	fake->reads++;
	fake->longest = MAX(fake->longest, len);
	memcpy(data, fake->memory[index] + offset, len);
	return 0;
}

static int fake_write(void *ctx, unsigned int index, uint64_t offset, const void *data,
		      uint32_t len)
{
	struct fake *fake = ctx;

	fake->writes++;
	fake->longest = MAX(fake->longest, len);
	memcpy(fake->memory[index] + offset, data, len);
	if (index == BAR2 && fake->ordered < sizeof(fake->order))
		fake->order[fake->ordered++] = *(const uint8_t *)data;
	if (fake->on_write)
		fake->on_write();
	return fake->quiesce_write ? VFIO_USER_QUIESCE : 0;
}

static int fake_reset(void *ctx)
{
	struct fake *fake = ctx;

	fake->resets++;
	return fake->quiesce_reset ? VFIO_USER_QUIESCE : 0;
}

static int fake_dma_map(void *ctx, uint64_t iova, uint64_t size, uint32_t perm, int fd,
			uint64_t offset)
{
	struct fake *fake = ctx;
	struct stat st = { 0 };

	if (fake->map_error)
		return fake->map_error;
	for (unsigned int i = 0; i < FAKE_MAPS; i++) {
		struct fake_map *map = &fake->maps[i];

		if (map->used)
			continue;
		if (fd >= 0)
			fstat(fd, &st);
		*map = (struct fake_map){ iova, size, offset, perm, true, fd >= 0, st.st_ino };
		return 0;
	}
	return -ENOSPC;
}

static int fake_dma_unmap(void *ctx, uint64_t iova, uint64_t last, uint64_t *unmapped)
{
	struct fake *fake = ctx;

	for (unsigned int i = 0; i < FAKE_MAPS; i++) {
		struct fake_map *map = &fake->maps[i];

		if (!map->used || map->iova < iova || map->iova + (map->size - 1) > last)
			continue;
		map->used = false;
		*unmapped += map->size;
	}
	return fake->quiesce_unmap ? VFIO_USER_QUIESCE : 0;
}

static int fake_irq_set(void *ctx, enum vfio_user_irq irq, unsigned int vector, int fd)
{
	struct fake *fake = ctx;

	if (fake->irq_error && vector == fake->irq_error_at)
		return fake->irq_error;
	fake->irq_sets++;
	if (fake->eventfds[irq][vector] >= 0)
		close(fake->eventfds[irq][vector]);
	fake->eventfds[irq][vector] = fd;
	return fake->quiesce_irq ? VFIO_USER_QUIESCE : 0;
}

static void fake_irq_trigger(void *ctx, enum vfio_user_irq irq, unsigned int vector)
{
	struct fake *fake = ctx;

	fake->triggers++;
	if (fake->eventfds[irq][vector] >= 0)
		eventfd_write(fake->eventfds[irq][vector], 1);
}

static void fake_intx_mask(void *ctx, bool masked)
{
	struct fake *fake = ctx;

	if (masked)
		fake->masks++;
	else
		fake->unmasks++;
}

static int fake_connected(void *ctx, pid_t pid, struct reason *why)
{
	struct fake *fake = ctx;

	if (fake->refuse_connect)
		return refuse(why, fake->refuse_connect, "the test says no");
	fake->connects++;
	fake->pid = pid;
	return 0;
}

static int fake_disconnected(void *ctx)
{
	struct fake *fake = ctx;

	fake->disconnects++;
	memset(fake->maps, 0, sizeof(fake->maps));
	for (unsigned int i = 0; i < VFIO_USER_IRQS; i++)
		for (unsigned int j = 0; j < MSIX_VECTORS; j++) {
			if (fake->eventfds[i][j] >= 0)
				close(fake->eventfds[i][j]);
			fake->eventfds[i][j] = -1;
		}
	return fake->quiesce_disconnect ? VFIO_USER_QUIESCE : 0;
}

static uint64_t fake_patience_ns(void *ctx)
{
	return ((struct fake *)ctx)->patience_ns;
}

static const struct vfio_user_ops fake_ops = {
	.region = fake_region,
	.irq_count = fake_irq_count,
	.read = fake_read,
	.write = fake_write,
	.reset = fake_reset,
	.dma_map = fake_dma_map,
	.dma_unmap = fake_dma_unmap,
	.irq_set = fake_irq_set,
	.irq_trigger = fake_irq_trigger,
	.intx_mask = fake_intx_mask,
	.connected = fake_connected,
	.disconnected = fake_disconnected,
	.patience_ns = fake_patience_ns,
};

void fake_init(struct fake *fake)
{
	static const size_t sizes[VFIO_USER_REGIONS] = { [BAR2] = BAR2_SIZE,
							 [BAR4] = BAR4_SIZE,
							 [VFIO_USER_REGION_ROM] = ROM_SIZE,
							 [VFIO_USER_REGION_CONFIG] = CONFIG_SIZE };

	memset(fake, 0, sizeof(*fake));
	memset(fake->eventfds, 0xff, sizeof(fake->eventfds));
	fake->intx_count = 1;
	fake->memory[BAR0] = memfile_create("bar0", BAR0_SIZE, true, &fake->bar0_fd);
	assert_non_null(fake->memory[BAR0]);
	for (unsigned int i = 0; i < VFIO_USER_REGIONS; i++)
		if (sizes[i])
			fake->memory[i] = calloc(1, sizes[i]);
}

static void fake_fini(struct fake *fake)
{
	munmap(fake->memory[BAR0], BAR0_SIZE);
	close(fake->bar0_fd);
	for (unsigned int i = 1; i < VFIO_USER_REGIONS; i++)
		free(fake->memory[i]);
}

/* The server's surroundings. */

int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void on_kick(evutil_socket_t fd, short events, void *arg)
{
	quiesce_poll(&h.quiesce);
}

int harness_listen(struct vfio_user_server **server, const char *path, struct reason *why)
{
	struct vfio_user_listen how = { path, (uid_t)-1, (gid_t)-1, 0600 };

	return vfio_user_server_create(server, h.base, &h.quiesce, &how, &fake_ops, &h.fake, why);
}

int harness_setup(void **state)
{
	struct reason why;

	log_set_level(getenv("VERBOSE") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	h.fds_before = open_fds();
	strcpy(h.folder, "/tmp/vfio-user-test-XXXXXX");
	assert_non_null(mkdtemp(h.folder));
	snprintf(h.path, sizeof(h.path), "%s/f.sock", h.folder);
	h.base = event_base_new();
	assert_int_equal(quiesce_init(&h.quiesce), 0);
	h.worker = quiesce_register(&h.quiesce);
	h.kick = event_new(h.base, h.quiesce.kick_fd, EV_READ | EV_PERSIST, on_kick, NULL);
	event_add(h.kick, NULL);
	fake_init(&h.fake);
	assert_int_equal(harness_listen(&h.server, h.path, &why), 0);
	return 0;
}

int harness_teardown(void **state)
{
	worker_idle();
	vfio_user_server_destroy(h.server);
	h.server = NULL;
	assert_int_equal(access(h.path, F_OK), -1);
	assert_int_equal(h.fake.connects, h.fake.disconnects);
	event_free(h.kick);
	quiesce_unregister(&h.quiesce, h.worker);
	quiesce_fini(&h.quiesce);
	event_base_free(h.base);
	fake_fini(&h.fake);
	assert_int_equal(rmdir(h.folder), 0);
	assert_int_equal(open_fds(), h.fds_before);
	return 0;
}

int memory_file(size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

void pump(void)
{
	uint64_t end = now_ns() + PUMP_NS;

	/* Turns as well: on a busy machine the time may be over after one. */
	for (unsigned int turns = 0; turns < PUMP_TURNS || now_ns() < end; turns++)
		event_base_loop(h.base, EVLOOP_NONBLOCK);
}

void worker_busy(void)
{
	quiesce_online(&h.quiesce, h.worker);
}

void worker_idle(void)
{
	quiesce_offline(&h.quiesce, h.worker);
	quiesce_poll(&h.quiesce);
}

void worker_release(void)
{
	quiesce_offline(&h.quiesce, h.worker);
}

/* The peer. */

int peer_connect(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", h.path);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

void peer_send(int fd, const void *data, size_t size, const int *fds, unsigned int fd_count)
{
	union {
		char bytes[CMSG_SPACE(253 * sizeof(int))];
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
	while (iov.iov_len) {
		ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL);

		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			pump();
			continue;
		}
		iov.iov_base = (char *)iov.iov_base + n;
		iov.iov_len -= (size_t)n;
		m.msg_control = NULL;
		m.msg_controllen = 0;
	}
}

void peer_post(int fd, uint16_t id, uint16_t command, uint32_t flags, const void *body,
	       uint32_t size, const int *fds, unsigned int fd_count)
{
	struct vfio_user_header header = { id, command, (uint32_t)sizeof(header) + size, flags, 0 };
	uint8_t *message = malloc(header.size);

	memcpy(message, &header, sizeof(header));
	if (size)
		memcpy(message + sizeof(header), body, size);
	peer_send(fd, message, header.size, fds, fd_count);
	free(message);
}

/* Exactly @size bytes; the loop runs while they are missing. Return: as peer_receive(). */
static int receive_all(int fd, void *to, size_t size, struct answer *answer)
{
	uint64_t end = now_ns() + PATIENCE * 1000000ull;
	size_t got = 0;

	while (got < size) {
		union {
			char bytes[CMSG_SPACE(16 * sizeof(int))];
			struct cmsghdr align;
		} control;
		struct iovec iov = { (char *)to + got, size - got };
		struct msghdr m = { .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = control.bytes,
				    .msg_controllen = sizeof(control.bytes) };
		ssize_t n;

		event_base_loop(h.base, EVLOOP_NONBLOCK);
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return 0;
		if (n < 0 && now_ns() > end)
			return -1;
		if (n < 0)
			continue;
		got += (size_t)n;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

			memcpy(answer->fds + answer->fd_count, CMSG_DATA(c), count * sizeof(int));
			answer->fd_count += (unsigned int)count;
		}
	}
	return 1;
}

int peer_receive(int fd, struct answer *answer)
{
	int r;

	answer->fd_count = 0;
	r = receive_all(fd, &answer->header, sizeof(answer->header), answer);
	if (r != 1)
		return r;
	assert_true(answer->header.size >= sizeof(answer->header));
	answer->size = answer->header.size - (uint32_t)sizeof(answer->header);
	assert_true(answer->size <= sizeof(answer->body));
	return receive_all(fd, answer->body, answer->size, answer);
}

static uint16_t last_id;

int peer_call(int fd, uint16_t command, const void *body, uint32_t size, const int *fds,
	      unsigned int fd_count, struct answer *answer)
{
	static struct answer ignored;
	uint16_t id = ++last_id;
	int r;

	if (!answer)
		answer = &ignored;
	peer_post(fd, id, command, 0, body, size, fds, fd_count);
	r = peer_receive(fd, answer);
	if (r == 0)
		return -1;
	assert_int_equal(r, 1);
	assert_int_equal(answer->header.id, id);
	assert_int_equal(answer->header.command, command);
	if (answer->header.flags == (VFIO_USER_TYPE_REPLY | VFIO_USER_FLAG_ERROR)) {
		assert_int_equal(answer->header.size, 16);
		assert_int_equal(answer->fd_count, 0);
		assert_int_not_equal(answer->header.error, 0);
		return (int)answer->header.error;
	}
	assert_int_equal(answer->header.flags, VFIO_USER_TYPE_REPLY);
	assert_int_equal(answer->header.error, 0);
	return 0;
}

/* What QEMU 11 sends, byte for byte. */
static const char qemu_capabilities[] =
	"{\"capabilities\": {\"pgsizes\": 4096, \"max_msg_fds\": 16, \"max_dma_maps\": 65535, "
	"\"max_data_xfer_size\": 1048576, \"migration\": {\"max_bitmap_size\": 268435456, "
	"\"pgsize\": 4096}, \"write_multiple\": true}}";

int peer_open(void)
{
	uint8_t body[4 + sizeof(qemu_capabilities)] = { 0 };
	static struct answer answer;
	int fd = peer_connect();

	memcpy(body + 4, qemu_capabilities, sizeof(qemu_capabilities));
	assert_int_equal(peer_call(fd, VFIO_USER_CMD_VERSION, body, sizeof(body), NULL, 0, &answer),
			 0);
	assert_true(answer.header.size <= VFIO_USER_VERSION_REPLY_MAX);
	return fd;
}

void assert_alive(int fd)
{
	struct vfio_user_device_info info = { .argsz = sizeof(info) };
	static struct answer answer;

	assert_int_equal(peer_call(fd, VFIO_USER_CMD_DEVICE_GET_INFO, &info, sizeof(info), NULL, 0,
				   &answer),
			 0);
	assert_int_equal(answer.size, sizeof(info));
}

void assert_closed(int fd)
{
	static struct answer answer;

	assert_int_equal(peer_receive(fd, &answer), 0);
	close(fd);
}

void assert_refused(int fd, int error)
{
	static struct answer answer;

	assert_int_equal(peer_receive(fd, &answer), 1);
	assert_int_equal(answer.header.flags, VFIO_USER_TYPE_REPLY | VFIO_USER_FLAG_ERROR);
	assert_int_equal(answer.header.error, error);
	assert_closed(fd);
}

/* The loop in a thread. */

static pthread_t loop_thread;
static int stop_fd = -1;
static struct event *stop_event;

static void on_stop(evutil_socket_t fd, short events, void *arg)
{
	event_base_loopbreak(h.base);
}

static void *run_loop(void *arg)
{
	event_base_loop(h.base, 0);
	return NULL;
}

void loop_start(void)
{
	stop_fd = eventfd(0, EFD_CLOEXEC);
	stop_event = event_new(h.base, stop_fd, EV_READ, on_stop, NULL);
	event_add(stop_event, NULL);
	assert_int_equal(pthread_create(&loop_thread, NULL, run_loop, NULL), 0);
}

void loop_stop(void)
{
	eventfd_write(stop_fd, 1);
	pthread_join(loop_thread, NULL);
	event_free(stop_event);
	close(stop_fd);
}
