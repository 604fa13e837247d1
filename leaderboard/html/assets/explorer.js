// The main chart with its interaction: hover, keyboard, click to pin.

const NEAR = 28; // pixels within which a point answers to the pointer

class Explorer {
  constructor(host) {
    this.said = el("output", { class: "visually-hidden", "aria-live": "polite" });
    this.box = el("div", { class: "plot" });
    this.note = el("p", { class: "note" });
    this.words = "";
    [this.points, this.marks, this.names] = [[], [], []]; // until the first drawing
    this.keys = chartKeys();
    host.append(this.keys, this.box, pinList(), this.note, this.said);
    new ResizeObserver(() => this.box.clientWidth !== this.width && this.draw()).observe(this.box);
    onSettings(() => this.draw());
  }

  draw() {
    this.width = this.box.clientWidth;
    if (!this.width) return;
    hideTip();
    this.points = scorePoints();
    const best = bestBySize(this.points);
    for (const point of best) point.best = true;
    this.frame = layout(this.points, this.width, chartHeight(this.box, this.width));
    placePoints(this.points, this.frame);
    const order = (point) => 4 * isPinned(point.model.name) + 2 * point.model.measured + Boolean(point.best);
    this.points.sort((a, b) => order(a) - order(b)); // the important ones on top
    this.marks = this.points.map(mark);
    this.halo = svg("g", { class: "halo" });
    const { width, height, narrow } = this.frame;
    const wanted = labeled(this.points).map((point) => pointLabel(point, narrow));
    const inside = { left: this.frame.left, right: width, top: 16, bottom: this.frame.bottom + 4 };
    const most = settings.pins.length + (narrow ? 9 : 20);
    this.names = placeLabels(wanted, this.points, inside, frontierBoxes(best, this.frame), most);
    for (const name of this.names) name.node = labelNode(name);
    const plot = svg(
      "svg",
      {
        viewBox: `0 0 ${width} ${height}`,
        width,
        height,
        tabindex: 0,
        role: "application",
        "aria-label": this.label(),
      },
      axes(this.frame),
      frontierPath(best, this.frame),
      svg("g", { class: "points" }, ...this.marks),
      this.halo,
      svg("g", { class: "labels" }, ...this.names.map((name) => name.node)),
    );
    plot.addEventListener("pointermove", (event) => this.point(event));
    plot.addEventListener("pointerleave", () => this.leave());
    plot.addEventListener("click", (event) => this.click(event));
    plot.addEventListener("keydown", (event) => this.key(event));
    const focused = this.box.contains(document.activeElement);
    this.box.replaceChildren(plot);
    if (focused) plot.focus({ preventScroll: true });
    this.current = focused && this.current ? this.points.find((each) => each.row === this.current.row) : null;
    if (this.current) this.show(this.current);
    this.find(this.words);
    this.note.textContent = this.aboutScales();
    this.keys.querySelector(".measured").hidden = !this.points.some((point) => point.model.measured);
  }

  label() {
    const { score } = settings.board;
    const scored = this.points.filter((point) => point.value !== null).length;
    return (
      `${score}, ${languageTitle(chosenLanguages())}, against the number of parameters: ${scored} models. ` +
      "Arrow keys move between models, Enter pins one. The table below has the same numbers."
    );
  }

  aboutScales() {
    const missing = this.points.filter((point) => point.value === null).length;
    return sentences(
      "Sizes are logarithmic, and so are errors: from 90 to 99 is as far as from 0 to 90.",
      this.frame.narrow && `Only the languages above ${aboutLanguages()}`,
      missing > 0 && `${grouped(missing)} of ${grouped(this.points.length)} models have no score in a chosen language.`,
    );
  }

  nearest(event) {
    const edge = this.box.firstChild.getBoundingClientRect();
    const [x, y] = [event.clientX - edge.left, event.clientY - edge.top];
    let found = null,
      least = NEAR;
    for (const point of this.points) {
      const away = Math.hypot(point.x - x, point.y - y) - (isPinned(point.model.name) ? 2 : 0);
      if (away < least) [found, least] = [point, away];
    }
    return found;
  }

  point(event) {
    const found = this.nearest(event);
    this.box.classList.toggle("over", Boolean(found));
    if (found) this.show(found);
    else this.leave();
  }

  click(event) {
    const found = this.nearest(event);
    if (!found) return;
    this.current = found;
    togglePin(found.model.name);
  }

  leave() {
    this.halo.replaceChildren();
    hideTip();
  }

  /** Show a model's interval and facts. */
  show(point) {
    this.current = point;
    const { x, y } = point;
    const ends = point.low === null ? [] : [point.low, point.high].map((end) => this.frame.y(Math.min(99.95, end)));
    const [low, high] = ends;
    const whisker = Math.abs(high - low) > 20 ? `M${x - 6},${low}h12M${x},${low}V${high}M${x - 6},${high}h12` : "";
    this.halo.replaceChildren(svg("path", { d: whisker }), svg("circle", { cx: x, cy: y, r: 9 }));
    const edge = this.box.firstChild.getBoundingClientRect();
    showCard(pointCard(point), edge.left + x, edge.top + y);
    this.said.textContent = `${point.model.name}: ${pointSaid(point)}`;
  }

  key(event) {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (event.key === "Escape") return this.leave();
    if ((event.key === "Enter" || event.key === " ") && this.current) {
      event.preventDefault();
      return togglePin(this.current.model.name);
    }
    if (!step) return;
    event.preventDefault();
    const across = event.key === "ArrowRight" || event.key === "ArrowLeft";
    const place = across ? (point) => point.x : (point) => -point.y;
    const ordered = [...this.points].sort((a, b) => place(a) - place(b));
    const start = this.current ? ordered.indexOf(this.current) + step : ordered.indexOf(bestOf(this.points));
    this.show(ordered[Math.max(0, Math.min(ordered.length - 1, start))]);
  }

  /** Emphasize the models whose name contains the words. */
  find(words) {
    this.words = words;
    this.box.classList.toggle("finding", Boolean(words));
    const mark = (node, model) => node.classList.toggle("hit", Boolean(words) && isNamed(model, words));
    this.points.forEach((point, i) => mark(this.marks[i], point.model));
    for (const { node, model } of this.names) mark(node, model);
  }
}

function chartKeys() {
  const key = (kind, text) => el("span", { class: `key ${kind}` }, text);
  return el(
    "p",
    { class: "legend" },
    key("measured", "measured here"),
    key("published", "published by MTEB"),
    key("frontier", "best at its size or below"),
  );
}

/** A height with which the chart fits into the window, if that is neither flat nor tall. */
function chartHeight(box, width) {
  const above = box.getBoundingClientRect().top + scrollY;
  const left = innerHeight - above - 46; // the pinned models are below
  return Math.round(width < NARROW ? Math.max(400, Math.min(440, left)) : Math.max(430, Math.min(600, left)));
}

function isNamed(model, words) {
  const name = model.name.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => name.includes(word));
}

function pointSaid(point) {
  if (point.value === null) return `no score in ${point.missing.map((language) => language.name).join(", ")}`;
  return `${withInterval(point.value, point.low, point.high)}, ${parametersText(point.model)}`;
}

function pointCard({ model, row, value, low, high, missing }) {
  const languages = chosenLanguages();
  const lines =
    languages.length < 2
      ? []
      : languages.map((language) => {
          const { value, low, high } = meanOf(row, [language.sets]);
          return el(
            "tr",
            {},
            el("td", {}, language.name),
            el("td", {}, score(value)),
            el("td", {}, interval(low, high)),
          );
        });
  const facts = [
    parametersText(model),
    model.dimensions && `${grouped(model.dimensions)} dimensions`,
    model.license,
    model.released.slice(0, 7),
  ];
  return [
    el("strong", {}, outside(model.name)),
    value === null
      ? el("p", {}, `No score in ${missing.map((language) => language.name).join(", ")}`)
      : el("p", { class: "figure" }, score(value), el("span", {}, low === null ? "" : `95 % ${interval(low, high)}`)),
    lines.length ? el("table", {}, el("tbody", {}, ...lines)) : null,
    el("p", {}, outside(facts.filter(Boolean).join(" · "))),
    el("p", {}, `${model.measured ? "measured here" : "published by MTEB"}; ${row.prompt}`),
  ];
}

/** Show a card beside a point of the window. */
function showCard(parts, x, y) {
  tip.replaceChildren(...parts.filter(Boolean));
  tip.classList.add("card");
  tip.hidden = false;
  const { offsetWidth, offsetHeight } = tip;
  const left = x + 20 + offsetWidth < innerWidth ? x + 20 : x - offsetWidth - 20;
  tip.style.left = `${Math.max(8, Math.min(left, innerWidth - offsetWidth - 8))}px`;
  tip.style.top = `${Math.max(8, Math.min(y - offsetHeight / 2, innerHeight - offsetHeight - 8))}px`;
}
