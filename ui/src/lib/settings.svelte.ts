// What readers have chosen for this browser. It never leaves it.

export interface Choices {
  theme: 'system' | 'light' | 'dark';
  density: 'comfortable' | 'compact';
  // An IANA name; empty for the browser's own.
  zone: string;
  clock: '24' | '12';
  // Whether single keys are shortcuts.
  keys: boolean;
}

const usual: Choices = { theme: 'system', density: 'comfortable', zone: '', clock: '24', keys: true };
const store = 'settings';
// Asking for it is slow, and every time that is written asks.
const system = Intl.DateTimeFormat().resolvedOptions().timeZone;
const root = document.documentElement;

function read(): Choices {
  try {
    const kept = JSON.parse(localStorage.getItem(store) ?? '{}') as Partial<Choices>;
    if (kept.zone) new Intl.DateTimeFormat(undefined, { timeZone: kept.zone }); // throws on what is none
    return { ...usual, ...kept };
  } catch {
    return { ...usual };
  }
}

class Settings {
  chosen = $state.raw<Choices>(read());

  // The zone that times are shown in.
  get zone(): string {
    return this.chosen.zone || system;
  }

  set(changes: Partial<Choices>): void {
    this.chosen = { ...this.chosen, ...changes };
    localStorage.setItem(store, JSON.stringify(this.chosen));
    this.apply();
  }

  apply(): void {
    if (this.chosen.theme === 'system') delete root.dataset['theme'];
    else root.dataset['theme'] = this.chosen.theme;
    dispatchEvent(new Event('themechange'));
  }

  toggleTheme(): void {
    const dark = this.chosen.theme === 'system' ? matchMedia('(prefers-color-scheme: dark)').matches : this.chosen.theme === 'dark';
    this.set({ theme: dark ? 'light' : 'dark' });
  }
}

export const settings = new Settings();
settings.apply();
