// The two tables of items: all of a task's, and those that candidate and base score differently.

function labelled(text, control, style = null) {
  return make("label", { class: style }, text, control);
}

function choose(options) {
  const select = make("select");
  for (const [value, text] of options) select.append(make("option", { value }, text));
  return select;
}

function later(action, milliseconds) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}

class Explorer {
  // place: the element to fill. filters: controls by name, beside task and search.
  constructor(place, filters) {
    this.place = place;
    this.filters = filters;
    this.task = choose(report.tasks.map((task, index) => [index, `${task.name} (${counted(task.n)})`]));
    this.search = make("input", { type: "search", placeholder: "number or text", spellcheck: "false" });
    this.status = make("p", { class: "status", role: "status" });
    this.table = make("div");
    const controls = make("div", { class: "controls" }, labelled("Task", this.task));
    for (const [name, control] of Object.entries(filters)) controls.append(labelled(name, control));
    controls.append(labelled("Search", this.search, "search"));
    place.replaceChildren(controls, this.status, this.table);
    this.search.addEventListener("input", later(() => this.filter(), 150));
    for (const control of Object.values(filters)) control.addEventListener("change", () => this.changed());
    this.task.addEventListener("change", () => this.open());
  }

  changed() {
    this.filter();
  }

  get taskIndex() {
    return Number(this.task.value);
  }

  // A new task has columns of its own. Another one may be asked for while this one is read.
  async open() {
    const asked = this.taskIndex;
    this.items = null;
    this.table.replaceChildren();
    this.status.textContent = "Reading…";
    try {
      const items = await itemsOf(asked);
      if (this.taskIndex !== asked) return;
      this.items = items;
      this.grid = new Grid(this.columns(), (item) => detailOf(asked, item), `Items of ${report.tasks[asked].name}`);
      this.order();
      this.table.replaceChildren(this.grid.element);
      await this.filter();
    } catch (error) {
      if (this.taskIndex === asked) this.status.textContent = error.message;
    }
  }

  order() {}

  async filter() {
    const asked = this.taskIndex;
    const wanted = this.search.value.trim().toLowerCase();
    const words = wanted ? await wordsOf(asked) : null;
    // Still read, or no longer what is asked for: who asked last filters.
    if (!this.items || this.taskIndex !== asked || this.search.value.trim().toLowerCase() !== wanted) return;
    const found = this.items.filter((item) => this.keeps(item)
      && (!wanted || String(item.id) === wanted || (words.get(item.row) ?? "").includes(wanted)));
    this.grid.show(found);
    this.status.textContent = this.says(found);
  }
}

// The score of a model on an item in the metric to look at first.
function first(taskIndex, item, model) {
  return item.said[model]?.scores[report.tasks[taskIndex].metrics[0]] ?? null;
}

function right(taskIndex, item, model) {
  const score = first(taskIndex, item, model);
  return score === null ? null : score >= 0.5;
}

function itemColumn() {
  return { head: ["item"], label: "item number", value: (item) => item.id, text: true };
}

function goldColumn() {
  return {
    head: ["right answer"],
    label: "right answer",
    value: (item) => item.gold[0],
    cell: (item) => item.gold.map(letter).join(", "),
    text: true,
  };
}

function chanceColumn(index, head) {
  const label = report.models[index].label;
  return {
    head: [head],
    label: `the chance that ${label} gives the right answer`,
    value: (item) => item.said[index]?.ofGold ?? null,
    cell: (item) => percent(item.said[index]?.ofGold),
  };
}

// A model's choice and whether it was right, in a shape as well as a colour.
function judged(taskIndex, item, index) {
  const one = item.said[index];
  const score = first(taskIndex, item, index);
  if (!one || score === null) return "n/a";
  const good = score >= 0.5;
  const { binary } = report.tasks[taskIndex];
  const sign = binary ? (good ? "✓" : "✗") : number(score);
  const chosen = item.gold && binary ? `${letter(one.chosen)} ` : "";
  return make("span", {}, chosen, make("span", { class: good ? "right" : "wrong" }, sign,
    make("span", { class: "hidden" }, binary ? (good ? " right" : " wrong") : "")));
}

class ItemExplorer extends Explorer {
  constructor(place) {
    const several = report.models.length > 1;
    const options = [["all", "all"], ["differ", "models differ"], ["right", several ? "all right" : "right"], ["wrong", several ? "all wrong" : "wrong"]];
    if (several) {
      report.models.forEach((model, index) => {
        options.push([`right-${index}`, `${model.label} right`], [`wrong-${index}`, `${model.label} wrong`]);
      });
    } else {
      options.splice(1, 1);
    }
    super(place, { Show: choose(options) });
  }

  columns() {
    const choices = this.items.some((item) => item.gold);
    const columns = [itemColumn()];
    if (choices) columns.push(goldColumn());
    report.models.forEach((model, index) => {
      columns.push({
        head: [markOf(model), model.label],
        label: `the score of ${model.label}`,
        value: (item) => first(this.taskIndex, item, index),
        cell: (item) => judged(this.taskIndex, item, index),
        text: true,
      });
      if (choices) columns.push(chanceColumn(index, "p(right)"));
    });
    return columns;
  }

  keeps(item) {
    const [what, index] = this.filters.Show.value.split("-");
    if (what === "all") return true;
    if (what === "differ") {
      return new Set(report.models.map((_, model) => first(this.taskIndex, item, model))).size > 1;
    }
    const asked = index === undefined ? report.models.map((_, model) => model) : [Number(index)];
    return asked.every((model) => right(this.taskIndex, item, model) === (what === "right"));
  }

  says(found) {
    const task = report.tasks[this.taskIndex];
    const judgedBy = task.binary ? task.metrics[0] : `${task.metrics[0]}, where 0.5 and more counts as right`;
    return `${counted(found.length)} of ${counted(this.items.length)} items, by ${judgedBy}.`;
  }
}

class FlipExplorer extends Explorer {
  constructor(place) {
    const candidates = report.models.slice(1).map((model, index) => [index + 1, model.label]);
    super(place, {
      Candidate: choose(candidates),
      Show: choose([["both", "lost and gained"], ["lost", "lost"], ["gained", "gained"]]),
    });
    this.task.value = String(report.mostFlips);
  }

  get candidate() {
    return Number(this.filters.Candidate.value);
  }

  // The columns name the candidate.
  changed() {
    this.open();
  }

  change(item) {
    const [base, other] = [0, this.candidate].map((model) => first(this.taskIndex, item, model));
    return base === null || other === null ? 0 : other - base;
  }

  shift(item) {
    const [base, other] = [0, this.candidate].map((model) => item.said[model]?.ofGold ?? null);
    return base === null || other === null ? null : other - base;
  }

  columns() {
    const choices = this.items.some((item) => item.gold);
    const of = (index) => ({
      head: [markOf(report.models[index]), report.models[index].label],
      label: `the score of ${report.models[index].label}`,
      value: (item) => first(this.taskIndex, item, index),
      cell: (item) => judged(this.taskIndex, item, index),
      text: true,
    });
    const columns = [itemColumn(), {
      head: ["change"],
      label: "change",
      value: (item) => this.change(item),
      cell: (item) => make("span", { class: this.change(item) > 0 ? "right" : "wrong" }, this.change(item) > 0 ? "▲ gained" : "▼ lost"),
      text: true,
    }];
    if (!choices) return [...columns, of(0), of(this.candidate)];
    return [...columns, goldColumn(), of(0), chanceColumn(0, "p(right)"), of(this.candidate), chanceColumn(this.candidate, "p(right)"), {
      head: ["shift"],
      label: "the shift of the right answer's share",
      value: (item) => this.shift(item),
      cell: (item) => (this.shift(item) === null ? "n/a" : `${this.shift(item) > 0 ? "+" : ""}${(this.shift(item) / 10).toFixed(1)}`),
    }];
  }

  // What moved most against the candidate comes first.
  order() {
    if (this.grid.columns.length > 4) this.grid.sorted = { column: this.grid.columns.length - 1, down: false };
  }

  keeps(item) {
    const change = this.change(item);
    return change !== 0 && ({ both: true, lost: change < 0, gained: change > 0 })[this.filters.Show.value];
  }

  says(found) {
    const lost = found.filter((item) => this.change(item) < 0).length;
    const task = report.tasks[this.taskIndex];
    return `${counted(lost)} lost and ${counted(found.length - lost)} gained of ${counted(this.items.length)} items, by ${task.metrics[0]}.`;
  }
}
