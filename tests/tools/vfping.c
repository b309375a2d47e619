/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfping.c - frames there and back between two VFs, each driven by libsoftiov.
 *
 *	vfping [OPTION]... ADDRESS echo			send back what comes, until SIGTERM
 *	vfping [OPTION]... ADDRESS send MAC COUNT	send COUNT frames to the echo at MAC and wait for each
 *
 *	-p	poll all the time; else NAPI
 *	-b N	frames of one poll at most (64)
 *	-l N	length of the frames, without FCS (64)
 *	-w N	at most so many frames under way (32)
 *	-H	no huge pages
 *
 * Prints "ready MAC" when the queue runs, and at the end one JSON object: frames sent and received, whole and in time,
 * and, with NAPI, its counters. Exit status: 0 if all of it worked, 1 if not, 2 for a wrong command line. An error of
 * the library is printed as "vfping: NAME: reason".
 *
 * Each frame carries its number and bytes made from it, which the sender checks when the frame is back.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <softiov/napi.h>
#include <softiov/softiov.h>

#define MAC_LEN 6
#define HEADER_LEN 14
#define ETHERTYPE 0x88b5 /* local experiments */
#define NUMBER_LEN 4
#define LEN_MIN (HEADER_LEN + NUMBER_LEN)
#define BURST 256
#define IDLE_US \
	50 /* between two polls that find nothing: the echo may share its processor with the card */
#define SERVICE_MS 1000
#define NSEC_PER_MSEC 1000000ull
#define PATIENCE_MS 10000
#define LINK_MS 10000

struct ping {
	/* wanted */
	const char *address;
	bool echo, polling;
	unsigned int budget, len, window;
	uint8_t peer[MAC_LEN];
	uint32_t count;
	enum softiov_pool_pages pages;
	/* opened */
	struct softiov_vf *vf;
	struct softiov_pool *pool;
	struct softiov_queue *queue;
	struct softiov_napi *napi;
	uint8_t mac[MAC_LEN];
	/* seen */
	uint32_t sent, received, wrong, not_sent;
	uint8_t *back; /* by number: is the frame back? */
	uint64_t progress_ms, serviced_ms;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	stop = 1;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int failed(int error, const char *text)
{
	fprintf(stderr, "vfping: %s: %s\n", softiov_error_name(error), text);
	return error;
}

/* --- frames ---------------------------------------------------------------------------------- */

static void make_frame(const struct ping *ping, uint8_t *frame, uint32_t number)
{
	memcpy(frame, ping->peer, MAC_LEN);
	memcpy(frame + MAC_LEN, ping->mac, MAC_LEN);
	frame[12] = ETHERTYPE >> 8;
	frame[13] = ETHERTYPE & 0xff;
	memcpy(frame + HEADER_LEN, &number, NUMBER_LEN);
	for (uint32_t i = LEN_MIN; i < ping->len; i++)
		frame[i] = (uint8_t)(number * 31 + i);
}

static bool is_ours(const struct ping *ping, const struct softiov_packet *packet)
{
	const uint8_t *frame = packet->data;

	return packet->len >= LEN_MIN && !memcmp(frame, ping->mac, MAC_LEN) &&
	       frame[12] == ETHERTYPE >> 8 && frame[13] == (ETHERTYPE & 0xff);
}

/* A frame is back: is it the one that was sent, for the first time? */
static void check_frame(struct ping *ping, const struct softiov_packet *packet)
{
	static uint8_t expected[SOFTIOV_FRAME_MAX];
	const uint8_t *frame = packet->data;
	uint32_t number;

	memcpy(&number, frame + HEADER_LEN, NUMBER_LEN);
	make_frame(ping, expected, number);
	if (number >= ping->sent || ping->back[number] ||
	    packet->flags & (SOFTIOV_MORE | SOFTIOV_VLAN) || packet->len < ping->len ||
	    memcmp(frame + HEADER_LEN, expected + HEADER_LEN, ping->len - HEADER_LEN)) {
		ping->wrong++;
		return;
	}
	ping->back[number] = 1;
	ping->received++;
	ping->progress_ms = now_ms();
}

/* Send @n packets; buffers of those that find no room go back. */
static void send_packets(struct ping *ping, const struct softiov_packet *packet, unsigned int n)
{
	unsigned int sent = softiov_tx_burst(ping->queue, packet, n);

	ping->sent += sent;
	ping->not_sent += n - sent;
	for (; sent < n; sent++)
		softiov_pool_put(ping->pool, packet[sent].data);
}

static void swap_addresses(uint8_t *frame)
{
	uint8_t mac[MAC_LEN];

	memcpy(mac, frame, MAC_LEN);
	memcpy(frame, frame + MAC_LEN, MAC_LEN);
	memcpy(frame + MAC_LEN, mac, MAC_LEN);
}

/* softiov_napi_create()'s poll. */
static unsigned int receive(void *ctx, unsigned int budget)
{
	struct ping *ping = ctx;
	struct softiov_packet packet[BURST];
	unsigned int n = softiov_rx_burst(ping->queue, packet, budget < BURST ? budget : BURST),
		     back = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (is_ours(ping, &packet[i]) && ping->echo) {
			ping->received++;
			swap_addresses(packet[i].data);
			packet[i].flags = 0;
			packet[back++] = packet[i];
			continue;
		}
		if (is_ours(ping, &packet[i]))
			check_frame(ping, &packet[i]);
		softiov_pool_put(ping->pool, packet[i].data);
	}
	if (back)
		send_packets(ping, packet, back);
	return n;
}

/* As many frames as the window allows. */
static void send_some(struct ping *ping)
{
	struct softiov_packet packet[BURST];
	unsigned int n = 0;

	while (n < BURST && ping->sent + n < ping->count &&
	       ping->sent + n - ping->received < ping->window) {
		uint8_t *frame = softiov_pool_get(ping->pool);

		if (!frame)
			break;
		make_frame(ping, frame, ping->sent + n);
		packet[n++] = (struct softiov_packet){ .data = frame, .len = ping->len };
	}
	if (n)
		send_packets(ping, packet, n);
}

/* --- the loop -------------------------------------------------------------------------------- */

static int service(struct ping *ping)
{
	int events = softiov_vf_service(ping->vf);

	ping->serviced_ms = now_ms();
	return events < 0 ? failed(events, "the VF is lost") : 0;
}

static bool finished(const struct ping *ping)
{
	if (stop)
		return true;
	if (ping->echo)
		return false;
	return ping->received == ping->count || now_ms() - ping->progress_ms > PATIENCE_MS;
}

static int turn_polling(struct ping *ping)
{
	if (!receive(ping, ping->budget))
		usleep(IDLE_US);
	return now_ms() - ping->serviced_ms >= SERVICE_MS ? service(ping) : 0;
}

/* Asleep in the library: it is to notice by itself when the VF is taken away. */
static int turn_napi(struct ping *ping)
{
	int state = softiov_napi_run(ping->napi, SERVICE_MS * NSEC_PER_MSEC);

	if (state < 0)
		return failed(state, "the VF is lost");
	return now_ms() - ping->serviced_ms >= SERVICE_MS ? service(ping) : 0;
}

static int run(struct ping *ping)
{
	int error = 0;

	ping->progress_ms = now_ms();
	while (!error && !finished(ping)) {
		if (!ping->echo)
			send_some(ping);
		error = ping->polling ? turn_polling(ping) : turn_napi(ping);
	}
	return error;
}

/* --- begin and end --------------------------------------------------------------------------- */

static int wait_for_link(struct ping *ping)
{
	uint64_t end = now_ms() + LINK_MS;
	struct softiov_vf_info info;

	for (;;) {
		int error = service(ping);

		softiov_vf_info(ping->vf, &info);
		if (error || info.link_up)
			return error;
		if (now_ms() > end)
			return failed(-ETIMEDOUT, "no link");
		usleep(10000);
	}
}

static int open_all(struct ping *ping)
{
	struct softiov_vf_options vf_options = { .max_frame =
							 ping->len > 1514 ? SOFTIOV_FRAME_MAX : 0 };
	struct softiov_pool_options pool_options = { .buffers = 1024,
						     .buffer_size = ping->len > 1514 ? 16384 : 0,
						     .pages = ping->pages };
	struct softiov_napi_options napi_options = { .budget = ping->budget };
	struct softiov_vf_info info;
	struct softiov_reason why = { "" };
	int error = softiov_vf_open(&ping->vf, ping->address, &vf_options, &why);

	if (!error)
		error = softiov_pool_create(&ping->pool, &pool_options, &why);
	if (!error)
		error = softiov_queue_start(&ping->queue, ping->vf, 0, ping->pool, NULL, &why);
	if (!error && !ping->polling)
		error = softiov_napi_create(&ping->napi, ping->queue, &napi_options, receive, ping,
					    &why);
	if (error)
		return failed(error, why.text);
	if (ping->napi)
		error = softiov_napi_enable(ping->napi);
	if (error)
		return failed(error, "interrupts");
	softiov_vf_info(ping->vf, &info);
	memcpy(ping->mac, info.mac, MAC_LEN);
	error = wait_for_link(ping);
	if (error)
		return error;
	printf("ready %02x:%02x:%02x:%02x:%02x:%02x\n", info.mac[0], info.mac[1], info.mac[2],
	       info.mac[3], info.mac[4], info.mac[5]);
	fflush(stdout);
	return 0;
}

static void close_all(struct ping *ping)
{
	softiov_napi_destroy(ping->napi);
	if (ping->queue)
		softiov_queue_stop(ping->queue);
	softiov_vf_close(ping->vf);
	softiov_pool_destroy(ping->pool);
	free(ping->back);
}

static void report(const struct ping *ping)
{
	struct softiov_vf_info info;
	struct softiov_pool_info pool;
	struct softiov_napi_stats s;

	softiov_vf_info(ping->vf, &info);
	softiov_pool_info(ping->pool, &pool);
	printf("{\"sent\": %u, \"received\": %u, \"wrong\": %u, \"not_sent\": %u, "
	       "\"shared_registers\": %s, \"huge\": %s",
	       ping->sent, ping->received, ping->wrong, ping->not_sent,
	       info.shared_registers ? "true" : "false", pool.huge ? "true" : "false");
	if (ping->napi) {
		softiov_napi_stats(ping->napi, &s);
		printf(", \"napi\": {\"interrupts\": %" PRIu64 ", \"polls\": %" PRIu64
		       ", \"frames\": %" PRIu64 ", \"budget_spent\": %" PRIu64
		       ", \"rearms\": %" PRIu64 ", \"rearm_races\": %" PRIu64
		       ", \"spurious\": %" PRIu64 "}",
		       s.interrupts, s.polls, s.frames, s.budget_spent, s.rearms, s.rearm_races,
		       s.spurious);
	}
	printf("}\n");
}

static int usage(void)
{
	fprintf(stderr, "usage: vfping [-pH] [-b BUDGET] [-l LENGTH] [-w WINDOW] ADDRESS echo | "
			"send MAC COUNT\n");
	return 2;
}

static bool parse_number(const char *text, unsigned int min, unsigned int max, unsigned int *value)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*value = (unsigned int)n;
	return *text && !*end && n >= min && n <= max;
}

static bool parse_mac(const char *text, uint8_t mac[MAC_LEN])
{
	int end = 0;

	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx%n", &mac[0], &mac[1], &mac[2], &mac[3],
		      &mac[4], &mac[5], &end) == MAC_LEN &&
	       !text[end];
}

static bool parse(struct ping *ping, int argc, char **argv)
{
	bool good = true;
	int option;

	while (good && (option = getopt(argc, argv, "pHb:l:w:")) != -1) {
		switch (option) {
		case 'p':
			ping->polling = true;
			break;
		case 'H':
			ping->pages = SOFTIOV_POOL_HUGE_NEVER;
			break;
		case 'b':
			good = parse_number(optarg, 1, BURST, &ping->budget);
			break;
		case 'l':
			good = parse_number(optarg, LEN_MIN, SOFTIOV_FRAME_MAX, &ping->len);
			break;
		case 'w':
			good = parse_number(optarg, 1, BURST, &ping->window);
			break;
		default:
			good = false;
		}
	}
	argv += optind;
	argc -= optind;
	if (!good || argc < 2)
		return false;
	ping->address = argv[0];
	ping->echo = !strcmp(argv[1], "echo");
	if (ping->echo)
		return argc == 2;
	return argc == 4 && !strcmp(argv[1], "send") && parse_mac(argv[2], ping->peer) &&
	       parse_number(argv[3], 1, 10000000, &ping->count);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct ping ping = { .budget = SOFTIOV_NAPI_BUDGET, .len = 64, .window = 32 };
	int error;

	if (!parse(&ping, argc, argv))
		return usage();
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	ping.back = calloc(ping.count + 1, 1);
	error = ping.back ? open_all(&ping) : -ENOMEM;
	if (!error) {
		error = run(&ping);
		report(&ping);
	}
	close_all(&ping);
	return error || ping.wrong || (!ping.echo && ping.received != ping.count);
}
