// The key F keeps the picture that is looked at among the favourites: not while one types.
(() => {
  document.addEventListener('keydown', event => {
    const button = event.key.toLowerCase() === 'f' && document.querySelector('#keep-picture');
    if (!button?.offsetParent || button.disabled || event.repeat) return;  // Generate is not the tab that is open
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.('input, textarea, select, [contenteditable]')) return;
    button.click();
  });
})();
