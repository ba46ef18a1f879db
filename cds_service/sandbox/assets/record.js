// A FHIR record in the browser: its resources, what was changed of them, and short words for each.

function* resourcesOf(content) {
  if (Array.isArray(content)) {
    for (const item of content) yield* resourcesOf(item);
  } else if (content && typeof content === "object") {
    if (content.resourceType === "Bundle" || (!content.resourceType && Array.isArray(content.entry))) {
      for (const entry of content.entry || []) {
        if (entry && entry.resource && entry.resource.resourceType === "Bundle") yield* resourcesOf(entry.resource);
        else if (entry && entry.resource) yield { resource: entry.resource, fullUrl: entry.fullUrl };
      }
    } else if (content.resourceType === "Parameters") {
      for (const part of content.parameter || []) yield* resourcesOf(part && part.resource);
    } else if (typeof content.resourceType === "string") {
      yield { resource: content };
    } else if (content.prefetch) {
      for (const value of Object.values(content.prefetch)) yield* resourcesOf(value);
      if (content.context) yield* resourcesOf(content.context.draftOrders);
    }
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    const lines = text.split("\n").filter((line) => line.trim());
    try { return lines.map((line) => JSON.parse(line)); } catch { return null; }
  }
}

export class PatientRecord {
  constructor(text) {
    this.original = text;
    const content = parse(text);
    this.readable = content !== null;
    this.hook = content && typeof content.hook === "string" ? content.hook : "";
    this.entries = [];
    const seen = new Map();
    for (const { resource, fullUrl } of this.readable ? resourcesOf(content) : []) {
      let key = resource.id ? `${resource.resourceType}/${resource.id}` : fullUrl || `${resource.resourceType}/#${this.entries.length + 1}`;
      const count = (seen.get(key) || 0) + 1;
      seen.set(key, count);
      const entry = { key: count > 1 ? `${key} (${count})` : key, ref: key, fullUrl, resource, edited: null, removed: false, added: false };
      this.entries.push(entry);
    }
  }

  get changes() {
    return this.entries.filter((entry) => entry.removed || entry.edited || entry.added);
  }

  // The text to be judged: as it came while nothing is changed, else a Bundle of what is left.
  get text() {
    if (!this.changes.length) return this.original;
    const entry = this.entries.filter((one) => !one.removed).map((one) => ({ ...(one.fullUrl ? { fullUrl: one.fullUrl } : {}), resource: one.edited || one.resource }));
    return JSON.stringify({ resourceType: "Bundle", type: "collection", entry });
  }

  find(ref) {
    return this.entries.find((entry) => entry.ref === ref || entry.fullUrl === ref || entry.key === ref)
      || this.entries.find((entry) => entry.ref.endsWith("/" + ref.split("/").slice(-2).join("/")));
  }

  add(resource) {
    const id = resource.id ? `${resource.resourceType}/${resource.id}` : `${resource.resourceType}/#${this.entries.length + 1}`;
    const entry = { key: id, ref: id, resource, edited: null, removed: false, added: true };
    this.entries.push(entry);
    return entry;
  }

  undo() {
    this.entries = this.entries.filter((entry) => !entry.added);
    for (const entry of this.entries) Object.assign(entry, { edited: null, removed: false });
  }

  save() {
    const state = {};
    const removed = this.entries.filter((entry) => entry.removed && !entry.added).map((entry) => entry.key);
    const edited = this.entries.filter((entry) => entry.edited && !entry.added).map((entry) => [entry.key, entry.edited]);
    const added = this.entries.filter((entry) => entry.added && !entry.removed).map((entry) => entry.edited || entry.resource);
    if (removed.length) state.x = removed;
    if (edited.length) state.e = edited;
    if (added.length) state.a = added;
    return state;
  }

  load(state) {
    this.undo();
    for (const key of state.x || []) { const entry = this.entries.find((one) => one.key === key); if (entry) entry.removed = true; }
    for (const [key, resource] of state.e || []) { const entry = this.entries.find((one) => one.key === key); if (entry) entry.edited = resource; }
    for (const resource of state.a || []) if (resource && typeof resource.resourceType === "string") this.add(resource);
  }
}

function words(concept) {
  if (!concept || typeof concept !== "object") return "";
  if (typeof concept.text === "string" && concept.text) return concept.text;
  const coding = (concept.coding || []).find((one) => one && one.display) || (concept.coding || [])[0];
  if (coding) return String(coding.display || coding.code || "");
  if (concept.concept) return words(concept.concept);
  return String(concept.display || concept.reference || "");
}

export function summary(resource) {
  const about = words(resource.code) || words(resource.medicationCodeableConcept) || words(resource.medication) || words(resource.medicationReference) || words(resource.vaccineCode);
  let value = words(resource.valueCodeableConcept) || resource.valueString || "";
  if (resource.valueQuantity) value = `${resource.valueQuantity.value ?? ""} ${resource.valueQuantity.unit || ""}`;
  if (resource.valueInteger !== undefined) value = String(resource.valueInteger);
  if (resource.resourceType === "Patient") return [resource.gender, resource.birthDate && `born ${resource.birthDate}`].filter(Boolean).join(", ") || "Patient";
  return [about, value].filter(Boolean).join(": ").slice(0, 160) || resource.resourceType;
}

export function dateOf(resource) {
  for (const name of ["onsetDateTime", "effectiveDateTime", "occurrenceDateTime", "performedDateTime", "whenHandedOver", "authoredOn", "recordedDate", "occurenceDateTime", "date"]) {
    if (typeof resource[name] === "string") return resource[name].slice(0, 10);
  }
  for (const name of ["effectivePeriod", "performedPeriod", "onsetPeriod", "occurrencePeriod"]) {
    if (resource[name] && resource[name].start) return String(resource[name].start).slice(0, 10);
  }
  return "";
}
