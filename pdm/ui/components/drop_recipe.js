// A picture dropped anywhere on the Generate tab goes where "Open a PNG" would send it.
(() => {
  const button = () => {
    const found = document.querySelector('#open-png');
    return found?.offsetParent ? found : null;  // Generate is the tab that is open
  };
  const inputOf = found => found.querySelector('input[type=file]') ?? found.parentElement.querySelector('input[type=file]');
  const brings = event => [...event.dataTransfer?.types ?? []].includes('Files');

  document.addEventListener('dragover', event => {
    if (!brings(event) || !button()) return;
    event.preventDefault();  // or the browser would open the file in place of the page
    document.documentElement.dataset.dropping = 'true';
  });
  const over = () => { delete document.documentElement.dataset.dropping; };
  document.addEventListener('dragleave', event => { if (!event.relatedTarget) over(); });
  document.addEventListener('drop', event => {
    over();
    const found = brings(event) && button(), input = found && inputOf(found);
    if (!input) return;
    event.preventDefault();
    const files = new DataTransfer();
    files.items.add(event.dataTransfer.files[0]);
    input.files = files.files;
    input.dispatchEvent(new Event('change', {bubbles: true}));
  });
})();
