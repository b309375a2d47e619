/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lane.c - frames between a TAP queue and a queue pair.
 *
 * To the card: a frame is read from the TAP straight into pool buffers, up to five for a segmentation request of 64 KiB;
 * the card takes it from there. When the transmit ring is full the last frames wait here and the others in the TAP.
 *
 * From the card: a frame is written to the TAP from the buffer it arrived in, the tag put back by the pieces of the
 * write; TCP segments go many at a time (gro.c).
 */
#include "netdev/lane.h"

#include <unistd.h>
#include "netdev/offload.h"

static bool is_gone(int error)
{
	return error == EBADFD || error == ENODEV;
}

/* --- from the card --------------------------------------------------------------------------- */

static void write_frame(void *ctx, const struct iovec *iov, unsigned int n)
{
	struct lane *lane = ctx;

	if (writev(lane->tap, iov, (int)n) >= 0)
		return;
	lane->stats.received_dropped++;
	if (is_gone(errno))
		lane->tap_gone = true;
}

unsigned int lane_receive(struct lane *lane, unsigned int budget)
{
	struct softiov_packet packet[NETDEV_BUDGET_MAX];
	unsigned int n =
		softiov_rx_burst(lane->queue, packet, MIN(budget, ARRAY_SIZE(packet) + 0u));

	for (unsigned int i = 0; i < n; i += gro_receive(&lane->gro, &packet[i]))
		lane->stats.received++;
	gro_flush(&lane->gro);
	lane->stats.joined = lane->gro.merged;
	for (unsigned int i = 0; i < n; i++)
		softiov_pool_put(lane->pool, packet[i].data);
	return n;
}

static unsigned int napi_poll(void *ctx, unsigned int budget)
{
	return lane_receive(ctx, budget);
}

/* --- to the card ----------------------------------------------------------------------------- */

/* Post what waits. Return: false: some of it still does. */
static bool post(struct lane *lane)
{
	unsigned int taken = softiov_tx_burst(lane->queue, lane->packet, lane->waiting);

	lane->waiting -= taken;
	if (lane->waiting && taken)
		memmove(lane->packet, lane->packet + taken,
			lane->waiting * sizeof(lane->packet[0]));
	return !lane->waiting;
}

static bool get_buffers(struct lane *lane)
{
	for (unsigned int i = 0; i < LANE_REQUEST_PIECES; i++)
		if (!lane->next[i])
			lane->next[i] = softiov_pool_get(lane->pool);
	return lane->next[LANE_REQUEST_PIECES - 1];
}

/* Return: bytes behind the offload header, 0: there is no frame, or -errno. */
static ssize_t read_tap(struct lane *lane, struct virtio_net_hdr *vnet)
{
	struct iovec iov[1 + LANE_REQUEST_PIECES] = { { vnet, sizeof(*vnet) } };
	ssize_t n;

	for (unsigned int i = 0; i < LANE_REQUEST_PIECES; i++)
		iov[1 + i] = (struct iovec){ lane->next[i], LANE_BUFFER_SIZE };
	n = readv(lane->tap, iov, ARRAY_SIZE(iov));
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return n <= (ssize_t)sizeof(*vnet) ? -EINVAL : n - (ssize_t)sizeof(*vnet);
}

/* The @len bytes just read become packets, behind those that wait. */
static void append(struct lane *lane, const struct virtio_net_hdr *vnet, size_t len)
{
	struct softiov_packet *packet = &lane->packet[lane->waiting];
	unsigned int n;

	for (n = 0; len && n < LANE_REQUEST_PIECES; n++) {
		uint32_t piece = (uint32_t)MIN(len, (size_t)LANE_BUFFER_SIZE);

		packet[n] = (struct softiov_packet){ .data = lane->next[n], .len = piece };
		len -= piece;
	}
	if (len || offload_request(vnet, packet, n)) {
		lane->stats.sent_dropped++;
		return;
	}
	memset(lane->next, 0, n * sizeof(lane->next[0]));
	lane->waiting += n;
	lane->stats.sent++;
}

void lane_send(struct lane *lane)
{
	struct virtio_net_hdr vnet;

	if (lane->waiting && !post(lane))
		return;
	for (unsigned int i = 0; i < LANE_BURST && lane->waiting < LANE_BURST; i++) {
		ssize_t n;

		if (!get_buffers(lane)) {
			softiov_tx_reclaim(lane->queue);
			break;
		}
		n = read_tap(lane, &vnet);
		if (!n || n == -EINTR) {
			lane->tap_ready = n != 0;
			break;
		}
		if (n > 0) {
			append(lane, &vnet, (size_t)n);
		} else if (is_gone((int)-n)) {
			lane->tap_gone = true;
			break;
		} else {
			lane->stats.sent_dropped++;
		}
	}
	if (lane->waiting)
		post(lane);
}

/* --- coming and going ------------------------------------------------------------------------ */

static int fail(struct reason *why, int error, const struct softiov_reason *reason)
{
	return refuse(why, error, "%s", reason->text);
}

int lane_start(struct lane *lane, struct softiov_vf *vf, unsigned int index,
	       struct softiov_pool *pool, int tap, const struct netdev_options *options,
	       struct reason *why)
{
	const struct softiov_queue_options rings = { LANE_RX_RING, LANE_TX_RING };
	const struct softiov_napi_options napi = { .budget = options->budget };
	struct softiov_reason reason;
	int error;

	lane->pool = pool;
	lane->tap = tap;
	lane->gro.write = write_frame;
	lane->gro.ctx = lane;
	error = softiov_queue_start(&lane->queue, vf, index, pool, &rings, &reason);
	if (!error && !options->poll)
		error = softiov_napi_create(&lane->napi, lane->queue, &napi, napi_poll, lane,
					    &reason);
	if (error)
		return fail(why, error, &reason);
	error = lane->napi ? softiov_napi_enable(lane->napi) : 0;
	if (error)
		return refuse(why, error, "%s: queue %u: no interrupts: %s", options->shown, index,
			      softiov_error_name(error));
	return 0;
}

void lane_stop(struct lane *lane)
{
	softiov_napi_destroy(lane->napi);
	softiov_queue_stop(lane->queue);
	for (unsigned int i = 0; i < lane->waiting; i++)
		softiov_pool_put(lane->pool, lane->packet[i].data);
	for (unsigned int i = 0; i < LANE_REQUEST_PIECES; i++)
		if (lane->next[i])
			softiov_pool_put(lane->pool, lane->next[i]);
}
