/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows are flattened into cells first; then widths are found, and it is known what fits. */
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

#include "cli/flow.h"
#include "cli/scale.h"

#define GAP 2 /* between two columns */
#define SHORT_MAX 18 /* what is longer has a line of its own */

struct cell {
	char name[48];
	char text[SCALE_BYTES];
	const char *whole; /* the text where it is longer than that */
	bool is_number;
};

static bool is_plain(const cJSON *value)
{
	return !cJSON_IsObject(value) && !cJSON_IsArray(value);
}

/* Such as a note where there is nothing to say. */
static bool is_empty(const cJSON *value)
{
	return cJSON_IsString(value) && !*value->valuestring;
}

static const char *text_of(const struct cell *cell)
{
	return cell->whole ? cell->whole : cell->text;
}

/* A number has its unit beside it, and not in its name as well. */
static void make_cell(const char *parent, const cJSON *value, struct cell *ret_cell)
{
	const char *name = value->string ? value->string : "", *text;
	const char *which = *parent ? parent : name;
	int len = (int)(strlen(which) - strlen(cJSON_IsNumber(value) ? scale_unit(which) : ""));

	*ret_cell = (struct cell){.is_number = cJSON_IsNumber(value)};
	snprintf(ret_cell->name, sizeof(ret_cell->name), "%.*s%s%s", len, which, *parent ? "." : "",
		 *parent ? name : "");
	text = scale_member(which, value, ret_cell->text);
	if (text != ret_cell->text)
		ret_cell->whole = text;
}

/* Numbers of an object that is a member: "burst.p50". */
static unsigned make_inner_cells(const cJSON *object, struct cell *ret_cells, unsigned max)
{
	const cJSON *value;
	unsigned count = 0;

	cJSON_ArrayForEach (value, object)
		if (is_plain(value) && count < max)
			make_cell(object->string, value, &ret_cells[count++]);
	return count;
}

/* The columns of a row. Texts behind the first member are left out: they have no width. */
static unsigned make_cells(const cJSON *object, struct cell *ret_cells)
{
	const cJSON *value;
	unsigned count = 0;

	cJSON_ArrayForEach (value, object) {
		if (is_plain(value) && (!cJSON_IsString(value) || value == object->child)) {
			if (count < TABLE_COLUMNS_MAX)
				make_cell("", value, &ret_cells[count++]);
			continue;
		}
		if (cJSON_IsObject(value))
			count += make_inner_cells(value, ret_cells + count,
						  TABLE_COLUMNS_MAX - count);
	}
	return count;
}

static void put_padded(struct text_buf *out, const char *text, unsigned width, bool is_right)
{
	size_t len = strlen(text), pad = len < width ? width - len : 0;

	for (size_t i = 0; is_right && i < pad; i++)
		text_put_char(out, ' ');
	text_put(out, text);
	for (size_t i = 0; !is_right && i < pad; i++)
		text_put_char(out, ' ');
}

static void put_indent(struct text_buf *out, unsigned indent)
{
	while (indent--)
		text_put_char(out, ' ');
}

static void end_line(struct text_buf *out)
{
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->len--;
	text_put_char(out, '\n');
}

static void put_one(const struct cell *cell, unsigned columns, unsigned indent,
		    struct text_buf *out)
{
	struct flow flow;

	put_indent(out, indent);
	flow_begin(&flow, out, columns, indent + GAP);
	flow.at = indent;
	flow_put(&flow, cell->name, "");
	flow_put_words(&flow, text_of(cell));
	flow_end(&flow);
}

static unsigned widest_text(const struct cell *cells, unsigned count, bool only_numbers)
{
	unsigned width = 0;

	for (unsigned i = 0; i < count; i++)
		if ((cells[i].is_number || !only_numbers) && strlen(text_of(&cells[i])) > width)
			width = (unsigned)strlen(text_of(&cells[i]));
	return width;
}

/* Numbers stand below each other, and not at the end of what is as wide as the longest text. */
static void put_text(const struct cell *cell, unsigned text_width, unsigned number_width,
		     struct text_buf *out)
{
	if (!cell->is_number) {
		put_padded(out, text_of(cell), text_width, false);
		return;
	}
	put_padded(out, text_of(cell), number_width, true);
	put_padded(out, "", text_width - number_width, false);
}

/* As many side by side as there is room for, each as wide as the widest. */
static void put_grid(const struct cell *cells, unsigned count, unsigned columns, unsigned indent,
		     struct text_buf *out)
{
	unsigned text_width = widest_text(cells, count, false), name_width = 0, across = 1;
	unsigned number_width = widest_text(cells, count, true), width;

	for (unsigned i = 0; i < count; i++)
		if (strlen(cells[i].name) > name_width)
			name_width = (unsigned)strlen(cells[i].name);
	width = name_width + 1 + text_width;
	if (columns && columns >= indent + width)
		across = (columns - indent + GAP) / (width + GAP);
	for (unsigned i = 0; i < count; i++) {
		if (columns && columns < indent + width) {
			put_one(&cells[i], columns, indent, out);
			continue;
		}
		if (i % across == 0)
			put_indent(out, indent);
		put_padded(out, cells[i].name, name_width + 1, false);
		put_text(&cells[i], text_width, number_width, out);
		if (i % across == across - 1 || i == count - 1)
			end_line(out);
		else
			put_indent(out, GAP);
	}
}

void table_put_members(const cJSON *object, unsigned columns, unsigned indent, struct text_buf *out)
{
	struct cell cells[TABLE_COLUMNS_MAX];
	const cJSON *value;
	unsigned count = 0;

	cJSON_ArrayForEach (value, object) {
		if (cJSON_IsObject(value))
			count += make_inner_cells(value, cells + count, TABLE_COLUMNS_MAX - count);
		if (!is_plain(value) || is_empty(value) || !value->string ||
		    count == TABLE_COLUMNS_MAX)
			continue;
		make_cell("", value, &cells[count]);
		if (strlen(text_of(&cells[count])) <= SHORT_MAX)
			count++;
		else
			put_one(&cells[count], columns, indent, out);
	}
	put_grid(cells, count, columns, indent, out);
}

/* ---- lists ---- */

struct widths {
	unsigned count, of[TABLE_COLUMNS_MAX];
	bool is_number[TABLE_COLUMNS_MAX];
	char names[TABLE_COLUMNS_MAX][48];
	unsigned whole;
};

static void widen(struct widths *widths, const struct cell *cells, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned len = (unsigned)strlen(text_of(&cells[i]));

		if (i == widths->count) {
			widths->count++;
			memcpy(widths->names[i], cells[i].name, sizeof(widths->names[i]));
			widths->of[i] = (unsigned)strlen(cells[i].name);
			widths->is_number[i] = cells[i].is_number;
		}
		if (len > widths->of[i])
			widths->of[i] = len;
	}
}

static void find_widths(const cJSON *list, struct widths *ret_widths)
{
	struct cell cells[TABLE_COLUMNS_MAX];
	const cJSON *item;

	*ret_widths = (struct widths){.count = 0};
	cJSON_ArrayForEach (item, list)
		widen(ret_widths, cells, make_cells(item, cells));
	for (unsigned i = 0; i < ret_widths->count; i++)
		ret_widths->whole += ret_widths->of[i] + (i ? GAP : 0);
}

/* Such as a reason: below its row. */
static void put_texts(const cJSON *object, unsigned columns, unsigned indent, struct text_buf *out)
{
	const cJSON *value;
	struct cell cell;

	cJSON_ArrayForEach (value, object)
		if (cJSON_IsString(value) && value != object->child && !is_empty(value)) {
			make_cell("", value, &cell);
			put_one(&cell, columns, indent + GAP, out);
		}
}

static void put_row(const struct widths *widths, const struct cell *cells, unsigned count,
		    unsigned indent, struct text_buf *out)
{
	put_indent(out, indent);
	for (unsigned i = 0; i < widths->count; i++) {
		put_indent(out, i ? GAP : 0);
		put_padded(out, i < count ? text_of(&cells[i]) : "", widths->of[i],
			   widths->is_number[i]);
	}
	end_line(out);
}

static void put_head(const struct widths *widths, unsigned indent, struct text_buf *out)
{
	put_indent(out, indent);
	for (unsigned i = 0; i < widths->count; i++) {
		put_indent(out, i ? GAP : 0);
		put_padded(out, widths->names[i], widths->of[i], widths->is_number[i]);
	}
	end_line(out);
}

void table_put_rows(const cJSON *list, unsigned columns, unsigned indent, struct text_buf *out)
{
	struct cell cells[TABLE_COLUMNS_MAX];
	struct widths widths;
	const cJSON *item;
	bool fits;

	find_widths(list, &widths);
	if (!widths.count)
		return;
	fits = !columns || indent + widths.whole <= columns;
	if (fits)
		put_head(&widths, indent, out);
	cJSON_ArrayForEach (item, list) {
		unsigned count = make_cells(item, cells);

		if (fits) {
			put_row(&widths, cells, count, indent, out);
		} else if (count) {
			put_one(&cells[0], columns, indent, out);
			put_grid(cells + 1, count - 1, columns, indent + GAP, out);
		}
		put_texts(item, columns, indent, out);
	}
}
