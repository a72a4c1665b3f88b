/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MQTT 5 over libmosquitto, in a thread that runs the loop and the callbacks, which hand letters
 * over and nothing else; everything else is the main thread's. After a connection our own slots are asked for and
 * then a mark is sent to ourselves: the broker answers in this order (MQTT 5 section 4.6), so when
 * the mark is back, what was retained of ours has come.
 */
#include "share/broker.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include "share/mqtt_loop.h"
#include "sys/log.h"

#define GOODBYE_S 3 /* at the most */
#define UNDER_WAY_MAX 512 /* messages that the broker has not acknowledged */
#define SYNC_WAIT_S 5
#define SHORT_S 5 /* a connection that does not last so long ... */
#define SHORT_ONES 3 /* ... so often was ended by somebody */
#define QOS 1
#define SIGNATURE_NAME "synprint-sig"

struct broker {
	struct broker_params params;
	struct mosquitto *mosq;
	pthread_t thread;
	bool is_running; /* its thread */
	struct mqtt_loop loop; /* the thread's */
	bool is_connected, must_sync;
	uint64_t sync_until_s, connects, published;
	char mark[32];
	uint64_t marked[MESSAGE_SLOTS / 64];
	uint16_t queue[MESSAGE_SLOTS];
	uint32_t first, count;
	unsigned handed_over; /* in all; wraps */
	unsigned acknowledged; /* in all; wraps; atomic */
	uint64_t refused; /* atomic */
	bool hears_itself; /* atomic: what is ours is still of interest */
	uint64_t connected_s; /* when it connected last */
	unsigned short_ones; /* connections, one after the other, that were lost at once */
	struct log_limit said_connected, said_lost; /* a broker may come and go all the time */
};

/* ---- in the thread of libmosquitto ---- */

static void put_letter(struct broker *broker, enum letter_kind kind)
{
	struct letter letter = {.kind = kind, .broker = broker->params.number};

	inbox_put(broker->params.inbox, &letter);
}

static void on_connect(struct mosquitto *mosq, void *ctx, int reason, int flags,
		       const mosquitto_property *properties)
{
	struct broker *broker = ctx;

	(void)mosq;
	(void)flags;
	(void)properties;
	if (reason == 0) {
		mqtt_loop_came_up(&broker->loop);
		__atomic_store_n(&broker->hears_itself, true, __ATOMIC_RELEASE);
		put_letter(broker, LETTER_CONNECTED);
		return;
	}
	mqtt_loop_note(&broker->loop, mosquitto_reason_string(reason)); /* a broker's no */
}

/* What OpenSSL has against a certificate is told here, and nowhere else. */
static void on_log(struct mosquitto *mosq, void *ctx, int level, const char *text)
{
	struct broker *broker = ctx;

	(void)mosq;
	if (level == MOSQ_LOG_ERR)
		mqtt_loop_note_error(&broker->loop, text);
}

static void on_disconnect(struct mosquitto *mosq, void *ctx, int reason,
			  const mosquitto_property *properties)
{
	struct broker *broker = ctx;

	(void)mosq;
	(void)reason;
	(void)properties;
	if (broker->loop.is_up)
		put_letter(broker, LETTER_DISCONNECTED);
}

static void on_publish(struct mosquitto *mosq, void *ctx, int message_id, int reason,
		       const mosquitto_property *properties)
{
	struct broker *broker = ctx;

	(void)mosq;
	(void)message_id;
	(void)properties;
	if (reason >= 0x80) /* MQTT 5 section 2.4 */
		__atomic_fetch_add(&broker->refused, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&broker->acknowledged, 1, __ATOMIC_RELEASE);
	inbox_ring(broker->params.inbox);
}

static void read_signature(const mosquitto_property *properties, struct letter *letter)
{
	char *name = NULL, *value = NULL;
	const mosquitto_property *at =
		mosquitto_property_read_string_pair(properties, MQTT_PROP_USER_PROPERTY, &name,
						    &value, false);

	while (at) {
		if (name && value && strcmp(name, SIGNATURE_NAME) == 0)
			snprintf(letter->signature, sizeof(letter->signature), "%s", value);
		free(name);
		free(value);
		name = value = NULL;
		at = mosquitto_property_read_string_pair(at, MQTT_PROP_USER_PROPERTY, &name, &value,
							 true);
	}
}

static bool is_own(const struct broker *broker, const char *topic)
{
	struct message_topic parsed;

	return message_topic_parse(topic, &parsed) == 0 &&
	       strcmp(parsed.gateway, broker->params.gateway) == 0;
}

static void on_message(struct mosquitto *mosq, void *ctx, const struct mosquitto_message *message,
		       const mosquitto_property *properties)
{
	struct broker *broker = ctx;
	struct letter letter;

	(void)mosq;
	if (message->payloadlen < 0 || strlen(message->topic) >= sizeof(letter.topic))
		return;
	if (!__atomic_load_n(&broker->hears_itself, __ATOMIC_ACQUIRE) &&
	    is_own(broker, message->topic))
		return;
	letter.kind = LETTER_MESSAGE;
	letter.broker = broker->params.number;
	letter.signature[0] = '\0';
	memcpy(letter.topic, message->topic, strlen(message->topic) + 1);
	letter.len = (size_t)message->payloadlen;
	memcpy(letter.payload, message->payload,
	       letter.len < sizeof(letter.payload) ? letter.len : sizeof(letter.payload));
	letter.has_expiry =
		mosquitto_property_read_int32(properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
					      &letter.left_s, false) != NULL;
	read_signature(properties, &letter);
	inbox_put(broker->params.inbox, &letter);
}

static void *broker_main(void *arg)
{
	mqtt_loop_run(arg);
	return NULL;
}

/* ---- in the main thread ---- */

/* Return: whether libmosquitto took it; it is then under way until on_publish(). */
static bool publish(struct broker *broker, const struct message_topic *topic, const char *payload,
		    bool is_retained, mosquitto_property *properties)
{
	char text[MESSAGE_TOPIC_MAX];
	struct text_buf buf;
	int rc;

	text_buf_init(&buf, text, sizeof(text));
	message_topic_format(topic, &buf);
	rc = mosquitto_publish_v5(broker->mosq, NULL, text, (int)strlen(payload), payload, QOS,
				  is_retained, properties);
	mosquitto_property_free_all(&properties);
	if (rc == MOSQ_ERR_SUCCESS)
		broker->handed_over++;
	return rc == MOSQ_ERR_SUCCESS;
}

static struct message_topic topic_of(const struct broker *broker, enum message_kind kind,
				     uint16_t slot)
{
	struct message_topic topic = {.kind = kind, .slot = slot};

	snprintf(topic.gateway, sizeof(topic.gateway), "%s", broker->params.gateway);
	return topic;
}

static int set_will(struct broker *broker)
{
	struct message_topic topic = topic_of(broker, MESSAGE_STATUS, 0);
	char text[MESSAGE_TOPIC_MAX];
	struct text_buf buf;

	text_buf_init(&buf, text, sizeof(text));
	message_topic_format(&topic, &buf);
	return mosquitto_will_set_v5(broker->mosq, text, 7, "offline", QOS, true, NULL);
}

static int set_tls(struct broker *broker, struct text_error *ret_error)
{
	const struct broker_params *params = &broker->params;
	int rc;

	if (!params->ca)
		return 0;
	rc = mosquitto_tls_set(broker->mosq, params->ca, NULL, params->cert, params->key, NULL);
	if (rc == MOSQ_ERR_SUCCESS)
		return 0;
	return text_error_set(ret_error, 0, 0,
			      "broker %s: ca, cert or key cannot be used (%s): are they PEM "
			      "files that this user may read?",
			      params->host, mosquitto_strerror(rc));
}

static void set_callbacks(struct mosquitto *mosq)
{
	mosquitto_connect_v5_callback_set(mosq, on_connect);
	mosquitto_disconnect_v5_callback_set(mosq, on_disconnect);
	mosquitto_log_callback_set(mosq, on_log);
	mosquitto_publish_v5_callback_set(mosq, on_publish);
	mosquitto_message_v5_callback_set(mosq, on_message);
}

static int start(struct broker *broker, struct text_error *ret_error)
{
	const struct broker_params *params = &broker->params;
	struct mosquitto *mosq = broker->mosq;
	int rc = set_tls(broker, ret_error);

	if (rc < 0)
		return rc;
	set_callbacks(mosq);
	rc = mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
	rc = rc ? rc : mosquitto_int_option(mosq, MOSQ_OPT_TCP_NODELAY, 1);
	rc = rc ? rc : set_will(broker);
	if (rc == 0 && params->user)
		rc = mosquitto_username_pw_set(mosq, params->user, params->password);
	rc = rc ? rc : mosquitto_threaded_set(mosq, true);
	if (rc == 0)
		broker->is_running =
			pthread_create(&broker->thread, NULL, broker_main, &broker->loop) == 0;
	if (rc == 0 && !broker->is_running)
		rc = MOSQ_ERR_NOMEM;
	return rc == 0 ? 0
		       : text_error_set(ret_error, 0, 0, "broker %s: %s", params->host,
					mosquitto_strerror(rc));
}

int broker_new(const struct broker_params *params, struct text_error *ret_error,
	       struct broker **ret_broker)
{
	struct broker *broker = calloc(1, sizeof(*broker));
	char id[MESSAGE_GATEWAY_MAX + 16];
	int rc;

	if (!broker)
		return -ENOMEM;
	broker->params = *params;
	snprintf(id, sizeof(id), "synprint-%s", params->gateway);
	broker->mosq = mosquitto_new(id, true, broker);
	broker->loop = (struct mqtt_loop){.mosq = broker->mosq,
					  .host = params->host,
					  .port = params->port};
	rc = broker->mosq ? start(broker, ret_error) : -ENOMEM;
	if (rc < 0) {
		broker_free(broker);
		return rc;
	}
	*ret_broker = broker;
	return 0;
}

/* A broker that hangs does not take our goodbye: its thread is not waited for. */
static void end_thread(struct broker *broker)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += GOODBYE_S;
	if (pthread_timedjoin_np(broker->thread, NULL, &until) == 0)
		return;
	pthread_cancel(broker->thread);
	pthread_join(broker->thread, NULL);
}

void broker_free(struct broker *broker)
{
	if (!broker)
		return;
	if (broker->is_running) {
		__atomic_store_n(&broker->loop.must_stop, true, __ATOMIC_RELEASE);
		mosquitto_disconnect_v5(broker->mosq, MQTT_RC_DISCONNECT_WITH_WILL_MSG, NULL);
		end_thread(broker);
	}
	mosquitto_destroy(broker->mosq);
	free(broker);
}

void broker_connected(struct broker *broker, uint64_t now_s)
{
	struct message_topic status = topic_of(broker, MESSAGE_STATUS, 0);
	struct message_topic sync = topic_of(broker, MESSAGE_SYNC, 0);
	char own[MESSAGE_TOPIC_MAX];
	struct text_buf buf;

	text_buf_init(&buf, own, sizeof(own));
	message_topic_format(&sync, &buf);
	if (broker->short_ones < SHORT_ONES)
		log_line(LOG_LEVEL_INFO, "broker %s: connected", broker->params.host);
	else
		log_limited(&broker->said_connected, LOG_LEVEL_INFO, "broker %s: connected",
			    broker->params.host);
	broker->is_connected = broker->must_sync = true;
	broker->connected_s = now_s;
	broker->sync_until_s = now_s + SYNC_WAIT_S;
	snprintf(broker->mark, sizeof(broker->mark), "%llx",
		 (unsigned long long)++broker->connects);
	/* What was under way before is sent again and acknowledged beyond what is counted here. */
	broker->handed_over = __atomic_load_n(&broker->acknowledged, __ATOMIC_ACQUIRE);
	mosquitto_subscribe_v5(broker->mosq, NULL, own, QOS, 0, NULL);
	mosquitto_subscribe_v5(broker->mosq, NULL, "synprint/v1/+/s/+", QOS, 0, NULL);
	publish(broker, &status, "online", true, NULL);
	publish(broker, &sync, broker->mark, false, NULL);
}

void broker_disconnected(struct broker *broker, uint64_t now_s)
{
	bool is_short = now_s < broker->connected_s + SHORT_S;

	broker->short_ones = is_short ? broker->short_ones + 1 : 0;
	if (broker->short_ones < SHORT_ONES)
		log_line(LOG_LEVEL_WARNING, "broker %s: connection lost; what is known stays",
			 broker->params.host);
	else /* mosquitto 2.0.11 does not say why */
		log_limited(&broker->said_lost, LOG_LEVEL_WARNING,
			    "broker %s: connection lost again and again: is another gateway called "
			    "%s, or is a message of somebody's too long?",
			    broker->params.host, broker->params.gateway);
	broker->is_connected = broker->must_sync = false;
}

bool broker_is_synced(struct broker *broker, uint64_t now_s, const char *mark, size_t len)
{
	bool is_mark = mark && len == strlen(broker->mark) && memcmp(mark, broker->mark, len) == 0;

	if (!broker->must_sync || (!is_mark && now_s < broker->sync_until_s))
		return false;
	broker->must_sync = false;
	__atomic_store_n(&broker->hears_itself, false, __ATOMIC_RELEASE);
	return true;
}

void broker_mark(struct broker *broker, uint16_t slot)
{
	uint64_t bit = UINT64_C(1) << slot % 64;

	if (broker->marked[slot / 64] & bit)
		return;
	broker->marked[slot / 64] |= bit;
	broker->queue[(broker->first + broker->count++) % MESSAGE_SLOTS] = slot;
}

static mosquitto_property *properties_of(const struct broker *broker, uint16_t slot,
					 const char *payload, uint32_t left_s)
{
	struct message_topic topic = topic_of(broker, MESSAGE_SUSPECT, slot);
	char text[MESSAGE_TOPIC_MAX], signature[SIGN_TEXT_MAX];
	mosquitto_property *properties = NULL;
	struct text_buf buf;

	mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, left_s);
	if (!broker->params.sign_key)
		return properties;
	text_buf_init(&buf, text, sizeof(text));
	message_topic_format(&topic, &buf);
	if (sign_make(broker->params.sign_key, text, payload, strlen(payload), signature) == 0)
		mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY,
						   SIGNATURE_NAME, signature);
	return properties;
}

/* Return: whether the slot needs no other try. */
static bool publish_slot(struct broker *broker, const struct slots *slots, uint64_t now_s,
			 uint16_t slot)
{
	struct message_topic topic = topic_of(broker, MESSAGE_SUSPECT, slot);
	char payload[MESSAGE_PAYLOAD_MAX];
	struct message message;
	struct text_buf buf;
	uint32_t left_s;

	if (slots_get(slots, now_s, slot, &message, &left_s) < 0)
		return true;
	text_buf_init(&buf, payload, sizeof(payload));
	message_format(&message, &buf);
	if (!publish(broker, &topic, payload, true, properties_of(broker, slot, payload, left_s)))
		return false;
	broker->published++;
	return true;
}

void broker_pump(struct broker *broker, const struct slots *slots, uint64_t now_s)
{
	while (broker->is_connected && !broker->must_sync && broker->count) {
		unsigned acknowledged = __atomic_load_n(&broker->acknowledged, __ATOMIC_ACQUIRE);
		uint16_t slot = broker->queue[broker->first];

		if ((int)(broker->handed_over - acknowledged) >= UNDER_WAY_MAX ||
		    !publish_slot(broker, slots, now_s, slot))
			return;
		broker->marked[slot / 64] &= ~(UINT64_C(1) << slot % 64);
		broker->first = (broker->first + 1) % MESSAGE_SLOTS;
		broker->count--;
	}
}

void broker_get_stats(const struct broker *broker, struct broker_stats *ret_stats)
{
	*ret_stats = (struct broker_stats){
		.is_connected = broker->is_connected,
		.waiting = broker->count,
		.published = broker->published,
		.refused = __atomic_load_n(&broker->refused, __ATOMIC_RELAXED),
		.connects = broker->connects,
	};
}
