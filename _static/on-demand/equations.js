// A wide equation scrolls, by keyboard as well.
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

document.fonts.ready.then(() => {
  letWideOnesScroll();
  addEventListener("resize", letWideOnesScroll);
  document.documentElement.dataset.equations = "laid out";
});
