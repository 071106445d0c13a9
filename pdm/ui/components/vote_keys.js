// The arrow keys press the buttons that vote, where one may: not while one types, moves a slider or goes through tabs.
const BUTTONS = {ArrowLeft: 'vote-left', ArrowRight: 'vote-right', ArrowUp: 'vote-tie', ArrowDown: 'vote-both-bad'};
const OWN_KEYS = 'input, textarea, select, [role=tab], [role=listbox], [contenteditable]';

const vote = event => {
  const button = BUTTONS[event.key] && document.getElementById(BUTTONS[event.key]);
  if (!button?.offsetParent || button.disabled || event.repeat) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.target.closest(OWN_KEYS)) return;
  event.preventDefault();
  button.click();
};
document.addEventListener('keydown', vote);
