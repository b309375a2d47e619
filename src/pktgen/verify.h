/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verify.h - is every frame there, once, in order and intact?
 */
#ifndef SOFTIOV_PKTGEN_VERIFY_H
#define SOFTIOV_PKTGEN_VERIFY_H

#include "pktgen/template.h"

#define VERIFY_WINDOW 65536u /* how far back a late frame is told from a duplicate */

/**
 * struct verify_stats - @checked: generated frames seen; @reordered: came after a later one; @corrupt: length, VLAN,
 * checksum or bytes are wrong; @other: not generated, or by another sender.
 */
struct verify_stats {
	uint64_t checked, lost, duplicated, reordered, corrupt, other;
};

/**
 * struct verifier - follows one sender, the first one seen.
 * @from_start: sequence numbers begin at 0; else with the first seen
 * @next: sequence number one behind the last; @seen: of those before, modulo VERIFY_WINDOW
 * @stream: TCP sequence number expected of each flow, @known: whether it is
 */
struct verifier {
	struct verify_stats stats;
	bool from_start, started;
	uint8_t source[ETH_ALEN];
	uint32_t mss;
	uint64_t next;
	uint64_t seen[VERIFY_WINDOW / 64];
	uint32_t stream[FLOWS_MAX];
	bool known[FLOWS_MAX];
};

/** verifier_create() - @mss: payload of a segment, for streams. Return: NULL without memory. */
struct verifier *verifier_create(bool from_start, uint32_t mss);

/** verifier_check() - a frame of @len bytes; @packet has its flags and VLAN. Return: it is as it was generated. */
bool verifier_check(struct verifier *v, const struct softiov_packet *packet, const uint8_t *data,
		    uint32_t len);

/** verifier_finish() - @sent frames were sent, or TCP streams were sent up to @stream (else NULL): the rest is lost. */
void verifier_finish(struct verifier *v, uint64_t sent, const uint32_t *stream, unsigned int flows);

static inline bool verify_clean(const struct verify_stats *s)
{
	return !(s->lost | s->duplicated | s->reordered | s->corrupt);
}

#endif
