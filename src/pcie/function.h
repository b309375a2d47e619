/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * function.h - a PCI Express function as a bus sees it: 4 KiB of configuration bytes with write
 * masks, capabilities, function-level reset and, for a PF, the SR-IOV capability with the bare
 * VFs it brings up. Device thread.
 *
 * A device model describes its functions once as a struct pcie_layout (reset values and write
 * masks, built with the pcie_add_*() calls); many functions share a layout. What a function is
 * lives in struct pcie_function_state in the card's state file. Effects travel through struct
 * function_ops.
 *
 * Specification: PCI Express Base 5.0, chapters 7 and 9.
 */
#ifndef SOFTIOV_PCIE_FUNCTION_H
#define SOFTIOV_PCIE_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>
#include "util/util.h"

#define PCIE_CONFIG_SIZE 4096
#define PCIE_BARS 6
#define PCIE_VPD_MAX 128 /* bytes of vital product data */

/*
 * What an access returns besides -errno: PCIE_QUIESCE asks whoever answers the requester to wait a
 * grace period.
 */
#define PCIE_DONE 0
#define PCIE_QUIESCE 1

/**
 * struct function_ops - the device model behind a function. All but the BAR accessors may be NULL.
 * @bar_read, @bar_write: @len 1, 2, 4 or 8 bytes at @offset of @bar, bounds checked.
 *	PCIE_DONE, PCIE_QUIESCE or -errno.
 * @reset: function-level reset (and conventional reset). PCIE_DONE or PCIE_QUIESCE.
 * @command: Memory Space Enable or Bus Master Enable changed; @command is the new value of the
 *	register, without these two bits while the function is in D3hot.
 * @msix: MSI-X Enable or Function Mask changed.
 * @vf_enable: VF Enable was set with @numvfs (1 ... TotalVFs); when this returns the VFs exist.
 *	Non-zero refuses: the bit stays 0.
 * @vf_disable: VF Enable was cleared, by a write or by a reset; the VFs are gone when the reply is
 *	sent. PCIE_DONE or PCIE_QUIESCE. After a reset it comes before @reset.
 */
struct function_ops {
	int (*bar_read)(void *ctx, unsigned int bar, uint64_t offset, void *data, uint32_t len);
	int (*bar_write)(void *ctx, unsigned int bar, uint64_t offset, const void *data,
			 uint32_t len);
	int (*reset)(void *ctx);
	void (*command)(void *ctx, uint16_t command);
	void (*msix)(void *ctx, bool enable, bool function_mask);
	int (*vf_enable)(void *ctx, unsigned int numvfs);
	int (*vf_disable)(void *ctx);
};

/**
 * struct pcie_bar - one BAR as the layout declares it; a 64-bit BAR occupies two indexes, the
 * second is size 0.
 */
struct pcie_bar {
	uint64_t size; /* power of two >= 16, 0: absent */
	bool is_64bit, prefetchable;
};

/** struct pcie_layout - what a kind of function looks like. Immutable once built. */
struct pcie_layout {
	uint8_t reset[PCIE_CONFIG_SIZE];  /* value after power-on */
	uint8_t mask[PCIE_CONFIG_SIZE];	  /* writable bits */
	uint8_t w1c[PCIE_CONFIG_SIZE];	  /* bits that a written 1 clears */
	uint8_t sticky[PCIE_CONFIG_SIZE]; /* bits that survive a function-level reset */
	struct pcie_bar bar[PCIE_BARS];
	uint16_t pm, msi, msix, express, vpd, aer, dsn, ari,
		sriov; /* capability offsets, 0: absent */
	uint16_t msix_vectors;
	struct pcie_bar vf_bar[PCIE_BARS];
	uint16_t total_vfs;
	uint16_t vpd_len;
	uint8_t vpd_data[PCIE_VPD_MAX];
	/* private: ends of the two capability chains while building */
	uint16_t last_cap, last_ext_cap;
};

struct pcie_ids {
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint8_t revision;
	uint32_t class_code; /* 24 bits: 0x020000 */
};

void pcie_layout_init(struct pcie_layout *layout, const struct pcie_ids *ids, bool multifunction);
/**
 * pcie_layout_init_vf() - a bare VF: vendor and device 0xffff, no BARs, Command only has Bus Master
 * Enable. The pcie_add_*() calls then leave out what a VF's capabilities lack.
 */
void pcie_layout_init_vf(struct pcie_layout *layout, const struct pcie_ids *ids);
void pcie_add_bar(struct pcie_layout *layout, unsigned int index, uint64_t size, bool is_64bit,
		  bool prefetchable);
void pcie_add_pm(struct pcie_layout *layout, uint16_t offset);
void pcie_add_msi(struct pcie_layout *layout, uint16_t offset);
void pcie_add_msix(struct pcie_layout *layout, uint16_t offset, uint16_t vectors, unsigned int bar,
		   uint32_t table_offset, uint32_t pba_offset);
/** pcie_add_express() - endpoint, FLR, link @speed (1 = 2.5, 2 = 5 GT/s) x @width. */
void pcie_add_express(struct pcie_layout *layout, uint16_t offset, unsigned int speed,
		      unsigned int width);
/** pcie_add_vpd() - product name, part and serial number; all in all shorter than PCIE_VPD_MAX. */
void pcie_add_vpd(struct pcie_layout *layout, uint16_t offset, const char *name, const char *part,
		  const char *serial);
void pcie_add_aer(struct pcie_layout *layout, uint16_t offset);
void pcie_add_serial(struct pcie_layout *layout, uint16_t offset, uint64_t serial);
void pcie_add_ari(struct pcie_layout *layout, uint16_t offset, uint8_t next_function);

/** struct pcie_sriov_config - contents of the SR-IOV capability. */
struct pcie_sriov_config {
	uint16_t total_vfs, first_vf_offset, vf_stride, vf_device_id;
	uint8_t function_dependency_link;
	uint32_t supported_page_sizes;
	struct pcie_bar vf_bar[PCIE_BARS];
};
void pcie_add_sriov(struct pcie_layout *layout, uint16_t offset,
		    const struct pcie_sriov_config *config);

/** struct pcie_function_state - a function in the card's state file. */
struct pcie_function_state {
	uint8_t config[PCIE_CONFIG_SIZE];
	uint32_t reserved;
	uint32_t present; /* 0: no function answers, reads are all ones */
};

struct pcie_function {
	const struct pcie_layout *layout;
	struct pcie_function_state *state;
	const struct function_ops *ops;
	void *ctx;
	uint16_t routing_id;
};

/** pcie_function_init() - power-on values; @ops, @ctx, @layout, @state must outlive @function. */
void pcie_function_init(struct pcie_function *function, const struct pcie_layout *layout,
			struct pcie_function_state *state, uint16_t routing_id,
			const struct function_ops *ops, void *ctx);

/** pcie_config_read() - any @len, any alignment inside 4 KiB; the caller has checked the bounds. */
void pcie_config_read(const struct pcie_function *function, uint16_t offset, void *data,
		      uint32_t len);

/** pcie_config_write() - byte-wise masks, then effects. Return: PCIE_DONE or PCIE_QUIESCE. */
int pcie_config_write(struct pcie_function *function, uint16_t offset, const void *data,
		      uint32_t len);

/**
 * pcie_function_reset() - as the requester would by FLR; conventional reset too.
 * Return: PCIE_DONE or PCIE_QUIESCE.
 */
int pcie_function_reset(struct pcie_function *function);

uint16_t pcie_command(const struct pcie_function *function);
/**
 * pcie_command_in_force() - the Command register, without Memory Space Enable and Bus Master Enable while the function
 * is not in D0.
 */
uint16_t pcie_command_in_force(const struct pcie_function *function);
uint64_t pcie_bar_address(const struct pcie_function *function, unsigned int bar);

/**
 * pcie_bar_read(), pcie_bar_write() - a memory access of any @len at any @offset inside @bar, cut into the dwords that
 * device models have: a read of less than a dword reads the dword and cuts out the bytes, a write of less is dropped.
 * What the model refuses reads all ones. Whether the function answers memory accesses at all the caller has checked.
 * Return: PCIE_DONE, or PCIE_QUIESCE if any of them asked for it.
 */
int pcie_bar_read(const struct pcie_function *function, unsigned int bar, uint64_t offset,
		  void *data, uint32_t len);
int pcie_bar_write(const struct pcie_function *function, unsigned int bar, uint64_t offset,
		   const void *data, uint32_t len);

/* SR-IOV: what a system driver and the manager ask (chapter 9.3.3). */
bool pcie_vf_enabled(const struct pcie_function *pf);
/** pcie_vf_memory_enabled() - VF MSE: do the VFs answer memory accesses? */
bool pcie_vf_memory_enabled(const struct pcie_function *pf);
uint16_t pcie_num_vfs(const struct pcie_function *pf);
/** pcie_vf_routing_id() - PF + First VF Offset + @vf * VF Stride; may lie on a following bus. */
uint16_t pcie_vf_routing_id(const struct pcie_function *pf, unsigned int vf);
/**
 * pcie_vf_bar_address() - where VF @vf's part of VF BAR @bar lies, by System Page Size alignment.
 * 0 without such a BAR.
 */
uint64_t pcie_vf_bar_address(const struct pcie_function *pf, unsigned int vf, unsigned int bar);

/*
 * The hierarchy: which function answers to which routing ID. A flat table of 65536 would do; a
 * card has at most 520.
 */
struct pcie_hierarchy;
#define PCIE_HIERARCHY_PHYSICAL 256 /* functions that are no VFs */
struct pcie_hierarchy *pcie_hierarchy_create(void);
void pcie_hierarchy_destroy(struct pcie_hierarchy *hierarchy);
int pcie_hierarchy_add(struct pcie_hierarchy *hierarchy,
		       struct pcie_function *function); /* -EEXIST on overlap, -ENOSPC */
void pcie_hierarchy_remove(struct pcie_hierarchy *hierarchy, struct pcie_function *function);
struct pcie_function *pcie_hierarchy_find(const struct pcie_hierarchy *hierarchy,
					  uint16_t routing_id);

/**
 * struct pcie_target - who answers a memory access.
 * @function: NULL: nobody
 * @bar, @offset: where the address is in it
 * @len: bytes from there on of which the same can be said
 */
struct pcie_target {
	struct pcie_function *function;
	unsigned int bar;
	uint64_t offset, len;
};

/**
 * pcie_hierarchy_decode() - the function with a BAR at @address, or the VF in whose part of a VF BAR it lies. Only
 * functions that may answer now are found: Memory Space Enable and D0; VF Enable and VF MSE for a VF. Physical
 * functions on the buses from @first_bus on, @buses of them, and their VFs.
 */
struct pcie_target pcie_hierarchy_decode(const struct pcie_hierarchy *hierarchy, uint8_t first_bus,
					 unsigned int buses, uint64_t address);

#endif
