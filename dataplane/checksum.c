/* SPDX-License-Identifier: BSD-3-Clause */
#include "checksum.h"

#include <nmmintrin.h>
#include <rte_byteorder.h>
#include <rte_mbuf.h>

uint64_t checksum_frame(const struct rte_mbuf *m, uint32_t offset, uint32_t length)
{
	uint64_t sum = 0;
	bool odd = false;

	for (; m && length; m = m->next) {
		if (offset >= m->data_len) {
			offset -= m->data_len;
			continue;
		}
		uint32_t part = RTE_MIN(m->data_len - offset, length);
		uint64_t s = checksum_bytes(rte_pktmbuf_mtod_offset(m, const uint8_t *, offset), part);

		/* a part that begins at an odd offset of the whole has its bytes in the other half (RFC 1071, 2B) */
		sum += odd ? rte_bswap16(checksum_fold(s)) : s;
		odd ^= part & 1;
		length -= part;
		offset = 0;
	}
	return sum;
}

uint64_t checksum_pseudo(const uint8_t source[16], const uint8_t destination[16], uint32_t length,
			 uint8_t protocol)
{
	/* the prefix of a mapped address (::ffff) would add 0xffff twice, which is zero in this arithmetic: one
	 * code serves both families (RFC 9293 3.1, RFC 8200 8.1) */
	uint64_t sum = checksum_bytes(source, 16) + checksum_bytes(destination, 16);

	return sum + rte_cpu_to_be_32(length) + rte_cpu_to_be_32(protocol);
}

uint32_t crc32c_bytes(uint32_t crc, const void *bytes, size_t length)
{
	const uint8_t *p = bytes;
	uint64_t wide = crc;

	for (; length >= 8; p += 8, length -= 8)
		wide = _mm_crc32_u64(wide, load64(p));
	crc = (uint32_t)wide;
	for (; length; p++, length--)
		crc = _mm_crc32_u8(crc, *p);
	return crc;
}

uint32_t crc32c_frame(uint32_t crc, const struct rte_mbuf *m, uint32_t offset, uint32_t length)
{
	for (; m && length; m = m->next) {
		if (offset >= m->data_len) {
			offset -= m->data_len;
			continue;
		}
		uint32_t part = RTE_MIN(m->data_len - offset, length);

		crc = crc32c_bytes(crc, rte_pktmbuf_mtod_offset(m, const uint8_t *, offset), part);
		length -= part;
		offset = 0;
	}
	return crc;
}
