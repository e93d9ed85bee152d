// Set every equation of the page with KaTeX, with pauses in which the page answers its reader.
// A wide one scrolls, by keyboard as well.
const macros = Object.fromEntries(
  ["user", "item", "coupon", "money"].map((name) => [`\\${name}`, `\\htmlClass{${name}}{#1}`]),
);

function setEquation(math) {
  const source = [...math.childNodes].find((node) => node.nodeType === 3 && node.data.trim());
  const equation = document.createElement("span");
  equation.className = "equation";
  katex.render(source.data.trim().replace(/^\\[([]|\\[)\]]$/g, ""), equation, {
    displayMode: math.tagName === "DIV",
    macros,
    strict: false,
    throwOnError: false,
    trust: true,
  });
  source.replaceWith(equation);
}

function letWideOnesScroll() {
  const equations = [...document.querySelectorAll("div.math > .equation")];
  const wide = equations.map((equation) => equation.scrollWidth > equation.clientWidth);
  equations.forEach((equation, k) => {
    for (const [name, value] of [["tabindex", "0"], ["role", "group"], ["aria-label", "Equation"]]) {
      if (wide[k]) equation.setAttribute(name, value);
      else equation.removeAttribute(name);
    }
  });
}

async function setAll() {
  let pause = performance.now() + 20;
  for (const math of document.querySelectorAll(".math")) {
    setEquation(math);
    if (performance.now() > pause) {
      await new Promise((resume) => setTimeout(resume));
      pause = performance.now() + 20;
    }
  }
  await document.fonts.ready;
  letWideOnesScroll();
  addEventListener("resize", letWideOnesScroll);
  document.documentElement.dataset.equations = "set";
}
setAll();
