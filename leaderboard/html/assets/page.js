// Fill the page.

const at = (id) => document.getElementById(id);

/** Hide the sections of measured models, and the links to them. */
function hideMeasured() {
  for (const id of ["overview", "cost", "by-language", "matrix", "training", "errors"]) hideSection(id);
  at("filter-language").closest("label").hidden = true; // it has the languages of measured tables
}

function said() {
  if (!data.models.length) return `Published scores only; written by bitext-bench ${data.version}.`;
  const tasks = new Set(data.tables.map((table) => table.task)).size;
  const newest = data.newest ? `, the newest from ${data.newest.slice(0, 16).replace("T", " ")} UTC` : "";
  const models = `${grouped(data.models.length)} models on ${grouped(tasks)} tasks`;
  return `${models}, from ${grouped(data.results)} results${newest}; written by bitext-bench ${data.version}.`;
}

function showFilters(overviewTable, sections) {
  const [model, task, language] = ["model", "task", "language"].map((name) => at(`filter-${name}`));
  for (const name of new Set([...data.tables, ...data.published].map((table) => table.task)))
    task.append(el("option", { value: name, dir: "auto" }, name));
  const languages = Object.entries(data.languages).sort((a, b) => byText.compare(a[1][1], b[1][1]));
  for (const [code, [, name]] of languages) language.append(el("option", { value: code }, name));
  const apply = () => {
    const part = model.value.toLowerCase();
    const fits = (name) => name.toLowerCase().includes(part);
    overviewTable.filter((row) => fits(data.models[row].name));
    const tables = sections.filter((section) => section.filter(fits, task.value, language.value)).length;
    const left = data.models.filter((each) => fits(each.name)).length;
    const models = data.models.length ? `${grouped(left)} of ${grouped(data.models.length)} models, ` : "";
    const filtered = part || task.value || language.value;
    at("filtered").textContent = filtered ? `${models}${tables} of ${sections.length} task tables` : "";
  };
  for (const field of [model, task, language]) field.addEventListener("input", apply);
  for (const [name, field] of Object.entries({ model, task, language })) rememberField(`filter.${name}`, field, "input");
}

function showLeftOut(section) {
  section.hidden = !data.left.length;
  const rows = data.left.map(([file, reason]) => el("li", {}, outside(file), ": ", outside(reason)));
  section.append(el("ul", {}, ...rows));
}

at("made").textContent = said();
Object.assign(settings, readFragment());
showModels(at("models"));
const overviewTable = overview();
at("overview").append(overviewTable.node);
const sections = [...data.tables.map(taskSection), ...data.published.map(publishedSection)];
at("tasks").append(...sections.map((section) => section.node));
showCost(at("cost"));
showLanguages(at("by-language"));
showMatrix(at("matrix"));
showTraining(at("training"));
showErrors(at("errors"));
showLeftOut(at("left"));
showFilters(overviewTable, sections);
if (!data.models.length) hideMeasured();
