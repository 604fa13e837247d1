// The reader's settings, which are in the URL's fragment, so that a link reproduces the view:
// #board=tatoeba&lang=fr,ja&pin=sentence-transformers/LaBSE&at=overview. Defaults are left out.

const MOST_PINS = 6;
const chartData = data.chart;
const boards = chartData?.boards ?? [];
const listeners = [];

const settings = { board: boards[0] ?? null, languages: boards[0]?.usual ?? [], pins: [], at: "" };

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
  history.replaceState(null, "", fragment() || location.pathname + location.search);
  for (const listener of listeners) listener(settings);
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
  const { board, languages, pins, at } = settings;
  const parts = [];
  const add = (key, value) =>
    parts.push(`${key}=${encodeURIComponent(value).replaceAll("%2F", "/").replaceAll("%2C", ",")}`);
  if (board && board !== boards[0]) add("board", board.key);
  if (board && languages.join() !== board.usual.join()) add("lang", languages.join());
  for (const pin of pins) add("pin", pin);
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
  };
}

const modelNames = new Set([...data.models, ...(chartData?.models ?? [])].map((model) => model.name));
addEventListener("hashchange", () => changeSettings(readFragment()));
