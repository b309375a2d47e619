// SPDX-License-Identifier: BSD-3-Clause
/*
 * lane.c - a thread that sends and receives on one or two ports.
 *
 * Poll mode has one lane for all ports, which never sleeps; interrupt mode has one for each port, which
 * sleeps in its NAPI context (or, without a sink, until the next frame is due). A lane works in
 * slices. Between two of them, which is some ten thousand times a second when there is work, it looks
 * at the phase, publishes its counters, and ten times a second looks after its VFs: the thread that
 * uses a queue is also the one that services its VF, so a reset finds the queue idle.
 */
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "pktgen/clock.h"
#include "pktgen/run.h"

#define ROUNDS 64 /* bursts of a slice */
#define SERVICE_NS (100 * 1000 * 1000ull)
#define SLEEP_MAX_NS SERVICE_NS
#define WORTH_SLEEPING_NS 200000ull /* more than going to sleep and waking up takes */
#define STALLED_NS (2.0 * NSEC_PER_SEC)

void lane_wake(struct run *run)
{
	eventfd_write(run->wake, 1);
}

void lane_fail(struct run *run, const char *format, ...)
{
	va_list args;

	if (atomic_exchange(&run->told, true))
		return;
	va_start(args, format);
	vsnprintf(run->why.text, sizeof(run->why.text), format, args);
	va_end(args);
	atomic_store(&run->failed, true);
	lane_wake(run);
}

static bool all_sent(const struct lane *lane)
{
	for (unsigned int i = 0; i < lane->ports; i++)
		if (lane->port[i]->generator && !generator_done(lane->port[i]->generator))
			return false;
	return true;
}

/* --- slices ---------------------------------------------------------------------------------- */

static void sleep_ns(uint64_t ns)
{
	struct timespec pause = { .tv_nsec = (long)ns };

	nanosleep(&pause, NULL);
}

/* Nobody expects a frame here: sleep until the next is to be sent. */
static void sleep_if_worth(const struct lane *lane)
{
	uint64_t wait;

	if (lane->ports != 1 || lane->port[0]->sinks)
		return;
	wait = MIN(generator_wait_ns(lane->port[0]->generator), SLEEP_MAX_NS);
	if (wait > WORTH_SLEEPING_NS)
		sleep_ns(wait - WORTH_SLEEPING_NS / 2);
}

static void take(struct port *port)
{
	port->sink->take(port->sink, port->sink->burst);
}

static void slice_poll(struct lane *lane)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		for (unsigned int k = 0; k < lane->ports; k++) {
			struct port *port = lane->port[k];

			if (port->generator)
				generator_send(port->generator);
			if (port->sinks)
				take(port);
		}
	}
	for (unsigned int k = 0; k < lane->ports; k++)
		if (!lane->port[k]->sinks)
			take(lane->port[k]);
	sleep_if_worth(lane);
}

static void slice_interrupt(struct lane *lane)
{
	struct port *port = lane->port[0];
	uint64_t wait = SLEEP_MAX_NS;
	int state;

	if (port->generator) {
		generator_send(port->generator);
		wait = MIN(wait, generator_wait_ns(port->generator));
	}
	state = softiov_napi_run(port->napi, wait);
	if (state < 0)
		lane_fail(lane->run, "%s: the card is gone", port->address);
}

/* In interrupt mode, a port that only sends. */
static void slice_send(struct lane *lane)
{
	struct port *port = lane->port[0];

	for (unsigned int i = 0; i < ROUNDS; i++)
		generator_send(port->generator);
	take(port);
	sleep_if_worth(lane);
}

/* --- the thread ------------------------------------------------------------------------------ */

static void publish(const struct lane *lane, struct port *port)
{
	struct softiov_queue_stats stats;

	softiov_queue_stats(port->queue, &stats);
	atomic_store_explicit(&port->now.tx_packets, stats.tx_packets, memory_order_relaxed);
	atomic_store_explicit(&port->now.tx_bytes, stats.tx_bytes, memory_order_relaxed);
	atomic_store_explicit(&port->now.rx_packets, stats.rx_packets, memory_order_relaxed);
	atomic_store_explicit(&port->now.rx_bytes, stats.rx_bytes, memory_order_relaxed);
	if (lane->phase != PHASE_DRAIN)
		return;
	atomic_store_explicit(&port->now.unsent,
			      softiov_tx_reclaim(port->queue) +
				      (port->generator ? port->generator->held : 0),
			      memory_order_relaxed);
}

static uint64_t received(const struct lane *lane)
{
	uint64_t frames = 0;

	for (unsigned int i = 0; i < lane->ports; i++)
		frames +=
			atomic_load_explicit(&lane->port[i]->now.rx_packets, memory_order_relaxed);
	return frames;
}

/* Has it done all that --count asks for? */
static bool done(const struct lane *lane)
{
	const struct run *run = lane->run;

	switch (run->options->mode) {
	case MODE_RX:
	case MODE_LOOP:
		return run->options->count && received(lane) >= run->options->count;
	case MODE_LATENCY:
		return latency_done(run);
	default:
		return all_sent(lane);
	}
}

static void enter(struct lane *lane, enum phase phase)
{
	lane->phase = phase;
	for (unsigned int i = 0; i < lane->ports; i++) {
		struct port *port = lane->port[i];

		if (phase == PHASE_MEASURE)
			port_moment(port, &port->begin);
		if (phase == PHASE_DRAIN)
			port_moment(port, &port->end);
		if (phase == PHASE_DRAIN && port->generator)
			port->generator->left = 0;
		if (phase == PHASE_END)
			softiov_queue_stats(port->queue, &port->total);
		if (phase == PHASE_END && port->napi)
			softiov_napi_stats(port->napi, &port->napi_stats);
	}
}

/* A loop whose frames are all lost would wait forever. */
static void check_stalled(struct lane *lane, uint64_t now)
{
	uint64_t frames = received(lane);

	if (frames != lane->alive_frames || !lane->alive_at) {
		lane->alive_frames = frames;
		lane->alive_at = now;
	} else if (clock_to_ns(now - lane->alive_at) > STALLED_NS) {
		lane_fail(lane->run, "loop: no frame came back for 2 s");
	}
}

static void service(struct lane *lane, uint64_t now)
{
	struct softiov_reason why;
	struct run *run = lane->run;

	lane->service_at = now + clock_from_ns(SERVICE_NS);
	for (unsigned int i = 0; i < lane->ports; i++)
		if (port_service(lane->port[i], run->loop, &why))
			lane_fail(run, "%s", why.text);
	if (run->loop)
		check_stalled(lane, now);
}

static void *lane_main(void *arg)
{
	struct lane *lane = arg;
	struct run *run = lane->run;
	bool told = false;

	lane->service_at = clock_ticks() + clock_from_ns(SERVICE_NS);
	while (!atomic_load_explicit(&run->failed, memory_order_relaxed)) {
		uint64_t now;

		while (lane->phase != atomic_load_explicit(&run->phase, memory_order_acquire))
			enter(lane, lane->phase + 1);
		if (lane->phase == PHASE_END)
			break;
		lane->slice(lane);
		for (unsigned int i = 0; i < lane->ports; i++)
			publish(lane, lane->port[i]);
		now = clock_ticks();
		if (now >= lane->service_at)
			service(lane, now);
		if (!told && done(lane)) {
			told = true;
			atomic_fetch_add(&run->done, 1);
			lane_wake(run);
		}
	}
	return NULL;
}

static void choose_slice(struct lane *lane)
{
	if (lane->run->loop)
		lane->slice = loop_slice;
	else if (lane->run->latency)
		lane->slice = latency_slice;
	else if (!lane->run->options->interrupt)
		lane->slice = slice_poll;
	else
		lane->slice = lane->port[0]->napi ? slice_interrupt : slice_send;
}

int lane_start(struct run *run, unsigned int number, struct port *first, unsigned int ports)
{
	const struct options *o = run->options;
	struct lane *lane = &run->lane[number];
	pthread_attr_t attr;
	int error;

	*lane = (struct lane){ .run = run, .ports = ports };
	for (unsigned int i = 0; i < ports; i++)
		lane->port[i] = first + i;
	choose_slice(lane);
	pthread_attr_init(&attr);
	if (o->cpus) {
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		CPU_SET(o->cpu[number % o->cpus], &cpus);
		pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	}
	error = pthread_create(&lane->thread, &attr, lane_main, lane);
	pthread_attr_destroy(&attr);
	lane->started = !error;
	return -error;
}
