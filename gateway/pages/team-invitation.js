/** Accepts an invitation to a brand's team; it is open until a password is set, or until the brand withdraws it. */

import { Refusal, byId, onSubmit, onToken, post, showOnly } from "./account.js";

const OVER = new Set(["identity.link_not_valid", "brand.invitation_not_found"]);

const { join, show, joined, role, over, trouble } = byId("join", "show", "joined", "role", "over", "trouble");
const parts = { join, joined, over };
let token = null;

onToken((given) => {
  token = given;
  showOnly(parts, token ? "join" : "over");
});

show.addEventListener("change", () => {
  join.elements.password.type = show.checked ? "text" : "password";
});

onSubmit(join, trouble, async (form) => {
  try {
    const body = { token, name: form.get("name"), password: form.get("password") };
    const { membership } = await post("/v1/members/accept", body);
    role.textContent = membership.role;
    showOnly(parts, "joined");
  } catch (error) {
    if (!(error instanceof Refusal && OVER.has(error.code))) throw error;
    showOnly(parts, "over");
  }
});
