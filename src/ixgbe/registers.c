// SPDX-License-Identifier: BSD-3-Clause
/*
 * registers.c - how an access finds its row.
 *
 * Each map is built once from its table: a 16-bit row number per dword of the window, so that a
 * look-up is one load, and two rows that claim one dword are found when the first card is made.
 * Storage is a flat array by offset; an alias row points at the storage of the row it repeats.
 *
 * Access rules: data sheet 8.1 (all registers are 32 bits wide and aligned).
 */
#include "ixgbe/registers.h"

#include <stdlib.h>

bool ixgbe_map_build(struct ixgbe_register_map *map)
{
	memset(map->row, 0, map->bytes / 4 * sizeof(*map->row));
	for (unsigned int r = 0; r < map->rows; r++) {
		const struct ixgbe_register *row = &map->table[r];

		for (unsigned int i = 0; i < MAX(row->count, 1); i++) {
			uint32_t offset = row->offset + i * row->stride;

			if (offset % 4 || offset >= map->bytes || map->row[offset / 4])
				return false;
			map->row[offset / 4] = (uint16_t)(r + 1);
		}
	}
	return true;
}

const struct ixgbe_register *ixgbe_map_find(const struct ixgbe_register_map *map, uint32_t offset,
					    unsigned int *index)
{
	const struct ixgbe_register *row;

	if (offset % 4 || offset >= map->bytes || !map->row[offset / 4])
		return NULL;
	row = &map->table[map->row[offset / 4] - 1];
	*index = row->stride ? (offset - row->offset) / row->stride : 0;
	return row;
}

static uint32_t storage_offset(const struct ixgbe_register *row, unsigned int index)
{
	return (row->at ? row->at : row->offset) + index * row->stride;
}

void ixgbe_map_reset(const struct ixgbe_register_map *map, ixgbe_reg *store, uint32_t store_bytes)
{
	for (unsigned int r = 0; r < map->rows; r++) {
		const struct ixgbe_register *row = &map->table[r];

		for (unsigned int i = 0; !row->at && i < MAX(row->count, 1); i++) {
			uint32_t offset = storage_offset(row, i);

			if (offset < store_bytes)
				reg_store(&store[offset / 4], row->reset);
		}
	}
}

static int access_read(const struct ixgbe_access *access, uint32_t *value)
{
	*value = reg_load(access->store);
	return access->row->read ? access->row->read(access, value) : PCIE_DONE;
}

static int access_write(const struct ixgbe_access *access, uint32_t value)
{
	if (access->row->write)
		return access->row->write(access, value);
	access_store(access, value);
	return PCIE_DONE;
}

static bool pf_access(struct ixgbe_pf *pf, uint32_t offset, struct ixgbe_access *access)
{
	*access = (struct ixgbe_access){ .pf = pf, .offset = offset };
	access->row = ixgbe_map_find(&ixgbe_pf_map, offset, &access->index);
	if (access->row)
		access->store = &pf->state->reg[storage_offset(access->row, access->index) / 4];
	return access->row;
}

int ixgbe_pf_read(struct ixgbe_pf *pf, uint32_t offset, uint32_t *value)
{
	struct ixgbe_access access;

	*value = 0;
	return pf_access(pf, offset, &access) ? access_read(&access, value) : PCIE_DONE;
}

int ixgbe_pf_write(struct ixgbe_pf *pf, uint32_t offset, uint32_t value)
{
	struct ixgbe_access access;

	return pf_access(pf, offset, &access) ? access_write(&access, value) : PCIE_DONE;
}

/* Rows of pages 1 and 2 have no storage in the state file: their handlers go to the VF's pages. */
static bool vf_access(struct ixgbe_vf *vf, uint32_t offset, struct ixgbe_access *access)
{
	uint32_t at;

	*access = (struct ixgbe_access){ .pf = vf->pf, .vf = vf, .offset = offset };
	access->row = ixgbe_map_find(&ixgbe_vf_map, offset, &access->index);
	if (!access->row)
		return false;
	at = storage_offset(access->row, access->index);
	access->store = at < IXGBE_PAGE_BYTES ? &vf->state->reg[at / 4] : &vf->pages[at / 4];
	return true;
}

int ixgbe_vf_read(struct ixgbe_vf *vf, uint32_t offset, uint32_t *value)
{
	struct ixgbe_access access;

	*value = 0;
	return vf_access(vf, offset, &access) ? access_read(&access, value) : PCIE_DONE;
}

int ixgbe_vf_write(struct ixgbe_vf *vf, uint32_t offset, uint32_t value)
{
	struct ixgbe_access access;

	return vf_access(vf, offset, &access) ? access_write(&access, value) : PCIE_DONE;
}
