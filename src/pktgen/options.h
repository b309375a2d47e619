/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h - what the command line asked for, checked.
 */
#ifndef SOFTIOV_PKTGEN_OPTIONS_H
#define SOFTIOV_PKTGEN_OPTIONS_H

#include <softiov/softiov.h>
#include "pktgen/template.h"

#define PORTS_MAX 2
#define SIZES_MAX 64
#define CPUS_MAX 16
#define BURST_MAX 256u

enum pktgen_mode { MODE_TX, MODE_RX, MODE_BOTH, MODE_LOOP, MODE_LATENCY };
extern const char *const pktgen_mode_names[];

/**
 * struct options
 * @address: as the library wants it
 * @rate: frames (or TSO requests) a second from each generator; 0: as fast as it goes
 * @count: frames from each generator; what a lone sink or a loop receives; probes each way; 0: no end
 * @seconds: 0: no end; @warmup: seconds before that which do not count
 * @vlan, @vlans: first and number; 0: untagged
 * @tso: bytes of payload of a request, 0: none
 * @max_frame: longest frame that comes or goes
 */
struct options {
	enum pktgen_mode mode;
	char address[PORTS_MAX][160];
	unsigned int ports;
	const char *run_dir;
	bool has_destination;
	uint8_t destination[ETH_ALEN];
	uint16_t size[SIZES_MAX];
	unsigned int sizes;
	double rate;
	uint64_t burst, count, flows, tso, mss, ring, buffer, budget, in_flight;
	double seconds, warmup;
	uint16_t vlan, vlans;
	enum pktgen_proto proto;
	bool has_proto, checksum, interrupt, verify, json;
	enum softiov_pool_pages pages;
	unsigned int cpu[CPUS_MAX], cpus;
	uint32_t max_frame;
};

/**
 * options_parse() - read the command line.
 * Return: 0, or an exit status + 1: it was --help (1) or wrong, and said so (3).
 */
int options_parse(struct options *options, int argc, char **argv);

/** options_mean_size() - bytes of a frame on average; of a request with --tso. */
double options_mean_size(const struct options *options);

/* values.c: one value each. Return: 0 or -EINVAL. */
/** value_number() - decimal digits, @min ... @max. */
int value_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);
/** value_seconds() - a decimal number, up to a year. */
int value_seconds(const char *text, double *value);
/** value_list() - up to @n numbers with commas between. @found: how many. */
int value_list(const char *text, uint64_t min, uint64_t max, uint16_t *value, unsigned int n,
	       unsigned int *found);
/** value_range() - "A" or "A-B". */
int value_range(const char *text, uint64_t min, uint64_t max, uint64_t *first, uint64_t *last);
/** value_rate() - "1000", "1.5Mpps": frames a second; "500mbit", "2gbit": with @bits set, bits a second. */
int value_rate(const char *text, double *value, bool *bits);
/** value_choice() - the position of @text among @names, which ends with NULL, or -EINVAL. */
int value_choice(const char *text, const char *const *names);

/** complain() - one line to stderr, "softiov-pktgen: ...". */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
