/* What the live figures share. The directive {live} leaves a place for each; its script fills it. */
"use strict";

const live = (() => {
  const QUIET = 700; // milliseconds without a change before a change is said aloud

  /** Fill every place of a figure, instead of what stands there without JavaScript. */
  function mount(name, fill) {
    for (const place of document.querySelectorAll(`[data-live="${name}"]`)) {
      place.replaceChildren();
      fill(place);
    }
  }

  function builder(create) {
    return (tag, attributes = {}, ...children) => {
      const element = create(tag);
      for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
        else if (value !== undefined && value !== false) element.setAttribute(name, value);
      }
      element.append(...children);
      return element;
    };
  }
  const html = builder((tag) => document.createElement(tag));
  const svg = builder((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));

  let ids = 0;
  /** A labeled slider. `text` puts a value in words, `move` is called with each new value. */
  function slider({ label, from, to, step, value, text, move }) {
    const id = `live-${++ids}`;
    const shown = html("span", { class: "live-value", "aria-hidden": "true" });
    const input = html("input", { type: "range", id, min: from, max: to, step, value });
    const show = () => {
      shown.textContent = text(Number(input.value));
      input.setAttribute("aria-valuetext", shown.textContent);
    };
    input.addEventListener("input", () => {
      show();
      move(Number(input.value));
    });
    show();
    const element = html("div", { class: "live-slider" }, html("label", { for: id }, label), shown, input);
    const set = (now) => {
      input.value = now;
      show();
    };
    return { element, set };
  }

  /** A place that screen readers read aloud when it has changed, and then rested. */
  function speaker(place) {
    const region = html("p", { class: "live-aloud", role: "status" });
    place.append(region);
    let timer;
    return (words) => {
      clearTimeout(timer);
      timer = setTimeout(() => (region.textContent = words), QUIET);
    };
  }

  /** Draw now and whenever the place gets another width. */
  function fitted(place, draw) {
    let width = 0;
    new ResizeObserver(() => {
      if (place.clientWidth === width) return;
      width = place.clientWidth;
      draw();
    }).observe(place);
  }

  /** A line from a range of values to a range of pixels. */
  const scale = ([a, b], [from, to]) => (value) => from + ((value - a) / (b - a)) * (to - from);

  /** About `count` round numbers within a range. */
  function ticks([low, high], count = 5) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(6)));
  }

  /** A number with a minus sign of its own. */
  const written = (number) => String(number).replace("-", "\u2212");

  /** A drawing with axes: `x` and `y` say range, label and, if they matter, ticks and their text. */
  function chart({ width, height, x, y, left = 46 }) {
    const box = { left, right: width - 24, top: 24, bottom: height - 40 };
    const place = { x: scale(x.range, [box.left, box.right]), y: scale(y.range, [box.bottom, box.top]) };
    const drawing = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    const word = (text, attributes) => svg("text", { class: "live-axis", ...attributes }, text);
    for (const tick of x.ticks ?? ticks(x.range, width / 90)) {
      const at = place.x(tick);
      drawing.append(word((x.text ?? written)(tick), { x: at, y: box.bottom + 16, "text-anchor": "middle" }));
    }
    for (const tick of y.ticks ?? ticks(y.range, 5)) {
      const at = place.y(tick);
      drawing.append(
        svg("line", { class: "live-grid", x1: box.left, x2: box.right, y1: at, y2: at }),
        word((y.text ?? written)(tick), { x: box.left - 6, y: at + 4, "text-anchor": "end" }),
      );
    }
    drawing.append(
      word(x.label, { x: box.right, y: height - 6, "text-anchor": "end" }),
      word(y.label, { x: 0, y: 12 }),
    );
    const path = (points) => points.map(([a, b], k) => `${k ? "L" : "M"}${place.x(a)},${place.y(b)}`).join("");
    const line = (points, attributes) => drawing.append(svg("path", { fill: "none", d: path(points), ...attributes }));
    /** The values at a place on the screen, within the ranges. */
    const at = ({ clientX, clientY }) => {
      const { left: x0, top: y0 } = drawing.getBoundingClientRect();
      const within = ([low, high], value) => Math.min(high, Math.max(low, value));
      return [
        within(x.range, scale([box.left, box.right], x.range)(clientX - x0)),
        within(y.range, scale([box.bottom, box.top], y.range)(clientY - y0)),
      ];
    };
    return { drawing, box, ...place, line, at };
  }

  /** Let a finger or a mouse move a point of a chart; sliders do the same for the keyboard. */
  function draggable(point, chart, move) {
    point.classList.add("live-point");
    point.addEventListener("pointerdown", (event) => {
      point.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    point.addEventListener("pointermove", (event) => {
      if (point.hasPointerCapture(event.pointerId)) move(...chart.at(event));
    });
  }

  return { mount, html, svg, slider, speaker, fitted, chart, draggable, written };
})();
