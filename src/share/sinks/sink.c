/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of kinds. */
#include "share/sinks/sink.h"

const struct sink_type *sink_type_of(enum sink_kind kind)
{
	switch (kind) {
	case SINK_FILE: return &sink_file;
	case SINK_JOURNAL: return &sink_journal;
	case SINK_LIST: return &sink_list;
	case SINK_CROWDSEC: return &sink_crowdsec;
	}
	return &sink_file;
}
