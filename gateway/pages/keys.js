import { attempt as attemptIn, onSubmit } from "./account.js";
import { Session, onLogIn } from "./session.js";
import { usageFigure } from "./usage-chart.js";

/** A brand's API keys. The session is kept in this page's memory and ends with it. */

/** Nobody can give a key the right to make keys. */
const NOT_TO_BE_GIVEN = new Set(["keys:manage", "team:manage"]);

const PERIODS = [7, 30, 90];
const SHOWN_FIRST = 30;
const MS_PER_DAY = 86_400_000;

const page = Object.fromEntries(
  ["trouble", "log-in", "keys", "make", "scopes", "made", "secret", "none", "list"].map((id) => [
    id,
    document.getElementById(id),
  ]),
);
const session = new Session(() => show("log-in"));

function call(method, path, body) {
  return session.call(method, path, body);
}

function attempt(button, work) {
  return attemptIn(button, page.trouble, work);
}

function show(name) {
  page["log-in"].hidden = name !== "log-in";
  page.keys.hidden = name !== "keys";
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawScopes() {
  page.scopes.replaceChildren(
    ...session.scopes.filter((scope) => !NOT_TO_BE_GIVEN.has(scope)).map((scope) => {
      const box = element("input", { type: "checkbox", name: "scope", value: scope });
      box.checked = scope.endsWith(":read");
      return element("label", {}, box, scope);
    }),
  );
}

async function allKeys() {
  const keys = [];
  let cursor = null;
  do {
    const query = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    const answer = await call("GET", `/v1/api-keys?limit=100${query}`);
    keys.push(...answer.items);
    cursor = answer.next_cursor;
  } while (cursor);
  return keys;
}

async function drawKeys() {
  const keys = await allKeys();
  page.none.hidden = keys.length > 0;
  page.list.replaceChildren(...keys.map(drawKey));
}

function drawKey(key) {
  const revoke = element("button", { type: "button", class: "danger" }, "Revoke");
  const lastUsed = key.last_used_at ? `last used ${day(key.last_used_at)}` : "never used";
  revoke.addEventListener("click", () => {
    if (!confirm(`Revoke "${key.name}"? What uses it stops working within a second.`)) return;
    attempt(revoke, async () => {
      await call("DELETE", `/v1/api-keys/${key.id}`);
      await drawKeys();
    });
  });
  const usage = drawUsage(key);
  const look = element("button", { type: "button", class: "plain", "aria-expanded": "false" }, "Usage");
  look.addEventListener("click", () =>
    attempt(look, async () => {
      const opens = usage.section.hidden;
      if (opens) await usage.show(SHOWN_FIRST);
      usage.section.hidden = !opens;
      look.setAttribute("aria-expanded", String(opens));
    }),
  );
  return element(
    "li",
    { class: "key" },
    element("header", {}, element("h3", {}, key.name), element("span", { class: "acts" }, look, revoke)),
    element("p", {}, element("code", {}, `${key.prefix}…`), ` ${lastUsed}, made ${day(key.created_at)}`),
    element("p", {}, key.scopes.join(", ")),
    usage.section,
  );
}

/** A closed section for the key's use, and what fills it for so many days. */
function drawUsage(key) {
  const figure = element("div", {});
  const buttons = PERIODS.map((days) => element("button", { type: "button", class: "plain" }, `${days} days`));
  const periods = element("div", { role: "group", "aria-label": "Period", class: "periods" }, ...buttons);
  const section = element("section", { class: "usage", "aria-label": `Usage of ${key.name}` }, periods, figure);
  section.hidden = true;
  async function show(days) {
    const from = new Date(Date.now() - (days - 1) * MS_PER_DAY).toISOString().slice(0, 10);
    const { items } = await call("GET", `/v1/api-keys/${key.id}/usage?from=${from}`);
    figure.replaceChildren(usageFigure(items, key.id));
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(PERIODS[index] === days)));
  }
  buttons.forEach((button, index) => button.addEventListener("click", () => attempt(button, () => show(PERIODS[index]))));
  return { section, show };
}

function day(time) {
  return time.slice(0, 10);
}

onLogIn(page["log-in"], page.trouble, session, () => "/v1/brands/login", async () => {
  drawScopes();
  await drawKeys();
  show("keys");
});

onSubmit(page.make, page.trouble, async (data) => {
  const made = await call("POST", "/v1/api-keys", { name: data.get("name"), scopes: data.getAll("scope") });
  page.secret.textContent = made.key;
  page.made.hidden = false;
  page.make.elements.name.value = "";
  await drawKeys();
});
