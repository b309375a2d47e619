/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * quiesce.c - grace periods by quiescent states (QSBR), without anybody ever waiting.
 *
 * Every quiesce_call() takes the next epoch. A worker that passes a quiescent point copies the
 * current epoch into its
 * @seen; a napping worker shows QUIESCE_OFFLINE, the largest epoch there is. A callback is due when
 * every worker's
 * @seen has reached its epoch. Unused slots are offline too, so a scan needs no test for them.
 *
 * Memory ordering. Two arguments, both in C11 atomics (no fences, which ThreadSanitizer cannot
 * follow):
 *
 * 1. Reclaim after use. The device thread unpublishes P, then increments @epoch (seq_cst, hence
 * release). A worker that loads the new epoch (acquire) reads the new P from there on. What it did
 * with the old P is sequenced before its store to @seen (release), which the device thread loads
 * (acquire) before it runs the callback.
 *
 * 2. Coming online (store, then load, on both sides). The worker stores @seen, then loads @epoch;
 * the device thread increments @epoch, then loads @seen; all four are seq_cst and so have one total
 * order. Either the worker's store comes before the device thread's load, which then sees a worker
 * that is online and behind; or the worker's load comes after the increment, and by (1) the worker
 * no longer finds P.
 *
 * Nobody tells the device thread that a worker has passed a point: waking another processor costs a
 * worker tens of microseconds on a virtual machine. While a callback waits, a timer has the device
 * thread look again: soon, for a worker at work passes a point every few microseconds, then less and
 * less often.
 */
#include "util/quiesce.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "util/util.h"

#define LOOK_FIRST_NS 20000u
#define LOOK_LAST_NS 1000000u

int quiesce_init(struct quiesce *q)
{
	memset(q, 0, sizeof(*q));
	atomic_init(&q->epoch, 1);
	q->last = &q->first;
	for (unsigned int i = 0; i < QUIESCE_MAX_WORKERS; i++)
		atomic_init(&q->workers[i].seen, QUIESCE_OFFLINE);
	q->kick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return q->kick_fd < 0 ? -errno : 0;
}

void quiesce_fini(struct quiesce *q)
{
	quiesce_poll(q);
	close(q->kick_fd);
	q->kick_fd = -1;
}

int quiesce_register(struct quiesce *q)
{
	for (int slot = 0; slot < QUIESCE_MAX_WORKERS; slot++) {
		bool used = false;
		int slots;

		if (!atomic_compare_exchange_strong(&q->workers[slot].used, &used, true))
			continue;
		/* Before the worker can go online: ordered like its @seen, by argument (2). */
		slots = atomic_load(&q->slots);
		while (slots <= slot && !atomic_compare_exchange_weak(&q->slots, &slots, slot + 1))
			;
		return slot;
	}
	return -ENOSPC;
}

void quiesce_unregister(struct quiesce *q, int slot)
{
	quiesce_offline(q, slot);
	atomic_store(&q->workers[slot].used, false);
}

void quiesce_offline(struct quiesce *q, int slot)
{
	atomic_store(&q->workers[slot].seen, QUIESCE_OFFLINE);
}

void quiesce_online(struct quiesce *q, int slot)
{
	uint64_t epoch;

	/*
	 * Epoch 0 is behind every callback: visible as online before the epoch is read, by argument
	 * (2).
	 */
	atomic_store(&q->workers[slot].seen, 0);
	epoch = atomic_load(&q->epoch);
	atomic_store(&q->workers[slot].seen, epoch);
}

/* The epoch that every worker has passed. */
static uint64_t completed(struct quiesce *q)
{
	uint64_t oldest = QUIESCE_OFFLINE;
	int slots = atomic_load(&q->slots);

	for (int slot = 0; slot < slots; slot++) {
		uint64_t seen = atomic_load(&q->workers[slot].seen); /* once: it moves */

		oldest = MIN(oldest, seen);
	}
	return oldest;
}

/* Return: whether a callback ran, i.e. whether time has passed and a second look is worth while. */
static bool run_until(struct quiesce *q, uint64_t epoch)
{
	bool ran = false;

	while (q->first && q->first->epoch <= epoch) {
		struct quiesce_head *head = q->first;

		q->first = head->next;
		if (!q->first)
			q->last = &q->first;
		head->done(head); /* may free @head, or queue it again */
		ran = true;
	}
	return ran;
}

/* Look again later; @look_ns: how much later. */
static void look_again(struct quiesce *q, uint32_t look_ns)
{
	struct itimerspec when = { .it_value.tv_nsec = look_ns };

	q->look_ns = look_ns;
	timerfd_settime(q->kick_fd, 0, &when, NULL);
}

/*
 * Run what is due. Callbacks may queue others: these wait for their turn in the loop, which keeps
 * the order and the depth of the stack.
 */
static void advance(struct quiesce *q)
{
	if (q->running)
		return;
	q->running = true;
	while (q->first && run_until(q, completed(q)))
		;
	q->running = false;
}

void quiesce_call(struct quiesce *q, struct quiesce_head *head, void (*done)(struct quiesce_head *))
{
	if (q->publish)
		q->publish(q->publish_ctx); /* may call us: it finds nothing left to publish */
	head->next = NULL;
	head->done = done;
	head->epoch = atomic_fetch_add(&q->epoch, 1) + 1;
	*q->last = head;
	q->last = &head->next;
	advance(q);
	if (q->first && (q->first == head || q->look_ns > LOOK_FIRST_NS))
		look_again(q, LOOK_FIRST_NS);
}

void quiesce_poll(struct quiesce *q)
{
	uint64_t expired;

	if (read(q->kick_fd, &expired, sizeof(expired)) < 0) {
		/* EAGAIN: called before the time, which is allowed. */
	}
	advance(q);
	if (q->first)
		look_again(q, MIN(q->look_ns * 2, LOOK_LAST_NS));
}

bool quiesce_pending(const struct quiesce *q)
{
	return q->first != NULL;
}
