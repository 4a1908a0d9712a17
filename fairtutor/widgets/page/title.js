// A panel's title bar. When somebody uses the panel it asks the kernel for a sign of
// life, and says in words when none comes.

const PATIENCE = 3000; // milliseconds
const REST = 2000; // between two questions

function render({ model, el }) {
  const note = document.createElement("div");
  note.className = "fairtutor-lost";
  note.setAttribute("role", "alert");
  const title = document.createElement("div");
  el.append(title, note);
  const used = new AbortController();
  let timer = null;
  let last = 0;

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
    clearTimeout(timer);
    model.off("change:value", draw);
    model.off("msg:custom", answered);
  };
}

export default { render };
