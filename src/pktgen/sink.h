/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sink.h - take what arrives on one queue and give the buffers back.
 */
#ifndef SOFTIOV_PKTGEN_SINK_H
#define SOFTIOV_PKTGEN_SINK_H

#include "pktgen/generate.h"
#include "pktgen/verify.h"

#define SINK_MAX (BURST_MAX + SOFTIOV_PIECES_MAX)

/**
 * struct sink
 * @take: receive up to @n packets. Return: frames
 * @generator: what else uses the pool, or NULL; buffers go back as it wants them
 */
struct sink {
	struct softiov_queue *queue;
	struct softiov_pool *pool;
	unsigned int (*take)(struct sink *sink, unsigned int n);
	unsigned int burst;
	const struct generator *generator;
	struct verifier *verifier;
	struct softiov_packet packet[SINK_MAX];
	uint8_t frame[SOFTIOV_FRAME_MAX];
};

/** sink_create() - @generator: see above; @counts: frames are expected here, so @options' checks apply. */
int sink_create(struct sink **sink, const struct options *options,
		const struct generator *generator, bool counts, struct softiov_reason *why);
void sink_destroy(struct sink *sink);

#endif
