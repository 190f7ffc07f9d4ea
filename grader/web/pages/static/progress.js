// The page of a rerun that is being graded: asks how far it is, and loads the page again when it is done.
"use strict";

const box = document.getElementById("progress");
const done = document.getElementById("progress-done");
const meter = document.querySelector("#progress-meter .fill");
const trouble = document.getElementById("progress-trouble");
const SOON = 1500;
const LATE = 15000;
let pause = SOON;

async function look() {
  try {
    const answer = await fetch(box.dataset.state, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.statusText);
    const rerun = await answer.json();
    trouble.hidden = true;
    pause = SOON;
    if (done.textContent !== String(rerun.done)) done.textContent = rerun.done;
    meter.setAttribute("width", ((100 * rerun.done) / Math.max(1, rerun.items)).toFixed(1));
    if (rerun.state !== "running") {
      location.reload();
      return;
    }
  } catch {
    trouble.hidden = false;
    pause = Math.min(LATE, pause * 2);
  }
  setTimeout(look, pause);
}

setTimeout(look, SOON);
