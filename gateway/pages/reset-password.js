/** With a token, a new password is chosen; without one, a link is asked for. */

import { Refusal, byId, onSubmit, onToken, post, showOnly } from "./account.js";

const { ask, over, mailed, choose, show, done, trouble } = byId(
  "ask",
  "over",
  "mailed",
  "choose",
  "show",
  "done",
  "trouble",
);
const parts = { ask, mailed, choose, done };
let token = null;

onToken((given) => {
  token = given;
  showOnly(parts, token ? "choose" : "ask");
});

show.addEventListener("change", () => {
  choose.elements.new_password.type = show.checked ? "text" : "password";
});

onSubmit(ask, trouble, async (form) => {
  await post("/v1/auth/password/forgot", { kind: form.get("kind"), email: form.get("email") });
  showOnly(parts, "mailed");
});

onSubmit(choose, trouble, async (form) => {
  try {
    await post("/v1/auth/password/reset", { token, new_password: form.get("new_password") });
    showOnly(parts, "done");
  } catch (error) {
    if (!(error instanceof Refusal && error.code === "identity.link_not_valid")) throw error;
    over.hidden = false;
    showOnly(parts, "ask");
  }
});
