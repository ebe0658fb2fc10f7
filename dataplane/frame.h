/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the stages know of a frame, kept in the mbuf's private area (every pool of ours is made with
 * FRAME_PRIVATE_SIZE). parse fills it; later stages read it and add theirs. All length checks were
 * made by parse: an offset here may be followed for as many bytes as its comment says.
 *
 * Headers (up to `payload`) are always contiguous in the first segment of the mbuf; the payload may go on
 * in further segments (LRO, jumbo): frame_payload() says how much is contiguous.
 */
#ifndef DATAPLANE_FRAME_H
#define DATAPLANE_FRAME_H

#include <assert.h>
#include <rte_mbuf.h>
#include <stdbool.h>

#include "bulkhead/counters.h"
#include "flowkey.h"

#define SEGMENT_NONE 0xffffu  /* no segment, or not yet known */
#define SEGMENT_FLOOD 0xfffeu /* every other segment of the network that the policy allows */

enum frame_kind {
	FRAME_IPV4,
	FRAME_IPV6,
	FRAME_ARP,
	FRAME_RARP,
	FRAME_OTHER, /* ethertype (or LLC, BPDU, LACP, LLDP): never judged by rules */
};

/* bits of frame.flags */
enum {
	/* IP fragment (not atomic): fragment_* are valid, transport is not parsed: ports are 0, l4 is where the fragment's
	 * data begins, payload the same (first fragments: where the transport header begins) */
	FRAME_FRAGMENT = 1 << 0,
	FRAME_FIRST_FRAGMENT = 1 << 1, /* .. with offset 0 */
	FRAME_MORE_FRAGMENTS = 1 << 2,
	FRAME_ICMP_ERROR = 1 << 3,   /* ICMP or ICMPv6 error: `quoted` is valid */
	FRAME_ICMP_REQUEST = 1 << 4, /* echo, timestamp, .. request */
	FRAME_ICMP_REPLY = 1 << 5,
	FRAME_BROADCAST = 1 << 6,     /* destination MAC is broadcast or multicast */
	FRAME_ND = 1 << 7,            /* ICMPv6 133..137 */
	FRAME_ROUTER_ADVERT = 1 << 8, /* RA or redirect */
	FRAME_DHCP_SERVER = 1 << 9,   /* DHCP or DHCPv6 message that only a server sends */
	FRAME_DHCP_CLIENT = 1 << 10,
	FRAME_GROUP = 1 << 11,         /* IGMP or MLD */
	FRAME_ANNOUNCE = 1 << 12,      /* RARP, gratuitous ARP, or unsolicited NA */
	FRAME_NEW_FLOW = 1 << 13,      /* this frame began its session */
	FRAME_REVERSE = 1 << 14,       /* travels from responder to initiator */
	FRAME_RELATED = 1 << 15,       /* ICMP error of the session */
	FRAME_RETRANSMIT = 1 << 16,    /* all of its payload was seen before: not shown to nDPI */
	FRAME_PROTECTED = 1 << 17,     /* judged by a layer-2 guard (ARP, ND, DHCP, ..): no rule is asked */
	FRAME_STRIPPED = 1 << 18,      /* the driver took the tag off: mbuf->vlan_tci holds it */
	FRAME_TAGGED = 1 << 19,        /* a tag came with it, in the frame or stripped */
	FRAME_CHECKSUM_LEFT = 1 << 20, /* sender left the transport checksum to hardware */
	FRAME_STATELESS = 1 << 21,     /* exceptions: stateless: judged alone, no session */
	FRAME_ASSIGNED = 1 << 22,      /* replay --assign: segment and dest come from the addresses */
	FRAME_REASSEMBLED = 1 << 24,   /* stands for the fragments of `set`, which share its fate */
	FRAME_MADE = 1 << 25,          /* of our own making: not counted as a frame that came in */
};

enum { DHCP_SERVER_PORT = 67, DHCP_CLIENT_PORT, DHCP6_CLIENT_PORT = 546, DHCP6_SERVER_PORT };

struct flow;
struct fragment_set;

/* Two lines of cache, aligned as mbufs are. */
struct frame {
	struct flow_key key; /* canonical: see flowkey.h; ICMP errors: of the quoted packet */
	uint32_t hash;       /* flow_hash(&key), made by segment_stage once key.network is known */
	uint32_t reserved;
	uint32_t flags;
	uint16_t ethertype; /* host order, of the innermost; 0: LLC (802.3 length) */
	uint16_t tci;       /* of the tag, 0 without */
	uint8_t kind;       /* enum frame_kind */
	uint8_t protocol;   /* transport after extension headers; IP kinds only */
	uint8_t reversed;   /* bool: the frame's source is key.address[1] */
	uint8_t tcp_flags;
	uint16_t l3;             /* offset of the IP or ARP header from the start of the data */
	uint16_t l4;             /* offset of the transport header */
	uint16_t payload;        /* offset of the transport payload */
	uint16_t payload_length; /* by the IP length, not the frame's (0 where not parsed) */
	uint32_t l3_length;      /* bytes from l3 by the IP total length */
	uint32_t tcp_seq, tcp_ack;
	uint16_t tcp_window;                    /* unscaled, host order */
	uint16_t source_port, destination_port; /* host order; ICMP: 0 */
	uint16_t icmp;                          /* type << 8 | code */
	uint32_t fragment_id;
	uint16_t fragment_offset; /* bytes */
	uint16_t fragment_length; /* bytes of IP payload in this fragment */
	uint16_t segment;         /* stable id (ids.h) of the segment it came from */
	uint16_t dest;            /* stable id, SEGMENT_NONE or SEGMENT_FLOOD */
	uint16_t network;         /* stable id; also in key.network */
	uint16_t inner;           /* TCI of a second tag, which ends at l3 - 2; 0: none */
	uint32_t wire_length;     /* of the frame as received with its tag, for byte counters */
	uint32_t reserved2;
	struct flow *flow;        /* set by the flow stage; NULL: judged without a session */
	struct fragment_set *set; /* FRAME_REASSEMBLED: originals in order of arrival (fragment.h) */
};

static_assert(sizeof(struct frame) == 128);

#define FRAME_PRIVATE_SIZE RTE_ALIGN_CEIL(sizeof(struct frame), RTE_MBUF_PRIV_ALIGN)

static inline struct frame *frame_of(struct rte_mbuf *m)
{
	return (struct frame *)rte_mbuf_to_priv(m);
}

/* Payload bytes that lie contiguous in the first segment. */
static inline uint16_t frame_payload(const struct rte_mbuf *m, const struct frame *f)
{
	uint16_t contiguous = m->data_len > f->payload ? (uint16_t)(m->data_len - f->payload) : 0;
	return RTE_MIN(contiguous, f->payload_length);
}

/* What a session's key has of where its frames are, once the network is known. */
static inline void frame_key_place(struct frame *f)
{
	static_assert(BH_NETWORK_IDS <= 1 << 12, "flow_key.network");
	flow_key_set_place(&f->key, f->network, f->inner);
}

/* The frame's own addresses, as 16 bytes in the key. */
static inline const uint8_t *frame_source(const struct frame *f)
{
	return f->key.address[f->reversed];
}

static inline const uint8_t *frame_destination(const struct frame *f)
{
	return f->key.address[!f->reversed];
}

#endif
