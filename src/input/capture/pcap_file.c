/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A header, then records; nothing but their lengths can be wrong. */
#include "input/capture/pcap_file.h"

#include "input/capture/order.h"

#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO 0xa1b23c4du
#define MAGIC_PATCHED 0xa1b2cd34u /* interface, protocol and packet type behind each length */
#define RECORD_HEADER 16
#define RECORD_HEADER_PATCHED 24
#define LINK_TYPE_MASK 0x03ffffffu /* above it: the length of a frame check sequence */

static bool is_magic(uint32_t magic)
{
	return magic == MAGIC_MICRO || magic == MAGIC_NANO || magic == MAGIC_PATCHED;
}

bool pcap_file_is(const uint8_t *data, size_t len)
{
	return len >= 4 && (is_magic(order_u32(data, false)) || is_magic(order_u32(data, true)));
}

static enum format_result read_header(struct pcap_file *file, const uint8_t *data,
				      struct text_error *ret_error, struct format_step *ret_step)
{
	uint32_t magic = order_u32(data, false);

	file->is_big = !is_magic(magic);
	if (file->is_big)
		magic = order_u32(data, true);
	if (order_u16(data + 4, file->is_big) != 2) {
		text_error_set(ret_error, 0, 0, "a pcap file of version %u, not 2",
			       order_u16(data + 4, file->is_big));
		return FORMAT_BAD;
	}
	file->nanoseconds = magic == MAGIC_NANO;
	file->record_header = magic == MAGIC_PATCHED ? RECORD_HEADER_PATCHED : RECORD_HEADER;
	file->link_type = (int)(order_u32(data + 20, file->is_big) & LINK_TYPE_MASK);
	file->is_open = true;
	ret_step->used = PCAP_FILE_HEADER;
	return FORMAT_OTHER;
}

static void read_record(const struct pcap_file *file, const uint8_t *data, uint32_t len,
			struct format_step *ret_step)
{
	uint64_t time_s = order_u32(data, file->is_big);
	uint64_t part = order_u32(data + 4, file->is_big);

	ret_step->used = file->record_header + (size_t)len;
	ret_step->frame = (struct frame){
		.time_ns = time_s * 1000000000u + part * (file->nanoseconds ? 1 : 1000),
		.link_type = file->link_type,
		.data = data + file->record_header,
		.len = len,
	};
}

enum format_result pcap_file_step(struct pcap_file *file, const uint8_t *data, size_t len,
				  struct text_error *ret_error, struct format_step *ret_step)
{
	uint32_t record_len;

	*ret_step = (struct format_step){.need = file->is_open ? file->record_header
							       : PCAP_FILE_HEADER};
	if (len < ret_step->need)
		return FORMAT_MORE;
	if (!file->is_open)
		return read_header(file, data, ret_error, ret_step);
	record_len = order_u32(data + 8, file->is_big);
	if (record_len > FRAME_BYTES_MAX) {
		text_error_set(ret_error, 0, 0, "a record of %u bytes, more than %d", record_len,
			       FRAME_BYTES_MAX);
		return FORMAT_BAD;
	}
	ret_step->need += record_len;
	if (len < ret_step->need)
		return FORMAT_MORE;
	read_record(file, data, record_len, ret_step);
	return FORMAT_FRAME;
}
