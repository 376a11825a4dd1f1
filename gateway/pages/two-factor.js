/** Whoever is logged in sets an authenticator app up, replaces its recovery codes, or turns it off. */

import { Refusal, attempt, byId, onSubmit, showOnly } from "./account.js";
import { Session, onLogIn } from "./session.js";

const page = byId(
  ...["log-in", "off", "gone", "begin", "confirm", "qr", "key", "uri", "codes", "recovery", "download", "kept"],
  ...["on", "since", "left", "change", "trouble"],
);
const parts = Object.fromEntries(["log-in", "off", "confirm", "codes", "on"].map((id) => [id, page[id]]));
const session = new Session(() => showOnly(parts, "log-in"));

/** What was proved at the log-in may be too long ago: then the person logs in again. */
async function recently(work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal && error.code === "insufficient_user_authentication") showOnly(parts, "log-in");
    throw error;
  }
}

async function showState() {
  const { enabled, confirmed_at, recovery_codes_left } = await session.call("GET", "/v1/auth/totp");
  if (enabled) {
    page.since.textContent = confirmed_at.slice(0, 10);
    page.left.textContent = recovery_codes_left;
  }
  showOnly(parts, enabled ? "on" : "off");
}

function showCodes(codes) {
  page.recovery.replaceChildren(
    ...codes.map((code) => {
      const item = document.createElement("li");
      item.textContent = code;
      return item;
    }),
  );
  page.download.href = `data:text/plain;charset=utf-8,${encodeURIComponent(`${codes.join("\n")}\n`)}`;
  showOnly(parts, "codes");
}

onLogIn(page["log-in"], page.trouble, session, (kind) => `/v1/${kind}/login`, showState);

page.begin.addEventListener("click", () =>
  attempt(page.begin, page.trouble, async () => {
    const { secret, otpauth_uri, qr_svg } = await recently(() => session.call("POST", "/v1/auth/totp"));
    page.qr.src = `data:image/svg+xml;base64,${btoa(qr_svg)}`;
    page.key.textContent = secret.match(/.{1,4}/g).join(" ");
    page.uri.textContent = otpauth_uri;
    page.gone.hidden = true;
    showOnly(parts, "confirm");
  }),
);

onSubmit(page.confirm, page.trouble, async (form) => {
  const confirmed = await recently(() => session.call("POST", "/v1/auth/totp/confirm", { code: form.get("code") }));
  session.take(confirmed.session);
  page.confirm.reset();
  for (const id of ["key", "uri"]) page[id].textContent = "";
  page.qr.removeAttribute("src");
  showCodes(confirmed.recovery_codes);
});

page.kept.addEventListener("click", () =>
  attempt(page.kept, page.trouble, async () => {
    page.recovery.replaceChildren();
    page.download.removeAttribute("href");
    await showState();
  }),
);

page.change.addEventListener("submit", (event) => {
  event.preventDefault();
  const turnsOff = event.submitter.value === "disable";
  if (turnsOff && !confirm("Turn your app off? The password alone opens your account then.")) return;
  attempt(event.submitter, page.trouble, async () => {
    const code = new FormData(page.change).get("code");
    session.take(await session.call("POST", "/v1/auth/step-up", { code }));
    page.change.reset();
    if (turnsOff) {
      await session.call("DELETE", "/v1/auth/totp");
      page.gone.hidden = false;
      await showState();
    } else {
      const { recovery_codes } = await session.call("POST", "/v1/auth/recovery-codes");
      showCodes(recovery_codes);
    }
  });
});
