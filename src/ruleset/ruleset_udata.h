/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nft keeps beside a set for itself: the set's comment, the byte order of its data, and the
 * expression that its key is made of, without which a listed set of unnamed types does not load.
 */
#ifndef SYNPRINT_RULESET_RULESET_UDATA_H
#define SYNPRINT_RULESET_RULESET_UDATA_H

#include <libnftnl/udata.h>

#include "ruleset/ruleset.h"

/** ruleset_udata_new() - without the comment, which is put last; NULL: no memory, or nothing to say. */
struct nftnl_udata_buf *ruleset_udata_new(const struct ruleset *ruleset,
					  const struct ruleset_set *set);
void ruleset_udata_free(struct nftnl_udata_buf *udata);

#endif
