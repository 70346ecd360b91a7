import { untrack } from 'svelte';

// reloading calls load now, and again when what moved() returns has moved: not more often than every
// so many milliseconds, but soon when it is urgent, and not while the page is hidden. Call it while a
// component is made.
export function reloading(load: () => Promise<unknown>, everyMilliseconds: number, moved: () => unknown, urgent: () => unknown = () => undefined): void {
  const soon = 100;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let loadedAt = 0;
  let late = false;

  const run = (): void => {
    timer = undefined;
    late = document.hidden;
    if (late) return;
    loadedAt = performance.now();
    void load();
  };
  const plan = (milliseconds: number): void => {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds);
  };
  $effect(() => {
    const shown = (): void => {
      if (late && !document.hidden) run();
    };
    document.addEventListener('visibilitychange', shown);
    return () => {
      document.removeEventListener('visibilitychange', shown);
      clearTimeout(timer);
    };
  });
  $effect(() => {
    urgent();
    untrack(() => (loadedAt ? plan(soon) : run()));
  });
  let first = true;
  $effect(() => {
    moved();
    if (!first && timer === undefined) plan(Math.max(soon, loadedAt + everyMilliseconds - performance.now()));
    first = false;
  });
}
