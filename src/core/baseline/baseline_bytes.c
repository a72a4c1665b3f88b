/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The baseline as bytes, little-endian:
 *
 *   u32 version, u32 networks, then for each
 *   u8 prefix length, u8 bytes of the name, u8 MTUs, u8 zero
 *   the name, or without one the 16 bytes of the network's address
 *   f32 clients, u32 decayed at, u32 last seen, then for each MTU
 *   u16 MTU, u16 zero, f32 clients, u64 seen
 *
 * Everything is checked before anything is taken: the bytes come from a file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "core/baseline/baseline_impl.h"

#define VERSION 1
#define HEADER_BYTES 8
#define NET_BYTES 16
#define FIXED_BYTES (4 + 12) /* of a network, without its key and MTUs */
#define SLOT_BYTES 16
#define ENTRY_BYTES_MAX                                                                            \
	(FIXED_BYTES + NETNAMES_NAME_MAX + BASELINE_MTUS * SLOT_BYTES) /* longer than NET_BYTES */

#define CLIENTS_MAX 1e9f /* weights of a float that still grow by 1 end at 2^24 */

struct reader {
	const uint8_t *at, *end;
	bool is_short;
};

static void put_bytes(uint8_t **at, const void *bytes, size_t len)
{
	memcpy(*at, bytes, len);
	*at += len;
}

static void put_number(uint8_t **at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		*(*at)++ = (uint8_t)(value >> 8 * i);
}

static void put_float(uint8_t **at, float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	put_number(at, bits, 4);
}

/* What is short is zero. */
static void get_bytes(struct reader *reader, void *bytes, size_t len)
{
	if ((size_t)(reader->end - reader->at) < len) {
		reader->is_short = true;
		return;
	}
	memcpy(bytes, reader->at, len);
	reader->at += len;
}

static uint64_t get_number(struct reader *reader, unsigned len)
{
	uint8_t bytes[8] = {0};
	uint64_t value = 0;

	get_bytes(reader, bytes, len);
	for (unsigned i = 0; i < len; i++)
		value |= (uint64_t)bytes[i] << 8 * i;
	return value;
}

static float get_float(struct reader *reader)
{
	uint32_t bits = (uint32_t)get_number(reader, 4);
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static void put_entry(uint8_t **at, const struct baseline_entry *entry, int64_t shift_s)
{
	size_t name_len = strlen(entry->key.name);

	put_number(at, entry->key.bits, 1);
	put_number(at, name_len, 1);
	put_number(at, entry->slot_count, 1);
	put_number(at, 0, 1);
	if (name_len)
		put_bytes(at, entry->key.name, name_len);
	else
		put_bytes(at, entry->key.net.bytes, NET_BYTES);
	put_float(at, entry->clients);
	put_number(at, (uint32_t)(entry->decayed_s + shift_s), 4);
	put_number(at, (uint32_t)(entry->last_seen_s + shift_s), 4);
	for (unsigned i = 0; i < entry->slot_count; i++) {
		put_number(at, entry->slots[i].mtu, 2);
		put_number(at, 0, 2);
		put_float(at, entry->slots[i].clients);
		put_number(at, entry->slots[i].seen, 8);
	}
}

static uint32_t put_set(struct baseline *baseline, size_t set, int64_t shift_s, uint8_t **at)
{
	struct baseline_lock *lock = baseline_lock_of(baseline, set);
	uint32_t count = 0;

	pthread_mutex_lock(&lock->mutex);
	for (unsigned i = 0; i < BASELINE_WAYS; i++) {
		const struct baseline_entry *entry = &baseline->entries[set * BASELINE_WAYS + i];

		if (!entry->is_used)
			continue;
		put_entry(at, entry, shift_s);
		count++;
	}
	pthread_mutex_unlock(&lock->mutex);
	return count;
}

int baseline_export(struct baseline *baseline, int64_t shift_s, uint8_t **ret_bytes,
		    size_t *ret_len)
{
	size_t max = HEADER_BYTES + baseline->set_count * BASELINE_WAYS * ENTRY_BYTES_MAX;
	uint8_t *bytes = malloc(max), *at = bytes, *shrunk;
	uint32_t count = 0;

	if (!bytes)
		return -ENOMEM;
	at += HEADER_BYTES;
	for (size_t set = 0; set < baseline->set_count; set++)
		count += put_set(baseline, set, shift_s, &at);
	*ret_len = (size_t)(at - bytes);
	at = bytes;
	put_number(&at, VERSION, 4);
	put_number(&at, count, 4);
	shrunk = realloc(bytes, *ret_len);
	*ret_bytes = shrunk ? shrunk : bytes;
	return 0;
}

static bool is_weight(float clients)
{
	return clients >= 0 && clients <= CLIENTS_MAX; /* which what is no number is not */
}

static bool is_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return false;
	}
	return true;
}

static bool is_masked(const struct baseline_key *key)
{
	struct addr masked = addr_mask(&key->net, key->bits);

	return key->bits > 0 && key->bits <= (addr_is_v4(&key->net) ? 32 : 64) &&
	       addr_equal(&masked, &key->net);
}

static bool get_key(struct reader *reader, size_t name_len, struct baseline_key *key)
{
	if (name_len > NETNAMES_NAME_MAX)
		return false;
	if (name_len)
		get_bytes(reader, key->name, name_len);
	else
		get_bytes(reader, key->net.bytes, NET_BYTES);
	return name_len ? key->bits == 0 && is_name(key->name, name_len) : is_masked(key);
}

static bool get_slots(struct reader *reader, struct baseline_entry *entry)
{
	float sum = 0;

	for (unsigned i = 0; i < entry->slot_count; i++) {
		struct baseline_slot *slot = &entry->slots[i];
		bool is_zero;

		slot->mtu = (uint16_t)get_number(reader, 2);
		is_zero = get_number(reader, 2) == 0;
		slot->clients = get_float(reader);
		slot->seen = get_number(reader, 8);
		if (!is_zero || slot->mtu == 0 || !is_weight(slot->clients))
			return false;
		for (unsigned k = 0; k < i; k++) {
			if (entry->slots[k].mtu == slot->mtu)
				return false;
		}
		sum += slot->clients;
	}
	return sum <= entry->clients * 1.01f + 1; /* floats, each decayed by itself */
}

static bool get_entry(struct reader *reader, struct baseline_entry *entry)
{
	size_t name_len;
	bool is_zero;

	memset(entry, 0, sizeof(*entry));
	entry->key.bits = (uint8_t)get_number(reader, 1);
	name_len = (size_t)get_number(reader, 1);
	entry->slot_count = (uint8_t)get_number(reader, 1);
	is_zero = get_number(reader, 1) == 0;
	if (!is_zero || entry->slot_count > BASELINE_MTUS ||
	    !get_key(reader, name_len, &entry->key))
		return false;
	entry->clients = get_float(reader);
	entry->decayed_s = (uint32_t)get_number(reader, 4);
	entry->last_seen_s = (uint32_t)get_number(reader, 4);
	return is_weight(entry->clients) && get_slots(reader, entry) && !reader->is_short;
}

/* A network that is there already, or of a prefix length that is not counted, is left out. */
static void add_entry(struct baseline *baseline, uint32_t now_s, const struct baseline_entry *from)
{
	unsigned bits = addr_is_v4(&from->key.net) ? baseline->params.v4_prefix_bits
						   : baseline->params.v6_prefix_bits;
	size_t set = baseline_set_of(baseline, &from->key);
	struct baseline_lock *lock = baseline_lock_of(baseline, set);
	struct baseline_entry *entry;

	if (!*from->key.name && from->key.bits != bits)
		return;
	pthread_mutex_lock(&lock->mutex);
	if (!baseline_find(baseline, set, now_s, &from->key)) {
		entry = baseline_take(baseline, set, now_s, &from->key);
		*entry = *from;
		entry->is_used = true;
		entry->last_seen_s = MIN(entry->last_seen_s, now_s);
	}
	pthread_mutex_unlock(&lock->mutex);
}

static bool read_all(struct baseline *baseline, uint32_t now_s, const uint8_t *bytes, size_t len,
		     bool is_check)
{
	struct reader reader = {.at = bytes, .end = bytes + len};
	struct baseline_entry entry;
	uint64_t version = get_number(&reader, 4), count = get_number(&reader, 4);

	if (reader.is_short || version != VERSION)
		return false;
	for (; count; count--) {
		if (!get_entry(&reader, &entry))
			return false;
		if (!is_check)
			add_entry(baseline, now_s, &entry);
	}
	return reader.at == reader.end;
}

int baseline_import(struct baseline *baseline, uint32_t now_s, const uint8_t *bytes, size_t len)
{
	if (!read_all(baseline, now_s, bytes, len, true))
		return -EINVAL;
	read_all(baseline, now_s, bytes, len, false);
	return 0;
}
