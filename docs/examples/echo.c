// SPDX-License-Identifier: BSD-3-Clause
/*
 * echo.c - send every frame back to where it came from.
 *
 *	cc echo.c -o echo $(pkg-config --cflags --libs softiov)
 *	./echo unix:/run/softiov/0000:07:10.0.sock
 */
#include <softiov/napi.h>
#include <stdio.h>
#include <string.h>

#define SECOND_NS 1000000000ull
#define SERVICE_POLLS 1024 /* under load the VF wants a look now and then, too */

struct echo {
	struct softiov_vf *vf;
	struct softiov_pool *pool;
	struct softiov_queue *queue;
	struct softiov_napi *napi;
};

static unsigned int poll_queue(void *ctx, unsigned int budget)
{
	struct softiov_packet packet[SOFTIOV_NAPI_BUDGET];
	struct echo *echo = ctx;
	unsigned int n = softiov_rx_burst(echo->queue, packet, budget), sent;

	for (unsigned int i = 0; i < n; i++) {
		unsigned char *frame = packet[i].data, sender[6];

		memcpy(sender, frame + 6, sizeof(sender));
		memcpy(frame + 6, frame, sizeof(sender));
		memcpy(frame, sender, sizeof(sender));
		packet[i].flags &= SOFTIOV_VLAN; /* all else says what the card found */
	}
	sent = softiov_tx_burst(echo->queue, packet, n);
	while (sent < n) /* no room: lost, as on a wire */
		softiov_pool_put(echo->pool, packet[sent++].data);
	return n;
}

static int start(struct echo *echo, const char *address, struct softiov_reason *why)
{
	int error = softiov_vf_open(&echo->vf, address, NULL, why);

	if (!error)
		error = softiov_pool_create(&echo->pool, NULL, why);
	if (!error)
		error = softiov_queue_start(&echo->queue, echo->vf, 0, echo->pool, NULL, why);
	if (!error)
		error = softiov_napi_create(&echo->napi, echo->queue, NULL, poll_queue, echo, why);
	return error ? error : softiov_napi_enable(echo->napi);
}

int main(int argc, char **argv)
{
	struct softiov_reason why = { "usage: echo unix:PATH | vfio:DDDD:BB:DD.F" };
	struct echo echo = { 0 };
	int result = argc == 2 ? start(&echo, argv[1], &why) : -1;

	for (unsigned int polls = 0; result >= 0; polls++) {
		result = softiov_napi_run(echo.napi, SECOND_NS);
		if (result == SOFTIOV_NAPI_ARMED || polls % SERVICE_POLLS == 0)
			result = softiov_vf_service(echo.vf);
		if (result < 0)
			snprintf(why.text, sizeof(why.text), "%s: %s", argv[1],
				 softiov_error_name(result));
	}
	fprintf(stderr, "echo: %s\n", why.text);
	softiov_napi_destroy(echo.napi);
	softiov_vf_close(echo.vf);
	softiov_pool_destroy(echo.pool);
	return 1;
}
