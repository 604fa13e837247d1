"use strict";
// Elements and text. Text from the data is always set as text, never parsed as HTML.

const data = JSON.parse(document.getElementById("data").textContent);

/** Make an element; false or null leaves an attribute out, true makes it empty. */
function el(tag, attributes, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/** Make an element of an SVG, as `el`. */
function svg(tag, attributes, ...children) {
  return build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Text from the data, isolated so that its direction does not affect the text around it. */
function outside(text, lang) {
  return el("bdi", { dir: "auto", lang }, text);
}

/** Format a score as `percent` in Python, which rounds halves up: 94.525 is 94.53. A missing score is a dash. */
function score(value) {
  if (value === null || value === undefined) return "–";
  return (Math.floor(Math.round(value * 1e6) / 1e4 + 0.5) / 100).toFixed(2);
}

function interval(low, high) {
  return low === null || low === undefined ? "" : `${score(low)}–${score(high)}`;
}

/** Format a score, with its interval if there is one. */
function withInterval(value, low, high) {
  return low === null || low === undefined ? score(value) : `${score(value)} (${interval(low, high)})`;
}

const inEnglish = new Intl.NumberFormat("en");

/** Format a number with thousands separators. */
function grouped(number) {
  return inEnglish.format(number);
}

/** Join the parts of a note; false and empty parts are left out. */
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

/** A title for a subset: the other language if one is English, else both languages, else the subset's name. */
function subsetTitle(subset) {
  const names = [...new Set(subset.languages)].map(languageName);
  const others = names.filter((name) => name !== "English");
  if (subset.languages.length === 2 && names.length === 2 && others.length === 1) return others[0];
  return names.length ? names.join(" – ") : subset.name;
}

/** Hide a section or its heading, and the link to it. */
function hideSection(id) {
  document.getElementById(id).hidden = true;
  document.querySelector(`nav a[href="#${id}"]`).hidden = true;
}

/** Write the reason into an empty section. */
function sayEmpty(host, ...parts) {
  host.append(el("p", { class: "empty" }, ...parts));
}

/** The index of the table to show first: the task's, else one whose name contains the task's, else the first. */
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
