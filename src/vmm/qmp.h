/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * qmp.h - a client of the QEMU machine protocol (QEMU, docs/interop/qmp-spec). All on the event base's thread.
 */
#ifndef SOFTIOV_VMM_QMP_H
#define SOFTIOV_VMM_QMP_H

#include <jansson.h>
#include "util/util.h"

struct event_base;
struct qmp;

/** struct qmp_ops - any of them may call qmp_free(). */
struct qmp_ops {
	void (*ready)(void *ctx); /* greeted, commands are taken */
	void (*event)(void *ctx, const char *name, const json_t *data); /* @data: NULL if none */
	/* Once, the last call: the other end hung up or does not speak QMP; open commands have been answered. */
	void (*closed)(void *ctx, const char *why);
	void *ctx;
};

/** qmp_open() - speak QMP on the connected socket @fd, owned by it from now on. Return: 0 or -errno; @fd is closed. */
int qmp_open(struct qmp **qmp, struct event_base *base, int fd, const struct qmp_ops *ops);

/** qmp_free() - hang up. Open commands are answered with -ECANCELED: only for who has to free something. */
void qmp_free(struct qmp *qmp);

/** qmp_hang_up() - as if the other end had: commands are answered, and closed() is called with @why. */
void qmp_hang_up(struct qmp *qmp, const char *why);

/** qmp_set_timeout() - how long a greeting or an answer may take, in ms (default: 10,000). */
void qmp_set_timeout(struct qmp *qmp, unsigned int ms);

/**
 * qmp_done - the answer of a command: @error 0 with @result (borrowed), -EREMOTEIO with QEMU's words in @why,
 * -ETIMEDOUT, -EPIPE: it hung up.
 */
typedef void qmp_done(void *ctx, int error, const json_t *result, const char *why);

/**
 * qmp_command() - @arguments are taken over, NULL: none. @done, maybe NULL, is called once, never before this returns.
 * Return: 0, or -errno: @done will not be called.
 */
int qmp_command(struct qmp *qmp, const char *name, json_t *arguments, qmp_done *done, void *ctx);

#endif
