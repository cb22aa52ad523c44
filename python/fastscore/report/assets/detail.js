// What is shown of an item below its row: prompt, choices with each model's chances, texts written.

function letter(choice) {
  return choice === null || choice === undefined ? "–" : choice < 26
    ? String.fromCharCode(65 + choice) : String(choice + 1);
}

function percent(thousandths) {
  if (thousandths === null || thousandths === undefined) return "n/a";
  return `${(thousandths / 10).toFixed(1)} %`;
}

async function detailOf(taskIndex, item) {
  const task = report.tasks[taskIndex];
  const texts = await textsOf(taskIndex, item);
  const parts = [];
  if (texts?.context?.length === 1) parts.push(textBlock("Prompt", texts.context[0]));
  if (item.gold) parts.push(heading("Choices, with their shares of probability"), ...choices(item, texts));
  if (texts?.gold) for (const gold of texts.gold) parts.push(textBlock("Right answer", gold));
  if (texts?.outputs) parts.push(...outputs(texts.outputs));
  if (!texts && task.hasTexts) parts.push(heading("The texts of this item were left out of this file."));
  if (task.metrics.length > 1) parts.push(heading("Scores"), scores(task, item));
  return make("div", {}, ...parts);
}

function heading(text) {
  return make("h4", {}, text);
}

function textBlock(title, text) {
  return make("div", {}, heading(title), make("pre", { tabindex: "0" }, text));
}

function choices(item, texts) {
  const n = Math.max(...item.said.map((one) => one?.chance?.length ?? 0), texts?.choices?.length ?? 0);
  return Array.from({ length: n }, (_, choice) => {
    // Where each choice has a prompt of its own, as in WinoGrande, they are read together.
    const ahead = texts?.context?.length > 1 ? texts.context[choice] : "";
    const text = `${ahead}${texts?.choices?.[choice] ?? ""}`.trim();
    const name = make("div", { class: "name" }, make("strong", {}, letter(choice)), ` ${text}`);
    const bars = report.models.map((model, index) => {
      const one = item.said[index];
      if (!one?.chance) return null;
      const chosen = one.chosen === choice ? make("strong", {}, "chose this") : null;
      return make("div", { class: "chance" },
        make("span", { class: "who", title: model.label }, markOf(model), make("span", { class: "label" }, model.label), chosen),
        bar(one.chance[choice], model.mark[0]),
        make("span", { class: "share" }, percent(one.chance[choice])));
    });
    const gold = item.gold.includes(choice);
    return make("div", { class: gold ? "choice gold" : "choice" }, name, ...bars);
  });
}

function bar(thousandths, style) {
  const drawing = make("svg", { class: "bar", viewBox: "0 0 1000 8", preserveAspectRatio: "none", "aria-hidden": "true" });
  drawing.append(make("rect", { class: "f-grid", width: "1000", height: "8" }),
    make("rect", { class: style, width: String(thousandths), height: "8" }));
  return drawing;
}

function outputs(ofModels) {
  return ofModels.flatMap((written, index) => (written ?? []).map((one, sample) => {
    const which = written.length > 1 ? `, sample ${sample + 1}` : "";
    const ended = one.outcome ?? (one.end === "length" ? "cut at the limit" : null);
    const part = textBlock(`${report.models[index].label}${which}${ended ? `: ${ended}` : ""}`, one.text || "(nothing)");
    for (const [filter, text] of Object.entries(one.extracted)) {
      part.append(textBlock(`Judged${filter === "none" ? "" : ` (${filter})`}`, text || "(nothing)"));
    }
    if (one.detail) part.append(textBlock("Said", one.detail));
    return part;
  }));
}

function scores(task, item) {
  const rows = report.models.map((model, index) => make("tr", {},
    make("th", { scope: "row" }, markOf(model), model.label),
    ...task.metrics.map((metric) => make("td", {}, number(item.said[index]?.scores[metric])))));
  const heads = task.metrics.map((metric) => make("th", { scope: "col" }, metric));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Scores of this item" },
    make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col", class: "text" }, "model"), ...heads)),
      make("tbody", {}, ...rows)));
}

function number(score) {
  if (score === null || score === undefined) return "n/a";
  return Number.isInteger(score) ? String(score) : score.toFixed(3);
}
