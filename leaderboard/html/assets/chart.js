// A figure: a chart, drawn when it comes into view, and a table of its numbers.

const SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross"];
const GLYPHS = ["●", "■", "▲", "◆", "▼", "✚"];
const SLOTS = SHAPES.length;

/** Run the library for the charts when the first one is drawn: until then it is text, so that the page opens sooner. */
function chartLibrary() {
  if (!window.vegaEmbed) {
    const held = document.getElementById("library");
    const script = el("script", {}, held.textContent);
    held.replaceWith(script);
  }
  return window.vegaEmbed;
}

function cssColor(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function chartStyle() {
  const text = {
    labelColor: cssColor("ink-2"),
    titleColor: cssColor("ink-2"),
    titleFontWeight: "normal",
    labelFontSize: 12,
    titleFontSize: 12,
  };
  return {
    background: "transparent",
    font: getComputedStyle(document.body).fontFamily,
    aria: false,
    view: { stroke: null },
    axis: {
      ...text,
      gridColor: cssColor("line"),
      domainColor: cssColor("line-2"),
      tickColor: cssColor("line-2"),
      titlePadding: 10,
    },
    legend: { ...text, gradientStrokeColor: cssColor("line-2") },
  };
}

/**
 * `key` is the figure's name in links. `make(width)` returns {label, spec, patch, drawn, columns, rows, note}:
 *   label: a description for screen readers;
 *   spec: a Vega-Lite specification; its field names never come from the data;
 *   patch: a function that changes the compiled Vega specification;
 *   drawn: a function to call after drawing;
 *   columns, rows: the table;
 *   note: a note below the chart.
 * Without data it returns {empty}, the reason.
 */
class Figure {
  constructor(host, { title, key, controls = [], make }) {
    this.make = make;
    this.chart = el("div", { class: "chart", role: "img" });
    this.note = el("p", { class: "note" });
    this.title = el("span", {}, title);
    this.table = el("details", {}, el("summary", {}, "As a table"));
    this.table.addEventListener("toggle", () => this.fillTable());
    rememberOpen(key, this.table);
    const bar = controls.length ? el("div", { class: "controls" }, ...controls) : null;
    this.node = el(
      "figure",
      {},
      el("figcaption", {}, this.title),
      bar,
      el("div", { class: "chart-box" }, this.chart),
      this.note,
      this.table,
    );
    host.append(this.node);
    this.width = 0;
    new IntersectionObserver(
      (entries) => {
        this.inView = entries.some((entry) => entry.isIntersecting);
        if (this.inView) this.draw();
      },
      { rootMargin: "300px" },
    ).observe(this.node);
    new ResizeObserver(() => this.draw()).observe(this.node);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.change());
  }

  /** Draw again, because the shown data have changed. */
  change() {
    this.width = 0;
    this.draw();
  }

  draw() {
    const width = Math.floor(this.node.clientWidth);
    if (!this.inView || !width || width === this.width) return;
    this.width = width;
    this.made = this.make(width);
    hideTip();
    this.note.textContent = this.made.note ?? this.made.empty ?? "";
    this.table.hidden = Boolean(this.made.empty);
    this.chart.hidden = Boolean(this.made.empty);
    this.fillTable();
    if (this.made.empty) return;
    this.chart.setAttribute("aria-label", `${this.made.label} The same numbers are in the table below.`);
    const options = {
      actions: false,
      ast: true, // interpret expressions: the page's policy forbids eval
      renderer: this.made.rows.length > 2500 ? "canvas" : "svg",
      config: chartStyle(),
      tooltip: showTip,
      patch: this.made.patch,
    };
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const target = el("div", {});
    chartLibrary()(target, this.made.spec, options).then((drawn) => {
      if (turn !== this.turn) return drawn.finalize(); // a newer drawing has begun
      this.drawn?.finalize();
      this.drawn = drawn;
      this.chart.replaceChildren(target);
      this.made.drawn?.(target);
    });
  }

  fillTable() {
    if (!this.table.open || !this.made?.columns || this.filled === this.made) return;
    this.filled = this.made;
    this.table.querySelector(".table")?.remove();
    const { columns, rows } = this.made;
    this.table.append(new DataTable({ caption: this.title.textContent, columns, rows }).node);
  }
}

const tip = document.getElementById("tip");

function hideTip() {
  tip.hidden = true;
}

/** Vega's tooltip handler: show the row's `tip` as plain text. */
function showTip(_handler, event, _item, value) {
  if (value === null || value === undefined || value === "") return hideTip();
  tip.classList.remove("card");
  tip.textContent = String(value);
  tip.hidden = false;
  const { clientX, clientY } = event.touches?.[0] ?? event;
  const { offsetWidth, offsetHeight } = tip;
  const below = clientY + 16 + offsetHeight < innerHeight;
  tip.style.left = `${Math.max(8, Math.min(clientX + 12, innerWidth - offsetWidth - 8))}px`;
  tip.style.top = `${below ? clientY + 16 : Math.max(8, clientY - offsetHeight - 12)}px`;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hideTip();
});
document.addEventListener("scroll", hideTip, { passive: true, capture: true });
