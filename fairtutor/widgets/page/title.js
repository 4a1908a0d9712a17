// A panel's title bar. When somebody uses the panel it asks the kernel for a sign of
// life, and says in words when none comes. It also gives the panel's sliders their names,
// which ipywidgets shows beside them and does not tell a screen reader.

const PATIENCE = 3000; // milliseconds
const REST = 2000; // between two questions

function nameSliders(panel) {
  for (const slider of panel.querySelectorAll(".widget-slider")) {
    const handle = slider.querySelector(".noUi-handle");
    const name = slider.querySelector("label")?.textContent;
    const value = slider.querySelector(".widget-readout")?.textContent;
    if (!handle || !name) continue;
    if (handle.getAttribute("aria-label") !== name) {
      handle.setAttribute("aria-label", name);
    }
    if (value && handle.getAttribute("aria-valuetext") !== value) {
      handle.setAttribute("aria-valuetext", value);
    }
  }
}

function render({ model, el }) {
  const note = document.createElement("div");
  note.className = "fairtutor-lost";
  note.setAttribute("role", "alert");
  const title = document.createElement("div");
  el.append(title, note);
  const used = new AbortController();
  let timer = null;
  let last = 0;
  const named = new MutationObserver(() => nameSliders(named.panel));
  requestAnimationFrame(() => {
    named.panel = el.closest(".fairtutor-panel");
    if (!named.panel) return;
    nameSliders(named.panel);
    named.observe(named.panel, { childList: true, subtree: true, characterData: true });
  });

  function draw() {
    title.innerHTML = model.get("value");
  }

  function say(words) {
    note.textContent = words;
    note.hidden = words === "";
  }

  function ask(event) {
    const panel = el.closest(".fairtutor-panel");
    if (!panel || !panel.contains(event.target) || timer !== null) return;
    if (Date.now() - last < REST) return;
    last = Date.now();
    timer = setTimeout(() => {
      timer = null;
      say(model.get("silent"));
    }, PATIENCE);
    model.send({ act: "ask" });
  }

  function answered(message) {
    if (message.act !== "here") return;
    clearTimeout(timer);
    timer = null;
    say("");
  }

  for (const act of ["click", "keydown", "input"]) {
    document.addEventListener(act, ask, { capture: true, signal: used.signal });
  }
  model.on("change:value", draw);
  model.on("msg:custom", answered);
  draw();
  say("");
  return () => {
    used.abort();
    named.disconnect();
    clearTimeout(timer);
    model.off("change:value", draw);
    model.off("msg:custom", answered);
  };
}

export default { render };
