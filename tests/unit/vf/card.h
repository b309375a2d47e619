/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card.h - a daemon of the test's own, in a directory of its own, without anything that needs root: one card whose PF
 * has no network interface and four VFs.
 *
 *	VF 0	as by default
 *	VF 1	registers by messages only
 *	VF 2	trusted, MAC address 52:54:00:00:00:22 of the administrator
 *	VF 3	port VLAN 100
 */
#ifndef SOFTIOV_TEST_VF_CARD_H
#define SOFTIOV_TEST_VF_CARD_H

#include <stdbool.h>
#include <sys/types.h>

#define CARD_PATIENCE_S 20

struct card {
	char dir[64], config[96], log[96], socket[96], address[128];
	pid_t pid;
};

/** card_setup(), card_teardown() - a fixture; *@state is the struct card. */
int card_setup(void **state);
int card_teardown(void **state);

/** card_vf() - address of VF @vf, for softiov_vf_open(); until the next call. */
const char *card_vf(struct card *card, unsigned int vf);

/** card_admin() - run "softiov" with words @argv, NULL at the end. Return: its exit status. */
int card_admin(const struct card *card, const char *const *argv);
#define CARD_ADMIN(card, ...) card_admin(card, (const char *const[]){ __VA_ARGS__, NULL })

/** card_clear_to_send() - does the PF driver consider VF @vf initialised? */
bool card_clear_to_send(const struct card *card, unsigned int vf);

/** card_signal() - signal the daemon; card_died() - wait for its end. */
void card_signal(const struct card *card, int number);
void card_died(struct card *card);

#endif
