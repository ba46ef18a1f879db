// Filters the gallery while you type; without scripts the form does the same on the server.
const form = document.querySelector(".filters");
const tiles = [...document.querySelectorAll(".tile")];
const shown = document.getElementById("shown");
const nothing = document.getElementById("nothing");
const reset = document.getElementById("reset");

function filter() {
  const words = form.q.value.toLowerCase().split(/\s+/).filter(Boolean);
  const family = form.family.value;
  const outcome = form.outcome.value;
  let count = 0;
  for (const tile of tiles) {
    const fits = (!family || tile.dataset.family === family) && (!outcome || tile.dataset.outcome === outcome)
      && words.every((word) => tile.dataset.text.includes(word));
    tile.hidden = !fits;
    count += fits ? 1 : 0;
  }
  shown.textContent = String(count);
  nothing.hidden = count > 0;
  reset.hidden = !(words.length || family || outcome);
  const query = new URLSearchParams(Object.entries({ q: form.q.value.trim(), family, outcome }).filter(([, value]) => value));
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
}

form.addEventListener("input", filter);
form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
reset.addEventListener("click", (event) => { event.preventDefault(); form.q.value = form.family.value = form.outcome.value = ""; filter(); form.q.focus(); });
