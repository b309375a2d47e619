/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run.h - a run: ports, the threads that serve them, and the phases they go through together.
 */
#ifndef SOFTIOV_PKTGEN_RUN_H
#define SOFTIOV_PKTGEN_RUN_H

#include <pthread.h>
#include <stdatomic.h>
#include <softiov/napi.h>

#include "pktgen/generate.h"
#include "pktgen/histogram.h"
#include "pktgen/sink.h"

/** enum phase - WARMUP does not count; DRAIN: nothing new is sent, what is under way still arrives. */
enum phase { PHASE_WARMUP, PHASE_MEASURE, PHASE_DRAIN, PHASE_END };

/** struct moment - counters of a port at a time. */
struct moment {
	uint64_t ticks;
	struct softiov_queue_stats stats;
};

/**
 * struct port - a VF with one queue pair, served by one thread.
 * @sinks: frames are expected here; else it only keeps its ring empty
 * @begin, @end: of PHASE_MEASURE
 * @now: for other threads to read
 */
struct port {
	const char *address;
	struct softiov_vf *vf;
	struct softiov_vf_info info;
	struct softiov_pool *pool;
	bool own_pool, huge, sinks;
	struct softiov_queue *queue;
	struct softiov_napi *napi;
	struct generator *generator;
	struct sink *sink;
	struct moment begin, end;
	struct softiov_queue_stats total;
	struct softiov_napi_stats napi_stats;
	struct {
		_Atomic uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes, unsent;
	} now;
};

struct loop;
struct latency;
struct run;

/**
 * struct lane - a thread.
 * @slice: what it does, some 100 us of it or until there is nothing to do
 * @service_at: ticks when its VFs want to be looked after
 * @alive_at, @alive_frames: when frames arrived last
 */
struct lane {
	struct run *run;
	enum phase phase;
	struct port *port[PORTS_MAX];
	unsigned int ports;
	void (*slice)(struct lane *lane);
	uint64_t service_at, alive_at, alive_frames;
	pthread_t thread;
	bool started;
};

/**
 * struct run
 * @wake: eventfd; a lane is done or has failed
 * @done: lanes that have done all that --count asks for
 * @told: set by who writes @why and then sets @failed
 */
struct run {
	const struct options *options;
	struct port port[PORTS_MAX];
	unsigned int ports;
	struct lane lane[PORTS_MAX];
	unsigned int lanes;
	struct loop *loop;
	struct latency *latency;
	_Atomic enum phase phase;
	_Atomic unsigned int done;
	_Atomic bool failed;
	_Atomic bool told;
	struct softiov_reason why;
	int wake;
};

/** port.c: open the VF, join its VLANs, make its pool. @share: a port whose pool to use, or NULL. */
int port_open(struct port *port, const struct options *options, unsigned int number,
	      struct port *share, struct softiov_reason *why);
/** port_start() - run the queue for generator and sink; wait for the link. */
int port_start(struct port *port, const struct options *options, struct softiov_reason *why);
void port_close(struct port *port);
/** port_service() - look after the VF. Return: 0, or what makes going on impossible, with @why. */
int port_service(struct port *port, bool reset_is_fatal, struct softiov_reason *why);
void port_moment(const struct port *port, struct moment *moment);

/** lane.c: @run->lane[@number] serves @ports from @first on. */
int lane_start(struct run *run, unsigned int number, struct port *first, unsigned int ports);
/** lane_fail() - end the run with one line. */
void lane_fail(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** lane_wake() - have the main thread look. */
void lane_wake(struct run *run);

/** loop.c, latency.c */
int loop_create(struct run *run, struct softiov_reason *why);
void loop_slice(struct lane *lane);
void loop_destroy(struct loop *loop);

int latency_create(struct run *run, struct softiov_reason *why);
void latency_slice(struct lane *lane);
bool latency_done(const struct run *run);
void latency_destroy(struct latency *latency);
/** latency_histogram() - of direction @from; @lost: probes that did not arrive within a second. */
const struct histogram *latency_histogram(const struct run *run, unsigned int from, uint64_t *lost);

/** run_options() - all of it, with one line to stderr if it fails. Return: exit status. */
int run_options(const struct options *options);

/** struct figures - what a report says of one port, or of all. */
struct figures {
	double seconds;
	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes, rx_no_buffer, tx_full;
	double tx_pps, tx_bps, rx_pps, rx_bps;
	struct verify_stats verify;
};
void figures_of(const struct port *port, struct figures *f);
void figures_of_all(const struct run *run, struct figures *all);

struct latency_figures {
	uint64_t samples, lost;
	double min_us, mean_us, p50_us, p90_us, p99_us, p999_us, max_us;
};
/** latency_of() - of direction @from, -1: both. */
void latency_of(const struct run *run, int from, struct latency_figures *f);

const char *moderation_name(enum softiov_moderation moderation);

/** report.c: a line about the last second; the summary. json.c: the summary for programs. */
void report_second(const struct run *run, double seconds);
void report_text(const struct run *run);
void report_json(const struct run *run);

#endif
