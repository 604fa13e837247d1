// A heat map of language pairs: rows are source languages, columns are target languages.

const NUMBERED = 12; // with more languages, the cells are too small for numbers
const NARROWEST = 0.1; // points; the colors span at least this range

/** The languages of a table that has every pair of them in both directions; null for other tables. */
function matrixLanguages(table) {
  const pairs = new Map(table.subsets.map((subset, i) => [subset.languages.join(" "), i]));
  const codes = [...new Set(table.subsets.flatMap((subset) => subset.languages))];
  const whole = codes.length > 2 && pairs.size === codes.length * (codes.length - 1);
  return whole && table.rows[0].values && codes.every((a) => codes.every((b) => a === b || pairs.has(`${a} ${b}`)))
    ? { codes, pairs }
    : null;
}

function matrixRows(table, { codes, pairs }, row) {
  return codes.flatMap((source) =>
    codes
      .filter((target) => target !== source)
      .map((target) => {
        const i = pairs.get(`${source} ${target}`);
        return { source, target, n: table.subsets[i].n, value: row.values[i], low: row.low[i], high: row.high[i] };
      }),
  );
}

function matrixChart(table, languages, row, width) {
  const model = data.models[row.model];
  const rows = matrixRows(table, languages, row);
  const short = (code) => data.languages[code]?.[0] ?? code;
  const values = rows
    .filter(({ value }) => value !== null)
    .map(({ source, target, value, low, high, n }) => ({
      source: short(source),
      target: short(target),
      value,
      text: score(value),
      tip: [
        `${languageName(source)} → ${languageName(target)}`,
        `${table.score} ${withInterval(value, low, high)}, n = ${grouped(n)}`,
      ].join("\n"),
    }));
  return {
    label: `${table.task}, ${table.score}, ${model.name}: all pairs of ${languages.codes.length} languages.`,
    spec: matrixSpec(values, languages.codes.map(short), table, width),
    columns: [
      textColumn("from", (each) => languageName(each.source), { header: true }),
      textColumn("to", (each) => languageName(each.target)),
      numberColumn(table.score, (each) => each.value, score, { ascending: table.lower }),
      numberColumn("low", (each) => each.low, score),
      numberColumn("high", (each) => each.high, score),
    ],
    rows,
    note: sentences(
      "Rows: the language of the queries; columns: the language of the candidates.",
      table.lower && "Lower is better.",
      "The colors span the scores of this model.",
    ),
  };
}

/** The scores at the two ends of the color scale. */
function colorSpan(low, high) {
  if (high - low >= NARROWEST) return [low, high];
  return high + NARROWEST <= 100 ? [low, low + NARROWEST] : [high - NARROWEST, high];
}

function matrixSpec(values, languages, table, width) {
  const n = languages.length;
  const step = Math.max(3, Math.min(64, (Math.min(width, 900) - 110) / n));
  const tall = n > NUMBERED ? step : Math.min(step, 44);
  const numbered = n <= NUMBERED && step >= 34;
  const side = { type: "nominal", sort: languages, scale: { domain: languages } };
  const axis = { domain: false, ticks: false, labelPadding: 6, labelFontSize: n > 40 ? 8 : 13, labelOverlap: true };
  const [low, high] = ends(values, "value", (only) => [only, only]);
  const range = [cssColor("heat-0"), cssColor("heat-1"), cssColor("heat-2"), cssColor("heat-3")];
  const fill = {
    field: "value",
    type: "quantitative",
    scale: { domain: colorSpan(low, high), range, interpolate: "lab" },
    legend: {
      title: "%",
      tickCount: 5,
      gradientLength: Math.max(80, Math.min(240, n * tall - 20)),
      gradientThickness: 12,
    },
  };
  const cells = {
    mark: { type: "rect", stroke: cssColor("ground"), strokeWidth: n > 40 ? 0 : 1.5 },
    encoding: { color: fill, tooltip: { field: "tip" } },
  };
  // Black or white, depending on the color of the cell.
  const ink = { condition: { test: "luminance(scale('color', datum.value)) > 0.19", value: "#000" }, value: "#fff" };
  const numbers = {
    mark: { type: "text", fontSize: step < 44 ? 10.5 : 12 },
    encoding: { text: { field: "text" }, color: ink, tooltip: { field: "tip" } },
  };
  return {
    width: { step },
    height: { step: tall },
    data: { values },
    encoding: {
      x: { field: "target", ...side, title: "to", axis: { ...axis, orient: "top", labelAngle: n > 12 ? -90 : 0 } },
      y: { field: "source", ...side, title: "from", axis },
    },
    layer: numbered ? [cells, numbers] : [cells],
  };
}

function showMatrix(host) {
  const tables = data.tables
    .map((table) => ({ table, languages: matrixLanguages(table) }))
    .filter(({ languages }) => languages);
  if (!tables.length) return sayEmpty(host, "No task has scores for every pair of its languages; FLORES-200 would.");
  const chosen = () => tables[Number(task.field.value)];
  const rows = () => chosen().table.rows.filter((row) => row.values);
  const choosePinned = () => {
    const place = rows().findIndex((row) => data.models[row.model].name === settings.pins.at(-1));
    if (place >= 0) model.field.value = place;
    return place >= 0;
  };
  const fillModels = () => {
    const before = fieldText(model.field);
    const names = rows().map((row) => data.models[row.model].name);
    model.field.replaceChildren(...names.map((name, i) => el("option", { value: i, dir: "auto" }, name)));
    model.field.value = Math.max(0, names.indexOf(before));
    choosePinned();
  };
  const task = select(
    "Task",
    tables.map(({ table }, i) => [i, tableTitle(table)]),
    () => {
      fillModels();
      figure.change();
    },
  );
  const model = select("Model", [], () => figure.change());
  task.field.value = usual(
    tables.map(({ table }) => table),
    "FLORES-200",
  );
  fillModels();
  const figure = new Figure(host, {
    title: "Heat map of language pairs",
    key: "matrix",
    controls: [task.label, model.label],
    make: (width) => matrixChart(chosen().table, chosen().languages, rows()[Number(model.field.value)], width),
  });
  onPins(() => choosePinned() && figure.change());
  rememberField("matrix.task", task.field, "change");
  rememberField("matrix.model", model.field, "change", null);
}
