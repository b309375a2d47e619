/* SPDX-License-Identifier: BSD-3-Clause */
/* house.h - a manager with a real inventory and API, and cards that are a tree in JSON. */
#ifndef TESTS_UNIT_MANAGER_HOUSE_H
#define TESTS_UNIT_MANAGER_HOUSE_H

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "manager/manager.h"

/**
 * struct house - @tree: what the cards are; @patches: what they were told, {path: body}; @refuse: status of their answers
 * to that, 0: they do it
 */
struct house {
	char dir[64], data[80], socket[80], qemu[80], run[160];
	struct api_server *api;
	struct manager *manager;
	json_t *tree, *patches;
	int refuse;
	int status; /* of the last request */
	json_t *answer;
};

int house_open(void **state);
int house_close(void **state);

/** house_reopen() - the daemon starts again. */
void house_reopen(struct house *house);

/** house_call() - a request, until it is answered. @body: NULL or JSON text. Return: the status. */
int house_call(struct house *house, enum api_method method, const char *path, const char *body);

/** house_turn() - let things happen that nobody waits for. */
void house_turn(struct house *house);

/** house_code(), house_param() - of the last answer, "" if it has none. */
const char *house_code(const struct house *house);
const char *house_param(const struct house *house, size_t i);

/** house_define() - a VM. Return: its uuid. */
const char *house_define(struct house *house, const char *name, char uuid[37]);

/** house_vf() - VF @n of the tree, borrowed. */
json_t *house_vf(struct house *house, size_t n);

/* test_assign.c */
int test_assign(void);

#endif
