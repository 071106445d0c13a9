// Arrow keys go from tab to tab, Home and End to the first and the last; the row of tabs is one stop of the Tab key. A tab
// that was clicked does not keep the keys: on it, the arrows mean what the tab makes of them.
(() => {
  const tabOf = event => event.target.closest?.('[role=tab]');
  const rowOf = tab => [...tab.closest('[role=tablist]').querySelectorAll('[role=tab]')];

  document.addEventListener('keydown', event => {
    const tab = tabOf(event);
    if (!tab || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rowOf(tab), at = row.indexOf(tab), last = row.length - 1;
    const next = row[{ArrowRight: at < last ? at + 1 : 0, ArrowLeft: at ? at - 1 : last, Home: 0, End: last}[event.key]];
    if (!next) return;
    event.preventDefault();
    next.click();
    next.focus();
  });
  document.addEventListener('focusin', event => {
    const tab = tabOf(event);
    if (tab) for (const other of rowOf(tab)) other.tabIndex = other === tab ? 0 : -1;
  });
  document.addEventListener('click', event => { if (event.detail) tabOf(event)?.blur(); });  // by a pointer
})();
