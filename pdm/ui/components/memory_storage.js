// Where a browser forbids the page to keep anything, as many do for a Space in a frame of the hub's page, what it would
// keep is kept in memory until it is left. Gradio reads `localStorage` as the page opens, and would break off there.
(() => {
  try {
    if (window.localStorage.length >= 0) return;
  } catch {
    // It is forbidden: below is what stands for it.
  }
  const kept = new Map();
  const storage = {
    getItem: key => kept.get(String(key)) ?? null,
    setItem: (key, value) => { kept.set(String(key), String(value)); },
    removeItem: key => { kept.delete(String(key)); },
    clear: () => kept.clear(),
    key: place => [...kept.keys()][place] ?? null,
    get length() { return kept.size; },
  };
  Object.defineProperty(window, 'localStorage', {value: storage, configurable: true});
})();
