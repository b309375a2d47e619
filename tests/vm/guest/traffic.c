// SPDX-License-Identifier: BSD-3-Clause
/*
 * traffic: makes and judges traffic inside a test guest. Receivers print "listening" when they are
 * ready and one line of JSON at the end; a sender or receiver that saw something wrong ends with
 * status 1, a wrong call with status 2.
 *
 *   hash-send tcp|udp ADDRESS PORT BYTES [RATE]
 *   hash-recv tcp|udp PORT [IDLE]
 *	Payloads of random sizes from 1 byte to 64 KiB (UDP: 65000 bytes), each with its number and
 *	hash. UDP goes out at RATE datagrams/s (500). TCP must arrive whole, UDP uncorrupted.
 *
 *   paced-send ADDRESS PORT RATE COUNT [SIZE]
 *   paced-recv PORT [IDLE]
 *	COUNT numbered datagrams at RATE per second; the receiver reports gaps, duplicates and the
 *	longest silence.
 *
 *   raw-send IFACE KEY=VALUE...
 *	Ethernet frames: dst=, src= (MAC), vlan= (a tag), svlan= (an 802.1ad tag outside it), type=
 *	(0x88b5), size= (bytes without FCS), count=, rate= (frames/s, 0: as fast as it goes), mark=
 *	(a number).
 *
 *   raw-recv IFACE FILTER SECONDS
 *	Counts such frames, content checked byte for byte. FILTER is "any" or a comma list of dst=,
 *	src=, vlan= (0: untagged), svlan=, type=, size=, mark=, until= (end after so many),
 *	promisc=1.
 *
 *   peek BDF BAR OFFSET [COUNT]
 *   poke BDF BAR OFFSET VALUE
 *   scribble BDF BAR SEED COUNT
 *	32-bit registers through sysfs; scribble writes random values to random ones: a guest gone
 *	mad. With a driver bound the kernel must run with iomem=relaxed.
 *
 * A UDP receiver ends at the sender's end mark, or after IDLE (5) seconds of silence once something
 * came.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD_MAX 65536
#define UDP_PAYLOAD_MAX 65000
#define SOCKET_BUFFER (32 << 20)
#define NUMBER_END UINT32_MAX /* record number of the end mark */
#define NUMBERS_MAX (1u << 26)

/**
 * struct record - head of every payload
 * @number: 0, 1, 2 …; NUMBER_END ends the stream
 * @length: bytes that follow; in the end mark the number of records sent
 * @hash: of those bytes
 */
struct record {
	uint32_t number;
	uint32_t length;
	uint64_t hash;
};

static uint64_t random_state = 0x9e3779b97f4a7c15;

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr, "traffic: wrong arguments; the head of traffic.c lists them\n");
	exit(2);
}

/* xorshift64* */
static uint64_t random64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1d;
}

static uint64_t hash(const unsigned char *data, size_t length)
{
	uint64_t h = 0xcbf29ce484222325 ^ length;

	for (size_t i = 0; i < length; i++) /* FNV-1a */
		h = (h ^ data[i]) * 0x100000001b3;
	return h;
}

static void fill_random(unsigned char *data, size_t length)
{
	for (size_t i = 0; i < length; i += 8) {
		uint64_t word = random64();

		memcpy(data + i, &word, length - i < 8 ? length - i : 8);
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Wait for the n-th of rate events a second that began at start. */
static void pace(double start, double rate, uint64_t n)
{
	double left = rate > 0 ? start + n / rate - now() : 0;

	if (left > 0)
		usleep(left * 1e6);
}

/* ADDRESS may be IPv4 or IPv6; NULL stands for any of both. */
static socklen_t parse_address(struct sockaddr_storage *ss, const char *address, const char *port)
{
	struct sockaddr_in *in = (void *)ss;
	struct sockaddr_in6 *in6 = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	if (address && inet_pton(AF_INET, address, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(atoi(port));
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(atoi(port));
	if (address && inet_pton(AF_INET6, address, &in6->sin6_addr) != 1)
		usage();
	return sizeof(*in6);
}

static int open_sender(int type, const char *address, const char *port)
{
	struct sockaddr_storage ss;
	socklen_t length = parse_address(&ss, address, port);
	int fd = socket(ss.ss_family, type, 0);

	if (fd < 0 || connect(fd, (void *)&ss, length))
		fail("connect");
	return fd;
}

static int open_receiver(int type, const char *port)
{
	struct sockaddr_storage ss;
	socklen_t length = parse_address(&ss, NULL, port);
	int fd = socket(ss.ss_family, type, 0), on = 1, off = 0, size = SOCKET_BUFFER;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (fd < 0 || bind(fd, (void *)&ss, length) || (type == SOCK_STREAM && listen(fd, 1)))
		fail("bind");
	printf("listening\n");
	fflush(stdout);
	return fd;
}

static void write_all(int fd, const void *data, size_t length)
{
	while (length) {
		ssize_t n = write(fd, data, length);

		if (n < 0 && errno == ECONNREFUSED) /* UDP's news of the datagram before */
			continue;
		if (n < 0)
			fail("send");
		data = (const char *)data + n;
		length -= n;
	}
}

/* Returns 0 at the end of the stream. */
static int read_all(int fd, void *data, size_t length)
{
	while (length) {
		ssize_t n = read(fd, data, length);

		if (n < 0)
			fail("receive");
		if (n == 0)
			return 0;
		data = (char *)data + n;
		length -= n;
	}
	return 1;
}

/* A few times: the mark of a UDP stream may get lost. */
static void send_end(int fd, uint32_t count, int times)
{
	struct record end = { .number = NUMBER_END, .length = count };

	for (int i = 0; i < times; i++) {
		if (i)
			usleep(50000);
		write_all(fd, &end, sizeof(end));
	}
}

static int hash_send(int argc, char **argv)
{
	static unsigned char buffer[sizeof(struct record) + PAYLOAD_MAX];
	unsigned char *payload = buffer + sizeof(struct record);
	int tcp, fd;
	uint64_t left, sent = 0;
	uint32_t number = 0;
	double start = now(), rate;
	char verdict = 0;

	if (argc < 4)
		usage();
	tcp = !strcmp(argv[0], "tcp");
	left = strtoull(argv[3], NULL, 0);
	rate = tcp ? 0 : argc > 4 ? atof(argv[4]) : 500;
	fd = open_sender(tcp ? SOCK_STREAM : SOCK_DGRAM, argv[1], argv[2]);
	random_state ^= (uint64_t)(start * 1e9);
	for (; left; number++) {
		/* Spread evenly over magnitudes: small ones matter as much as large ones. */
		uint32_t length = 1 + random64() % (1u << (random64() % 17));
		struct record record = { .number = number };

		if (!tcp && length > UDP_PAYLOAD_MAX)
			length = UDP_PAYLOAD_MAX;
		record.length = length = length < left ? length : left;
		fill_random(payload, length);
		record.hash = hash(payload, length);
		memcpy(buffer, &record, sizeof(record));
		write_all(fd, buffer, sizeof(record) + length);
		left -= length;
		sent += length;
		pace(start, rate, number + 1);
	}
	send_end(fd, number, tcp ? 1 : 5);
	if (tcp && (read(fd, &verdict, 1) != 1 || verdict != 'y'))
		return fprintf(stderr, "traffic: the receiver found an error\n"), 1;
	printf("{\"records\": %u, \"bytes\": %" PRIu64 ", \"seconds\": %.3f}\n", number, sent,
	       now() - start);
	return 0;
}

static int hash_recv_tcp(const char *port)
{
	static unsigned char payload[PAYLOAD_MAX];
	int fd = accept(open_receiver(SOCK_STREAM, port), NULL, NULL);
	uint32_t next = 0, corrupt = 0;
	struct record record = { 0 };
	uint64_t bytes = 0;
	int complete = 0;

	while (read_all(fd, &record, sizeof(record))) {
		if (record.number == NUMBER_END) {
			complete = record.length == next;
			break;
		}
		if (record.number != next++ || record.length > PAYLOAD_MAX) {
			corrupt++; /* framing is lost */
			break;
		}
		if (!read_all(fd, payload, record.length))
			break;
		corrupt += hash(payload, record.length) != record.hash;
		bytes += record.length;
	}
	complete = complete && !corrupt;
	write_all(fd, complete ? "y" : "n", 1);
	printf("{\"records\": %u, \"bytes\": %" PRIu64 ", \"corrupt\": %u, \"complete\": %s}\n",
	       next, bytes, corrupt, complete ? "true" : "false");
	return !complete;
}

/* Both kinds of numbered datagrams. */
static int recv_datagrams(const char *port, double idle)
{
	static unsigned char buffer[PAYLOAD_MAX];
	unsigned char *seen = calloc(NUMBERS_MAX / 8, 1);
	uint32_t received = 0, duplicates = 0, reordered = 0, corrupt = 0, next = 0, sent = 0;
	double last = 0, silence = 0, ended = 0;
	struct record record;
	uint64_t bytes = 0;
	struct pollfd pfd = { .fd = open_receiver(SOCK_DGRAM, port), .events = POLLIN };

	/* After the end mark a moment more, for what was overtaken. */
	while (poll(&pfd, 1, ended ? 300 : last ? idle * 1000 : -1) > 0) {
		ssize_t n = recv(pfd.fd, buffer, sizeof(buffer), MSG_TRUNC);
		double t = now();

		memcpy(&record, buffer, sizeof(record));
		if (n >= (ssize_t)sizeof(record) && record.number == NUMBER_END) {
			sent = record.length;
			ended = t;
			continue;
		}
		if (n < (ssize_t)sizeof(record) || n != (ssize_t)(sizeof(record) + record.length) ||
		    record.number >= NUMBERS_MAX ||
		    hash(buffer + sizeof(record), record.length) != record.hash) {
			corrupt++;
			continue;
		}
		if (last && t - last > silence)
			silence = t - last;
		last = t;
		if (seen[record.number / 8] & 1 << record.number % 8) {
			duplicates++;
			continue;
		}
		seen[record.number / 8] |= 1 << record.number % 8;
		received++;
		bytes += record.length;
		if (record.number < next)
			reordered++;
		else
			next = record.number + 1;
	}
	if (!ended)
		sent = next;
	printf("{\"sent\": %u, \"received\": %u, \"missing\": %u, \"duplicates\": %u, "
	       "\"reordered\": %u, \"corrupt\": %u, "
	       "\"bytes\": %" PRIu64 ", \"longest_silence_ms\": %.1f, \"end_seen\": %s}\n",
	       sent, received, sent - received, duplicates, reordered, corrupt, bytes,
	       silence * 1e3, ended ? "true" : "false");
	return corrupt > 0;
}

static int hash_recv(int argc, char **argv)
{
	if (argc < 2)
		usage();
	if (!strcmp(argv[0], "tcp"))
		return hash_recv_tcp(argv[1]);
	return recv_datagrams(argv[1], argc > 2 ? atof(argv[2]) : 5);
}

static int paced_recv(int argc, char **argv)
{
	if (argc < 1)
		usage();
	return recv_datagrams(argv[0], argc > 1 ? atof(argv[1]) : 5);
}

static int paced_send(int argc, char **argv)
{
	static unsigned char buffer[PAYLOAD_MAX];
	struct record record = { 0 };
	double start = now(), rate;
	uint32_t count;
	int fd;

	if (argc < 4)
		usage();
	fd = open_sender(SOCK_DGRAM, argv[0], argv[1]);
	rate = atof(argv[2]);
	count = strtoul(argv[3], NULL, 0);
	record.length = argc > 4 ? strtoul(argv[4], NULL, 0) : 64;
	if (record.length > UDP_PAYLOAD_MAX || count > NUMBERS_MAX)
		usage();
	fill_random(buffer + sizeof(record), record.length);
	record.hash = hash(buffer + sizeof(record), record.length);
	for (; record.number < count; record.number++) {
		memcpy(buffer, &record, sizeof(record));
		write_all(fd, buffer, sizeof(record) + record.length);
		pace(start, rate, record.number + 1);
	}
	send_end(fd, count, 5);
	printf("{\"sent\": %u, \"seconds\": %.3f}\n", count, now() - start);
	return 0;
}

/**
 * struct frame_spec - what raw-send sends or raw-recv counts
 * @has: bits of the keys that were given, by their place in frame_keys
 * @until: raw-recv: end after so many matches
 */
struct frame_spec {
	unsigned int has;
	uint8_t dst[6], src[6];
	unsigned long vlan, svlan, type, size, count, rate, mark, until, promisc;
};

enum { DST, SRC, VLAN, SVLAN, TYPE, SIZE, COUNT, RATE, MARK, UNTIL, PROMISC, KEYS };

static const char *const frame_keys[KEYS] = { "dst",   "src",  "vlan", "svlan", "type",	  "size",
					      "count", "rate", "mark", "until", "promisc" };

static void parse_key(struct frame_spec *spec, const char *text)
{
	unsigned long *const numbers[KEYS] = {
		[VLAN] = &spec->vlan, [SVLAN] = &spec->svlan, [TYPE] = &spec->type,
		[SIZE] = &spec->size, [COUNT] = &spec->count, [RATE] = &spec->rate,
		[MARK] = &spec->mark, [UNTIL] = &spec->until, [PROMISC] = &spec->promisc
	};
	const char *value = strchr(text, '=');
	size_t length = value ? (size_t)(value++ - text) : 0;
	int key = 0;

	while (key < KEYS &&
	       (strlen(frame_keys[key]) != length || strncmp(text, frame_keys[key], length)))
		key++;
	if (!value || key == KEYS)
		usage();
	if (numbers[key]) {
		*numbers[key] = strtoul(value, NULL, 0);
	} else {
		uint8_t *m = key == DST ? spec->dst : spec->src;

		if (sscanf(value, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3, m + 4,
			   m + 5) != 6)
			usage();
	}
	spec->has |= 1u << key;
}

static int open_packet(const char *interface, struct frame_spec *spec)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = if_nametoindex(interface) };
	struct packet_mreq promisc = { .mr_ifindex = address.sll_ifindex,
				       .mr_type = PACKET_MR_PROMISC };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), size = SOCKET_BUFFER, on = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on));
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	if (spec->promisc)
		setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc));
	if (fd < 0 || !address.sll_ifindex || bind(fd, (void *)&address, sizeof(address)))
		fail(interface);
	return fd;
}

/* Body after the Ethernet type: mark, number, total size, then bytes that follow from them. */
struct raw_head {
	uint32_t mark, number, size;
};

static void fill_body(unsigned char *body, size_t length, const struct raw_head *head)
{
	for (size_t i = 0; i < length; i++)
		body[i] = i < sizeof(*head) ? ((const unsigned char *)head)[i]
					    : (head->number * 31 + i) & 0xff;
}

static unsigned char *put_tag(unsigned char *at, uint16_t protocol, unsigned long id)
{
	uint16_t tag[2] = { htons(protocol), htons(id) };

	memcpy(at, tag, sizeof(tag));
	return at + sizeof(tag);
}

static int raw_send(int argc, char **argv)
{
	struct frame_spec spec = {
		.type = 0x88b5, .size = 64, .count = 1, .dst = { 255, 255, 255, 255, 255, 255 }
	};
	static unsigned char frame[PAYLOAD_MAX];
	unsigned char *at = frame + 12;
	double start = now();
	uint16_t type;
	int fd;

	if (argc < 1)
		usage();
	for (int i = 1; i < argc; i++)
		parse_key(&spec, argv[i]);
	fd = open_packet(argv[0], &spec);
	memcpy(frame, spec.dst, 6);
	memcpy(frame + 6, spec.src, 6);
	if (spec.has & 1 << SVLAN)
		at = put_tag(at, ETH_P_8021AD, spec.svlan);
	if (spec.has & 1 << VLAN)
		at = put_tag(at, ETH_P_8021Q, spec.vlan);
	type = htons(spec.type);
	memcpy(at, &type, sizeof(type));
	at += sizeof(type);
	if (spec.size > sizeof(frame) || spec.size < (size_t)(at - frame) + sizeof(struct raw_head))
		usage();
	for (uint32_t number = 0; number < spec.count; number++) {
		struct raw_head head = { spec.mark, number, spec.size };

		fill_body(at, frame + spec.size - at, &head);
		while (send(fd, frame, spec.size, 0) < 0) {
			if (errno != ENOBUFS && errno != EAGAIN)
				fail("send");
			usleep(200);
		}
		pace(start, spec.rate, number + 1);
	}
	printf("{\"sent\": %lu}\n", spec.count);
	return 0;
}

/* The tag that the kernel took out of the frame: its identifier, 0 without one. */
static unsigned int stripped_tag(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (aux.tp_status & TP_STATUS_VLAN_VALID)
			return aux.tp_vlan_tci & 0xfff;
	}
	return 0;
}

static unsigned int be16(const unsigned char *at)
{
	return at[0] << 8 | at[1];
}

/*
 * Does the frame meet the filter? @stripped is its outermost tag, 0 for none; more tags may stand
 * in the frame. *@intact: its body is as it was sent.
 */
static int matches(const struct frame_spec *spec, const unsigned char *frame, size_t length,
		   unsigned int stripped, int *intact)
{
	static unsigned char expected[PAYLOAD_MAX];
	unsigned int outer = 0, inner = stripped;
	size_t body = 14, size = length + (stripped ? 4 : 0);
	struct raw_head head;

	while (body + 4 <= length &&
	       (be16(frame + body - 2) == ETH_P_8021Q || be16(frame + body - 2) == ETH_P_8021AD)) {
		outer = inner;
		inner = be16(frame + body) & 0xfff;
		body += 4;
	}
	if (length < body + sizeof(head) || length > sizeof(expected))
		return 0;
	memcpy(&head, frame + body, sizeof(head));
	if ((spec->has & 1 << DST && memcmp(frame, spec->dst, 6)) ||
	    (spec->has & 1 << SRC && memcmp(frame + 6, spec->src, 6)) ||
	    (spec->has & 1 << VLAN && spec->vlan != inner) ||
	    (spec->has & 1 << SVLAN && spec->svlan != outer) ||
	    (spec->has & 1 << TYPE && spec->type != be16(frame + body - 2)) ||
	    (spec->has & 1 << SIZE && spec->size != size) ||
	    (spec->has & 1 << MARK && spec->mark != head.mark))
		return 0;
	fill_body(expected, length - body, &head);
	*intact = !memcmp(expected, frame + body, length - body);
	return 1;
}

static int raw_recv(int argc, char **argv)
{
	static unsigned char frame[PAYLOAD_MAX];
	struct frame_spec spec = { 0 };
	unsigned long matched = 0, altered = 0, total = 0;
	struct tpacket_stats stats = { 0 };
	socklen_t stats_size = sizeof(stats);
	struct pollfd pfd = { .events = POLLIN };
	double end, left;

	if (argc < 3)
		usage();
	if (strcmp(argv[1], "any"))
		for (char *key = strtok(argv[1], ","); key; key = strtok(NULL, ","))
			parse_key(&spec, key);
	pfd.fd = open_packet(argv[0], &spec);
	printf("listening\n");
	fflush(stdout);
	end = now() + atof(argv[2]);
	while ((left = end - now()) > 0 && !(spec.until && matched >= spec.until)) {
		char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct iovec iov = { frame, sizeof(frame) };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = sizeof(control) };
		ssize_t n;
		int intact;

		if (poll(&pfd, 1, left * 1000 + 1) <= 0)
			continue;
		n = recvmsg(pfd.fd, &msg, 0);
		if (n <= 0)
			continue;
		total++;
		if (matches(&spec, frame, n, stripped_tag(&msg), &intact)) {
			matched++;
			altered += !intact;
		}
	}
	getsockopt(pfd.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &stats_size);
	printf("{\"matched\": %lu, \"altered\": %lu, \"total\": %lu, \"lost_here\": %u}\n", matched,
	       altered, total, stats.tp_drops);
	return 0;
}

static volatile uint32_t *map_bar(char **argv, size_t *size)
{
	char path[128];
	struct stat st;
	void *bar;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource%d", argv[0], atoi(argv[1]));
	fd = open(path, O_RDWR | O_SYNC);
	if (fd < 0 || fstat(fd, &st))
		fail(path);
	bar = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bar == MAP_FAILED)
		fail(path);
	*size = st.st_size;
	return bar;
}

static int peek_poke(int argc, char **argv, int poke)
{
	volatile uint32_t *bar;
	unsigned long offset, number;
	size_t size;

	if (argc < 3 + poke)
		usage();
	bar = map_bar(argv, &size);
	offset = strtoul(argv[2], NULL, 0);
	number = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;
	if (offset % 4 || offset + 4 * (poke ? 1 : number) > size)
		usage();
	if (poke)
		bar[offset / 4] = number;
	else
		for (unsigned long i = 0; i < number; i++)
			printf("0x%08x\n", bar[offset / 4 + i]);
	return 0;
}

static int peek(int argc, char **argv)
{
	return peek_poke(argc, argv, 0);
}

static int poke(int argc, char **argv)
{
	return peek_poke(argc, argv, 1);
}

static int scribble(int argc, char **argv)
{
	volatile uint32_t *bar;
	size_t size;

	if (argc < 4)
		usage();
	bar = map_bar(argv, &size);
	random_state ^= strtoull(argv[2], NULL, 0);
	for (unsigned long n = strtoul(argv[3], NULL, 0); n; n--) {
		uint64_t at = random64() % (size / 4);

		if (random64() % 4)
			bar[at] = random64();
		else
			(void)bar[at];
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} tasks[] = {
		{ "hash-send", hash_send },
		{ "hash-recv", hash_recv },
		{ "paced-send", paced_send },
		{ "paced-recv", paced_recv },
		{ "raw-send", raw_send },
		{ "raw-recv", raw_recv },
		{ "peek", peek },
		{ "poke", poke },
		{ "scribble", scribble },
	};

	for (size_t i = 0; argc > 1 && i < sizeof(tasks) / sizeof(*tasks); i++)
		if (!strcmp(argv[1], tasks[i].name))
			return tasks[i].run(argc - 2, argv + 2);
	usage();
}
