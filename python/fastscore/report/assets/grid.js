// A table that shows a page of its rows at a time, and sorts by any column.

// An element with attributes and children; texts are set as text, never as markup.
function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "path", "rect"].includes(tag);
  const element = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function markOf(model) {
  const [style, path] = model.mark;
  const mark = make("svg", { class: "mark", viewBox: "0 0 12 12", "aria-hidden": "true" });
  mark.append(make("path", { class: style, d: path }));
  return mark;
}

const ROWS_A_PAGE = 50;
let grids = 0;

class Grid {
  // columns: {head: [nodes], label, value: row => number|string|null, cell: row => node|string,
  // text: left-aligned}. detail: async row => node, shown below a row that is opened.
  constructor(columns, detail, caption) {
    this.columns = columns;
    this.detail = detail;
    this.name = `grid-${grids++}`;
    this.rows = [];
    this.page = 0;
    this.sorted = { column: 0, down: false };
    this.body = make("tbody");
    this.headers = columns.map((column, index) => this.header(column, index));
    this.position = make("span", { "aria-live": "polite" });
    this.back = this.button("Previous", () => this.turn(-1));
    this.forth = this.button("Next", () => this.turn(1));
    this.element = make("div", {},
      make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
        make("table", {}, make("thead", {}, make("tr", {}, ...this.headers)), this.body)),
      make("div", { class: "pager" }, this.back, this.forth, this.position));
    this.body.addEventListener("keydown", (event) => this.walk(event));
  }

  header(column, index) {
    const button = this.button("", () => this.sortBy(index));
    button.append(...column.head);
    button.setAttribute("aria-label", `Sort by ${column.label}`);
    return make("th", { scope: "col", class: column.text ? "text" : null }, button);
  }

  button(text, pressed) {
    const button = make("button", { type: "button" }, text);
    button.addEventListener("click", pressed);
    return button;
  }

  show(rows) {
    this.rows = [...rows];
    this.page = 0;
    this.sort();
  }

  sortBy(index) {
    const again = this.sorted.column === index;
    this.sorted = { column: index, down: again ? !this.sorted.down : index > 0 };
    this.page = 0;
    this.sort();
  }

  sort() {
    const { column, down } = this.sorted;
    const value = this.columns[column].value;
    const way = down ? -1 : 1;
    const keyed = this.rows.map((row) => [value(row), row]);
    // What is unknown comes last either way; equals keep the order of the items.
    keyed.sort(([a, first], [b, second]) => {
      if (a === null || b === null) return (a === null) - (b === null) || first.row - second.row;
      const order = a < b ? -1 : a > b ? 1 : 0;
      return way * order || first.row - second.row;
    });
    this.rows = keyed.map(([, row]) => row);
    this.headers.forEach((header, index) => {
      if (index === column) header.setAttribute("aria-sort", down ? "descending" : "ascending");
      else header.removeAttribute("aria-sort");
    });
    this.draw();
  }

  turn(pages) {
    this.page += pages;
    this.draw();
    this.element.scrollIntoView({ block: "nearest" });
    this.element.querySelector(".scroll").focus({ preventScroll: true });
  }

  draw() {
    const last = Math.max(0, Math.ceil(this.rows.length / ROWS_A_PAGE) - 1);
    this.page = Math.min(Math.max(this.page, 0), last);
    const start = this.page * ROWS_A_PAGE;
    const shown = this.rows.slice(start, start + ROWS_A_PAGE);
    this.body.replaceChildren(...shown.map((row) => this.line(row)));
    this.back.disabled = this.page === 0;
    this.forth.disabled = this.page === last;
    this.position.textContent = shown.length
      ? `${counted(start + 1)} to ${counted(start + shown.length)} of ${counted(this.rows.length)}`
      : "No items";
  }

  line(row) {
    const id = `${this.name}-${row.row}`;
    const open = this.button(`${row.id}`, () => this.toggle(row, open));
    open.className = "open-item";
    open.setAttribute("aria-expanded", "false");
    open.setAttribute("aria-controls", id);
    open.setAttribute("aria-label", `Item ${row.id}`);
    const cells = this.columns.map((column, index) =>
      make("td", { class: column.text ? "text" : null }, index === 0 ? open : column.cell(row)));
    return make("tr", {}, ...cells);
  }

  async toggle(row, button) {
    const line = button.closest("tr");
    const isOpen = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
    line.classList.toggle("is-open", !isOpen);
    if (isOpen) {
      line.nextElementSibling.remove();
      return;
    }
    const panel = make("div", { class: "panel" }, "Reading…");
    const cell = make("td", { class: "detail", colspan: this.columns.length }, panel);
    line.after(make("tr", { class: "opened", id: `${this.name}-${row.row}` }, cell));
    panel.replaceChildren(await this.detail(row));
  }

  // Arrow keys lead from item to item.
  walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.classList.contains("open-item")) return;
    const all = [...this.body.querySelectorAll(".open-item")];
    const next = all[all.indexOf(event.target) + step];
    if (next) next.focus();
    event.preventDefault();
  }
}

function counted(number) {
  return number.toLocaleString("en");
}
