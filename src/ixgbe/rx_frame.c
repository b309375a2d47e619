/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rx_frame.c - from frames to receive descriptors: the one copy.
 *
 * A frame's buffers are all translated before the first byte is copied; so it is delivered whole or
 * not at all, and no descriptor is lost to a frame that is dropped. A buffer that the IOMMU refuses
 * stays where it is: a completion without data does not exist, so the frame is dropped and the next
 * one tries again.
 *
 * There are two ways to the same descriptors. A frame that asks for nothing and fits one buffer,
 * whose translation is cached, is delivered in one tight loop with others like it
 * (deliver_plain()); any other goes through the iterator of frame/frame.h.
 *
 * 82599 data sheet: 7.1.5, 7.1.6 (descriptors), 7.1.11 (checksums), 7.4 (VLAN).
 */
#include "ixgbe/rx.h"

#include "frame/plain.h"

#define FRAME_DESCS_MAX 16u /* of the longest frame in the smallest buffers, 1 KiB */
#define FRAME_PIECES_MAX 64u
#define PREFETCH_AHEAD 4u

_Static_assert(FRAME_MAX_LEN <= FRAME_DESCS_MAX * 1024, "a frame fits its descriptors");
_Static_assert(FRAME_DESCS_MAX <= RX_WINDOW, "a frame fits the window");

/** struct piece - contiguous host memory of a receive buffer. */
struct piece {
	uint8_t *host;
	uint32_t len;
};

/* --- descriptors ----------------------------------------------------------------------------- */

static uint64_t buffer_address(const struct ixgbe_desc *desc)
{
	return get_le64(&desc->dword[0]);
}

static inline uint32_t packet_type(const struct frame_info *info)
{
	static const uint32_t l3[] = { 0, IXGBE_RXD_IPV4, IXGBE_RXD_IPV6 };
	static const uint32_t options[] = { 0, IXGBE_RXD_IPV4E, IXGBE_RXD_IPV6E };
	static const uint32_t l4[] = {
		[FRAME_L4_NONE] = 0,
		[FRAME_L4_TCP] = IXGBE_RXD_TCP,
		[FRAME_L4_UDP] = IXGBE_RXD_UDP,
		[FRAME_L4_SCTP] = IXGBE_RXD_SCTP,
	};
	uint32_t type = l3[info->l3] | l4[info->l4];

	return unlikely(info->ip_options) ? type | options[info->l3] : type;
}

/* FRAME_IP_CHECKED ... FRAME_L4_BAD, the four bits of @checked, as status and errors. @udp: IXGBE_RXD_UDPCS or 0 */
#define JUDGED(checked, udp)                                         \
	(((checked)&FRAME_IP_CHECKED ? IXGBE_RXD_IPCS : 0) |         \
	 ((checked)&FRAME_IP_BAD ? IXGBE_RXD_IPE : 0) |              \
	 ((checked)&FRAME_L4_CHECKED ? IXGBE_RXD_L4CS | (udp) : 0) | \
	 ((checked)&FRAME_L4_BAD ? IXGBE_RXD_TCPE : 0))
#define JUDGED_4(checked, udp)                                                        \
	JUDGED(checked, udp), JUDGED((checked) + 1, udp), JUDGED((checked) + 2, udp), \
		JUDGED((checked) + 3, udp)
#define JUDGED_ALL(udp) JUDGED_4(0, udp), JUDGED_4(4, udp), JUDGED_4(8, udp), JUDGED_4(12, udp)

static const uint32_t judgement[] = { JUDGED_ALL(0) };
static const uint32_t judgement_udp[] = { JUDGED_ALL(IXGBE_RXD_UDPCS) };

static inline const uint32_t *judgements(const struct frame *frame)
{
	return frame->info.l4 == FRAME_L4_UDP ? judgement_udp : judgement;
}

/* Advanced write-back, status and errors of the last descriptor (7.1.6.2), but for the judgement. */
static inline uint32_t advanced_status(const struct frame *frame)
{
	uint32_t status = IXGBE_RXD_DD | IXGBE_RXD_EOP;

	status |= frame->flags & FRAME_LOOPBACK ? IXGBE_RXD_LB : 0;
	status |= frame->flags & FRAME_VLAN ? IXGBE_RXD_VP : 0;
	return status;
}

/* Legacy write-back, status 7:0 and errors 15:8 of the last descriptor (7.1.5). */
static uint32_t legacy_status(const struct frame_cut *cut)
{
	uint32_t status = IXGBE_RXL_DD | IXGBE_RXL_EOP;

	if (cut->frame->flags & FRAME_VLAN)
		status |= IXGBE_RXL_VP;
	if (cut->status & FRAME_IP_CHECKED)
		status |= IXGBE_RXL_IPCS;
	if (cut->status & FRAME_IP_BAD)
		status |= IXGBE_RXL_IPE;
	if (cut->status & FRAME_L4_CHECKED)
		status |= IXGBE_RXL_L4CS |
			  (cut->frame->info.l4 == FRAME_L4_UDP ? IXGBE_RXL_UDPCS : 0);
	if (cut->status & FRAME_L4_BAD)
		status |= IXGBE_RXL_TCPE;
	return status;
}

static void complete_legacy(struct rx_window *w, const struct frame_cut *cut)
{
	uint32_t vlan = cut->frame->flags & FRAME_VLAN ? cut->frame->vlan : 0;

	for (uint32_t left = cut->len; left; w->next++) {
		struct ixgbe_desc *desc = &w->desc[w->next];
		uint32_t len = MIN(left, w->buffer_len);

		left -= len;
		desc->dword[2] = len;
		desc->dword[3] =
			left ? IXGBE_RXL_DD : legacy_status(cut) | vlan << IXGBE_RXL_VLAN_SHIFT;
	}
}

static inline uint32_t vlan_field(const struct frame *frame)
{
	return frame->flags & FRAME_VLAN ? (uint32_t)frame->vlan << IXGBE_RXD_VLAN_SHIFT : 0;
}

static void complete_advanced(const struct rx_pool *r, struct rx_window *w,
			      const struct frame_cut *cut, unsigned int i)
{
	const struct frame *frame = cut->frame;
	uint32_t type = packet_type(&frame->info) | r->rss.type[i];
	uint32_t hash = r->hash_wanted ? r->rss.hash[i] : frame->info.ip_id;

	for (uint32_t left = cut->len; left; w->next++) {
		struct ixgbe_desc *desc = &w->desc[w->next];
		uint32_t len = MIN(left, w->buffer_len);

		left -= len;
		desc->dword[0] = type;
		desc->dword[1] = hash;
		desc->dword[2] = left ? IXGBE_RXD_DD
				      : advanced_status(frame) | judgements(frame)[cut->status];
		desc->dword[3] = len | (left ? 0 : vlan_field(frame));
	}
}

/* @n frames of one kind. */
static inline void count_kind(struct rx_pool *r, const struct frame *frame, uint32_t checked,
			      unsigned int n)
{
	static const uint8_t broadcast[ETH_ALEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	if (unlikely(checked & (FRAME_IP_BAD | FRAME_L4_BAD)))
		r->totals.csum_bad += n;
	if (unlikely(frame->header[0] & 1)) {
		if (memcmp(frame->header, broadcast, ETH_ALEN) == 0)
			r->totals.broadcast += n;
		else
			r->totals.multicast += n;
	}
}

/* --- any frame ------------------------------------------------------------------------------- */

/* Bring the next buffers near, if the cached translation covers them. */
static void prefetch_buffer(const struct rx_window *w, uint32_t i)
{
	const struct ixgbe_dma_view view = ixgbe_dma_view(&w->q->fetcher, IOMMU_WRITE);

	if (i < w->have)
		__builtin_prefetch(ixgbe_dma_viewed(&view, buffer_address(&w->desc[i]), 1), 1);
}

/* Host memory for @len bytes of one buffer. Return: pieces added, 0: the IOMMU refuses. */
static unsigned int map_buffer(struct rx_window *w, const struct ixgbe_desc *desc, uint32_t len,
			       struct piece *piece, unsigned int room)
{
	struct ixgbe_fetcher *fetcher = &w->q->fetcher;
	struct iommu_domain *domain = fetcher->domain;
	uint64_t address = buffer_address(desc);
	unsigned int n = 0;
	bool split = false;

	piece->host =
		iommu_translate(domain, &fetcher->buffer_tlb, address, len, IOMMU_WRITE, &split);
	piece->len = len;
	if (likely(piece->host))
		return 1;
	if (!split)
		return 0;
	for (uint32_t run; len; len -= run, address += run) {
		uint8_t *host;

		if (n >= room)
			return 0;
		host = iommu_run(domain, &fetcher->buffer_tlb, address, len, IOMMU_WRITE, &run);
		if (!host)
			return 0;
		piece[n++] = (struct piece){ .host = host, .len = run };
	}
	return n;
}

/* All buffers of a frame of @len bytes. Return: pieces, 0: the IOMMU refuses one. */
static unsigned int map_buffers(struct rx_window *w, uint32_t len, struct piece *piece)
{
	unsigned int n = 0;

	for (uint32_t i = w->next; len; i++) {
		uint32_t some = MIN(len, w->buffer_len);
		unsigned int added;

		added = n < FRAME_PIECES_MAX
				? map_buffer(w, &w->desc[i], some, &piece[n], FRAME_PIECES_MAX - n)
				: 0;
		if (unlikely(!added))
			return 0;
		n += added;
		len -= some;
	}
	return n;
}

/* Where the current cut goes: checks, descriptors, memory. Return: pieces, 0: dropped and counted. */
static unsigned int place(struct rx_pool *r, struct rx_window *w, const struct frame_cut *cut,
			  uint32_t tag, uint32_t want, struct piece *piece)
{
	uint32_t descs = 1;
	unsigned int pieces;

	if (unlikely(cut->len - tag > r->max_len)) {
		rx_drop(r, VPORT_DROP_RX_TOO_LONG, 1);
		return 0;
	}
	if (unlikely(cut->len > w->buffer_len))
		descs = (cut->len + w->buffer_len - 1) / w->buffer_len;
	if (unlikely(descs > w->free)) {
		rx_drop(r, VPORT_DROP_RX_NO_DESCRIPTOR, 1);
		w->no_descriptor++;
		return 0;
	}
	if (unlikely(w->bad || descs > FRAME_DESCS_MAX ||
		     (w->have - w->next < descs && !rx_window_load(w, descs, want)))) {
		w->bad = true;
		rx_drop(r, VPORT_DROP_RX_DMA_FAULT, 1);
		return 0;
	}
	prefetch_buffer(w, w->next + PREFETCH_AHEAD);
	pieces = map_buffers(w, cut->len, piece);
	if (unlikely(!pieces)) {
		w->bad = true; /* the next frames would meet the same buffer */
		rx_drop(r, VPORT_DROP_RX_DMA_FAULT, 1);
		return 0;
	}
	w->free -= descs;
	return pieces;
}

/* The current cut, wherever it has to go. */
static void deliver_cut(struct rx_pool *r, struct rx_window *w, struct frame_cut *cut,
			unsigned int i, uint32_t tag, uint32_t want)
{
	struct piece piece[FRAME_PIECES_MAX];
	unsigned int pieces = place(r, w, cut, tag, want, piece);

	if (unlikely(!pieces)) {
		frame_cut_skip(cut);
		return;
	}
	for (unsigned int p = 0; p < pieces; p++)
		frame_cut_copy(cut, piece[p].host, piece[p].len);
	frame_cut_end(cut);
	if (likely(!w->legacy))
		complete_advanced(r, w, cut, i);
	else
		complete_legacy(w, cut);
	w->packets++;
	w->bytes += cut->len - tag;
	count_kind(r, cut->frame, cut->status, 1);
}

/* Find the buffers of the window, as far as the cached translation covers them, and bring them near. */
static void map_window(struct rx_window *w)
{
	const struct ixgbe_dma_view view = ixgbe_dma_view(&w->q->fetcher, IOMMU_WRITE);
	uint64_t last = view.size - w->buffer_len, have = w->have;

	w->mapped = w->have;
	if (unlikely(view.size < w->buffer_len)) {
		memset(w->buffer, 0, sizeof(w->buffer));
		return;
	}
	for (uint64_t i = w->next; i < have; i++) {
		uint64_t offset = buffer_address(&w->desc[i]) - view.iova;
		uint8_t *buffer = likely(offset <= last) ? view.host + offset : NULL;

		w->buffer[i] = buffer;
		__builtin_prefetch(buffer, 1);
	}
}

/*
 * The current cut and those behind it, as long as they fit one buffer that is at hand.
 * Return: false: there are no more; else the current cut is still to be delivered.
 */
static bool deliver_whole(struct rx_pool *r, struct rx_window *w, struct frame_cut *cut,
			  unsigned int i, uint32_t tag)
{
	unsigned int left = frame_cut_left(cut, w->have - w->next), n = 0;
	const struct frame *frame = cut->frame;
	struct ixgbe_desc *desc = &w->desc[w->next];
	uint8_t **host = &w->buffer[w->next];
	uint32_t len[RX_WINDOW];
	uint64_t what, status;

	if (unlikely(w->legacy || w->bad || cut->len > MIN(w->buffer_len, r->max_len + tag)))
		return true;
	if (w->mapped != w->have)
		map_window(w);
	while (n < left && host[n])
		n++;
	if (unlikely(!n))
		return true;
	n = frame_cut_run(cut, host, n, len);
	what = (uint64_t)(r->hash_wanted ? r->rss.hash[i] : frame->info.ip_id) << 32 |
	       packet_type(&frame->info) | r->rss.type[i];
	status = (uint64_t)vlan_field(frame) << 32 | advanced_status(frame) |
		 judgements(frame)[cut->status];
	for (unsigned int k = 0; k < n; k++) {
		put_le64(&desc[k].dword[0], what);
		put_le64(&desc[k].dword[2], status | (uint64_t)len[k] << 32);
		w->bytes += len[k] - tag;
	}
	count_kind(r, frame, cut->status, n);
	w->next += n;
	w->free -= n;
	w->packets += n;
	return frame_cut_next(cut);
}

static void deliver_frame(struct rx_pool *r, struct rx_window *w, const struct frame *frame,
			  unsigned int i, uint32_t want)
{
	bool insert = !w->strip_vlan && frame->flags & FRAME_VLAN, left;
	uint32_t tag = insert ? VLAN_TAG_LEN : 0;
	struct frame_cut cut;

	ixgbe_rss_finish(&r->rss, frame, i);
	frame_cut_init(&cut, frame, insert, !(frame->flags & FRAME_CSUM_GOOD));
	left = frame_cut_next(&cut);
	while (left && deliver_whole(r, w, &cut, i, tag)) {
		deliver_cut(r, w, &cut, i, tag, want);
		left = frame_cut_next(&cut);
	}
}

/* --- frames that ask for nothing, or next to nothing ------------------------------------------- */

/** enum kind - how the checksums of a plain frame are dealt with. */
enum kind {
	KIND_NO_IP,
	KIND_USUAL, /* verified; TCP or UDP over IPv4, nothing else */
	KIND_ANY,
};

/**
 * struct likes - what frames of one kind have in common for this receiver.
 * @status: second half of the descriptor but for length and @judged, which is by what is found of the checksums
 */
struct likes {
	enum kind kind;
	bool udp;
	uint32_t type;
	uint64_t status;
	const uint32_t *judged;
	uint32_t min_len, max_len;
};

static inline enum kind kind_of(const struct frame *frame)
{
	const struct frame_info *info = &frame->info;

	if (info->l3 == FRAME_L3_NONE)
		return KIND_NO_IP;
	return frame_plain_usual(frame) && !(frame->flags & FRAME_L4_CSUM) ? KIND_USUAL : KIND_ANY;
}

/* The frames of the kind of @first. Return: false: they take the iterator. */
static inline bool open_likes(const struct rx_pool *r, const struct rx_window *w,
			      const struct frame *first, struct likes *likes)
{
	uint16_t special = (FRAME_SPECIAL & ~FRAME_L4_CSUM) | (w->strip_vlan ? 0 : FRAME_VLAN);

	likes->kind = kind_of(first);
	likes->udp = first->info.l4 == FRAME_L4_UDP;
	likes->type = packet_type(&first->info);
	likes->status = (uint64_t)vlan_field(first) << 32 | advanced_status(first);
	likes->judged = judgements(first);
	likes->min_len = first->flags & FRAME_PAD ? FRAME_MIN_LEN : 0;
	likes->max_len = MIN(w->buffer_len, r->max_len);
	return likely(!(first->flags & special) && likes->max_len >= likes->min_len &&
		      !(likes->kind == KIND_NO_IP && first->flags & FRAME_L4_CSUM));
}

/* The first half of the descriptor of frame @i, @frame, which has IP in it. */
static inline uint64_t what_of(struct rx_pool *r, const struct frame *frame, unsigned int i,
			       uint32_t type)
{
	ixgbe_rss_finish(&r->rss, frame, i);
	return (uint64_t)(r->hash_wanted ? r->rss.hash[i] : frame->info.ip_id) << 32 | type |
	       r->rss.type[i];
}

/*
 * Copy a frame and verify its checksums, or make them. @checked: what was found.
 * Return: false: it takes the iterator; nothing was done.
 */
static inline bool copy_with_sums(const struct frame *frame, const struct likes *likes,
				  enum kind kind, uint8_t *to, uint32_t *checked)
{
	bool judged = true;

	*checked = 0;
	if (kind == KIND_USUAL)
		judged = frame_plain_judge_usual(frame, likes->udp, checked);
	else if (kind == KIND_ANY && frame->flags & FRAME_L4_CSUM)
		return frame_plain_complete(frame, to, checked);
	else if (kind == KIND_ANY)
		judged = frame_plain_judge(frame, checked);
	if (unlikely(!judged))
		return frame_plain_verify(frame, to, checked);
	frame_plain_copy(frame, to);
	return true;
}

/*
 * Deliver the frames of one kind in the bitmap @wanted to the next descriptors, up to one for which
 * something is not at hand. Return: the frames left.
 */
static inline __attribute__((always_inline)) uint64_t
deliver_each(struct rx_pool *r, struct rx_window *w, const struct frame *frame, uint64_t wanted,
	     const struct likes *likes, enum kind kind)
{
	uint32_t min_len = likes->min_len, more = likes->max_len - min_len;
	uint64_t same_what = r->hash_wanted ? r->same_flow & ~(wanted & -wanted) : 0;
	uint64_t what = likes->type, bytes = 0;
	uint32_t have = w->have, next;

	for (next = w->next; wanted && next < have; wanted &= wanted - 1, next++) {
		unsigned int i = (unsigned int)__builtin_ctzll(wanted);
		const struct frame *f = &frame[i];
		uint32_t len = f->len, checked;
		uint8_t *to = w->buffer[next];

		if (unlikely(!to || len - min_len > more))
			break;
		if (unlikely(!copy_with_sums(f, likes, kind, to, &checked)))
			break;
		if (kind != KIND_NO_IP && !(same_what >> i & 1))
			what = what_of(r, f, i, likes->type);
		put_le64(&w->desc[next].dword[0], what);
		put_le64(&w->desc[next].dword[2],
			 likes->status | (uint64_t)len << 32 | likes->judged[checked]);
		bytes += len;
		count_kind(r, f, checked, 1);
	}
	w->packets += next - w->next;
	w->free -= next - w->next;
	w->bytes += bytes;
	w->next = next;
	return wanted;
}

/* Deliver frames of the kind of frame @i, the first in the bitmap @wanted. Return: the frames left. */
static uint64_t deliver_kind(struct rx_pool *r, struct rx_window *w, const struct frame *frame,
			     unsigned int i, uint64_t wanted)
{
	struct likes likes;

	if (unlikely(!open_likes(r, w, &frame[i], &likes)))
		return wanted;
	if (likely(likes.kind == KIND_USUAL))
		return deliver_each(r, w, frame, wanted, &likes, KIND_USUAL);
	if (likes.kind == KIND_NO_IP)
		return deliver_each(r, w, frame, wanted, &likes, KIND_NO_IP);
	return deliver_each(r, w, frame, wanted, &likes, KIND_ANY);
}

/* Deliver the first frames of the bitmap @wanted, kind by kind. Return: the frames left. */
static uint64_t deliver_plain(struct rx_pool *r, struct rx_window *w, const struct frame *frame,
			      uint64_t wanted)
{
	if (unlikely(w->legacy || w->bad))
		return wanted;
	if (w->mapped != w->have)
		map_window(w);
	while (wanted && w->next < w->have) {
		unsigned int i = (unsigned int)__builtin_ctzll(wanted);
		uint64_t some = wanted & burst_alike(r->same_kind, i);
		uint64_t left = deliver_kind(r, w, frame, i, some);

		wanted ^= some ^ left;
		if (unlikely(left))
			break;
	}
	return wanted;
}

void rx_deliver(struct rx_pool *r, struct rx_window *w, const struct frame *frame, uint64_t wanted)
{
	while ((wanted = deliver_plain(r, w, frame, wanted))) {
		unsigned int i = (unsigned int)__builtin_ctzll(wanted);

		deliver_frame(r, w, &frame[i], i,
			      (uint32_t)__builtin_popcountll(wanted) +
				      (frame[i].flags & FRAME_TSO ? RX_WINDOW : 0));
		wanted &= wanted - 1;
	}
}
