// The drawer of tools under the map: open or closed as this browser left it.
(() => {
  const KEPT = 'drawer', page = document.documentElement;
  page.dataset.drawer = localStorage.getItem(KEPT) ?? '';

  document.addEventListener('click', event => {
    const handle = event.target.closest?.('#drawer');
    if (!handle) return;
    page.dataset.drawer = page.dataset.drawer ? '' : 'open';
    localStorage.setItem(KEPT, page.dataset.drawer);
    handle.setAttribute('aria-expanded', Boolean(page.dataset.drawer));
    if (page.dataset.drawer) handle.scrollIntoView({block: 'center'});
  });
})();
