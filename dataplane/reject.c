/* SPDX-License-Identifier: BSD-3-Clause */
#include "reject.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <string.h>

#include "frame.h"
#include "tx.h"
#include "worker.h"

#define HOP_LIMIT 64
/* An error quotes as much of the packet as fits what every host takes whole (RFC 1812 4.3.2.3; RFC 4443 2.4 c). */
#define ERROR4_MAX 576u
#define ERROR6_MAX 1280u

/* Which way a made frame goes: back to the sender, or on to the receiver. */
enum direction { BACK, ON };

/* Of a frame with two tags those that are in the buffer: the answer is for the same network inside the segment. */
static void append_tags(struct rte_mbuf *made, const struct rte_mbuf *m, const struct frame *f)
{
	const uint16_t at = 2 * RTE_ETHER_ADDR_LEN, length = f->l3 - RTE_ETHER_HDR_LEN;
	struct frame *own = frame_of(made);

	own->flags = f->flags & (FRAME_TAGGED | FRAME_STRIPPED);
	own->tci = f->tci;
	own->inner = f->inner;
	memcpy(rte_pktmbuf_append(made, length), rte_pktmbuf_mtod_offset(m, const uint8_t *, at), length);
}

/* Begin a frame: Ethernet header (a single tag is given by tx) with the addresses of `m`, turned round for BACK. */
static struct rte_mbuf *begin(struct worker *w, struct rte_mbuf *m, enum direction way, uint16_t ethertype)
{
	const struct rte_ether_hdr *seen = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct frame *f = frame_of(m);
	struct rte_mbuf *made = tx_buffer(w);
	struct rte_ether_addr *addresses;
	rte_be16_t type;

	if (!made)
		return NULL;
	addresses = (struct rte_ether_addr *)(void *)rte_pktmbuf_append(made, 2 * sizeof(*addresses));
	addresses[0] = way == BACK ? seen->src_addr : seen->dst_addr;
	addresses[1] = way == BACK ? seen->dst_addr : seen->src_addr;
	if (f->inner)
		append_tags(made, m, f);
	type = rte_cpu_to_be_16(ethertype);
	memcpy(rte_pktmbuf_append(made, sizeof(type)), &type, sizeof(type));
	return made;
}

/* The IP header of a made packet of `length` bytes of transport; addresses of `f`, turned round for BACK. */
static void *append_ip4(struct rte_mbuf *made, const struct frame *f, enum direction way, uint8_t protocol,
			uint16_t length)
{
	struct rte_ipv4_hdr *ip =
		(struct rte_ipv4_hdr *)(void *)rte_pktmbuf_append(made, (uint16_t)(sizeof(*ip) + length));

	memset(ip, 0, sizeof(*ip) + length);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + length));
	ip->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
	ip->time_to_live = HOP_LIMIT;
	ip->next_proto_id = protocol;
	memcpy(&ip->src_addr, (way == BACK ? frame_destination(f) : frame_source(f)) + 12, 4);
	memcpy(&ip->dst_addr, (way == BACK ? frame_source(f) : frame_destination(f)) + 12, 4);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return ip;
}

static void *append_ip6(struct rte_mbuf *made, const struct frame *f, enum direction way, uint8_t protocol,
			uint16_t length)
{
	struct rte_ipv6_hdr *ip =
		(struct rte_ipv6_hdr *)(void *)rte_pktmbuf_append(made, (uint16_t)(sizeof(*ip) + length));

	memset(ip, 0, sizeof(*ip) + length);
	ip->vtc_flow = rte_cpu_to_be_32(0x60000000);
	ip->payload_len = rte_cpu_to_be_16(length);
	ip->proto = protocol;
	ip->hop_limits = HOP_LIMIT;
	memcpy(ip->src_addr, way == BACK ? frame_destination(f) : frame_source(f), 16);
	memcpy(ip->dst_addr, way == BACK ? frame_source(f) : frame_destination(f), 16);
	return ip;
}

/* RST to the sender carries what it expects next (its ACK), or answers its sequence numbers; to the far end it continues
 * the refused segment's sequence. */
static void fill_rst(struct rte_tcp_hdr *tcp, const struct frame *f, enum direction way)
{
	bool acknowledged = f->tcp_flags & RTE_TCP_ACK_FLAG;
	uint32_t length =
		f->payload_length + !!(f->tcp_flags & RTE_TCP_SYN_FLAG) + !!(f->tcp_flags & RTE_TCP_FIN_FLAG);

	tcp->src_port = rte_cpu_to_be_16(way == BACK ? f->destination_port : f->source_port);
	tcp->dst_port = rte_cpu_to_be_16(way == BACK ? f->source_port : f->destination_port);
	tcp->data_off = 5 << 4;
	tcp->tcp_flags = RTE_TCP_RST_FLAG;
	if (way == ON) {
		tcp->sent_seq = rte_cpu_to_be_32(f->tcp_seq);
		if (acknowledged) {
			tcp->recv_ack = rte_cpu_to_be_32(f->tcp_ack);
			tcp->tcp_flags |= RTE_TCP_ACK_FLAG;
		}
	} else if (acknowledged) {
		tcp->sent_seq = rte_cpu_to_be_32(f->tcp_ack);
	} else {
		tcp->recv_ack = rte_cpu_to_be_32(f->tcp_seq + length);
		tcp->tcp_flags |= RTE_TCP_ACK_FLAG;
	}
}

static void send_rst(struct worker *w, struct rte_mbuf *m, enum direction way)
{
	struct frame *f = frame_of(m);
	bool ipv4 = f->kind == FRAME_IPV4;
	struct rte_mbuf *made = begin(w, m, way, ipv4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	struct rte_tcp_hdr *tcp;
	void *ip;

	if (!made)
		return;
	ip = ipv4 ? append_ip4(made, f, way, IPPROTO_TCP, sizeof(*tcp))
		  : append_ip6(made, f, way, IPPROTO_TCP, sizeof(*tcp));
	tcp = RTE_PTR_ADD(ip, ipv4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr));
	fill_rst(tcp, f, way);
	tcp->cksum = ipv4 ? rte_ipv4_udptcp_cksum(ip, tcp) : rte_ipv6_udptcp_cksum(ip, tcp);
	tx_made(w, made, way == BACK ? f->segment : f->dest);
}

/* How much of the packet is quoted in an error of at most `whole` bytes. */
static uint16_t quotable(const struct rte_mbuf *m, const struct frame *f, uint32_t whole, size_t headers)
{
	uint32_t contiguous = rte_pktmbuf_data_len(m) - f->l3;

	return (uint16_t)RTE_MIN(RTE_MIN(f->l3_length, contiguous), whole - (uint32_t)headers);
}

/* What an error says of the packet it quotes. */
struct complaint {
	uint8_t type, code;
	uint32_t mtu; /* of the next hop; 0: it is about something else */
};

static void send_error4(struct worker *w, struct rte_mbuf *m, const struct complaint *complaint)
{
	struct frame *f = frame_of(m);
	struct rte_mbuf *made = begin(w, m, BACK, RTE_ETHER_TYPE_IPV4);
	struct rte_icmp_hdr *icmp;
	struct rte_ipv4_hdr *ip;
	uint16_t quote = quotable(m, f, ERROR4_MAX, sizeof(*ip) + sizeof(*icmp));

	if (!made)
		return;
	ip = append_ip4(made, f, BACK, IPPROTO_ICMP, (uint16_t)(sizeof(*icmp) + quote));
	icmp = (struct rte_icmp_hdr *)(ip + 1);
	icmp->icmp_type = complaint->type;
	icmp->icmp_code = complaint->code;
	icmp->icmp_seq_nb = rte_cpu_to_be_16((uint16_t)complaint->mtu); /* RFC 1191, 4 */
	memcpy(icmp + 1, rte_pktmbuf_mtod_offset(m, void *, f->l3), quote);
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, sizeof(*icmp) + quote);
	tx_made(w, made, f->segment);
}

static void send_error6(struct worker *w, struct rte_mbuf *m, const struct complaint *complaint)
{
	struct frame *f = frame_of(m);
	struct rte_mbuf *made = begin(w, m, BACK, RTE_ETHER_TYPE_IPV6);
	struct rte_icmp_hdr *icmp; /* the same eight bytes; <netinet/icmp6.h> would have them aligned */
	struct rte_ipv6_hdr *ip;
	uint16_t quote = quotable(m, f, ERROR6_MAX, sizeof(*ip) + sizeof(*icmp));
	rte_be32_t mtu = rte_cpu_to_be_32(complaint->mtu);
	uint32_t sum;

	if (!made)
		return;
	ip = append_ip6(made, f, BACK, IPPROTO_ICMPV6, (uint16_t)(sizeof(*icmp) + quote));
	icmp = (struct rte_icmp_hdr *)(ip + 1);
	icmp->icmp_type = complaint->type;
	icmp->icmp_code = complaint->code;
	memcpy(&icmp->icmp_ident, &mtu, sizeof(mtu)); /* RFC 4443, 3.2 */
	memcpy(icmp + 1, rte_pktmbuf_mtod_offset(m, void *, f->l3), quote);
	sum = rte_raw_cksum(icmp, sizeof(*icmp) + quote);
	sum += rte_ipv6_phdr_cksum(ip, 0);
	sum = (sum & 0xffff) + (sum >> 16);
	icmp->icmp_cksum = (uint16_t) ~((sum & 0xffff) + (sum >> 16));
	tx_made(w, made, f->segment);
}

/* ---- whom not to answer ---- */

static bool is_one_machine(const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }, unspecified[16];

	if (memcmp(address, mapped, sizeof(mapped)) == 0)
		return address[12] != 0 && address[12] < 224;
	return address[0] != 0xff && memcmp(address, unspecified, sizeof(unspecified)) != 0;
}

/* Takes from the worker's answers a second. */
static bool may_answer(struct worker *w, const struct frame *f)
{
	const uint32_t never = FRAME_BROADCAST | FRAME_ICMP_ERROR | FRAME_MADE;

	return f->kind <= FRAME_IPV6 && !(f->flags & never) && f->dest != SEGMENT_FLOOD &&
	       is_one_machine(frame_source(f)) && is_one_machine(frame_destination(f)) &&
	       bucket_take(&w->rejects, 1, w->now_ns);
}

/* ---- the two answers ---- */

void reject_frame(struct worker *w, struct rte_mbuf *m, bool tell_far)
{
	static const struct complaint refused4 = { ICMP_UNREACH, ICMP_UNREACH_FILTER_PROHIB, 0 };
	static const struct complaint refused6 = { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, 0 };
	const struct frame *f = frame_of(m);
	bool tcp = f->protocol == IPPROTO_TCP;

	if ((f->flags & FRAME_FRAGMENT) || (tcp && (f->tcp_flags & RTE_TCP_RST_FLAG)) || !may_answer(w, f))
		return;
	if (tcp) {
		send_rst(w, m, BACK);
		if (tell_far)
			send_rst(w, m, ON);
	} else if (f->kind == FRAME_IPV4) {
		send_error4(w, m, &refused4);
	} else {
		send_error6(w, m, &refused6);
	}
}

void reject_too_big(struct worker *w, struct rte_mbuf *m, uint32_t mtu)
{
	const struct complaint too_big4 = { ICMP_UNREACH, ICMP_UNREACH_NEEDFRAG, mtu };
	const struct complaint too_big6 = { ICMP6_PACKET_TOO_BIG, 0, mtu };
	const struct frame *f = frame_of(m);
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, f->l3);
	bool later = (f->flags & FRAME_FRAGMENT) && !(f->flags & FRAME_FIRST_FRAGMENT);
	bool ipv4 = f->kind == FRAME_IPV4;

	if (later || (ipv4 && !(ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG))) ||
	    !may_answer(w, f))
		return;
	if (ipv4)
		send_error4(w, m, &too_big4);
	else
		send_error6(w, m, &too_big6);
}
