// Accuracy on held-out rows during training.

function trainingChart(chosen, available) {
  const width = Math.min(available, WIDEST);
  if (!chosen.length) return { empty: "Choose a checkpoint." };
  const rows = chosen.flatMap(([model, slot]) =>
    data.models[model].training.curve.map(([step, value]) => ({ model: data.models[model], slot, step, value })),
  );
  const values = rows.map(({ model, slot, step, value }) => ({
    slot,
    step,
    value,
    tip: `${model.name}\nstep ${grouped(step)}: ${score(value)}`,
  }));
  const x = { field: "step", type: "quantitative", title: "step", axis: { grid: false, tickCount: 6, tickMinStep: 1 } };
  const y = {
    field: "value",
    type: "quantitative",
    title: "accuracy on held-out rows",
    scale: { zero: false, padding: 8 },
  };
  const { color, shape } = slotScales();
  return {
    label: `Accuracy on held-out rows by training step, for ${chosen.length} checkpoints.`,
    spec: {
      width,
      height: Math.min(320, Math.max(230, width * 0.45)),
      autosize: { type: "fit", contains: "padding" },
      data: { values },
      layer: [
        { mark: { type: "line", strokeWidth: 1.75 }, encoding: { x, y, color } },
        {
          mark: { type: "point", filled: true, opacity: 1, size: 60 },
          encoding: { x, y, color, shape, tooltip: { field: "tip" } },
        },
      ],
    },
    columns: [
      textColumn("checkpoint", (row) => row.model.name, { header: true }),
      numberColumn("step", (row) => row.step, grouped, { ascending: true }),
      numberColumn("accuracy", (row) => row.value, score),
    ],
    rows,
    note: "The rows are held out of the training data; they are not a benchmark.",
  };
}

function trainedTable(trained) {
  const facts = [...new Set(trained.flatMap((model) => Object.keys(data.models[model].training.facts)))];
  const columns = facts.map((fact) =>
    textColumn(fact.replaceAll("_", " "), (model) => data.models[model].training.facts[fact] ?? ""),
  );
  return new DataTable({
    caption: "How the checkpoints were trained",
    key: "training",
    columns: [textColumn("checkpoint", (model) => data.models[model].name, { header: true }), ...columns],
    rows: trained,
  });
}

function showTraining(host) {
  const trained = [...data.models.keys()].filter((model) => data.models[model].training);
  if (!trained.length) return sayEmpty(host, "The results have no checkpoint from bitext-bench train.");
  const drawn = trained.filter((model) => data.models[model].training.curve.length);
  const chooser = new Chooser("Checkpoints", () => figure.change());
  chooser.offer(drawn, SLOTS);
  const figure = new Figure(host, {
    title: "Held-out accuracy by step",
    controls: [chooser.node],
    make: (width) => trainingChart(chooser.chosen, width),
    key: "training.chart",
  });
  chooser.remember("training.models");
  host.append(el("h3", {}, "How the checkpoints were trained"), trainedTable(trained).node);
}
