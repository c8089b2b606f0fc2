// Arrow keys in the grid, and the state of the stream. The pages work without it.
"use strict";
(() => {
  const stream = document.getElementById("stream");
  const byId = (id) => document.getElementById(id);
  const cells = () => [...document.querySelectorAll("#grid td > a")];
  let current = null; // the month that the tab key comes to
  let still = false;
  let timer = 0;
  let failures = 0;

  function choose(link) {
    if (!link) return;
    for (const other of cells()) other.tabIndex = -1;
    link.tabIndex = 0;
    current = link.parentElement.id;
  }

  function dress() {
    const grid = byId("grid");
    if (!grid) return;
    grid.setAttribute("role", "grid");
    choose((current && byId(current)?.firstElementChild) || cells()[0]);
    const shown = new URLSearchParams(location.search).get("show") ?? "";
    for (const chip of document.querySelectorAll("#legend a"))
      if (chip.dataset.state === shown) chip.setAttribute("aria-current", "true");
    const button = byId("still");
    button.hidden = false;
    button.textContent = still ? "Resume updates" : "Pause updates";
  }

  function tell(text) {
    const live = byId("live");
    if (live && live.textContent !== text) live.textContent = text;
  }

  function beside(link, key) {
    const row = link.closest("tr");
    const column = link.parentElement.cellIndex;
    const all = [...row.parentElement.rows];
    const at = all.indexOf(row);
    const inRow = [...row.querySelectorAll("td > a")];
    switch (key) {
      case "ArrowRight": return inRow[inRow.indexOf(link) + 1];
      case "ArrowLeft": return inRow[inRow.indexOf(link) - 1];
      case "ArrowDown": return all[at + 1]?.cells[column]?.querySelector("a");
      case "ArrowUp": return all[at - 1]?.cells[column]?.querySelector("a");
      case "Home": return inRow[0];
      case "End": return inRow[inRow.length - 1];
    }
  }

  document.addEventListener("keydown", (event) => {
    const link = event.target.closest?.("#grid td > a");
    if (!link || event.ctrlKey || event.altKey || event.metaKey) return;
    if (!/^(Arrow(Up|Down|Left|Right)|Home|End)$/.test(event.key)) return;
    event.preventDefault();
    const next = beside(link, event.key);
    if (next) { choose(next); next.focus(); }
  });
  document.addEventListener("focusin", (event) => choose(event.target.closest?.("#grid td > a")));
  document.addEventListener("mouseover", (event) => {
    const link = event.target.closest?.("#grid td > a");
    if (link) link.title = link.textContent;
  });

  document.addEventListener("htmx:after:swap", (event) => {
    dress();
    if (event.target === stream || document.activeElement !== document.body) return;
    byId("said")?.focus();
  });
  dress();
  if (!stream) return;

  // Not by an attribute: htmx may read the page before its extension for streams is there.
  function connect() {
    htmx.ajax("GET", stream.dataset.events, { source: stream, swap: "none" });
  }
  const poll = Number(stream.dataset.poll) * 1000;
  function again(wait) {
    clearTimeout(timer);
    timer = setTimeout(connect, wait);
  }
  function lost() {
    failures += 1;
    tell("Lost the stream, retrying; as of");
    again(Math.min(500 * 2 ** failures, poll));
  }
  const live = () => tell(still ? "Updates paused at" : "Live, updated");

  stream.addEventListener("htmx:sse:after:connection", () => { failures = 0; live(); });
  stream.addEventListener("htmx:sse:close", () => lost());
  stream.addEventListener("htmx:error", () => lost());
  stream.addEventListener("htmx:response:error", (event) => {
    if (event.detail.ctx.response.status === 401) location.reload();
    else lost();
  });
  stream.addEventListener("htmx:sse:after:message", live);
  stream.addEventListener("away", (event) => tell(`${event.detail.data}; as of`));
  stream.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    if (still) { tasks.length = 0; return; }
    const reading = (task) => task.target?.id === "log" && task.target.scrollTop > 4;
    for (let i = tasks.length - 1; i >= 0; i--) if (reading(tasks[i])) tasks.splice(i, 1);
    if (ctx.response.headers.get("Content-Type").startsWith("text/html")) {
      failures = 0;
      tell("Many pages are open: updated every 10 s; as of");
      again(poll);
    }
  });
  byId("main").addEventListener("click", (event) => {
    if (event.target.id !== "still") return;
    still = !still;
    if (still) { dress(); live(); } else location.reload();
  });
  connect();
})();
