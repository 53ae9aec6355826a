// Shows the values under the pointer, or at the epoch that the arrow keys chose. The page is complete without it.
"use strict";
{
  const data = JSON.parse(document.getElementById("curve-data").textContent);
  const label = document.createElement("div");
  label.className = "values";
  label.setAttribute("role", "status");
  label.hidden = true;
  document.body.append(label);

  const nearest = (epoch) =>
    data.epochs.reduce((best, other, at) =>
      Math.abs(other - epoch) < Math.abs(data.epochs[best] - epoch) ? at : best, 0);

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

  const position = (epoch) => data.left + (epoch - data.low) / (data.high - data.low) * data.width;

  const show = (svg, at, left, top) => {
    svg.dataset.at = at;
    const epoch = data.epochs[at];
    label.replaceChildren(line(`Epoch ${epoch}`), ...values(data.panels[svg.dataset.panel], at));
    label.hidden = false;
    const cursor = svg.querySelector(".cursor");
    cursor.setAttribute("x1", position(epoch));
    cursor.setAttribute("x2", position(epoch));
    cursor.classList.add("on");
    const room = document.documentElement.clientWidth - label.offsetWidth - 8;
    const beside = left + 16 > room ? left - label.offsetWidth - 16 : left + 16;
    label.style.left = `${Math.max(8, beside) + scrollX}px`;
    label.style.top = `${top + 12 + scrollY}px`;
  };

  const atPointer = (svg, event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * data.canvas;
    show(svg, nearest(data.low + (x - data.left) / data.width * (data.high - data.low)), event.clientX, event.clientY);
  };

  const atEpoch = (svg, at) => {
    const box = svg.getBoundingClientRect();
    const kept = Math.min(Math.max(at, 0), data.epochs.length - 1);
    show(svg, kept, box.left + position(data.epochs[kept]) / data.canvas * box.width, box.top + 12);
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

  for (const svg of data.epochs.length ? document.querySelectorAll("svg.curves") : []) {
    svg.addEventListener("pointermove", (event) => atPointer(svg, event));
    svg.addEventListener("pointerdown", (event) => atPointer(svg, event));
    svg.addEventListener("pointerleave", () => hide(svg));
    svg.addEventListener("focus", () => svg.matches(":focus-visible") && atEpoch(svg, Number(svg.dataset.at ?? Infinity)));
    svg.addEventListener("blur", () => hide(svg));
    svg.addEventListener("keydown", (event) => onKey(svg, event));
  }
}
