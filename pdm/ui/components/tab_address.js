// The address says which tab is open (#canvas): so a reload opens it again, and Back and Forward go from tab to tab.
(() => {
  const KEPT = 'tab';  // what the browser keeps of it
  const rowOf = () => document.querySelector('#tabs [role=tablist]');
  const tabsOf = row => [...row.querySelectorAll('[role=tab]')];
  const nameOf = tab => tab.dataset.tabId;  // in any language
  const asked = () => decodeURIComponent(location.hash.slice(1));
  // Where an address leads that names none: a link to a picture or a mix to where it is painted, another to the tab that was
  // open when this browser was here last, and the first time to the first one.
  const linked = /[?&](picture|prototypes|seed)=/.test(location.search);
  const home = linked ? 'generate' : localStorage.getItem(KEPT);

  // Gradio builds the first tab and then the one that is opened, for which the first one's map would be drawn in vain: so its
  // configuration is told where the address leads.
  const components = window.gradio_config?.components ?? [];
  const built = [asked(), home].find(name => components.some(({type, props}) => type === 'tabitem' && props.id === name));
  const all = components.find(({props}) => props.elem_id === 'tabs');
  if (built && all) all.props.selected = built;

  // Open the tab that the address names, else the one where it leads.
  const follow = row => {
    const tabs = tabsOf(row), named = name => tabs.find(tab => nameOf(tab) === name);
    const tab = named(asked()) ?? named(home) ?? tabs[0];
    if (tab && tab.getAttribute('aria-selected') !== 'true') tab.click();
  };
  // Name the open tab in the address.
  const note = row => {
    const tabs = tabsOf(row), open = tabs.find(tab => tab.getAttribute('aria-selected') === 'true');
    if (open) localStorage.setItem(KEPT, nameOf(open));
    if (!open || nameOf(open) === (asked() || home || nameOf(tabs[0]))) return;
    history.pushState(null, '', `${location.pathname}${location.search}#${encodeURIComponent(nameOf(open))}`);
  };
  const waiting = new MutationObserver(() => {
    const row = rowOf();
    if (!row || !tabsOf(row).length) return;
    waiting.disconnect();
    follow(row);
    new MutationObserver(() => note(row)).observe(row, {subtree: true, attributeFilter: ['aria-selected']});
  });
  waiting.observe(document.documentElement, {childList: true, subtree: true});
  window.addEventListener('popstate', () => { const row = rowOf(); if (row) follow(row); });
})();
