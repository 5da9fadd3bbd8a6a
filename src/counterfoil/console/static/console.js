"use strict";
// What a page can do without: keys, choosing all rows, and pages that move by themselves.
(() => {
  const typing = (target) => target instanceof HTMLElement && target.matches("input, select, textarea");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
    if (typing(event.target)) return;
    if (event.key === "/") {
      const search = document.getElementById("search");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.key === "j" || event.key === "k") {
      const links = [...document.querySelectorAll("main tbody tr")].map((row) => row.querySelector("a")).filter(Boolean);
      const here = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
      const next = links[event.key === "j" ? here + 1 : Math.max(here - 1, 0)];
      if (next) { event.preventDefault(); next.focus(); }
    }
  });

  document.addEventListener("change", (event) => {
    if (!(event.target instanceof HTMLInputElement) || !event.target.matches("[data-all]")) return;
    for (const box of event.target.closest("table").querySelectorAll("tbody input[type=checkbox]")) {
      box.checked = event.target.checked;
    }
  });

  const live = document.querySelector("[data-live]");
  if (live && "EventSource" in window) {
    const state = document.getElementById("live-state");
    const source = new EventSource(live.dataset.live);
    source.onopen = () => { state.textContent = "live"; };
    // What comes was escaped by the server, like the page itself.
    source.onmessage = (event) => { live.innerHTML = JSON.parse(event.data); };
    source.onerror = () => {
      state.textContent = source.readyState === EventSource.CLOSED ? "no longer live; reload the page" : "trying again";
    };
    window.addEventListener("pagehide", () => source.close());
  }
})();
