/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decisions for CrowdSec's local API (its swagger file is the source): a login for each token, then
 * alerts in batches, each with one decision. Only what is new, or of which more than half has
 * passed: the API keeps duplicates. A thread of its own waits for HTTP, with a bounded list.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>

#include "core/verdict/verdict.h"
#include "share/sinks/sent.h"
#include "share/sinks/sink.h"
#include "share/words/slots.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#define WAITING_MAX 4096
#define BATCH_MAX 50 /* as many as the API takes at once, or not at all (alerts.go: bulkSize) */
#define BATCH_EVERY_S 1 /* unless a whole one waits */
#define RETRY_S 5
#define HTTP_TIMEOUT_S 10L
#define REPLY_MAX 65536
#define PASSWORD_MAX 256
#define UNAUTHORIZED 401

struct decision {
	struct message suspect;
	uint32_t left_s;
};

struct crowdsec {
	struct sink sink;
	const struct sink_config *config;
	struct slots *slots;
	char password[PASSWORD_MAX];
	pthread_t thread;
	bool is_started;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t has_work;
	bool must_stop;
	unsigned first, count;
	struct decision waiting[WAITING_MAX];
	/* the thread's own: */
	CURL *curl;
	char token[4096];
	char reply[REPLY_MAX];
	size_t reply_len;
	char why[200]; /* what became of the last request */
};

static struct crowdsec *crowdsec_of(struct sink *sink)
{
	return (struct crowdsec *)sink;
}

/* ---- HTTP, in the thread ---- */

static size_t keep_reply(char *data, size_t size, size_t count, void *ctx)
{
	struct crowdsec *crowdsec = ctx;
	size_t len = size * count;

	if (len >= REPLY_MAX - crowdsec->reply_len)
		return 0;
	memcpy(crowdsec->reply + crowdsec->reply_len, data, len);
	crowdsec->reply_len += len;
	crowdsec->reply[crowdsec->reply_len] = '\0';
	return len;
}

static struct curl_slist *headers_of(const struct crowdsec *crowdsec)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	char text[sizeof(crowdsec->token) + 32];

	if (crowdsec->token[0]) {
		snprintf(text, sizeof(text), "Authorization: Bearer %s", crowdsec->token);
		headers = curl_slist_append(headers, text);
	}
	return headers;
}

/* Return: the HTTP status, 0 where there was no answer. */
static long post(struct crowdsec *crowdsec, const char *path, const cJSON *body)
{
	struct curl_slist *headers = headers_of(crowdsec);
	char *text = cJSON_PrintUnformatted(body);
	CURLcode code = CURLE_OUT_OF_MEMORY;
	char url[1024];
	long status = 0;

	snprintf(url, sizeof(url), "%s%s", crowdsec->config->url, path);
	crowdsec->reply_len = 0;
	crowdsec->reply[0] = '\0';
	curl_easy_setopt(crowdsec->curl, CURLOPT_URL, url);
	curl_easy_setopt(crowdsec->curl, CURLOPT_POSTFIELDS, text ? text : "");
	curl_easy_setopt(crowdsec->curl, CURLOPT_HTTPHEADER, headers);
	if (text)
		code = curl_easy_perform(crowdsec->curl);
	if (code == CURLE_OK)
		curl_easy_getinfo(crowdsec->curl, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK)
		snprintf(crowdsec->why, sizeof(crowdsec->why), "HTTP status %ld %.150s", status,
			 crowdsec->reply);
	else
		snprintf(crowdsec->why, sizeof(crowdsec->why), "%s", curl_easy_strerror(code));
	curl_slist_free_all(headers);
	cJSON_free(text);
	return status;
}

static bool log_in(struct crowdsec *crowdsec)
{
	cJSON *body = cJSON_CreateObject(), *reply = NULL;
	const char *token = NULL;

	crowdsec->token[0] = '\0';
	cJSON_AddStringToObject(body, "machine_id", crowdsec->config->machine);
	cJSON_AddStringToObject(body, "password", crowdsec->password);
	cJSON_AddItemToObject(body, "scenarios", cJSON_CreateArray());
	if (post(crowdsec, "/v1/watchers/login", body) == 200)
		reply = cJSON_Parse(crowdsec->reply);
	token = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reply, "token"));
	if (token && strlen(token) < sizeof(crowdsec->token))
		memcpy(crowdsec->token, token, strlen(token) + 1);
	cJSON_Delete(reply);
	cJSON_Delete(body);
	return crowdsec->token[0] != '\0';
}

/* ---- alerts ---- */

static const char *scenario_of(const struct message *suspect)
{
	static const struct {
		unsigned flag;
		const char *scenario;
	} scenarios[] = {{VERDICT_SCANNER, "synprint/scanner"},
			 {VERDICT_OS_MISMATCH, "synprint/os_mismatch"},
			 {VERDICT_VPN, "synprint/vpn"},
			 {VERDICT_TUNNEL, "synprint/tunnel"}};

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (suspect->flags & scenarios[i].flag)
			return scenarios[i].scenario;
	return "synprint/suspect";
}

static cJSON *decision_object(const struct decision *decision, const char *ip, const char *scenario)
{
	cJSON *object = cJSON_CreateObject();
	char duration[32];

	snprintf(duration, sizeof(duration), "%us", decision->left_s);
	cJSON_AddStringToObject(object, "duration", duration);
	cJSON_AddStringToObject(object, "origin", "crowdsec"); /* others are not in cscli's list */
	cJSON_AddStringToObject(object, "scenario", scenario);
	cJSON_AddStringToObject(object, "scope", "Ip");
	cJSON_AddStringToObject(object, "type", "ban");
	cJSON_AddStringToObject(object, "value", ip);
	return object;
}

static cJSON *source_object(const char *ip)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "scope", "Ip");
	cJSON_AddStringToObject(object, "value", ip);
	cJSON_AddStringToObject(object, "ip", ip);
	return object;
}

static void add_now(cJSON *object, const char *name)
{
	time_t now = time(NULL);
	struct tm parts;
	char text[32];

	gmtime_r(&now, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	cJSON_AddStringToObject(object, name, text);
}

static cJSON *alert_object(const struct decision *decision)
{
	const char *scenario = scenario_of(&decision->suspect);
	cJSON *alert = cJSON_CreateObject(), *decisions;
	char ip[ADDR_TEXT_MAX], message[160];

	addr_format(&decision->suspect.addr, ip);
	snprintf(message, sizeof(message), "%s: %s (%s)", ip, scenario, decision->suspect.label);
	cJSON_AddStringToObject(alert, "scenario", scenario);
	cJSON_AddStringToObject(alert, "scenario_hash", "");
	cJSON_AddStringToObject(alert, "scenario_version", SYNPRINT_VERSION);
	cJSON_AddStringToObject(alert, "message", message);
	cJSON_AddNumberToObject(alert, "events_count", 1);
	cJSON_AddItemToObject(alert, "events", cJSON_CreateArray());
	cJSON_AddNumberToObject(alert, "capacity", 0);
	cJSON_AddStringToObject(alert, "leakspeed", "0");
	cJSON_AddBoolToObject(alert, "simulated", false);
	cJSON_AddBoolToObject(alert, "remediation", true);
	add_now(alert, "start_at");
	add_now(alert, "stop_at");
	cJSON_AddItemToObject(alert, "source", source_object(ip));
	decisions = cJSON_AddArrayToObject(alert, "decisions");
	cJSON_AddItemToArray(decisions, decision_object(decision, ip, scenario));
	return alert;
}

/* Return: whether the API has them; a token that is not good any more is taken anew once. */
static bool send_batch(struct crowdsec *crowdsec, const struct decision *decisions, unsigned count)
{
	cJSON *alerts = cJSON_CreateArray();
	long status = UNAUTHORIZED;

	for (unsigned i = 0; i < count; i++)
		cJSON_AddItemToArray(alerts, alert_object(&decisions[i]));
	if (crowdsec->token[0])
		status = post(crowdsec, "/v1/alerts", alerts);
	if (status == UNAUTHORIZED && log_in(crowdsec))
		status = post(crowdsec, "/v1/alerts", alerts);
	cJSON_Delete(alerts);
	return status == 200 || status == 201;
}

/* ---- the thread ---- */

static void wait_s(struct crowdsec *crowdsec, unsigned seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	while (!crowdsec->must_stop &&
	       pthread_cond_timedwait(&crowdsec->has_work, &crowdsec->lock, &until) != ETIMEDOUT)
		;
}

static unsigned copy_batch(const struct crowdsec *crowdsec, struct decision batch[BATCH_MAX])
{
	unsigned count = crowdsec->count < BATCH_MAX ? crowdsec->count : BATCH_MAX;

	for (unsigned i = 0; i < count; i++)
		batch[i] = crowdsec->waiting[(crowdsec->first + i) % WAITING_MAX];
	return count;
}

/* With the lock held; it is given up while HTTP is waited for. */
static void work(struct crowdsec *crowdsec, struct decision batch[BATCH_MAX])
{
	static struct log_limit limit;
	unsigned count = copy_batch(crowdsec, batch);
	bool is_sent;

	pthread_mutex_unlock(&crowdsec->lock);
	is_sent = send_batch(crowdsec, batch, count);
	if (!is_sent)
		log_limited(&limit, LOG_LEVEL_WARNING,
			    "%s does not take decisions, they are sent again: %s",
			    crowdsec->config->url, crowdsec->why);
	pthread_mutex_lock(&crowdsec->lock);
	if (is_sent) {
		crowdsec->first = (crowdsec->first + count) % WAITING_MAX;
		crowdsec->count -= count;
		crowdsec->sink.taken += count;
	}
	if (!is_sent)
		wait_s(crowdsec, RETRY_S);
	else if (crowdsec->count < BATCH_MAX)
		wait_s(crowdsec, BATCH_EVERY_S);
}

static void *crowdsec_main(void *arg)
{
	static struct decision batch[BATCH_MAX];
	struct crowdsec *crowdsec = arg;

	pthread_mutex_lock(&crowdsec->lock);
	while (!crowdsec->must_stop) {
		if (crowdsec->count)
			work(crowdsec, batch);
		else
			pthread_cond_wait(&crowdsec->has_work, &crowdsec->lock);
	}
	pthread_mutex_unlock(&crowdsec->lock);
	return NULL;
}

/* ---- the sink ---- */

static int read_password(struct crowdsec *crowdsec, struct text_error *ret_error)
{
	const char *path = crowdsec->config->password_file;
	FILE *file = fopen(path, "re");
	bool is_read = file && fgets(crowdsec->password, sizeof(crowdsec->password), file);

	if (file)
		fclose(file);
	if (!is_read)
		return text_error_set(ret_error, 0, 0, "sink crowdsec: %s cannot be read", path);
	crowdsec->password[strcspn(crowdsec->password, "\r\n")] = '\0';
	return 0;
}

static int start_thread(struct crowdsec *crowdsec)
{
	pthread_condattr_t attributes;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	crowdsec->curl = curl_easy_init();
	if (!crowdsec->curl)
		return -ENOMEM;
	curl_easy_setopt(crowdsec->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(crowdsec->curl, CURLOPT_TIMEOUT, HTTP_TIMEOUT_S);
	curl_easy_setopt(crowdsec->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(crowdsec->curl, CURLOPT_WRITEFUNCTION, keep_reply);
	curl_easy_setopt(crowdsec->curl, CURLOPT_WRITEDATA, crowdsec);
	curl_easy_setopt(crowdsec->curl, CURLOPT_USERAGENT, "synprint/" SYNPRINT_VERSION);
	pthread_mutex_init(&crowdsec->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&crowdsec->has_work, &attributes);
	pthread_condattr_destroy(&attributes);
	crowdsec->is_started =
		pthread_create(&crowdsec->thread, NULL, crowdsec_main, crowdsec) == 0;
	return crowdsec->is_started ? 0 : -EAGAIN;
}

/* Without it all are told again, which does no harm but work. */
static void remember(struct crowdsec *crowdsec)
{
	const char *path = crowdsec->config->path;
	int rc = path ? sent_read(path, clock_boot_s(), crowdsec->slots) : 0;

	if (rc < 0)
		log_line(LOG_LEVEL_WARNING,
			 "sink crowdsec: cannot read %s (%s): all decisions are sent again", path,
			 file_error_text(rc));
}

/* But for those whom it was not told yet. */
static void write_down(struct crowdsec *crowdsec)
{
	const char *path = crowdsec->config->path;
	uint64_t now_s = clock_boot_s();
	uint16_t slot;
	int rc;

	if (!path)
		return;
	for (unsigned i = 0; i < crowdsec->count; i++)
		slots_withdraw(crowdsec->slots, now_s,
			       &crowdsec->waiting[(crowdsec->first + i) % WAITING_MAX].suspect.addr,
			       &slot);
	rc = sent_write(path, now_s, crowdsec->slots);
	if (rc < 0)
		log_line(LOG_LEVEL_WARNING,
			 "sink crowdsec: cannot write %s (%s): the next start sends all decisions "
			 "again",
			 path, file_error_text(rc));
}

static int crowdsec_open(const struct sink_config *config, struct text_error *ret_error,
			 struct sink **ret_sink)
{
	struct crowdsec *crowdsec = calloc(1, sizeof(*crowdsec));

	if (!crowdsec)
		return text_error_set(ret_error, 0, 0, "out of memory");
	crowdsec->sink.type = &sink_crowdsec;
	crowdsec->config = config;
	crowdsec->slots = slots_new(0);
	if (crowdsec->slots && read_password(crowdsec, ret_error) == 0) {
		remember(crowdsec);
		if (start_thread(crowdsec) == 0) {
			*ret_sink = &crowdsec->sink;
			return 0;
		}
		text_error_set(ret_error, 0, 0, "sink crowdsec: cannot start");
	}
	sink_crowdsec.free(&crowdsec->sink);
	return -EINVAL;
}

static void crowdsec_take(struct sink *sink, uint64_t now_s, const struct sink_event *event)
{
	struct crowdsec *crowdsec = crowdsec_of(sink);
	struct message known = {.flags = 0}; /* of a decision nothing but its end can change */
	struct decision decision;
	uint16_t slot;

	if (local_judge(&crowdsec->config->rule, 1, event->tree, &decision.suspect,
			&decision.left_s) != LOCAL_TELL)
		return;
	known.addr = decision.suspect.addr;
	if (slots_put(crowdsec->slots, now_s, &known, decision.left_s, &slot) != 1)
		return;
	pthread_mutex_lock(&crowdsec->lock);
	if (crowdsec->count < WAITING_MAX)
		crowdsec->waiting[(crowdsec->first + crowdsec->count++) % WAITING_MAX] = decision;
	else
		crowdsec->sink.failed++;
	pthread_cond_signal(&crowdsec->has_work);
	pthread_mutex_unlock(&crowdsec->lock);
}

static void crowdsec_tick(struct sink *sink, uint64_t now_s)
{
	slots_expire(crowdsec_of(sink)->slots, now_s);
}

static void crowdsec_free(struct sink *sink)
{
	struct crowdsec *crowdsec = crowdsec_of(sink);

	if (crowdsec->is_started) {
		pthread_mutex_lock(&crowdsec->lock);
		crowdsec->must_stop = true;
		pthread_cond_signal(&crowdsec->has_work);
		pthread_mutex_unlock(&crowdsec->lock);
		pthread_join(crowdsec->thread, NULL);
		write_down(crowdsec);
	}
	if (crowdsec->curl) {
		pthread_cond_destroy(&crowdsec->has_work);
		pthread_mutex_destroy(&crowdsec->lock);
		curl_easy_cleanup(crowdsec->curl);
	}
	slots_free(crowdsec->slots);
	free(crowdsec);
}

const struct sink_type sink_crowdsec = {.open = crowdsec_open,
					.take = crowdsec_take,
					.tick = crowdsec_tick,
					.free = crowdsec_free};
