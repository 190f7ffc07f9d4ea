// The result page while a job waits and runs: server-sent events fill the table, and the page is loaded again at the end.
"use strict";

const VERDICTS = {
  passed: ["✓", "passed", "good"],
  failed: ["✗", "failed", "bad"],
  errored: ["!", "errored", "ours"],
  timed_out: ["◔", "timed out", "bad"],
  crashed: ["✗", "crashed", "bad"],
  inconclusive: ["?", "inconclusive", "open"],
  missing: ["–", "missing", "ours"],
};
const TO_COME = ["·", "to come", "wait"];

const table = document.getElementById("live-table");
const words = document.getElementById("live-state");
const status = document.getElementById("live-status");
const meter = document.querySelector("#live-meter .fill");
const trouble = document.getElementById("live-trouble");
const chip = document.querySelector("#live-chip .chip");
const rows = new Map([...table.querySelectorAll("tr[data-test]")].map((row) => [row.dataset.test, row]));
const worth = new Map([...rows].map(([name, row]) => [name, row.dataset.worth]));

function seconds(value) {
  return value < 9.95 ? `${value.toFixed(2)} s` : `${value.toFixed(0)} s`;
}

function roughly(value) {
  return value < 90 ? `${Math.max(1, Math.round(value))} s` : `${Math.round(value / 60)} min`;
}

function show(row, [mark, word, kind], points, time) {
  row.className = `test ${kind}`;
  const verdict = row.querySelector(".verdict");
  verdict.className = `verdict ${kind}`;
  verdict.querySelector(".mark").textContent = mark;
  verdict.querySelector(".word").textContent = word;
  row.querySelector(".points-cell").textContent = points;
  row.querySelector(".time-cell").textContent = time;
}

function clear() {
  for (const [name, row] of rows) show(row, TO_COME, worth.get(name), "");
  told();
}

function told() {
  const all = [...rows.values()];
  const done = all.filter((row) => !row.classList.contains("wait")).length;
  const passed = all.filter((row) => row.classList.contains("good")).length;
  meter.setAttribute("width", ((100 * done) / Math.max(1, all.length)).toFixed(1));
  status.textContent = done ? `${done} of ${all.length} tests done, ${passed} passed` : "";
}

function state(word, kind) {
  chip.className = `chip ${kind}`;
  chip.textContent = word;
}

const on = {
  place({ ahead, slots, eta_s: eta }) {
    const line = ahead ? `${ahead} ${ahead === 1 ? "job" : "jobs"} before yours` : "Yours is next";
    if (!slots) {
      words.textContent = `${line}. No worker of the ${table.dataset.queue} queue is alive at the moment, so nobody can say when: it is kept.`;
      return;
    }
    const when = eta === null || eta === undefined ? "" : `, about ${roughly(eta)} to go`;
    words.textContent = `${line}, run by ${slots} ${slots === 1 ? "slot" : "slots"} of the ${table.dataset.queue} queue${when}.`;
  },
  started({ attempt, worker }) {
    clear();
    state("running", "busy");
    words.textContent = `Running on ${worker}${attempt > 1 ? `, attempt ${attempt}` : ""}.`;
  },
  measuring({ ahead }) {
    words.textContent = ahead
      ? `Waiting for the engine, ${ahead} before you.`
      : "The engine is measuring; that takes a while.";
  },
  test(event) {
    const row = rows.get(event.test);
    const verdict = VERDICTS[event.verdict];
    if (!row || !verdict) return;
    const points = event.stretch ? "stretch" : `${event.points} of ${event.max_points}`;
    show(row, verdict, points, seconds(event.duration_s));
    told();
  },
  requeued() {
    clear();
    state("waiting", "open");
    document.getElementById("live-lost").hidden = false;
  },
  ended() {
    source.close();
    const key = `ended:${table.dataset.job}`;
    if (sessionStorage.getItem(key)) return; // the reload did not help: leave the reader in peace
    sessionStorage.setItem(key, "1");
    words.textContent = "It is over; the result is coming.";
    location.reload();
  },
};

const source = new EventSource(table.dataset.events);
for (const [kind, act] of Object.entries(on)) {
  source.addEventListener(kind, (event) => act(JSON.parse(event.data)));
}
source.addEventListener("open", () => { trouble.hidden = true; });
source.addEventListener("error", () => { trouble.hidden = false; });
