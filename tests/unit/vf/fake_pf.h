/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fake_pf.h - a transport with a VF's registers behind it, and a PF driver that answers at once. Linked with
 * -Wl,--wrap=vf_transport_unix, so that any address "unix:..." leads to it.
 */
#ifndef SOFTIOV_TEST_VF_FAKE_PF_H
#define SOFTIOV_TEST_VF_FAKE_PF_H

#include "vf/mailbox.h"
#include "vf/regs.h"
#include "vf/vf.h"

#define FAKE_LOG_MAX 256
#define FAKE_FOR_GOOD UINT32_MAX /* in_reset */

extern const uint8_t fake_mac[6];

/**
 * struct fake - what the PF driver is like, and what it was asked.
 * @api: highest number of a version it knows; @queues, @port_vlan, @multicast_type, @mode_max, @link_allowed: what it says
 * @no_mac: it assigned no address
 * @refuse, @silent: types it refuses or does not answer, one bit each
 * @news: a word to say before the next reply
 * @babbles: there is always one more message
 * @in_reset: looks at VFMAILBOX that show RSTI
 * @resets: of the VF; @log, @word1, @word2: words 0 to 2 of the messages since the last
 */
struct fake {
	struct vf_transport transport;
	uint32_t reg[VF_BAR0_SIZE / 4];
	uint32_t config[64];
	int vector[VF_VECTORS];
	uint32_t vectors;
	uint32_t api, queues, port_vlan, multicast_type, mode_max;
	uint32_t refuse, silent, news, status;
	bool link_allowed, no_mac, clear_to_send, babbles, gone;
	unsigned int in_reset, resets;
	uint32_t agreed;
	uint32_t log[FAKE_LOG_MAX], word1[FAKE_LOG_MAX], word2[FAKE_LOG_MAX];
	unsigned int logged;
};
extern struct fake fake;

/** fake_setup() - as new: an 82599 VF, link up at 10 Gb/s, mailbox API 1.3, 2 queues. A cmocka fixture. */
int fake_setup(void **state);

/** fake_say() - a word of the PF driver's own; fake_signal() - bits of VFMAILBOX. Both interrupt the VF. */
void fake_say(uint32_t word);
void fake_signal(uint32_t bits);

/** fake_asked() - was a message with these words sent since the last reset? */
bool fake_asked(uint32_t word, uint32_t word1);

#endif
