import { usageFigure } from "/pages/usage-chart.js";

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
let session = null;

/** The answer's JSON; throws what the problem document says. */
async function call(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  if (session) headers.Authorization = `Bearer ${session.access_token}`;
  if (method === "POST") headers["Idempotency-Key"] = crypto.randomUUID();
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const answer = response.status === 204 ? null : await response.json();
  if (response.ok) return answer;
  if (response.status === 401 && session && (await refreshed())) return call(method, path, body);
  throw new Error(explained(answer));
}

async function refreshed() {
  const token = session.refresh_token;
  session = null;
  try {
    session = await call("POST", "/v1/auth/refresh", { refresh_token: token });
  } catch {
    show("log-in");
  }
  return session !== null;
}

function explained(problem) {
  const fields = Object.entries(problem.errors ?? {}).map(([name, texts]) => `${name}: ${texts.join(" ")}`);
  return [problem.detail || problem.title, ...fields].join(" — ");
}

/** Runs what a person asked for, with the button out of reach, and tells of trouble in the page. */
async function attempt(button, work) {
  page.trouble.hidden = true;
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    page.trouble.textContent = error.message;
    page.trouble.hidden = false;
  } finally {
    button.disabled = false;
  }
}

function show(name) {
  page["log-in"].hidden = name !== "log-in";
  page.keys.hidden = name !== "keys";
}

function scopesOf(accessToken) {
  const payload = accessToken.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(atob(payload)).scope.split(" ").filter((scope) => scope && !NOT_TO_BE_GIVEN.has(scope));
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawScopes() {
  page.scopes.replaceChildren(
    ...scopesOf(session.access_token).map((scope) => {
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

page["log-in"].addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  attempt(event.submitter, async () => {
    const { email, password } = Object.fromEntries(new FormData(form));
    session = await call("POST", "/v1/brands/login", { email, password });
    form.reset();
    drawScopes();
    await drawKeys();
    show("keys");
  });
});

page.make.addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new FormData(event.target);
  attempt(event.submitter, async () => {
    const made = await call("POST", "/v1/api-keys", { name: data.get("name"), scopes: data.getAll("scope") });
    page.secret.textContent = made.key;
    page.made.hidden = false;
    event.target.elements.name.value = "";
    await drawKeys();
  });
});
