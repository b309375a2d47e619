/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inspect.h - cards as JSON, piece by piece, so that no single piece keeps the device thread long. docs/api.md names
 * the members. Device thread; each call returns a new reference.
 */
#ifndef SOFTIOV_DAEMON_INSPECT_H
#define SOFTIOV_DAEMON_INSPECT_H

#include <jansson.h>
#include "daemon/card.h"

json_t *inspect_workers(const struct dp *dp);
json_t *inspect_card(const struct card *card);	    /* with "ports": [] */
json_t *inspect_port(const struct card_port *port); /* with "pfs": [] */
json_t *inspect_pf(struct card_pf *pf);		    /* with "vfs": [] */
json_t *inspect_vf(struct card_vf *vf);

#endif
