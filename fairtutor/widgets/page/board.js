// A drawing in a panel. What carries data-pick can be clicked, and pressed with Enter
// or Space where it can have the focus; what carries data-drag can be pulled sideways.
// Everything is drawn in the kernel: the page only tells it what the hand does.

function number(text) {
  return Number.parseFloat(text);
}

function placeIn(svg, event) {
  // Where the pointer is, in the drawing's own pixels.
  const at = svg.createSVGPoint();
  at.x = event.clientX;
  at.y = event.clientY;
  return at.matrixTransform(svg.getScreenCTM().inverse());
}

function render({ model, el }) {
  el.classList.add("fairtutor-board");
  let dragged = null; // the name of what is pulled
  let waiting = null; // a place that the kernel has not been told yet
  let asked = false; // whether the kernel is drawing

  function draw() {
    const focused = el.contains(document.activeElement)
      ? document.activeElement.dataset.pick
      : undefined;
    el.innerHTML = model.get("value");
    if (focused !== undefined) {
      el.querySelector(`[data-pick="${CSS.escape(focused)}"]`)?.focus();
    }
    asked = false;
    tell();
  }

  function tell() {
    // One place at a time: the next one after the drawing of the last has come.
    if (waiting === null || asked) return;
    model.send({ act: "drag", name: waiting.name, place: waiting.place });
    waiting = null;
    asked = true;
  }

  function pick(target) {
    const picked = target.closest("[data-pick]");
    if (picked) model.send({ act: "pick", name: picked.dataset.pick });
  }

  el.addEventListener("click", (event) => pick(event.target));
  el.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    if (!event.target.closest("[data-pick]")) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab has uses of its own for these keys
    pick(event.target);
  });
  el.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest("[data-drag]");
    if (!handle) return;
    dragged = handle.dataset;
    el.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  el.addEventListener("pointermove", (event) => {
    if (dragged === null) return;
    const { x } = placeIn(el.querySelector("svg"), event);
    const [left, right] = [number(dragged.left), number(dragged.right)];
    const share = Math.min(1, Math.max(0, (x - left) / (right - left)));
    waiting = { name: dragged.drag, place: share };
    tell();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    el.addEventListener(end, () => (dragged = null));
  }
  model.on("change:value", draw);
  model.on("msg:custom", (message) => {
    // A place that changes nothing is not drawn again.
    if (message.act !== "told") return;
    asked = false;
    tell();
  });
  draw();
  return () => model.off("change:value", draw);
}

export default { render };
