// What the Tab key reaches within `main`, and how that shows: the test presses, this takes notes.
"use strict";

(() => {
  const main = document.querySelector("main");
  const CANDIDATES = "a[href], button, input, select, textarea, summary, [tabindex]";
  const name = (element) => element.outerHTML.slice(0, 120);

  function isStop(element) {
    if (element.disabled || element.tabIndex < 0 || !element.checkVisibility({ visibilityProperty: true })) return false;
    if (element.type !== "radio" || element.checked) return true;
    const group = [...document.getElementsByName(element.name)];
    return !group.some((other) => other.checked) && group[0] === element;
  }

  function look(element) {
    const style = getComputedStyle(element);
    const outline = style.outlineStyle === "none" || style.outlineWidth === "0px" ? "" : style.outline;
    return [outline, style.boxShadow, style.borderColor, style.backgroundColor].join(" / ");
  }

  /* Who reads in lines or in columns never goes up and to the left. */
  function jumpsBack(one, next) {
    const from = one.getBoundingClientRect(), to = next.getBoundingClientRect();
    return to.bottom <= from.top && to.right <= from.left;
  }

  document.activeElement.blur();
  const stops = [...main.querySelectorAll(CANDIDATES)].filter(isStop);
  const atRest = new Map(stops.map((element) => [element, look(element)]));
  const reached = [];
  document.addEventListener("focusin", ({ target }) => {
    if (!atRest.has(target) || reached.includes(target)) return;
    reached.push(target);
    if (look(target) === atRest.get(target)) faults.push("focus does not show: " + name(target));
  });
  const faults = [];

  // As when the page has just come: the first Tab goes to its first stop, whatever has the focus.
  const top = document.createElement("span");
  top.tabIndex = -1;
  document.body.prepend(top);
  top.focus();
  top.remove();

  window.walk = {
    presses: 4 * stops.length + 10,  // a date has a stop for each of its parts
    isOver: () => !main.contains(document.activeElement),
    faults: () => [
      ...faults,
      ...(main.contains(document.activeElement) ? ["no way out of: " + name(document.activeElement)] : []),
      ...stops.filter((stop) => !reached.includes(stop)).map((stop) => "not reached: " + name(stop)),
      ...reached.slice(1).filter((stop, i) => stops.indexOf(stop) < stops.indexOf(reached[i])
        || jumpsBack(reached[i], stop)).map((stop) => "out of order: " + name(stop)),
    ],
  };
})();
