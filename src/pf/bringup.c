/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bringup.c - from reset to a PF that runs: 82599 data sheet 4.6 (initialisation), 4.6.10 (virtualization)
 * and 4.6.11.3 (pool and queue layout); order of steps as in Linux ixgbe.
 *
 * The PF is always in virtualization mode, also without VFs, so that there is one layout to think of: 32
 * pools of 4 queues when they suffice, else 64 of 2. VF n has pool n; the pool behind the last VF's is the
 * PF's, for the host's interface, and the default pool. Without an interface there is no such pool and
 * frames that nobody claims are dropped.
 */
#include <sys/random.h>
#include "pf/driver.h"
#include "pf/netdev.h"

void pf_reset(struct pf_driver *driver)
{
	wr(driver, REG_EIMC, UINT32_MAX);
	wr(driver, REG_EIMC_EX(0), UINT32_MAX);
	wr(driver, REG_EIMC_EX(1), UINT32_MAX);
	rd(driver, REG_EICR);
	wr_bits(driver, REG_RXCTRL, RXCTRL_RXEN, false);
	wr_bits(driver, REG_CTRL, CTRL_RST, true);
}

static void choose_layout(struct pf_driver *driver, unsigned int num_vfs)
{
	unsigned int needed = num_vfs + (driver->config.netdev ? 1 : 0);

	driver->pools = needed <= 32 ? 32 : 64;
	driver->queues_per_pool = QUEUES / driver->pools;
	driver->pf_pool = num_vfs;
}

static void setup_pools(struct pf_driver *driver)
{
	bool of_32 = driver->pools == 32;
	uint32_t pool_of_nobody =
		driver->config.netdev ? driver->pf_pool << VT_CTL_POOL_SHIFT : VT_CTL_DIS_DEFPL;

	wr(driver, REG_VT_CTL, VT_CTL_VT_ENA | VT_CTL_REPLEN | pool_of_nobody);
	wr(driver, REG_GCR_EXT, of_32 ? GCR_EXT_VT_MODE_32 : GCR_EXT_VT_MODE_64);
	wr(driver, REG_PFDTXGSWC, PFDTXGSWC_LBEN);
	for (unsigned int pool = 0; pool < PF_MAX_VFS; pool += 32) {
		wr(driver, REG_VFRE(pool), 0);
		wr(driver, REG_VFTE(pool), 0);
	}

	/* The transmit layout may only change while the arbiter rests. */
	wr_bits(driver, REG_RTTDCS, RTTDCS_ARBDIS, true);
	wr(driver, REG_MTQC, MTQC_VT_ENA | (of_32 ? MTQC_32VF : MTQC_64VF));
	wr_bits(driver, REG_RTTDCS, RTTDCS_ARBDIS, false);
}

/* One table and key for all pools; a pool uses as many low bits of an entry as it has queues. */
static void setup_rss(struct pf_driver *driver)
{
	for (unsigned int n = 0; n < RETA_ENTRIES / 4; n++) {
		driver->reta[n] = 0;
		for (unsigned int i = 0; i < 4; i++)
			driver->reta[n] |= (4 * n + i) % driver->queues_per_pool << (8 * i);
		wr(driver, REG_RETA(n), driver->reta[n]);
	}
	for (unsigned int n = 0; n < RSSRK_WORDS; n++)
		wr(driver, REG_RSSRK(n), driver->rss_key[n]);
	wr_bits(driver, REG_RXCSUM, RXCSUM_PCSD, true);
	wr(driver, REG_MRQC,
	   (driver->pools == 32 ? MRQC_VMDQ_RSS32 : MRQC_VMDQ_RSS64) | MRQC_TCP_IPV4 | MRQC_IPV4 |
		   MRQC_IPV6 | MRQC_TCP_IPV6);
}

/* Always ready for the longest frame: what a receiver's buffers do not hold goes over several of them. */
static void setup_receive(struct pf_driver *driver)
{
	wr_bits(driver, REG_HLREG0,
		HLREG0_TXCRCEN | HLREG0_RXCRCSTRP | HLREG0_JUMBOEN | HLREG0_TXPADEN, true);
	wr(driver, REG_MAXFRS, (PF_MAX_FRAME + ETH_FCS_LEN) << MAXFRS_MFS_SHIFT);
	wr_bits(driver, REG_RDRXCTL, RDRXCTL_CRCSTRIP, true);
	/* Pools choose among the multicast frames that pass here. */
	wr(driver, REG_FCTRL, FCTRL_BAM | FCTRL_MPE);
}

/*
 * Queue causes clear themselves when signalled; mailbox and link are cleared by the handler. Nothing is
 * masked automatically: the interface has its own switch (netdev.c), and its thread must not write
 * interrupt registers.
 */
static void setup_interrupts(struct pf_driver *driver)
{
	unsigned int queue = driver->pf_pool * driver->queues_per_pool;

	wr(driver, REG_GPIE,
	   GPIE_MSIX | GPIE_OCD | GPIE_PBA |
		   (driver->pools == 32 ? GPIE_VTMODE_32 : GPIE_VTMODE_64));
	wr(driver, REG_EITR(PF_VECTOR_QUEUE), 0);
	wr(driver, REG_EITR(PF_VECTOR_OTHER), 0);
	wr(driver, REG_IVAR_MISC, (IVAR_VALID | PF_VECTOR_OTHER) << IVAR_MISC_OTHER_SHIFT);
	if (driver->config.netdev)
		wr(driver, REG_IVAR(queue / 2),
		   (IVAR_VALID | PF_VECTOR_QUEUE) << IVAR_RX_SHIFT(queue) |
			   (IVAR_VALID | PF_VECTOR_QUEUE) << IVAR_TX_SHIFT(queue));
	wr(driver, REG_EIAC, BIT(PF_VECTOR_QUEUE));
	wr(driver, REG_EIAM, 0);
}

static void enable_interrupts(struct pf_driver *driver)
{
	wr(driver, REG_EICR, UINT32_MAX);
	wr(driver, REG_EIMS_EX(0), BIT(PF_VECTOR_QUEUE) | BIT(PF_VECTOR_OTHER));
	wr(driver, REG_EIMS, EICR_MAILBOX | EICR_LSC | EICR_OTHER | BIT(PF_VECTOR_QUEUE));
}

static void enable_pf_pool(struct pf_driver *driver)
{
	unsigned int pool = driver->pf_pool;

	wr(driver, REG_PSRTYPE(pool), 0); /* one queue */
	wr(driver, REG_VMOLR(pool), VMOLR_AUPE | VMOLR_BAM | VMOLR_MPE);
	netdev_start(driver->netdev, pool * driver->queues_per_pool);
	wr_bits(driver, REG_VFTE(pool), POOL_BIT(pool), true);
	wr_bits(driver, REG_VFRE(pool), POOL_BIT(pool), true);
}

void pf_bring_up(struct pf_driver *driver, unsigned int num_vfs)
{
	if (getrandom(driver->rss_key, sizeof(driver->rss_key), GRND_NONBLOCK) < 0)
		memset(driver->rss_key, 0x5a,
		       sizeof(driver->rss_key)); /* early boot: spreads poorly */
	driver->state->num_vfs = num_vfs;
	choose_layout(driver, num_vfs);
	setup_pools(driver);
	pf_filters_init(driver);
	setup_rss(driver);
	setup_receive(driver);
	setup_interrupts(driver);
	for (unsigned int vf = 0; vf < num_vfs; vf++) {
		pf_pool_close(driver, vf);
		pf_program_spoof(driver, vf);
		pf_program_rate(driver, vf);
	}
	wr_bits(driver, REG_DMATXCTL, DMATXCTL_TE, true);
	if (driver->netdev)
		enable_pf_pool(driver);
	wr_bits(driver, REG_RXCTRL, RXCTRL_RXEN, true);
	enable_interrupts(driver);
	wr_bits(driver, REG_CTRL_EXT, CTRL_EXT_PFRSTD | CTRL_EXT_NS_DIS | CTRL_EXT_DRV_LOAD, true);
	driver->state->up = 1;
}
