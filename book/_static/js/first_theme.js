// Follow the system's light or dark from the first paint; a reader's own choice comes before it.
(() => {
  const root = document.documentElement.dataset;
  if (!root.mode) {
    root.mode = "auto";
    root.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
})();
