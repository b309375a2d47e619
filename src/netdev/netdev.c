/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * netdev.c - one thread that carries frames between a VF and a TAP interface, and keeps both alike.
 *
 * It sleeps in epoll on everything there is: for each lane (queue pair of the VF, queue of the TAP) the NAPI context and
 * the TAP, and for all of them the VF's mailbox, news of the interface, signals, and a clock that makes good for news
 * that were lost. As long as a lane has work, by its NAPI state or because the TAP has not run empty, it does not sleep
 * but goes around: every source is looked at between two bursts, and no direction starves the other.
 *
 * In poll mode there is no NAPI and no sleep.
 *
 * A TAP descriptor is watched for edges: its lane knows that there is more until a read finds nothing. While the transmit
 * ring is full nothing is read, and the kernel's own queue of the interface fills, as with any card.
 *
 * The end. The interface is gone (removed, or with its namespace): the TAP says so. The card is gone: the VF does. A
 * signal. In each case all that was made is given back, in reverse order.
 */
#include "netdev/netdev.h"

#include <inttypes.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "netdev/follow.h"
#include "netdev/lane.h"
#include "netdev/namespace.h"
#include "netdev/protocol.h"
#include "netdev/rtnl.h"
#include "netdev/tap.h"

#define CLOCK_S 1
#define EVENTS 16

struct netdev;

/** struct source - something that epoll watches. */
struct source {
	int (*on_event)(struct netdev *netdev, struct lane *lane);
	struct lane *lane;
};

/**
 * struct netdev
 * @finished: the interface is gone or a signal has come
 * @no_pf: the user was told that the PF driver does not answer
 */
struct netdev {
	const struct netdev_options *options;
	struct softiov_vf *vf;
	struct softiov_pool *pool;
	struct lane *lane;
	unsigned int lanes;
	int tap[NETDEV_QUEUES_MAX];
	int events, signals, clock, news;
	bool finished, no_pf;
	struct follow follow;
	struct source on_signal, on_clock, on_vf, on_news;
	struct source on_tap[NETDEV_QUEUES_MAX], on_napi[NETDEV_QUEUES_MAX];
};

/* --- what happens ---------------------------------------------------------------------------- */

static void print_counters(const struct netdev *netdev)
{
	for (unsigned int i = 0; i < netdev->lanes; i++) {
		const struct lane *lane = &netdev->lane[i];
		const struct lane_stats *s = &lane->stats;
		struct softiov_napi_stats napi = { 0 };

		if (lane->napi)
			softiov_napi_stats(lane->napi, &napi);
		printf("%s queue %u: sent %" PRIu64 ", not sent %" PRIu64 ", received %" PRIu64
		       ", not delivered %" PRIu64 ", joined %" PRIu64 "; interrupts %" PRIu64
		       ", polls %" PRIu64 ", budget spent %" PRIu64 "\n",
		       netdev->options->name, i, s->sent, s->sent_dropped, s->received,
		       s->received_dropped, s->joined, napi.interrupts, napi.polls,
		       napi.budget_spent);
	}
	fflush(stdout);
}

static int take_signal(struct netdev *netdev, struct lane *lane)
{
	struct signalfd_siginfo info;

	while (read(netdev->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo == SIGUSR1)
			print_counters(netdev);
		else
			netdev->finished = true;
	return 0;
}

static int look_at_interface(struct netdev *netdev)
{
	int error = follow_interface(&netdev->follow);

	if (error == -SOFTIOV_ERR_GONE)
		return error;
	if (error == -EBADFD)
		netdev->finished = true;
	return 0; /* else there will be another look */
}

static int take_news(struct netdev *netdev, struct lane *lane)
{
	rtnl_drain(netdev->news);
	return look_at_interface(netdev);
}

static int service_vf(struct netdev *netdev, struct lane *lane)
{
	int events = softiov_vf_service(netdev->vf);

	if (events == -SOFTIOV_ERR_NO_PF && !netdev->no_pf)
		fprintf(stderr, "softiov: %s: the PF driver does not answer\n",
			netdev->options->shown);
	netdev->no_pf = events == -SOFTIOV_ERR_NO_PF;
	if (events < 0)
		return netdev->no_pf ? 0 : events;
	if (events)
		follow_vf(&netdev->follow, events & SOFTIOV_EVENT_RESET);
	if (!(events & SOFTIOV_EVENT_RESET))
		return 0;
	/* Queues begin anew, and NAPI with a poll. */
	for (unsigned int i = 0; i < netdev->lanes; i++)
		netdev->lane[i].polling = true;
	return look_at_interface(netdev);
}

static int take_time(struct netdev *netdev, struct lane *lane)
{
	uint64_t times;
	int error;

	if (read(netdev->clock, &times, sizeof(times)) < 0)
		return 0;
	error = service_vf(netdev, lane);
	return error ? error : look_at_interface(netdev);
}

static int take_tap(struct netdev *netdev, struct lane *lane)
{
	lane->tap_ready = true;
	return 0;
}

static int take_interrupt(struct netdev *netdev, struct lane *lane)
{
	lane->interrupted = true;
	return 0;
}

/* --- going around ---------------------------------------------------------------------------- */

static int run_lane(struct netdev *netdev, struct lane *lane)
{
	int state = SOFTIOV_NAPI_ARMED;

	if (!lane->napi) {
		lane_receive(lane, netdev->options->budget);
	} else if (lane->interrupted || lane->polling) {
		state = softiov_napi_run(lane->napi, 0);
		lane->interrupted = false;
		lane->polling = state == SOFTIOV_NAPI_POLLING;
	}
	if (lane->tap_ready || lane->waiting)
		lane_send(lane);
	if (lane->tap_gone)
		netdev->finished = true;
	return MIN(state, 0);
}

static bool is_busy(const struct netdev *netdev)
{
	if (netdev->options->poll)
		return true;
	for (unsigned int i = 0; i < netdev->lanes; i++) {
		const struct lane *lane = &netdev->lane[i];

		if (lane->polling || (lane->tap_ready && !lane->waiting))
			return true;
	}
	return false;
}

static int go_around(struct netdev *netdev)
{
	struct epoll_event event[EVENTS];
	int n = epoll_wait(netdev->events, event, EVENTS, is_busy(netdev) ? 0 : -1), error = 0;

	for (int i = 0; i < n && !error; i++) {
		const struct source *source = event[i].data.ptr;

		error = source->on_event(netdev, source->lane);
	}
	for (unsigned int i = 0; i < netdev->lanes && !error; i++)
		error = run_lane(netdev, &netdev->lane[i]);
	return error;
}

static int run(struct netdev *netdev, struct reason *why)
{
	int error = 0;

	while (!netdev->finished && !error)
		error = go_around(netdev);
	if (error)
		return refuse(why, error,
			      "%s: the card is gone (softiovd has ended, or the device)",
			      netdev->options->shown);
	return 0;
}

/* --- coming ---------------------------------------------------------------------------------- */

static int watch(struct netdev *netdev, struct source *source, int fd, uint32_t events,
		 int (*on_event)(struct netdev *netdev, struct lane *lane), struct lane *lane)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	*source = (struct source){ .on_event = on_event, .lane = lane };
	return epoll_ctl(netdev->events, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int make_signals(struct netdev *netdev)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	netdev->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return netdev->signals < 0 ? -errno : 0;
}

static int make_clock(struct netdev *netdev)
{
	const struct itimerspec period = { { CLOCK_S, 0 }, { CLOCK_S, 0 } };

	netdev->clock = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return netdev->clock < 0 || timerfd_settime(netdev->clock, 0, &period, NULL) < 0 ? -errno
											 : 0;
}

static int watch_all(struct netdev *netdev)
{
	int error = watch(netdev, &netdev->on_signal, netdev->signals, EPOLLIN, take_signal, NULL);

	if (!error)
		error = watch(netdev, &netdev->on_clock, netdev->clock, EPOLLIN, take_time, NULL);
	if (!error)
		error = watch(netdev, &netdev->on_vf, softiov_vf_fd(netdev->vf), EPOLLIN,
			      service_vf, NULL);
	if (!error)
		error = watch(netdev, &netdev->on_news, netdev->news, EPOLLIN, take_news, NULL);
	for (unsigned int i = 0; i < netdev->lanes && !error; i++) {
		struct lane *lane = &netdev->lane[i];

		error = watch(netdev, &netdev->on_tap[i], lane->tap, EPOLLIN | EPOLLET, take_tap,
			      lane);
		if (!error && lane->napi)
			error = watch(netdev, &netdev->on_napi[i], softiov_napi_fd(lane->napi),
				      EPOLLIN, take_interrupt, lane);
	}
	return error;
}

static int prepare_events(struct netdev *netdev, struct reason *why)
{
	int error;

	netdev->events = epoll_create1(EPOLL_CLOEXEC);
	error = netdev->events < 0 ? -errno : make_signals(netdev);
	if (!error)
		error = make_clock(netdev);
	return error ? refuse(why, error, "no event descriptors: %s", strerror(-error)) : 0;
}

static int open_vf(struct netdev *netdev, struct reason *why)
{
	const struct softiov_vf_options options = { .max_frame = NETDEV_MTU_MAX + ETH_HEADER_LEN };
	struct softiov_reason reason;
	int error = softiov_vf_open(&netdev->vf, netdev->options->address, &options, &reason);

	return error ? refuse(why, error, "%s", reason.text) : 0;
}

static int make_pool(struct netdev *netdev, struct reason *why)
{
	const struct softiov_pool_options options = { .buffers = LANE_BUFFERS * netdev->lanes,
						      .buffer_size = LANE_BUFFER_SIZE };
	struct softiov_pool_info info;
	struct softiov_reason reason;
	int error = softiov_pool_create(&netdev->pool, &options, &reason);

	if (error)
		return refuse(why, error, "%s", reason.text);
	softiov_pool_info(netdev->pool, &info);
	if (!info.huge)
		fprintf(stderr,
			"softiov: %s: no huge pages free: ordinary ones will do, a little slower\n",
			netdev->options->shown);
	return 0;
}

/* Make the TAP, with the VF's address, here or there. */
static int make_interface(struct netdev *netdev, struct reason *why)
{
	const struct netdev_options *options = netdev->options;
	struct softiov_vf_info info;
	int there = -1, error = 0;

	if (options->netns) {
		there = namespace_open(options->netns, why);
		error = there < 0 ? there : namespace_leave(why);
	}
	if (!error)
		error = tap_create(netdev->tap, netdev->lanes, options->name, why);
	if (!error) {
		softiov_vf_info(netdev->vf, &info);
		error = tap_set_mac(netdev->tap[0], info.mac);
		if (error)
			refuse(why, error, "interface %s: cannot set its address: %s",
			       options->name, strerror(-error));
	}
	if (!error) {
		netdev->news = rtnl_news();
		if (netdev->news < 0)
			error = refuse(why, netdev->news, "no news of interfaces: %s",
				       strerror(-netdev->news));
	}
	if (!error && there >= 0)
		error = namespace_move(options->name, there, options->netns, why);
	if (there >= 0)
		close(there);
	return error;
}

static int start_lanes(struct netdev *netdev, struct reason *why)
{
	int error = 0;

	for (unsigned int i = 0; i < netdev->lanes && !error; i++) {
		error = lane_start(&netdev->lane[i], netdev->vf, i, netdev->pool, netdev->tap[i],
				   netdev->options, why);
		netdev->lane[i].polling = true; /* looks once at what came before it ran */
	}
	return error;
}

static void count_lanes(struct netdev *netdev)
{
	struct softiov_vf_info info;

	softiov_vf_info(netdev->vf, &info);
	netdev->lanes = MIN(info.queues, netdev->options->queues);
}

static void print_ready(const struct netdev *netdev)
{
	struct softiov_vf_info info;
	char mac[18];

	softiov_vf_info(netdev->vf, &info);
	printf("%s: %s, %s, ", netdev->options->name, netdev->options->shown,
	       mac_format(info.mac, mac));
	if (info.link_up)
		printf("%u Mb/s\n", info.link_mbps);
	else
		printf("link down\n");
	fflush(stdout);
}

static int start(struct netdev *netdev, struct reason *why)
{
	int error = prepare_events(netdev, why);

	if (!error)
		error = open_vf(netdev, why);
	if (error)
		return error;
	count_lanes(netdev);
	netdev->lane = calloc(netdev->lanes, sizeof(*netdev->lane));
	if (!netdev->lane)
		return refuse(why, -ENOMEM, "out of memory");
	error = make_interface(netdev, why);
	if (!error)
		error = make_pool(netdev, why);
	if (!error)
		error = start_lanes(netdev, why);
	if (error)
		return error;
	error = watch_all(netdev);
	if (error)
		return refuse(why, error, "cannot wait for events: %s", strerror(-error));
	follow_start(&netdev->follow, netdev->vf, netdev->tap[0]);
	error = look_at_interface(netdev);
	if (error)
		return refuse(why, error, "%s: the card is gone", netdev->options->shown);
	print_ready(netdev);
	return 0;
}

/* --- going ----------------------------------------------------------------------------------- */

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void stop(struct netdev *netdev)
{
	for (unsigned int i = 0; netdev->lane && i < netdev->lanes; i++)
		lane_stop(&netdev->lane[i]);
	softiov_vf_close(netdev->vf);
	softiov_pool_destroy(netdev->pool);
	for (unsigned int i = 0; i < NETDEV_QUEUES_MAX; i++)
		close_if_open(netdev->tap[i]);
	close_if_open(netdev->news);
	close_if_open(netdev->events);
	close_if_open(netdev->signals);
	close_if_open(netdev->clock);
	free(netdev->lane);
}

int netdev_run(const struct netdev_options *options, struct reason *why)
{
	struct netdev netdev = {
		.options = options, .events = -1, .signals = -1, .clock = -1, .news = -1
	};
	int error;

	for (unsigned int i = 0; i < NETDEV_QUEUES_MAX; i++)
		netdev.tap[i] = -1;
	error = start(&netdev, why);
	if (!error)
		error = run(&netdev, why);
	stop(&netdev);
	return error;
}
