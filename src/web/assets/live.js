/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the gateway's page fresh, and draws its charts where the library for that is installed. */
"use strict";

const dark = window.matchMedia("(prefers-color-scheme: dark)");
/* Okabe and Ito's colours, which everybody can tell apart, and lighter and darker ones of them. */
const palettes = {
	light: ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8a7f00",
		"#7b6fd0", "#5f7d8c", "#b3543f", "#3f9b9b", "#a0608f", "#8c8c8c"],
	dark: ["#56b4e9", "#f0b93a", "#2fc79a", "#e39bc3", "#ff8a3d", "#4a90d9", "#d8cc4a",
		"#a79df0", "#8fadbd", "#e08a74", "#6fcaca", "#cf91bf", "#b5b5b5"],
};
const gradeNames = { none: "No sign of a tunnel", access: "Access network",
	possible: "Tunnel possible", likely: "Tunnel likely" };
const shown = 12;
const shortest = 30; /* seconds that the chart shows at least */
let synChart = null, mtuChart = null, colours = palettes.light;

function byId(id) {
	return document.getElementById(id);
}

function setText(id, text) {
	const place = byId(id);
	if (place.textContent !== text)
		place.textContent = text;
}

function element(name, text, className) {
	const made = document.createElement(name);
	if (text !== undefined)
		made.textContent = text;
	if (className)
		made.className = className;
	return made;
}

function bar(share) {
	const space = "http://www.w3.org/2000/svg";
	const svg = document.createElementNS(space, "svg");
	const parts = [["track", 100], ["fill", Math.min(100 * share, 100)]];
	svg.setAttribute("class", "bar");
	svg.setAttribute("viewBox", "0 0 100 6");
	svg.setAttribute("preserveAspectRatio", "none");
	svg.setAttribute("aria-hidden", "true");
	for (const [className, width] of parts) {
		const rect = document.createElementNS(space, "rect");
		rect.setAttribute("class", className);
		rect.setAttribute("width", width.toFixed(1));
		rect.setAttribute("height", "6");
		svg.append(rect);
	}
	return svg;
}

function heading(text) {
	const cell = element("th", text);
	cell.scope = "row";
	return cell;
}

function shareRow(name, count, of) {
	const row = element("tr"), picture = element("td");
	picture.append(bar(of ? count / of : 0));
	row.append(heading(name), element("td", String(count), "number"), picture);
	return row;
}

function fill(id, rows) {
	byId(id).tBodies[0].replaceChildren(...rows);
}

function ago(seconds) {
	return seconds < 120 ? `${seconds}\u00a0s ago`
		: seconds < 7200 ? `${Math.floor(seconds / 60)}\u00a0min ago`
		: `${Math.floor(seconds / 3600)}\u00a0h ago`;
}

function suspectRow(suspect) {
	const row = element("tr"), address = heading(), flags = element("td");
	const link = element("a", suspect.ip);
	link.href = `/client?ip=${encodeURIComponent(suspect.ip)}&port=${suspect.port}`;
	address.append(link);
	flags.append(element("b", suspect.flags));
	row.append(address, element("td", suspect.label || "unknown"), flags,
		element("td", suspect.reasons.join("; ")), element("td", ago(suspect.ago_s)));
	return row;
}

function showTable(table) {
	fill("systems", table.classes.slice(0, shown)
		.map((item) => shareRow(item.name || "unknown", item.count, table.clients)));
	fill("grades", table.grades
		.map((item) => shareRow(gradeNames[item.name], item.count, table.clients)));
	fill("mtus", table.mtus.slice(0, shown)
		.map((item) => shareRow(`${item.mtu} ${item.link}`, item.count, table.clients)));
	/* Whoever is on a link in there keeps it. */
	if (!byId("suspects").contains(document.activeElement)) {
		const nobody = element("tr"), cell = element("td", "Nobody is suspect.");
		cell.colSpan = 5;
		nobody.append(cell);
		fill("suspects", table.suspects.length ? table.suspects.map(suspectRow) : [nobody]);
	}
	const share = table.clients ? 100 * table.unknown / table.clients : 0;
	setText("unknown", `${share.toFixed(1)}\u00a0%`);
}

function sum(list, value) {
	return list.reduce((total, item) => total + value(item), 0);
}

function showStatus(data) {
	const queues = data.status.queues || [];
	const dropped = sum(queues, (queue) => queue.dropped
		? queue.dropped.kernel + queue.dropped.user : 0);
	setText("state", !data.up ? "synprintd does not answer. Every connection passes in the meantime."
		: data.status.rules.diverting ? "New connections are looked at."
		: "No new connection is diverted to synprintd at the moment.");
	if (!data.up)
		return;
	setText("queue", String(sum(queues, (queue) => queue.waiting || 0)));
	setText("queue-note", `waiting, ${dropped} passed unseen`);
	setText("clients", String(data.status.clients.used));
	setText("clients-note", `of at most ${data.status.clients.capacity}`);
}

function colourOf(name) {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function axes(options) {
	const ink = colourOf("--soft"), line = colourOf("--line");
	return {
		x: { stacked: true, ticks: { color: ink, maxRotation: 0, autoSkip: true, ...options.x },
			grid: { display: false } },
		y: { stacked: true, beginAtZero: true, ticks: { color: ink, precision: 0 },
			grid: { color: line } },
	};
}

function makeChart(id, type, options) {
	const canvas = byId(id);
	canvas.parentElement.hidden = false;
	return new Chart(canvas, {
		type,
		data: { labels: [], datasets: [] },
		options: {
			animation: false, responsive: true, maintainAspectRatio: false,
			interaction: { mode: "index", intersect: false },
			scales: axes(options),
			plugins: { legend: { display: options.legend, position: "bottom",
				labels: { color: colourOf("--ink"), boxWidth: 12, boxHeight: 12 } } },
		},
	});
}

function drawSyns(series) {
	/* No line of zeros for the time before anybody looked. */
	const count = Math.min(series.total.length, Math.max(shortest, series.counting_s));
	synChart.data.labels = series.total.slice(-count).map((_, i) => `${i - count}\u00a0s`);
	series.classes.forEach((item, i) => {
		const set = synChart.data.datasets[i] ||= { fill: true, pointRadius: 0, borderWidth: 1.5,
			tension: .25, borderColor: colours[i], backgroundColor: colours[i] + "b0" };
		set.label = item.name || "unknown";
		set.data = item.counts.slice(-count);
	});
	synChart.data.datasets.length = series.classes.length;
	synChart.update();
}

function drawMtus(table) {
	const list = table.mtus.slice(0, shown).sort((a, b) => a.mtu - b.mtu);
	mtuChart.data.labels = list.map((item) => String(item.mtu));
	mtuChart.data.datasets = [{ label: "clients", data: list.map((item) => item.count),
		backgroundColor: colours[0], borderRadius: 4, maxBarThickness: 48 }];
	mtuChart.options.plugins.tooltip = { callbacks: { title: (items) =>
		`${list[items[0].dataIndex].mtu}: ${list[items[0].dataIndex].link}` } };
	mtuChart.update();
}

function show(data) {
	const rate = data.series.total[data.series.total.length - 1];
	const names = data.series.classes.map((item) =>
		[item.name || "unknown", sum(item.counts, (number) => number)]);
	setText("rate", String(rate));
	setText("syn-note", data.series.counting_s < 0 ? "The first figures come within two seconds."
		: `In the last two minutes: ${names.length
			? names.map(([name, number]) => `${name} ${number}`).join(", ") : "none"}.`);
	showStatus(data);
	if (data.table)
		showTable(data.table);
	if (synChart)
		drawSyns(data.series);
	if (mtuChart && data.table)
		drawMtus(data.table);
}

async function turn() {
	try {
		const answer = await fetch("/live/data", { cache: "no-store", credentials: "same-origin" });
		if (answer.status === 401) {
			location.assign("/login");
			return;
		}
		show(await answer.json());
	} catch (error) {
		setText("state", "synprint-web does not answer; it is asked again.");
	}
	setTimeout(turn, document.hidden ? 10000 : 1000);
}

function begin() {
	for (const chart of [synChart, mtuChart])
		if (chart)
			chart.destroy();
	if (!window.Chart)
		return;
	colours = dark.matches ? palettes.dark : palettes.light;
	synChart = makeChart("syn-chart", "line", { legend: true, x: { maxTicksLimit: 7 } });
	mtuChart = makeChart("mtu-chart", "bar", { legend: false, x: {} });
}

begin();
dark.addEventListener("change", begin);
turn();
