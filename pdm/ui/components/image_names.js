// Gradio's pictures lie in buttons without a name, which a screen reader could only call "button".
(() => {
  const name = () => {
    for (const button of document.querySelectorAll('.image-container button:not([aria-label])')) {
      if (!button.textContent.trim()) button.setAttribute('aria-label', 'Show the picture large');
    }
  };
  new MutationObserver(name).observe(document.documentElement, {childList: true, subtree: true});
})();
