// A table that sorts by any column, by mouse or keyboard, and shows a long list in parts.

const FIRST_ROWS = 100;
const MORE_ROWS = 1000;
const REVERSED = ", reversed"; // in links
const byText = new Intl.Collator("en", { numeric: true });

/**
 * Columns are {label, detail, value, cell, numeric, ascending, header}: `value(row)` is the sort key, `cell(row)` is the
 * content of the cell, `ascending` means that smaller is better, and `header` marks the column with the row's name.
 */
class DataTable {
  constructor({ caption, columns, rows, key = "", reported = false, nameOf = null, published = () => false }) {
    this.rows = rows;
    this.nameOf = nameOf;
    this.published = published;
    this.keep = () => true;
    this.key = key; // in links
    this.limit = FIRST_ROWS;
    this.sort = null; // {label, again}; null keeps the given order
    this.body = el("tbody");
    this.head = el("tr");
    this.count = el("span", {});
    this.beyond = el("span", { hidden: true });
    this.more = el("button", { type: "button", class: "more" });
    this.more.addEventListener("click", () => {
      this.limit += MORE_ROWS;
      if (key) changeText(`${key}.rows`, String(this.limit));
      this.update();
    });
    const table = el("table", {}, el("caption", {}, caption), el("thead", {}, this.head), this.body);
    this.box = el("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": caption }, table);
    this.node = el(
      "div",
      { class: reported ? "table reported" : "table" },
      el("div", { class: "fold" }, this.box),
      el("p", { class: "count" }, this.count, this.beyond, this.more),
    );
    this.box.addEventListener("scroll", () => this.showFold(), { passive: true });
    new ResizeObserver(() => this.showFold()).observe(this.box);
    this.setColumns(columns);
    if (nameOf) this.followPins();
    if (key) this.followLink();
  }

  /** Keep the order and the number of rows in the link. */
  followLink() {
    remember(`${this.key}.sort`, (text) => {
      const again = text.endsWith(REVERSED);
      this.sort = text ? { label: again ? text.slice(0, -REVERSED.length) : text, again } : null;
      this.update();
    });
    remember(`${this.key}.rows`, (text) => {
      this.limit = Math.max(FIRST_ROWS, Number(text) || 0);
      this.update();
    });
  }

  /** Keep the rows of pinned models first; a table out of view is updated when it comes into view. */
  followPins() {
    let [stale, inView] = [false, false];
    const update = () => {
      if (stale && inView) {
        stale = false;
        this.update();
      }
    };
    onPins(() => {
      stale = true;
      setTimeout(update); // after the chart is drawn
    });
    new IntersectionObserver(
      (entries) => {
        inView = entries.at(-1).isIntersecting;
        update();
      },
      { rootMargin: "200px" },
    ).observe(this.node);
  }

  isPinned(row) {
    return this.nameOf !== null && isPinned(this.nameOf(row));
  }

  setColumns(columns) {
    this.columns = columns;
    this.made = new Map(); // row -> its element
    this.head.replaceChildren(...columns.map((column) => this.heading(column)));
    this.update();
    this.showFold();
  }

  heading(column) {
    const label = el(
      "button",
      { type: "button" },
      outside(column.label),
      el("span", { class: "arrow", "aria-hidden": "true" }),
    );
    label.addEventListener("click", () => this.sortBy(column));
    const kind = [column.numeric ? "n" : null, column.header ? "name" : null].filter(Boolean).join(" ");
    const detail = column.detail ? el("span", { class: "detail" }, column.detail) : null;
    return el("th", { scope: "col", class: kind || null }, label, detail);
  }

  /** Sort by a column, best or alphabetically first; the second time, in reverse. */
  sortBy({ label }) {
    const again = this.sort?.label === label && !this.sort.again;
    this.sort = { label, again };
    if (this.key) changeText(`${this.key}.sort`, again ? label + REVERSED : label);
    this.update();
  }

  /** The column that rows are sorted by; none if it is not shown, as without its language. */
  get sortColumn() {
    return this.sort && this.columns.find((column) => column.label === this.sort.label);
  }

  direction({ numeric, ascending }) {
    return Boolean(numeric && !ascending) === this.sort.again ? "ascending" : "descending";
  }

  filter(keep) {
    this.keep = keep;
    this.update();
  }

  update() {
    const kept = this.rows.filter(this.keep);
    const sorted = this.sorted(kept);
    const pinned = sorted.filter((row) => this.isPinned(row));
    const ordered = pinned.length ? [...pinned, ...sorted.filter((row) => !this.isPinned(row))] : sorted;
    const shown = ordered.slice(0, this.limit);
    this.showRows(shown);
    [...this.head.children].forEach((th, place) => {
      const column = this.columns[place];
      if (column === this.sortColumn) th.setAttribute("aria-sort", this.direction(column));
      else th.removeAttribute("aria-sort");
    });
    const left = kept.length - shown.length;
    const of = kept.length < this.rows.length ? ` of ${grouped(this.rows.length)}` : "";
    this.count.textContent = left
      ? `first ${grouped(shown.length)} of ${grouped(kept.length)} rows`
      : `${grouped(kept.length)}${of} ${this.rows.length === 1 ? "row" : "rows"}`;
    this.more.textContent = `Show ${grouped(Math.min(left, MORE_ROWS))} more`;
    this.more.hidden = !left;
  }

  /** Show the first rows at once, and the others after them: layout of many rows takes long. */
  showRows(rows) {
    clearTimeout(this.adding);
    const scrolled = this.box.isConnected && this.box.scrollTop > 0; // all at once, to stay in place
    const first = scrolled ? rows.length : FIRST_ROWS;
    this.body.replaceChildren(...rows.slice(0, first).map((row) => this.element(row)));
    const others = rows.slice(first);
    if (others.length) this.adding = setTimeout(() => this.body.append(...others.map((row) => this.element(row))));
  }

  /** Show the number of columns beyond the right edge of the box. */
  showFold() {
    const edge = this.box.getBoundingClientRect().right + 1;
    const hidden = [...this.head.children].filter((th) => th.getBoundingClientRect().right > edge).length;
    this.box.parentNode.classList.toggle("folded", hidden > 0);
    this.beyond.hidden = !hidden;
    this.beyond.textContent = `${grouped(hidden)} more ${hidden === 1 ? "column" : "columns"} to the right →`;
  }

  /** Sort rows; rows without a value are last in both directions, and rows with equal values keep their order. */
  sorted(rows) {
    const column = this.sortColumn;
    if (!column) return rows;
    const { value } = column;
    const sign = this.direction(column) === "ascending" ? 1 : -1;
    const keyed = rows.map((row) => [value(row), row]);
    const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : byText.compare(a, b));
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * compare(a, b);
    });
    return keyed.map(([, row]) => row);
  }

  element(row) {
    let made = this.made.get(row);
    if (!made) {
      made = el(
        "tr",
        {},
        ...this.columns.map((column) => {
          const cell = column.header
            ? el("th", { scope: "row", class: "name" })
            : el("td", { class: column.numeric ? "n" : null });
          cell.append(...[column.cell(row)].flat().filter(Boolean));
          return cell;
        }),
      );
      made.classList.toggle("published", this.published(row));
      this.made.set(row, made);
    }
    const pinned = this.isPinned(row);
    if (pinned !== made.classList.contains("pinned")) {
      made.classList.toggle("pinned", pinned);
      made.querySelector(".pin")?.setAttribute("aria-pressed", String(pinned));
    }
    return made;
  }
}

/** A column of plain text from the data. */
function textColumn(label, text, more = {}) {
  return { label, value: (row) => text(row) || null, cell: (row) => outside(text(row) || "–"), ...more };
}

function numberColumn(label, value, format, more = {}) {
  return { label, numeric: true, value, cell: (row) => (value(row) === null ? "–" : format(value(row))), ...more };
}

function sourceLink({ source, address }) {
  const text = outside(source);
  return address ? el("a", { href: address, rel: "noopener noreferrer" }, text) : text;
}

/** A column of scores: the best is bold, the second-best underlined; the interval is below. */
function scoreColumn(label, rows, lower, value, range, more = {}) {
  const clean = rows.filter((row) => !row.contamination); // only these can be best or second-best
  const levels = [...new Set(clean.map(value).filter((each) => each !== null))]
    .sort((a, b) => (lower ? a - b : b - a))
    .slice(0, 2);
  const cell = (row) => {
    const own = value(row);
    const mark = own === null || row.contamination ? null : ["strong", "u"][levels.indexOf(own)];
    const between = range ? range(row) : "";
    return [mark ? el(mark, {}, score(own)) : score(own), between ? el("span", { class: "interval" }, between) : ""];
  };
  return { label, numeric: true, ascending: lower, value, cell, ...more };
}
