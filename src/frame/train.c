/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * train.c - which bytes tell flows and kinds of frames from each other. RFC 791, section 3.1; RFC 8200,
 * section 3.
 */
#include "frame/train.h"

/* clang-format off */
#define ALL 0xff
#define MAC ALL, ALL, ALL, ALL, ALL, ALL
#define NO_MAC 0, 0, 0, 0, 0, 0
#define TYPE ALL, ALL

static const struct train_masks ethernet = {
	.flow = { MAC, MAC, TYPE },
	.kind = { NO_MAC, NO_MAC, TYPE },
};

/* Not type of service, total length, identification, "don't fragment", time to live, checksum. */
#define IPV4_KIND ALL, 0, 0, 0, 0, 0, 0x3f, ALL, 0, ALL, 0, 0
#define IPV4_FLOW ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL

static const struct train_masks ipv4 = {
	.flow = { MAC, MAC, TYPE, IPV4_KIND, IPV4_FLOW },
	.kind = { NO_MAC, NO_MAC, TYPE, IPV4_KIND },
};

/* Not traffic class, flow label, payload length, hop limit. */
#define IPV6_KIND 0xf0, 0, 0, 0, 0, 0, ALL, 0
#define IPV6_ADDRESS ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL
#define IPV6_FLOW IPV6_ADDRESS, IPV6_ADDRESS, ALL, ALL, ALL, ALL

static const struct train_masks ipv6 = {
	.flow = { MAC, MAC, TYPE, IPV6_KIND, IPV6_FLOW },
	.kind = { NO_MAC, NO_MAC, TYPE, IPV6_KIND },
};
/* clang-format on */

/* How the frames behind @frame are known, or NULL: by nothing less than parsing. */
static const struct train_masks *masks_of(const struct frame *frame)
{
	const struct frame_info *info = &frame->info;
	uint16_t type = get_be16(frame->header + ETH_TYPE);

	if (unlikely(frame->flags & FRAME_VLAN))
		return NULL;
	if (info->l3 == FRAME_L3_NONE)
		return type != ETH_TYPE_IPV4 && type != ETH_TYPE_IPV6 ? &ethernet : NULL;
	if (info->ip_options || (info->l4 != FRAME_L4_TCP && info->l4 != FRAME_L4_UDP))
		return NULL;
	return info->l3 == FRAME_L3_IPV4 ? &ipv4 : &ipv6;
}

static __m128i vector(const uint8_t *bytes, unsigned int i)
{
	return _mm_load_si128((const __m128i *)(const void *)bytes + i);
}

void frame_train_begin(struct frame_train *train, const struct frame *frame)
{
	const struct train_masks *masks = masks_of(frame);
	const struct frame_info *info = &frame->info;

	frame_train_end(train);
	if (unlikely(!masks || frame->header_len < TRAIN_LEN_MIN))
		return;
	for (unsigned int i = 0; i < TRAIN_VECTORS; i++) {
		train->last[i] = vector(frame->header, i);
		train->flow[i] = vector(masks->flow, i);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(train->kind); i++)
		train->kind[i] = vector(masks->kind, i);
	train->common = frame_common(frame);
	train->min_len = MAX(TRAIN_LEN_MIN, 0u + info->l4_offset + TCP_HEADER_LEN);
	train->ipv6 = info->l3 == FRAME_L3_IPV6;
	train->id_mask = info->l3 == FRAME_L3_IPV4 ? UINT16_MAX : 0;
}
