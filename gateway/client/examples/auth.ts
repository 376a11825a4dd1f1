/**
 * Log-in and refresh for a Next.js front end with Auth.js: hand `authConfig` to NextAuth() in auth.ts.
 *
 * The tokens live in the encrypted session cookie. Pages see `session.accessToken`; when the session has ended,
 * `session.error` says so and the page sends its visitor to the log-in.
 */

import type { AuthConfig } from "@auth/core";
import Credentials from "@auth/core/providers/credentials";

import { GametriggersError, Session, logIn, type Tokens } from "../src/index.js";

const baseUrl = process.env["GAMETRIGGERS_URL"] ?? "http://127.0.0.1:8000";

/** Requests that arrive together carry the same cookie: one of them refreshes, the others wait for it. */
const refreshing = new Map<string, Promise<Tokens>>();

export const authConfig: AuthConfig = {
  session: { strategy: "jwt" },
  providers: [
    Credentials({
      credentials: { email: { type: "email" }, password: { type: "password" } },
      async authorize({ email, password }) {
        try {
          const session = await logIn(baseUrl, "brands", { email: String(email), password: String(password) });
          return { email: String(email), tokens: session.tokens };
        } catch (error) {
          if (error instanceof GametriggersError) return null;
          throw error;
        }
      },
    }),
  ],
  callbacks: {
    async jwt({ token, user }) {
      if (user && "tokens" in user) return { ...token, tokens: user.tokens };
      try {
        return { ...token, tokens: await current(token["tokens"] as Tokens) };
      } catch (error) {
        if (error instanceof GametriggersError) return { ...token, error: error.problem.code };
        throw error;
      }
    },
    session({ session, token }) {
      const tokens = token["tokens"] as Tokens;
      return { ...session, accessToken: tokens.accessToken, error: token["error"] };
    },
  },
};

/** The same tokens while they are good, else their successors. */
async function current(tokens: Tokens): Promise<Tokens> {
  const known = refreshing.get(tokens.refreshToken);
  if (known) return known;
  const session = new Session(baseUrl, tokens);
  const answer = session.accessToken().then(() => session.tokens);
  refreshing.set(tokens.refreshToken, answer);
  return answer.finally(() => refreshing.delete(tokens.refreshToken));
}
