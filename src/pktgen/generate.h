/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * generate.h - a stream of frames out of one queue.
 */
#ifndef SOFTIOV_PKTGEN_GENERATE_H
#define SOFTIOV_PKTGEN_GENERATE_H

#include "pktgen/options.h"
#include "pktgen/template.h"

#define HELD_MAX (2 * BURST_MAX)

/**
 * struct generator
 * @fill: prepare up to @n frames behind @held packets; sets held
 * @packet: @held packets that the ring has not taken yet
 * @burst: frames prepared at a time, @batch: pieces that these are, at most BURST_MAX
 * @left: frames still to be prepared
 * @template: @templates of them, one for each size, used in turn; @at the next
 * @sequence: of the next frame; TCP: see @stream
 * @stream: next TCP sequence number of each flow
 * @interval: ticks between two frames, 0: none; @next: when the next burst is due
 */
struct generator {
	struct softiov_queue *queue;
	struct softiov_pool *pool;
	void (*fill)(struct generator *g, unsigned int n);
	unsigned int held, burst, batch;
	uint64_t left;
	struct template *template;
	unsigned int templates, at;
	unsigned int flows, flow;
	uint16_t vlan, vlans, vlan_at;
	uint16_t magic;
	uint32_t sequence;
	uint32_t payload; /* of a TSO request */
	uint32_t *stream;
	uint32_t buffer_size;
	bool verify;
	double interval, next;
	struct softiov_packet packet[HELD_MAX];
};

/**
 * generator_create() - frames as @options say from @source to @destination. The queue is set later.
 * @clean: buffers that come out of the pool hold the first template (see generator_prepare())
 */
int generator_create(struct generator **generator, const struct options *options,
		     const uint8_t source[ETH_ALEN], const uint8_t destination[ETH_ALEN],
		     bool clean, struct softiov_reason *why);
void generator_destroy(struct generator *g);

/** generator_prepare() - write the pattern, or the first template of @g, into all buffers of @pool. @g may be NULL. */
int generator_prepare(const struct generator *g, struct softiov_pool *pool);

/** generator_restore() - make a buffer what generator_prepare() made it. */
void generator_restore(const struct generator *g, uint8_t *buffer, uint32_t len);

/** generator_send() - a burst, if one is due. */
void generator_send(struct generator *g);

/** generator_wait_ns() - time until generator_send() has something to do. */
uint64_t generator_wait_ns(const struct generator *g);

/** generator_done() - all frames are sent; with @left set to 0 that is as soon as none is held. */
static inline bool generator_done(const struct generator *g)
{
	return !g->left && !g->held;
}

/** generator_drop() - give back what is held. */
void generator_drop(struct generator *g);

/** generator_head() - the next template's head, port and VLAN into @packet, whose data is set; for frames built once. */
void generator_head(struct generator *g, struct softiov_packet *packet);

#endif
