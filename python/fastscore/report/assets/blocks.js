// Blocks of data lie in the page as gzipped JSON in base64, and are read when they are needed.
const report = JSON.parse(document.getElementById("report").textContent);

const read = new Map();

function block(id) {
  if (!read.has(id)) read.set(id, decode(document.getElementById(id).textContent));
  return read.get(id);
}

async function decode(base64) {
  if (!("DecompressionStream" in window)) {
    throw new Error("This browser is too old to read the items: it lacks DecompressionStream.");
  }
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(plain).json();
}

// The items of a task as objects: what each model scored, chose, and gave the right answer.
const tasks = new Map();

function itemsOf(taskIndex) {
  if (!tasks.has(taskIndex)) tasks.set(taskIndex, makeItems(taskIndex));
  return tasks.get(taskIndex);
}

async function makeItems(taskIndex) {
  const task = report.tasks[taskIndex];
  const numbers = await block(`numbers-${taskIndex}`);
  return numbers.id.map((id, row) => {
    const gold = numbers.gold[row];
    const said = numbers.models.map((model) => {
      if (model === null || !(task.metrics[0] in model.scores)) return null;
      const chance = model.chance[row];
      return {
        scores: Object.fromEntries(
          Object.entries(model.scores).map(([metric, values]) => [metric, values[row]]),
        ),
        chosen: model.chosen[row],
        chance,
        ofGold: chance && gold ? gold.reduce((sum, choice) => sum + chance[choice], 0) : null,
      };
    });
    return { id, row, gold, said, block: numbers.block[row] };
  });
}

// The texts of an item, or null where they were not logged or left out.
async function textsOf(taskIndex, item) {
  if (!report.tasks[taskIndex].blocks.includes(item.block)) return null;
  return (await block(`texts-${taskIndex}-${item.block}`))[item.row] ?? null;
}

// All texts of a task by row, in lower case, for the search.
const searchable = new Map();

async function wordsOf(taskIndex) {
  if (!searchable.has(taskIndex)) {
    const words = new Map();
    for (const number of report.tasks[taskIndex].blocks) {
      const texts = await block(`texts-${taskIndex}-${number}`);
      for (const [row, text] of Object.entries(texts)) {
        words.set(Number(row), leaves(text).join("\n").toLowerCase());
      }
    }
    searchable.set(taskIndex, words);
  }
  return searchable.get(taskIndex);
}

function leaves(value) {
  if (typeof value === "string") return [value];
  return value && typeof value === "object" ? Object.values(value).flatMap(leaves) : [];
}
