// The first section: the controls of the main chart, the best model of each size, and the table of all models.

const SUGGESTED = 8;

function showModels(host) {
  if (!boards.length) {
    for (const id of [host.id, "all-models"]) hideSection(id);
    return;
  }
  const title = el("h2", { id: `${host.id}-h` });
  const subtitle = el("p", { class: "subtitle" });
  const plot = el("div", { class: "main-chart" });
  const answers = el("div", { class: "answers" });
  const explorer = new Explorer(plot);
  const controls = [searchControl(explorer), boardControl(), languageControl()];
  const lead = el("div", { class: "lead" }, el("div", { class: "titles" }, title, subtitle), ...controls);
  const heading = document.getElementById("all-models");
  host.replaceChildren(lead, plot, answers, heading, el("p", { class: "note" }, TABLE_NOTE), modelTable().node);
  const update = () => {
    title.textContent = settings.board.question;
    const points = scorePoints();
    const scored = points.filter((point) => point.value !== null).length;
    subtitle.textContent = `${scoreTitle(chosenLanguages())}: ${grouped(scored)} models`;
    answers.replaceChildren(...bestOfSizes(points));
  };
  onSettings(update);
  update();
  explorer.draw();
}

const TABLE_NOTE =
  "Italics: published by MTEB, with the interval that n implies. MTEB does not record prompts. Published models have no rank.";

/** One of several, as buttons in a row. */
function boardControl() {
  const group = el("fieldset", { class: "segments" }, el("legend", {}, "Benchmark"));
  for (const board of boards) {
    const box = el("input", { type: "radio", name: "board", value: board.key });
    box.addEventListener("change", () => changeSettings({ board, languages: board.usual }));
    group.append(el("label", {}, box, el("span", {}, board.title)));
  }
  const check = () => (group.querySelector(`[value=${settings.board.key}]`).checked = true);
  onSettings(check);
  check();
  return group;
}

/** The languages of the board, and a line that says what they are, or why the last one stays chosen. */
function languageControl() {
  const about = el("p", { class: "about", role: "status" });
  const items = el("div", {});
  const group = el("fieldset", { class: "languages" }, el("legend", {}, "Your languages"), about, items);
  let board = null;
  const explain = (text) => {
    const said = text ?? `Only these ${aboutLanguages()}`;
    if (about.textContent !== said) about.textContent = said; // screen readers read every change
    about.classList.toggle("now", Boolean(text)); // on a phone, too
  };
  const update = () => {
    if (board !== settings.board) {
      board = settings.board;
      const last = (language) => language.code === MEAN_OF_ALL;
      const sorted = [...board.languages].sort((a, b) => last(a) - last(b) || byText.compare(a.name, b.name));
      items.replaceChildren(...sorted.map((language) => languageChip(language, explain)));
    }
    explain();
    for (const box of items.querySelectorAll("input")) box.checked = settings.languages.includes(box.value);
  };
  onSettings(update);
  update();
  return group;
}

/** Says which languages there are; goes on after "these" or "these languages". */
function aboutLanguages() {
  return `have ${settings.board.title} scores in this page. The score is the mean of the chosen ones.`;
}

function languageChip({ code, name }, explain) {
  const box = el("input", { type: "checkbox", value: code });
  box.addEventListener("change", () => {
    const last = !box.checked && settings.languages.length === 1 && code !== MEAN_OF_ALL;
    chooseLanguage(code, box.checked);
    if (last) explain(`${name} is the only chosen language: choose another one first.`);
  });
  return el("label", {}, box, el("span", {}, name));
}

/** The mean of all languages is chosen alone, and one language is always chosen. */
function chooseLanguage(code, on) {
  const others = settings.languages.filter((each) => each !== code && each !== MEAN_OF_ALL);
  let chosen = on ? [...others, code] : others;
  if (code === MEAN_OF_ALL) chosen = on ? [MEAN_OF_ALL] : settings.board.usual;
  if (!chosen.length) chosen = [code];
  const order = settings.board.languages.map((language) => language.code);
  changeSettings({ languages: chosen.sort((a, b) => order.indexOf(a) - order.indexOf(b)) });
}

/** A search field with the best models that fit. */
function searchControl(explorer) {
  const search = searchField("Find a model", () => update());
  search.field.placeholder = "Find a model";
  const list = el("ul", { class: "suggestions", hidden: true });
  const node = el("div", { class: "search" }, search.label, list);
  const fitting = () =>
    explorer.points
      .filter((point) => isNamed(point.model, search.field.value))
      .sort((a, b) => (b.value ?? -1) - (a.value ?? -1));
  const clear = () => {
    search.field.value = "";
    search.field.dispatchEvent(new Event("input"));
  };
  const pin = (name) => {
    clear();
    if (!isPinned(name)) togglePin(name);
    search.field.focus();
  };
  const update = () => {
    const words = search.field.value.trim();
    explorer.find(words);
    const found = words ? fitting().slice(0, SUGGESTED) : [];
    list.hidden = !words || !node.contains(document.activeElement);
    list.replaceChildren(...found.map((point) => suggestion(point, pin)));
    if (words && !found.length) list.append(el("li", { class: "none" }, "No model has this in its name."));
  };
  search.field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && list.querySelector("button")) list.querySelector("button").click();
    if (event.key === "ArrowDown") list.querySelector("button")?.focus();
    if (event.key === "Escape") clear();
  });
  node.addEventListener("focusin", () => list.hidden && update());
  node.addEventListener("focusout", (event) => (list.hidden ||= !node.contains(event.relatedTarget)));
  list.addEventListener("keydown", (event) => {
    const item = document.activeElement.parentNode;
    const next = { ArrowDown: item.nextElementSibling, ArrowUp: item.previousElementSibling }[event.key];
    if (event.key === "Escape") search.field.focus();
    next?.querySelector("button")?.focus();
    if (event.key.startsWith("Arrow")) event.preventDefault();
  });
  rememberField("find", search.field, "input");
  return node;
}

/** The pinned models, each with a button that unpins it. */
function pinList() {
  const list = el("div", { class: "pins", role: "group", "aria-label": "Pinned models" });
  const update = () => {
    const hint = el("span", {}, "Click a model to pin it: it is then marked in every chart and table.");
    list.replaceChildren(...(settings.pins.length ? settings.pins.map(pinChip) : [hint]));
  };
  onSettings(update);
  update();
  return list;
}

function suggestion(point, pin) {
  const button = el("button", { type: "button" }, outside(point.model.name), el("span", {}, score(point.value)));
  button.addEventListener("click", () => pin(point.model.name));
  return el("li", {}, button);
}

function pinChip(name) {
  const chip = el(
    "button",
    { type: "button", title: "Unpin", "aria-label": `Unpin ${name}` },
    outside(shortName(name)),
    el("span", { "aria-hidden": "true" }, "×"),
  );
  chip.addEventListener("click", () => togglePin(name));
  return chip;
}

/** The best model of each size, as buttons that pin it. */
function bestOfSizes(points) {
  return bestOfClasses(points).map(([name, best]) =>
    pinButton(
      best.model.name,
      el("span", { class: "size" }, `best, ${name}`),
      el("span", { class: "value" }, score(best.value)),
      el("span", { class: "who" }, outside(shortName(best.model.name))),
    ),
  );
}

/** A button that pins a model, or unpins it; one listener serves all of these buttons. */
function pinButton(name, ...content) {
  const pressed = String(isPinned(name));
  return el("button", { type: "button", class: "pin", "aria-pressed": pressed, title: "Pin", "data-pin": name }, ...content);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-pin]");
  if (button) togglePin(button.dataset.pin);
});

function modelTable() {
  const table = new DataTable({
    caption: "All models",
    key: "models",
    columns: modelColumns(),
    rows: ranked(),
    nameOf: (point) => point.model.name,
    published: (point) => !point.model.measured,
  });
  let [board, languages] = [settings.board, settings.languages];
  onSettings(() => {
    if (board === settings.board && languages === settings.languages) return;
    [board, languages] = [settings.board, settings.languages];
    setTimeout(() => {
      table.rows = ranked();
      table.setColumns(modelColumns());
    }); // after the chart is drawn
  });
  return table;
}

function ranked() {
  return scorePoints().sort((a, b) => (b.value ?? -1000) - (a.value ?? -1000));
}

function modelColumns() {
  const languages = chosenLanguages();
  const range = ({ low, high }) => interval(low, high);
  const plain = (label, value, range, more) => scoreColumn(label, [], false, value, range, more);
  const mean =
    languages.length > 1
      ? [
          plain("mean", (point) => point.value, range, {
            detail: `of ${languages.map((each) => each.code).join(", ")}`,
          }),
        ]
      : [];
  const each = languages.map((language) => {
    const own = new Map();
    const of = (point) => own.get(point) ?? own.set(point, meanOf(point.row, [language.sets])).get(point);
    return plain(
      language.name,
      (point) => of(point).value,
      (point) => range(of(point)),
      { detail: language.n.length > 1 ? `${language.n.length} sets` : `n = ${grouped(language.n[0])}` },
    );
  });
  return [
    {
      label: "model",
      header: true,
      value: (point) => point.model.name,
      cell: (point) => pinButton(point.model.name, outside(point.model.name)),
    },
    ...mean,
    ...each,
    numberColumn("parameters", (point) => point.model.parameters, millions, { ascending: true }),
    numberColumn("dimensions", (point) => point.model.dimensions, grouped, { ascending: true }),
    textColumn("released", (point) => point.model.released),
    textColumn("license", (point) => cut(point.model.license, 24)),
    textColumn("prompt", (point) => point.row.prompt),
    { label: "source", value: (point) => point.row.source, cell: (point) => sourceLink(point.row) },
  ];
}
