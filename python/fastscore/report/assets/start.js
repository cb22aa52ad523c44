// Tables of items are filled when they come into view: a report opens without reading any.
const KINDS = { items: ItemExplorer, flips: FlipExplorer };

function setUpExplorers() {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      new KINDS[entry.target.dataset.kind](entry.target).open();
    }
  }, { rootMargin: "300px" });
  for (const place of document.querySelectorAll(".explorer")) seen.observe(place);
}

setUpTheme();
openForPrint();
if (report.tasks.length) setUpExplorers();
