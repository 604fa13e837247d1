// The scores of the main chart: the mean over the reader's languages, for every model.

const MEAN_OF_ALL = "mean"; // stands for all languages, and is chosen alone

function chosenLanguages() {
  return settings.board.languages.filter((language) => settings.languages.includes(language.code));
}

/** The mean of some sets with the interval for independent sentences (Zou 2007); all null if a set is missing. */
function meanOf(row, groups) {
  let value = 0,
    below = 0,
    above = 0,
    bounded = true;
  for (const sets of groups) {
    for (const set of sets) {
      if (row.values[set] === null) return { value: null, low: null, high: null };
      const weight = 1 / groups.length / sets.length;
      value += weight * row.values[set];
      if (row.low[set] === null) bounded = false;
      below += (weight * (row.values[set] - row.low[set])) ** 2;
      above += (weight * (row.high[set] - row.values[set])) ** 2;
    }
  }
  return { value, low: bounded ? value - Math.sqrt(below) : null, high: bounded ? value + Math.sqrt(above) : null };
}

/** All models of the board: {model, row, value, low, high, missing}; those without a language have no value. */
function scorePoints() {
  const languages = chosenLanguages();
  return settings.board.rows.map((row) => {
    const mean = meanOf(
      row,
      languages.map((language) => language.sets),
    );
    const missing = languages.filter((language) => language.sets.some((set) => row.values[set] === null));
    return { model: chartData.models[row.model], row, missing, ...mean };
  });
}

/** The models that no smaller model equals or beats, by size, from the smallest model on. */
function bestBySize(points) {
  const sized = points.filter((point) => point.value !== null && point.model.parameters);
  sized.sort((a, b) => a.model.parameters - b.model.parameters || b.value - a.value);
  let best = -Infinity;
  return sized.filter((point) => point.value > best && ((best = point.value), true));
}

/** Whether a point is better than another; of equal scores a usual baseline, else the first by name, as in shown.py. */
function isBetter(point, other) {
  if (Math.abs(point.value - other.value) > 1e-8) return point.value > other.value;
  if (point.model.usual !== other.model.usual) return point.model.usual;
  return point.model.name.toLowerCase() < other.model.name.toLowerCase();
}

function bestOf(points) {
  const scored = points.filter((point) => point.value !== null);
  return scored.reduce((best, point) => (best === null || isBetter(point, best) ? point : best), null);
}

const SIZE_CLASSES = [
  ["under 50 M", 0, 5e7],
  ["50 to 150 M", 5e7, 1.5e8],
  ["150 to 400 M", 1.5e8, 4e8],
  ["400 M to 1 B", 4e8, 1e9],
  ["1 B or more", 1e9, Infinity],
];

/** The best model of each size class and the best service, as [name of the class, point]. */
function bestOfClasses(points) {
  const open = points.filter((point) => !point.model.service && point.model.parameters);
  const within = ([name, least, most]) => [
    name,
    bestOf(open.filter(({ model }) => model.parameters >= least && model.parameters < most)),
  ];
  const service = ["service only", bestOf(points.filter((point) => point.model.service))];
  return [...SIZE_CLASSES.map(within), service].filter(([, best]) => best !== null);
}

function languageTitle(languages) {
  if (languages.length === 1 && languages[0].code === MEAN_OF_ALL) return "mean of all 112 languages";
  const names = languages.map((language) => language.name);
  return names.length === 1 ? names[0] : `mean of ${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** The score of the board in some languages: "Tatoeba accuracy, Russian to English". */
function scoreTitle(languages) {
  const [only, ...others] = languages;
  if (only && !others.length && only.code !== MEAN_OF_ALL) return settings.board.single.replace("{}", only.name);
  return `${settings.board.score}, ${languageTitle(languages)}`;
}

/** The last part of a model's name, which is enough in a chart. */
function shortName(name) {
  return name.replace(/^[^/(]+\//, "");
}

function parametersText(model) {
  if (!model.parameters) return model.service ? "a service, size not public" : "size unknown";
  const count = model.parameters / 1e6;
  return count < 1000 ? `${Math.round(count)} M` : `${(count / 1000).toPrecision(2).replace(/\.0$/, "")} B`;
}
