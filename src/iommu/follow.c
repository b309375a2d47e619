// SPDX-License-Identifier: BSD-3-Clause
/*
 * follow.c - domains that use the maps of another one, their leader.
 *
 * The functions behind a bridge reach memory with the bridge's requester ID: what the system maps
 * for the bridge is theirs, and nothing else. A follower keeps its own cached translations,
 * generation, Bus Master Enable, faults and counters. Only the table that a missed look-up walks is
 * the leader's: workers load @source, which points to the domain itself while it follows nobody.
 *
 * A cached translation is good while the generation of *its* domain is what it was, so whatever
 * changes the leader moves on the generation of each follower too, after the leader's table: that
 * keeps the fast path of a look-up as it is for everybody. What the change took away is freed after
 * a grace period of all workers, whichever domain they looked it up in.
 */
#include "iommu/internal.h"

static void bump(struct iommu_private *priv)
{
	atomic_fetch_add_explicit(&priv->domain.generation, 1, memory_order_release);
}

void generation_next(struct iommu_private *priv)
{
	bump(priv);
	for (priv = priv->followers; priv; priv = priv->next_follower)
		bump(priv);
}

static struct iommu_private *source_of(const struct iommu_private *priv)
{
	return atomic_load_explicit(&priv->source, memory_order_relaxed);
}

bool follows(const struct iommu_private *priv)
{
	return source_of(priv) != priv;
}

static void leave(struct iommu_private *priv)
{
	struct iommu_private **link = &source_of(priv)->followers;

	while (*link != priv)
		link = &(*link)->next_follower;
	*link = priv->next_follower;
}

static void join(struct iommu_private *priv, struct iommu_private *leader)
{
	priv->next_follower = leader->followers;
	leader->followers = priv;
}

int iommu_domain_follow(struct iommu_domain *domain, struct iommu_domain *leader)
{
	struct iommu_private *priv = domain->private;
	struct iommu_private *source = leader ? leader->private : priv;

	if (leader && (source == priv || follows(source)))
		return -EINVAL;
	if (leader && (priv->followers || domain->state->regions))
		return -EBUSY;
	if (source_of(priv) == source)
		return 0;
	if (follows(priv))
		leave(priv);
	if (leader)
		join(priv, source);
	atomic_store_explicit(&priv->source, source, memory_order_release);
	generation_next(priv);
	return 0;
}
