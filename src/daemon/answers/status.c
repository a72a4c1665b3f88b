/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures as the status reply: one object for each group, and lists of queues and sets. */
#include "daemon/answers/status.h"

#include <string.h>
#include <unistd.h>

/* With a comma, unless it is the first of its object. */
static void put_row(const struct figure *figure, const void *of, struct text_buf *reply)
{
	uint64_t value = figure_value(figure, of);

	text_put(reply, reply->data[reply->len - 1] == '{' ? "\"" : ",\"");
	text_put(reply, figure->member);
	text_put(reply, "\":");
	if (figure->size == sizeof(bool))
		text_put(reply, value ? "true" : "false");
	else
		text_put_uint(reply, value);
}

static void put_rows(const struct figure_group *group, const void *of, struct text_buf *reply)
{
	for (unsigned i = 0; i < group->count; i++)
		put_row(&group->rows[i], of, reply);
}

static void put_duration(const char *name, const struct histogram *histogram,
			 struct text_buf *reply)
{
	text_putf(reply, ",\"%s\":{\"p50\":%u,\"p99\":%u}", name,
		  histogram_quantile_us(histogram, 500), histogram_quantile_us(histogram, 990));
}

static void put_queue(const struct figures_queue *queue, struct text_buf *reply)
{
	text_putf(reply, "{\"queue\":%u", queue->number);
	put_rows(&figures_of_queue, queue, reply);
	put_duration("burst_us", &queue->worker.burst, reply);
	if (queue->has_kernel)
		text_putf(reply, ",\"waiting\":%u,\"dropped\":{\"kernel\":%llu,\"user\":%llu}",
			  queue->kernel.waiting, (unsigned long long)queue->kernel.queue_dropped,
			  (unsigned long long)queue->kernel.user_dropped);
	text_put_char(reply, '}');
}

static void put_packets(const struct figures *figures, struct text_buf *reply)
{
	text_put(reply, ",\"queues\":[");
	for (unsigned i = 0; i < figures->queue_count; i++) {
		text_put(reply, i ? "," : "");
		put_queue(&figures->queues[i], reply);
	}
	text_put(reply, "],\"packets\":{");
	for (unsigned r = 0; r < SYN_RESULT_COUNT; r++)
		text_putf(reply, "%s\"%s\":%llu", r ? "," : "", syn_result_name(r),
			  (unsigned long long)figures->workers.results[r]);
	text_put(reply, "},\"flagged\":{");
	for (unsigned f = 0; f < VERDICT_FLAG_COUNT; f++)
		text_putf(reply, "%s\"%s\":%llu", f ? "," : "", verdict_flag_name(1u << f),
			  (unsigned long long)figures->workers.flags[f]);
	text_put_char(reply, '}');
}

static void put_engine(const struct figures *figures, struct text_buf *reply)
{
	enum rules_engine engine = figures->rules.has_rules ? figures->rules.engine
							    : figures->generation->config->engine;

	text_putf(reply, ",\"engine\":\"%s\"", rules_engine_name(engine));
}

/* As configured; what others have put into the kernel may divert others. */
static void put_interfaces(const struct config *config, struct text_buf *reply)
{
	text_put(reply, ",\"interfaces\":[");
	for (unsigned i = 0; i < config->interface_count; i++) {
		text_put(reply, i ? "," : "");
		text_put_json(reply, config->interfaces[i]);
	}
	text_put_char(reply, ']');
}

static void put_rules(const struct figures *figures, struct text_buf *reply)
{
	put_engine(figures, reply);
	put_interfaces(figures->generation->config, reply);
}

static void put_p0f(const struct figures *figures, struct text_buf *reply)
{
	text_put(reply, ",\"socket\":");
	text_put_json(reply, figures->p0f_socket);
}

static void put_confirm(const struct figures *figures, struct text_buf *reply)
{
	text_putf(reply, ",\"by\":\"%s\",\"note\":", figures->confirms_by);
	text_put_json(reply, figures->confirm_note);
}

static void put_clocks(const struct figures *figures, struct text_buf *reply)
{
	text_putf(reply, ",\"by\":\"%s\",\"results\":{", figures->clocks_by);
	for (unsigned r = CLOCKS_MEASURED; r < CLOCKS_RESULT_COUNT; r++)
		text_putf(reply, "%s\"%s\":%llu", r == CLOCKS_MEASURED ? "" : ",",
			  clocks_result_name(r),
			  (unsigned long long)figures->timing.clocks.results[r]);
	text_put_char(reply, '}');
}

static void put_sets(const struct figures *figures, struct text_buf *reply)
{
	const struct generation *generation = figures->generation;

	put_duration("commit_us", &figures->publish.commit, reply);
	text_put(reply, ",\"sets\":[");
	for (unsigned i = 0; i < generation->config->set_count; i++) {
		text_put(reply, i ? ",{\"name\":" : "{\"name\":");
		text_put_json(reply, generation->targets[i]->name);
		put_rows(&figures_of_set, &figures->publish.targets[i], reply);
		text_put(reply, ",\"reason\":");
		text_put_json(reply, figures->publish.targets[i].reason);
		text_put_char(reply, '}');
	}
	text_put_char(reply, ']');
}

static void put_advice(const struct advice_list *advice, struct text_buf *reply)
{
	text_put(reply, ",\"advice\":[");
	for (unsigned i = 0; i < advice->count; i++) {
		const struct advice *item = &advice->list[i];

		text_put(reply, i ? ",{\"about\":" : "{\"about\":");
		text_put_json(reply, item->about);
		text_putf(reply,
			  ",\"fault\":%s,\"text\":", item->level == ADVICE_NOTE ? "false" : "true");
		text_put_json(reply, item->text);
		text_put_char(reply, '}');
	}
	text_put_char(reply, ']');
}

static void put_group(const struct figure_group *group, const struct figures *figures,
		      struct text_buf *reply)
{
	if (*group->member)
		text_putf(reply, ",\"%s\":{", group->member);
	put_rows(group, figures, reply);
	if (strcmp(group->member, "rules") == 0)
		put_rules(figures, reply);
	if (strcmp(group->member, "p0f") == 0)
		put_p0f(figures, reply);
	if (strcmp(group->member, "confirm") == 0)
		put_confirm(figures, reply);
	if (strcmp(group->member, "clocks") == 0)
		put_clocks(figures, reply);
	if (strcmp(group->member, "publish") == 0)
		put_sets(figures, reply);
	if (*group->member)
		text_put_char(reply, '}');
}

void status_put(const struct figures *figures, struct text_buf *reply)
{
	text_put(reply, ",\"version\":\"" SYNPRINT_VERSION "\",\"config\":");
	text_put_json(reply, figures->generation->config->path);
	text_putf(reply, ",\"pid\":%d,\"socket\":", (int)getpid());
	text_put_json(reply, figures->socket);
	put_advice(&figures->advice, reply);
	put_packets(figures, reply);
	for (unsigned i = 0; i < figure_group_count; i++)
		if (figure_groups[i].member && figure_group_is_there(&figure_groups[i], figures))
			put_group(&figure_groups[i], figures, reply);
}
