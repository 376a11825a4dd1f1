/** Typed client of the Gametriggers HTTP interface. */

export { createClient } from "./client.js";
export { GametriggersError, Session, logIn } from "./session.js";
export type { AccountKind, Problem, Tokens } from "./session.js";
export type { components, operations, paths } from "./schema.js";
