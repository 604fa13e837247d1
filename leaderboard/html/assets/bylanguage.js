// Scores on one task by language: a dot with an interval for each chosen model.

const DRAWN_SUBSETS = 40;
const WIDEST = 1000;

/** Titles of the subsets; the subsets' names if two titles would be equal. */
function subsetTitles(table) {
  const titles = table.subsets.map(subsetTitle);
  return new Set(titles).size === titles.length ? titles : table.subsets.map((subset) => subset.name);
}

function languageRows(table, chosen) {
  const titles = subsetTitles(table);
  const byModel = new Map(table.rows.map((row) => [row.model, row]));
  return table.subsets.flatMap((subset, i) =>
    chosen.map(([model, slot]) => {
      const row = byModel.get(model);
      return {
        subset,
        title: titles[i],
        model: data.models[model],
        slot,
        value: row.values[i],
        low: row.low[i],
        high: row.high[i],
      };
    }),
  );
}

function languageChart(table, chosen, available) {
  const width = Math.min(available, WIDEST);
  if (!chosen.length) return { empty: "Choose a model." };
  const rows = languageRows(table, chosen);
  const titles = new Set(subsetTitles(table).slice(0, DRAWN_SUBSETS));
  const values = rows
    .filter((row) => row.value !== null && titles.has(row.title))
    .map(({ title, model, slot, value, low, high }) => ({
      title,
      slot,
      value,
      low: low ?? value,
      high: high ?? value,
      tip: `${title}\n${model.name}\n${table.score} ${withInterval(value, low, high)}`,
    }));
  const undrawn = table.subsets.length - titles.size;
  return {
    label: `${table.task}, ${table.score}, by language, for ${chosen.length} models.`,
    spec: languageSpec(values, table, chosen.length, width),
    columns: [
      textColumn("subset", (row) => row.subset.name, { header: true }),
      textColumn("language", (row) => row.title),
      textColumn("model", (row) => row.model.name),
      numberColumn(table.score, (row) => row.value, score, { ascending: table.lower }),
      numberColumn("low", (row) => row.low, score),
      numberColumn("high", (row) => row.high, score),
      numberColumn("n", (row) => row.subset.n, grouped),
    ],
    rows,
    note: sentences(
      "Bars are 95 % intervals.",
      table.lower && "Lower is better.",
      undrawn > 0 && `The first ${DRAWN_SUBSETS} of ${grouped(table.subsets.length)} are drawn; all are in the table.`,
    ),
  };
}

function languageSpec(values, table, models, width) {
  const subsets = new Set(values.map((each) => each.title)).size;
  const lines = models * subsets;
  const y = {
    field: "title",
    type: "nominal",
    sort: null,
    title: null,
    axis: { labelLimit: width < 450 ? 110 : 240, ticks: false, domain: false, labelPadding: 8, labelFontSize: 13 },
  };
  const yOffset = { field: "slot", type: "nominal", sort: null };
  const { color, shape } = slotScales();
  const x = {
    field: "value",
    type: "quantitative",
    title: `${table.score}${table.lower ? " (lower is better)" : ""}`,
    scale: { zero: false, nice: true },
    axis: { tickCount: Math.max(3, Math.round(width / 110)), orient: "bottom" },
  };
  return {
    width,
    height: lines * (models > 2 ? 13 : 18) + subsets * 10 + 50,
    autosize: { type: "fit", contains: "padding" },
    data: { values },
    encoding: { y, yOffset },
    layer: [
      {
        mark: { type: "rule", strokeWidth: 1.75 },
        encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, color, tooltip: { field: "tip" } },
      },
      {
        mark: { type: "point", filled: true, opacity: 1, size: 65 },
        encoding: { x, color, shape, tooltip: { field: "tip" } },
      },
    ],
  };
}

function showLanguages(host) {
  const tables = data.tables.filter((table) => table.subsets.length > 1 && table.rows[0].values);
  if (!tables.length) return sayEmpty(host, "No task has scores for several languages.");
  const table = () => tables[Number(choice.field.value)];
  const chooser = new Chooser("Models", () => figure.change());
  const offer = () => {
    const withValues = table().rows.filter((row) => row.values);
    chooser.offer(withValues.map((row) => row.model));
  };
  const choice = select(
    "Task",
    tables.map((each, i) => [i, tableTitle(each)]),
    () => {
      offer();
      figure.change();
    },
  );
  choice.field.value = usual(tables, "Tatoeba");
  offer();
  const figure = new Figure(host, {
    title: "Score by language, with 95 % intervals",
    key: "languages",
    controls: [choice.label, chooser.node],
    make: (width) => languageChart(table(), chooser.chosen, width),
  });
  rememberField("languages.task", choice.field, "change");
  chooser.remember("languages.models");
}
