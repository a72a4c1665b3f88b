/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of users, and for each the list of his places, the longest idle one first. */
#include "control/places.h"

#include <errno.h>
#include <stdlib.h>

#define ROOT_SHARE 64 /* one place of so many is root's */
#define OWN_IDLE_MS 1000 /* who fills his own share is not to make his own connections flicker */

struct party {
	uid_t uid;
	unsigned count;
	TAILQ_HEAD(place_list, place) places;
	LIST_ENTRY(party) all;
};

void places_init(struct places *places, unsigned max)
{
	*places = (struct places){.max = max};
	LIST_INIT(&places->parties);
}

static unsigned kept_for_root(const struct places *places)
{
	return places->max > 1 ? (places->max + ROOT_SHARE - 1) / ROOT_SHARE : 0;
}

static bool has_room(const struct places *places, uid_t uid)
{
	if (places->taken >= places->max)
		return false;
	return uid == 0 || places->taken - places->of_root < places->max - kept_for_root(places);
}

static struct party *find_party(const struct places *places, uid_t uid)
{
	struct party *party;

	LIST_FOREACH (party, &places->parties, all)
		if (party->uid == uid)
			return party;
	return NULL;
}

/* Nobody gives way to a user who has as many already. */
static struct party *find_greediest(const struct places *places, uid_t uid)
{
	struct party *own = find_party(places, uid), *greediest = own, *party;

	LIST_FOREACH (party, &places->parties, all)
		if (!greediest || party->count > greediest->count)
			greediest = party;
	return own && greediest->count <= own->count + 1 ? own : greediest;
}

static struct place *find_idle(const struct party *party)
{
	struct place *place;

	TAILQ_FOREACH (place, &party->places, by_age)
		if (!place->is_subscriber)
			return place;
	return TAILQ_FIRST(&party->places);
}

int places_ask(const struct places *places, uid_t uid, uint64_t now_ms, struct place **ret_victim)
{
	const struct party *party;
	struct place *victim;

	if (has_room(places, uid))
		return 0;
	party = find_greediest(places, uid);
	victim = party ? find_idle(party) : NULL;
	if (!victim || (party->uid == uid &&
			(victim->is_subscriber || now_ms - victim->active_ms < OWN_IDLE_MS)))
		return -EBUSY;
	*ret_victim = victim;
	return 1;
}

static struct party *add_party(struct places *places, uid_t uid)
{
	struct party *party = calloc(1, sizeof(*party));

	if (!party)
		return NULL;
	party->uid = uid;
	TAILQ_INIT(&party->places);
	LIST_INSERT_HEAD(&places->parties, party, all);
	return party;
}

int places_enter(struct places *places, uid_t uid, uint64_t now_ms, struct place *place)
{
	struct party *party = find_party(places, uid);

	if (!party)
		party = add_party(places, uid);
	if (!party)
		return -ENOMEM;
	*place = (struct place){.party = party, .active_ms = now_ms};
	TAILQ_INSERT_TAIL(&party->places, place, by_age);
	party->count++;
	places->taken++;
	places->of_root += uid == 0;
	return 0;
}

void places_touch(struct place *place, uint64_t now_ms)
{
	if (place->active_ms == now_ms)
		return;
	place->active_ms = now_ms;
	TAILQ_REMOVE(&place->party->places, place, by_age);
	TAILQ_INSERT_TAIL(&place->party->places, place, by_age);
}

void places_leave(struct places *places, struct place *place)
{
	struct party *party = place->party;

	TAILQ_REMOVE(&party->places, place, by_age);
	places->taken--;
	places->of_root -= party->uid == 0;
	if (--party->count)
		return;
	LIST_REMOVE(party, all);
	free(party);
}
