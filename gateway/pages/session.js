/** A session that is kept in its page's memory and ends with it. */

import { Refusal, onSubmit } from "./account.js";

/** `onEnd` is called when it cannot go on. */
export class Session {
  #tokens = null;
  #onEnd;

  constructor(onEnd) {
    this.#onEnd = onEnd;
  }

  get scopes() {
    const payload = this.#tokens.access_token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(payload)).scope.split(" ").filter(Boolean);
  }

  /** New tokens of the same person, from an answer that holds them. */
  take(tokens) {
    this.#tokens = tokens;
  }

  /** The answer's JSON; throws a Refusal. A token that is over is replaced, and the request sent again. */
  async call(method, path, body) {
    const response = await this.#send(method, path, body);
    if (response.ok) return response.status === 204 ? null : response.json();
    const problem = await response.json();
    if (problem.code === "unauthenticated" && (await this.#refreshed())) return this.call(method, path, body);
    throw new Refusal(problem);
  }

  #send(method, path, body) {
    const headers = { "Content-Type": "application/json" };
    if (this.#tokens) headers.Authorization = `Bearer ${this.#tokens.access_token}`;
    if (method === "POST") headers["Idempotency-Key"] = crypto.randomUUID();
    return fetch(path, { method, headers, body: body && JSON.stringify(body) });
  }

  async #refreshed() {
    const before = this.#tokens;
    this.#tokens = null;
    if (!before) return false;
    try {
      this.#tokens = await this.call("POST", "/v1/auth/refresh", { refresh_token: before.refresh_token });
    } catch {
      this.#onEnd();
    }
    return this.#tokens !== null;
  }
}

/**
 * Logs in with what the form says, at the path that `pathOf` makes of it, and goes on with `begin`.
 *
 * The code of an app, or the brand that a member of several teams comes for, is asked for when the platform does.
 */
export function onLogIn(form, trouble, session, pathOf, begin) {
  onSubmit(form, trouble, async (data) => {
    const { kind, ...given } = Object.fromEntries(data);
    const credentials = Object.fromEntries(Object.entries(given).filter(([, value]) => value));
    session.take(null);
    try {
      session.take(await session.call("POST", pathOf(kind), credentials));
    } catch (error) {
      askFor(form, error);
      throw error;
    }
    form.reset();
    for (const asked of form.querySelectorAll("[data-asked]")) asked.hidden = true;
    await begin();
  });
}

const ASKED_FOR = { "identity.totp_required": "code", "identity.choose_brand": "brand_id" };

function askFor(form, error) {
  const field = form.elements[ASKED_FOR[error.code]];
  if (!field) return;
  if (field.options) field.replaceChildren(...error.problem.brands.map((id) => new Option(id, id)));
  field.closest("label").hidden = false;
  field.focus();
}
