/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every reason for which a frame is not delivered, once. The list makes the enum, the name that a
 * user sees, the help text, the metric and the SNMP row, so that a drop never lacks a name.
 *
 * X(SYMBOL, "name", "help"): append at the end of a stage's group; names never change meaning.
 */
#ifndef BULKHEAD_DROPS_H
#define BULKHEAD_DROPS_H

#define BH_DROPS(X)                                                                                          \
	/* before any stage */                                                                               \
	X(NO_POLICY, "no-policy", "no policy image is in force")                                             \
	X(HANDOFF_FULL, "handoff-full", "the ring to the worker that owns the flow was full")                \
	/* parse: layer 2 */                                                                                 \
	X(RUNT, "runt", "shorter than its Ethernet header or tag")                                           \
	X(DOUBLE_TAG, "double-tag", "more than one VLAN tag of 802.1Q")                                      \
	X(TAG_88A8, "tag-88a8", "service tag of 802.1ad, alone or with another tag")                         \
	X(TAG_9100, "tag-9100", "tag of a kind older than 802.1ad (0x9100, 0x9200, 0x9300)")                 \
	X(PRIORITY_TAG, "priority-tag", "VLAN tag with VLAN id 0 or 4095")                                   \
	X(SOURCE_MAC, "source-mac", "source MAC is multicast, zero or our own")                              \
	/* parse: IP */                                                                                      \
	X(IP_TRUNCATED, "ip-truncated", "frame is shorter than the lengths its IP header claims")            \
	X(IP_HEADER, "ip-header", "bad IP version or header length")                                         \
	X(IP_CHECKSUM, "ip-checksum", "wrong IPv4 header checksum")                                          \
	X(IP_OPTIONS, "ip-options", "IPv4 source routing or malformed options")                              \
	X(IP_TTL, "ip-ttl", "TTL or hop limit is zero")                                                      \
	X(IP_MARTIAN, "ip-martian", "source or destination address that may not be on a wire")               \
	X(IP_LAND, "ip-land", "source and destination address are equal")                                    \
	X(IP6_CHAIN, "ip6-chain", "IPv6 extension headers too many, too long, repeated or unknown")          \
	X(IP6_ROUTING, "ip6-routing", "IPv6 routing header of type 0 or with segments left")                 \
	X(FRAGMENT_TINY, "fragment-tiny", "first fragment without the whole transport header")               \
	X(FRAGMENT_BAD, "fragment-bad", "fragment with an impossible offset or size")                        \
	X(FRAGMENT_ND, "fragment-nd", "fragmented neighbour discovery (RFC 6980)")                           \
	/* parse: transport */                                                                               \
	X(L4_TRUNCATED, "l4-truncated", "transport header does not fit the packet")                          \
	X(L4_LENGTH, "l4-length", "transport length contradicts the IP length")                              \
	X(L4_CHECKSUM, "l4-checksum", "wrong transport checksum")                                            \
	X(TCP_FLAGS, "tcp-flags", "TCP flags that no stack sends (null, xmas, SYN+FIN, SYN+RST)")            \
	X(L4_PORT, "l4-port", "transport port zero")                                                         \
	X(ARP_BAD, "arp-bad", "malformed ARP or RARP")                                                       \
	X(ND_BAD, "nd-bad", "malformed neighbour discovery, or hop limit not 255")                           \
	X(GROUP_BAD, "group-bad",                                                                            \
	  "IGMP or MLD from another link, or MLD without link-local source or router alert")                 \
	/* segment */                                                                                        \
	X(UNTAGGED, "untagged", "untagged frame where no untagged segment is declared")                      \
	X(UNKNOWN_VLAN, "unknown-vlan", "VLAN that no segment of this port owns")                            \
	X(UNASSIGNED, "unassigned", "replay --assign gives this address no segment")                         \
	X(SPOOF, "spoof", "MAC or IP address that this segment or machine may not use")                      \
	X(DHCP_GUARD, "dhcp-guard", "DHCP server message from a segment that may not send it")               \
	X(RA_GUARD, "ra-guard", "router advertisement or redirect from a segment that may not")              \
	/* layer2 */                                                                                         \
	X(SAME_SEGMENT, "same-segment", "destination is on the segment the frame came from")                 \
	X(REFLECTED, "reflected", "our own frame came back")                                                 \
	X(DUPLICATE, "duplicate", "second copy of a unicast frame, and layer2.duplicates is drop")           \
	X(ETHERTYPE, "ethertype", "ethertype or link-local protocol that layer2.allow leaves out")           \
	X(STORM, "storm", "broadcast, multicast or unknown-unicast over the segment's rate")                 \
	X(GUARD_RATE, "guard-rate", "ARP, RARP, ND, DHCP, IGMP or MLD over the rate of its bucket")          \
	X(MAC_LIMIT, "mac-limit", "new source MAC over the segment's limit")                                 \
	X(MAC_MOVE, "mac-move", "MAC seen on another segment too often; kept at its old place")              \
	X(NO_DESTINATION, "no-destination", "no other segment this frame could go to")                       \
	X(FLOOD_BOUND, "flood-bound", "more candidate segments than are judged for one frame")               \
	X(LISTENING, "listening",                                                                            \
	  "a new segment is listened to for loops before anything is forwarded there")                       \
	X(LOOP, "loop", "a loop joins its segment and the destination's: this pair is closed")               \
	/* flow */                                                                                           \
	X(FRAGMENT_POLICY, "fragment-policy", "the policy drops fragments")                                  \
	X(FRAGMENT_OVERLAP, "fragment-overlap", "overlapping fragments, or a set killed by them")            \
	X(FRAGMENT_TIMEOUT, "fragment-timeout", "fragment set was not complete in time")                     \
	X(FRAGMENT_FULL, "fragment-full", "fragment table or quota is full")                                 \
	X(FRAGMENT_DUPLICATE, "fragment-duplicate", "exact duplicate of a fragment that is held")            \
	X(SESSION_SEGMENT, "session-segment", "session's addresses, but not its segments")                   \
	X(TCP_NO_SESSION, "tcp-no-session", "TCP frame that neither starts nor belongs to a session")        \
	X(TCP_STATE, "tcp-state", "TCP frame that the session's state does not permit")                      \
	X(TCP_WINDOW, "tcp-window", "TCP frame outside the session's window")                                \
	X(TCP_RST, "tcp-rst", "RST whose sequence number is not exact (RFC 5961)")                           \
	X(ICMP_NO_SESSION, "icmp-no-session", "ICMP error or reply that belongs to no session")              \
	X(ICMP_BAD, "icmp-bad", "ICMP error whose quotation can not be read, or that asks for tiny packets") \
	X(ICMP_REDIRECT, "icmp-redirect", "ICMP redirect")                                                   \
	X(FLOW_FULL, "flow-full", "flow table is full")                                                      \
	X(FLOW_QUOTA, "flow-quota", "segment's quota of flows, half-open flows or new flows/s")              \
	/* classify */                                                                                       \
	X(DPI_FULL, "dpi-full", "no memory for detection, and exceptions.dpi is drop")                       \
	X(TCP_CONFLICT, "tcp-conflict", "other data for bytes that were seen, and exceptions.dpi is drop")   \
	/* policy */                                                                                         \
	X(DENY, "deny", "denied by a rule or the default")                                                   \
	X(REJECT, "reject", "rejected by a rule or the default")                                             \
	X(LIMIT, "limit", "over the rate limit of its rule")                                                 \
	X(ECH, "ech", "TLS Encrypted Client Hello, and classification.ech is deny")                          \
	/* tx */                                                                                             \
	X(TX_FULL, "tx-full", "transmit queue was full")                                                     \
	X(TX_DOWN, "tx-down", "port is down or has gone")                                                    \
	X(TX_SIZE, "tx-size", "larger than the egress port's MTU")                                           \
	X(TX_CHECKSUM, "tx-checksum", "egress driver can not complete the frame's checksum")                 \
	X(EGRESS, "egress", "would have left by a segment of another network")                               \
	X(NO_MEMORY, "no-memory", "no buffer left for a copy")                                               \
	/* the end of a run */                                                                               \
	X(END_OF_RUN, "end-of-run", "still held when the run ended")

enum bh_drop {
#define BH_DROP_ENUM(symbol, name, help) BH_DROP_##symbol,
	BH_DROPS(BH_DROP_ENUM)
#undef BH_DROP_ENUM
		BH_DROP_COUNT
};

/* Names and help texts, indexed by enum bh_drop; defined in dataplane/names.c, linked by both. */
extern const char *const bh_drop_names[BH_DROP_COUNT];
extern const char *const bh_drop_help[BH_DROP_COUNT];

#endif
