import { onMount } from 'svelte';
import { settings } from './settings.svelte';

type Keys = Record<string, () => unknown>;

// Keys typed into a field belong to the field; Escape leaves it.
function typing(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  if (!target.matches('input:not([type="checkbox"]), textarea, select, [contenteditable]')) return false;
  if (event.key === 'Escape') target.blur();
  return true;
}

// onKeys calls what belongs to a key while the component is shown. "g d" is g, then d within a second.
export function onKeys(keys: Keys): void {
  onMount(() => {
    let prefix = '';
    let at = 0;
    const pressed = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event) || document.querySelector('dialog[open]')) return;
      const key = prefix && event.timeStamp - at < 1000 ? `${prefix} ${event.key}` : event.key;
      prefix = event.key === 'g' ? 'g' : '';
      at = event.timeStamp;
      if (!settings.chosen.keys && event.key.length === 1) return;
      const act = keys[key];
      if (!act || act() === false) return;
      // Otherwise the key would be typed into the field that it has just focused.
      event.preventDefault();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  });
}
