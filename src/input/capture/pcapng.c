/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A block's length is told before and behind it; both are compared, so that a damaged file is
 * refused where it is damaged.
 */
#include "input/capture/pcapng.h"

#include "input/capture/order.h"

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define BLOCK_EXTRA 12 /* type and length before the body, the length again behind it */
#define BODY 8
#define OPTIONS_MAX 65536 /* of an interface; they are names and numbers */

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* what was used before the enhanced one */
	BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6,
	BLOCK_SECTION = 0x0a0d0d0a, /* the same in both byte orders */
};

enum option_type { OPTION_END = 0, OPTION_RESOLUTION = 9, OPTION_OFFSET = 14 };

/* A block whose bytes are all there. */
struct block {
	uint32_t type, len;
	const uint8_t *body;
	size_t body_len;
	bool is_big;
};

bool pcapng_is(const uint8_t *data, size_t len)
{
	return len >= 4 && order_u32(data, false) == BLOCK_SECTION;
}

static enum format_result refuse(struct text_error *ret_error, const char *what, uint32_t number)
{
	text_error_set(ret_error, 0, 0, "%s (%u)", what, number);
	return FORMAT_BAD;
}

static uint32_t u32(const struct block *block, size_t at)
{
	return order_u32(block->body + at, block->is_big);
}

static uint16_t u16(const struct block *block, size_t at)
{
	return order_u16(block->body + at, block->is_big);
}

#define SECOND_NS UINT64_C(1000000000)

/* Ticks of 1 / 2^@power s, by a product of 96 bits: 32-bit machines have no wider type. */
static uint64_t binary_ns(uint64_t ticks, unsigned power)
{
	uint64_t low = (ticks & UINT32_MAX) * SECOND_NS;
	uint64_t high = (ticks >> 32) * SECOND_NS + (low >> 32);

	if (power < 32)
		return (high << (32 - power)) + ((low & UINT32_MAX) >> power);
	return power < 96 ? high >> (power - 32) : 0;
}

/* 10^9 at most, so that a second of any resolution is a number of nanoseconds. */
static uint64_t ticks_ns(const struct pcapng_interface *interface, uint64_t ticks)
{
	unsigned power = interface->resolution & 0x7f;
	uint64_t ns = ticks;

	if (interface->resolution & 0x80)
		return binary_ns(ticks, power) + interface->offset_s * SECOND_NS;
	for (unsigned i = power; i < 9; i++)
		ns *= 10;
	for (unsigned i = 9; i < power; i++)
		ns /= 10;
	return ns + interface->offset_s * SECOND_NS;
}

static bool read_option(const struct block *block, size_t at, struct pcapng_interface *interface)
{
	uint16_t type = u16(block, at), len = u16(block, at + 2);
	const uint8_t *value = block->body + at + 4;

	if (type == OPTION_RESOLUTION && len == 1)
		interface->resolution = *value;
	if (type == OPTION_OFFSET && len == 8) {
		uint64_t first = order_u32(value, block->is_big);
		uint64_t second = order_u32(value + 4, block->is_big);

		interface->offset_s = block->is_big ? first << 32 | second : second << 32 | first;
	}
	return type != OPTION_END;
}

static void read_options(const struct block *block, struct pcapng_interface *interface)
{
	size_t at = 8;

	while (at + 4 <= block->body_len) {
		size_t len = u16(block, at + 2);

		if (len > block->body_len - at - 4 || !read_option(block, at, interface))
			return;
		at += 4 + ((len + 3) & ~(size_t)3);
	}
}

static enum format_result add_interface(struct pcapng *file, const struct block *block,
					struct text_error *ret_error)
{
	struct pcapng_interface interface = {.resolution = 6};

	if (block->body_len < 8)
		return refuse(ret_error, "an interface block that is too short", block->len);
	if (file->interface_count == PCAPNG_INTERFACES_MAX)
		return refuse(ret_error, "more interfaces than a section may have here",
			      PCAPNG_INTERFACES_MAX);
	interface.link_type = u16(block, 0);
	interface.snap_len = u32(block, 4);
	read_options(block, &interface);
	if (interface.resolution & 0x80 ? (interface.resolution & 0x7f) > 63
					: interface.resolution > 19)
		return refuse(ret_error, "an interface whose clock has no such resolution",
			      interface.resolution);
	file->interfaces[file->interface_count++] = interface;
	return FORMAT_OTHER;
}

static enum format_result put_frame(struct pcapng *file, const struct block *block, size_t at,
				    struct format_step *ret_step, struct text_error *ret_error)
{
	if (ret_step->frame.len > block->body_len - at)
		return refuse(ret_error, "a packet that is longer than its block",
			      (uint32_t)ret_step->frame.len);
	if (ret_step->frame.len > FRAME_BYTES_MAX)
		return refuse(ret_error, "a packet that is longer than any capture's",
			      (uint32_t)ret_step->frame.len);
	ret_step->frame.data = block->body + at;
	file->last_ns = ret_step->frame.time_ns;
	return FORMAT_FRAME;
}

/* Enhanced packet block, and the older packet block: the same but for the interface's number. */
static enum format_result read_packet(struct pcapng *file, const struct block *block,
				      struct text_error *ret_error, struct format_step *ret_step)
{
	uint32_t number;

	if (block->body_len < 20)
		return refuse(ret_error, "a packet block that is too short", block->len);
	number = block->type == BLOCK_PACKET ? u16(block, 0) : u32(block, 0);
	if (number >= file->interface_count)
		return refuse(ret_error, "a packet of an interface that was not told", number);
	ret_step->frame = (struct frame){
		.time_ns = ticks_ns(&file->interfaces[number],
				    (uint64_t)u32(block, 4) << 32 | u32(block, 8)),
		.link_type = file->interfaces[number].link_type,
		.len = u32(block, 12),
	};
	return put_frame(file, block, 20, ret_step, ret_error);
}

/* Simple packet block: of the first interface, without a time. */
static enum format_result read_simple(struct pcapng *file, const struct block *block,
				      struct text_error *ret_error, struct format_step *ret_step)
{
	const struct pcapng_interface *interface = &file->interfaces[0];
	uint32_t len;

	if (block->body_len < 4 || file->interface_count == 0)
		return refuse(ret_error, "a simple packet block without interface", block->len);
	len = u32(block, 0);
	if (interface->snap_len && len > interface->snap_len)
		len = interface->snap_len;
	if (len > block->body_len - 4)
		len = (uint32_t)block->body_len - 4;
	ret_step->frame = (struct frame){.time_ns = file->last_ns,
					 .link_type = interface->link_type,
					 .len = len};
	return put_frame(file, block, 4, ret_step, ret_error);
}

static bool holds_packets(uint32_t type)
{
	return type == BLOCK_PACKET || type == BLOCK_SIMPLE || type == BLOCK_ENHANCED;
}

static enum format_result read_block(struct pcapng *file, const struct block *block,
				     struct text_error *ret_error, struct format_step *ret_step)
{
	switch (block->type) {
	case BLOCK_INTERFACE: return add_interface(file, block, ret_error);
	case BLOCK_PACKET:
	case BLOCK_ENHANCED: return read_packet(file, block, ret_error, ret_step);
	case BLOCK_SIMPLE: return read_simple(file, block, ret_error, ret_step);
	default: return FORMAT_OTHER;
	}
}

/* The byte order of a section is told by its own first block. */
static enum format_result begin_section(struct pcapng *file, const uint8_t *data, size_t len,
					struct text_error *ret_error, struct format_step *ret_step)
{
	ret_step->need = BODY + 8;
	if (len < ret_step->need)
		return FORMAT_MORE;
	file->is_big = order_u32(data + BODY, true) == BYTE_ORDER_MAGIC;
	if (!file->is_big && order_u32(data + BODY, false) != BYTE_ORDER_MAGIC)
		return refuse(ret_error, "a section without a byte order",
			      order_u32(data + BODY, false));
	if (order_u16(data + BODY + 4, file->is_big) != 1)
		return refuse(ret_error, "a section of a version that is not 1",
			      order_u16(data + BODY + 4, file->is_big));
	file->is_open = true;
	file->interface_count = 0;
	return FORMAT_OTHER;
}

/* Only what is looked at has to be there as a whole; the rest may be of any length. */
static enum format_result measure(const struct block *block, const uint8_t *data, size_t len,
				  struct text_error *ret_error, struct format_step *ret_step)
{
	if (block->len < BLOCK_EXTRA || block->len % 4)
		return refuse(ret_error, "a block of a length that cannot be", block->len);
	ret_step->used = block->len;
	if (!holds_packets(block->type) && block->type != BLOCK_INTERFACE)
		return FORMAT_OTHER;
	if (block->len > FRAME_BYTES_MAX + OPTIONS_MAX)
		return refuse(ret_error, "a block that is longer than any capture's", block->len);
	ret_step->need = block->len;
	if (len < block->len)
		return FORMAT_MORE;
	if (order_u32(data + block->len - 4, block->is_big) != block->len)
		return refuse(ret_error, "a block whose two lengths differ", block->len);
	return FORMAT_FRAME;
}

enum format_result pcapng_step(struct pcapng *file, const uint8_t *data, size_t len,
			       struct text_error *ret_error, struct format_step *ret_step)
{
	struct block block;
	enum format_result result;

	*ret_step = (struct format_step){.need = BODY};
	if (len < BODY)
		return FORMAT_MORE;
	if (pcapng_is(data, len)) {
		result = begin_section(file, data, len, ret_error, ret_step);
		if (result != FORMAT_OTHER)
			return result;
	}
	if (!file->is_open)
		return refuse(ret_error, "no section begins it", order_u32(data, false));
	block = (struct block){.type = order_u32(data, file->is_big),
			       .len = order_u32(data + 4, file->is_big),
			       .body = data + BODY,
			       .is_big = file->is_big};
	result = measure(&block, data, len, ret_error, ret_step);
	if (result != FORMAT_FRAME)
		return result;
	block.body_len = block.len - BLOCK_EXTRA;
	return read_block(file, &block, ret_error, ret_step);
}
