// Shows the values under the pointer, or at the epoch that the arrow keys chose. The page is complete without it.
"use strict";
{
  const data = JSON.parse(document.getElementById("curve-data").textContent);
  const label = document.createElement("div");
  label.className = "values";
  label.setAttribute("role", "status");
  label.hidden = true;
  document.body.append(label);

  const nearest = ({ epochs }, epoch) =>
    epochs.reduce((best, other, at) => Math.abs(other - epoch) < Math.abs(epochs[best] - epoch) ? at : best, 0);

  const line = (text, colour) => {
    const row = document.createElement("div");
    if (colour) {
      const dot = document.createElement("i");
      dot.style.background = colour;
      row.append(dot);
    }
    row.append(text);
    return row;
  };

  const valueText = ({ percent, digits }, value, range) => {
    const text = range ? `${value.toFixed(digits)} (${range.map((end) => end.toFixed(digits)).join("–")})` : value.toFixed(digits);
    return percent ? `${text} %` : text;
  };

  const values = (panel, at) => data.heads
    .map((head, place) => ({ head, value: panel.means[place][at], range: panel.ranges[place][at], place }))
    .filter(({ value, place }) => value !== null && document.getElementById(`show-${place}`).checked)
    .sort((a, b) => b.value - a.value)
    .map(({ head, value, range }) => line(`${valueText(panel, value, range)}  ${head.title}`, head.colour));

  const panelOf = (svg) => data.panels[svg.dataset.panel];
  const position = ({ low, high }, epoch) => data.left + (epoch - low) / (high - low) * data.width;

  const show = (svg, at, left, top) => {
    svg.dataset.at = at;
    const panel = panelOf(svg);
    const epoch = panel.epochs[at];
    label.replaceChildren(line(`Epoch ${epoch}`), ...values(panel, at));
    label.hidden = false;
    const cursor = svg.querySelector(".cursor");
    cursor.setAttribute("x1", position(panel, epoch));
    cursor.setAttribute("x2", position(panel, epoch));
    cursor.classList.add("on");
    const room = document.documentElement.clientWidth - label.offsetWidth - 8;
    const beside = left + 16 > room ? left - label.offsetWidth - 16 : left + 16;
    label.style.left = `${Math.max(8, beside) + scrollX}px`;
    label.style.top = `${top + 12 + scrollY}px`;
  };

  const atPointer = (svg, event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * data.canvas;
    const panel = panelOf(svg);
    const epoch = panel.low + (x - data.left) / data.width * (panel.high - panel.low);
    show(svg, nearest(panel, epoch), event.clientX, event.clientY);
  };

  const atEpoch = (svg, at) => {
    const box = svg.getBoundingClientRect();
    const panel = panelOf(svg);
    const kept = Math.min(Math.max(at, 0), panel.epochs.length - 1);
    show(svg, kept, box.left + position(panel, panel.epochs[kept]) / data.canvas * box.width, box.top + 12);
  };

  const hide = (svg) => {
    label.hidden = true;
    svg.querySelector(".cursor").classList.remove("on");
  };

  const steps = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };
  const onKey = (svg, event) => {
    if (event.key === "Escape") hide(svg);
    if (!(event.key in steps)) return;
    event.preventDefault();
    atEpoch(svg, Number(svg.dataset.at ?? 0) + steps[event.key]);
  };

  for (const svg of document.querySelectorAll("svg.curves")) {
    if (!panelOf(svg).epochs.length) continue;
    svg.addEventListener("pointermove", (event) => atPointer(svg, event));
    svg.addEventListener("pointerdown", (event) => atPointer(svg, event));
    svg.addEventListener("pointerleave", () => hide(svg));
    svg.addEventListener("focus", () => svg.matches(":focus-visible") && atEpoch(svg, Number(svg.dataset.at ?? Infinity)));
    svg.addEventListener("blur", () => hide(svg));
    svg.addEventListener("keydown", (event) => onKey(svg, event));
  }
}
