// The reader's settings, which are in the URL's fragment, so that a link reproduces the view:
// #board=tatoeba&lang=fr,ja&pin=sentence-transformers/LaBSE&overview.sort=Tatoeba&at=overview. Defaults are left out.

const MOST_PINS = 6;
const chartData = data.chart;
const boards = chartData?.boards ?? [];
const listeners = [];
const controls = new Map(); // key -> a function that sets the control to a text of the link; "" is its default

const settings = { board: boards[0] ?? null, languages: boards[0]?.usual ?? [], pins: [], at: "", texts: {} };

/** Call `listener` after every change of the settings. */
function onSettings(listener) {
  listeners.push(listener);
}

/** Call `listener` after every change of the pinned models. */
function onPins(listener) {
  let known = settings.pins;
  onSettings(() => {
    if (known.join("\n") === settings.pins.join("\n")) return;
    known = settings.pins;
    listener(known);
  });
}

function changeSettings(changes) {
  Object.assign(settings, changes);
  writeFragment();
  for (const listener of listeners) listener(settings);
}

function writeFragment() {
  history.replaceState(null, "", fragment() || location.pathname + location.search);
}

/** Keep the state of a table or of any other control in the link. `set(text)` restores it, now and after a new link. */
function remember(key, set) {
  controls.set(key, set);
  if (!settings.texts[key]) return;
  set(settings.texts[key]);
  writeFragment(); // which has only the keys of known controls
}

function changeText(key, text) {
  if ((settings.texts[key] ?? "") === text) return;
  settings.texts = { ...settings.texts, [key]: text };
  writeFragment();
}

/** Keep what a field shows in the link; a choice is named by its text. `usual` is left out of the link. */
function rememberField(key, field, event, usual = fieldText(field)) {
  field.addEventListener(event, () => changeText(key, fieldText(field) === usual ? "" : fieldText(field)));
  remember(key, (text) => {
    const wanted = text || (usual ?? fieldText(field));
    if (wanted === fieldText(field)) return;
    if (field.options) field.selectedIndex = Math.max(0, [...field.options].findIndex((each) => each.text === wanted));
    else field.value = wanted;
    field.dispatchEvent(new Event(event));
  });
}

function fieldText(field) {
  return field.options ? (field.selectedOptions[0]?.text ?? "") : field.value;
}

/** Keep in the link that a part of the page is open. */
function rememberOpen(key, details) {
  details.addEventListener("toggle", () => changeText(key, details.open ? "open" : ""));
  remember(key, (text) => (details.open = text === "open"));
}

function isPinned(name) {
  return settings.pins.includes(name);
}

/** Pin or unpin a model by its name; the oldest pin gives way if there are too many. */
function togglePin(name) {
  const pins = isPinned(name) ? settings.pins.filter((each) => each !== name) : [...settings.pins, name];
  changeSettings({ pins: pins.slice(-MOST_PINS) });
}

function fragment() {
  const { board, languages, pins, at, texts } = settings;
  const parts = [];
  const add = (key, value) =>
    parts.push(`${encodeURIComponent(key)}=${encodeURIComponent(value).replaceAll("%2F", "/").replaceAll("%2C", ",")}`);
  if (board && board !== boards[0]) add("board", board.key);
  if (board && languages.join() !== board.usual.join()) add("lang", languages.join());
  for (const pin of pins) add("pin", pin);
  for (const key of controls.keys()) if (texts[key]) add(key, texts[key]);
  if (at) add("at", at);
  return parts.length ? `#${parts.join("&")}` : "";
}

/** Read the fragment; a plain one is a section, as in `#cost`. Unknown names are ignored. */
function readFragment() {
  const text = location.hash.slice(1);
  if (!text.includes("=")) return { at: document.getElementById(text) ? text : settings.at };
  const given = new URLSearchParams(text);
  const board = boards.find((each) => each.key === given.get("board")) ?? boards[0] ?? null;
  const known = new Set(board?.languages.map((language) => language.code));
  const languages = (given.get("lang") ?? "").split(",").filter((code) => known.has(code));
  return {
    board,
    languages: languages.length ? [...new Set(languages)] : (board?.usual ?? []),
    pins: given
      .getAll("pin")
      .filter((name) => modelNames.has(name))
      .slice(-MOST_PINS),
    at: document.getElementById(given.get("at") ?? "") ? given.get("at") : "",
    texts: Object.fromEntries(given),
  };
}

const modelNames = new Set([...data.models, ...(chartData?.models ?? [])].map((model) => model.name));
addEventListener("hashchange", () => {
  changeSettings(readFragment());
  for (const [key, set] of controls) set(settings.texts[key] ?? "");
});
