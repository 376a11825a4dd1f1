/** Against a real platform at GAMETRIGGERS_URL: `node --test tests/session.test.mjs`, after a build. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, test } from "node:test";

import { GametriggersError, Session, createClient, logIn } from "../dist/index.js";

const baseUrl = process.env.GAMETRIGGERS_URL;
const LONGER_THAN_A_TOKEN_LIVES_MS = 24 * 3_600_000;
const credentials = { email: `client-${randomUUID()}@example.com`, password: randomUUID() };

/** Counts the requests to a path while `work` runs. */
async function counted(path, work) {
  const fetchAsItIs = globalThis.fetch;
  let count = 0;
  globalThis.fetch = (request, options) => {
    if (new URL(request.url ?? request).pathname === path) count += 1;
    return fetchAsItIs(request, options);
  };
  try {
    await work();
  } finally {
    globalThis.fetch = fetchAsItIs;
  }
  return count;
}

before(async () => {
  const { error } = await createClient(baseUrl).POST("/v1/brands/register", {
    body: {
      ...credentials,
      company_name: "Acme Energy",
      industry: "beverages",
      contact_person: { name: "Ada Lund", position: "Marketing", phone: "+4915112345678" },
    },
  });
  assert.equal(error, undefined);
});

test("a brand logs in and reads its wallet", async () => {
  const api = createClient(baseUrl, await logIn(baseUrl, "brands", credentials));

  const { data } = await api.GET("/v1/wallet");

  assert.equal(data.balances.available.amount_minor, 0);
});

test("a wrong password is told with its code", async () => {
  const attempt = logIn(baseUrl, "brands", { ...credentials, password: "not this one" });

  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof GametriggersError);
    return error.problem.status === 401;
  });
});

test("twenty requests with a token that is nearly over make one refresh", async () => {
  const { tokens } = await logIn(baseUrl, "brands", credentials);
  const session = new Session(baseUrl, tokens, LONGER_THAN_A_TOKEN_LIVES_MS);

  const refreshes = await counted("/v1/auth/refresh", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => session.accessToken()));

    assert.equal(new Set(answers).size, 1);
    assert.notEqual(answers[0], tokens.accessToken);
  });

  assert.equal(refreshes, 1);
});

test("a session that was ended is told with its code", async () => {
  const first = await logIn(baseUrl, "brands", credentials);
  await createClient(baseUrl, first).POST("/v1/auth/logout");
  const session = new Session(baseUrl, first.tokens, LONGER_THAN_A_TOKEN_LIVES_MS);

  await assert.rejects(session.accessToken(), GametriggersError);
});

test("a command carries a key, so that sending it again is safe", async () => {
  const api = createClient(baseUrl, await logIn(baseUrl, "brands", credentials));
  let key;
  api.use({ onRequest: ({ request }) => void (key = request.headers.get("Idempotency-Key")) });

  await api.POST("/v1/wallet/deposits", {
    body: { amount: { amount_minor: 500, currency: "USD" }, provider: "sandbox" },
  });

  assert.match(key, /^[0-9a-f-]{36}$/);
});
