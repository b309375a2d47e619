/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * device_call.h - a function for the device thread to run, and its result for whoever waits for it on another thread.
 */
#ifndef SOFTIOV_DAEMON_DEVICE_CALL_H
#define SOFTIOV_DAEMON_DEVICE_CALL_H

struct event_base;
struct device_queue;

/** struct device_ticket - a call that is answered later; whoever holds it owes one device_answer(). */
struct device_ticket;

/** device_queue_create() - of the event loop @base. Return: the queue, or NULL: out of memory. */
struct device_queue *device_queue_create(struct event_base *base);

/**
 * device_queue_close() - the daemon stops: all who wait get -ESHUTDOWN, at once, and so does every later call.
 * Answers to tickets that are still out are dropped. Device thread.
 */
void device_queue_close(struct device_queue *queue);

/** device_queue_destroy() - nobody calls any more, every ticket has been answered. NULL is allowed. */
void device_queue_destroy(struct device_queue *queue);

/**
 * device_call() - have @run run on the device thread, in a turn of the event loop of its own, and wait for it. Any
 * thread but that one. @run must be as short as everything there.
 * Return: what @run returned, or -ESHUTDOWN; then it did not run and will not.
 */
int device_call(struct device_queue *queue, int (*run)(void *ctx), void *ctx);

/**
 * device_call_later() - the same for what ends after @run has returned: @run gets a ticket, or gives it to
 * somebody, and device_answer() ends the wait, maybe before @run returns. @ctx is not to be used any more once @run
 * has returned.
 * Return: the answer, or -ESHUTDOWN; then @run may have run, or not.
 */
int device_call_later(struct device_queue *queue,
		      void (*run)(struct device_ticket *ticket, void *ctx), void *ctx);

/** device_answer() - @result for whoever waits, if anybody still does; the ticket is void. Device thread. */
void device_answer(struct device_ticket *ticket, int result);

#endif
