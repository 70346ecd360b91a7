// The theme follows the system until somebody chooses.

const root = document.documentElement;
const chosen = localStorage.getItem('theme');
if (chosen) root.dataset['theme'] = chosen;

export function toggleTheme(): void {
  const dark = root.dataset['theme'] ? root.dataset['theme'] === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset['theme'] = dark ? 'light' : 'dark';
  localStorage.setItem('theme', root.dataset['theme']);
  dispatchEvent(new Event('themechange'));
}
