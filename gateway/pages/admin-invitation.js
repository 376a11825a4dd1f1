/** Whoever was invited chooses a password, with the token of the mailed link. */

import { Refusal, byId, onSubmit, onToken, post, showOnly } from "./account.js";

const { over, choose, show, done, trouble } = byId("over", "choose", "show", "done", "trouble");
const parts = { over, choose, done };
let token = null;

onToken((given) => {
  token = given;
  showOnly(parts, token ? "choose" : "over");
});

show.addEventListener("change", () => {
  choose.elements.new_password.type = show.checked ? "text" : "password";
});

onSubmit(choose, trouble, async (form) => {
  try {
    await post("/v1/admin/invitations/accept", { token, new_password: form.get("new_password") });
    showOnly(parts, "done");
  } catch (error) {
    if (!(error instanceof Refusal && error.code === "identity.link_not_valid")) throw error;
    showOnly(parts, "over");
  }
});
