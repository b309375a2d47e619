/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * netdev.c - the PF's own interface on the host. The host's network stack uses a TAP; a thread of its own
 * pumps frames between it and the PF's queue pair, as any driver would between stack and rings. The card
 * cannot tell it from another driver's queues.
 *
 * The thread sleeps in epoll on the TAP and on an eventfd. As with NAPI, an interrupt schedules it and
 * further ones are ignored until it has found the ring empty; the switch for that is @napi, in memory, so
 * neither side writes a register:
 *
 *	IDLE -- interrupt --> SCHEDULED (eventfd written) -- interrupt --> MISSED
 *	the thread sets SCHEDULED, polls, and goes to IDLE only from SCHEDULED, else polls again
 *
 * Frames cross whole: the TAP's offload header becomes a transmit context and back, so the host's TCP sends
 * 64 KiB at once and the card cuts. When all transmit slots are taken the TAP waits in its own queue, and
 * the completion interrupt resumes it. Like stock drivers, it survives a lost interrupt: once a second it
 * looks by itself.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include "pf/netdev.h"
#include "pf/rings.h"
#include "uplink/uplink.h"
#include "util/log.h"

#define BUDGET 64	 /* frames per direction before the other has its turn */
#define WATCHDOG_MS 1000 /* look at the rings that often even without an interrupt */

enum napi { NAPI_IDLE, NAPI_SCHEDULED, NAPI_MISSED };

/**
 * struct netdev - @tap_waits: transmit slots ran out, the TAP is not watched. Device thread: @thread,
 * @running. Any thread: @napi, @stop, counters. The pump thread: the rest while it runs.
 */
struct netdev {
	struct rings rings;
	char name[16];
	int tap_fd, epoll_fd, event_fd;
	pthread_t thread;
	bool running;
	bool tap_waits, tap_gone;
	_Atomic int napi;
	_Atomic bool stop;
	_Atomic uint64_t to_card, from_card, to_card_dropped, from_card_dropped;
	void (*done)(void *ctx);
	void *done_ctx;
};

static void count(_Atomic uint64_t *counter)
{
	/* One writer. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static void wake(struct netdev *netdev)
{
	static const uint64_t one = 1;

	if (write(netdev->event_fd, &one, sizeof(one)) < 0) {
		/* The counter is full: the thread is awake. */
	}
}

void netdev_interrupt(struct netdev *netdev)
{
	int state = NAPI_IDLE, next = NAPI_SCHEDULED;

	while (!atomic_compare_exchange_weak(&netdev->napi, &state, next))
		next = state == NAPI_IDLE ? NAPI_SCHEDULED : NAPI_MISSED;
	if (state == NAPI_IDLE)
		wake(netdev);
}

/* Return: true if there may be more. */
static bool pump_from_card(struct netdev *netdev)
{
	struct frame frame;
	unsigned int n, descriptors;

	for (n = 0; n < BUDGET; n++) {
		enum rings_result result = rings_receive(&netdev->rings, &frame, &descriptors);

		if (result == RINGS_EMPTY)
			break;
		if (result == RINGS_FRAME && !tap_write_frame(netdev->tap_fd, &frame))
			count(&netdev->from_card);
		else
			count(&netdev->from_card_dropped);
		rings_received(&netdev->rings, descriptors);
	}
	if (n)
		rings_refill(&netdev->rings);
	return n == BUDGET;
}

static void watch_tap(struct netdev *netdev, bool on)
{
	struct epoll_event event = { .events = on ? EPOLLIN : 0, .data.fd = netdev->tap_fd };

	epoll_ctl(netdev->epoll_fd, EPOLL_CTL_MOD, netdev->tap_fd, &event);
	netdev->tap_waits = !on;
}

static void tap_is_gone(struct netdev *netdev, int error)
{
	log_error("interface %s is gone: %s", netdev->name, strerror(error));
	epoll_ctl(netdev->epoll_fd, EPOLL_CTL_DEL, netdev->tap_fd, NULL);
	netdev->tap_gone = true;
}

static void pump_to_card(struct netdev *netdev)
{
	struct frame_segment segment;
	struct frame frame;
	unsigned int posted = 0;

	for (unsigned int n = 0; n < BUDGET; n++) {
		uint8_t *slot = rings_tx_slot(&netdev->rings);
		int result;

		if (!slot && rings_reclaim(&netdev->rings))
			slot = rings_tx_slot(&netdev->rings);
		if (!slot) {
			watch_tap(netdev, false);
			break;
		}
		result = tap_read_frame(netdev->tap_fd, slot, TX_SLOT_SIZE, &segment, &frame);
		if (!result)
			break;
		if (result == -EBADFD || result == -EFAULT || result == -EIO) {
			tap_is_gone(netdev, -result);
			break;
		}
		if (result < 0) {
			count(&netdev->to_card_dropped);
			continue;
		}
		rings_transmit(&netdev->rings, &frame);
		count(&netdev->to_card);
		posted++;
	}
	if (posted)
		rings_tx_kick(&netdev->rings);
}

/* Return: true to poll again without sleeping. */
static bool poll_card(struct netdev *netdev)
{
	int state = NAPI_SCHEDULED;

	if (atomic_load(&netdev->napi) == NAPI_IDLE)
		return false;
	atomic_store(&netdev->napi, NAPI_SCHEDULED);
	if (pump_from_card(netdev))
		return true;
	if (rings_reclaim(&netdev->rings) && netdev->tap_waits && !netdev->tap_gone)
		watch_tap(netdev, true);
	return !atomic_compare_exchange_strong(&netdev->napi, &state, NAPI_IDLE);
}

static void *pump(void *ctx)
{
	struct netdev *netdev = ctx;
	struct epoll_event events[2];
	bool again = true;
	uint64_t value;

	while (!atomic_load(&netdev->stop)) {
		int n = epoll_wait(netdev->epoll_fd, events, ARRAY_SIZE(events),
				   again ? 0 : WATCHDOG_MS);

		if (!n && !again)
			netdev_interrupt(netdev);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == netdev->event_fd) {
				if (read(netdev->event_fd, &value, sizeof(value)) < 0) {
					/* Woken twice for one thing. */
				}
			} else if (events[i].events & EPOLLIN) {
				pump_to_card(netdev);
			} else if (events[i].events & EPOLLERR) {
				tap_is_gone(netdev, ENODEV);
			}
		}
		again = poll_card(netdev);
	}
	return NULL;
}

static int prepare_epoll(struct netdev *netdev)
{
	struct epoll_event tap = { .events = EPOLLIN, .data.fd = netdev->tap_fd };
	struct epoll_event event = { .events = EPOLLIN };

	netdev->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (netdev->event_fd < 0)
		return -errno;
	event.data.fd = netdev->event_fd;
	netdev->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (netdev->epoll_fd < 0 ||
	    epoll_ctl(netdev->epoll_fd, EPOLL_CTL_ADD, netdev->tap_fd, &tap) < 0 ||
	    epoll_ctl(netdev->epoll_fd, EPOLL_CTL_ADD, netdev->event_fd, &event) < 0)
		return -errno;
	return 0;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void free_netdev(struct netdev *netdev)
{
	close_if_open(netdev->tap_fd);
	close_if_open(netdev->event_fd);
	close_if_open(netdev->epoll_fd);
	free(netdev);
}

int netdev_create(struct netdev **netdev, const struct pf_access *access, const char *name,
		  const uint8_t mac[ETH_ALEN], unsigned int mtu, struct reason *why)
{
	struct netdev *new = calloc(1, sizeof(*new));
	int error;

	if (!new)
		return refuse(why, -ENOMEM, "out of memory");
	new->tap_fd = new->event_fd = new->epoll_fd = -1;
	strncpy(new->name, name, sizeof(new->name) - 1);
	error = tap_open(name, mac, mtu, why);
	if (error < 0)
		goto failed;
	new->tap_fd = error;
	error = prepare_epoll(new);
	if (!error)
		error = rings_create(&new->rings, access);
	if (error) {
		refuse(why, error, "cannot prepare interface %s: %s", name, strerror(-error));
		goto failed;
	}
	*netdev = new;
	return 0;
failed:
	free_netdev(new);
	return error;
}

/* Signals are the business of the thread that made us. */
static int start_thread(struct netdev *netdev)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&netdev->thread, NULL, pump, netdev);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!error)
		pthread_setname_np(netdev->thread, "pf-netdev");
	return error;
}

void netdev_start(struct netdev *netdev, unsigned int queue)
{
	int error;

	rings_enable(&netdev->rings, queue);
	atomic_store(&netdev->stop, false);
	atomic_store(&netdev->napi, NAPI_SCHEDULED); /* looks once at what came before it ran */
	if (netdev->tap_waits && !netdev->tap_gone)
		watch_tap(netdev, true);
	error = start_thread(netdev);
	netdev->running = !error;
	if (error)
		log_error("interface %s: no thread to run it: %s", netdev->name, strerror(error));
}

void netdev_stop(struct netdev *netdev)
{
	if (!netdev->running)
		return;
	atomic_store(&netdev->stop, true);
	wake(netdev);
	pthread_join(netdev->thread, NULL); /* within one round */
	netdev->running = false;
	rings_disable(&netdev->rings);
}

static void on_unmapped(void *ctx)
{
	struct netdev *netdev = ctx;
	void (*done)(void *ctx) = netdev->done;
	void *done_ctx = netdev->done_ctx;

	rings_free(&netdev->rings);
	free_netdev(netdev);
	done(done_ctx);
}

void netdev_destroy(struct netdev *netdev, void (*done)(void *ctx), void *ctx)
{
	if (!netdev) {
		done(ctx);
		return;
	}
	netdev->done = done;
	netdev->done_ctx = ctx;
	rings_unmap(&netdev->rings, on_unmapped, netdev);
}

void netdev_stats(const struct netdev *netdev, struct pf_netdev_stats *stats)
{
	stats->to_card = atomic_load_explicit(&netdev->to_card, memory_order_relaxed);
	stats->from_card = atomic_load_explicit(&netdev->from_card, memory_order_relaxed);
	stats->to_card_dropped =
		atomic_load_explicit(&netdev->to_card_dropped, memory_order_relaxed);
	stats->from_card_dropped =
		atomic_load_explicit(&netdev->from_card_dropped, memory_order_relaxed);
}
