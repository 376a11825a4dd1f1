/** A click, and not merely opening the page, uses the link up: mail servers open links, too. */

import { Refusal, byId, onSubmit, onToken, post, showOnly } from "./account.js";

const { confirm, done, over, trouble } = byId("confirm", "done", "over", "trouble");
const parts = { confirm, done, over };
let token = null;

onToken((given) => {
  token = given;
  showOnly(parts, token ? "confirm" : "over");
});

onSubmit(confirm, trouble, async () => {
  try {
    await post("/v1/auth/verify-email", { token });
    showOnly(parts, "done");
  } catch (error) {
    if (!(error instanceof Refusal && error.code === "identity.link_not_valid")) throw error;
    showOnly(parts, "over");
  }
});
