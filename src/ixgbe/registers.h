/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * registers.h - register tables: one row per register or array of registers, as in the data sheet.
 *
 * A row without handlers is memory: reads give what was written under the mask. A handler replaces
 * that. Whatever no row names reads 0 and ignores writes. Device thread.
 */
#ifndef SOFTIOV_IXGBE_REGISTERS_H
#define SOFTIOV_IXGBE_REGISTERS_H

#include "ixgbe/internal.h"

struct ixgbe_register;

/**
 * struct ixgbe_access - one access under way.
 * @vf: NULL in the PF's registers
 * @store: the dword behind this register; rows with @at share another row's
 * @offset: as addressed, @index: element of the row
 */
struct ixgbe_access {
	struct ixgbe_pf *pf;
	struct ixgbe_vf *vf;
	const struct ixgbe_register *row;
	ixgbe_reg *store;
	uint32_t offset;
	unsigned int index;
};

/**
 * struct ixgbe_register - a row.
 * @name: the data sheet's; @offset of the first, @count of them (0: one), @stride apart
 * @reset: value after power-on and reset, @mask: bits that software can change
 * @read: *@value holds the stored value; @write: @value is raw, access_store() applies the mask.
 *	Both return PCIE_DONE or PCIE_QUIESCE.
 * @at: this is an alias: offset of the first register whose storage it shares
 */
struct ixgbe_register {
	const char *name;
	uint32_t offset;
	uint16_t stride, count;
	uint32_t reset, mask;
	int (*read)(const struct ixgbe_access *access, uint32_t *value);
	int (*write)(const struct ixgbe_access *access, uint32_t value);
	uint32_t at;
	uint16_t arg; /* for the handler */
};

/** struct ixgbe_register_map - rows by offset. @row: row number + 1 of each dword, 0: none. */
struct ixgbe_register_map {
	const struct ixgbe_register *table;
	unsigned int rows;
	uint16_t *row;
	uint32_t bytes;
};

extern struct ixgbe_register_map ixgbe_pf_map, ixgbe_vf_map;

/** ixgbe_map_build() - fill @map->row. Return: false when two rows claim one dword (a bug). */
bool ixgbe_map_build(struct ixgbe_register_map *map);
/** ixgbe_map_find() - row and index of @offset; NULL: no such register. */
const struct ixgbe_register *ixgbe_map_find(const struct ixgbe_register_map *map, uint32_t offset,
					    unsigned int *index);
/** ixgbe_map_reset() - reset values of every plain row into @store (canonical offsets). */
void ixgbe_map_reset(const struct ixgbe_register_map *map, ixgbe_reg *store, uint32_t store_bytes);

/* One dword at an aligned offset. PCIE_DONE or PCIE_QUIESCE. */
int ixgbe_pf_read(struct ixgbe_pf *pf, uint32_t offset, uint32_t *value);
int ixgbe_pf_write(struct ixgbe_pf *pf, uint32_t offset, uint32_t value);
int ixgbe_vf_read(struct ixgbe_vf *vf, uint32_t offset, uint32_t *value);
int ixgbe_vf_write(struct ixgbe_vf *vf, uint32_t offset, uint32_t value);

static inline void access_store(const struct ixgbe_access *access, uint32_t value)
{
	uint32_t mask = access->row->mask;

	reg_store(access->store, (reg_load(access->store) & ~mask) | (value & mask));
}

/* Handlers by subject; the tables that use them are in regs_pf.c and regs_vf.c. */
#define IXGBE_READ(name) int name(const struct ixgbe_access *access, uint32_t *value)
#define IXGBE_WRITE(name) int name(const struct ixgbe_access *access, uint32_t value)

/* general.c: reset, EEPROM, semaphores, link, clocks */
IXGBE_WRITE(ixgbe_write_ctrl);
IXGBE_READ(ixgbe_read_status);
IXGBE_WRITE(ixgbe_write_ctrl_ext);
IXGBE_READ(ixgbe_read_frtimer);
IXGBE_READ(ixgbe_read_eec);
IXGBE_WRITE(ixgbe_write_eerd);
IXGBE_READ(ixgbe_read_swsm);
IXGBE_READ(ixgbe_read_links);
IXGBE_READ(ixgbe_read_links2);
IXGBE_READ(ixgbe_read_dmaidone);
IXGBE_READ(ixgbe_read_secstat);
IXGBE_WRITE(ixgbe_write_timinca);
IXGBE_READ(ixgbe_read_systim);
IXGBE_WRITE(ixgbe_write_systim);

/* sfp.c: the module's two wires and its presence */
IXGBE_WRITE(ixgbe_write_i2cctl);
IXGBE_READ(ixgbe_read_i2cctl);
IXGBE_READ(ixgbe_read_esdp);

/* fdir.c */
IXGBE_READ(ixgbe_read_fdirctrl);
IXGBE_WRITE(ixgbe_write_fdirctrl);
IXGBE_WRITE(ixgbe_write_fdircmd);

/* virt.c: filters, pools, queue enables */
IXGBE_WRITE(ixgbe_write_switch);
IXGBE_WRITE(ixgbe_write_mode);
IXGBE_WRITE(ixgbe_write_enable);
IXGBE_READ(ixgbe_read_qde);
IXGBE_WRITE(ixgbe_write_qde);
IXGBE_READ(ixgbe_read_rtt);
IXGBE_WRITE(ixgbe_write_rtt);
IXGBE_READ(ixgbe_read_rate);
IXGBE_WRITE(ixgbe_write_rate);

/* homes.c: register blocks as the PF and as the VF addresses them */
IXGBE_READ(ixgbe_read_queue);
IXGBE_WRITE(ixgbe_write_queue);
IXGBE_READ(ixgbe_read_queue_alias);
IXGBE_WRITE(ixgbe_write_queue_alias);

/* irqs_pf.c */
IXGBE_READ(ixgbe_read_eicr);
IXGBE_WRITE(ixgbe_write_eicr);
IXGBE_READ(ixgbe_read_eics);
IXGBE_WRITE(ixgbe_write_eics);
IXGBE_READ(ixgbe_read_eims);
IXGBE_WRITE(ixgbe_write_eims);
IXGBE_WRITE(ixgbe_write_eimc);
IXGBE_READ(ixgbe_read_eics_ex);
IXGBE_WRITE(ixgbe_write_eics_ex);
IXGBE_READ(ixgbe_read_eims_ex);
IXGBE_WRITE(ixgbe_write_eims_ex);
IXGBE_WRITE(ixgbe_write_eimc_ex);
IXGBE_WRITE(ixgbe_write_auto);
IXGBE_WRITE(ixgbe_write_eitr);

/* irqs.c: the VF's */
IXGBE_READ(ixgbe_read_vteicr);
IXGBE_WRITE(ixgbe_write_vteicr);
IXGBE_READ(ixgbe_read_vteics);
IXGBE_WRITE(ixgbe_write_vteics);
IXGBE_READ(ixgbe_read_vteims);
IXGBE_WRITE(ixgbe_write_vteims);
IXGBE_WRITE(ixgbe_write_vteimc);
IXGBE_WRITE(ixgbe_write_vtauto);
IXGBE_WRITE(ixgbe_write_vteitr);

/* mailbox.c */
IXGBE_READ(ixgbe_read_mbmem);
IXGBE_WRITE(ixgbe_write_mbmem);
IXGBE_READ(ixgbe_read_vfmailbox);
IXGBE_WRITE(ixgbe_write_vfmailbox);
IXGBE_READ(ixgbe_read_pfmailbox);
IXGBE_WRITE(ixgbe_write_pfmailbox);
IXGBE_READ(ixgbe_read_mbvficr);
IXGBE_WRITE(ixgbe_write_mbvficr);
IXGBE_READ(ixgbe_read_vflre);
IXGBE_READ(ixgbe_read_vflrec);
IXGBE_WRITE(ixgbe_write_vflrec);

/* stats.c */
IXGBE_READ(ixgbe_read_counter);
IXGBE_READ(ixgbe_read_counter_low);
IXGBE_READ(ixgbe_read_counter_high);
IXGBE_READ(ixgbe_read_pvf_counter);
IXGBE_READ(ixgbe_read_vf_counter);

/* vf.c */
IXGBE_WRITE(ixgbe_write_vfctrl);
IXGBE_READ(ixgbe_read_vfstatus);
IXGBE_READ(ixgbe_read_psrtype);
IXGBE_WRITE(ixgbe_write_psrtype);

/* Used across these files. */

/** ixgbe_vf_exists() - is there such a VF now, by VF Enable and NumVFs? */
static inline bool ixgbe_vf_exists(const struct ixgbe_vf *vf)
{
	return vf->index < atomic_load(&vf->pf->state->num_vfs);
}

/** ixgbe_vf_served() - it exists, and its PF is up: else the VF reads RSTI and no link. */
static inline bool ixgbe_vf_served(const struct ixgbe_vf *vf)
{
	return vf->pf->state->pf_ready && ixgbe_vf_exists(vf);
}

/** ixgbe_get(), ixgbe_put() - memory of @pf is needed by a grace period under way. */
void ixgbe_get(struct ixgbe_pf *pf);
void ixgbe_put(struct ixgbe_pf *pf);
int ixgbe_pf_reset(struct ixgbe_pf *pf);
int ixgbe_vf_reset(struct ixgbe_vf *vf);
void ixgbe_vf_power_on(struct ixgbe_vf *vf);
int ixgbe_vf_pages_create(struct ixgbe_vf *vf);
void ixgbe_vf_pages_destroy(struct ixgbe_vf *vf);
void ixgbe_mailbox_reset(struct ixgbe_vf *vf);
void ixgbe_mailbox_pf_reset(struct ixgbe_pf *pf);
void ixgbe_mailbox_pf_ready(struct ixgbe_pf *pf);
void ixgbe_vf_was_reset(struct ixgbe_vf *vf);
uint32_t ixgbe_links(const struct ixgbe_pf *pf);

/* irqs.c, irqs_pf.c */
void ixgbe_irq_deliver(struct ixgbe_pf *pf, int function, unsigned int vector,
		       struct irq_result result);
struct irq_vector *ixgbe_irq_vector(struct ixgbe_pf *pf, int function, unsigned int vector);
/** ixgbe_message() - MSI-X number of a vector: itself, or 0 while the PF is not in MSI-X mode. */
unsigned int ixgbe_message(const struct ixgbe_pf *pf, int function, int vector);
unsigned int ixgbe_other_message(const struct ixgbe_pf *pf);
uint32_t ixgbe_eitr_ns(uint32_t eitr);

/** ixgbe_is_sfp() - SFP+ with a direct-attach cable; else a backplane. */
static inline bool ixgbe_is_sfp(const struct ixgbe_config *config)
{
	return config->device_id == IXGBE_DEVICE_SFP;
}

/** ixgbe_sfp_init() - what the module says of itself. */
void ixgbe_sfp_init(struct ixgbe_pf *pf);

/* eeprom.c */
#define IXGBE_PART_NUMBER "SOFTIOV-82" /* an even number of characters */
#define IXGBE_EEPROM_SIZE_CODE 6u      /* EEC.SIZE: words = 1 << (code + 6) */
#define IXGBE_EEPROM_WORDS (1u << (IXGBE_EEPROM_SIZE_CODE + 6))
#define IXGBE_EEPROM_ERASED 0xffffu
uint16_t *ixgbe_eeprom_create(const struct ixgbe_config *config);

/* msix.c: table and pending bits in the MSI-X BARs */
int ixgbe_msix_read(struct ixgbe_pf *pf, int function, uint64_t offset, uint32_t *value);
int ixgbe_msix_write(struct ixgbe_pf *pf, int function, uint64_t offset, uint32_t value);
void ixgbe_msix_apply(struct ixgbe_pf *pf, int function);
void ixgbe_msix_power_on(struct ixgbe_pf *pf, int function);

#endif
