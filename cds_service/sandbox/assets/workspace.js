// The page of one patient: moves the day, switches the labels, changes the record, and lets the three panes explain each other.
import { PatientRecord, dateOf, summary } from "./record.js";
import { copyText, pack, said, unpack } from "./state.js";

const $ = (id) => document.getElementById(id);
const stage = $("stage");
const page = $("workspace");
const set = page.dataset;
const DAY = 86400000;
const own = !set.record;
const state = { day: set.day, jurisdiction: set.jurisdiction, hook: set.hook, order: set.order || "", start: set.start, days: Number(set.days || 0), stops: (set.stops || "").split(" ").filter(Boolean) };
let record = null;
let asked = 0;
let chosen = null;
let open = null;
let shareOwn = false;
let orderShown = null;

const HOOKS = [...document.querySelectorAll("input[name='hook']")].map((radio) => radio.value);

// Days

const number = (day) => Math.round((Date.parse(day) - Date.parse(state.start)) / DAY);
const dayAt = (count) => new Date(Date.parse(state.start) + count * DAY).toISOString().slice(0, 10);

function showDay() {
  $("day").value = state.day;
  $("range").max = String(state.days);
  $("range").value = String(number(state.day));
  $("range").setAttribute("aria-valuetext", state.day);
  $("earlier").disabled = !state.stops.some((stop) => stop < state.day);
  $("later").disabled = !state.stops.some((stop) => stop > state.day);
}

// On a narrow screen the chart starts at the day that is judged, not at the diagnosis.
function seeToday() {
  const scroll = $("chart-scroll");
  const inner = scroll.firstElementChild.clientWidth;
  if (inner > scroll.clientWidth) scroll.scrollLeft = inner * (0.168 + 0.804 * (number(state.day) / state.days)) - scroll.clientWidth * 0.9;
}

// Asking the service

async function post(address, body) {
  return fetch(set.prefix + address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), cache: "no-store" });
}

const question = () => ({ record: record ? record.text : "", asOf: state.day, jurisdiction: state.jurisdiction, hook: state.hook, order: state.order, default: set.default, hookInstance: set.instance });

let keepTimer = 0;
let waiting = null;
let running = false;
function refresh() {
  // One question at a time; while one is under way only the newest of the others waits.
  waiting = ++asked;
  if (!running) ask();
}

async function ask() {
  running = true;
  while (waiting !== null) {
    const mine = waiting;
    waiting = null;
    try {
      const answer = await post("/sandbox/view", question());
      const told = await answer.json();
      if (mine === asked) answer.ok && !told.error ? show(told) : fail(told);
    } catch {
      fail({ error: { text: "The service does not answer. Is it still running?" } });
    }
  }
  running = false;
}

function show(told) {
  $("problem").hidden = true;
  if ($("paste-error")) $("paste-error").hidden = true;
  const fresh = stage && stage.hidden;
  if (stage) { stage.hidden = false; document.body.classList.add("loaded"); }
  for (const [id, part] of [["headline", "headline"], ["card", "card"], ["history", "history"], ["reasoning", "reasoning"], ["notes", "notes"]]) put($(id), told[part]);
  state.start = told.axis.start;
  state.days = told.axis.days;
  state.stops = told.stops;
  state.day = told.day;
  state.order = told.order_word || state.order;
  showOrders(told.order);
  showDay();
  if (fresh) seeToday();
  light();
  showChanges();
  clearTimeout(keepTimer);
  keepTimer = setTimeout(keepAddress, 200);
  cardsOverTime();
}

// The list of orders is left alone while it offers the same, so that it keeps the focus.
function showOrders(html) {
  const offers = html.replace(" selected", "");
  if (offers !== orderShown) put($("order"), html);
  orderShown = offers;
  if ($("order-word")) $("order-word").value = state.order;
}

// Our own server escaped these fragments; the policy of the page forbids anything that could run in them.
function put(place, html) {
  const far = place.querySelector("details.far");
  const wasOpen = far && far.open;
  const parsed = new DOMParser().parseFromString(html, "text/html");
  place.replaceChildren(...parsed.body.childNodes);
  if (wasOpen) { const again = place.querySelector("details.far"); if (again) again.open = true; }
}

function fail(told) {
  const error = told.error || { text: (told.issue && told.issue[0] && told.issue[0].diagnostics) || "This cannot be judged." };
  const box = own && stage.hidden ? $("paste-error") : $("problem");
  box.replaceChildren(Object.assign(document.createElement("strong"), { textContent: error.text }));
  if (error.excerpt && !(record && record.changes.length)) {
    const pre = document.createElement("pre");
    error.excerpt.forEach((text, at) => {
      const line = document.createElement("span");
      const here = error.first + at === error.line;
      line.className = here ? "at" : "";
      line.textContent = `${here ? "▸" : " "} ${String(error.first + at).padStart(4)}  ${text}\n`;
      pre.append(line);
    });
    box.append(pre);
  }
  box.hidden = false;
}

let spansAsked = "";
let spansTimer = 0;
function cardsOverTime() {
  const key = `${state.jurisdiction} ${state.hook} ${state.order} ${record ? record.text.length : 0} ${JSON.stringify(record ? record.save() : {})}`;
  if (key === spansAsked) return;
  clearTimeout(spansTimer);
  spansTimer = setTimeout(async () => {
    if (!record || running) { cardsOverTime(); return; }
    spansAsked = key;
    const answer = await post("/sandbox/cards", question());
    const { spans } = answer.ok ? await answer.json() : {};
    if (!spans) return;
    const words = { met: "card: match", review: "card: review", unknown: "card: cannot determine", silent: "" };
    $("spans-told").textContent = `Card over time: ${spans.map((span) => `${words[span.kind] || "none"} from ${span.from}`).join("; ")}.`;
    $("spans").replaceChildren(...spans.map((span, at) => {
      const from = at ? number(span.from) : 0;
      const to = at + 1 < spans.length ? number(spans[at + 1].from) : state.days;
      const bar = document.createElement("i");
      bar.className = span.kind;
      bar.textContent = (to - from) / state.days > 0.13 ? words[span.kind] : "";
      bar.title = `${words[span.kind] || "no card"}, from ${span.from}`;
      bar.style.left = `${(100 * from) / state.days}%`;
      bar.style.width = `${(100 * (to - from)) / state.days}%`;
      return bar;
    }));
  }, 250);
}

// The address

function changed() {
  return state.day !== set.day || state.jurisdiction !== set.jurisdiction || state.hook !== set.hook || state.order !== (set.order || state.order) || (record && record.changes.length);
}

async function keepAddress() {
  const kept = { d: state.day, j: state.jurisdiction, h: state.hook, ...(state.order ? { o: state.order } : {}), ...(record ? record.save() : {}) };
  if (own && shareOwn && record) kept.r = record.original;
  const fragment = (own ? shareOwn : changed()) ? "#" + await pack(kept) : "";
  history.replaceState(null, "", location.pathname + location.search + fragment);
}

function showChanges() {
  const count = record ? record.changes.length : 0;
  $("undo").hidden = !count;
  $("changes").hidden = !count;
  $("changes").textContent = count ? `${count} resource${count === 1 ? "" : "s"} changed from the original: ${record.changes.slice(0, 4).map((entry) => `${entry.key} ${entry.removed ? "removed" : entry.added ? "added" : "edited"}`).join(", ")}${count > 4 ? " …" : ""}` : "";
  $("record-count").textContent = record ? ` (${record.entries.filter((entry) => !entry.removed).length})` : "";
}

function showChoices() {
  for (const radio of document.querySelectorAll("input[name='jurisdiction'], input[name='hook']")) radio.checked = radio.value === state[radio.name];
}

async function restore() {
  const kept = await unpack(location.hash.slice(1));
  if (!kept) return false;
  if (own) {
    if (typeof kept.r !== "string") return false;
    shareOwn = true;
    record = new PatientRecord(kept.r);
    $("paste").value = kept.r;
  }
  if (typeof kept.d === "string" && /^\d{4}-\d\d-\d\d$/.test(kept.d)) state.day = kept.d;
  if (kept.j === "us" || kept.j === "eu") state.jurisdiction = kept.j;
  if (typeof kept.h === "string" && HOOKS.includes(kept.h)) state.hook = kept.h;
  if (typeof kept.o === "string") state.order = kept.o;
  if (record) record.load(kept);
  showChoices();
  return true;
}

// Evidence

function choose(button) {
  document.querySelectorAll(".cell[aria-pressed='true'], .dot[aria-pressed='true']").forEach((one) => one.setAttribute("aria-pressed", "false"));
  if (chosen && button && chosen.key === keyOf(button)) { clear(); return; }
  button.setAttribute("aria-pressed", "true");
  const refs = (button.dataset.refs || "").split(" ").filter(Boolean);
  chosen = { key: keyOf(button), refs, lights: button.dataset.lights };
  const because = button.dataset.because || button.querySelector(".cell-because").textContent;
  const word = button.classList.contains("dot") ? button.getAttribute("aria-label").slice(button.dataset.name.length + 2).split(".")[0] : button.querySelector(".cell-word").textContent.trim().replace(/\s+/g, ", ").replace("not, met", "not met");
  const text = document.createElement("p");
  const what = Object.assign(document.createElement("span"), { className: "what", textContent: `${button.dataset.rule} · ${button.dataset.name}: ${word}` });
  text.append(what, because);
  const list = document.createElement("div");
  list.className = "refs";
  refs.slice(0, 14).forEach((ref) => list.append(refButton(ref)));
  if (refs.length > 14) list.append(`and ${refs.length - 14} more`);
  if (!refs.length) list.append("No resource says so: " + (button.classList.contains("unknown") ? "that is why it stays unknown." : "it rests on what was looked for and not found."));
  $("because").replaceChildren(text, list);
  $("source-because").textContent = `${what.textContent}. ${because}`;
  $("source-because").hidden = false;
  light();
  if (refs.length) showSource(telling(refs));
}

// Of several references the one that says most: a status, a diagnosis or a procedure before one of many doses.
const telling = (refs) => refs.find((ref) => /(^|\/)(Observation|Condition|Procedure)\//.test(ref)) || refs[0];

const keyOf = (button) => button.dataset.key;

function refButton(ref) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ref";
  button.dataset.ref = ref;
  const entry = record && record.find(ref);
  const resource = entry && (entry.edited || entry.resource);
  button.textContent = resource ? `${ref} · ${[dateOf(resource), summary(resource)].filter(Boolean).join(" ")}`.slice(0, 90) : ref;
  return button;
}

function light() {
  const history = $("history");
  history.querySelectorAll(".lit").forEach((one) => one.classList.remove("lit"));
  history.parentElement.classList.toggle("lighting", Boolean(chosen));
  if (!chosen) return;
  const wanted = new Set(chosen.refs);
  let count = 0;
  history.querySelectorAll("[data-refs]").forEach((one) => {
    const hit = one.classList.contains("band") ? chosen.lights === "lines" : one.dataset.refs.split(" ").some((ref) => wanted.has(ref));
    one.classList.toggle("lit", hit);
    count += hit ? 1 : 0;
  });
  if (chosen.lights === "window") history.querySelectorAll(".window").forEach((one) => one.classList.add("lit"));
  if (!count) history.parentElement.classList.remove("lighting");
  document.querySelectorAll(".cell, button.dot").forEach((one) => one.setAttribute("aria-pressed", String(keyOf(one) === chosen.key)));
}

function clear() {
  chosen = null;
  const hint = Object.assign(document.createElement("p"), { className: "hint", textContent: "Choose a cell: its evidence lights up in the history, and the FHIR resource behind it opens. “Inferred” is worked out from dates, drugs and procedures." });
  $("source-because").hidden = true;
  $("because").replaceChildren(hint);
  light();
}

// The record

let before = null;
function openSource() {
  if ($("source").hidden) { before = document.activeElement; listResources(); }
  $("source").hidden = false;
  document.querySelector(".panes").classList.add("with-source");
  $("open-record").setAttribute("aria-expanded", "true");
}

function closeSource() {
  $("source").hidden = true;
  document.querySelector(".panes").classList.remove("with-source");
  $("open-record").setAttribute("aria-expanded", "false");
  if (before && before.isConnected) before.focus(); else $("open-record").focus();
}

function listResources() {
  if (!record) return;
  const words = $("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [];
  for (const entry of record.entries) {
    const resource = entry.edited || entry.resource;
    const date = dateOf(resource);
    const text = summary(resource);
    const all = `${entry.key} ${text} ${date}`.toLowerCase();
    if (!words.every((word) => all.includes(word))) continue;
    const row = document.createElement("button");
    row.type = "button";
    row.className = "resource" + (entry.removed ? " removed" : "");
    row.dataset.key = entry.key;
    if (entry === open) row.setAttribute("aria-current", "true");
    const span = (name, content) => Object.assign(document.createElement("span"), { className: name, textContent: content });
    row.append(span("text", text), span("date", date), span("id", entry.key), span("tag", entry.removed ? "removed" : entry.added ? "added" : entry.edited ? "edited" : ""));
    rows.push(row);
  }
  if (!rows.length) rows.push(Object.assign(document.createElement("p"), { className: "muted", textContent: record.readable ? "No resource fits." : "The record cannot be listed here; the service reads more forms than this list." }));
  $("resources").replaceChildren(...rows);
}

function showSource(ref) {
  openSource();
  const entry = record && record.find(ref);
  if (!entry) { edit(null, ref); return; }
  edit(entry);
}

function edit(entry, title) {
  open = entry;
  $("editor").hidden = false;
  $("editor-title").textContent = entry ? entry.key : title;
  $("json").value = entry ? JSON.stringify(entry.edited || entry.resource, null, 2) : "";
  $("json").readOnly = !entry;
  $("json").scrollTop = 0;
  $("json-error").hidden = true;
  $("remove").hidden = !entry || entry.removed;
  $("apply").hidden = !entry;
  $("restore").hidden = !entry || !(entry.removed || entry.edited);
  [...$("resources").children].forEach((row) => row.toggleAttribute("aria-current", false));
  const row = entry && [...$("resources").children].find((one) => one.dataset.key === entry.key);
  if (!row) return;
  row.setAttribute("aria-current", "true");
  const list = $("resources");
  const place = row.offsetTop - list.offsetTop;
  if (place < list.scrollTop || place + row.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = place - 60;
}

function changedRecord() {
  listResources();
  if (open) edit(record.entries.includes(open) ? open : null, "");
  refresh();
}

$("apply").addEventListener("click", () => {
  let resource;
  try { resource = JSON.parse($("json").value); } catch (error) { jsonError(`Not JSON: ${error.message}`); return; }
  if (!resource || typeof resource.resourceType !== "string") { jsonError("A resource needs a resourceType."); return; }
  if (open.added) open.resource = resource; else open.edited = JSON.stringify(resource) === JSON.stringify(open.resource) ? null : resource;
  open.removed = false;
  changedRecord();
});

function jsonError(text) { $("json-error").textContent = text; $("json-error").hidden = false; }

$("remove").addEventListener("click", () => {
  if (open.added) { record.entries = record.entries.filter((entry) => entry !== open); open = null; $("editor").hidden = true; } else open.removed = true;
  changedRecord();
  $("source").focus();
});
$("restore").addEventListener("click", () => { open.removed = false; open.edited = null; changedRecord(); });
$("add").addEventListener("click", () => {
  if (!record) return;
  const patient = record.entries.find((entry) => entry.resource.resourceType === "Patient");
  const subject = { reference: patient ? patient.ref : "Patient/example" };
  const { resource: content, date } = $("addition").selectedOptions[0].dataset;
  const { resourceType, ...rest } = JSON.parse(content);
  const resource = { resourceType, id: `added-${record.entries.length + 1}`, ...rest, subject, [date]: state.day };
  const entry = record.add(resource);
  $("find").value = "";
  listResources();
  edit(entry);
  $("json").focus();
  refresh();
});
$("find").addEventListener("input", listResources);
$("resources").addEventListener("click", (event) => {
  const row = event.target.closest(".resource");
  if (row) edit(record.entries.find((entry) => entry.key === row.dataset.key));
});
$("open-record").addEventListener("click", () => { if ($("source").hidden) { openSource(); $("source").focus(); } else closeSource(); });
$("close-source").addEventListener("click", closeSource);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (!$("source").hidden) closeSource(); else if (chosen) clear();
});

// What if

$("whatif").addEventListener("submit", (event) => event.preventDefault());
// On the page, since some of the fields stand in the card pane.
page.addEventListener("change", (event) => {
  if (event.target.name === "jurisdiction") state.jurisdiction = event.target.value;
  else if (event.target.name === "hook") state.hook = event.target.value;
  else if (event.target.name === "order") state.order = event.target.value;
  else if (event.target.id === "day" && event.target.value) state.day = event.target.value;
  else return;
  showDay();
  refresh();
});
$("range").addEventListener("input", (event) => { state.day = dayAt(Number(event.target.value)); $("day").value = state.day; event.target.setAttribute("aria-valuetext", state.day); refresh(); });
$("earlier").addEventListener("click", () => go(state.stops.filter((stop) => stop < state.day).at(-1)));
$("later").addEventListener("click", () => go(state.stops.find((stop) => stop > state.day)));
function go(stop) { if (stop) { state.day = stop; showDay(); refresh(); } }
$("undo").addEventListener("click", () => { record.undo(); open = null; $("editor").hidden = true; changedRecord(); });
$("share").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  if (own && !shareOwn) {
    if (!window.confirm("This puts the whole record into the address of the page (behind the #; it is not sent to the server, but stays in the history of this browser and goes wherever you paste the link). Go on?")) return;
    shareOwn = true;
  }
  await keepAddress();
  said(button, (await copyText(location.href)) ? "Copied" : "Copy it from the address bar");
});
$("report").addEventListener("click", () => {
  if (set.report && !(record && record.changes.length)) {
    window.open(`${set.report}?asOf=${state.day}&jurisdiction=${state.jurisdiction}`, "_blank", "noopener");
    return;
  }
  const form = $("report-form");
  form.elements.state.value = JSON.stringify(question());
  form.submit();
});

// Clicks inside the panes

page.addEventListener("click", (event) => {
  const target = event.target;
  const cell = target.closest(".cell, button.dot");
  if (cell) { before = cell; choose(cell); return; }
  const ref = target.closest("[data-ref]");
  if (ref) { before = ref; showSource(ref.dataset.ref); return; }
  const box = target.closest(".chart .box");
  if (box && box.dataset.refs) {
    const refs = box.dataset.refs.split(" ");
    chosen = { key: "", refs, lights: "" };
    const text = Object.assign(document.createElement("p"), { textContent: box.querySelector("title").textContent });
    const list = Object.assign(document.createElement("div"), { className: "refs" });
    refs.slice(0, 14).forEach((one) => list.append(refButton(one)));
    $("because").replaceChildren(text, list);
    light();
    showSource(refs[0]);
    return;
  }
  const accept = target.closest("[data-accept]");
  if (accept) { feedback(accept.closest(".cds-card"), { outcome: "accepted", acceptedSuggestions: [{ id: accept.dataset.accept }] }); return; }
  const dismiss = target.closest("[data-dismiss]");
  if (dismiss) {
    const form = dismiss.closest(".cds-card").querySelector(".override");
    form.hidden = !form.hidden;
    dismiss.setAttribute("aria-expanded", String(!form.hidden));
    if (!form.hidden) form.querySelector("input").focus();
    return;
  }
  const send = target.closest("[data-send]");
  if (send) sendRequest(send);
});

page.addEventListener("submit", (event) => {
  const form = event.target.closest(".override");
  if (!form) return;
  event.preventDefault();
  const radio = form.querySelector("input[name='reason']:checked");
  const comment = form.elements.comment.value.trim();
  const overrideReason = {};
  if (radio) overrideReason.reason = { code: radio.value, system: radio.dataset.system };
  if (comment) overrideReason.userComment = comment;
  feedback(form.closest(".cds-card"), { outcome: "overridden", ...(radio || comment ? { overrideReason } : {}) });
});

async function feedback(card, outcome) {
  const place = card.querySelector(".sent");
  const address = `/cds-services/${card.dataset.service}/feedback`;
  try {
    const answer = await post(address, { feedback: [{ card: card.dataset.card, outcomeTimestamp: new Date().toISOString(), ...outcome }] });
    place.classList.toggle("failed", !answer.ok);
    const told = answer.status === 401 ? " (this service asks for a token, which a page has not)" : "";
    place.textContent = `${outcome.outcome === "accepted" ? "Accepted" : "Dismissed"}. POST ${address} answered ${answer.status}${told}.`;
  } catch {
    place.classList.add("failed");
    place.textContent = "The feedback could not be sent.";
  }
}

async function sendRequest(button) {
  const out = button.parentElement.querySelector(".wire-out");
  const made = await post("/sandbox/request", { record: record ? record.text : "", hook: state.hook, order: state.order });
  const told = await made.json();
  if (!made.ok || told.error) { out.textContent = told.error ? told.error.text : "No request could be made."; return; }
  const began = performance.now();
  const answer = await post(`/cds-services/${told.service}?asOf=${state.day}`, told.request);
  const body = await answer.text();
  const took = Math.round(performance.now() - began);
  out.replaceChildren();
  const part = (title, text) => {
    const head = Object.assign(document.createElement("h4"), { textContent: title });
    const pre = Object.assign(document.createElement("pre"), { textContent: text.length > 200000 ? text.slice(0, 200000) + "\n…" : text, tabIndex: 0 });
    pre.setAttribute("role", "region");
    pre.setAttribute("aria-label", title);
    out.append(head, pre);
  };
  let pretty = body;
  try { pretty = JSON.stringify(JSON.parse(body), null, 2); } catch { /* shown as it is */ }
  part(`Answer: ${answer.status}, ${took} ms`, pretty);
  part("Request", JSON.stringify(told.request, null, 2));
}

// A record of the reader's own

function bring(text) {
  record = new PatientRecord(text);
  open = null;
  chosen = null;
  shareOwn = false;
  $("editor").hidden = true;
  stage.hidden = true;
  set.instance = set.instance || "";
  state.day = set.default;
  state.hook = HOOKS.includes(record.hook) ? record.hook : set.hook;
  state.order = "";
  showChoices();
  spansAsked = "";
  if (!$("source").hidden) listResources();
  clear();
  refresh();
}

if (own) {
  $("assess").addEventListener("click", () => bring($("paste").value));
  $("file").addEventListener("change", async (event) => { const [file] = event.target.files; if (file) take(await file.text()); event.target.value = ""; });
  const drop = $("drop");
  // A file dropped beside the field must not replace the page.
  document.addEventListener("dragover", (event) => { if (inField(event)) return; event.preventDefault(); drop.classList.add("over"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
  document.addEventListener("drop", async (event) => {
    if (inField(event)) return;
    event.preventDefault();
    drop.classList.remove("over");
    const [file] = event.dataTransfer.files;
    take(file ? await file.text() : event.dataTransfer.getData("text"));
  });
  $("example").addEventListener("click", async () => {
    const answer = await fetch(`${set.prefix}/patients/dlbcl-early-relapse/record.json`);
    if (answer.ok) take(JSON.stringify(await answer.json(), null, 2));
  });
}

// Text dragged within the page stays what it is to the field it falls on.
const inField = (event) => !event.dataTransfer.types.includes("Files") && event.target.closest && event.target.closest("textarea, input");

function take(text) {
  $("paste").value = text.length > 2_000_000 ? `${text.slice(0, 2000)}\n… (${text.length} characters)` : text;
  bring(text);
}

// Begin

async function begin() {
  if (own) {
    if (await restore()) refresh();
    return;
  }
  showDay();
  seeToday();
  const answer = await fetch(set.record);
  record = new PatientRecord(await answer.text());
  if (await restore()) refresh(); else { showChanges(); cardsOverTime(); }
}

begin();
