// SPDX-License-Identifier: BSD-3-Clause
/* fake_pf.c - see fake_pf.h */
#include "fake_pf.h"

#include <sys/eventfd.h>

#include "util/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TYPES 0x20
#define NUMBER_OF_15 6

const uint8_t fake_mac[6] = { 0x52, 0x54, 0, 0, 0, 1 };

struct fake fake;

static uint32_t *mailbox_word(unsigned int word)
{
	return &fake.reg[REG_VFMBMEM(word) / 4];
}

void fake_signal(uint32_t bits)
{
	fake.status |= bits;
	if (fake.vectors && fake.reg[REG_VTEIMS / 4] & BIT(VF_MAILBOX_VECTOR))
		eventfd_write(fake.vector[VF_MAILBOX_VECTOR], 1);
}

void fake_say(uint32_t word)
{
	*mailbox_word(0) = word;
	fake_signal(VFMAILBOX_PFSTS);
}

static uint32_t grant(uint32_t type)
{
	if (fake.refuse & BIT(type))
		return MSG_NACK;
	switch (type) {
	case MSG_API_NEGOTIATE:
		if (*mailbox_word(1) > fake.api || *mailbox_word(1) == 1)
			return MSG_NACK;
		fake.agreed = *mailbox_word(1);
		return MSG_ACK;
	case MSG_GET_QUEUES:
		*mailbox_word(MSG_TX_QUEUES) = fake.queues;
		*mailbox_word(MSG_RX_QUEUES) = fake.queues;
		*mailbox_word(MSG_TRANSPARENT_VLAN) = fake.port_vlan;
		return MSG_ACK;
	case MSG_UPDATE_XCAST_MODE:
		*mailbox_word(1) = MIN(*mailbox_word(1), fake.mode_max);
		return MSG_ACK;
	case MSG_GET_LINK_STATE:
		*mailbox_word(1) = fake.link_allowed;
		return MSG_ACK;
	default:
		return MSG_ACK;
	}
}

static void answer_reset(void)
{
	memcpy(mailbox_word(1), fake_mac, sizeof(fake_mac));
	*mailbox_word(MSG_MULTICAST_TYPE) = fake.multicast_type;
	fake.clear_to_send = true;
	fake.agreed = 0;
	fake.logged = 0;
	fake_say(MSG_RESET | (fake.no_mac ? MSG_NACK : MSG_ACK));
}

static void serve_request(void)
{
	uint32_t word = *mailbox_word(0), type = word & MSG_TYPE_MASK;

	assert_true(type < TYPES);
	if (fake.in_reset)
		return;
	fake_signal(VFMAILBOX_PFACK);
	if (fake.logged < FAKE_LOG_MAX) {
		fake.log[fake.logged] = word;
		fake.word1[fake.logged] = *mailbox_word(1);
		fake.word2[fake.logged++] = *mailbox_word(2);
	}
	if (fake.silent & BIT(type))
		return;
	if (type == MSG_RESET)
		answer_reset();
	else if (fake.clear_to_send)
		fake_say(word | grant(type) | MSG_CTS);
	else
		fake_say(word | MSG_NACK);
}

/* A word from the PF driver comes first; the VF's ACK of it lets it go on. */
static void write_mailbox(uint32_t value)
{
	static uint32_t held[MAILBOX_WORDS];

	fake.status = (fake.status & ~VFMAILBOX_VFU) | (value & VFMAILBOX_VFU);
	if (value & VFMAILBOX_REQ) {
		/* From 1.5 on, and only then, the VF keeps the buffer. */
		assert_int_equal(!!(value & VFMAILBOX_VFU), fake.agreed >= NUMBER_OF_15);
		if (fake.news) {
			memcpy(held, mailbox_word(0), sizeof(held));
			fake_say(fake.news);
		} else {
			serve_request();
		}
	} else if (value & VFMAILBOX_ACK && fake.news) {
		fake.news = 0;
		memcpy(mailbox_word(0), held, sizeof(held));
		serve_request();
	}
}

static int fake_read(struct vf_transport *transport, uint32_t region, uint64_t offset, void *data,
		     uint32_t len)
{
	uint32_t value;

	if (fake.gone)
		return -SOFTIOV_ERR_GONE;
	if (region == VF_CONFIG) {
		memcpy(data, (uint8_t *)fake.config + offset, len);
		return 0;
	}
	assert_int_equal(len, 4);
	value = fake.reg[offset / 4];
	if (offset == REG_VFMAILBOX) {
		value = fake.status | (fake.in_reset ? VFMAILBOX_RSTI : 0) |
			(fake.babbles ? VFMAILBOX_PFSTS : 0);
		fake.status &= ~(VFMAILBOX_PFSTS | VFMAILBOX_PFACK | VFMAILBOX_RSTD);
		if (fake.in_reset && fake.in_reset != FAKE_FOR_GOOD && !--fake.in_reset)
			fake.status |= VFMAILBOX_RSTD;
	}
	memcpy(data, &value, len);
	return 0;
}

static int fake_write(struct vf_transport *transport, uint32_t region, uint64_t offset,
		      const void *data, uint32_t len, bool posted)
{
	uint32_t value = 0;

	if (fake.gone)
		return -SOFTIOV_ERR_GONE;
	memcpy(&value, data, len);
	if (region == VF_CONFIG) {
		memcpy((uint8_t *)fake.config + offset, data, len);
	} else if (offset == REG_VFMAILBOX) {
		write_mailbox(value);
	} else if (offset == REG_VFCTRL) {
		fake.resets += !!(value & VFCTRL_RST);
		fake.clear_to_send = false;
		fake.status = 0;
	} else {
		fake.reg[offset / 4] = value;
	}
	return 0;
}

static int fake_map_region(struct vf_transport *transport, uint32_t index, struct vf_region *region)
{
	*region = (struct vf_region){ .size = VF_BAR0_SIZE };
	return 0;
}

static int fake_vectors(struct vf_transport *transport, uint32_t *n)
{
	*n = VF_VECTORS;
	return 0;
}

static int fake_set_vectors(struct vf_transport *transport, uint32_t n, const int *fds)
{
	fake.vectors = n;
	memcpy(fake.vector, fds, n * sizeof(*fds));
	return 0;
}

static int fake_reset(struct vf_transport *transport)
{
	return -ENOTSUP;
}

static int fake_fd(const struct vf_transport *transport)
{
	return -1;
}

static int fake_serve(struct vf_transport *transport)
{
	return 0;
}

static void fake_close(struct vf_transport *transport)
{
	fake.vectors = 0;
}

static const struct vf_transport_ops ops = {
	.map_region = fake_map_region,
	.read = fake_read,
	.write = fake_write,
	.vectors = fake_vectors,
	.set_vectors = fake_set_vectors,
	.reset = fake_reset,
	.fd = fake_fd,
	.serve = fake_serve,
	.close = fake_close,
};

int __wrap_vf_transport_unix(struct vf_transport **transport, const char *path,
			     unsigned int timeout_ms, struct softiov_reason *why);

int __wrap_vf_transport_unix(struct vf_transport **transport, const char *path,
			     unsigned int timeout_ms, struct softiov_reason *why)
{
	fake.transport.ops = &ops;
	*transport = &fake.transport;
	return 0;
}

int fake_setup(void **state)
{
	fake = (struct fake){ .config = { VENDOR_INTEL | DEVICE_82599_VF << 16 },
			      .api = 4,
			      .queues = 2,
			      .mode_max = XCAST_PROMISC,
			      .link_allowed = true };
	fake.reg[REG_VFLINKS / 4] = VFLINKS_UP | VFLINKS_10G;
	return 0;
}

bool fake_asked(uint32_t word, uint32_t word1)
{
	for (unsigned int i = 0; i < fake.logged; i++)
		if (fake.log[i] == word && fake.word1[i] == word1)
			return true;
	return false;
}
