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
 * Memory ordering. Three arguments, all in C11 atomics (no fences, which ThreadSanitizer cannot
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
 * 3. No lost kick. The worker stores @seen, then loads @waiting; the device thread stores @waiting,
 * then loads @seen once more; all seq_cst. Either it sees the progress itself or the worker sees
 * that somebody waits and writes the eventfd. Workers make no system call when nobody waits.
 */
#include "util/quiesce.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/util.h"

int quiesce_init(struct quiesce *q)
{
	memset(q, 0, sizeof(*q));
	atomic_init(&q->epoch, 1);
	q->last = &q->first;
	for (unsigned int i = 0; i < QUIESCE_MAX_WORKERS; i++)
		atomic_init(&q->workers[i].seen, QUIESCE_OFFLINE);
	q->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
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

void quiesce_notify(struct quiesce *q)
{
	uint64_t one = 1;

	if (!atomic_load(&q->waiting) || !atomic_exchange(&q->waiting, false))
		return;
	if (write(q->kick_fd, &one, sizeof(one)) < 0) {
		/* EAGAIN: 2^64 - 2 kicks are unread, so it is readable anyway. */
	}
}

void quiesce_offline(struct quiesce *q, int slot)
{
	atomic_store(&q->workers[slot].seen, QUIESCE_OFFLINE);
	quiesce_notify(q);
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
	quiesce_notify(q); /* the device thread may have looked while it read 0 */
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

/*
 * Run what is due; when something is left, ask for a kick and look again, by argument (3).
 * Callbacks may queue others: these wait for their turn in the outer loop, which keeps the order
 * and the depth of the stack.
 */
static void advance(struct quiesce *q)
{
	if (q->running)
		return;
	q->running = true;
	while (q->first) {
		if (run_until(q, completed(q)))
			continue;
		atomic_store(&q->waiting, true);
		if (!run_until(q, completed(q)))
			break;
	}
	if (!q->first)
		atomic_store_explicit(&q->waiting, false, memory_order_relaxed);
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
}

void quiesce_poll(struct quiesce *q)
{
	uint64_t kicks;

	if (read(q->kick_fd, &kicks, sizeof(kicks)) < 0) {
		/* EAGAIN: called without a kick, which is allowed. */
	}
	advance(q);
}

bool quiesce_pending(const struct quiesce *q)
{
	return q->first != NULL;
}
