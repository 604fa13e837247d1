// Choose the models of a figure: check boxes that also are its legend.

const SEARCHED_FROM = 12;
const LISTED = 60;

class Chooser {
  /** `onChange` is called when the choice changes; a chosen model keeps its color and shape. */
  constructor(legend, onChange) {
    this.onChange = onChange;
    this.search = searchField("Find", () => this.list());
    this.items = el("div", { class: "choices" });
    this.said = el("p", { class: "note" });
    this.node = el(
      "fieldset",
      { class: "chooser" },
      el("legend", {}, legend),
      this.search.label,
      this.items,
      this.said,
    );
    this.models = [];
    this.slots = new Map(); // model -> slot
    onPins(() => this.choosePinned() && this.onChange());
  }

  /** Choose the pinned models too; the last others give way if there are too many. Returns whether any is new. */
  choosePinned() {
    const isPin = (model) => isPinned(data.models[model].name);
    const missing = this.models.filter((model) => isPin(model) && !this.slots.has(model));
    for (const model of missing) {
      const others = this.chosen.map(([each]) => each).filter((each) => !isPin(each));
      if (this.slots.size >= SLOTS) this.slots.delete(others.at(-1));
      this.slots.set(model, this.freeSlot());
    }
    this.list();
    return missing.length > 0;
  }

  freeSlot() {
    const taken = new Set(this.slots.values());
    return [...SHAPES.keys()].find((slot) => !taken.has(slot));
  }

  /** Offer models, best first; keep the current choice, or choose the first models if none is left. */
  offer(models, first = 4) {
    this.models = models;
    const kept = [...this.slots].filter(([model]) => models.includes(model));
    this.slots = new Map(kept);
    if (!kept.length) models.slice(0, first).forEach((model, slot) => this.slots.set(model, slot));
    this.searched = models.length > SEARCHED_FROM;
    this.search.label.hidden = !this.searched;
    this.choosePinned();
  }

  /** The chosen models with their slots, sorted by slot. */
  get chosen() {
    return [...this.slots].sort((a, b) => a[1] - b[1]);
  }

  /** Keep the chosen models in the link, one line for each slot. */
  remember(key) {
    this.key = key;
    remember(key, (text) => {
      if (!text || text === this.text) return;
      const names = text.split("\n").slice(0, SLOTS);
      const found = names.map((name, slot) => [this.models.find((model) => modelText(model) === name), slot]);
      this.slots = new Map(found.filter(([model]) => model !== undefined));
      this.list();
      this.onChange();
    });
  }

  get text() {
    const names = Array(SLOTS).fill("");
    for (const [model, slot] of this.slots) names[slot] = modelText(model);
    return names.join("\n").replace(/\n+$/, "");
  }

  toggle(model, on) {
    if (on) this.slots.set(model, this.freeSlot());
    else this.slots.delete(model);
    if (this.key) changeText(this.key, this.text);
    this.list();
    this.onChange();
  }

  list() {
    const wanted = this.search.field.value.toLowerCase();
    const fitting = this.models.filter((model) => data.models[model].name.toLowerCase().includes(wanted));
    if (this.searched && !wanted) fitting.sort((a, b) => this.slots.has(b) - this.slots.has(a)); // chosen ones first
    const focused = document.activeElement?.dataset.model;
    const full = this.slots.size >= SLOTS;
    this.items.replaceChildren(...fitting.slice(0, LISTED).map((model) => this.item(model, full)));
    const hidden = fitting.length - LISTED;
    this.said.textContent = sentences(
      full && `At most ${SLOTS}.`,
      hidden > 0 && `${grouped(hidden)} more: type part of a name.`,
    );
    if (focused) this.items.querySelector(`[data-model="${Number(focused)}"]`)?.focus();
  }

  item(model, full) {
    const slot = this.slots.get(model);
    const on = slot !== undefined;
    const box = el("input", { type: "checkbox", checked: on, disabled: full && !on, "data-model": model });
    box.addEventListener("change", () => this.toggle(model, box.checked));
    return el(
      "label",
      { class: isPinned(data.models[model].name) ? "pinned" : null },
      box,
      on ? swatch(slot) : null,
      outside(data.models[model].name),
    );
  }
}

/** The name of a model in links, with its revision if other models have this name. */
function modelText(model) {
  const { name, revision } = data.models[model];
  return shared.get(name) > 1 ? `${name}@${revision}` : name;
}

function swatch(slot) {
  return el("span", { class: `swatch slot-${slot}`, "aria-hidden": "true" }, GLYPHS[slot]);
}

/** Vega-Lite encodings for the color and shape of the chosen models, by the field `slot`. */
function slotScales() {
  const domain = [...SHAPES.keys()];
  const colors = {
    field: "slot",
    type: "nominal",
    legend: null,
    scale: { domain, range: domain.map((slot) => cssColor(`slot-${slot}`)) },
  };
  return { color: colors, shape: { field: "slot", type: "nominal", legend: null, scale: { domain, range: SHAPES } } };
}
