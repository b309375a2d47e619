// SPDX-License-Identifier: BSD-3-Clause
/*
 * run.c - from options to an exit status.
 *
 * This thread opens everything, starts the lanes and then sleeps: until a signal, the end of a phase,
 * or a lane that is done or has failed. It moves the phase on, the lanes follow and take their
 * counters at the borders by themselves, so what is measured does not depend on when this thread runs.
 *
 * The run ends with a drain: nothing new is sent, but what is under way may arrive. It is over when the
 * rings are empty and nothing has arrived for a moment, at the latest after two seconds.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "pktgen/clock.h"
#include "pktgen/run.h"

#define DRAIN_LOOK_MS 20
#define DRAIN_QUIET_NS (60 * 1000 * 1000ull)
#define DRAIN_MAX_NS (2 * NSEC_PER_SEC)
#define MSEC 1000000ull

/* --- setting up ------------------------------------------------------------------------------ */

static bool sends(const struct options *o, unsigned int port)
{
	return o->mode != MODE_RX && (o->mode != MODE_TX || port == 0);
}

static bool sinks(const struct options *o, unsigned int port)
{
	return o->mode != MODE_TX || port == 1;
}

/* What port @i sends and receives. */
static int equip(struct run *run, unsigned int i, struct softiov_reason *why)
{
	const struct options *o = run->options;
	struct port *port = &run->port[i];
	const uint8_t *to = run->ports == 2 ? run->port[1 - i].info.mac : o->destination;
	int error = 0;

	port->sinks = sinks(o, i);
	if (sends(o, i))
		error = generator_create(&port->generator, o, port->info.mac, to, !port->sinks,
					 why);
	if (error)
		return error;
	return sink_create(&port->sink, o, port->generator, port->sinks, why);
}

static unsigned int poll_sink(void *ctx, unsigned int budget)
{
	struct sink *sink = ctx;

	return sink->take(sink, budget);
}

static int sleep_on(struct port *port, const struct options *o, struct softiov_reason *why)
{
	struct softiov_napi_options options = { .budget = (uint32_t)o->budget };
	int error =
		softiov_napi_create(&port->napi, port->queue, &options, poll_sink, port->sink, why);

	if (error)
		return error;
	error = softiov_napi_enable(port->napi);
	if (error)
		snprintf(why->text, sizeof(why->text), "%s: cannot receive by interrupts: %s",
			 port->address, softiov_error_name(error));
	return error;
}

static int open_all(struct run *run, struct softiov_reason *why)
{
	const struct options *o = run->options;
	int error = 0;

	run->ports = o->ports;
	for (unsigned int i = 0; !error && i < run->ports; i++)
		error = port_open(&run->port[i], o, i,
				  i && o->mode == MODE_LOOP ? &run->port[0] : NULL, why);
	for (unsigned int i = 0; !error && i < run->ports; i++)
		error = equip(run, i, why);
	for (unsigned int i = 0; !error && i < run->ports; i++)
		error = port_start(&run->port[i], o, why);
	for (unsigned int i = 0; !error && o->interrupt && i < run->ports; i++)
		if (run->port[i].sinks)
			error = sleep_on(&run->port[i], o, why);
	if (!error && o->mode == MODE_LOOP)
		error = loop_create(run, why);
	if (!error && o->mode == MODE_LATENCY)
		error = latency_create(run, why);
	if (!error && !run->port[0].huge && o->pages != SOFTIOV_POOL_HUGE_NEVER)
		complain("note: no huge pages (vm.nr_hugepages): works, but slower");
	return error;
}

static int start_lanes(struct run *run, struct softiov_reason *why)
{
	unsigned int ports = run->options->interrupt ? 1 : run->ports;
	int error = 0;

	for (unsigned int i = 0; !error && i * ports < run->ports; i++) {
		error = lane_start(run, i, &run->port[i * ports], ports);
		run->lanes += !error;
	}
	if (error)
		snprintf(why->text, sizeof(why->text), "cannot start a thread%s: %s",
			 run->options->cpus ? " on that processor (--cpu)" : "", strerror(-error));
	return error;
}

/* --- the phases ------------------------------------------------------------------------------ */

static void set_phase(struct run *run, enum phase phase)
{
	atomic_store_explicit(&run->phase, phase, memory_order_release);
}

/* Wait until @end. Return: false if something else happened: a signal, a lane. */
static bool wait_until(const struct run *run, int signals, uint64_t end)
{
	struct pollfd fds[] = { { .fd = signals, .events = POLLIN },
				{ .fd = run->wake, .events = POLLIN } };
	uint64_t now = now_ns(), left = now < end ? end - now : 0;
	struct timespec timeout = { .tv_sec = (time_t)(left / NSEC_PER_SEC),
				    .tv_nsec = (long)(left % NSEC_PER_SEC) };
	eventfd_t lanes;

	if (ppoll(fds, ARRAY_SIZE(fds), &timeout, NULL) > 0 && fds[1].revents)
		eventfd_read(run->wake, &lanes);
	return !fds[0].revents && !fds[1].revents;
}

static bool over(const struct run *run, int signals)
{
	struct pollfd fd = { .fd = signals, .events = POLLIN };

	return atomic_load(&run->failed) || atomic_load(&run->done) == run->lanes ||
	       poll(&fd, 1, 0) > 0;
}

/* Stay in the present phase for @seconds (0: no end), with a line each second for who watches. */
static void stay(struct run *run, int signals, double seconds, bool watched)
{
	uint64_t start = now_ns(), next = start;
	uint64_t end = seconds > 0 ? start + (uint64_t)(seconds * NSEC_PER_SEC) : UINT64_MAX;

	while (!over(run, signals) && now_ns() < end) {
		next += NSEC_PER_SEC;
		while (!over(run, signals) && now_ns() < MIN(next, end))
			wait_until(run, signals, MIN(next, end));
		if (watched && now_ns() >= next)
			report_second(run, (double)(next - start) / NSEC_PER_SEC);
	}
}

static void drain(const struct run *run)
{
	struct timespec pause = { .tv_nsec = DRAIN_LOOK_MS * MSEC };
	uint64_t start = now_ns(), changed = start, before = 0;

	do {
		uint64_t frames = 0, unsent = 0;

		nanosleep(&pause, NULL);
		for (unsigned int i = 0; i < run->ports; i++) {
			frames += atomic_load(&run->port[i].now.rx_packets);
			unsent += atomic_load(&run->port[i].now.unsent);
		}
		if (frames != before || unsent)
			changed = now_ns();
		before = frames;
	} while (!atomic_load(&run->failed) && now_ns() - changed < DRAIN_QUIET_NS &&
		 now_ns() - start < DRAIN_MAX_NS);
}

static void go_through(struct run *run, int signals)
{
	const struct options *o = run->options;
	bool watched = !o->json && isatty(STDOUT_FILENO);

	if (o->warmup > 0)
		stay(run, signals, o->warmup, watched);
	set_phase(run, PHASE_MEASURE);
	stay(run, signals, o->seconds, watched);
	set_phase(run, PHASE_DRAIN);
	drain(run);
	set_phase(run, PHASE_END);
}

/* --- the end --------------------------------------------------------------------------------- */

/* What the other end sent and nobody received is lost. */
static bool verify_all(struct run *run)
{
	bool clean = true;

	for (unsigned int i = 0; i < run->ports; i++) {
		struct verifier *v = run->port[i].sink->verifier;
		const struct port *other = &run->port[1 - i];

		if (!v)
			continue;
		if (run->ports == 2 && other->generator)
			verifier_finish(v, other->total.tx_packets, other->generator->stream,
					other->generator->flows);
		clean &= verify_clean(&v->stats);
	}
	return clean;
}

static int report(struct run *run)
{
	bool clean = verify_all(run);
	struct figures all;

	if (run->options->json)
		report_json(run);
	else
		report_text(run);
	if (fflush(stdout) || ferror(stdout)) {
		complain("the summary cannot be written");
		return 1;
	}
	figures_of_all(run, &all);
	if (clean)
		return 0;
	complain("--verify: %llu lost, %llu duplicated, %llu reordered, %llu corrupt",
		 (unsigned long long)all.verify.lost, (unsigned long long)all.verify.duplicated,
		 (unsigned long long)all.verify.reordered, (unsigned long long)all.verify.corrupt);
	return 1;
}

static void close_all(struct run *run)
{
	for (unsigned int i = run->ports; i-- > 0;)
		port_close(&run->port[i]);
	loop_destroy(run->loop);
	latency_destroy(run->latency);
}

/* Signals are read from a descriptor: threads made later have them blocked, too. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int run_options(const struct options *options)
{
	static struct run run;
	int signals = open_signals(), error;

	run.options = options;
	run.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	clock_start();
	pattern_init();
	error = open_all(&run, &run.why);
	if (!error)
		error = start_lanes(&run, &run.why);
	if (!error)
		go_through(&run, signals);
	else
		atomic_store(&run.failed, true);
	for (unsigned int i = 0; i < run.lanes; i++)
		pthread_join(run.lane[i].thread, NULL);
	if (atomic_load(&run.failed))
		complain("%s", run.why.text);
	error = atomic_load(&run.failed) ? 1 : report(&run);
	close_all(&run);
	close(run.wake);
	close(signals);
	return error;
}
