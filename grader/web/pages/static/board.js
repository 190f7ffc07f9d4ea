// The scoreboard while it is open: server-sent events change cells in place. The page is whole without this.
"use strict";

const table = document.getElementById("board");
const words = document.getElementById("board-live");

function cellOf(row, lab) {
  const head = table.querySelector(`th[data-lab="${CSS.escape(lab)}"]`);
  return head ? row.cells[head.cellIndex] : null;
}

function put(cell, selector, make, text) {
  let part = cell.querySelector(selector);
  if (!part) part = cell.appendChild(make());
  if (part.firstChild?.nodeType === Node.TEXT_NODE) part.firstChild.data = text;
  else part.prepend(text);
  return part;
}

function element(name, kind) {
  const made = document.createElement(name);
  made.className = kind;
  return made;
}

function points(cell, { points, max_points: most, submission }) {
  const link = put(cell, "a", () => element("a", ""), points === null ? "no score" : String(points));
  if (submission) link.href = `/submissions/${encodeURIComponent(submission)}`;
  if (points === null) link.querySelector(".of")?.remove();
  else put(link, ".of", () => element("span", "of"), `/${most}`);
  cell.classList.toggle("full", points !== null && most > 0 && points >= most);
}

function state(cell, { word, kind }) {
  const chip = cell.querySelector(".chip");
  if (!word) {
    chip?.remove();
    return;
  }
  put(cell, ".chip", () => element("span", "chip"), word).className = `chip ${kind}`;
}

function standing(told) {
  const row = table.querySelector(`tr[data-who="${Number(told.person)}"]`);
  const cell = row && cellOf(row, told.lab);
  if (!cell) return;
  if (cell.classList.contains("none")) {
    cell.textContent = "";
    cell.className = "cell";
  }
  points(cell, told);
  state(cell, told);
  const total = row.querySelector(".total");
  total.textContent = String(told.total);
  total.append(Object.assign(element("span", "of"), { textContent: ` of ${told.total_max}` }));
}

if (table) {
  const rows = [...table.querySelectorAll("tr[data-who]")].map((row) => `${row.dataset.who}.${row.dataset.version}`);
  const source = new EventSource(`${table.dataset.events}?rows=${rows.join("-")}`);
  source.addEventListener("standing", (event) => standing(JSON.parse(event.data)));
  source.addEventListener("open", () => { words.textContent = "live"; words.className = "live"; });
  source.addEventListener("error", () => { words.textContent = "not live at the moment"; words.className = ""; });
}
