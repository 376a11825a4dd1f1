/** The use of an API key by day: its figures, and how they are drawn as a chart and as a table. */

const OUTCOMES = { ok: "answered", errors: "refused or failed", limited: "over a limit" };
const WIDTH = 720;
const HEIGHT = 220;
const PLOT = { left: 52, right: 712, top: 14, bottom: 186 };
const GAP_SHARE = 0.25;

const number = new Intl.NumberFormat("en");

/** The first of 2, 4, 10, 20, 40, 100 … that is enough, so that half of it is a whole number, too. */
export function topOf(most) {
  let power = 1;
  while (most > 10 * power) power *= 10;
  return [2, 4, 10].map((step) => step * power).find((top) => top >= most);
}

export function outcomesOf({ requests, errors, limited }) {
  return { ok: requests - errors - limited, errors, limited };
}

export function totalsOf(items) {
  const totals = { requests: 0, errors: 0, limited: 0 };
  for (const item of items) for (const name of Object.keys(totals)) totals[name] += item[name];
  return totals;
}

/** For each day a column: where it begins, how wide it is, and its parts from the ground up, in the chart's units. */
export function columnsOf(items) {
  const top = topOf(Math.max(...items.map((item) => item.requests)));
  const step = (PLOT.right - PLOT.left) / items.length;
  return items.map((item, index) => {
    let ground = PLOT.bottom;
    const parts = Object.entries(outcomesOf(item)).map(([outcome, count]) => {
      const height = (count / top) * (PLOT.bottom - PLOT.top);
      ground -= height;
      return { outcome, y: ground, height };
    });
    return {
      date: item.date,
      x: PLOT.left + step * (index + GAP_SHARE / 2),
      width: step * (1 - GAP_SHARE),
      parts: parts.filter((part) => part.height > 0),
    };
  });
}

/** One sentence with the figures, for whoever does not see the chart. */
export function told(items) {
  const { requests, errors, limited } = totalsOf(items);
  const busiest = items.reduce((most, item) => (item.requests > most.requests ? item : most));
  const sum = `${number.format(requests)} requests from ${items[0].date} to ${items.at(-1).date} (UTC)`;
  if (!requests) return `${sum}.`;
  const parts = `${number.format(errors)} refused or failed, ${number.format(limited)} over a limit`;
  return `${sum}: ${parts}. Most on ${busiest.date}: ${number.format(busiest.requests)}.`;
}

/** The figure for `items`; `id` makes its names unique in the page. */
export function usageFigure(items, id) {
  const figure = made("figure", { class: "usage-figure" });
  figure.append(drawing(items, id), made("figcaption", {}, legend(), made("p", {}, told(items))), table(items));
  return figure;
}

function drawing(items, id) {
  const svg = shape("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-labelledby": `${id}-title ${id}-desc`,
  });
  svg.append(
    shape("title", { id: `${id}-title` }, "Requests per day"),
    shape("desc", { id: `${id}-desc` }, told(items)),
    ...scale(topOf(Math.max(...items.map((item) => item.requests)))),
    ...columnsOf(items).map((column, index) => drawnColumn(column, items[index])),
    ...days(items),
  );
  return svg;
}

function scale(top) {
  return [0, top / 2, top].flatMap((value) => {
    const y = PLOT.bottom - (value / top) * (PLOT.bottom - PLOT.top);
    return [
      shape("line", { class: "grid", x1: PLOT.left, x2: PLOT.right, y1: y, y2: y }),
      shape("text", { x: PLOT.left - 8, y: y + 4, "text-anchor": "end" }, number.format(value)),
    ];
  });
}

function drawnColumn({ x, width, parts }, item) {
  const bars = parts.map((part) => shape("rect", { class: part.outcome, x, width, y: part.y, height: part.height }));
  return shape("g", { class: "day" }, shape("title", {}, `${item.date}: ${number.format(item.requests)}`), ...bars);
}

function days(items) {
  const ends = { start: [items[0], PLOT.left], end: [items.at(-1), PLOT.right] };
  return Object.entries(ends).map(([anchor, [item, x]]) =>
    shape("text", { x, y: HEIGHT - 10, "text-anchor": anchor }, item.date),
  );
}

function legend() {
  const entries = Object.entries(OUTCOMES).map(([outcome, text]) => made("li", { class: outcome }, text));
  return made("ul", { class: "legend" }, ...entries);
}

function table(items) {
  const head = ["Day", "Requests", "Refused or failed", "Over a limit"].map((text) => made("th", { scope: "col" }, text));
  const rows = items.toReversed().map((item) => {
    const cells = [item.requests, item.errors, item.limited].map((count) => made("td", {}, number.format(count)));
    return made("tr", {}, made("th", { scope: "row" }, item.date), ...cells);
  });
  const whole = made("table", {}, made("thead", {}, made("tr", {}, ...head)), made("tbody", {}, ...rows));
  return made("details", {}, made("summary", {}, "The same as a table"), whole);
}

function made(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function shape(name, attributes, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
