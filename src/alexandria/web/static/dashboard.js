// Moves through the grid with the arrow keys, selects months in it, fills in the name of who acts, and shows local times and
// the state of the stream. The pages work without it.
"use strict";
(() => {
  const stream = document.getElementById("stream");
  const byId = (id) => document.getElementById(id);
  const cells = () => [...document.querySelectorAll("#grid td > a")];
  let current = null; // the month that the tab key reaches
  let paused = false;
  let timer = 0;
  let failures = 0;
  const selected = new Set(); // ids of cells
  let anchor = null; // the id of the cell that a range begins at
  let dragged = false;

  function select(link) {
    if (!link) return;
    for (const other of cells()) other.tabIndex = -1;
    link.tabIndex = 0;
    current = link.parentElement.id;
  }

  function prepareGrid() {
    const grid = byId("grid");
    if (!grid) return;
    grid.setAttribute("role", "grid");
    grid.setAttribute("aria-multiselectable", "true");
    showSelection();
    select((current && byId(current)?.firstElementChild) || cells()[0]);
    const shown = new URLSearchParams(location.search).get("show") ?? "";
    for (const chip of document.querySelectorAll("#legend a"))
      if (chip.dataset.state === shown) chip.setAttribute("aria-current", "true");
    const button = byId("pause-updates");
    button.hidden = false;
    button.textContent = paused ? "Resume updates" : "Pause updates";
  }

  function showStatus(text) {
    const live = byId("live");
    if (live && live.textContent !== text) live.textContent = text;
  }

  function neighbour(link, key) {
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

  // "2019-07 2018-01..2018-06": single months and ranges without a gap, oldest first.
  function written() {
    const number = (id) => 12 * Number(id.slice(1, 5)) + Number(id.slice(6)) - 1;
    const parts = [];
    for (const id of [...selected].sort()) {
      const last = parts.at(-1);
      if (last && number(id) === number(last[1]) + 1) last[1] = id;
      else parts.push([id, id]);
    }
    return parts.map(([from, to]) => (from === to ? from.slice(1) : `${from.slice(1)}..${to.slice(1)}`)).join(" ");
  }

  function showSelection() {
    const bar = byId("selection");
    if (!bar) return;
    for (const cell of document.querySelectorAll("#grid td[aria-selected]"))
      if (!selected.has(cell.id)) cell.removeAttribute("aria-selected");
    for (const id of selected) byId(id)?.setAttribute("aria-selected", "true");
    bar.toggleAttribute("data-chosen", selected.size > 0);
    const text = selected.size ? `${selected.size} ${selected.size === 1 ? "month" : "months"} selected` : "";
    const output = bar.querySelector(".count");
    if (output.textContent !== text) output.textContent = text;
    if (selected.size || bar.dataset.written)
      for (const field of bar.querySelectorAll("input[name=selected]")) field.value = written();
    bar.dataset.written = selected.size ? "1" : "";
  }

  // All months from the anchor to this one, in time.
  function extend(link) {
    const [from, to] = [anchor ?? link.parentElement.id, link.parentElement.id].sort();
    anchor ??= link.parentElement.id;
    selected.clear();
    for (const each of cells()) {
      const { id } = each.parentElement;
      if (from <= id && id <= to) selected.add(id);
    }
    showSelection();
  }

  function unselect() {
    selected.clear();
    anchor = null;
    showSelection();
  }

  document.addEventListener("pointerdown", (event) => {
    dragged = false;
    const link = event.target.closest?.("#grid td > a");
    if (link && event.button === 0 && event.pointerType === "mouse" && !event.shiftKey) anchor = link.parentElement.id;
  });
  document.addEventListener("pointerover", (event) => {
    const link = event.target.closest?.("#grid td > a");
    if (!link || !(event.buttons & 1) || event.pointerType !== "mouse" || !anchor) return;
    if (!dragged && link.parentElement.id === anchor) return;
    dragged = true;
    extend(link);
  });
  document.addEventListener("dragstart", (event) => { if (event.target.closest?.("#grid")) event.preventDefault(); });
  document.addEventListener("click", (event) => {
    if (event.target.id === "unselect") { unselect(); return; }
    const link = event.target.closest?.("#grid td > a");
    if (!link || (!event.shiftKey && !dragged)) return;
    event.preventDefault(); // it selects, and opens nothing
    if (!dragged) extend(link);
    dragged = false;
  });

  document.addEventListener("keydown", (event) => {
    const link = event.target.closest?.("#grid td > a");
    if (!link || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape") unselect();
    if (event.key === " ") {
      event.preventDefault();
      const { id } = link.parentElement;
      if (!selected.delete(id)) selected.add(id);
      anchor = id;
      showSelection();
    }
    if (!/^(Arrow(Up|Down|Left|Right)|Home|End)$/.test(event.key)) return;
    event.preventDefault();
    const next = neighbour(link, event.key);
    if (!next) return;
    if (event.shiftKey) {
      if (!selected.size) anchor = link.parentElement.id;
      extend(next);
    }
    select(next);
    next.focus();
  });
  document.addEventListener("focusin", (event) => select(event.target.closest?.("#grid td > a")));
  document.addEventListener("mouseover", (event) => {
    const link = event.target.closest?.("#grid td > a");
    if (link) link.title = link.textContent;
  });

  // A person types the name once; later forms are filled in with it.
  function fillName() {
    const name = localStorage.getItem("name");
    for (const field of document.querySelectorAll("input[name=who]"))
      if (name && !field.value && field !== document.activeElement) field.value = name;
  }
  // Pages have their times in UTC, which stays in the title; here they are shown in the zone of the browser.
  const day = { day: "2-digit", month: "short", year: "numeric" };
  const minute = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const time = { ...minute, second: "2-digit" };
  const short = { day: "2-digit", month: "short", ...minute };
  const zone = { timeZoneName: "short" };
  const forms = { date: { ...day, ...time, ...zone }, clock: { ...time, ...zone }, time, minute, short };
  function showLocalTimes() {
    for (const each of document.querySelectorAll("time[data-local]")) {
      const at = new Date(each.dateTime);
      if (!at.getTimezoneOffset()) continue;
      const text = at.toLocaleString("en-GB", forms[each.dataset.local]);
      if (each.textContent !== text) each.textContent = text;
    }
  }

  document.addEventListener("submit", (event) => {
    const field = event.target.elements.namedItem("who");
    if (field?.value) localStorage.setItem("name", field.value);
    if (event.target.closest("#selection") && event.target.method === "post") setTimeout(unselect); // once it is sent
  }, true);

  document.addEventListener("htmx:after:swap", (event) => {
    prepareGrid();
    fillName();
    showLocalTimes();
    if (event.target === stream || document.activeElement !== document.body) return;
    byId("message")?.focus();
  });
  prepareGrid();
  fillName();
  showLocalTimes();
  if (!stream) return;

  // Not by an attribute: htmx may read the page before its stream extension is loaded.
  function connect() {
    htmx.ajax("GET", stream.dataset.events, { source: stream, swap: "none" });
  }
  const poll = Number(stream.dataset.poll) * 1000;
  function reconnectIn(wait) {
    clearTimeout(timer);
    timer = setTimeout(connect, wait);
  }
  function lost() {
    failures += 1;
    showStatus("Connection lost, retrying; as of");
    reconnectIn(Math.min(500 * 2 ** failures, poll));
  }
  const live = () => showStatus(paused ? "Updates paused at" : "Live, updated");

  stream.addEventListener("htmx:sse:after:connection", () => { failures = 0; live(); });
  stream.addEventListener("htmx:sse:close", () => lost());
  stream.addEventListener("htmx:error", () => lost());
  stream.addEventListener("htmx:response:error", (event) => {
    if (event.detail.ctx.response.status === 401) location.reload();
    else lost();
  });
  stream.addEventListener("htmx:sse:after:message", live);
  stream.addEventListener("away", (event) => showStatus(`${event.detail.data}; as of`));
  stream.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    if (paused) { tasks.length = 0; return; }
    const reading = (task) => task.target?.id === "log" && task.target.scrollTop > 4;
    for (let i = tasks.length - 1; i >= 0; i--) if (reading(tasks[i])) tasks.splice(i, 1);
    if (ctx.response.headers.get("Content-Type").startsWith("text/html")) {
      failures = 0;
      showStatus("Many pages open: updating every 10 s; as of");
      reconnectIn(poll);
    }
  });
  byId("main").addEventListener("click", (event) => {
    if (event.target.id !== "pause-updates") return;
    paused = !paused;
    if (paused) { prepareGrid(); live(); } else location.reload();
  });
  connect();
})();
