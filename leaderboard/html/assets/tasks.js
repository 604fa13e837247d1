// The tables: the overview, one for each task and dataset, and published scores.

const SHOWN_SUBSETS = 12; // with more, a table shows only the mean until a language is chosen
const OVERVIEW = ["accuracy", "f1", "xsim", "xsimpp", "cosine_spearman"]; // retrieval, mining, xSIM, then similarity

function tableTitle(table) {
  const others = data.tables.filter((other) => other.task === table.task);
  if (others.length === 1) return table.task;
  const subsets = `${grouped(table.subsets.length)} ${table.subsets.length === 1 ? "subset" : "subsets"}`;
  return `${table.task} (${subsets}, ${others.indexOf(table) + 1} of ${others.length})`;
}

/** The number of models with each name; equal names are shown with their revisions. */
const shared = new Map();
for (const model of data.models) shared.set(model.name, (shared.get(model.name) ?? 0) + 1);

function modelColumn(of, contamination = () => "") {
  const cell = (row) => {
    const model = of(row);
    const revision = shared.get(model.name) > 1 ? el("span", { class: "detail" }, cut(model.revision, 12)) : null;
    const caveat = contamination(row) ? el("span", { class: "detail" }, `contamination: ${contamination(row)}`) : null;
    return [pinButton(model.name, outside(model.name)), revision, caveat];
  };
  return { label: "model", header: true, value: (row) => of(row).name, cell };
}

function meanColumn(table, label, rows, of, detail) {
  const value = (row) => of(row)?.mean ?? null;
  const range = (row) => {
    const ends = of(row)?.interval;
    return ends ? interval(ends[0], ends[1]) : "";
  };
  return scoreColumn(label, rows, table.lower, value, range, {
    detail: detail ?? (table.lower ? "lower is better" : ""),
  });
}

function overview() {
  const rows = [...data.models.keys()];
  const place = (table) => (OVERVIEW.indexOf(table.score) + OVERVIEW.length + 1) % (OVERVIEW.length + 1); // others last
  const first = data.tables.filter((table) => table.first).sort((a, b) => place(a) - place(b));
  const means = first.map((table) => {
    const own = new Map(table.rows.filter((row) => !row.contamination).map((row) => [row.model, row]));
    return meanColumn(
      table,
      table.task,
      rows,
      (model) => own.get(model),
      `${table.score}${table.lower ? ", lower is better" : ""} (${table.languages})`,
    );
  });
  const columns = [
    modelColumn((model) => data.models[model]),
    ...means,
    numberColumn("parameters", (model) => data.models[model].parameters, millions, { ascending: true }),
    numberColumn("dimensions", (model) => data.models[model].dimensions, grouped, { ascending: true }),
    numberColumn("sentences/s", (model) => data.models[model].speed?.per_second ?? null, grouped, {
      detail: "in the largest run",
    }),
  ];
  return new DataTable({
    caption: "Models measured here: mean of each task",
    key: "overview",
    columns,
    rows,
    nameOf: (model) => data.models[model].name,
  });
}

function taskColumns(table, language) {
  const single = table.subsets.length === 1;
  const fitting = table.subsets
    .map((subset, i) => [subset, i])
    .filter(([subset]) => !language || subset.languages.includes(language));
  const shown = fitting.length > SHOWN_SUBSETS && !language ? [] : fitting.slice(0, SHOWN_SUBSETS);
  const subsets = shown.map(([subset, i]) => {
    const value = (row) => row.values?.[i] ?? null;
    const range = (row) => (row.values ? interval(row.low[i], row.high[i]) : "");
    return scoreColumn(subset.name, table.rows, table.lower, value, range, {
      detail: `n = ${grouped(subset.n)}`,
    });
  });
  const rank = {
    label: "rank",
    value: (row) => row.rank,
    cell: (row) => (row.rank === null ? "–" : `${row.rank}${row.tied ? "=" : ""}`),
    numeric: true,
    ascending: true,
  };
  const mean = single
    ? []
    : [meanColumn(table, "mean", table.rows, (row) => row, `of ${grouped(table.subsets.length)} (${table.languages})`)];
  return {
    columns: [
      rank,
      modelColumn(
        (row) => data.models[row.model],
        (row) => row.contamination,
      ),
      ...mean,
      ...subsets,
    ],
    shown: shown.length,
    fitting: fitting.length,
  };
}

function columnsNote(table, { shown, fitting }, language) {
  return sentences(
    shown < fitting && language && `The first ${shown} of ${grouped(fitting)} subsets with ${languageName(language)}.`,
    shown < fitting && !language && `${grouped(fitting)} subsets: choose a language above to see its subsets.`,
    table.rows.some((row) => !row.values) && "For the lower ranks, this file has the means only.",
    table.rows.some((row) => row.contamination) && "Models whose training may have seen these sentences have no rank.",
  );
}

/**
 * A section with one table. `filter(fits, task, language)` returns whether the section is shown; `fits(name)` decides
 * for each model.
 */
function taskSection(table, place) {
  const title = tableTitle(table);
  const key = `task.${title}`;
  const own = new DataTable({
    caption: `${title}, ${table.score}`,
    key,
    columns: taskColumns(table, "").columns,
    rows: table.rows,
    nameOf: (row) => data.models[row.model].name,
  });
  const note = el("p", { class: "note" }, columnsNote(table, taskColumns(table, ""), ""));
  const apart = table.first
    ? null
    : el("p", { class: "note" }, "Different subsets or data: not comparable with the table above.");
  const heading = el(
    "h3",
    { id: `task-${place}` },
    outside(title),
    " ",
    el("span", { class: "score" }, table.score),
    table.lower ? el("span", { class: "badge" }, "lower is better") : null,
  );
  const others = table.reported.map((other) => reportedTable(other, `${key}.${other.metric}`));
  const node = el(
    "section",
    { class: "task", "aria-labelledby": `task-${place}` },
    heading,
    apart,
    note,
    own.node,
    ...others.map((other) => other.node),
  );
  let current = "";
  const filter = (fits, task, language) => {
    node.hidden =
      (task && task !== table.task) ||
      (language && !table.subsets.some((subset) => subset.languages.includes(language)));
    if (node.hidden) return false;
    if (language !== current) {
      current = language;
      const made = taskColumns(table, language);
      own.setColumns(made.columns);
      note.textContent = columnsNote(table, made, language);
    }
    own.filter((row) => fits(data.models[row.model].name));
    for (const other of others) other.filter(fits);
    return true;
  };
  return { node, filter };
}

/** A section of a task that only others measured; `filter` is as in `taskSection`. */
function publishedSection({ task, languages, reported }, place) {
  const others = reported.map((other) => reportedTable(other, `published.${task}.${other.metric}`));
  const id = `published-${place}`;
  const node = el(
    "section",
    { class: "task", "aria-labelledby": id },
    el("h3", { id }, outside(task)),
    ...others.map((other) => other.node),
  );
  const filter = (fits, wanted, language) => {
    node.hidden = Boolean((wanted && wanted !== task) || (language && !languages.includes(languageName(language))));
    if (!node.hidden) for (const other of others) other.filter(fits);
    return !node.hidden;
  };
  return { node, filter };
}

/** Scores that others published, as a table that is made when it is opened. */
function reportedTable({ metric, columns, rows }, key) {
  const source = (row) => [
    sourceLink(row),
    row.note ? el("span", { class: "detail" }, outside(row.note)) : null,
  ];
  const caption = `Reported by others, not measured here: ${metric}`;
  const make = () =>
    new DataTable({
      caption,
      key,
      rows,
      reported: true,
      nameOf: (row) => row.name,
      columns: [
        {
          label: "reported",
          header: true,
          value: (row) => row.name,
          cell: (row) => pinButton(row.name, outside(row.name)),
        },
        ...columns.map((column, i) => numberColumn(column, (row) => row.values[i], score)),
        { label: "source", value: (row) => row.source, cell: source },
      ],
    });
  const node = el("details", { class: "reported" }, el("summary", {}, `${caption} (${rows.length})`));
  let table = null;
  let keep = () => true;
  node.addEventListener("toggle", () => {
    if (table || !node.open) return;
    table = make();
    table.filter(keep);
    node.append(table.node);
  });
  rememberOpen(key, node);
  const filter = (fits) => {
    keep = (row) => fits(row.name);
    table?.filter(keep);
  };
  return { node, filter };
}
