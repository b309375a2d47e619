/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iommu.h - one DMA domain per requester: IOVA -> host memory, with permissions and faults.
 *
 * The device thread maps and unmaps; workers translate without locks. The map is a radix table
 * (48-bit IOVA, 9 bits a level) of 4-KiB, 2-MiB and 1-GiB leaves, changed by single atomic stores.
 * iommu_unmap() makes new look-ups fail at once; whoever called it answers its client only after a
 * grace period (util/quiesce.h), because a worker may be in the middle of a copy. Host memory is
 * unmapped by the domain itself after that grace period.
 *
 * The list of regions (IOVA, size, permission, file slot, offset) is kept in the card's state file;
 * radix table and mmaps are rebuilt from it.
 */
#ifndef SOFTIOV_IOMMU_IOMMU_H
#define SOFTIOV_IOMMU_IOMMU_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/util.h"

struct quiesce;
struct iommu_domain;

#define IOMMU_READ 1u  /* the device may read: transmit buffers, rings */
#define IOMMU_WRITE 2u /* the device may write: receive buffers, write-back */

#define IOMMU_ADDRESS_BITS 48
#define IOMMU_MAX_REGIONS 65535		  /* per domain */
#define IOMMU_MAX_FILES 128		  /* per domain; a file that grew counts again */
#define IOMMU_MAX_FILE_BYTES (4ull << 40) /* per domain, all its files: address space is finite */
#define IOMMU_FAULT_RECORDS 32		  /* latest kept per domain */

enum iommu_fault_reason {
	IOMMU_FAULT_NOT_MAPPED,	    /* no map at this address */
	IOMMU_FAULT_PERMISSION,	    /* mapped, but not for this direction */
	IOMMU_FAULT_NOT_SHARED,	    /* mapped without a file descriptor: "memory not shared" */
	IOMMU_FAULT_ADDRESS_WIDTH,  /* beyond 48 bits, or wraps */
	IOMMU_FAULT_BUS_MASTER_OFF, /* the function's Bus Master Enable is 0 */
	IOMMU_FAULT_REASONS
};

/** iommu_fault_text() - the reason in words, e.g. "address not mapped". */
const char *iommu_fault_text(enum iommu_fault_reason reason);

/** struct iommu_fault - one refused access. */
struct iommu_fault {
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint64_t iova;
	uint32_t len;
	uint16_t requester; /* routing ID */
	uint8_t perm;	    /* IOMMU_READ or IOMMU_WRITE */
	uint8_t reason;	    /* enum iommu_fault_reason */
};

/** struct iommu_region_state - one map as the client made it; in the card's state file. */
struct iommu_region_state {
	uint64_t iova, size;
	uint64_t offset; /* in the file */
	uint32_t perm;	 /* 0: slot free */
	int32_t file;	 /* file slot, or IOMMU_FILE_... */
};
#define IOMMU_FILE_NOT_SHARED (-1) /* made without a descriptor */
#define IOMMU_FILE_HOST (-2)	   /* iommu_map_host() */

/** struct iommu_file_state - a file slot: what a descriptor must be to take its place again. */
struct iommu_file_state {
	uint64_t device, inode;
	uint64_t size; /* bytes that were mapped, from offset 0 */
	uint32_t writable;
	uint32_t used; /* 0: slot free */
};

/**
 * struct iommu_state - what of a domain lives in the card's state file (sparse: untouched pages
 * cost nothing). Zeroed memory is a valid empty domain. A region exists from the store to its @perm
 * until that is zeroed; @regions, the free slots and the use of files are worked out from it again
 * at adoption, so a kill at any instruction does no harm.
 */
struct iommu_state {
	_Atomic uint64_t fault_count[IOMMU_FAULT_REASONS];
	_Atomic uint64_t fault_next;
	struct iommu_fault fault[IOMMU_FAULT_RECORDS];
	_Atomic uint64_t fault_ticket[IOMMU_FAULT_RECORDS]; /* see fault.c */
	_Atomic uint64_t translations; /* look-ups that missed every cache, i.e. walked the table */
	uint64_t maps, unmaps;	       /* since attach */
	uint32_t regions;	       /* in use */
	uint32_t slots;		       /* of region[]; those beyond are free */
	uint32_t bus_master;
	struct iommu_file_state file[IOMMU_MAX_FILES];
	struct iommu_region_state region[IOMMU_MAX_REGIONS];
};

/**
 * struct iommu_tlb - one cached translation, owned by one queue (one worker). Zeroed memory is
 * empty. It is valid only while @generation equals the domain's, so no cached pointer outlives a
 * map change.
 */
struct iommu_tlb {
	uint64_t iova, last; /* inclusive */
	uint8_t *host;	     /* of iova */
	uint32_t perm;
	uint64_t generation;
};

/**
 * struct iommu_domain - head of a domain; the inlines below read it, all else is private to the
 * room.
 */
struct iommu_domain {
	/*
	 * Bumped (release) after every map, unmap and bus-master change: who loads the new value
	 * (acquire) sees the change. 64 bits, or a guest could count it round to the value an idle
	 * queue remembers.
	 */
	_Atomic uint64_t generation;
	_Atomic uint32_t bus_master;
	uint16_t requester;
	struct iommu_state *state;
	struct iommu_private *private;
};

/**
 * iommu_domain_create() - a domain over @state (zeroed or adopted). Bus mastering is as in @state:
 * off when zeroed. The regions of an adopted state exist, but behave as not mapped until an
 * identical iommu_map() or iommu_map_host() brings their memory again. Return: 0 with *@domain set,
 * or -ENOMEM. Device thread.
 */
int iommu_domain_create(struct iommu_domain **domain, uint16_t requester, struct iommu_state *state,
			struct quiesce *quiesce);

/**
 * iommu_domain_destroy() - take the table and the domain away; freed after a grace period. @state,
 * which must live until then, keeps its regions: they are there to be adopted. Call
 * iommu_unmap_all() before when the client is gone.
 */
void iommu_domain_destroy(struct iommu_domain *domain);

/**
 * iommu_domain_follow() - from now on look-ups of @domain find the maps of @leader; NULL: its own again. Several
 * requesters behind one bridge share maps so; faults and counters stay each domain's own. A follower may master the bus
 * while both it and its leader may: a bridge's Bus Master Enable stops those behind it. While it follows @domain has no
 * maps of its own: -EBUSY if there are some, and iommu_map() answers -EBUSY. -EINVAL when @leader follows somebody
 * itself, -EBUSY when @domain is followed. As with iommu_unmap() workers may finish what they hold: let a grace period
 * pass before anybody is told. @leader must not be destroyed while it is followed; destroying a follower ends it.
 * Device thread. Return: 0 or -errno.
 */
int iommu_domain_follow(struct iommu_domain *domain, struct iommu_domain *leader);

/**
 * iommu_map() - map [@iova, @iova + @size) for @perm. Device thread.
 * @fd: a regular file in memory (memfd, hugetlbfs, tmpfs: a page fault must not wait for a disk or
 * a FUSE server), or -1: recorded, every access faults "memory not shared". The file is mapped once
 * per (device, inode, writability) and shared by all maps of it, in all domains; @fd itself is not
 * kept.
 *
 * Return: 0 (also for an identical map that is there already), -EINVAL (unaligned, empty, wraps or
 * ends beyond 48 bits, beyond the file, unknown permission, @fd not such a file or not open for
 * it), -EEXIST (overlaps another map: nothing changed), -EBUSY (follows another domain), -ENOSPC
 * (regions, files, bytes of files or table nodes), -ENOMEM.
 */
int iommu_map(struct iommu_domain *domain, uint64_t iova, uint64_t size, uint32_t perm, int fd,
	      uint64_t offset);

/**
 * iommu_map_host() - map memory of this process (a driver inside the daemon), which must outlive
 * the map and a grace period. Return: as iommu_map().
 */
int iommu_map_host(struct iommu_domain *domain, uint64_t iova, uint64_t size, uint32_t perm,
		   void *host);

/**
 * iommu_unmap() - remove every map inside [@iova, @last]. Device thread.
 * A range that holds nothing is a success. A range that cuts a map changes nothing and returns
 * -EINVAL.
 * @unmapped: set to the bytes removed, 0 on error (may be NULL). New look-ups fail when this
 * returns; the caller must let a grace period pass before it tells its client.
 */
int iommu_unmap(struct iommu_domain *domain, uint64_t iova, uint64_t last, uint64_t *unmapped);

/**
 * iommu_unmap_all() - the client is gone. As iommu_unmap() over everything; also zeroes
 * maps/unmaps counts.
 */
void iommu_unmap_all(struct iommu_domain *domain);

/**
 * iommu_set_bus_master() - Bus Master Enable of the function's Command register. While it is off
 * every look-up faults. As with iommu_unmap() workers may finish what they hold: let a grace period
 * pass before the guest is answered. Device thread.
 */
void iommu_set_bus_master(struct iommu_domain *domain, bool on);

/**
 * iommu_walk() - slow path of iommu_translate(): walk the table, fill @tlb with the largest
 * host-contiguous run known around @iova, and return the host address if the run covers [@iova,
 * @iova + @len). NULL: a fault was recorded, or - with *@split set - the range is mapped but not
 * contiguous in host memory: use iommu_read()/iommu_write() or split it with iommu_run(). *@split
 * is written only when NULL is returned.
 *
 * No bytes (@len 0) are nowhere: NULL and a "not mapped" fault. Who has nothing to copy must not
 * ask.
 */
uint8_t *iommu_walk(struct iommu_domain *domain, struct iommu_tlb *tlb, uint64_t iova, uint32_t len,
		    uint32_t perm, bool *split);

/**
 * iommu_translate() - host address of [@iova, @iova + @len) for @perm, or NULL. Workers and device
 * thread. The pointer is good until the caller's next quiescent point. See iommu_walk() for NULL.
 */
static inline uint8_t *iommu_translate(struct iommu_domain *domain, struct iommu_tlb *tlb,
				       uint64_t iova, uint32_t len, uint32_t perm, bool *split)
{
	uint64_t offset = iova - tlb->iova;

	if (likely(tlb->generation ==
			   atomic_load_explicit(&domain->generation, memory_order_acquire) &&
		   (tlb->perm & perm) == perm && tlb->host && iova >= tlb->iova &&
		   iova <= tlb->last && len - 1ull <= tlb->last - iova))
		return tlb->host + offset;
	return iommu_walk(domain, tlb, iova, len, perm, split);
}

/**
 * iommu_run() - host address of @iova and, in *@run, how many bytes from there are contiguous (at
 * most @len). NULL: a fault was recorded for [@iova, @iova + @len).
 */
uint8_t *iommu_run(struct iommu_domain *domain, struct iommu_tlb *tlb, uint64_t iova, uint32_t len,
		   uint32_t perm, uint32_t *run);

/**
 * iommu_read(), iommu_write() - copy @len bytes between guest memory and @data, across
 * host-contiguous runs. Return: 0 (also for @len 0), or -EFAULT with a fault recorded; bytes before
 * the fault may have been copied.
 */
int iommu_read(struct iommu_domain *domain, struct iommu_tlb *tlb, uint64_t iova, void *data,
	       uint32_t len);
int iommu_write(struct iommu_domain *domain, struct iommu_tlb *tlb, uint64_t iova, const void *data,
		uint32_t len);

/** iommu_fault_record() - count and record a refused access; workers and device thread. */
void iommu_fault_record(struct iommu_domain *domain, uint64_t iova, uint32_t len, uint32_t perm,
			enum iommu_fault_reason reason);

/**
 * iommu_faults() - copy the latest faults, newest first, into @fault[@max]. Device or management
 * thread. Return: how many were copied.
 */
unsigned int iommu_faults(const struct iommu_domain *domain, struct iommu_fault *fault,
			  unsigned int max);

/** struct iommu_summary - a domain in figures, for "softiov show". */
struct iommu_summary {
	uint32_t regions, not_shared_regions;
	uint64_t bytes, not_shared_bytes;
	uint32_t leaves_4k, leaves_2m, leaves_1g; /* a leaf of 512 GiB counts as 512 of 1 GiB */
	uint64_t maps, unmaps, translations, faults;
	bool private_memory; /* a large map is a private (not share=on) file: contents will not be
				the guest's */
};

/** iommu_summarize() - fill in @summary; cheap. Device thread. */
void iommu_summarize(const struct iommu_domain *domain, struct iommu_summary *summary);

/**
 * iommu_file_private() - has process @client mapped the file (@device, @inode) privately and not
 * shared? Then what we map is not what the guest sees (QEMU passes the descriptor of a share=off
 * backend all the same). Best effort: false also when /proc/@client/maps cannot be read. Takes
 * as long as the client likes. Any thread, but not the device thread.
 */
bool iommu_file_private(pid_t client, dev_t device, ino_t inode);

/**
 * iommu_check_private_begin() - have all large files of @domain looked at as iommu_file_private()
 * does, by a thread. Call it when maps have settled, not per map. iommu_unmap_all() abandons it.
 * Device thread. Return: 0, -EBUSY while one is under way, or -errno.
 */
int iommu_check_private_begin(struct iommu_domain *domain, pid_t client);

/**
 * iommu_check_private_end() - take the answer, once, and remember it for iommu_summarize(). Device
 * thread. Return: 1 private, 0 not, -EAGAIN while there is none.
 */
int iommu_check_private_end(struct iommu_domain *domain);

/**
 * iommu_sigbus_guard() - install the process-wide SIGBUS handler: a guest file that shrank under
 * its map becomes zero pages instead of our death, and its domains are marked broken. Any other
 * SIGBUS ends the process as always. Call once at start. Return: 0 or -errno.
 */
int iommu_sigbus_guard(void);

/**
 * iommu_broken() - did a file of this domain shrink under its map? The owner should disconnect the
 * client. Cheap while no file ever did. Device thread.
 */
bool iommu_broken(const struct iommu_domain *domain);

#endif
