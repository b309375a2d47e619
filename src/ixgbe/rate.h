/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rate.h - the transmit rate limiter of a queue: RTTBCNRC, RTTBCNRM. See rate.c. Worker only, but for the registers.
 */
#ifndef SOFTIOV_IXGBE_RATE_H
#define SOFTIOV_IXGBE_RATE_H

#include <stdbool.h>
#include <stdint.h>
#include "util/util.h"

struct frame_burst;
struct ixgbe_txq;

/* RTTBCNRC: link speed / rate, 14.14 fixed point; RTTBCNRM: payload KiB that may be made up for */
#define IXGBE_RTTBCNRC_ENABLE BIT(31) /* RS_ENA */
#define IXGBE_RTTBCNRC_FACTOR 0x0fffffffu
#define IXGBE_RTTBCNRM_MMW_SIZE 0x7ffu

/**
 * struct ixgbe_pacer - how far a limited queue is with its time. Units: 1/64 ns of CLOCK_MONOTONIC.
 * @paid: up to when the time of the queue is taken by what it has sent; may lie ahead
 * @bcnrc: the register that this goes by
 * @waits: frames were left behind for lack of time
 */
struct ixgbe_pacer {
	uint64_t paid;
	uint32_t bcnrc;
	bool waits;
};

/**
 * ixgbe_pacer_open() - how many bytes may go at @now? @bcnrc: with a factor. @mmw: RTTBCNRM.
 * Return: at least 1, also if that is less than a frame: who has any time may send one; 0: none before *@due (ns).
 */
uint32_t ixgbe_pacer_open(struct ixgbe_pacer *pacer, uint32_t bcnrc, uint32_t mmw, uint64_t now,
			  uint64_t *due);

/** ixgbe_pacer_charge() - @bytes went. @waits: there is more to send. */
void ixgbe_pacer_charge(struct ixgbe_pacer *pacer, uint64_t bytes, bool waits);

/** ixgbe_rate_open() - as ixgbe_pacer_open(), for a queue as its PF's registers and link say. */
uint32_t ixgbe_rate_open(struct ixgbe_txq *q, uint64_t now, uint64_t *due);

/** ixgbe_rate_charge() - @burst is what the queue gave after that; @waits: it has more. */
void ixgbe_rate_charge(struct ixgbe_txq *q, const struct frame_burst *burst, bool waits);

#endif
