import createFetchClient from "openapi-fetch";

import type { components, paths } from "./schema.js";

type SignedIn = components["schemas"]["IdentitySignedIn"];
export type Problem = components["schemas"]["Problem"];
export type AccountKind = "brands" | "streamers" | "admin";

/** What a session consists of; it may be stored and given back. Times are milliseconds since 1970. */
export interface Tokens {
  accessToken: string;
  refreshToken: string;
  expiresAt: number;
}

/** A token is exchanged this long before it is over, so that it does not end on its way. */
const LEEWAY_MS = 60_000;

/** The problem document of a refused request; compare `problem.code`. */
export class GametriggersError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
    this.name = "GametriggersError";
  }
}

/** Throws a GametriggersError when the account may not come in. */
export async function logIn(
  baseUrl: string,
  kind: AccountKind,
  credentials: { email: string; password: string },
): Promise<Session> {
  const { data, error } = await createFetchClient<paths>({ baseUrl }).POST(`/v1/${kind}/login`, {
    body: credentials,
  });
  if (error) throw new GametriggersError(error);
  return new Session(baseUrl, tokensOf(data));
}

/** Keeps itself alive: whoever asks for the access token gets one that is still good. */
export class Session {
  #refreshing: Promise<Tokens> | undefined;

  constructor(
    private readonly baseUrl: string,
    public tokens: Tokens,
    private readonly leewayMs = LEEWAY_MS,
  ) {}

  /** Throws a GametriggersError when the session has ended. */
  async accessToken(): Promise<string> {
    if (Date.now() < this.tokens.expiresAt - this.leewayMs) return this.tokens.accessToken;
    // A refresh token is good once, so all who ask at this moment wait for one exchange.
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    return (await this.#refreshing).accessToken;
  }

  async #refresh(): Promise<Tokens> {
    const { data, error } = await createFetchClient<paths>({ baseUrl: this.baseUrl }).POST("/v1/auth/refresh", {
      body: { refresh_token: this.tokens.refreshToken },
    });
    if (error) throw new GametriggersError(error);
    this.tokens = tokensOf(data);
    return this.tokens;
  }
}

function tokensOf(signedIn: SignedIn): Tokens {
  return {
    accessToken: signedIn.access_token,
    refreshToken: signedIn.refresh_token,
    expiresAt: Date.now() + signedIn.expires_in * 1000,
  };
}
