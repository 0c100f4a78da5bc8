// Copies and prints. Every page works without this script.
"use strict";
(() => {
  const lines = (id) => {
    const target = document.getElementById(id);
    const found = target.matches("[data-line]") ? [target] : [...target.querySelectorAll("[data-line]")];
    return found.map((line) => line.textContent).join("\n");
  };
  // The page is not in a secure context, or the user has refused the browser permission.
  const copyBySelection = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.className = "said";
    document.body.append(area);
    area.select();
    try {
      return document.execCommand("copy");
    } catch {
      return false;
    } finally {
      area.remove();
    }
  };
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyBySelection(text);
    }
  };
  for (const button of document.querySelectorAll("[data-copy]")) {
    const status = document.querySelector(`[data-for="${button.dataset.copy}"]`);
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copy(lines(button.dataset.copy));
      button.focus();
      // Empty it first, so that a screen reader also says it a second time.
      status.textContent = "";
      status.classList.toggle("failed", !done);
      setTimeout(() => { status.textContent = done ? status.dataset.done : status.dataset.failed; }, 50);
    });
  }
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
})();
