// Score against speed and against size, with the Pareto frontier as a line.

const MOST_FAR = 0.2; // at most this share of models is moved to the bottom, if this shortens the axis to a third
const FEW = 40; // with more points, only those on the frontier have names

function scored(table) {
  return table.rows.filter((row) => row.mean !== null);
}

/** The Pareto frontier: points that no other point dominates in score and cost; a lower cost is better. */
function frontier(points, lower) {
  const better = (a, b) => (lower ? a < b : a > b);
  const ordered = [...points].sort((a, b) => a.cost - b.cost || (lower ? a.y - b.y : b.y - a.y));
  let last = null;
  return ordered.filter((point) => {
    const leads = last === null || better(point.y, last.y) || (point.y === last.y && point.cost === last.cost);
    if (leads) last = point;
    return leads;
  });
}

/** The worst score on the axis; a few scores far below it are left out, because they would squeeze all others. */
function worstShown(points, lower) {
  const falling = points.map((point) => point.y).sort((a, b) => (lower ? a - b : b - a));
  const length = (n) => Math.abs(falling[n - 1] - falling[0]);
  let n = falling.length;
  const least = Math.max(2, Math.ceil(n * (1 - MOST_FAR)));
  for (let left = n - 1; left >= least; left--) if (3 * length(left) <= length(n)) n = left;
  return falling[n - 1];
}

/** Add names next to the points; Vega places them, and leaves out names that do not fit. */
function namePoints(specification, anchors) {
  specification.marks.push({
    type: "text",
    name: "names",
    from: { data: "points_marks" },
    interactive: false,
    encode: {
      enter: {
        text: { field: "datum.text" },
        font: { value: chartStyle().font },
        fill: { value: cssColor("ink") },
        fontSize: { value: 12 },
      },
    },
    transform: [
      {
        type: "label",
        size: { signal: "[width, height]" },
        anchor: anchors,
        offset: [5],
        avoidMarks: ["points_marks", "line_marks"],
        sort: { field: "datum.place" },
      },
    ],
  });
  return specification;
}

/** Hide names that still touch another name or a point: Vega only estimates the size of a name. */
function hideTouching(chart) {
  const box = (node, inset) => {
    const { left, right, top, bottom } = node.getBoundingClientRect();
    return { left: left + 1, right: right - 1, top: top + inset, bottom: bottom - inset };
  };
  const taken = [...chart.querySelectorAll(".points_marks path")].map((path) => box(path, 1));
  const names = [...chart.querySelectorAll(".names text")].filter((name) => name.textContent).reverse(); // the best first
  for (const name of names) {
    const own = box(name, 2); // the box of a line is taller than its letters
    if (taken.some((other) => touches(own, other))) name.remove();
    else taken.push(own);
  }
}

function costFigure(host, table, cost) {
  const make = (width) => costChart(table(), cost, width);
  return new Figure(host, { title: `Score against ${cost.what}`, key: `cost.${cost.what}`, make });
}

function costChart(table, cost, width) {
  const rows = scored(table);
  const points = rows
    .filter((row) => cost.of(data.models[row.model]))
    .map((row) => {
      const model = data.models[row.model];
      const x = cost.of(model);
      return {
        x,
        y: row.mean,
        cost: cost.sign * x,
        model,
        tip: `${model.name}\n${table.score} ${score(row.mean)}\n${cost.said(model)}`,
      };
    });
  if (!points.length) return { empty: `No model on ${table.task} has a recorded ${cost.what}.` };
  const best = new Set(frontier(points, table.lower));
  const length = width < 450 ? 24 : 34;
  const worst = worstShown(points, table.lower);
  for (const point of points) {
    point.far = table.lower ? point.y > worst : point.y < worst;
    point.shownY = point.far ? worst : point.y;
    point.best = best.has(point) ? "yes" : "no";
    point.mark = point.far ? "triangle-down" : point.best === "yes" ? "circle" : "diamond";
    point.pinned = isPinned(point.model.name) ? "yes" : "no";
    point.place = point.pinned === "yes" ? -1 : best.has(point) ? 0 : 1;
    point.text = point.place < 1 || points.length <= FEW ? cut(point.model.name.replace("local/", ""), length) : "";
    if (point.far && point.text) point.text += ` (${score(point.y)})`;
  }
  points.sort((a, b) => b.place - a.place); // draw the best on top
  const values = points.map(({ x, shownY: y, best, pinned, mark, place, text, tip }) => ({
    x,
    y,
    best,
    pinned,
    mark,
    place,
    text,
    tip,
  }));
  const far = points.filter((point) => point.far);
  const missing = rows.length - points.length;
  return {
    label: `Score against ${cost.what}, on ${table.task}: ${points.length} models.`,
    spec: costSpec(values, table, cost, width),
    drawn: hideTouching,
    patch: (specification) => namePoints(specification, cost.anchors),
    columns: [
      textColumn("model", (point) => point.model.name, { header: true }),
      numberColumn(table.score, (point) => point.y, score, { ascending: table.lower }),
      numberColumn(cost.name, (point) => point.x, cost.format, { ascending: cost.sign > 0 }),
      ...cost.columns,
      textColumn("on the line", (point) => point.best),
    ],
    rows: points,
    note: sentences(
      cost.frontier,
      points.length > FEW ? "Only these are named." : "Names that would overlap are left out.",
      table.lower && "The axis of the score is reversed: up is better.",
      far.length > 0 && `Triangles at the bottom have scores below the axis: ${farNames(far)}.`,
      missing && `${grouped(missing)} of ${grouped(rows.length)} models have no recorded ${cost.what}.`,
      cost.note,
    ),
  };
}

function farNames(points) {
  return points.map((point) => `${point.model.name} (${score(point.y)})`).join(", ");
}

/** The ends of an axis; `around` returns them for a single value. */
function ends(values, field, around) {
  const numbers = values.map((each) => each[field]);
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  return low === high ? around(low) : [low, high];
}

function costSpec(values, table, cost, width) {
  const xs = ends(values, "x", (only) => [only / 2, only * 2]);
  const ys = ends(values, "y", (only) => [only - 2, only + 2]);
  const x = {
    field: "x",
    type: "quantitative",
    title: cost.axis,
    scale: { type: "log", domain: xs, nice: false, padding: 24 },
    axis: { format: ".3~s", tickCount: 5, labelOverlap: "greedy", labelSeparation: 4, grid: false },
  };
  const y = {
    field: "y",
    type: "quantitative",
    title: `${table.task}, ${table.score}`,
    scale: { domain: ys, zero: false, nice: false, reverse: table.lower, padding: 16 },
    axis: { tickCount: 6 },
  };
  const best = "datum.best === 'yes'";
  const named = `${best} || datum.pinned === 'yes'`;
  const few = values.length <= FEW;
  const colors = {
    condition: [
      { test: "datum.pinned === 'yes'", value: cssColor("link") },
      { test: best, value: cssColor("ink") },
    ],
    value: cssColor("ink-3"),
  };
  const encoding = {
    x,
    y,
    color: colors,
    shape: { field: "mark", type: "nominal", scale: null },
    size: { condition: { test: "datum.pinned === 'yes'", value: 150 }, value: 70 },
    tooltip: { field: "tip" },
  };
  const point = { type: "point", filled: true, stroke: cssColor("ground"), strokeWidth: 1 };
  const others = { transform: [{ filter: `!(${named})` }], mark: { ...point, opacity: 0.55 }, encoding };
  return {
    width,
    height: Math.min(340, Math.max(260, width * 0.6)),
    autosize: { type: "fit", contains: "padding" },
    data: { values },
    layer: [
      ...(few ? [] : [others]),
      {
        name: "line",
        transform: [{ filter: best }],
        mark: { type: "line", interpolate: cost.step, strokeWidth: 1.5, color: cssColor("ink-3") },
        encoding: { x, y },
      },
      { name: "points", transform: few ? [] : [{ filter: named }], mark: { ...point, opacity: 1 }, encoding },
    ],
  };
}

const SPEED = {
  what: "speed",
  name: "sentences/s",
  axis: "sentences per second",
  sign: -1,
  anchors: ["top-right", "right", "top", "left", "bottom", "bottom-right", "top-left", "bottom-left"],
  step: "step-before", // a model also serves a lower required speed
  frontier: "A model on the line is better than all faster models.",
  of: (model) => model.speed?.per_second ?? null,
  said: (model) => `${grouped(model.speed.per_second)} sentences/s (${model.speed.machine})`,
  format: grouped,
  columns: [textColumn("measured on", (point) => point.model.speed.machine)],
  note: "Speeds on different machines are not comparable; the table names the machine.",
};

const SIZE = {
  what: "size",
  name: "parameters",
  axis: "parameters",
  sign: 1,
  anchors: ["top-left", "left", "top", "right", "bottom", "top-right", "bottom-left", "bottom-right"],
  step: "step-after",
  frontier: "A model on the line is better than all smaller models.",
  of: (model) => model.parameters,
  said: (model) => `${millions(model.parameters)} parameters`,
  format: millions,
  columns: [],
  note: "",
};

function showCost(host) {
  const tables = data.tables.filter((table) => table.first && scored(table).length);
  const figures = [];
  const choice = select(
    "Task",
    tables.map((table, i) => [i, table.task]),
    () => figures.forEach((figure) => figure.change()),
  );
  choice.field.value = usual(tables, "Tatoeba");
  const pair = el("div", { class: "pair" });
  host.append(el("div", { class: "controls" }, choice.label), pair);
  for (const cost of [SPEED, SIZE]) figures.push(costFigure(pair, () => tables[Number(choice.field.value)], cost));
  onPins(() => figures.forEach((figure) => figure.change()));
  rememberField("cost.task", choice.field, "change");
}
