/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The signature database as a store: entries in the order of the text, the texts that they
 * point into, and the weights of classes. Reading is in sigdb_text.c, the index in
 * sigdb_index.c.
 */
#include "core/base/grow.h"
#include "core/sig/sigdb_impl.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#define WEIGHT_MAX 1000000.0f

struct sigdb *sigdb_new(struct vocab *vocab)
{
	struct sigdb *db = calloc(1, sizeof(*db));
	uint32_t offset;

	if (!db)
		return NULL;
	db->vocab = vocab;
	if (texts_add(&db->texts, "", 0, &offset) < 0) {
		sigdb_free(db);
		return NULL;
	}
	return db;
}

void sigdb_free(struct sigdb *db)
{
	if (!db)
		return;
	index_free(db->index);
	free(db->entries);
	free(db->texts.bytes);
	free(db);
}

void sigdb_read_answers(struct sigdb *db)
{
	db->of_answers = true;
}

int sigdb_add_entry(struct sigdb *db, const struct entry *entry)
{
	if (grow((void **)&db->entries, &db->entry_room, db->entry_count, sizeof(*entry)) < 0)
		return -ENOMEM;
	db->entries[db->entry_count++] = *entry;
	return 0;
}

int sigdb_set_prior(struct sigdb *db, unsigned class_id, float weight)
{
	if (class_id >= VOCAB_CLASSES_MAX || !(weight > 0) || weight > WEIGHT_MAX)
		return -EINVAL;
	db->weights[class_id] = weight;
	db->weight_forced[class_id] = true;
	return 0;
}

int sigdb_stand_for(struct sigdb *db, uint32_t address)
{
	if (db->stand_in_count == SIGDB_ADDRESSES_MAX)
		return -ENOSPC;
	db->stand_ins[db->stand_in_count++] = address;
	return 0;
}

static void settle_families(struct sigdb *db)
{
	memset(db->family_priors, 0, sizeof(db->family_priors));
	db->class_limit = vocab_count(db->vocab, VOCAB_CLASS);
	db->family_limit = vocab_count(db->vocab, VOCAB_FAMILY);
	VOCAB_EACH_CLASS (id) {
		unsigned family = vocab_family_of(db->vocab, id);

		db->families[id] = (uint8_t)family;
		db->family_priors[family] += db->priors[id];
		if (db->priors[id] > db->priors[db->heaviest_class])
			db->heaviest_class = id;
	}
}

static uint8_t number_of(const struct sigdb *db, enum vocab_kind kind, const char *name)
{
	int id = vocab_find(db->vocab, kind, name, strlen(name));

	return (uint8_t)MAX(id, 0);
}

static void settle_traits(struct sigdb *db)
{
	db->phone_classes[0] = number_of(db, VOCAB_CLASS, "Android");
	db->phone_classes[1] = number_of(db, VOCAB_CLASS, "iOS");
	db->sizing_families[0] = number_of(db, VOCAB_FAMILY, "Windows");
	db->sizing_families[1] = number_of(db, VOCAB_FAMILY, "Linux");
}

/* Classes that have a signature share the prior by their weights. */
static void settle_priors(struct sigdb *db)
{
	double sum = 0;

	memset(db->priors, 0, sizeof(db->priors));
	for (size_t i = 0; i < db->entry_count; i++) {
		uint8_t id = db->entries[i].class_id;

		db->priors[id] = db->weights[id] ? db->weights[id] : 1;
	}
	VOCAB_EACH_CLASS (id)
		sum += (double)db->priors[id];
	VOCAB_EACH_CLASS (id)
		db->priors[id] = (float)((double)db->priors[id] / sum);
	settle_families(db);
	settle_traits(db);
}

/* "perhaps Windows" and the like. */
static int add_name(struct sigdb *db, const char *before, unsigned class_id, uint16_t *ret_label)
{
	char text[VOCAB_WORD_MAX + 1];
	int len = snprintf(text, sizeof(text), "%s%s", before,
			   vocab_text(db->vocab, VOCAB_CLASS, class_id));
	int id = vocab_add(db->vocab, VOCAB_LABEL, text, (size_t)MIN(len, VOCAB_WORD_MAX));

	if (id >= 0)
		*ret_label = (uint16_t)id;
	return id;
}

static int settle_names(struct sigdb *db)
{
	int r = 0;

	for (unsigned id = 0; id < VOCAB_CLASSES_MAX && r >= 0; id++) {
		if (!db->priors[id])
			continue;
		r = add_name(db, "perhaps ", id, &db->perhaps[id]);
		if (r >= 0)
			r = add_name(db, "no known system; nearest ", id, &db->nearest[id]);
	}
	return r < 0 ? r : 0;
}

int sigdb_build(struct sigdb *db)
{
	struct index *index;
	int r;

	if (!db->entry_count)
		return -EINVAL;
	settle_priors(db);
	r = settle_names(db);
	if (r < 0)
		return r;
	index = index_new(db);
	if (!index)
		return -ENOMEM;
	index_free(db->index);
	db->index = index;
	return 0;
}

void sigdb_get_stats(const struct sigdb *db, struct sigdb_stats *ret_stats)
{
	bool classes[VOCAB_CLASSES_MAX] = {0};
	bool labels[VOCAB_LABELS_MAX + 1] = {0};
	struct sigdb_stats stats = {.sigs = db->entry_count};

	for (size_t i = 0; i < db->entry_count; i++) {
		const struct entry *entry = &db->entries[i];

		stats.classes += !classes[entry->class_id];
		stats.labels += !labels[entry->label];
		classes[entry->class_id] = labels[entry->label] = true;
	}
	stats.memory_bytes = sizeof(*db) + db->entry_room * sizeof(*db->entries) + db->texts.room +
			     (db->index ? index_memory(db->index) : 0);
	*ret_stats = stats;
}

const struct sig *sigdb_sig(const struct sigdb *db, size_t index, uint16_t *ret_label)
{
	if (ret_label)
		*ret_label = db->entries[index].label;
	return &db->entries[index].sig;
}

struct sigdb_info sigdb_info(const struct sigdb *db, size_t index)
{
	const struct entry *entry = &db->entries[index];

	return (struct sigdb_info){
		.sig = &entry->sig,
		.source = db->texts.bytes + entry->source,
		.permille = entry->permille,
		.label = entry->label,
		.when_value = entry->when_value,
		.class_id = entry->class_id,
		.when = (enum sig_when)entry->when,
		.does = entry->does,
		.generic = entry->generic,
		.tool = entry->tool,
	};
}

float sigdb_prior(const struct sigdb *db, unsigned class_id)
{
	return class_id < VOCAB_CLASSES_MAX ? db->priors[class_id] : 0;
}

struct sigdb_doubt sigdb_doubt(const struct sigdb *db, enum sigdb_kind kind)
{
	return db->doubts[kind];
}

const char *sigdb_kind_name(enum sigdb_kind kind)
{
	static const char *const names[SIGDB_KINDS] = {"fuzzy", "generic", "specific"};

	return names[kind];
}
