import createFetchClient, { type Client, type Middleware } from "openapi-fetch";

import type { paths } from "./schema.js";
import type { Session } from "./session.js";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * A client whose paths, bodies and answers are typed. With a session every request carries an access token that is
 * still good; every command carries an Idempotency-Key, so that sending it again is safe.
 */
export function createClient(baseUrl: string, session?: Session): Client<paths> {
  const client = createFetchClient<paths>({ baseUrl });
  client.use(keyed);
  if (session) client.use(authenticated(session));
  return client;
}

const keyed: Middleware = {
  onRequest({ request }) {
    if (!SAFE_METHODS.has(request.method) && !request.headers.has("Idempotency-Key")) {
      request.headers.set("Idempotency-Key", crypto.randomUUID());
    }
    return request;
  },
};

function authenticated(session: Session): Middleware {
  return {
    async onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${await session.accessToken()}`);
      return request;
    },
  };
}
