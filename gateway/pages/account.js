/** What the pages have in common that links in mails lead to. */

/** Takes the token out of the address, so that neither a bookmark nor a glance at the screen shows it. */
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash) history.replaceState(null, "", location.pathname);
  return token;
}

/** Begins with the token of the address or null; again when a link is opened where this page is open already. */
export function onToken(begin) {
  begin(takeToken());
  window.addEventListener("hashchange", () => begin(takeToken()));
}

export function byId(...ids) {
  return Object.fromEntries(ids.map((id) => [id, document.getElementById(id)]));
}

export function showOnly(parts, name) {
  for (const [id, part] of Object.entries(parts)) part.hidden = id !== name;
}

/** A refusal of the platform: `code` is stable, the message is for people, `problem` is the whole of it. */
export class Refusal extends Error {
  constructor(problem) {
    const fields = Object.values(problem.errors ?? {}).flat();
    super(fields.length ? fields.join(" ") : problem.detail || problem.title);
    this.code = problem.code;
    this.problem = problem;
  }
}

export async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Refusal(await response.json());
  return response.status === 204 ? null : response.json();
}

/** Runs what a person asked for, with the button out of reach, and tells of trouble in the page. */
export async function attempt(button, trouble, work) {
  trouble.hidden = true;
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    trouble.textContent = error instanceof Refusal ? error.message : "That did not work. Try again in a moment.";
    trouble.hidden = false;
  } finally {
    button.disabled = false;
  }
}

export function onSubmit(form, trouble, work) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(event.submitter, trouble, () => work(new FormData(form)));
  });
}
