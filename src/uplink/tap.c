/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tap.c - an uplink that is a TAP interface of the host: what the card sends on the wire the host receives
 * on the interface, and the reverse. The frames themselves are in tap_frame.c.
 *
 * Receiving reads one frame per system call, straight into one of the buffers of a burst; they are
 * reused with the next call. A buffer holds the longest frame there is, but memory only as far as frames
 * have reached into it.
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "uplink/uplink.h"

#define BUFFER_SIZE (68 * 1024) /* 64 KiB packet, headers, tags; whole pages */

struct tap {
	struct uplink uplink;
	int fd;
	uint8_t *buffer;
	struct frame_segment segment[FRAME_BURST];
};

static struct tap *to_tap(const struct uplink *uplink)
{
	return container_of(uplink, struct tap, uplink);
}

static void tap_send(struct uplink *uplink, struct frame *const frame[], unsigned int n,
		     enum uplink_fate fate[])
{
	struct tap *tap = to_tap(uplink);
	struct uplink_stats *stats = &uplink->stats;

	for (unsigned int i = 0; i < n; i++) {
		int error = tap_write_frame(tap->fd, frame[i]);
		uint32_t frames;
		uint64_t bytes;

		if (error == -EIO || error == -EBADFD) { /* the interface is down or gone */
			stats->tx_down++;
			fate[i] = UPLINK_DOWN;
		} else if (error) {
			stats->tx_full++;
			fate[i] = UPLINK_FULL;
		} else {
			frame_count(frame[i], &frames, &bytes);
			stats->tx_packets += frames;
			stats->tx_bytes += bytes;
			fate[i] = UPLINK_SENT;
		}
	}
}

static unsigned int tap_receive(struct uplink *uplink, struct frame *frame, unsigned int max)
{
	struct tap *tap = to_tap(uplink);
	struct uplink_stats *stats = &uplink->stats;
	unsigned int n = 0;

	max = MIN(max, (unsigned int)FRAME_BURST);
	/* Bounded also when every frame is bad. */
	for (unsigned int tries = 0; tries < max; tries++) {
		int error = tap_read_frame(tap->fd, tap->buffer + (size_t)n * BUFFER_SIZE,
					   BUFFER_SIZE, &tap->segment[n], &frame[n]);
		uint32_t frames;
		uint64_t bytes;

		if (!error)
			break;
		if (error < 0) {
			stats->rx_errors++;
			continue;
		}
		frame_count(&frame[n], &frames, &bytes);
		stats->rx_packets += frames;
		stats->rx_bytes += bytes;
		n++;
	}
	return n;
}

static int tap_poll_fd(const struct uplink *uplink)
{
	return to_tap(uplink)->fd;
}

static void tap_close(struct uplink *uplink)
{
	struct tap *tap = to_tap(uplink);

	munmap(tap->buffer, (size_t)FRAME_BURST * BUFFER_SIZE);
	close(tap->fd);
	free(tap);
}

static const struct uplink_ops tap_ops = {
	.send = tap_send,
	.receive = tap_receive,
	.poll_fd = tap_poll_fd,
	.close = tap_close,
};

int uplink_tap(struct uplink **uplink, const char *ifname, unsigned int mtu, struct reason *why)
{
	struct tap *tap = calloc(1, sizeof(*tap));

	if (!tap)
		return refuse(why, -ENOMEM, "out of memory");
	tap->fd = tap_open(ifname, NULL, mtu, why);
	if (tap->fd < 0) {
		int error = tap->fd;

		free(tap);
		return error;
	}
	tap->buffer = mmap(NULL, (size_t)FRAME_BURST * BUFFER_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (tap->buffer == MAP_FAILED) {
		close(tap->fd);
		free(tap);
		return refuse(why, -ENOMEM, "out of memory");
	}
	tap->uplink.ops = &tap_ops;
	snprintf(tap->uplink.name, sizeof(tap->uplink.name), "tap:%s", ifname);
	*uplink = &tap->uplink;
	return 0;
}
