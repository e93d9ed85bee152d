// Set every equation of the page with KaTeX. A wide one scrolls, by keyboard as well.
const macros = Object.fromEntries(
  ["user", "item", "coupon", "money"].map((name) => [`\\${name}`, `\\htmlClass{${name}}{#1}`]),
);

for (const math of document.querySelectorAll(".math")) {
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
  for (const equation of document.querySelectorAll("div.math > .equation")) {
    const wide = equation.scrollWidth > equation.clientWidth;
    for (const [name, value] of [["tabindex", "0"], ["role", "group"], ["aria-label", "Equation"]]) {
      if (wide) equation.setAttribute(name, value);
      else equation.removeAttribute(name);
    }
  }
}
document.fonts.ready.then(letWideOnesScroll);
addEventListener("resize", letWideOnesScroll);
