/* SPDX-License-Identifier: BSD-3-Clause */
#include "notice.h"

#include "event.h"
#include "mactable.h"

void notice(struct worker *w, enum bh_notice_kind kind, const uint8_t *mac, const uint8_t *address,
	    uint16_t segment0, uint16_t segment1, const char *text)
{
	uint32_t more;

	if (!rates_notice(w->macs ? mac_table_rates(w->macs) : NULL, kind, w->now_ns, &more))
		return;
	if (more)
		event_notice(w, kind, mac, address, segment0, segment1,
			     "%s (and %u more since the last notice)", text, more);
	else
		event_notice(w, kind, mac, address, segment0, segment1, "%s", text);
}
