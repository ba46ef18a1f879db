// Copy buttons, and the calls this service received.
import { copyText, said } from "./state.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) said(button, (await copyText(button.dataset.copy)) ? "Copied" : "Select and copy");
});

const inspector = document.getElementById("inspector");
const prefix = inspector.dataset.prefix;
const rows = document.getElementById("calls");
const shown = document.getElementById("call");
const headers = { "X-Cart-Cds-Page": "yes" };
let newest = -1;

async function watch() {
  try {
    const answer = await fetch(`${prefix}/sandbox/calls`, { headers, cache: "no-store" });
    if (answer.ok) list((await answer.json()).calls);
    else rows.textContent = "The calls are shown only at the public address of this service.";
  } catch { /* the service may be restarting */ }
}

function list(calls) {
  const top = calls.length ? calls[0].number : 0;
  if (top === newest) return;
  newest = top;
  const cell = (content) => Object.assign(document.createElement("td"), { textContent: content });
  rows.replaceChildren(...calls.map((call) => {
    const row = document.createElement("tr");
    const what = document.createElement("td");
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: `${call.method} ${call.path}` });
    button.addEventListener("click", () => show(call.number));
    what.append(button);
    row.append(cell(String(call.number)), cell(call.at.slice(11, 19)), what, cell(String(call.status)), cell(`${call.ms} ms`));
    return row;
  }));
  if (!calls.length) {
    const row = document.createElement("tr");
    row.append(Object.assign(cell("Nothing yet. Open a patient and choose “Ask the service as an EHR would”."), { colSpan: 5, className: "muted" }));
    rows.replaceChildren(row);
  }
}

function pretty(text) {
  if (!text) return "nothing";
  try { text = JSON.stringify(JSON.parse(text), null, 2); } catch { /* as it is */ }
  return text.length > 300000 ? text.slice(0, 300000) + "\n…" : text;
}

async function show(number) {
  const answer = await fetch(`${prefix}/sandbox/calls/${number}`, { headers, cache: "no-store" });
  if (!answer.ok) return;
  const call = await answer.json();
  shown.replaceChildren();
  const add = (name, text, more) => shown.append(Object.assign(document.createElement(name), { textContent: text, ...more }));
  add("h3", `Call ${call.number}: ${call.method} ${call.path}`);
  add("p", `${call.at}, answered ${call.status} in ${call.ms} ms`, { className: "muted" });
  for (const [title, body] of [["Answer", call.response], ["Request", call.request]]) {
    add("h3", title);
    const pre = Object.assign(document.createElement("pre"), { textContent: pretty(body), tabIndex: 0 });
    pre.setAttribute("role", "region");
    pre.setAttribute("aria-label", title);
    shown.append(pre);
  }
  shown.hidden = false;
  document.querySelector(".inspector").classList.add("open");
}

document.getElementById("forget").addEventListener("click", async () => {
  await fetch(`${prefix}/sandbox/forget`, { method: "POST", headers });
  shown.hidden = true;
  newest = -1;
  watch();
});

watch();
setInterval(() => { if (document.getElementById("live").checked && !document.hidden) watch(); }, 2000);
