// Small helps for pages that work without them: dialogs, the server's clock, no double submit.
"use strict";

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    event.preventDefault();
    const dialog = document.getElementById(opener.dataset.dialog);
    if (!dialog.open) dialog.showModal();
    return;
  }
  const closer = event.target.closest("[data-dialog-close]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog").close();
  }
});

// A link that acts as a button answers the space bar too.
document.addEventListener("keydown", (event) => {
  if (event.key === " " && event.target.matches("a[role=button]")) {
    event.preventDefault();
    event.target.click();
  }
});

document.addEventListener("submit", (event) => {
  if (event.target.method === "post") {
    // After the browser has gathered the form: a disabled button would not be sent with it.
    setTimeout(() => event.target.querySelectorAll("[type=submit]").forEach((b) => { b.disabled = true; }));
  }
});

// Back from the next page: what was submitted may be submitted again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("[type=submit]").forEach((b) => { b.disabled = false; });
});

const clock = document.querySelector("[data-server-clock]");
if (clock) {
  const ahead = Number(clock.dataset.serverClock) - Date.now();
  const form = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: "Asia/Shanghai" });
  setInterval(() => { clock.textContent = form.format(Date.now() + ahead); }, 1000);
}
