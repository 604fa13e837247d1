// The error browser: missed sentences with the sentence that was chosen instead of the gold.

function languagesOf(miss) {
  const subset = data.tables
    .find((table) => table.task === miss.task)
    ?.subsets.find((each) => each.name === miss.subset);
  const codes = (subset?.languages ?? []).map((code) => data.languages[code]?.[0]?.split("_")[0]);
  return miss.direction === "backward" ? codes.reverse() : codes;
}

/** A column of sentences, marked with their language so that Han characters have the right glyphs. */
function sentenceColumn(label, side) {
  const cell = (miss) => outside(miss[label] ?? "–", languagesOf(miss)[side]);
  return { label, value: (miss) => miss[label] ?? null, cell };
}

function showErrors(host) {
  const misses = data.misses;
  if (!misses.length) {
    const command = el("code", {}, "bitext-bench leaderboard --format html --data DIR --output FILE");
    const how =
      "This page has no sentences. To add the missed sentences and their translations, pass the data of the results: ";
    return sayEmpty(host, how, command);
  }
  const distinct = (of) => [
    ["", "all"],
    ...[...new Set(misses.flatMap(of))].sort(byText.compare).map((each) => [each, each]),
  ];
  const apply = () => {
    const words = search.field.value.toLowerCase();
    const text = (miss) => [miss.source, miss.gold, miss.rival].join("\n").toLowerCase();
    table.filter(
      (miss) =>
        (!task.field.value || miss.task === task.field.value) &&
        (!model.field.value || miss.model === model.field.value) &&
        (!kind.field.value || miss.kinds.includes(kind.field.value)) &&
        (!words || text(miss).includes(words)),
    );
  };
  const search = searchField("Sentence", apply);
  const task = select(
    "Task",
    distinct((miss) => miss.task),
    apply,
  );
  const model = select(
    "Model",
    distinct((miss) => miss.model),
    apply,
  );
  const kind = select(
    "Kind",
    distinct((miss) => miss.kinds),
    apply,
  );
  const table = new DataTable({
    caption: "Misses: the sentence, its translation, and what the model chose instead",
    key: "errors",
    rows: misses,
    columns: [
      sentenceColumn("source", 0),
      sentenceColumn("gold", 1),
      sentenceColumn("rival", 1),
      numberColumn(
        "margin",
        (miss) => miss.margin,
        (margin) => margin.toFixed(3),
        { ascending: true },
      ),
      textColumn("kinds", (miss) => miss.kinds.join(", ")),
      textColumn("model", (miss) => miss.model),
      textColumn("task", (miss) => miss.task),
      {
        label: "subset",
        value: (miss) => miss.subset,
        cell: (miss) => [
          outside(miss.subset),
          el("span", { class: "detail" }, outside(`${miss.direction}, row ${miss.row}`)),
        ],
      },
    ],
  });
  table.node.classList.add("sentences");
  for (const [name, { field }] of Object.entries({ task, model, kind })) rememberField(`errors.${name}`, field, "change");
  rememberField("errors.find", search.field, "input");
  host.append(el("p", {}, data.missesNote));
  host.append(el("div", { class: "controls" }, search.label, task.label, model.label, kind.label), table.node);
}
