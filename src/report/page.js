// Shows the values under the pointer. The page is complete without it.
"use strict";
{
  const data = JSON.parse(document.getElementById("curve-data").textContent);
  const label = document.createElement("div");
  label.className = "values";
  label.hidden = true;
  document.body.append(label);

  const nearestEpoch = (epoch) =>
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

  const show = (svg, event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * data.canvas;
    const share = (x - data.left) / data.width;
    const at = nearestEpoch(data.low + share * (data.high - data.low));
    const epoch = data.epochs[at];
    const panel = data.panels[svg.dataset.panel];
    const rows = data.heads
      .map((head, place) => ({ head, value: panel.means[place][at], shown: document.getElementById(`show-${place}`).checked }))
      .filter(({ value, shown }) => shown && value !== null)
      .sort((a, b) => b.value - a.value)
      .map(({ head, value }) => line(`${panel.percent ? value.toFixed(1) + " %" : value.toFixed(3)}  ${head.title}`, head.colour));
    label.replaceChildren(line(`Epoch ${epoch}`), ...rows);
    label.hidden = false;
    const cursor = svg.querySelector(".cursor");
    const place = data.left + (epoch - data.low) / (data.high - data.low) * data.width;
    cursor.setAttribute("x1", place);
    cursor.setAttribute("x2", place);
    cursor.classList.add("on");
    const room = document.documentElement.clientWidth - label.offsetWidth - 8;
    const beside = event.clientX + 16 > room ? event.clientX - label.offsetWidth - 16 : event.clientX + 16;
    label.style.left = `${Math.max(8, beside) + scrollX}px`;
    label.style.top = `${event.clientY + 12 + scrollY}px`;
  };

  const hide = (svg) => {
    label.hidden = true;
    svg.querySelector(".cursor").classList.remove("on");
  };

  for (const svg of data.epochs.length ? document.querySelectorAll("svg.curves") : []) {
    svg.addEventListener("pointermove", (event) => show(svg, event));
    svg.addEventListener("pointerdown", (event) => show(svg, event));
    svg.addEventListener("pointerleave", () => hide(svg));
  }
}
