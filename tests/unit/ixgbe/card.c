// SPDX-License-Identifier: BSD-3-Clause
/*
 * card.c - see card.h. Grace periods end at once unless a test registers a worker of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "card.h"

const uint8_t card_mac[ETH_ALEN] = { 0x02, 0x53, 0x49, 0x01, 0x02, 0x03 };

static void on_changed(void *ctx)
{
	((struct card *)ctx)->changes++;
}

static void on_kick(void *ctx)
{
	((struct card *)ctx)->kicks++;
}

static void on_signal(void *ctx, int function, unsigned int vector)
{
	struct card *card = ctx;

	assert_true(card->signals < CARD_SIGNALS);
	card->signal[card->signals++] = (struct card_signal){ function, vector };
}

static void on_arm(void *ctx, unsigned int pool, uint64_t due_ns)
{
	struct card *card = ctx;

	card->arms++;
	card->arm_pool = pool;
	card->arm_due = due_ns;
}

unsigned int card_signalled(struct card *card, int function, unsigned int vector)
{
	unsigned int found = 0, kept = 0;

	for (unsigned int i = 0; i < card->signals; i++) {
		if (card->signal[i].function == function && card->signal[i].vector == vector)
			found++;
		else
			card->signal[kept++] = card->signal[i];
	}
	card->signals = kept;
	return found;
}

static void create_domains(struct card *card)
{
	card->domain_state = calloc(IXGBE_MAX_VFS + 1, sizeof(*card->domain_state));
	assert_non_null(card->domain_state);
	assert_int_equal(iommu_domain_create(&card->pf_domain, 0x0700, &card->domain_state[0],
					     card->quiesce),
			 0);
	for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++)
		assert_int_equal(iommu_domain_create(&card->vf_domain[v],
						     (uint16_t)(0x0780 + 2 * v),
						     &card->domain_state[v + 1], card->quiesce),
				 0);
}

static int setup(void **state, uint16_t device_id)
{
	const struct ixgbe_config config = {
		.device_id = device_id,
		.mac = { 0x02, 0x53, 0x49, 0x01, 0x02, 0x03 },
		.first_vf_offset = 128,
		.total_vfs = IXGBE_MAX_VFS,
	};
	struct card *card = calloc(1, sizeof(*card));
	const struct ixgbe_wiring wiring = {
		.changed = on_changed,
		.signal = on_signal,
		.arm = on_arm,
		.kick = on_kick,
		.ctx = card,
	};

	assert_non_null(card);
	card->state = calloc(1, ixgbe_state_size());
	card->quiesce = aligned_alloc(64, sizeof(*card->quiesce));
	assert_non_null(card->state);
	assert_non_null(card->quiesce);
	assert_int_equal(quiesce_init(card->quiesce), 0);
	create_domains(card);
	assert_int_equal(ixgbe_create(&card->pf, &config, card->state, card->pf_domain,
				      card->vf_domain, card->stats, card->quiesce, &wiring),
			 0);
	card->changes = card->signals = 0;
	*state = card;
	return 0;
}

int card_setup(void **state)
{
	return setup(state, IXGBE_DEVICE_BACKPLANE);
}

int card_setup_sfp(void **state)
{
	return setup(state, IXGBE_DEVICE_SFP);
}

int card_teardown(void **state)
{
	struct card *card = *state;

	ixgbe_destroy(card->pf);
	quiesce_poll(card->quiesce);
	for (unsigned int v = 0; v < IXGBE_MAX_VFS; v++)
		iommu_domain_destroy(card->vf_domain[v]);
	iommu_domain_destroy(card->pf_domain);
	quiesce_fini(card->quiesce);
	free(card->quiesce);
	free(card->domain_state);
	free(card->state);
	free(card);
	return 0;
}

uint32_t pf_rd(struct card *card, uint32_t offset)
{
	uint32_t value;

	ixgbe_pf_function_ops.bar_read(card->pf, 0, offset, &value, sizeof(value));
	return value;
}

int pf_wr(struct card *card, uint32_t offset, uint32_t value)
{
	return ixgbe_pf_function_ops.bar_write(card->pf, 0, offset, &value, sizeof(value));
}

static int vf_read(struct card *card, unsigned int vf, uint32_t offset, uint32_t *value)
{
	return ixgbe_vf_function_ops.bar_read(ixgbe_get_vf(card->pf, vf), 0, offset, value,
					      sizeof(*value));
}

uint32_t vf_rd(struct card *card, unsigned int vf, uint32_t offset)
{
	uint32_t value;

	vf_read(card, vf, offset, &value);
	return value;
}

int vf_rd_result(struct card *card, unsigned int vf, uint32_t offset)
{
	uint32_t value;

	return vf_read(card, vf, offset, &value);
}

int vf_wr(struct card *card, unsigned int vf, uint32_t offset, uint32_t value)
{
	return ixgbe_vf_function_ops.bar_write(ixgbe_get_vf(card->pf, vf), 0, offset, &value,
					       sizeof(value));
}

void card_up(struct card *card, uint32_t vt_mode, unsigned int vfs)
{
	pf_wr(card, IXGBE_VT_CTL,
	      IXGBE_VT_CTL_VT_ENA | IXGBE_VT_CTL_REPLEN | vfs << IXGBE_VT_CTL_POOL_SHIFT);
	pf_wr(card, IXGBE_GCR_EXT, vt_mode);
	pf_wr(card, IXGBE_GPIE, IXGBE_GPIE_MSIX | IXGBE_GPIE_EIAME);
	pf_wr(card, IXGBE_IVAR_MISC, (IXGBE_IVAR_VALID | 1) << 8);
	pf_wr(card, IXGBE_EIMS, IXGBE_EICR_MAILBOX | IXGBE_EICR_LSC);
	pf_wr(card, IXGBE_RXCTRL, IXGBE_RXCTRL_RXEN);
	pf_wr(card, IXGBE_DMATXCTL, IXGBE_DMATXCTL_TE);
	assert_int_equal(ixgbe_pf_function_ops.vf_enable(card->pf, vfs), 0);
	pf_wr(card, IXGBE_CTRL_EXT, IXGBE_CTRL_EXT_PFRSTD);
	for (unsigned int v = 0; v < vfs; v++)
		vf_rd(card, v, IXGBE_VFMAILBOX); /* RSTD, cleared by reading */
	card->changes = card->signals = 0;
}
