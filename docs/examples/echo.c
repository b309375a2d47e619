// SPDX-License-Identifier: BSD-3-Clause
/*
 * echo.c - send every frame back to where it came from.
 *	cc echo.c -o echo $(pkg-config --cflags --libs softiov) && ./echo unix:/run/softiov/0000:07:10.0.sock
 */
#include <poll.h>
#include <softiov/napi.h>
#include <stdio.h>
#include <string.h>

static struct softiov_vf *vf;
static struct softiov_pool *pool;
static struct softiov_napi *napi;

static unsigned int echo(void *queue, unsigned int budget)
{
	struct softiov_packet packet[SOFTIOV_NAPI_BUDGET];
	unsigned int n = softiov_rx_burst(queue, packet, budget), sent;

	for (unsigned int i = 0; i < n; i++) {
		unsigned char *frame = packet[i].data, sender[6];

		memcpy(sender, frame + 6, 6);
		memcpy(frame + 6, frame, 6);
		memcpy(frame, sender, 6);
		packet[i].flags &= SOFTIOV_VLAN; /* all else says what the card found */
	}
	sent = softiov_tx_burst(queue, packet, n);
	while (sent < n) /* no room: lost, as on a wire */
		softiov_pool_put(pool, packet[sent++].data);
	return n;
}

/* Poll while there is work, sleep until there is some; look after the VF. Return: why it ended. */
static int run(void)
{
	struct pollfd fds[] = { { .fd = softiov_napi_fd(napi), .events = POLLIN },
				{ .fd = softiov_vf_fd(vf), .events = POLLIN } };
	int state = softiov_napi_enable(napi);

	for (unsigned int turns = 0; state >= 0; turns++) {
		state = softiov_napi_run(napi, 0);
		if (state == SOFTIOV_NAPI_ARMED)
			poll(fds, 2, 1000);
		if (state == SOFTIOV_NAPI_ARMED || turns % 1024 == 0)
			state = softiov_vf_service(vf);
	}
	return state;
}

int main(int argc, char **argv)
{
	struct softiov_queue *queue;
	struct softiov_reason why = { "usage: echo unix:PATH | vfio:DDDD:BB:DD.F" };

	if (argc != 2 || softiov_vf_open(&vf, argv[1], NULL, &why) ||
	    softiov_pool_create(&pool, NULL, &why) ||
	    softiov_queue_start(&queue, vf, 0, pool, NULL, &why) ||
	    softiov_napi_create(&napi, queue, NULL, echo, queue, &why))
		fprintf(stderr, "echo: %s\n", why.text);
	else
		fprintf(stderr, "echo: %s: %s\n", argv[1], softiov_error_name(run()));
	softiov_napi_destroy(napi);
	softiov_vf_close(vf);
	softiov_pool_destroy(pool);
	return 1;
}
