"use strict";

const SECONDS_TO_SHOW = 1.5;

/** Copies the code of the figure in which the button stands. */
async function copy(button) {
  const code = button.closest(".snippet").querySelector("code").textContent;
  try {
    await navigator.clipboard.writeText(code);
    button.textContent = "Copied";
  } catch {
    // Without permission the text is selected, so that one key press copies it.
    getSelection().selectAllChildren(button.closest(".snippet").querySelector("code"));
    button.textContent = "Selected";
  }
  setTimeout(() => (button.textContent = "Copy"), SECONDS_TO_SHOW * 1000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.copy");
  if (button) copy(button);
});
