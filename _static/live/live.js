/* What the live figures share. `{live}` leaves a place for each figure; its script fills it. */
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

  // Elements

  function set(element, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value);
    }
    return element;
  }

  function html(tag, attributes = {}, ...children) {
    const element = set(document.createElement(tag), attributes);
    element.append(...children);
    return element;
  }

  function svg(tag, attributes = {}, ...children) {
    const element = set(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes);
    element.append(...children);
    return element;
  }

  const button = (text, onclick) => html("button", { type: "button", onclick }, text);

  function table(heads, rows, ...before) {
    const columns = heads.map((text) => html("th", { scope: "col" }, text));
    const head = html("thead", {}, html("tr", {}, ...columns));
    return html("table", {}, ...before, head, html("tbody", {}, ...rows));
  }

  let sliders = 0;
  /** A labeled slider. `text` puts a value in words, `move` is called with each new value. */
  function slider({ label, from, to, step, value, text, move }) {
    const id = `live-${++sliders}`;
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
    const name = html("label", { for: id }, label);
    const moved = (now) => {
      input.value = now;
      show();
    };
    return { element: html("div", { class: "live-slider" }, name, shown, input), set: moved };
  }

  /** A function that says words to screen readers, when nothing has changed for a moment. */
  function speaker(place) {
    const region = html("p", { class: "live-aloud", role: "status" });
    place.append(region);
    let timer;
    return (words) => {
      clearTimeout(timer);
      timer = setTimeout(() => (region.textContent = words), QUIET);
    };
  }

  // Drawings

  /** Draw now and whenever the place gets another width. */
  function fitted(place, draw) {
    let width = 0;
    const changed = () => {
      if (place.clientWidth === width) return;
      width = place.clientWidth;
      draw();
    };
    new ResizeObserver(changed).observe(place);
  }

  /** A line from a range of values to a range of pixels. */
  function scale([low, high], [from, to]) {
    return (value) => from + ((value - low) / (high - low)) * (to - from);
  }

  /** About so many round numbers within a range. */
  function ticks([low, high], count) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
    const first = Math.ceil(low / step - 1e-9);
    const length = Math.floor(high / step + 1e-9) - first + 1;
    return Array.from({ length }, (_, k) => Number(((first + k) * step).toPrecision(6)));
  }

  /** A number, with a minus that is one. */
  const written = (number) => String(number).replace("-", "\u2212");

  /** A drawing with axes: `x` and `y` have a range, a label and, if need be, ticks and a text. */
  function chart({ width, height, x, y }) {
    const box = { left: 46, right: width - 24, top: 24, bottom: height - 40 };
    const toX = scale(x.range, [box.left, box.right]);
    const toY = scale(y.range, [box.bottom, box.top]);
    const drawing = svg("svg", { width, height, "aria-hidden": "true" });
    const add = (tag, attributes, ...children) => {
      const element = svg(tag, attributes, ...children);
      drawing.append(element);
      return element;
    };
    const word = (text, x, y, side) =>
      add("text", { class: "live-axis", x, y, "text-anchor": side }, text);

    for (const tick of x.ticks ?? ticks(x.range, width / 90)) {
      word((x.text ?? written)(tick), toX(tick), box.bottom + 16, "middle");
    }
    for (const tick of y.ticks ?? ticks(y.range, 5)) {
      const at = toY(tick);
      add("line", { class: "live-grid", x1: box.left, x2: box.right, y1: at, y2: at });
      word((y.text ?? written)(tick), box.left - 6, at + 4, "end");
    }
    word(x.label, box.right, height - 6, "end");
    word(y.label, 0, 12, "start");

    /** What the attribute `d` of a line through points is. */
    const path = (points) => "M" + points.map(([a, b]) => `${toX(a)},${toY(b)}`).join("L");
    const line = (points, css) => add("path", { class: css, fill: "none", d: path(points) });

    /** Let a finger or a mouse move a point; for the keyboard there are sliders. */
    const draggable = (point, move) => {
      const toA = scale([box.left, box.right], x.range);
      const toB = scale([box.bottom, box.top], y.range);
      point.classList.add("live-point");
      point.addEventListener("pointerdown", (event) => point.setPointerCapture(event.pointerId));
      point.addEventListener("pointermove", (event) => {
        if (!point.hasPointerCapture(event.pointerId)) return;
        const corner = drawing.getBoundingClientRect();
        move(toA(event.clientX - corner.left), toB(event.clientY - corner.top));
      });
    };
    return { drawing, box, x: toX, y: toY, add, path, line, draggable };
  }

  /** Pieces of the lines on which f(x, y) has a level: where they cross the sides of triangles. */
  function contours(f, levels, xRange, yRange, size = 60) {
    const toX = scale([0, size], xRange);
    const toY = scale([0, size], yRange);
    const grid = Array.from({ length: (size + 1) ** 2 }, (_, k) => {
      const [x, y] = [toX(k % (size + 1)), toY(Math.floor(k / (size + 1)))];
      return { x, y, height: f(x, y) };
    });
    const pieces = [];
    const cross = (...corners) => {
      const sides = corners.map((a, k) => [a, corners[(k + 1) % 3]]);
      for (const level of levels) {
        const crossed = sides.filter(([a, b]) => a.height < level !== b.height < level);
        const points = crossed.map(([a, b]) => {
          const part = (level - a.height) / (b.height - a.height);
          return [a.x + part * (b.x - a.x), a.y + part * (b.y - a.y)];
        });
        if (points.length) pieces.push(points);
      }
    };
    for (let k = 0; k < size * (size + 1); k++) {
      const [a, b, c, d] = [k, k + 1, k + size + 1, k + size + 2].map((place) => grid[place]);
      if (k % (size + 1) === size) continue;
      cross(a, b, c);
      cross(b, d, c);
    }
    return pieces;
  }

  const limited = (value, [low, high]) => Math.min(high, Math.max(low, value));

  // Chance, the same each time

  /** Numbers in [0, 1) that a seed decides (mulberry32). */
  function chances(seed) {
    let state = seed | 0;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  /** A count of this mean. */
  function poisson(mean, chance) {
    const least = Math.exp(-mean);
    let count = 0;
    for (let product = chance(); product > least; product *= chance()) count++;
    return count;
  }

  return {
    mount,
    set,
    html,
    svg,
    button,
    table,
    slider,
    speaker,
    fitted,
    written,
    chart,
    contours,
    limited,
    chances,
    poisson,
  };
})();
