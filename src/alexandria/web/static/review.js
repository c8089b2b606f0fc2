// Keys of the review queue: j and k move between questions, a accepts, r rejects, u undoes. The page works without it.
"use strict";
(() => {
  const keys = document.getElementById("keys");
  if (!keys) return;
  const queue = document.getElementById("queue");
  const questions = queue ? [...queue.children] : [];
  let at = Math.max(0, questions.findIndex((each) => each.hasAttribute("aria-current")));
  let sent = false; // an answer is on its way: another one would stop it

  function select(place) {
    if (!questions[place]) return;
    questions[at].removeAttribute("aria-current");
    at = place;
    questions[at].setAttribute("aria-current", "true");
    questions[at].focus({ preventScroll: true });
    questions[at].scrollIntoView({ block: "nearest" });
    keys.form.elements.at.value = at;
  }

  keys.closest("label").hidden = false;
  keys.checked = localStorage.getItem("review keys") !== "off";
  keys.addEventListener("change", () => localStorage.setItem("review keys", keys.checked ? "on" : "off"));
  keys.form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
    const place = questions.indexOf(event.submitter?.closest("#queue > li"));
    if (place >= 0) keys.form.elements.at.value = place;
  });
  addEventListener("pageshow", () => { sent = false; });

  document.addEventListener("keydown", (event) => {
    if (!keys.checked || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.matches?.("input:not([type=checkbox]), select, textarea")) return;
    switch (event.key) {
      case "j": select(document.activeElement === questions[at] ? at + 1 : at); break;
      case "k": select(at - 1); break;
      case "a": questions[at]?.querySelector("button[value^=accept]")?.click(); break;
      case "r": questions[at]?.querySelector("button[value^=reject]")?.click(); break;
      case "u": document.getElementById("undo")?.click(); break;
    }
  });
  if (queue?.hasAttribute("data-answered")) select(at);
})();
