// SPDX-License-Identifier: BSD-3-Clause
/*
 * options.c - the command line: each option by itself first, then whether they go together.
 *
 * Options that are one number are rows of a table, with their bounds. A wrong one is refused with
 * one line that has the option, what was given and what is allowed.
 */
#include "pktgen/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#define RUN_DIR "/run/softiov"
#define USAGE_ERROR 3 /* exit status 2, plus 1 */
#define HELP 1

const char *const pktgen_mode_names[] = { "tx", "rx", "both", "loop", "latency", NULL };
static const char *const proto_names[] = { "ether", "udp4", "udp6", "tcp4", "tcp6", NULL };
static const char *const pages_names[] = { "try", "huge", "small", NULL };
static const char *const receive_names[] = { "poll", "interrupt", NULL };

/* "Simple IMIX": 64, 594 and 1518 bytes on the wire, with FCS, 7 to 4 to 1. */
static const uint16_t imix[] = { 60, 590, 60, 590, 60, 60, 1514, 60, 590, 60, 590, 60 };

enum option_number {
	OPT_DST = 256,
	OPT_SIZE,
	OPT_SIZES,
	OPT_IMIX,
	OPT_RATE,
	OPT_BURST,
	OPT_COUNT,
	OPT_DURATION,
	OPT_WARMUP,
	OPT_FLOWS,
	OPT_VLAN,
	OPT_VLANS,
	OPT_PROTO,
	OPT_CHECKSUM,
	OPT_TSO,
	OPT_MSS,
	OPT_RING,
	OPT_BUFFER,
	OPT_PAGES,
	OPT_MODE,
	OPT_BUDGET,
	OPT_CPU,
	OPT_IN_FLIGHT,
	OPT_VERIFY,
	OPT_JSON,
	OPT_RUN_DIR,
};

static const struct option long_options[] = {
	{ "dst", required_argument, NULL, OPT_DST },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "sizes", required_argument, NULL, OPT_SIZES },
	{ "imix", no_argument, NULL, OPT_IMIX },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "burst", required_argument, NULL, OPT_BURST },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ "warmup", required_argument, NULL, OPT_WARMUP },
	{ "flows", required_argument, NULL, OPT_FLOWS },
	{ "vlan", required_argument, NULL, OPT_VLAN },
	{ "vlans", required_argument, NULL, OPT_VLANS },
	{ "proto", required_argument, NULL, OPT_PROTO },
	{ "checksum", no_argument, NULL, OPT_CHECKSUM },
	{ "tso", required_argument, NULL, OPT_TSO },
	{ "mss", required_argument, NULL, OPT_MSS },
	{ "ring", required_argument, NULL, OPT_RING },
	{ "buffer", required_argument, NULL, OPT_BUFFER },
	{ "pages", required_argument, NULL, OPT_PAGES },
	{ "mode", required_argument, NULL, OPT_MODE },
	{ "budget", required_argument, NULL, OPT_BUDGET },
	{ "cpu", required_argument, NULL, OPT_CPU },
	{ "in-flight", required_argument, NULL, OPT_IN_FLIGHT },
	{ "verify", no_argument, NULL, OPT_VERIFY },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "run-dir", required_argument, NULL, OPT_RUN_DIR },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const struct {
	enum option_number option;
	size_t offset;
	uint64_t min, max;
} numbers[] = {
	{ OPT_BURST, offsetof(struct options, burst), 1, BURST_MAX },
	{ OPT_COUNT, offsetof(struct options, count), 1, UINT64_MAX / 2 },
	{ OPT_FLOWS, offsetof(struct options, flows), 1, FLOWS_MAX },
	{ OPT_TSO, offsetof(struct options, tso), 1, SOFTIOV_TSO_MAX - TEMPLATE_HEAD },
	{ OPT_MSS, offsetof(struct options, mss), 64, SOFTIOV_FRAME_MAX - TEMPLATE_HEAD },
	{ OPT_RING, offsetof(struct options, ring), SOFTIOV_RING_MIN, SOFTIOV_RING_MAX },
	{ OPT_BUFFER, offsetof(struct options, buffer), 1024, 131072 },
	{ OPT_BUDGET, offsetof(struct options, budget), 1, BURST_MAX },
	{ OPT_IN_FLIGHT, offsetof(struct options, in_flight), 1, SOFTIOV_RING_MAX },
};

static void help(void)
{
	puts("usage: softiov-pktgen [tx|rx|both|loop|latency] [options] ADDRESS [ADDRESS]\n"
	     "  Generates packets on VFs and sinks them. ADDRESS: unix:PATH, vfio:0000:03:10.0, "
	     "or\n"
	     "  0000:07:10.0, a socket in the run directory. Without a word: two addresses: both;\n"
	     "  one address: tx with --dst, else rx.\n"
	     "    tx          generate on the first VF; to the second if there is one, else to "
	     "--dst\n"
	     "    rx          sink\n"
	     "    both        generate and sink on each, towards the other\n"
	     "    loop        frames circulate between two VFs; builds nothing on the way\n"
	     "    latency     one packet at a time, there and back; --rate: beside that much load\n"
	     "  --dst MAC                    destination\n"
	     "  --size N | --sizes A,B,... | --imix\n"
	     "                               bytes of a frame without FCS, 60-9724 (64)\n"
	     "  --proto ether|udp4|udp6|tcp4|tcp6   (udp4); --flows N: that many UDP/TCP sources\n"
	     "  --vlan ID | --vlans A-B      tagged, round robin\n"
	     "  --checksum                   the card computes checksums\n"
	     "  --tso LEN [--mss M]          TCP requests of LEN bytes, cut by the card\n"
	     "  --rate N[pps|kpps|Mpps|kbit|Mbit|Gbit]   of each generator; 0: as fast as it goes\n"
	     "  --burst N --count N --duration S --warmup S\n"
	     "  --in-flight N                loop: frames under way in each direction (256)\n"
	     "  --ring N --buffer N --pages try|huge|small\n"
	     "  --mode poll|interrupt [--budget N]   how the sink receives; interrupt: NAPI\n"
	     "  --verify                     nothing lost, duplicated, reordered, corrupt?\n"
	     "  --cpu N[,N]                  pin the threads\n"
	     "  --json                       one JSON object at the end (docs/pktgen.md)\n"
	     "  --run-dir DIR                where sockets are (" RUN_DIR ")\n"
	     "Exit status: 0 done, 1 failed or --verify found something, 2 wrong words.");
}

void complain(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "softiov-pktgen: %s\n", text);
}

#define USAGE(...) (complain(__VA_ARGS__), USAGE_ERROR)

static int set_vlans(struct options *o, const char *text, bool range)
{
	uint64_t first, last;

	if (value_range(text, 1, 4094, &first, &last) || (!range && first != last))
		return -EINVAL;
	o->vlan = (uint16_t)first;
	o->vlans = (uint16_t)(last - first + 1);
	return 0;
}

static int set_choice(const char *text, const char *const *names, int *choice)
{
	*choice = value_choice(text, names);
	return *choice < 0 ? *choice : 0;
}

/* What --rate says in bits is turned into frames when the sizes are known: negative until then. */
static int set_rate(struct options *o, const char *text)
{
	bool bits;
	int error = value_rate(text, &o->rate, &bits);

	if (!error && bits)
		o->rate = -o->rate;
	return error;
}

static int set_cpus(struct options *o, const char *text)
{
	uint16_t cpu[CPUS_MAX];
	int error = value_list(text, 0, 1023, cpu, CPUS_MAX, &o->cpus);

	for (unsigned int i = 0; !error && i < o->cpus; i++)
		o->cpu[i] = cpu[i];
	return error;
}

static int set_number(struct options *o, int option, const char *text)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++)
		if ((int)numbers[i].option == option)
			return value_number(text, numbers[i].min, numbers[i].max,
					    (uint64_t *)((char *)o + numbers[i].offset));
	return -EINVAL;
}

/* One option by itself. Return: 0 or -EINVAL. */
static int set_option(struct options *o, int option, const char *text)
{
	int choice = 0, error = 0;

	switch (option) {
	case OPT_DST:
		o->has_destination = true;
		return mac_parse(text, o->destination);
	case OPT_SIZE:
		return value_list(text, FRAME_SIZE_MIN, SOFTIOV_FRAME_MAX, o->size, 1, &o->sizes);
	case OPT_SIZES:
		return value_list(text, FRAME_SIZE_MIN, SOFTIOV_FRAME_MAX, o->size, SIZES_MAX,
				  &o->sizes);
	case OPT_IMIX:
		memcpy(o->size, imix, sizeof(imix));
		o->sizes = ARRAY_SIZE(imix);
		return 0;
	case OPT_RATE:
		return set_rate(o, text);
	case OPT_DURATION:
		return value_seconds(text, &o->seconds);
	case OPT_WARMUP:
		return value_seconds(text, &o->warmup);
	case OPT_VLAN:
	case OPT_VLANS:
		return set_vlans(o, text, option == OPT_VLANS);
	case OPT_PROTO:
		error = set_choice(text, proto_names, &choice);
		o->proto = (enum pktgen_proto)choice;
		o->has_proto = true;
		return error;
	case OPT_PAGES:
		error = set_choice(text, pages_names, &choice);
		o->pages = (enum softiov_pool_pages)choice;
		return error;
	case OPT_MODE:
		error = set_choice(text, receive_names, &choice);
		o->interrupt = choice == 1;
		return error;
	case OPT_CPU:
		return set_cpus(o, text);
	case OPT_CHECKSUM:
		o->checksum = true;
		return 0;
	case OPT_VERIFY:
		o->verify = true;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_RUN_DIR:
		o->run_dir = text;
		return 0;
	default:
		return set_number(o, option, text);
	}
}

static const char *option_name(int option)
{
	for (const struct option *o = long_options; o->name; o++)
		if (o->val == option)
			return o->name;
	return "?";
}

static int wrong_value(int option, const char *text)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++)
		if ((int)numbers[i].option == option)
			return USAGE("--%s '%s': must be a number, %llu to %llu",
				     option_name(option), text, (unsigned long long)numbers[i].min,
				     (unsigned long long)numbers[i].max);
	switch (option) {
	case OPT_SIZE:
	case OPT_SIZES:
		return USAGE("--%s '%s': sizes are %u to %u bytes, without FCS%s",
			     option_name(option), text, FRAME_SIZE_MIN, SOFTIOV_FRAME_MAX,
			     option == OPT_SIZES ? "; at most 64, with commas between" : "");
	case OPT_VLAN:
	case OPT_VLANS:
		return USAGE("--%s '%s': VLANs are 1 to 4094%s", option_name(option), text,
			     option == OPT_VLANS ? ", as in 10-20" : "");
	case OPT_PROTO:
		return USAGE("--proto '%s': allowed: ether, udp4, udp6, tcp4, tcp6", text);
	case OPT_PAGES:
		return USAGE("--pages '%s': allowed: try, huge, small", text);
	case OPT_MODE:
		return USAGE("--mode '%s': allowed: poll, interrupt", text);
	case OPT_RATE:
		return USAGE("--rate '%s': a number with pps, kpps, Mpps, kbit, Mbit or Gbit",
			     text);
	case OPT_DST:
		return USAGE("--dst '%s': not a MAC address", text);
	case OPT_CPU:
		return USAGE("--cpu '%s': processors by number, with commas between", text);
	default:
		return USAGE("--%s '%s': must be a time in seconds", option_name(option), text);
	}
}

double options_mean_size(const struct options *o)
{
	double sum = 0;

	if (o->tso)
		return (double)o->tso + template_headers(o->proto);
	for (unsigned int i = 0; i < o->sizes; i++)
		sum += o->size[i];
	return sum / o->sizes;
}

/* Words that are not options: a mode, addresses. */
static int set_words(struct options *o, char **word, int n)
{
	int mode = n ? value_choice(word[0], pktgen_mode_names) : -EINVAL;

	if (mode >= 0) {
		word++;
		n--;
	}
	if (n < 1 || n > PORTS_MAX)
		return USAGE("%s (see --help)", n < 1 ? "no ADDRESS" : "at most two ADDRESSes");
	for (int i = 0; i < n; i++) {
		bool bare = strncmp(word[i], "unix:", 5) && strncmp(word[i], "vfio:", 5);
		int len = snprintf(o->address[i], sizeof(o->address[i]), "%s%s%s%s%s",
				   bare ? "unix:" : "", bare ? o->run_dir : "", bare ? "/" : "",
				   word[i], bare ? ".sock" : "");

		if (len >= (int)sizeof(o->address[i]))
			return USAGE("ADDRESS '%s' is too long", word[i]);
	}
	o->ports = (unsigned int)n;
	o->mode = mode >= 0	       ? (enum pktgen_mode)mode
		  : n == 2	       ? MODE_BOTH
		  : o->has_destination ? MODE_TX
				       : MODE_RX;
	return 0;
}

/* Does the mode have what it needs, and nothing that it has no use for? */
static int check_mode(const struct options *o)
{
	const char *mode = pktgen_mode_names[o->mode];
	bool closed = o->mode == MODE_LOOP || o->mode == MODE_LATENCY;

	if (o->mode == MODE_RX && o->ports != 1)
		return USAGE("rx takes one ADDRESS");
	if (closed && o->ports != 2)
		return USAGE("%s takes two ADDRESSes", mode);
	if (o->ports == 1 && o->mode != MODE_RX && !o->has_destination)
		return USAGE("%s with one ADDRESS needs --dst MAC", mode);
	if (o->has_destination && (o->ports == 2 || o->mode == MODE_RX))
		return USAGE("--dst goes with one ADDRESS that sends");
	if (closed && (o->interrupt || o->verify || o->tso))
		return USAGE("%s does not go with --mode interrupt, --verify or --tso", mode);
	if (o->mode == MODE_LOOP && (o->rate != 0 || o->checksum))
		return USAGE("loop does not go with --rate or --checksum");
	if (o->in_flight && o->mode != MODE_LOOP)
		return USAGE("--in-flight goes with loop only");
	if (o->budget && !o->interrupt)
		return USAGE("--budget goes with --mode interrupt only");
	return 0;
}

static int check_frames(const struct options *o)
{
	bool tcp = o->proto == PROTO_TCP4 || o->proto == PROTO_TCP6;
	uint32_t stamp = o->verify || o->mode == MODE_LATENCY ? STAMP_LEN : 0;
	uint32_t least = template_headers(o->proto) + (o->tso ? 0 : stamp);

	if ((o->tso || o->mss) && !tcp)
		return USAGE("--tso goes with --proto tcp4 or tcp6");
	if (o->mss && !o->tso)
		return USAGE("--mss goes with --tso");
	if (o->proto == PROTO_ETHER && (o->flows > 1 || o->checksum))
		return USAGE("--proto ether has neither flows nor checksums");
	for (unsigned int i = 0; !o->tso && i < o->sizes; i++)
		if (o->size[i] < least)
			return USAGE("--size %u: %s%s needs at least %u", o->size[i],
				     proto_names[o->proto], stamp ? " with a stamp" : "", least);
	return 0;
}

static int check_memory(const struct options *o)
{
	if (o->ring % 8)
		return USAGE("--ring %llu: must be a multiple of 8", (unsigned long long)o->ring);
	if (o->buffer & (o->buffer - 1))
		return USAGE("--buffer %llu: must be a power of two",
			     (unsigned long long)o->buffer);
	if ((o->interrupt || o->mode == MODE_LATENCY) && MIN(o->buffer, 16384ull) < o->max_frame)
		return USAGE("%s needs buffers that hold a frame: --buffer %llu is less than %u",
			     o->interrupt ? "--mode interrupt" : "latency",
			     (unsigned long long)o->buffer, o->max_frame);
	if (o->tso && o->tso + TEMPLATE_HEAD > o->buffer * SOFTIOV_PIECES_MAX)
		return USAGE("--tso %llu does not fit in %d buffers of %llu bytes: see --buffer",
			     (unsigned long long)o->tso, SOFTIOV_PIECES_MAX,
			     (unsigned long long)o->buffer);
	if (o->mode == MODE_LOOP && o->in_flight > o->ring / 2)
		return USAGE("--in-flight %llu needs --ring %llu or more",
			     (unsigned long long)o->in_flight,
			     (unsigned long long)o->in_flight * 2);
	return 0;
}

/* What was left out. */
static void complete(struct options *o)
{
	if (!o->has_proto)
		o->proto = o->tso ? PROTO_TCP4 : PROTO_UDP4;
	if (!o->sizes)
		o->size[o->sizes++] = 64;
	if (o->tso && !o->mss)
		o->mss = 1514 - template_headers(o->proto);
	o->max_frame = 1514;
	for (unsigned int i = 0; i < o->sizes; i++)
		o->max_frame = MAX(o->max_frame, (uint32_t)o->size[i]);
	if (o->tso)
		o->max_frame = MAX(o->max_frame, (uint32_t)o->mss + template_headers(o->proto));
	if (!o->buffer)
		o->buffer = o->max_frame <= 2048 ? 2048 : 16384;
	if (!o->ring)
		o->ring = SOFTIOV_RING_DEFAULT;
	if (!o->in_flight && o->mode == MODE_LOOP)
		o->in_flight = MIN(256ull, o->ring / 2);
	if (!o->flows)
		o->flows = 1;
	if (o->rate < 0)
		o->rate = -o->rate / 8 / options_mean_size(o);
}

int options_parse(struct options *o, int argc, char **argv)
{
	int option, error;

	*o = (struct options){ .run_dir = RUN_DIR };
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":hV", long_options, NULL)) != -1) {
		if (option == '?')
			return USAGE("unknown option '%s' (see --help)", argv[optind - 1]);
		if (option == ':')
			return USAGE("'%s' needs a value", argv[optind - 1]);
		if (option == 'h') {
			help();
			return HELP;
		}
		if (option == 'V') {
			printf("softiov-pktgen %s\n", softiov_version());
			return HELP;
		}
		if (set_option(o, option, optarg))
			return wrong_value(option, optarg);
	}
	error = set_words(o, argv + optind, argc - optind);
	if (error)
		return error;
	complete(o);
	error = check_mode(o);
	if (!error)
		error = check_frames(o);
	return error ? error : check_memory(o);
}
