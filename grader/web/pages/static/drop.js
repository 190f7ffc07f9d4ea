// The upload form: drop a file anywhere on it, and hear at once what is wrong with it. The form works without this.
"use strict";

const form = document.getElementById("drop");
const input = document.getElementById("file");
const status = document.getElementById("drop-status");
const button = form.querySelector("button");
const most = Number(form.dataset.most);
let inside = 0;

form.querySelector(".drop-words").hidden = false;

function told() {
  const file = input.files[0];
  status.className = "";
  button.disabled = false;
  status.textContent = "";
  if (!file) return;
  if (file.size > most) {
    status.className = "wrong";
    status.textContent = `${file.name} has ${(file.size / 1048576).toFixed(1)} MB, which is more than is taken. Leave data and outputs out of it.`;
    button.disabled = true;
  } else {
    status.textContent = `${file.name}, ${file.size < 10240 ? `${file.size} bytes` : `${Math.round(file.size / 1024)} kB`}: ready to hand in.`;
    button.focus();
  }
}

function refuse(text) {
  status.className = "wrong";
  status.textContent = text;
}

input.addEventListener("change", told);

for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  form.addEventListener(kind, (event) => event.preventDefault());
}
form.addEventListener("dragenter", () => { inside += 1; form.classList.add("over"); });
form.addEventListener("dragleave", () => { inside -= 1; if (inside <= 0) form.classList.remove("over"); });
form.addEventListener("drop", (event) => {
  inside = 0;
  form.classList.remove("over");
  const items = [...event.dataTransfer.items];
  if (items.length !== 1) return refuse("One file at a time: put several into a .zip.");
  const entry = items[0].webkitGetAsEntry ? items[0].webkitGetAsEntry() : null;
  if (entry && entry.isDirectory) return refuse("That is a folder: put it into a .zip and drop that.");
  input.files = event.dataTransfer.files;
  told();
});

form.addEventListener("submit", () => {
  button.disabled = true;
  button.textContent = "Handing it in …";
});
window.addEventListener("pageshow", () => { button.textContent = "Hand it in"; told(); });
