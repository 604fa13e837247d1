"use strict";
// Elements and text. Text from the data is only ever set as text: nothing of it is read as HTML.

const data = JSON.parse(document.getElementById("data").textContent);

/** Make an element; attributes that are false or null are left out, and true stands for an empty one. */
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Text from outside, which runs in its own direction and does not turn round what follows. */
function outside(text, lang) {
  return el("bdi", { dir: "auto", lang }, text);
}

/** A score as every other output of the project prints it; one that does not exist is a dash. */
function score(value) {
  return value === null || value === undefined ? "–" : value.toFixed(2);
}

function interval(low, high) {
  return low === null || low === undefined ? "" : `${score(low)}–${score(high)}`;
}

/** A score with its interval, where it has one. */
function withInterval(value, low, high) {
  return low === null || low === undefined ? score(value) : `${score(value)} (${interval(low, high)})`;
}

const inEnglish = new Intl.NumberFormat("en");

/** A number with its thousands apart. */
function grouped(number) {
  return inEnglish.format(number);
}

/** The parts of a note that there are, as one text. */
function sentences(...parts) {
  return parts.filter(Boolean).join(" ");
}

function millions(count) {
  return `${grouped(Math.round(count / 1e6))} M`;
}

function cut(text, length) {
  const characters = [...text];
  return characters.length > length ? `${characters.slice(0, length - 1).join("")}…` : text;
}

function languageName(code) {
  return data.languages[code]?.[1] ?? code;
}

/** What a subset is called for a reader: the other language where one is English, else both, else its own name. */
function subsetTitle(subset) {
  const names = [...new Set(subset.languages)].map(languageName);
  const others = names.filter((name) => name !== "English");
  if (subset.languages.length === 2 && names.length === 2 && others.length === 1) return others[0];
  return names.length ? names.join(" – ") : subset.name;
}

/** Say in a section why there is nothing in it. */
function sayEmpty(host, ...parts) {
  host.append(el("p", { class: "empty" }, ...parts));
}

/** Which of tables is shown first: the one of a task, in a larger or a smaller edition, or else the first. */
function usual(tables, task) {
  const exact = tables.findIndex((table) => table.task === task);
  return Math.max(0, exact < 0 ? tables.findIndex((table) => table.task.includes(task)) : exact);
}

/** A labeled <select>; choices are [value, text]. */
function select(label, choices, onChange) {
  const field = el("select", {});
  for (const [value, text] of choices) field.append(el("option", { value, dir: "auto" }, text));
  field.addEventListener("change", onChange);
  return { field, label: el("label", {}, `${label} `, field) };
}

function searchField(label, onInput) {
  const field = el("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  field.addEventListener("input", onInput);
  return { field, label: el("label", {}, `${label} `, field) };
}
